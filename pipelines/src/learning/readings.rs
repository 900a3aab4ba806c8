//! What the rewards say: each arm's mean, how likely it is the best, and the share that the algorithm would give it.

use super::rewards::Rewards;
use super::safety;
use super::state::Learning;
use crate::fleet::Now;
use crate::spec::bandit::{Algorithm, Bandit, RewardKind};
use crate::stats::posterior::best;
use crate::stats::{Posterior, bandit};

/// What the rewards say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readings {
    /// By arm.
    pub arms: Vec<Reading>,
    /// The arms that are shown to be unsafe, though they have traffic.
    pub harms: Vec<Harm>,
    /// Whether any reward ever came.
    pub known: bool,
}

/// What the rewards say of one arm. Of one that was removed, `chance` and `share` are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// What its exposures count for: discounted, and as far as their rewards should have come.
    pub n: f64,
    /// The mean reward; what did not come counts as nothing.
    pub mean: f64,
    /// Its standard error.
    pub se: f64,
    /// The probability that it is the best.
    pub chance: f64,
    /// The share that the algorithm would give it, without floor and limits.
    pub share: f64,
}

/// An arm that is shown to be unsafe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Harm {
    /// Its index.
    pub arm: usize,
    /// What shows it, in words.
    pub why: String,
}

/// What the rewards say now.
#[must_use]
pub fn read(rewards: &Rewards, spec: &Bandit, learning: &Learning, now: Now) -> Readings {
    let mut arms: Vec<Reading> = (0..spec.arms.len())
        .map(|arm| {
            let counted = rewards.counted(arm, now);
            if counted.n <= 0.0 {
                return Reading::default();
            }
            let mean = counted.sum / counted.n;
            let variance = (counted.sum_sq / counted.n - mean * mean).max(0.0);
            Reading {
                n: counted.n,
                mean,
                se: (variance / counted.n).sqrt(),
                ..Reading::default()
            }
        })
        .collect();
    let active: Vec<usize> = learning.active().collect();
    let seen: Vec<Reading> = active
        .iter()
        .filter_map(|arm| arms.get(*arm).copied())
        .collect();
    let believed = believed(&seen, spec.reward.kind);
    let chances = best(&believed);
    let shares = wished(spec, &seen, &chances);
    for ((arm, chance), share) in active.iter().zip(chances).zip(shares) {
        if let Some(reading) = arms.get_mut(*arm) {
            (reading.chance, reading.share) = (chance, share);
        }
    }
    let harms = safety::harmed(rewards, spec).into_iter();
    let harms = harms.filter(|(arm, _)| active.contains(arm));
    Readings {
        harms: harms.map(|(arm, why)| Harm { arm, why }).collect(),
        known: rewards.known(),
        arms,
    }
}

/// The share that the algorithm would give to each arm.
fn wished(spec: &Bandit, arms: &[Reading], chances: &[f64]) -> Vec<f64> {
    match spec.algorithm {
        Algorithm::Thompson { top_two } => {
            // Where one arm is all but certain, what is left of 1 is mostly rounding.
            let shares = bandit::thompson(chances, top_two);
            let sum: f64 = shares.iter().sum();
            shares.into_iter().map(|share| share / sum).collect()
        }
        Algorithm::Ucb1 => {
            // Its bounds are for rewards from 0 to 1; numbers are measured in their standard deviations.
            let scale = match spec.reward.kind {
                RewardKind::Binary => 1.0,
                RewardKind::Number => 2.0 * pooled(arms).1,
            };
            let seen: Vec<(f64, f64)> = arms.iter().map(|arm| (arm.n, arm.mean)).collect();
            bandit::ucb1(&seen, scale)
        }
        Algorithm::EpsilonGreedy { epsilon } => {
            let means: Vec<f64> = arms.iter().map(|arm| arm.mean).collect();
            bandit::epsilon_greedy(&means, epsilon)
        }
    }
}

/// What is believed of each arm's mean. Of numbers the prior is as wide as one of them, around their mean.
fn believed(arms: &[Reading], kind: RewardKind) -> Vec<Posterior> {
    let (mean, sd) = pooled(arms);
    let each = arms.iter().map(|arm| match kind {
        RewardKind::Binary => {
            let successes = (arm.mean * arm.n).clamp(0.0, arm.n);
            Posterior::binary(successes, arm.n - successes)
        }
        RewardKind::Number => {
            // Rewards that do not vary yet are taken to vary as all do.
            let least = sd / arm.n.max(1.0).sqrt();
            let se = if arm.n < 2.0 {
                0.0
            } else {
                arm.se.max(0.1 * least)
            };
            Posterior::normal(mean, sd, arm.mean, se)
        }
    });
    each.collect()
}

/// The mean of all rewards, and their standard deviation, which is above 0.
fn pooled(arms: &[Reading]) -> (f64, f64) {
    let n: f64 = arms.iter().map(|arm| arm.n).sum();
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    let mean = arms.iter().map(|arm| arm.n * arm.mean).sum::<f64>() / n;
    let squares = arms.iter().map(|arm| {
        let own = arm.se * arm.se * arm.n;
        arm.n * (own + (arm.mean - mean).powi(2))
    });
    let variance = squares.sum::<f64>() / n;
    let least = 1e-9 * (1.0 + mean.abs());
    (mean, variance.sqrt().max(least))
}
