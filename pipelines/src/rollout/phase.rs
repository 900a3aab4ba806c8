//! Phases: where a rollout is, and the words for it.

use std::fmt;

/// Where a rollout is.
///
/// ```text
/// Pending ──► Preparing ──► Shadow ──► Step ──► Step ──► … ──► Promoting ──► Soaking ──► Succeeded
///                │            └─ only where the first step is one                            │
///                └──► FailedPrepare                                                        undo
///                                                                                            ▼
/// Pending … Soaking, Paused ───────────────────────────────────────────────────────────► Aborting ──► RolledBack
/// Pending, Preparing, Shadow, Step ◄──► Paused
/// Pending … Soaking, Paused, Aborting ──► Superseded
/// FailedPrepare, RolledBack ── retry ──► Pending, as another rollout
///
/// within Shadow and Step:  Baking ◄──► Held      AwaitingApproval ──► Baking      AwaitingApproval ◄──► Held
/// ```
///
/// A step that asks for approval is begun in `AwaitingApproval`; `Baking` then means that it was given, and the next tick goes
/// on if nothing speaks against it. `promote --full` leads from Shadow and Step to Promoting, and from Preparing once the
/// canary is ready. Soaking may be skipped. What has ended is left by a command only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It was asked for, and has not begun: a freeze may be why.
    Pending,
    /// The canary is loaded, warmed up and tried, without traffic.
    Preparing,
    /// The canary did not become ready.
    FailedPrepare(String),
    /// The canary is compared with the stable on requests that the stable answers.
    Shadow(Stay),
    /// It is in one of its steps.
    Step(Stay),
    /// The canary has all of the traffic from this revision on.
    Promoting,
    /// The canary has all of the traffic, and the stable is kept in memory.
    Soaking,
    /// The canary is what the stable was.
    Succeeded,
    /// Somebody stopped it; the weights stay.
    Paused {
        /// Who.
        by: String,
        /// Where it goes on.
        from: Place,
    },
    /// The stable has all of the traffic from this revision on.
    Aborting(Cause),
    /// The stable has all of the traffic.
    RolledBack(Cause),
    /// Another definition of the pipeline took its place.
    Superseded {
        /// The revision of that.
        by: u64,
    },
}

/// What a step is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// Its time runs.
    Baking,
    /// Something has to change first; time stands still.
    Held(Hold),
    /// Somebody has to say yes.
    AwaitingApproval,
}

/// What has to change. A stronger hold takes the place of a weaker one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hold {
    /// The deadline passed with too little traffic to say anything.
    NoData,
    /// The deadline passed, and the evidence shows neither harm nor safety.
    Inconclusive,
    /// The arms do not get the shares that they should: nothing that is measured can be trusted.
    Srm,
    /// Both versions fail.
    SharedIncident,
    /// The canary is not there, and has no traffic until it is.
    Unavailable,
}

/// Where a paused rollout goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before it began.
    Pending,
    /// With the preparation.
    Preparing,
    /// In the shadow step.
    Shadow(Stay),
    /// In a step.
    Step(Stay),
}

/// Why a rollout was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Somebody asked for it.
    Asked,
    /// Somebody said no.
    Rejected,
    /// It was promoted, and somebody took that back.
    Undone,
    /// The canary was away too long.
    Unavailable,
    /// The canary failed in a row.
    Trip,
    /// The canary's answers broke the contract.
    Violations,
    /// The canary is worse than the stable.
    Harm,
    /// The canary is worse than may be.
    Ceiling,
    /// The evidence took too long.
    Inconclusive,
}

// === impl Phase ===

