//! Means that may be looked at any time: the asymptotic confidence sequence of Waudby-Smith et al., arXiv
//! 2103.06476 (equations 9, 155 and 161 of its seventh version), as GrowthBook uses it.
//!
//! half-width = SE·√N·√(2(Nr²+1)/(N²r²)·ln(√(Nr²+1)/α)), r tuned to be tightest at N* units.

use super::contrast::Difference;
use super::evidence;
use super::interval::Interval;

/// N*: at how many units, in both arms, it is tightest.
pub const TUNED_FOR: f64 = 5000.0;

/// The interval of the difference that holds at all times with probability 1 − α.
#[must_use]
pub fn interval(difference: &Difference, alpha: f64) -> Interval {
    if difference.se <= 0.0 || difference.units == 0 {
        return Interval::EVERYTHING;
    }
    let half = half_width(difference.se, difference.units as f64, alpha);
    Interval::around(difference.value, half)
}

/// The log evidence that there is a difference; the level only tunes it.
#[must_use]
pub fn log_e(difference: &Difference, alpha: f64) -> f64 {
    if difference.se <= 0.0 || difference.units == 0 {
        return 0.0;
    }
    let grown = difference.units as f64 * tuning(alpha) + 1.0;
    let z = difference.value / difference.se;
    0.5 * z * z * (grown - 1.0) / grown - 0.5 * grown.ln()
}

/// The p-value of no difference, valid at any time.
#[must_use]
pub fn p_value(difference: &Difference, alpha: f64) -> f64 {
    evidence::p_value(log_e(difference, alpha))
}

/// How far the interval reaches to each side.
pub(super) fn half_width(se: f64, units: f64, alpha: f64) -> f64 {
    let grown = units * tuning(alpha) + 1.0;
    se * (2.0 * grown / (grown - 1.0) * (0.5 * grown.ln() - alpha.ln())).sqrt()
}

/// r².
fn tuning(alpha: f64) -> f64 {
    // A level that is none tunes nothing.
    let twice = -2.0 * alpha.clamp(1e-300, 1.0 - 1e-9).ln();
    (twice + twice.ln_1p()) / TUNED_FOR
}
