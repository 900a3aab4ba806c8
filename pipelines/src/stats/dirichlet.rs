//! The sequential multinomial test with a Dirichlet mixture, in closed form (Lindon & Malek, arXiv 2011.03567).
//!
//! Counts of k classes have known shares under the hypothesis; the evidence is the likelihood under shares drawn from
//! a Dirichlet distribution around them, against that under the shares themselves. It is two-sided, where the kernel
//! asks for harm or safety. The concentration tunes it: the larger, the smaller the deviations it is best at.

use super::evidence::threshold;
use super::interval::Interval;
use super::kernel::Cell;
use super::special::{bisect, ln_less, stirling};

/// The concentration for ratios of rates.
pub const FOR_RATES: f64 = 100.0;

/// The log evidence that the classes' shares are not these. Shares are taken relative to their sum. A class without a
/// share is left out with its counts.
#[must_use]
pub fn log_e(counts: &[u64], shares: &[f64], concentration: f64) -> f64 {
    let classes = || {
        let counts = counts.iter().map(|count| *count as f64);
        counts.zip(shares.iter().copied()).filter(|one| one.1 > 0.0)
    };
    let whole: f64 = classes().map(|(_, share)| share).sum();
    let all = concentration + classes().map(|(count, _)| count).sum::<f64>();
    if !(whole.is_finite() && concentration > 0.0 && all > concentration) {
        return 0.0;
    }
    // ln B(κθ + n) − ln B(κθ) − Σ n·ln θ with Stirling's formula for each, so that what cancels does so on paper.
    let (mut log, mut logs, mut kinds) = (0.0, 0.0, 0.0);
    for (count, share) in classes() {
        let (prior, expected) = (concentration * share / whole, all * share / whole);
        let posterior = prior + count;
        let (less, beyond) = (
            ln_less(posterior, expected),
            (posterior - expected) / expected,
        );
        log += posterior * less + (posterior - expected) * beyond;
        log += stirling(posterior) - stirling(prior);
        logs += less + beyond;
        kinds += 1.0;
    }
    log - 0.5 * logs - 0.5 * (kinds - 1.0) * (all / concentration).ln() + stirling(concentration)
        - stirling(all)
}

/// The log evidence that the ratio of rates, canary to stable, is not `margin`; the mixture is around equal rates.
#[must_use]
pub fn log_e_ratio(cells: &[Cell], margin: f64, concentration: f64) -> f64 {
    Ratio::new(cells, concentration).log_e(margin.max(0.0).ln().clamp(-FAR, FAR))
}

/// Every ratio of rates that is not rejected at α. An end that nothing bounds is 0 or infinite.
#[must_use]
pub fn ratio_interval(cells: &[Cell], concentration: f64, alpha: f64) -> Interval {
    let ratio = Ratio::new(cells, concentration);
    let bar = threshold(alpha);
    // The evidence is convex in the log of the ratio, so that its least point parts the ends.
    let best = bisect(-FAR, FAR, |log| ratio.slope(log) < 0.0);
    let end = |far: f64, open: f64| {
        if ratio.log_e(far) < bar {
            return open;
        }
        bisect(best.min(far), best.max(far), |log| {
            (ratio.log_e(log) >= bar) == (far < best)
        })
        .exp()
    };
    Interval {
        low: end(-FAR, 0.0),
        high: end(FAR, f64::INFINITY),
    }
}

/// Beyond e^±46 a ratio of rates says no more than 0 or infinity.
const FAR: f64 = 46.0;

struct Ratio<'a> {
    cells: &'a [Cell],
    /// The log evidence against equal rates.
    equal: f64,
}

// === impl Ratio ===

impl<'a> Ratio<'a> {
    fn new(cells: &'a [Cell], concentration: f64) -> Self {
        let equal = informative(cells)
            .map(|cell| {
                log_e(
                    &[cell.canary, cell.stable],
                    &[cell.rho, 1.0 - cell.rho],
                    concentration,
                )
            })
            .sum();
        Self { cells, equal }
    }

    fn log_e(&self, log_ratio: f64) -> f64 {
        let against = informative(self.cells).map(|cell| {
            let (canary, all) = (cell.canary as f64, cell.canary as f64 + cell.stable as f64);
            all * (cell.rho * log_ratio.exp_m1()).ln_1p() - canary * log_ratio
        });
        self.equal + against.sum::<f64>()
    }

    /// The derivative of the evidence by the log of the ratio.
    fn slope(&self, log_ratio: f64) -> f64 {
        let slopes = informative(self.cells).map(|cell| {
            let (canary, all) = (cell.canary as f64, cell.canary as f64 + cell.stable as f64);
            all / (1.0 + (1.0 - cell.rho) / cell.rho * (-log_ratio).exp()) - canary
        });
        slopes.sum()
    }
}

/// The cells in which an event had a choice.
fn informative(cells: &[Cell]) -> impl Iterator<Item = &Cell> {
    cells.iter().filter(|cell| cell.rho > 0.0 && cell.rho < 1.0)
}
