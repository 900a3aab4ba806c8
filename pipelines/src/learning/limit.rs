//! How far shares go at once: every arm keeps its floor, and no share changes by more than the limit.

use std::collections::BTreeSet;

use crate::bucket::{Slot, Weight};
use crate::stats::bandit;

/// One slot, as a part of all.
const STEP: f64 = 1.0 / Slot::COUNT as f64;

/// The floor that can be kept by so many arms, in whole slots.
pub(super) fn floor(floor: f64, arms: usize) -> f64 {
    let slots =
        (floor.clamp(0.0, 1.0 / arms.max(1) as f64) * f64::from(Slot::COUNT) + 1e-9).floor();
    slots * STEP
}

/// The shares on the way from `now` to where `wanted` (which sum to 1) leads with the floor. Arms that are not active
/// have nothing, before and after.
pub(super) fn toward(
    now: &[f64],
    wanted: &[f64],
    active: &BTreeSet<usize>,
    least: f64,
    max_change: f64,
) -> Vec<f64> {
    let parts: Vec<f64> = active
        .iter()
        .filter_map(|arm| wanted.get(*arm).copied())
        .collect();
    let sum: f64 = parts.iter().sum();
    let even = 1.0 / active.len().max(1) as f64;
    let parts = parts
        .iter()
        .map(|part| if sum > 0.0 { part / sum } else { even });
    let parts: Vec<f64> = parts.collect();
    let mut targets = vec![0.0; now.len()];
    for (arm, share) in active
        .iter()
        .zip(bandit::floored(&parts, floor(least, active.len())))
    {
        targets[*arm] = share;
    }
    // A slot is left for rounding.
    let most = if max_change > 2.0 * STEP {
        max_change - STEP
    } else {
        max_change
    };
    bandit::limited(now, &targets, most)
}

/// Without an arm: the others take its share by theirs.
pub(super) fn without(now: &[f64], arm: usize) -> Vec<f64> {
    let left: f64 = now
        .iter()
        .enumerate()
        .filter(|(one, _)| *one != arm)
        .map(|(_, s)| s)
        .sum();
    let share = |(one, share): (usize, &f64)| {
        if one == arm || left <= 0.0 {
            0.0
        } else {
            share / left
        }
    };
    now.iter().enumerate().map(share).collect()
}

/// With an arm that had nothing: it has the floor, and the others give it by what they have above theirs.
pub(super) fn with(now: &[f64], arm: usize, active: &BTreeSet<usize>, least: f64) -> Vec<f64> {
    let least = floor(least, active.len());
    let above = |one: usize, share: f64| {
        if one == arm || !active.contains(&one) {
            0.0
        } else {
            (share - least).max(0.0)
        }
    };
    let sum: f64 = now
        .iter()
        .enumerate()
        .map(|(one, share)| above(one, *share))
        .sum();
    let free = 1.0 - active.len() as f64 * least;
    let share = |(one, share): (usize, &f64)| {
        let own = if active.contains(&one) { least } else { 0.0 };
        own + if sum > 0.0 {
            free * above(one, *share) / sum
        } else {
            0.0
        }
    };
    now.iter().enumerate().map(share).collect()
}

/// Shares as weights that sum to all.
pub(super) fn weights(shares: &[f64]) -> Vec<Weight> {
    let clean: Vec<f64> = shares.iter().map(|share| share.clamp(0.0, 1.0)).collect();
    // Rounding may leave a sum that is not 1 to the last bit.
    let sum: f64 = clean.iter().sum();
    let parts: Vec<f64> = clean.iter().map(|share| (share / sum).min(1.0)).collect();
    Weight::apportion(&parts).unwrap_or_default()
}
