//! The log of requests: a line for each that is asked for, of a target of its own. No payload, no query, no header and no
//! text of an error is in it: what a caller sent may stand in any of them.

use super::seen::{Door, Ended, Seen};
use crate::draw::draw;
use crate::measure::Outcome;
use crate::telemetry::ACCESS;

/// Which requests have a line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Access {
    share: f64,
    failures: bool,
}

// === impl Access ===

impl Access {
    /// A share of the requests from 0 to 1. Those that failed all have one where the share is not 0, and where `failures`
    /// says so.
    #[must_use]
    pub fn new(share: f64, failures: bool) -> Self {
        let share = share.clamp(0.0, 1.0);
        Self {
            share,
            failures: failures || share > 0.0,
        }
    }

    /// Whether any has.
    pub(super) fn is_on(self) -> bool {
        self.share > 0.0 || self.failures
    }

    /// Whether one that ended so has a line.
    pub(super) fn takes(self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Success => self.share >= 1.0 || (draw() as f64) < self.share * u64::MAX as f64,
            Outcome::Refused
            | Outcome::Overloaded
            | Outcome::Unavailable
            | Outcome::Limited
            | Outcome::Expired
            | Outcome::Abandoned
            | Outcome::Failed
            | Outcome::Crashed => self.failures,
        }
    }
}

// === impl Seen ===

impl Seen {
    /// Writes its line.
    pub(super) fn log(&self, ended: Ended) {
        let (protocol, method, path, status, grpc_status) = match &self.door {
            Door::Http { path, .. } => {
                let status = u64::from(ended.http());
                ("http", "POST", Some(path.as_str()), Some(status), None)
            }
            Door::Grpc { method } => ("grpc", *method, None, None, Some(i64::from(ended.grpc()))),
        };
        let by = self.by();
        let version = by.map(|(_, version, _)| version.to_string());
        let (trace, span) =
            self.begun
                .as_ref()
                .map(|begun| begun.context)
                .map_or((None, None), |context| {
                    let (trace, span) = (context.trace.to_string(), context.span.to_string());
                    (Some(trace), Some(span))
                });
        let decision = self.decision.as_ref();
        let given = self.given.as_ref();
        let nanos = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        tracing::info!(
            target: ACCESS,
            request = &*self.id,
            protocol,
            method,
            path,
            pipeline = self.pipeline(),
            model = by.map(|(model, _, _)| model.as_str()),
            version = version.as_deref(),
            variant = by.map(|(_, _, variant)| variant.as_str()),
            revision = decision.and_then(|decided| Some(decided.revision?.0)),
            status,
            grpc_status,
            outcome = self.outcome(ended).as_str(),
            code = self.word(ended),
            rescue = given.and_then(|given| Some(given.rescue.as_ref()?.why)),
            cache = given.and_then(|given| given.origin.as_str()),
            duration_ns = nanos(self.arrived.elapsed()),
            queue_ns = given.map(|given| nanos(given.queue)),
            compute_ns = given.map(|given| nanos(given.compute)),
            rows = self.rows.map(|rows| rows as u64),
            request_bytes = self.request_bytes.map(|bytes| bytes as u64),
            response_bytes = self.response_bytes.map(|bytes| bytes as u64),
            trace_id = trace.as_deref(),
            span_id = span.as_deref(),
            "request"
        );
    }
}
