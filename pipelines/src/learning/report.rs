//! What a bandit did and what it cost: plain numbers, for a table or a document.

use super::readings::{Readings, read};
use super::rewards::Rewards;
use super::state::{Learning, Removal};
use crate::bucket::Weight;
use crate::fleet::Now;
use crate::spec::bandit::Bandit;

/// What a bandit did.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The revision that began it.
    pub id: u64,
    /// The phase's word.
    pub phase: &'static str,
    /// How many periods there were.
    pub periods: u64,
    /// The arms; the first is the baseline.
    pub arms: Vec<ArmLine>,
    /// Reward that the best arm would have brought and that did not come, by the means as they are known now; without a
    /// change in them over time.
    pub regret: f64,
    /// The same if all arms had had the same share.
    pub regret_even: f64,
    /// Why the shares are what they are.
    pub why: String,
}

/// One arm.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmLine {
    /// Its name.
    pub name: String,
    /// Its share of the traffic while the bandit runs.
    pub weight: Weight,
    /// How often it was shown.
    pub shown: u64,
    /// All the reward that it brought.
    pub total: f64,
    /// What its exposures count for: discounted, and as far as their rewards should have come.
    pub n: f64,
    /// The mean reward of those.
    pub mean: f64,
    /// Its standard error.
    pub se: f64,
    /// The probability that it is the best.
    pub chance: f64,
    /// Why it has no traffic, where it was removed.
    pub removed: Option<Removal>,
}

/// What a bandit did. `learning` and `rewards` are of one bandit.
#[must_use]
pub fn report(rewards: &Rewards, spec: &Bandit, learning: &Learning, now: Now) -> Report {
    let Readings { arms: readings, .. } = read(rewards, spec, learning, now);
    let arms = spec
        .arms
        .iter()
        .zip(&rewards.arms)
        .zip(&readings)
        .enumerate();
    let arms: Vec<ArmLine> = arms
        .map(|(index, ((arm, gathered), reading))| ArmLine {
            name: arm.name.as_str().to_owned(),
            weight: learning
                .split
                .weights()
                .get(index)
                .copied()
                .unwrap_or_default(),
            shown: gathered.shown,
            total: gathered.total,
            n: reading.n,
            mean: reading.mean,
            se: reading.se,
            chance: reading.chance,
            removed: learning.removed.get(&index).cloned(),
        })
        .collect();
    let known = arms.iter().filter(|arm| arm.n > 0.0);
    let best = known.map(|arm| arm.mean).fold(f64::NEG_INFINITY, f64::max);
    let lost = |arm: &ArmLine| if arm.n > 0.0 { best - arm.mean } else { 0.0 };
    let shown: u64 = arms.iter().map(|arm| arm.shown).sum();
    let even = shown as f64 / arms.len().max(1) as f64;
    Report {
        id: learning.id,
        phase: learning.word(),
        periods: learning.periods,
        regret: arms.iter().map(|arm| arm.shown as f64 * lost(arm)).sum(),
        regret_even: arms.iter().map(|arm| even * lost(arm)).sum(),
        why: learning.why.clone(),
        arms,
    }
}
