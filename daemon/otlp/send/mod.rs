//! One try over the wire, and what its answer means to OTLP.

mod grpc;
pub(super) mod http;
pub(super) mod status;

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

pub(super) use grpc::Grpc;
pub(super) use http::Http;

/// The longest text of a collector that is kept, in characters.
const LONGEST: usize = 300;

/// Sends requests to a collector.
pub(super) trait Send {
    /// One try.
    async fn send(&mut self, body: &Body) -> Sent;
}

/// What is sent.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Traces(ExportTraceServiceRequest),
    Metrics(ExportMetricsServiceRequest),
    Logs(ExportLogsServiceRequest),
}

/// What a try came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It was taken, all of it or in part.
    Taken {
        /// Items that were not kept.
        rejected: u64,
        /// What the collector says to that.
        message: String,
    },
    /// It will never be taken.
    Refused(String),
    /// It may be taken later.
    Later {
        /// What went wrong.
        why: String,
        /// How long the collector wants to be left alone.
        after: Option<Duration>,
    },
}

/// Either protocol.
pub(super) enum Sender {
    Grpc(Box<Grpc>),
    Http(Http),
}

// === impl Sender ===

impl Send for Sender {
    async fn send(&mut self, body: &Body) -> Sent {
        match self {
            Self::Grpc(grpc) => grpc.send(body).await,
            Self::Http(http) => http.send(body).await,
        }
    }
}

/// A collector's own words, as far as they are kept.
fn clipped(text: &str) -> String {
    let printable = text.chars().filter(|c| !c.is_control());
    printable.take(LONGEST).collect()
}

/// What was taken: an answer says how many items were not kept.
fn taken(partial: Option<(i64, String)>) -> Sent {
    let (rejected, message) = partial.unwrap_or_default();
    Sent::Taken {
        rejected: u64::try_from(rejected).unwrap_or(0),
        message: clipped(&message),
    }
}
