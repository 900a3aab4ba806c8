//! What callers tell of a request, what becomes of it, and why it is refused.

use std::time::Duration;

use impresario_models::Name;

use super::entry::{Request, Seen};

/// The most events in one post.
pub const MAX_EVENTS: usize = 1_000;

/// The longest id of a request or an event, in bytes.
pub const MAX_TEXT: usize = 256;

/// An event of feedback.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Given<'a> {
    /// The request that it is about.
    pub about: About<'a>,
    /// The metric that it has a value of.
    pub metric: &'a str,
    /// The value; those of one request and metric are summed up.
    pub value: f64,
    /// What tells events of one request and metric apart. Nothing is an id as any other.
    pub event: &'a str,
}

/// The request that an event is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum About<'a> {
    /// The one with this id, which must be remembered.
    Request(&'a str),
    /// The one that a verified token of the pipeline is of.
    Token {
        /// The course that decided.
        course: u64,
        /// What the request is found by.
        request: Request,
        /// How it was given to an arm.
        seen: Seen,
    },
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It counts.
    Accepted,
    /// It came before; it counts once.
    Duplicate,
    /// It came after the time that feedback is waited for, and does not count.
    Late,
    /// Its request is not known here (any more).
    Unknown,
    /// Its request has as many events as it takes.
    Full,
}

/// Why feedback is not taken.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refused {
    /// Nothing is learnt there.
    #[error("pipeline '{pipeline}' takes no feedback: it runs no experiment and no bandit")]
    NoCourse {
        /// The pipeline.
        pipeline: Name,
    },
    /// There are too many events, or none.
    #[error("expected 1 to {MAX_EVENTS} events, got {got}")]
    Count {
        /// How many there are.
        got: usize,
    },
    /// An event says something wrong.
    #[error("event {index}: {field}: expected {expected}, got {got}")]
    Event {
        /// Which one, from zero.
        index: usize,
        /// What of it.
        field: &'static str,
        /// What was expected there.
        expected: String,
        /// What it says.
        got: String,
    },
    /// More came than is taken in.
    #[error(
        "pipeline '{pipeline}' takes {per_second} events of feedback in a second; more came than that"
    )]
    Flood {
        /// The pipeline.
        pipeline: Name,
        /// How many it takes.
        per_second: u32,
        /// When it is worth to come back.
        retry_after: Duration,
    },
}

// === impl Taken ===

impl Taken {
    /// All there is.
    pub const ALL: [Self; 5] = [
        Self::Accepted,
        Self::Duplicate,
        Self::Late,
        Self::Unknown,
        Self::Full,
    ];

    /// The word used in answers and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Late => "late",
            Self::Unknown => "unknown",
            Self::Full => "full",
        }
    }
}

// === impl Refused ===

impl Refused {
    /// When it is worth to come back, where it is.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Flood { retry_after, .. } => Some(*retry_after),
            Self::NoCourse { .. } | Self::Count { .. } | Self::Event { .. } => None,
        }
    }
}
