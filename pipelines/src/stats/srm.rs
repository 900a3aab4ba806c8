//! Sample-ratio mismatch: whether the arms got the shares of units that they were given. Where they did not, no other
//! number can be trusted, and the model is not to blame.

use super::dirichlet;
use super::special::chi_squared_above;

/// The concentration of the mixture: best at deviations of about half a percentage point.
pub const CONCENTRATION: f64 = 10_000.0;

/// The units that arms got while the shares were these.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment<'a> {
    /// Units per arm.
    pub counts: &'a [u64],
    /// The share that each arm was given; relative to their sum.
    pub shares: &'a [f64],
}

/// The log evidence of a mismatch, which may be looked at any time; 1000 (ln: 6.9) is proof. The segments' evidence
/// multiplies. An arm without a share is left out.
#[must_use]
pub fn log_e(segments: &[Segment<'_>]) -> f64 {
    segments
        .iter()
        .map(|segment| dirichlet::log_e(segment.counts, segment.shares, CONCENTRATION))
        .sum()
}

/// The p-value of the χ² test over the segments, good for one look only; 1 where there is nothing to compare.
#[must_use]
pub fn chi_squared(segments: &[Segment<'_>]) -> f64 {
    let (mut statistic, mut freedom) = (0.0, 0.0);
    for segment in segments {
        let arms = || {
            let counts = segment.counts.iter().map(|count| *count as f64);
            counts
                .zip(segment.shares.iter().copied())
                .filter(|arm| arm.1 > 0.0)
        };
        let all: f64 = arms().map(|(count, _)| count).sum();
        let whole: f64 = arms().map(|(_, share)| share).sum();
        if all == 0.0 || !whole.is_finite() {
            continue;
        }
        for (count, share) in arms() {
            let expected = all * share / whole;
            statistic += (count - expected).powi(2) / expected;
            freedom += 1.0;
        }
        freedom -= 1.0;
    }
    chi_squared_above(statistic, freedom)
}
