//! Requests as they are seen from outside: a line each in the log, and spans for the export. Where nobody asks for
//! either, a request costs one look at that.
//!
//! Both are made once, at the request's end, from times that were noted on the way; no tensor and no key is ever in them.

mod access;
mod names;
mod seen;
mod spans;

use std::sync::Arc;
use std::time::Instant;

use crate::clock;
use crate::codec::clip;
use crate::otlp::Exporter;
use crate::serve::{Answer, Entry};
use crate::trace::{Context, Parent, Sampler};

use super::Fault;
pub use access::Access;
pub(crate) use seen::{Door, Ended};
use seen::{Given, Seen};

/// Who watches requests. Cloning shares it; the default watches none.
#[derive(Clone, Default)]
pub struct Watcher(Option<Arc<Rules>>);

/// What is asked for.
struct Rules {
    access: Access,
    sampler: Sampler,
    exporter: Exporter,
}

/// One request that is perhaps watched. A request that is dropped before it ended was left by its caller.
#[derive(Default)]
pub(crate) struct Watch {
    context: Option<Context>,
    seen: Option<Box<Seen>>,
}

// === impl Watcher ===

impl Watcher {
    /// Writes lines for requests, and exports spans of a sample of them.
    #[must_use]
    pub fn new(access: Access, traces: Option<(Sampler, Exporter)>) -> Self {
        if !access.is_on() && traces.is_none() {
            return Self::default();
        }
        // Without an export the trace of a caller is named all the same, and none is begun.
        let (sampler, exporter) =
            traces.unwrap_or_else(|| (Sampler::new(0.0), Exporter::default()));
        Self(Some(Arc::new(Rules {
            access,
            sampler,
            exporter,
        })))
    }

    /// A request has arrived. What is not needed where nobody watches is asked for then only.
    pub(crate) fn begin(
        &self,
        arrived: Instant,
        name: &str,
        id: &str,
        parent: impl FnOnce() -> Option<Parent>,
        door: impl FnOnce() -> Door,
    ) -> Watch {
        let Some(rules) = &self.0 else {
            return Watch::default();
        };
        let begun = rules.sampler.begin(parent());
        let context = begun.as_ref().map(|begun| begun.context);
        let traced = rules.exporter.traces() && context.is_some_and(|context| context.sampled);
        let watched = traced || rules.access.is_on();
        let seen = watched.then(|| {
            Box::new(Seen {
                rules: Arc::clone(rules),
                traced,
                begun,
                door: door(),
                id: id.into(),
                asked: clip(name),
                arrived,
                received: None,
                decided: None,
                decoded: None,
                answered: None,
                encoded: None,
                decision: None,
                told: None,
                given: None,
                rows: None,
                request_bytes: None,
                response_bytes: None,
                failure: None,
            })
        });
        Watch { context, seen }
    }
}

// === impl Watch ===

impl Watch {
    /// The place of the request in its trace, where it belongs to one.
    pub(crate) fn context(&self) -> Option<Context> {
        self.context
    }

    /// Its body was read.
    pub(crate) fn received(&mut self, bytes: impl FnOnce() -> usize) {
        if let Some(seen) = &mut self.seen {
            seen.received = Some(clock::instant());
            seen.request_bytes = Some(bytes());
        }
    }

    /// Who answers was decided.
    pub(crate) fn decided(&mut self, entry: &mut Entry) {
        if let Some(seen) = &mut self.seen {
            seen.decided = Some(clock::instant());
            seen.decision = Some(entry.decided());
            seen.told = seen.traced.then(|| entry.tells());
        }
    }

    /// Its tensors were read.
    pub(crate) fn decoded(&mut self, rows: impl FnOnce() -> usize) {
        if let Some(seen) = &mut self.seen {
            seen.decoded = Some(clock::instant());
            seen.rows = Some(rows());
        }
    }

    /// Somebody answered.
    pub(crate) fn answered(&mut self, answer: &Answer) {
        if let Some(seen) = &mut self.seen {
            seen.answered = Some(clock::instant());
            seen.given = Some(Given::of(answer));
        }
    }

    /// The answer was written.
    pub(crate) fn encoded(&mut self, bytes: impl FnOnce() -> usize) {
        if let Some(seen) = &mut self.seen {
            seen.encoded = Some(clock::instant());
            seen.response_bytes = Some(bytes());
        }
    }

    /// It is not answered.
    pub(crate) fn failed(&mut self, fault: &Fault) {
        if let Some(seen) = &mut self.seen {
            let code = fault.code();
            seen.failure = Some((code.word, code.outcome));
        }
    }

    /// It is over, with the status that its caller gets.
    pub(crate) fn ended(mut self, ended: Ended) {
        if let Some(seen) = self.seen.take() {
            seen.ended(ended);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(seen) = self.seen.take() {
            seen.ended(Ended::Left);
        }
    }
}

#[cfg(test)]
mod tests;
