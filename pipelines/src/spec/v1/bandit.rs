//! Bandits as they are written.

use std::time::Duration;

use serde::Serialize;

use super::arms::{self, ArmSpec};
use super::experiment::seed;
use super::goal::{self, GoalSpec, Goals};
use super::scalars::{Number, ONE_SLOT, duration, each, list, optional, share, time};
use crate::spec::bandit::{Algorithm, Bandit, Reward, RewardKind};
use crate::spec::experiment::Experiment;
use crate::spec::read::{Field, Reader, Table};

/// Versions whose shares follow what they achieve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BanditSpec {
    /// The arms, from 2 to 10, without weights; the first is the baseline. Required.
    pub arms: Vec<ArmSpec>,
    /// What users are assigned with and draws are made with, at most 128 characters. Default: the pipeline's name.
    pub seed: String,
    /// What is to become more. Required.
    pub reward: RewardSpec,
    /// How shares follow rewards. Default: `"thompson"`.
    pub algorithm: AlgorithmSpec,
    /// The least share of an arm, from 0.0001 to less than an even share. Default: 0.01.
    pub floor: Number,
    /// How often shares change, from 1 s to 30 days. Default: `"1m"`.
    pub period: String,
    /// The most that a share may change in a period, from 0.0001 to 1. Default: 0.1.
    pub max_change: Number,
    /// After how long what was seen counts half, from 1 m to 30 days. Default: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half_life: Option<String>,
    /// How long a reward is waited for, from the decision, from 1 s to 30 days. Default: `"1h"`.
    pub reward_within: String,
    /// What removes an arm when it becomes worse, at most 20, in the shape of an experiment's goals. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub safety: Vec<GoalSpec>,
}

/// What is to become more.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RewardSpec {
    /// The metric's name in feedback. Required.
    pub metric: String,
    /// What its values are: `"binary"` (it happened or not) or `"number"`. Default: `"binary"`.
    pub kind: &'static str,
}

/// How shares follow rewards: a word, or a table with what the algorithm is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AlgorithmSpec {
    /// `"thompson"`: an arm's share is the chance that it is the best. `"ucb1"`: the arm with the highest upper
    /// confidence bound takes what the floors leave.
    Word(&'static str),
    /// `{ thompson = { top_two = true } }`
    Thompson {
        /// What Thompson sampling is told.
        thompson: ThompsonSpec,
    },
    /// `{ epsilon_greedy = 0.1 }`: the best arm takes all but this share, which all have evenly.
    EpsilonGreedy {
        /// The share, from 0.0001 to 1.
        epsilon_greedy: Number,
    },
}

/// What Thompson sampling is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ThompsonSpec {
    /// Whether half of the best arm's share is given to the second. Default: false.
    pub top_two: bool,
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

const THOMPSON: &str = "thompson";
const UCB1: &str = "ucb1";
const EPSILON_GREEDY: &str = "epsilon_greedy";

// === reading ===

/// Reads a bandit of the pipeline of a name, where that is known.
pub(super) fn read(
    name: Option<&str>,
    mut table: Table<'_>,
    reader: &mut Reader<'_>,
) -> Option<Bandit> {
    let arms = table.need("arms", reader);
    let seed_field = table.get("seed");
    let reward = table.need("reward", reader);
    let (algorithm, floor) = (table.get("algorithm"), table.get("floor"));
    let (period, max_change) = (table.get("period"), table.get("max_change"));
    let (half_life, reward_within) = (table.get("half_life"), table.get("reward_within"));
    let safety = table.get("safety");
    let seed = seed(name, seed_field, &table, reader);
    table.finish(reader);

    let arms = arms.and_then(|field| arms::read(&field, reader));
    let reward = reward.and_then(|field| self::reward(&field, reader));
    let algorithm = optional(algorithm, |field| self::algorithm(field, reader));
    let count = arms.as_ref().map_or(Experiment::MIN_ARMS, Vec::len);
    let floor = optional(floor, |field| self::floor(field, count, reader));
    let period = optional(period, |field| time(field, reader, SECOND));
    let max_change = optional(max_change, |field| share(field, reader, ONE_SLOT..=1.0));
    let half_life = optional(half_life, |field| time(field, reader, MINUTE));
    let reward_within = optional(reward_within, |field| time(field, reader, SECOND));
    let safety = optional(safety, |field| {
        let list = list(field, reader, 0..=Experiment::MAX_GOALS)?;
        let mut goals = Goals::default();
        each(&list, |goal| goals.take(goal, reader))
    });
    Some(Bandit {
        arms: arms?,
        seed: seed?,
        reward: reward?,
        algorithm: algorithm?.unwrap_or_default(),
        floor: floor?.unwrap_or(Bandit::FLOOR),
        period: period?.unwrap_or(Bandit::PERIOD),
        max_change: max_change?.unwrap_or(Bandit::MAX_CHANGE),
        half_life: half_life?,
        reward_within: reward_within?.unwrap_or(Bandit::REWARD),
        safety: safety?.unwrap_or_default(),
    })
}

