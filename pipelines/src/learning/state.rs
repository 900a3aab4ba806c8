//! The state of a bandit: its phase, who owns which slot now, and the words that change them.
//!
//! How they do is said in `course`.

use std::collections::BTreeMap;

use super::readings::Readings;
use crate::bucket::{Slots, WeightsError};

/// A bandit on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Learning {
    /// The revision that began it; rewards of another one are foreign.
    pub id: u64,
    /// Where it is.
    pub phase: Phase,
    /// Who owns which slot now. The weights are the propensities of every decision of this segment.
    pub slots: Slots,
    /// Who owns which slot while it runs: `slots`, unless all traffic is the baseline's for now.
    pub split: Slots,
    /// Counts up when `slots` changes.
    pub segment: u32,
    /// How many periods there were.
    pub periods: u64,
    /// The arm that was likeliest the best when shares changed last, once anything was known.
    pub best: Option<usize>,
    /// The arms that were removed, by index.
    pub removed: BTreeMap<usize, Removal>,
    /// When the period began, in milliseconds since 1970.
    pub since: u64,
    /// Why the shares are what they are.
    pub why: String,
}

/// Where a bandit is.
///
/// ```text
/// Preparing ──► Running ◄──► Paused
///     └────────────┴───────────┴──► Frozen
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Some version is not ready; the baseline answers all.
    Preparing,
    /// Shares follow rewards.
    Running,
    /// Shares stay as they are.
    Paused,
    /// Over: another policy takes its place.
    Frozen(Ending),
}

/// What takes a bandit's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// An experiment with the shares as they are.
    Experiment,
    /// A standalone policy of one arm.
    Standalone {
        /// The arm's index.
        arm: usize,
    },
}

/// Why an arm has no traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Who removed it; the daemon itself is `impresario`.
    pub by: String,
    /// Why.
    pub why: String,
}

/// What can be asked of a bandit.
#[derive(Clone, Debug, PartialEq)]
pub enum Verb {
    /// End it: an experiment goes on with the shares as they are.
    FreezeExperiment,
    /// End it: the arm that was likeliest the best when shares changed last answers all.
    FreezeBest,
    /// Leave the shares as they are.
    Pause {
        /// What for.
        why: String,
    },
    /// Let them follow again.
    Resume,
    /// Take all traffic from an arm.
    RemoveArm {
        /// Its name.
        arm: String,
        /// Who asks.
        by: String,
        /// What for.
        why: String,
    },
    /// Give a removed arm its floor again.
    RestoreArm {
        /// Its name.
        arm: String,
    },
}

/// A change of the course: what follows, and what is to be written down about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The course from now on.
    pub next: Learning,
    /// The action's word in the journal.
    pub action: &'static str,
    /// Why, in a sentence.
    pub why: String,
    /// The numbers that it rested on.
    pub numbers: Vec<(String, f64)>,
}

/// What a tick sees.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sight {
    /// What is waited for, where some arm's version is not ready.
    pub waiting: Option<String>,
    /// Milliseconds of the monotonic clock since this process saw the period begin.
    pub elapsed: u64,
    /// What the rewards say.
    pub readings: Option<Readings>,
}

/// Why a verb is refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// It ended.
    #[error("the bandit is over: {how}")]
    Over {
        /// How.
        how: String,
    },
    /// The verb has no sense in this phase.
    #[error("cannot {verb} a bandit that is {phase}")]
    Phase {
        /// The verb.
        verb: &'static str,
        /// The phase.
        phase: &'static str,
    },
    /// No such arm.
    #[error("unknown arm '{arm}'; there are {known}")]
    Arm {
        /// What was asked for.
        arm: String,
        /// What there is.
        known: String,
    },
    /// The others are held against it.
    #[error("cannot remove '{arm}': it is the baseline, which the others are held against")]
    Baseline {
        /// The arm.
        arm: String,
    },
    /// It has no traffic already.
    #[error("'{arm}' was removed by {by}: {why}")]
    Removed {
        /// The arm.
        arm: String,
        /// Who removed it.
        by: String,
        /// Why.
        why: String,
    },
    /// It was not removed.
    #[error("'{arm}' was not removed")]
    Present {
        /// The arm.
        arm: String,
    },
    /// Nothing is known of the rewards yet.
    #[error("no arm can be called the best: there are no rewards yet")]
    Unknown,
    /// Weights that make no split; a compiled specification gives none such.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

// === impl Learning ===

impl Learning {
    /// Whether an arm's version must be in memory. One that was removed stays, so that it can be restored at once.
    #[must_use]
    pub fn needs(&self, arm: usize) -> bool {
        match self.phase {
            Phase::Preparing
            | Phase::Running
            | Phase::Paused
            | Phase::Frozen(Ending::Experiment) => true,
            Phase::Frozen(Ending::Standalone { arm: best }) => arm == best,
        }
    }

    /// The arms that were not removed.
    pub fn active(&self) -> impl Iterator<Item = usize> {
        (0..self.split.arms()).filter(|arm| !self.removed.contains_key(arm))
    }

    /// The phase's word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.phase {
            Phase::Preparing => "preparing",
            Phase::Running => "running",
            Phase::Paused => "paused",
            Phase::Frozen(_) => "frozen",
        }
    }

    /// An arm's share while it runs.
    #[must_use]
    pub fn share(&self, arm: usize) -> f64 {
        self.split.share(arm)
    }
}
