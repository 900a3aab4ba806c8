//! How far the canary's outputs are from the stable's: evidence, effect and what the effect is at the most.
//!
//! Inputs change with the hour and shares with the step, so counts of all segments thrown together would show a drift
//! where there is none. The evidence is per segment anyway; for the effect each segment of the stable counts as much as
//! the canary's does.

use crate::stats::{Cell, bernoulli, drift, evidence, kernel};

use super::outputs::BINS;
use super::reading::Drift;

/// The stability index from which outputs have moved so far that it matters.
pub(super) const LIMIT: f64 = 0.2;

/// Where a bound is so far above the limit that nobody needs to know how far.
const FAR: f64 = 2.0 * LIMIT;

/// The bins of one segment.
pub(super) struct Bins {
    pub(super) rho: f64,
    pub(super) stable: [u64; BINS],
    pub(super) canary: [u64; BINS],
}

/// What the bins of all segments show; `beta` is the chance that the true index is above what it is at the most.
pub(super) fn of(segments: &[Bins], beta: f64) -> Drift {
    let (stable, canary) = standardized(segments);
    let psi = drift::between(&stable, &canary).map_or(f64::NAN, |drift| drift.psi);
    Drift {
        psi,
        upper: match psi < LIMIT {
            true => upper(&stable, &canary, beta),
            false => f64::INFINITY,
        },
        log_e: log_e(segments),
    }
}

/// The mean of all bins' evidence that the canary has more in it; more in one is less in another.
fn log_e(segments: &[Bins]) -> f64 {
    let logs: [f64; BINS] = std::array::from_fn(|bin| {
        let cells: Vec<_> = segments
            .iter()
            .map(|segment| Cell {
                rho: segment.rho,
                canary: segment.canary[bin],
                stable: segment.stable[bin],
            })
            .filter(|cell| cell.canary + cell.stable > 0)
            .collect();
        kernel::log_e_harm(&cells, 1.0)
    });
    evidence::log_mean(&logs)
}

/// Both arms' counts over all segments that both have answered in, the stable's as if its segments had the weights of the
/// canary's. Their number is what the arm has seen.
fn standardized(segments: &[Bins]) -> ([u64; BINS], [u64; BINS]) {
    let mut canary = [0; BINS];
    let (mut shares, mut seen) = ([0.0; BINS], 0);
    for segment in segments {
        let of_canary = total(&segment.canary);
        let of_stable = total(&segment.stable);
        if of_canary == 0 || of_stable == 0 {
            continue;
        }
        seen += of_stable;
        for bin in 0..BINS {
            canary[bin] += segment.canary[bin];
            let share = segment.stable[bin] as f64 / of_stable as f64;
            shares[bin] += share * of_canary as f64;
        }
    }
    let all = total(&canary);
    let stable = shares.map(|share| match all {
        0 => 0,
        all => (share / all as f64 * seen as f64).round() as u64,
    });
    (stable, canary)
}

/// The largest index that the bounds of all shares together leave possible; infinite where it is far above the limit.
pub(super) fn upper(stable: &[u64; BINS], canary: &[u64; BINS], beta: f64) -> f64 {
    let (of_stable, of_canary) = (total(stable), total(canary));
    if of_stable == 0 || of_canary == 0 {
        return f64::INFINITY;
    }
    let used = || (0..BINS).filter(|bin| stable[*bin] + canary[*bin] > 0);
    // Each bin has two intervals that may be wrong.
    let alpha = beta / (2 * used().count()) as f64;
    let mut sum = 0.0;
    for bin in used() {
        sum += part(
            ends(stable[bin], of_stable, alpha),
            ends(canary[bin], of_canary, alpha),
        );
        if sum > FAR {
            return f64::INFINITY;
        }
    }
    sum
}

/// The ends of a share. One below half a case cannot be told from none.
fn ends(count: u64, of: u64, alpha: f64) -> [f64; 2] {
    let floor = 0.5 / of as f64;
    let interval = bernoulli::interval(count, of, alpha);
    [interval.low.max(floor), interval.high.max(floor)]
}

/// The largest part of the index within both shares' ends. It is convex in them, so that it is largest at a corner.
fn part(expected: [f64; 2], actual: [f64; 2]) -> f64 {
    let corners = expected
        .iter()
        .flat_map(|e| actual.iter().map(move |a| (a - e) * (a / e).ln()));
    corners.fold(0.0, f64::max)
}

fn total(bins: &[u64; BINS]) -> u64 {
    bins.iter().sum()
}
