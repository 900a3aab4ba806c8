//! What is kept of the values of an arm: sums, which add over requests, segments and replicas.

use super::contrast::Arm;

/// The sums of one value per unit. Where values are large and close to each other, a constant is better taken off
/// them first: the variance is a difference of sums.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// Units.
    pub n: u64,
    /// Σy.
    pub sum: f64,
    /// Σy².
    pub sum_sq: f64,
}

/// The sums of two values per unit: the numerator and the denominator of a ratio, or the goal and what was known of
/// the unit before.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Joint {
    /// Units.
    pub n: u64,
    /// Σy.
    pub y: f64,
    /// Σx.
    pub x: f64,
    /// Σy².
    pub yy: f64,
    /// Σx².
    pub xx: f64,
    /// Σxy.
    pub xy: f64,
}

/// How a goal is adjusted by what was known before (CUPED; Deng et al. 2013, Microsoft): y − θ(x − x̄).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Adjustment {
    /// The slope, the same for all arms.
    pub theta: f64,
    /// The mean of x over all arms, so that adjusted means stay comparable with the raw ones.
    pub center: f64,
}

// === impl Moments ===

impl Moments {
    /// Counts one value.
    pub fn push(&mut self, value: f64) {
        self.n += 1;
        self.sum += value;
        self.sum_sq += value * value;
    }

    /// Adds what another saw.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.sum += other.sum;
        self.sum_sq += other.sum_sq;
    }

    /// The mean; 0 without units.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.n == 0 {
            return 0.0;
        }
        self.sum / self.n as f64
    }

    /// The variance of one unit (n − 1 below); 0 with fewer than two units.
    #[must_use]
    pub fn variance(&self) -> f64 {
        central(self.n, self.sum, self.sum, self.sum_sq).max(0.0)
    }

    /// As an arm of a contrast of means.
    #[must_use]
    pub fn arm(&self) -> Arm {
        Arm::plain(self.n, self.mean(), self.variance())
    }
}

// === impl Joint ===

impl Joint {
    /// Counts one unit's pair.
    pub fn push(&mut self, y: f64, x: f64) {
        self.n += 1;
        self.y += y;
        self.x += x;
        self.yy += y * y;
        self.xx += x * x;
        self.xy += x * y;
    }

    /// Adds what another saw, of other units.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.y += other.y;
        self.x += other.x;
        self.yy += other.yy;
        self.xx += other.xx;
        self.xy += other.xy;
    }

    /// Σy / Σx; 0 where there is nothing to divide by.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        if self.x == 0.0 {
            return 0.0;
        }
        self.y / self.x
    }

    /// As an arm of a contrast of ratios; the variance by the delta method:
    /// (Var y − 2R·Cov(x, y) + R²·Var x) / x̄².
    #[must_use]
    pub fn ratio_arm(&self) -> Arm {
        let (ratio, mean) = (self.ratio(), self.x / (self.n.max(1)) as f64);
        if mean == 0.0 {
            return Arm::plain(self.n, 0.0, 0.0);
        }
        let spread = self.var_y() - 2.0 * ratio * self.covariance() + ratio * ratio * self.var_x();
        Arm::plain(self.n, ratio, (spread / (mean * mean)).max(0.0))
    }

    /// As an arm of a contrast of means of y, adjusted.
    #[must_use]
    pub fn adjusted_arm(&self, by: &Adjustment) -> Arm {
        let n = self.n.max(1) as f64;
        let spread =
            self.var_y() + by.theta * by.theta * self.var_x() - 2.0 * by.theta * self.covariance();
        Arm {
            units: self.n,
            mean: self.y / n - by.theta * (self.x / n - by.center),
            variance: spread.max(0.0),
            unadjusted: self.y / n,
        }
    }

    fn var_y(&self) -> f64 {
        central(self.n, self.y, self.y, self.yy)
    }

    fn var_x(&self) -> f64 {
        central(self.n, self.x, self.x, self.xx)
    }

    fn covariance(&self) -> f64 {
        central(self.n, self.x, self.y, self.xy)
    }
}

// === impl Adjustment ===

impl Adjustment {
    /// From all arms together: θ = Cov(x, y) / Var(x) over the pooled units, as GrowthBook does it. Where x does not
    /// vary, nothing is adjusted.
    #[must_use]
    pub fn pooled(arms: &[Joint]) -> Self {
        let mut all = Joint::default();
        for arm in arms {
            all.merge(arm);
        }
        let (var_x, center) = (all.var_x(), all.x / all.n.max(1) as f64);
        // What rounding leaves of no variance is none.
        if var_x <= 1e-12 * center * center || all.var_y() <= 0.0 {
            return Self { theta: 0.0, center };
        }
        Self {
            theta: all.covariance() / var_x,
            center,
        }
    }
}

/// The (co)variance of one unit from sums; 0 with fewer than two units.
fn central(n: u64, left: f64, right: f64, product: f64) -> f64 {
    if n < 2 {
        return 0.0;
    }
    let n = n as f64;
    (product - left * right / n) / (n - 1.0)
}
