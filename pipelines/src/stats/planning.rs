//! How long it will take: what a plan can tell before it starts.

use super::evidence::threshold;
use super::kernel::{Side, log_e_expected};
use super::sequential::half_width;
use super::special::normal_quantile;

/// What the kernel is to show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// That the canary's rate is above `margin` times the stable's, where it is `ratio` times that.
    Detect {
        /// The true ratio of rates.
        ratio: f64,
        /// The margin of the test; 1 by default.
        margin: f64,
    },
    /// That the canary's rate is below `margin` times the stable's, where both are equal.
    Prove {
        /// The margin.
        margin: f64,
    },
}

/// How many requests, over both arms, it takes until the evidence reaches 1/α: the number at which it does so with
/// counts exactly as expected. The mean over many runs is up to a fifth lower, the median a third. `weight` is the
/// canary's share, `base` the stable's rate of events per request. `None` where the evidence never gets there: the
/// truth is on the wrong side of the margin, or there are no events.
#[must_use]
pub fn expected_requests(goal: Goal, weight: f64, base: f64, alpha: f64) -> Option<f64> {
    let (ratio, margin, side) = match goal {
        Goal::Detect { ratio, margin } => (ratio, margin, Side::Harm),
        Goal::Prove { margin } => (1.0, margin, Side::Safe),
    };
    let possible = weight > 0.0 && weight < 1.0 && base > 0.0 && ratio >= 0.0 && margin > 0.0;
    if !possible {
        return None;
    }
    let (canary, stable) = (weight * base * ratio, (1.0 - weight) * base);
    let reached = |requests: f64| {
        let events = (requests * canary, requests * stable);
        log_e_expected(weight, events, margin, side) >= threshold(alpha)
    };
    least(1.0, reached)
}

/// How many units, over both arms, a fixed-horizon test needs to see `effect` at level α with this power.
/// `spread` is SE²·N of the difference: for shares w and 1−w, Var₁/w + Var₀/(1−w). `None` without an effect.
#[must_use]
pub fn units_fixed(spread: f64, effect: f64, alpha: f64, power: f64) -> Option<f64> {
    let z = normal_quantile(1.0 - 0.5 * alpha) + normal_quantile(power);
    let units = spread * (z / effect).powi(2);
    (units.is_finite() && units > 0.0).then_some(units)
}

/// How many units, over both arms, until the sequential interval excludes 0 with this power where the difference is
/// `effect`. What is left of them at the current traffic is the time to the minimum detectable effect.
#[must_use]
pub fn units_sequential(spread: f64, effect: f64, alpha: f64, power: f64) -> Option<f64> {
    let fixed = units_fixed(spread, effect, alpha, power)?;
    let sees = |units: f64| {
        let se = (spread / units).sqrt();
        half_width(se, units, alpha) + normal_quantile(power) * se <= effect.abs()
    };
    least(fixed, sees)
}

/// The least number from which `enough` holds, to six digits, searched from `start` on; `None` where it is so far off
/// that nobody waits for it.
fn least(start: f64, enough: impl Fn(f64) -> bool) -> Option<f64> {
    let (mut low, mut high) = (0.0_f64, start);
    while !enough(high) {
        low = high;
        high *= 2.0;
        if high > 1e15 {
            return None;
        }
    }
    while high - low > 1e-7 * high {
        let middle = low.midpoint(high);
        if enough(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}