impl Phase {
    /// The word used in API, records, metrics and logs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Preparing => "preparing",
            Self::FailedPrepare(_) => "failed-prepare",
            Self::Shadow(Stay::Baking) => "shadow",
            Self::Step(Stay::Baking) => "baking",
            Self::Shadow(Stay::Held(_)) | Self::Step(Stay::Held(_)) => "held",
            Self::Shadow(Stay::AwaitingApproval) | Self::Step(Stay::AwaitingApproval) => {
                "awaiting-approval"
            }
            Self::Promoting => "promoting",
            Self::Soaking => "soaking",
            Self::Succeeded => "succeeded",
            Self::Paused { .. } => "paused",
            Self::Aborting(_) => "aborting",
            Self::RolledBack(_) => "rolled-back",
            Self::Superseded { .. } => "superseded",
        }
    }

    /// Whether anything moves it by itself.
    #[must_use]
    pub fn is_active(&self) -> bool {
        match self {
            Self::Pending
            | Self::Preparing
            | Self::Shadow(_)
            | Self::Step(_)
            | Self::Promoting
            | Self::Soaking
            | Self::Paused { .. }
            | Self::Aborting(_) => true,
            Self::FailedPrepare(_)
            | Self::Succeeded
            | Self::RolledBack(_)
            | Self::Superseded { .. } => false,
        }
    }

    /// Where it is within its steps, paused or not; nothing before and after them.
    #[must_use]
    pub fn stay(&self) -> Option<Stay> {
        match self {
            Self::Shadow(stay)
            | Self::Step(stay)
            | Self::Paused {
                from: Place::Shadow(stay) | Place::Step(stay),
                ..
            } => Some(*stay),
            Self::Paused {
                from: Place::Pending | Place::Preparing,
                ..
            }
            | Self::Pending
            | Self::Preparing
            | Self::FailedPrepare(_)
            | Self::Promoting
            | Self::Soaking
            | Self::Succeeded
            | Self::Aborting(_)
            | Self::RolledBack(_)
            | Self::Superseded { .. } => None,
        }
    }

    /// What holds it, paused or not.
    #[must_use]
    pub fn held(&self) -> Option<Hold> {
        match self.stay() {
            Some(Stay::Held(hold)) => Some(hold),
            Some(Stay::Baking | Stay::AwaitingApproval) | None => None,
        }
    }

    /// The same place with another stay in it; a phase that is no step has none.
    pub(super) fn with(&self, stay: Stay) -> Self {
        match self {
            Self::Shadow(_) => Self::Shadow(stay),
            Self::Step(_) => Self::Step(stay),
            Self::Paused { by, from } => Self::Paused {
                by: by.clone(),
                from: match from {
                    Place::Shadow(_) => Place::Shadow(stay),
                    Place::Step(_) => Place::Step(stay),
                    Place::Pending | Place::Preparing => *from,
                },
            },
            Self::Pending
            | Self::Preparing
            | Self::FailedPrepare(_)
            | Self::Promoting
            | Self::Soaking
            | Self::Succeeded
            | Self::Aborting(_)
            | Self::RolledBack(_)
            | Self::Superseded { .. } => self.clone(),
        }
    }
}

impl From<Place> for Phase {
    fn from(place: Place) -> Self {
        match place {
            Place::Pending => Self::Pending,
            Place::Preparing => Self::Preparing,
            Place::Shadow(stay) => Self::Shadow(stay),
            Place::Step(stay) => Self::Step(stay),
        }
    }
}

/// As a sentence about a rollout goes on: "is soaking".
impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending => f.write_str("has not begun"),
            Self::Preparing => f.write_str("is preparing"),
            Self::FailedPrepare(_) => f.write_str("failed to prepare"),
            Self::Shadow(Stay::Baking) => f.write_str("is shadowing"),
            Self::Step(Stay::Baking) => f.write_str("is baking"),
            Self::Shadow(Stay::Held(hold)) | Self::Step(Stay::Held(hold)) => {
                write!(f, "is held ({})", hold.as_str())
            }
            Self::Shadow(Stay::AwaitingApproval) | Self::Step(Stay::AwaitingApproval) => {
                f.write_str("awaits approval")
            }
            Self::Promoting => f.write_str("is promoting"),
            Self::Soaking => f.write_str("is soaking"),
            Self::Succeeded => f.write_str("has succeeded"),
            Self::Paused { by, .. } => write!(f, "is paused by {by}"),
            Self::Aborting(_) => f.write_str("is aborting"),
            Self::RolledBack(_) => f.write_str("is rolled back"),
            Self::Superseded { by } => write!(f, "is superseded by revision {by}"),
        }
    }
}

// === impl Hold and Cause ===

impl Hold {
    /// The word used in API, records, metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoData => "no-data",
            Self::Inconclusive => "inconclusive",
            Self::Srm => "sample-ratio",
            Self::SharedIncident => "shared-incident",
            Self::Unavailable => "unavailable",
        }
    }

    /// What it waits for.
    pub(super) fn until(self) -> &'static str {
        match self {
            Self::NoData => "held until there is traffic, or somebody decides",
            Self::Inconclusive => "held until the evidence is conclusive, or somebody decides",
            Self::Srm => {
                "held until somebody has found out why the shares are wrong: abort it, or promote it by force"
            }
            Self::SharedIncident => "held until the versions do not fail any more",
            Self::Unavailable => "held until the canary is back",
        }
    }
}

impl Cause {
    /// The word used in API, records, metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Rejected => "rejected",
            Self::Undone => "undone",
            Self::Unavailable => "unavailable",
            Self::Trip => "trip",
            Self::Violations => "violations",
            Self::Harm => "harm",
            Self::Ceiling => "ceiling",
            Self::Inconclusive => "inconclusive",
        }
    }
}
