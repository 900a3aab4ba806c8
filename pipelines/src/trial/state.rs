//! The state of an experiment: its phase, who owns which slot now, and the words that change them.
//!
//! How they do is said in `course`.

use crate::bucket::{Slots, Weight, WeightsError};

/// How many splits one experiment may go through: evidence of each is kept by itself.
pub const SPLITS: u32 = 8;

/// An experiment on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The revision that began it; evidence of another one is foreign.
    pub id: u64,
    /// Where it is.
    pub phase: Phase,
    /// Who owns which slot now; arm 0 is the baseline.
    pub slots: Slots,
    /// Who owns which slot while it runs: `slots`, unless all traffic is the baseline's for now.
    pub split: Slots,
    /// Counts up when `slots` changes; evidence is keyed by it.
    pub segment: u32,
    /// How many splits there were, this one included.
    pub splits: u32,
    /// When the phase began, in milliseconds since 1970.
    pub since: u64,
    /// Why it is in this phase.
    pub why: String,
}

/// Where an experiment is.
///
/// ```text
/// Preparing ──► Running ◄──► Paused
///     └────────────┴───────────┴──► Stopped │ Shipped
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Some version is not ready; the baseline answers all.
    Preparing,
    /// The arms answer by their weights.
    Running,
    /// The baseline answers all for a while.
    Paused,
    /// Over; the baseline answers all.
    Stopped {
        /// Who ended it.
        by: String,
        /// What for.
        why: String,
    },
    /// Over; one arm answers all.
    Shipped {
        /// Its index.
        arm: usize,
    },
}

/// What can be asked of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub enum Verb {
    /// End it; the baseline answers.
    Stop {
        /// Who asks.
        by: String,
        /// What for.
        why: String,
    },
    /// End it; this arm answers, as a standalone policy.
    Ship {
        /// The arm's name.
        arm: String,
        /// Who asks.
        by: String,
    },
    /// Share the traffic otherwise: one weight for each arm.
    SetWeights(Vec<Weight>),
    /// Let the baseline answer all for a while.
    Pause {
        /// What for.
        why: String,
    },
    /// Go on where it was paused.
    Resume,
}

/// A change of the course: what follows, and what is to be written down about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The course from now on.
    pub next: Trial,
    /// The action's word in the journal.
    pub action: &'static str,
    /// Why, in a sentence.
    pub why: String,
    /// The numbers that it rested on.
    pub numbers: Vec<(String, f64)>,
}

/// What a tick sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// What is waited for, where some arm's version is not ready.
    pub waiting: Option<String>,
}

/// Why a verb is refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// It ended.
    #[error("the experiment is over: {how}")]
    Over {
        /// How.
        how: String,
    },
    /// The verb has no sense in this phase.
    #[error("cannot {verb} an experiment that is {phase}")]
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
    /// Weights that make no split.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The number of weights is not the number of arms.
    #[error("expected {arms} weights, one for each arm, got {got}")]
    Count {
        /// How many arms there are.
        arms: usize,
        /// How many weights were given.
        got: usize,
    },
    /// The weights are what they are.
    #[error("the arms have these weights already")]
    Same,
    /// Evidence of each split is kept by itself, and there is room for so many.
    #[error("an experiment may go through {SPLITS} splits; begin a new one")]
    Splits,
}

// === impl Trial ===

impl Trial {
    /// Whether an arm's version must be in memory.
    #[must_use]
    pub fn needs(&self, arm: usize) -> bool {
        match self.phase {
            Phase::Preparing | Phase::Running | Phase::Paused => true,
            Phase::Stopped { .. } => arm == 0,
            Phase::Shipped { arm: shipped } => arm == shipped,
        }
    }

    /// The phase's word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.phase {
            Phase::Preparing => "preparing",
            Phase::Running => "running",
            Phase::Paused => "paused",
            Phase::Stopped { .. } => "stopped",
            Phase::Shipped { .. } => "shipped",
        }
    }
}