fn reward(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Reward> {
    let mut table = field.table(reader)?;
    let (metric, kind) = (table.need("metric", reader), table.get("kind"));
    table.finish(reader);
    let metric = metric.and_then(|field| goal::metric(&field, reader));
    let words = [RewardKind::Binary, RewardKind::Number].map(|kind| (kind.as_str(), kind));
    let kind = optional(kind, |field| field.choice(reader, &words));
    Some(Reward {
        metric: metric?,
        kind: kind?.unwrap_or(RewardKind::Binary),
    })
}

/// Floors that all arms can have, with something left to learn with.
fn floor(field: &Field<'_>, arms: usize, reader: &mut Reader<'_>) -> Option<f64> {
    let floor = share(field, reader, ONE_SLOT..=1.0)?;
    if floor * arms as f64 >= 1.0 {
        let message =
            format!("a floor of {floor} for each of {arms} arms leaves nothing to learn with");
        let problem = field.problem(reader, "out-of-range", message);
        let even = 1.0 / arms as f64;
        reader.push(problem.hint(format!("write less than an even share, which is {even:.4}")));
        return None;
    }
    Some(floor)
}

fn algorithm(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Algorithm> {
    match field.value().as_str() {
        Some(EPSILON_GREEDY) => {
            let message = "epsilon_greedy needs the share that it explores with".to_owned();
            let problem = field.problem(reader, "missing-field", message);
            reader.push(problem.hint("write { epsilon_greedy = 0.1 }"));
            return None;
        }
        Some(_) => {
            let words = [(THOMPSON, Algorithm::default()), (UCB1, Algorithm::Ucb1)];
            return field.choice(reader, &words);
        }
        None if !field.value().is_object() => {
            return field.mistyped(reader, "\"thompson\", \"ucb1\" or a table");
        }
        None => {}
    }
    let mut table = field.table(reader)?;
    let (thompson, epsilon) = (table.get(THOMPSON), table.get(EPSILON_GREEDY));
    table.finish(reader);
    match (thompson, epsilon) {
        (Some(field), None) => {
            let mut table = field.table(reader)?;
            let top_two = table.get("top_two");
            table.finish(reader);
            let top_two = optional(top_two, |field| field.flag(reader))?.unwrap_or(false);
            Some(Algorithm::Thompson { top_two })
        }
        (None, Some(field)) => {
            let epsilon = share(&field, reader, ONE_SLOT..=1.0)?;
            Some(Algorithm::EpsilonGreedy { epsilon })
        }
        (found, _) => {
            let got = match found {
                Some(_) => "both",
                None => "none",
            };
            let message = format!("expected one of {THOMPSON}, {EPSILON_GREEDY}, got {got}");
            reader.error(field, "ambiguous", message);
            None
        }
    }
}

// === writing ===

impl From<&Bandit> for BanditSpec {
    fn from(bandit: &Bandit) -> Self {
        Self {
            arms: bandit.arms.iter().map(ArmSpec::from).collect(),
            seed: bandit.seed.clone(),
            reward: RewardSpec {
                metric: bandit.reward.metric.clone(),
                kind: bandit.reward.kind.as_str(),
            },
            algorithm: bandit.algorithm.into(),
            floor: bandit.floor.into(),
            period: duration(bandit.period),
            max_change: bandit.max_change.into(),
            half_life: bandit.half_life.map(duration),
            reward_within: duration(bandit.reward_within),
            safety: bandit.safety.iter().map(GoalSpec::from).collect(),
        }
    }
}

impl From<Algorithm> for AlgorithmSpec {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Thompson { top_two: false } => Self::Word(THOMPSON),
            Algorithm::Thompson { top_two: true } => Self::Thompson {
                thompson: ThompsonSpec { top_two: true },
            },
            Algorithm::Ucb1 => Self::Word(UCB1),
            Algorithm::EpsilonGreedy { epsilon } => Self::EpsilonGreedy {
                epsilon_greedy: epsilon.into(),
            },
        }
    }
}
