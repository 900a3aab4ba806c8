//! Traces: which one a request belongs to, as the W3C's Trace Context has it, and what a span tells.
//!
//! Nothing here is sent, and nothing knows what a request is: spans are made by who saw one (`plane`), and exported by
//! `otlp`.

mod ids;
mod parent;
mod sample;
mod span;
mod state;

pub use ids::{SpanId, TraceId};
pub use parent::{PARENT, Parent, ParentError, RESPONSE};
pub use sample::{Begun, Sampler};
pub use span::{Kind, Link, Span, Status, Value};
pub use state::{STATE, State, StateError};

/// The place of a request, or of a part of it, in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The trace.
    pub trace: TraceId,
    /// The span within it.
    pub span: SpanId,
    /// Whether its spans are kept by who began the trace.
    pub sampled: bool,
}

// === impl Context ===

impl Context {
    /// The trace, where its spans are kept.
    #[must_use]
    pub fn kept(self) -> Option<TraceId> {
        self.sampled.then_some(self.trace)
    }
}

#[cfg(test)]
mod tests;
