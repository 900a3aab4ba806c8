//! A rate that may be looked at any time: the beta-binomial confidence sequence of Howard et al., arXiv 1810.08240.
//!
//! It is every rate that the two-class Dirichlet mixture around that rate does not reject. The mixture is tuned to be
//! tightest at 1,000 trials at the 5 % level, as `confseq`'s `bernoulli_confidence_interval(…, t_opt=1000)`: there the
//! prior weighs t/(2 ln 1/α + ln(1 + 2 ln 1/α)) − 1 trials.

use super::dirichlet;
use super::evidence::threshold;
use super::interval::Interval;
use super::special::bisect;

/// At how many trials it is tightest.
pub const TUNED_FOR: f64 = 1000.0;

/// The rates that `bad` of `n` leaves possible, at all times together, with probability 1 − α: 0 to 1 for no trials.
#[must_use]
pub fn interval(bad: u64, n: u64, alpha: f64) -> Interval {
    let bad = bad.min(n);
    if n == 0 {
        return Interval {
            low: 0.0,
            high: 1.0,
        };
    }
    let bar = threshold(alpha);
    let seen = bad as f64 / n as f64;
    let low = if bad == 0 {
        0.0
    } else {
        bisect(0.0, seen, |rate| log_e(bad, n, rate) >= bar)
    };
    let high = if bad == n {
        1.0
    } else {
        bisect(seen, 1.0, |rate| log_e(bad, n, rate) < bar)
    };
    Interval { low, high }
}

/// The log evidence that the rate is not `rate`, from both sides.
#[must_use]
pub fn log_e(bad: u64, n: u64, rate: f64) -> f64 {
    let bad = bad.min(n);
    if rate <= 0.0 || rate >= 1.0 {
        let impossible = (rate <= 0.0 && bad > 0) || (rate >= 1.0 && bad < n);
        return if impossible { f64::INFINITY } else { 0.0 };
    }
    dirichlet::log_e(&[bad, n - bad], &[rate, 1.0 - rate], concentration())
}

fn concentration() -> f64 {
    let twice = 2.0 * 20.0_f64.ln();
    TUNED_FOR / (twice + twice.ln_1p()) - 1.0
}
