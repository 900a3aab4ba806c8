//! A bandit as it is specified: arms, reward, algorithm, and the limits that keep it honest.
//!
//! How it learns is the business of `learning`.

use std::time::Duration;

use super::experiment::Goal;
use crate::variant::Arm;

/// Versions whose shares follow what they achieve.
#[derive(Clone, Debug, PartialEq)]
pub struct Bandit {
    /// The arms, two at the least; the first is the baseline.
    pub arms: Vec<Arm>,
    /// What the assignment and the draws are seeded with.
    pub seed: String,
    /// What is to become more: a metric of feedback.
    pub reward: Reward,
    /// How shares follow.
    pub algorithm: Algorithm,
    /// The least share of an arm: at least one slot, and less than 1 / arms.
    pub floor: f64,
    /// How often shares change.
    pub period: Duration,
    /// The most that a share may change in a period.
    pub max_change: f64,
    /// After how long what was seen counts half; never where nothing is said.
    pub half_life: Option<Duration>,
    /// How long a reward is waited for.
    pub reward_within: Duration,
    /// What removes an arm when it becomes worse.
    pub safety: Vec<Goal>,
}

/// What is to become more.
#[derive(Clone, Debug, PartialEq)]
pub struct Reward {
    /// The metric's name in feedback.
    pub metric: String,
    /// What its values are.
    pub kind: RewardKind,
}

/// What the values of a reward are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewardKind {
    /// It happened or not.
    Binary,
    /// Any number.
    Number,
}

/// How shares follow rewards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Algorithm {
    /// An arm's share is the chance that it is the best; with `top_two`, half of it is given to the second.
    Thompson {
        /// Whether.
        top_two: bool,
    },
    /// The arm with the highest upper confidence bound takes what the floors leave.
    Ucb1,
    /// The best arm takes all but this share, which all have evenly.
    EpsilonGreedy {
        /// The share.
        epsilon: f64,
    },
}

// === impl Bandit ===

impl Bandit {
    /// The least share of an arm where nothing is said.
    pub const FLOOR: f64 = 0.01;
    /// How often shares change where nothing is said.
    pub const PERIOD: Duration = Duration::from_secs(60);
    /// The most that a share may change in a period where nothing is said.
    pub const MAX_CHANGE: f64 = 0.1;
    /// How long a reward is waited for where nothing is said.
    pub const REWARD: Duration = Duration::from_secs(60 * 60);
}

// === impl RewardKind ===

impl RewardKind {
    /// The word used in specifications and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Number => "number",
        }
    }
}

// === impl Algorithm ===

impl Algorithm {
    /// The word used in specifications, reports and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Thompson { .. } => "thompson",
            Self::Ucb1 => "ucb1",
            Self::EpsilonGreedy { .. } => "epsilon_greedy",
        }
    }
}

impl Default for Algorithm {
    /// Thompson sampling as it is.
    fn default() -> Self {
        Self::Thompson { top_two: false }
    }
}
