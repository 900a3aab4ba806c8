//! How long feedback takes: the curve of Kaplan and Meier (1958) over what has arrived and what is still awaited.

/// One exposure: how long its feedback took, or how long it has been awaited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Delay {
    /// The feedback came after this long.
    Arrived(f64),
    /// It had not come after this long.
    Awaited(f64),
}

/// F(age): the share of exposures whose feedback has come by an age. Where some feedback never comes it stays below
/// 1; beyond the longest delay seen it stays what it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// Ages at which feedback came, ascending, with F from there on.
    steps: Vec<(f64, f64)>,
}

// === impl Curve ===

impl Curve {
    /// From exposures in any order; those with an age that is not a number are left out.
    #[must_use]
    pub fn fit(delays: impl IntoIterator<Item = Delay>) -> Self {
        Self::fit_counts(delays.into_iter().map(|delay| (delay, 1)))
    }

    /// The same where so many exposures are alike.
    #[must_use]
    pub fn fit_counts(delays: impl IntoIterator<Item = (Delay, u64)>) -> Self {
        let mut ages: Vec<(f64, u64, u64)> = delays
            .into_iter()
            .map(|(delay, count)| match delay {
                Delay::Arrived(age) => (age, count, 0),
                Delay::Awaited(age) => (age, 0, count),
            })
            .filter(|one| !one.0.is_nan())
            .collect();
        ages.sort_by(|left, right| left.0.total_cmp(&right.0));
        let mut left: u64 = ages.iter().map(|one| one.1 + one.2).sum();
        let (mut steps, mut missing) = (Vec::new(), 1.0);
        for alike in ages.chunk_by(|one, next| one.0 == next.0) {
            let arrived: u64 = alike.iter().map(|one| one.1).sum();
            if arrived > 0 {
                missing *= 1.0 - arrived as f64 / left as f64;
                steps.push((alike[0].0, 1.0 - missing));
            }
            left -= alike.iter().map(|one| one.1 + one.2).sum::<u64>();
        }
        Self { steps }
    }

    /// F(age).
    #[must_use]
    pub fn share(&self, age: f64) -> f64 {
        match self.steps.partition_point(|step| step.0 <= age) {
            0 => 0.0,
            after => self.steps[after - 1].1,
        }
    }
}
