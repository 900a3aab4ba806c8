//! OTLP over gRPC. The connection is made when something is sent, and made again when it broke.

use std::error::Error;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataMap;
use tonic::transport::{self, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

use super::status::meaning;
use super::{Body, Send, Sent, taken};
use crate::otlp::settings::{Compression, Settings};

/// How often an idle connection is asked whether the collector is there.
const ALIVE: Duration = Duration::from_secs(30);

/// A collector.
pub(in crate::otlp) struct Grpc {
    channel: Channel,
    metadata: MetadataMap,
    timeout: Duration,
    compression: Compression,
}

// === impl Grpc ===

impl Grpc {
    /// To be called within the runtime that sends.
    ///
    /// # Errors
    /// Where the address, or the machine's TLS, is none.
    pub(in crate::otlp) fn new(settings: &Settings) -> Result<Self, transport::Error> {
        let url = settings.endpoint.url().to_owned();
        let mut endpoint = Endpoint::from_shared(url)?
            .connect_timeout(settings.timeout)
            .http2_keep_alive_interval(ALIVE)
            .user_agent(concat!("impresario/", env!("CARGO_PKG_VERSION")))?;
        if !settings.endpoint.is_plain() {
            endpoint = endpoint.tls_config(ClientTlsConfig::new().with_webpki_roots())?;
        }
        let headers = settings.headers.iter();
        let headers = headers.map(|(name, value)| (name.clone(), value.clone()));
        Ok(Self {
            channel: endpoint.connect_lazy(),
            metadata: MetadataMap::from_headers(headers.collect()),
            timeout: settings.timeout,
            compression: settings.compression,
        })
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        *request.metadata_mut() = self.metadata.clone();
        request.set_timeout(self.timeout);
        request
    }
}

macro_rules! export {
    ($self:ident, $client:ident, $message:expr, $rejected:ident) => {{
        let mut client = $client::new($self.channel.clone());
        if $self.compression == Compression::Gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let request = $self.request($message.clone());
        let answer = client.export(request).await?.into_inner();
        let partial = answer.partial_success;
        Ok(partial.map(|partial| (partial.$rejected, partial.error_message)))
    }};
}

impl Send for Grpc {
    async fn send(&mut self, body: &Body) -> Sent {
        let export = async {
            match body {
                Body::Traces(message) => {
                    export!(self, TraceServiceClient, message, rejected_spans)
                }
                Body::Metrics(message) => {
                    export!(self, MetricsServiceClient, message, rejected_data_points)
                }
                Body::Logs(message) => {
                    export!(self, LogsServiceClient, message, rejected_log_records)
                }
            }
        };
        let exported: Result<Result<_, Status>, _> =
            tokio::time::timeout(self.timeout, export).await;
        match exported {
            Ok(Ok(partial)) => taken(partial),
            Ok(Err(status)) if is_ours(&status) => Sent::Later {
                why: words(&status),
                after: None,
            },
            Ok(Err(status)) => meaning(status.code(), status.message(), status.details()),
            Err(_) => Sent::Later {
                why: "it took too long".to_owned(),
                after: None,
            },
        }
    }
}

/// Whether a status is no answer, but says that there is none: the connection could not be made, or broke.
fn is_ours(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<transport::Error>() || error.is::<std::io::Error>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// What went wrong with the connection: the innermost words say it.
fn words(status: &Status) -> String {
    let mut innermost: Option<&(dyn Error + 'static)> = status.source();
    while let Some(error) = innermost.and_then(Error::source) {
        innermost = Some(error);
    }
    match innermost {
        Some(error) => format!("connect or send: {}", super::clipped(&error.to_string())),
        None => "connect or send".to_owned(),
    }
}
