//! The export to an OpenTelemetry collector (OTLP over gRPC or HTTP): spans, log records and metrics.
//!
//! Nothing that serves ever waits for it: what is to be exported goes into a bounded queue, or is dropped and counted; a
//! thread for each signal sends batches, tries again what may be taken later, and counts what was not. What a span, a
//! record or a metric says is decided by who makes it.

mod batcher;
mod exporter;
mod logs;
mod metrics;
mod pace;
mod pack;
mod queue;
mod send;
mod settings;
mod tally;
mod worker;

pub use batcher::Bounds;
pub use exporter::Exporter;
pub use logs::Logs;
pub use metrics::{Buckets, Data, Exemplar, Metric, Point};
pub use settings::{
    Compression, Endpoint, EndpointError, Headers, HeadersError, Protocol, Resource, Settings,
    Signal,
};
pub use tally::Shown;

#[cfg(test)]
mod tests;
