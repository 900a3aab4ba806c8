//! Verbs: what can be asked of a rollout, when, and how it is refused.

use crate::bucket::Weight;

use super::phase::{Hold, Phase, Place, Stay};

/// What is asked of a rollout.
#[derive(Clone, Debug, PartialEq)]
pub enum Verb {
    /// Stop where it is; the weights stay.
    Pause,
    /// Go on; one that is held because its evidence took too long gets as much time again.
    Resume,
    /// Go further than the evidence does.
    Promote {
        /// How far.
        to: To,
        /// Why, against what speaks against it: a freeze, a step that lies before, and in full, the evidence.
        force: Option<String>,
    },
    /// Leave out what is left of the step, or of soaking.
    Skip,
    /// Give the approval that the step asks for; the next tick goes on.
    Approve,
    /// Refuse the approval that the step asks for, for a reason.
    Reject(String),
    /// End it, for a reason: the stable gets all of the traffic.
    Abort(String),
    /// Begin anew one that was rolled back or failed to prepare.
    Retry {
        /// The revision that begins it.
        id: u64,
    },
    /// Take a promotion back.
    Undo,
    /// Give the canary this much of the traffic, until a step says otherwise.
    SetWeight(Weight),
    /// Do not advance.
    Freeze {
        /// Until when, in milliseconds since 1970; without it, until it is taken back.
        until: Option<u64>,
    },
    /// Take a freeze back.
    Unfreeze,
}

/// How far a rollout is promoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// All of the traffic.
    Full,
    /// A step, counted from 1 as it is shown.
    Step(usize),
    /// The next step.
    Next,
}

/// Why a rollout does not do what is asked of it. Nothing was changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// It is not the time for it.
    #[error("the rollout {phase}: it can be {possible}, not {asked}")]
    Phase {
        /// What it does: "is soaking".
        phase: String,
        /// What would be possible.
        possible: String,
        /// What was asked for, as a participle.
        asked: &'static str,
    },
    /// It has no such step.
    #[error("the rollout has steps 1 to {steps}, got {step}")]
    UnknownStep {
        /// What was asked for.
        step: usize,
        /// How many there are.
        steps: usize,
    },
    /// The step lies before the one that it is in.
    #[error("step {to} lies before step {from}: going back needs a reason (force)")]
    Backwards {
        /// Where it is.
        from: usize,
        /// What was asked for.
        to: usize,
    },
    /// The canary cannot take traffic.
    #[error(
        "the canary is not ready: the rollout can be aborted, or goes on once the canary is back"
    )]
    Away,
    /// The evidence speaks against it.
    #[error("{doubt}: the rollout can be aborted, or promoted in full with a reason (force)")]
    Doubt {
        /// What it says.
        doubt: String,
    },
    /// It does not advance now.
    #[error(
        "the rollout does not advance now ({why}): unfreeze it, or promote it with a reason (force)"
    )]
    Frozen {
        /// Why.
        why: String,
    },
    /// A weight that is no share.
    #[error(
        "expected a weight below 100 %, got {weight}: promoting gives the canary all of the traffic"
    )]
    Weight {
        /// What was asked for.
        weight: Weight,
    },
    /// A freeze that would be over.
    #[error("expected a moment to come, got {until} at {now} (milliseconds since 1970)")]
    Past {
        /// What was asked for.
        until: u64,
        /// The time.
        now: u64,
    },
    /// Something was asked for that needs a reason, without one.
    #[error("expected a reason for it, got none")]
    Reason,
}

// === impl Verb ===

