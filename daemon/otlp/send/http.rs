//! OTLP over HTTP: protocol buffers, posted to a path for each signal. No proxy and no redirect is followed, so that what
//! is told, and with which headers, goes nowhere but where it was meant to.

use std::io::{self, Read, Write};
use std::time::SystemTime;

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use ureq::Agent;
use ureq::http::{HeaderMap, StatusCode, header};

use super::status::{RpcStatus, retry_delay};
use super::{Body, Send, Sent, clipped, taken};
use crate::clock;
use crate::otlp::settings::{Compression, Headers, Settings};
use crate::outbound::{agent, retry_after, words};

/// The most bytes of an answer that are read.
const ANSWER: u64 = 64 << 10;

/// A collector.
pub(in crate::otlp) struct Http {
    agent: Agent,
    url: String,
    headers: Headers,
    compression: Compression,
}

// === impl Http ===

impl Http {
    pub(in crate::otlp) fn new(settings: &Settings) -> Self {
        let config = agent().timeout_global(Some(settings.timeout)).build();
        Self {
            agent: config.new_agent(),
            url: settings.endpoint.url().to_owned(),
            headers: settings.headers.clone(),
            compression: settings.compression,
        }
    }

    fn post(
        &self,
        path: &str,
        message: Vec<u8>,
    ) -> Result<(StatusCode, HeaderMap, Vec<u8>), ureq::Error> {
        let mut request = self
            .agent
            .post(format!("{}{path}", self.url))
            .header(header::CONTENT_TYPE, "application/x-protobuf");
        for (name, value) in self.headers.iter() {
            request = request.header(name, value);
        }
        let body = match self.compression {
            Compression::None => message,
            Compression::Gzip => {
                request = request.header(header::CONTENT_ENCODING, "gzip");
                gzip(&message)?
            }
        };
        let response = request.send(&body[..])?;
        let (parts, body) = response.into_parts();
        let mut answer = Vec::new();
        // What an answer says more is of no interest, and neither is one that breaks off: its status has come.
        let _rest = body.into_reader().take(ANSWER).read_to_end(&mut answer);
        Ok((parts.status, parts.headers, answer))
    }
}

/// The thread has nothing else to do: that a post blocks it is no loss.
impl Send for Http {
    async fn send(&mut self, body: &Body) -> Sent {
        let posted = match body {
            Body::Traces(message) => self.post("/v1/traces", message.encode_to_vec()),
            Body::Metrics(message) => self.post("/v1/metrics", message.encode_to_vec()),
            Body::Logs(message) => self.post("/v1/logs", message.encode_to_vec()),
        };
        match posted {
            Ok((status, _, answer)) if status.is_success() => taken(partial(body, &answer)),
            Ok((status, headers, answer)) => meaning(status, &headers, &answer, clock::wall()),
            Err(error) => Sent::Later {
                why: words(&error),
                after: None,
            },
        }
    }
}

/// How much of what was sent was not kept. An answer that cannot be read, as of a collector that answers in JSON, says
/// nothing of it.
fn partial(body: &Body, answer: &[u8]) -> Option<(i64, String)> {
    match body {
        Body::Traces(_) => {
            let partial = ExportTraceServiceResponse::decode(answer)
                .ok()?
                .partial_success?;
            Some((partial.rejected_spans, partial.error_message))
        }
        Body::Metrics(_) => {
            let partial = ExportMetricsServiceResponse::decode(answer)
                .ok()?
                .partial_success?;
            Some((partial.rejected_data_points, partial.error_message))
        }
        Body::Logs(_) => {
            let partial = ExportLogsServiceResponse::decode(answer)
                .ok()?
                .partial_success?;
            Some((partial.rejected_log_records, partial.error_message))
        }
    }
}

/// What an answer means that took nothing: four statuses are worth another try.
pub(in crate::otlp) fn meaning(
    status: StatusCode,
    headers: &HeaderMap,
    answer: &[u8],
    now: SystemTime,
) -> Sent {
    let said = RpcStatus::decode(answer).map_or(String::new(), |status| clipped(&status.message));
    let why = match &*said {
        "" => format!("it answered {status}"),
        said => format!("it answered {status}: {said}"),
    };
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Sent::Later {
            why,
            after: retry_after(headers, now).or_else(|| retry_delay(answer)),
        },
        _ if status.is_redirection() => Sent::Refused(format!("{why}; redirects are not followed")),
        _ => Sent::Refused(why),
    }
}

fn gzip(message: &[u8]) -> io::Result<Vec<u8>> {
    let room = Vec::with_capacity(message.len() / 2);
    let mut encoder = GzEncoder::new(room, Level::fast());
    encoder.write_all(message)?;
    encoder.finish()
}
