//! What the exporter is told: where to, how, what, and within which bounds. How it is written is `config`'s business.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use ureq::http::{HeaderName, HeaderValue};

use super::batcher::Bounds;
use crate::notify::{Address, AddressError};

/// The most headers of a request.
const HEADERS: usize = 32;

/// Headers that the protocols write themselves.
const OURS: [&str; 10] = [
    "content-type",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "host",
    "te",
    "user-agent",
    "grpc-timeout",
    "grpc-encoding",
];

/// All of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The collector.
    pub endpoint: Endpoint,
    /// What is spoken.
    pub protocol: Protocol,
    /// What is exported; at least one.
    pub signals: Vec<Signal>,
    /// What is said with each request, such as who asks.
    pub headers: Headers,
    /// How requests are compressed.
    pub compression: Compression,
    /// The share of the requests that are traced, where the caller does not say.
    pub sample: f64,
    /// Bounds of what waits, of spans and of log records each.
    pub queue: Bounds,
    /// How often metrics are exported.
    pub metrics_interval: Duration,
    /// How long one try may take.
    pub timeout: Duration,
    /// How long the last batches may take when the daemon goes down.
    pub flush: Duration,
    /// Who exports.
    pub resource: Resource,
}

/// An `http` or `https` URL, printed without its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Address);

/// Why a text is no endpoint. What was given is not repeated: it may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It is no address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// It has a query.
    #[error("expected a URL without a query (?); what is secret belongs into headers")]
    Query,
}

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC, by custom at port 4317.
    Grpc,
    /// Protocol buffers over HTTP, by custom at port 4318.
    Http,
}

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Spans of requests.
    Traces,
    /// What `/metrics` shows.
    Metrics,
    /// What is logged.
    Logs,
}

/// How requests are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
}

/// Headers of each request. Their values are never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(HeaderName, HeaderValue)>);

/// Why a header is none. Its value is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadersError {
    /// Its name has characters that none has.
    #[error("expected a header's name")]
    Name,
    /// Its name is the protocol's own.
    #[error("the header '{0}' is written by the protocol itself")]
    Ours(HeaderName),
    /// Its value has characters that none has.
    #[error("the value of header '{0}' has characters that none may have")]
    Value(HeaderName),
    /// It is given twice.
    #[error("the header '{0}' is given twice")]
    Twice(HeaderName),
    /// There are too many.
    #[error("expected at most {HEADERS} headers")]
    Many,
}

/// Who exports, as all signals say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// `service.name`
    pub service: String,
    /// `service.instance.id`; a new one each time where nothing is said.
    pub instance: Option<String>,
    /// `deployment.environment.name`
    pub environment: Option<String>,
    /// What else is said.
    pub attributes: Vec<(String, String)>,
}

// === impl Settings ===

impl Settings {
    /// Whether a signal is exported.
    #[must_use]
    pub fn exports(&self, signal: Signal) -> bool {
        self.signals.contains(&signal)
    }
}

// === impl Endpoint ===

impl Endpoint {
    /// All of it, without a slash at its end.
    pub(super) fn url(&self) -> &str {
        self.0.url().trim_end_matches('/')
    }

    /// Whether it names more than a host.
    #[must_use]
    pub fn has_path(&self) -> bool {
        self.url().len() > self.0.shown().len()
    }

    /// Whether what is sent can be read on the way.
    pub(super) fn is_plain(&self) -> bool {
        self.url().starts_with("http:")
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address: Address = text.parse()?;
        match text.contains('?') {
            true => Err(EndpointError::Query),
            false => Ok(Self(address)),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// === impl Signal ===

impl Signal {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }
}

// === impl Headers ===

impl Headers {
    /// Headers of names and values.
    ///
    /// # Errors
    /// [`HeadersError`]
    pub fn new<'t>(
        given: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Result<Self, HeadersError> {
        let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
        for (name, value) in given {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeadersError::Name)?;
            if OURS.contains(&name.as_str()) || name.as_str().ends_with("-bin") {
                return Err(HeadersError::Ours(name));
            }
            let visible = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            let value = HeaderValue::from_str(value).ok().filter(|_| visible);
            let mut value = value.ok_or_else(|| HeadersError::Value(name.clone()))?;
            if headers.iter().any(|(known, _)| *known == name) {
                return Err(HeadersError::Twice(name));
            }
            if headers.len() == HEADERS {
                return Err(HeadersError::Many);
            }
            value.set_sensitive(true);
            headers.push((name, value));
        }
        Ok(Self(headers))
    }

    /// These, and others where they have no such name.
    #[must_use]
    pub fn or(mut self, others: Self) -> Self {
        for (name, value) in others.0 {
            if self.0.iter().all(|(known, _)| *known != name) {
                self.0.push((name, value));
            }
        }
        self
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
        self.0.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name.as_str()))
            .finish()
    }
}