impl Verb {
    /// The word used in API and command line.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Promote { .. } => "promote",
            Self::Skip => "skip",
            Self::Approve => "approve",
            Self::Reject(_) => "reject",
            Self::Abort(_) => "abort",
            Self::Retry { .. } => "retry",
            Self::Undo => "undo",
            Self::SetWeight(_) => "set-weight",
            Self::Freeze { .. } => "freeze",
            Self::Unfreeze => "unfreeze",
        }
    }

    /// What a rollout is that it was done to.
    fn participle(&self) -> &'static str {
        match self {
            Self::Pause => "paused",
            Self::Resume => "resumed",
            Self::Promote { .. } => "promoted",
            Self::Skip => "skipped ahead",
            Self::Approve => "approved",
            Self::Reject(_) => "rejected",
            Self::Abort(_) => "aborted",
            Self::Retry { .. } => "tried again",
            Self::Undo => "undone",
            Self::SetWeight(_) => "given a weight",
            Self::Freeze { .. } => "frozen",
            Self::Unfreeze => "unfrozen",
        }
    }

    /// Whether a phase has room for it.
    ///
    /// # Errors
    /// [`Refusal::Phase`], which says what would be possible.
    pub(super) fn fits(&self, phase: &Phase) -> Result<(), Refusal> {
        let (possible, freezes) = possible(phase);
        let asked = self.participle();
        let fits = match self {
            Self::Freeze { .. } | Self::Unfreeze => freezes,
            Self::Pause
            | Self::Resume
            | Self::Promote { .. }
            | Self::Skip
            | Self::Approve
            | Self::Reject(_)
            | Self::Abort(_)
            | Self::Retry { .. }
            | Self::Undo
            | Self::SetWeight(_) => possible.contains(&asked),
        };
        match fits {
            true => Ok(()),
            false => Err(Refusal::Phase {
                phase: phase.to_string(),
                possible: one_of(possible),
                asked,
            }),
        }
    }
}

/// What can be done in a phase, the likeliest first, and whether it can be frozen.
#[rustfmt::skip]
fn possible(phase: &Phase) -> (&'static [&'static str], bool) {
    match phase {
        Phase::Pending | Phase::Preparing => (&["promoted", "paused", "aborted"], true),
        Phase::FailedPrepare(_) | Phase::RolledBack(_) => (&["tried again"], false),
        Phase::Shadow(Stay::Baking | Stay::AwaitingApproval) => {
            (&["paused", "promoted", "skipped ahead", "aborted"], true)
        }
        Phase::Step(Stay::Baking) => {
            (&["paused", "promoted", "skipped ahead", "given a weight", "aborted"], true)
        }
        Phase::Step(Stay::AwaitingApproval) => (
            &["approved", "rejected", "paused", "promoted", "skipped ahead", "given a weight", "aborted"],
            true,
        ),
        // More time helps where evidence was missing.
        Phase::Shadow(Stay::Held(Hold::NoData | Hold::Inconclusive)) => {
            (&["resumed", "promoted", "skipped ahead", "paused", "aborted"], true)
        }
        Phase::Step(Stay::Held(Hold::NoData | Hold::Inconclusive)) => (
            &["resumed", "promoted", "skipped ahead", "given a weight", "paused", "aborted"],
            true,
        ),
        Phase::Shadow(Stay::Held(Hold::Srm | Hold::SharedIncident | Hold::Unavailable)) => {
            (&["aborted", "promoted", "skipped ahead", "paused"], true)
        }
        Phase::Step(Stay::Held(Hold::Srm | Hold::SharedIncident | Hold::Unavailable)) => {
            (&["aborted", "promoted", "skipped ahead", "given a weight", "paused"], true)
        }
        Phase::Promoting => (&["undone", "aborted"], true),
        Phase::Soaking => (&["undone", "aborted", "skipped ahead"], true),
        Phase::Succeeded => (&["undone"], false),
        Phase::Paused { from: Place::Pending | Place::Preparing | Place::Shadow(_), .. } => {
            (&["resumed", "aborted"], true)
        }
        Phase::Paused { from: Place::Step(_), .. } => (&["resumed", "given a weight", "aborted"], true),
        Phase::Aborting(_) => (&[], false),
        Phase::Superseded { .. } => (&[], false),
    }
}

fn one_of(words: &[&str]) -> String {
    match words {
        [] => "left as it is".to_owned(),
        [word] => (*word).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

// === impl Refusal ===

impl Refusal {
    /// A stable code for scripts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Phase { .. } => "wrong-phase",
            Self::UnknownStep { .. } => "unknown-step",
            Self::Backwards { .. } => "step-backwards",
            Self::Away => "canary-unavailable",
            Self::Doubt { .. } => "evidence-against",
            Self::Frozen { .. } => "frozen",
            Self::Weight { .. } => "invalid-weight",
            Self::Past { .. } => "moment-passed",
            Self::Reason => "reason-missing",
        }
    }
}
