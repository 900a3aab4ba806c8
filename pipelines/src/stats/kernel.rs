//! The kernel: which arm did the events hit? One test for errors, timeouts, slow calls, bad outputs and output bins.
//!
//! Given that an event happened, it hit the canary with the *known* probability ρ, its share of the traffic, if both
//! arms' rates are equal, whatever the load or the hour (Lindon & Malek, arXiv 2011.03567; Netflix' canaries, arXiv
//! 2205.14762). With the ratio of rates θ = canary / stable and a margin m, an event hits the canary with
//! q₀ = mρ/(mρ+1−ρ) if θ = m, and with qⱼ = gⱼmρ/(gⱼmρ+1−ρ) if θ = gⱼm. The e-value is the mean of the likelihood
//! ratios over J alternatives gⱼ; by Ville's inequality it ever reaches 1/α with probability at most α.
//!
//! Within a segment ρ is constant, so counts are all that there is to keep: they add over replicas exactly.

use super::evidence::{log_mean, threshold};
use super::interval::Interval;

/// How many alternatives the evidence is averaged over.
pub const ALTERNATIVES: usize = 40;

/// The smallest and the largest alternative, as a multiple of the margin.
const RANGE: (f64, f64) = (1.05, 20.0);

/// The events of one class in one segment, by the arm that they hit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cell {
    /// The canary's share of the traffic of both arms in this segment. A segment without a choice (0 or 1) says
    /// nothing.
    pub rho: f64,
    /// Events on the canary.
    pub canary: u64,
    /// Events on the stable.
    pub stable: u64,
}

/// Which side of the margin the alternatives are on.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Harm,
    Safe,
}

/// The log evidence that the canary's rate is more than `margin` times the stable's; tests θ ≤ m.
#[must_use]
pub fn log_e_harm(cells: &[Cell], margin: f64) -> f64 {
    log_e(cells, margin, Side::Harm)
}

/// The log evidence that the canary's rate is less than `margin` times the stable's; tests θ ≥ m. Reaching ln 1/β
/// proves non-inferiority.
#[must_use]
pub fn log_e_safe(cells: &[Cell], margin: f64) -> f64 {
    log_e(cells, margin, Side::Safe)
}

/// Every margin that neither side rejects at α/2: a confidence sequence for the ratio of rates. An end that nothing
/// bounds is 0 or infinite.
#[must_use]
pub fn interval(cells: &[Cell], alpha: f64) -> Interval {
    let bar = threshold(alpha / 2.0);
    let low = crossing(|margin| log_e_harm(cells, margin) >= bar).0;
    let high = crossing(|margin| log_e_safe(cells, margin) < bar).1;
    Interval {
        low,
        // With more events than a number has digits the ends meet, and rounding may have them cross.
        high: high.max(low),
    }
}

/// The same of counts that need not be whole: what is expected of a plan.
pub(super) fn log_e_expected(
    rho: f64,
    (canary, stable): (f64, f64),
    margin: f64,
    side: Side,
) -> f64 {
    let mut logs = [0.0; ALTERNATIVES];
    add(&mut logs, rho, canary, canary + stable, margin, side);
    log_mean(&logs)
}

fn log_e(cells: &[Cell], margin: f64, side: Side) -> f64 {
    let mut logs = [0.0; ALTERNATIVES];
    for cell in cells {
        let (canary, stable) = (cell.canary as f64, cell.stable as f64);
        add(&mut logs, cell.rho, canary, canary + stable, margin, side);
    }
    log_mean(&logs)
}

/// Adds a cell's log likelihood ratio to each alternative's.
fn add(logs: &mut [f64; ALTERNATIVES], rho: f64, canary: f64, all: f64, margin: f64, side: Side) {
    // Events where only one arm has traffic were no choice.
    if !(rho > 0.0 && rho < 1.0) || margin.is_nan() {
        return;
    }
    let q0 = 1.0 / (1.0 + (1.0 - rho) / (margin * rho));
    for (log, ln_gain) in logs.iter_mut().zip(gains(side)) {
        // c·ln(q/q0) + s·ln((1−q)/(1−q0)), without a difference of close numbers.
        *log += canary * ln_gain - all * (ln_gain.exp_m1() * q0).ln_1p();
    }
}

/// The logs of the alternatives, evenly spaced.
fn gains(side: Side) -> impl Iterator<Item = f64> {
    let (first, last) = (RANGE.0.ln(), RANGE.1.ln());
    let step = (last - first) / (ALTERNATIVES - 1) as f64;
    let sign = match side {
        Side::Harm => 1.0,
        Side::Safe => -1.0,
    };
    (0..ALTERNATIVES).map(move |index| sign * (first + step * index as f64))
}

/// The margins on both sides of the point up to which `holds`, which holds below it only.
fn crossing(holds: impl Fn(f64) -> bool) -> (f64, f64) {
    // Beyond e^±46 a ratio of rates says no more than 0 or infinity.
    let (mut low, mut high) = (-46.0_f64, 46.0_f64);
    if !holds(low.exp()) {
        return (0.0, 0.0);
    }
    if holds(high.exp()) {
        return (f64::INFINITY, f64::INFINITY);
    }
    while high - low > 1e-12 {
        let middle = low.midpoint(high);
        if middle <= low || middle >= high {
            break;
        }
        if holds(middle.exp()) {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low.exp(), high.exp())
}
