//! Arms whose units are keys: a ratio of sums over slots, its variance from what each slot does to it.
//!
//! A slot's part in an estimate is how far the estimate would move without it (the jackknife), (yᵢ − R·nᵢ) / (Σn − nᵢ) in
//! each stretch, weighted, and added up over stretches before it is squared: the same users in two stretches are no two
//! samples. Where slots are alike that is the delta method; where a few make most of the requests, that would be too sure.

use super::super::record::{Chunk, Stretch, Take, keys};
use super::estimate::Pair;
use crate::bucket::Slot;
use crate::stats::moments::Adjustment;
use crate::stats::{Arm, Joint};

/// What a slot gave.
struct Row {
    slot: usize,
    /// Above and below the line of the ratio.
    y: f64,
    n: f64,
    /// What was known before, its mean over all arms taken off.
    x: f64,
}

/// What the slots do to the estimate of one arm.
struct Influence {
    arm: Arm,
    by_slot: Vec<f64>,
    clusters: usize,
}

/// Two arms over stretches.
pub(super) fn pair(
    take: &Take,
    goal: usize,
    stretches: &[&Stretch],
    weights: &[f64],
    base: usize,
    treat: usize,
) -> Pair {
    let base = influence(take, goal, stretches, weights, base);
    let treat = influence(take, goal, stretches, weights, treat);
    let both = base.by_slot.iter().zip(&treat.by_slot);
    Pair {
        shared: both.map(|(a, b)| a * b).sum(),
        clusters: Some([base.clusters, treat.clusters]),
        base: base.arm,
        treat: treat.arm,
    }
}

/// One arm over stretches.
pub(super) fn one(
    take: &Take,
    goal: usize,
    stretches: &[&Stretch],
    weights: &[f64],
    arm: usize,
) -> Arm {
    influence(take, goal, stretches, weights, arm).arm
}

fn influence(
    take: &Take,
    goal: usize,
    stretches: &[&Stretch],
    weights: &[f64],
    arm: usize,
) -> Influence {
    let mut by_slot = vec![0.0; usize::from(Slot::COUNT)];
    let (mut units, mut mean, mut unadjusted) = (0.0, 0.0, 0.0);
    for (stretch, weight) in stretches.iter().zip(weights) {
        let theta = slope(take, goal, stretch);
        let rows = rows(take, goal, stretch, arm);
        let (y, n) = rows
            .iter()
            .fold((0.0, 0.0), |(y, n), row| (y + row.y, n + row.n));
        units += stretch.units(arm);
        if n == 0.0 {
            continue;
        }
        let x: f64 = rows.iter().map(|row| row.x).sum();
        let adjusted = (y - theta * x) / n;
        mean += weight * adjusted;
        unadjusted += weight * y / n;
        for row in rows {
            // Where one slot is all there is, the estimate is that slot.
            let others = (n - row.n).max(1e-3 * n);
            by_slot[row.slot] += weight * (row.y - theta * row.x - adjusted * row.n) / others;
        }
    }
    let clusters = by_slot.iter().filter(|part| **part != 0.0).count();
    let squares: f64 = by_slot.iter().map(|part| part * part).sum();
    let few = clusters.saturating_sub(1) as f64 / clusters.max(1) as f64;
    let units = units.round().max(0.0);
    let arm = Arm {
        units: units as u64,
        mean,
        variance: squares * few * units,
        unadjusted,
    };
    Influence {
        arm,
        by_slot,
        clusters,
    }
}

/// The slope that adjusts a stretch, the same for all arms: over slots, what they gave beyond their mean.
fn slope(take: &Take, goal: usize, stretch: &Stretch) -> f64 {
    if !matches!(
        take,
        Take::Mean {
            covariate: Some(_),
            ..
        }
    ) {
        return 0.0;
    }
    let joints = (0..stretch.slots.arms()).map(|arm| {
        let rows = rows(take, goal, stretch, arm);
        let n: f64 = rows.iter().map(|row| row.n).sum();
        let mean = rows.iter().map(|row| row.y).sum::<f64>() / n.max(1.0);
        let mut joint = Joint::default();
        rows.iter()
            .for_each(|row| joint.push(row.y - mean * row.n, row.x));
        joint
    });
    Adjustment::pooled(&joints.collect::<Vec<_>>()).theta
}

fn rows(take: &Take, goal: usize, stretch: &Stretch, arm: usize) -> Vec<Row> {
    let center = center(goal, stretch);
    let read = |(slot, chunk, row): (usize, &Chunk, usize)| {
        let column = chunk.goals.get(goal)?;
        let (y, n, x) = match take {
            Take::Binary(_) | Take::Quantile { .. } => {
                (keys(column.seen[row]), keys(chunk.units[row]), 0.0)
            }
            Take::Mean { covariate, .. } => {
                let known = covariate.map_or(0.0, |_| {
                    column.x[row] - center * f64::from(column.paired[row])
                });
                (column.y[row], keys(chunk.units[row]), known)
            }
            Take::Ratio { .. } => (column.y[row], column.x[row], 0.0),
        };
        Some(Row { slot, y, n, x })
    };
    stretch.rows(arm).filter_map(read).collect()
}

/// The mean of what was known before, over the units of all arms that have it.
fn center(goal: usize, stretch: &Stretch) -> f64 {
    let chunks = stretch.chunks.iter().flatten();
    let columns = || chunks.clone().filter_map(|chunk| chunk.goals.get(goal));
    let known: f64 = columns()
        .flat_map(|column| &column.paired)
        .map(|n| f64::from(*n))
        .sum();
    let sum: f64 = columns().flat_map(|column| &column.x).sum();
    sum / known.max(1.0)
}
