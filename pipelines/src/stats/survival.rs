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
        let mut ages: Vec<(f64, bool)> = delays
            .into_iter()
            .map(|delay| match delay {
                Delay::Arrived(age) => (age, true),
                Delay::Awaited(age) => (age, false),
            })
            .filter(|(age, _)| !age.is_nan())
            .collect();
        ages.sort_by(|left, right| left.0.total_cmp(&right.0));
        let (mut steps, mut missing, mut index) = (Vec::new(), 1.0, 0);
        while index < ages.len() {
            let age = ages[index].0;
            let same = ages[index..].partition_point(|other| other.0 <= age);
            let arrived = ages[index..index + same].iter().filter(|one| one.1).count();
            if arrived > 0 {
                missing *= 1.0 - arrived as f64 / (ages.len() - index) as f64;
                steps.push((age, 1.0 - missing));
            }
            index += same;
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

    /// How many exposures those of these ages count for: n_eff = ΣF(age).
    #[must_use]
    pub fn effective(&self, ages: impl IntoIterator<Item = f64>) -> f64 {
        ages.into_iter().map(|age| self.share(age)).sum()
    }
}
