//! Two arms and the difference between them, in the form that every test of a difference takes.

/// What one arm shows of a goal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arm {
    /// Units of randomisation.
    pub units: u64,
    /// The estimate: a mean, a proportion, a ratio, a quantile.
    pub mean: f64,
    /// The variance of one unit: the estimate's own is this by `units`.
    pub variance: f64,
    /// The estimate before an adjustment, which relative differences are relative to.
    pub unadjusted: f64,
}

/// The difference between two arms, treatment − baseline, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The difference.
    pub value: f64,
    /// Its standard error; 0 means that nothing is known.
    pub se: f64,
    /// Units in both arms.
    pub units: u64,
    /// Degrees of freedom (Welch–Satterthwaite).
    pub dof: f64,
}

// === impl Arm ===

impl Arm {
    /// An arm without adjustment.
    #[must_use]
    pub fn plain(units: u64, mean: f64, variance: f64) -> Self {
        Self {
            units,
            mean,
            variance,
            unadjusted: mean,
        }
    }

    /// An arm of a binary goal: `hits` of `units`.
    #[must_use]
    pub fn proportion(hits: u64, units: u64) -> Self {
        if units == 0 {
            return Self::plain(0, 0.0, 0.0);
        }
        let share = hits.min(units) as f64 / units as f64;
        Self::plain(units, share, share * (1.0 - share))
    }

    /// The standard error of the estimate; 0 without units.
    #[must_use]
    pub fn se(&self) -> f64 {
        self.error().sqrt()
    }

    /// The variance of the estimate.
    fn error(&self) -> f64 {
        if self.units == 0 {
            return 0.0;
        }
        self.variance / self.units as f64
    }
}

// === impl Difference ===

impl Difference {
    /// Treatment − baseline.
    #[must_use]
    pub fn absolute(baseline: &Arm, treatment: &Arm) -> Self {
        Self::of(
            treatment.mean - baseline.mean,
            baseline.error() + treatment.error(),
            baseline,
            treatment,
        )
    }

    /// (treatment − baseline) / baseline, the variance by the delta method; `None` where the baseline is 0.
    #[must_use]
    pub fn relative(baseline: &Arm, treatment: &Arm) -> Option<Self> {
        let base = baseline.unadjusted;
        if base == 0.0 {
            return None;
        }
        let growth = treatment.unadjusted / base;
        let error = (treatment.error() + baseline.error() * growth * growth) / (base * base);
        let value = (treatment.mean - baseline.mean) / base.abs();
        Some(Self::of(value, error, baseline, treatment))
    }

    /// The difference over segments with different weights: each segment's own difference, weighted by its units,
    /// which is the (stabilised) inverse-propensity difference. Comparing within segments only is what keeps a change
    /// of weights, with a change of load or hour, from looking like a difference. `None` where no segment has both
    /// arms.
    #[must_use]
    pub fn stratified(segments: &[Self]) -> Option<Self> {
        let known = || segments.iter().filter(|one| one.se > 0.0);
        let units: u64 = known().map(|one| one.units).sum();
        if units == 0 {
            return None;
        }
        let (mut value, mut error, mut below) = (0.0, 0.0, 0.0);
        for one in known() {
            let share = one.units as f64 / units as f64;
            let part = (share * one.se).powi(2);
            value += share * one.value;
            error += part;
            below += part * part / one.dof;
        }
        Some(Self {
            value,
            se: error.sqrt(),
            units,
            dof: freedom(error, below, units),
        })
    }

    /// The same measured from another point than 0, for tests against a margin.
    #[must_use]
    pub fn beyond(self, margin: f64) -> Self {
        Self {
            value: self.value - margin,
            ..self
        }
    }

    fn of(value: f64, error: f64, baseline: &Arm, treatment: &Arm) -> Self {
        let units = baseline.units.saturating_add(treatment.units);
        let known = baseline.units > 1 && treatment.units > 1 && error > 0.0 && error.is_finite();
        let part = |arm: &Arm| arm.error().powi(2) / (arm.units.max(2) - 1) as f64;
        let both = baseline.error() + treatment.error();
        Self {
            value,
            se: if known { error.sqrt() } else { 0.0 },
            units,
            dof: freedom(both, part(baseline) + part(treatment), units),
        }
    }
}

/// Welch's and Satterthwaite's degrees of freedom; where they are undefined, those of a plain test.
fn freedom(error: f64, below: f64, units: u64) -> f64 {
    let dof = error * error / below;
    if dof.is_finite() && dof > 0.0 {
        dof
    } else {
        (units.max(3) - 2) as f64
    }
}
