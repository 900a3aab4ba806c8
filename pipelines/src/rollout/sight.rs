//! What is seen of a rollout once a second: the material of a tick.

use crate::analysis::{Readings, Thresholds, Trip};

/// What is seen of a rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// The [`turn`](super::Rollout::turn) of the published state that this was seen of; what belongs to an earlier one comes
    /// too late.
    pub turn: u64,
    /// How the canary stands.
    pub canary: Standing,
    /// How the stable stands.
    pub stable: Standing,
    /// Whether the newest requests fail.
    pub trip: Trip,
    /// What the evidence shows, where there is any.
    pub readings: Option<Readings>,
    /// What the shadow shows, where there is one.
    pub shadow: Option<Shadowing>,
    /// Why the daemon lets nothing advance, where it does.
    pub frozen: Option<String>,
    /// What would be slow, once the stable has shown enough.
    pub thresholds: Option<Thresholds>,
    /// Milliseconds since the sight before, by the monotonic clock.
    pub elapsed: u64,
}

/// How a version stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It answers.
    Ready,
    /// It will answer by itself: it waits, loads or restarts.
    Coming(String),
    /// It does not answer by itself any more: it failed, or crashed too often.
    Gone(String),
}

/// What the shadow shows so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shadowing {
    /// Pairs of answers that were compared.
    pub pairs: u64,
    /// The share of them that agree, the stable's own noise taken off; from 0 to 1.
    pub agreement: f64,
}

// === impl Standing ===

impl Standing {
    /// Why it does not answer, where it does not.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        match self {
            Self::Ready => None,
            Self::Coming(why) | Self::Gone(why) => Some(why),
        }
    }
}
