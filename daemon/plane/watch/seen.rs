//! What was seen of a request, and what becomes of it at its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::Variant;

use super::Rules;
use crate::measure::Outcome;
use crate::serve::{Answer, Decided, Origin, Rescue, Told};
use crate::trace::Begun;

/// The status for a caller who left, as many servers write it.
const LEFT: u16 = 499;

/// The status of gRPC for the same.
const CANCELLED: i32 = 1;

/// The door that a request came through.
pub(crate) enum Door {
    /// HTTP.
    Http {
        /// The path, without its query.
        path: String,
        /// What paths of its kind look like.
        route: &'static str,
    },
    /// gRPC.
    Grpc {
        /// The method.
        method: &'static str,
    },
}

/// How a request ended for its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With a status of HTTP.
    Http(u16),
    /// With a status of gRPC.
    Grpc(i32),
    /// The caller did not wait for it.
    Left,
}

/// Who answered.
pub(super) struct Given {
    pub(super) by: (Name, VersionNumber, Variant),
    pub(super) queue: Duration,
    pub(super) compute: Duration,
    pub(super) origin: Origin,
    pub(super) rescue: Option<Rescue>,
}

/// What was seen of a request.
pub(super) struct Seen {
    pub(super) rules: Arc<Rules>,
    /// Spans are made of it.
    pub(super) traced: bool,
    pub(super) begun: Option<Begun>,
    pub(super) door: Door,
    pub(super) id: Box<str>,
    /// The name that was asked for.
    pub(super) asked: String,
    pub(super) arrived: Instant,
    pub(super) received: Option<Instant>,
    pub(super) decided: Option<Instant>,
    pub(super) decoded: Option<Instant>,
    pub(super) answered: Option<Instant>,
    pub(super) encoded: Option<Instant>,
    pub(super) decision: Option<Decided>,
    pub(super) told: Option<Told>,
    pub(super) given: Option<Given>,
    pub(super) rows: Option<usize>,
    pub(super) request_bytes: Option<usize>,
    pub(super) response_bytes: Option<usize>,
    pub(super) failure: Option<(&'static str, Outcome)>,
}

// === impl Seen ===

impl Seen {
    pub(super) fn ended(self, ended: Ended) {
        if self.rules.access.takes(self.outcome(ended)) {
            self.log(ended);
        }
        if self.traced {
            let rules = Arc::clone(&self.rules);
            rules.exporter.spans(self.spans(ended));
        }
    }

    /// How it ended, as it is counted.
    pub(super) fn outcome(&self, ended: Ended) -> Outcome {
        match (&self.failure, ended) {
            (Some((_, outcome)), _) => *outcome,
            (None, Ended::Left) => Outcome::Abandoned,
            (None, Ended::Http(_) | Ended::Grpc(_)) => Outcome::Success,
        }
    }

    /// The word for why it was not answered.
    pub(super) fn word(&self, ended: Ended) -> Option<&'static str> {
        match (&self.failure, ended) {
            (Some((word, _)), _) => Some(word),
            (None, Ended::Left) => Some(Outcome::Abandoned.as_str()),
            (None, Ended::Http(_) | Ended::Grpc(_)) => None,
        }
    }

    /// Who answered; the one that was decided on where nobody did.
    pub(super) fn by(&self) -> Option<&(Name, VersionNumber, Variant)> {
        let decided = self.decision.as_ref().map(|decided| &decided.by);
        self.given.as_ref().map(|given| &given.by).or(decided)
    }

    /// The pipeline; the name that was asked for where there is none.
    pub(super) fn pipeline(&self) -> &str {
        let decided = self.decision.as_ref();
        decided.map_or(&self.asked, |decided| decided.pipeline.as_str())
    }
}

// === impl Given ===

impl Given {
    pub(super) fn of(answer: &Answer) -> Self {
        Self {
            by: (answer.model.clone(), answer.version, answer.variant.clone()),
            queue: answer.queue,
            compute: answer.compute,
            origin: answer.origin,
            rescue: answer.rescue.clone(),
        }
    }
}

// === impl Ended ===

impl Ended {
    /// The status as HTTP has it, for a request over HTTP.
    pub(super) fn http(self) -> u16 {
        match self {
            Self::Http(status) => status,
            Self::Left | Self::Grpc(_) => LEFT,
        }
    }

    /// The status as gRPC has it, for a request over gRPC.
    pub(super) fn grpc(self) -> i32 {
        match self {
            Self::Grpc(status) => status,
            Self::Left | Self::Http(_) => CANCELLED,
        }
    }
}
