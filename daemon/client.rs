//! What the command line asks a daemon with: HTTP, blocking, errors in words.
//!
//! No proxy and no redirect is followed, so that a token goes nowhere but where it was sent. What the answers
//! mean is each command's business.

pub mod events;

use std::fmt;
use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{Method, Request, Response};

use crate::outbound::agent;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take that waits for nothing.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest answer, in bytes; a backup is streamed and may be longer.
const MAX_ANSWER: u64 = 256 << 20;

/// Which of a daemon's addresses is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// Where admins ask.
    Admin,
    /// Where applications post to.
    Data,
}

/// Asks one address.
pub struct Client {
    agent: Agent,
    plane: Plane,
    base: String,
    token: Option<String>,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Ask {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Option<Vec<u8>>,
    wait: Duration,
}

/// An answer that is no refusal.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body; null where there is none.
    pub body: Value,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is none.
    #[error("'{url}' is no address: {why}; expected something like http://127.0.0.1:8082")]
    Address {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A header cannot be sent.
    #[error("{0}")]
    Header(String),
    /// Nobody answers there.
    #[error(
        "connect to {url}: {why}; is the daemon running? start it with `impresario serve`, or say where it is with {setting}"
    )]
    Connect {
        /// The address.
        url: String,
        /// What the system says.
        why: String,
        /// The flag and the variable that name the address.
        setting: &'static str,
    },
    /// The connection broke, or the answer took too long.
    #[error("ask {url}: {why}; whether it was done is not known")]
    Broken {
        /// The address.
        url: String,
        /// What the system says.
        why: String,
    },
    /// The daemon refused.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// Whoever answered is no daemon of ours.
    #[error(
        "{url} answered {status} with something that is not impresario's; is it the right address? ({setting})"
    )]
    Stranger {
        /// The address.
        url: String,
        /// The status.
        status: u16,
        /// The flag and the variable that name the address.
        setting: &'static str,
    },
}

/// What a daemon says when it refuses.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The whole document.
    pub document: Value,
}

// === impl Client ===

impl Client {
    /// A client of an address, with a token where one is needed.
    ///
    /// # Errors
    /// [`Error::Address`].
    pub fn new(plane: Plane, url: &str, token: Option<String>) -> Result<Self, Error> {
        let refused = |why: &str| Error::Address {
            url: url.to_owned(),
            why: why.to_owned(),
        };
        let rest = match url.split_once("://") {
            Some(("http", rest)) => rest,
            Some(("https", _)) => {
                return Err(refused(
                    "this program speaks plain http; put a tunnel in front",
                ));
            }
            Some(_) => return Err(refused("its scheme is not http")),
            None => return Err(refused("it has no scheme")),
        };
        if rest.trim_matches('/').is_empty() || rest.contains(['?', '#', '@', ' ']) {
            return Err(refused("expected a host and a port"));
        }
        let config = agent().timeout_connect(Some(CONNECT)).build();
        Ok(Self {
            agent: config.new_agent(),
            plane,
            base: url.trim_end_matches('/').to_owned(),
            token,
        })
    }

    /// Asks, and reads an answer of JSON.
    ///
    /// # Errors
    /// [`Error`].
    pub fn ask(&self, ask: Ask) -> Result<Reply, Error> {
        let url = self.url(&ask);
        let mut response = self.send(ask, &url)?;
        let status = response.status().as_u16();
        let bytes = response
            .body_mut()
            .with_config()
            .limit(MAX_ANSWER)
            .read_to_vec();
        let bytes = bytes.map_err(|error| Error::Broken {
            why: error.to_string(),
            url: url.clone(),
        })?;
        let body = match bytes.is_empty() {
            true => Ok(Value::Null),
            false => serde_json::from_slice(&bytes),
        };
        let ours = body.as_ref().is_ok_and(|body: &Value| {
            (200..300).contains(&status) || self.plane.told(body).is_some()
        });
        match body {
            Ok(body) if ours && (200..300).contains(&status) => Ok(Reply { status, body }),
            Ok(document) if ours => Err(Error::Refused(Box::new(Refusal { status, document }))),
            _ => Err(Error::Stranger {
                url,
                status,
                setting: self.plane.setting(),
            }),
        }
    }

    /// Asks for something long, and gives its body to be read as it comes.
    ///
    /// # Errors
    /// [`Error`].
    pub fn stream(&self, ask: Ask) -> Result<impl Read + use<>, Error> {
        let url = self.url(&ask);
        let response = self.send(ask, &url)?;
        let status = response.status().as_u16();
        let body = response.into_body();
        if (200..300).contains(&status) {
            return Ok(body.into_with_config().limit(u64::MAX).reader());
        }
        let mut text = Vec::new();
        let mut reader = body.into_with_config().limit(MAX_ANSWER).reader();
        let document = reader
            .read_to_end(&mut text)
            .ok()
            .and_then(|_| serde_json::from_slice(&text).ok());
        Err(
            match document.filter(|document| self.plane.told(document).is_some()) {
                Some(document) => Error::Refused(Box::new(Refusal { status, document })),
                None => Error::Stranger {
                    url,
                    status,
                    setting: self.plane.setting(),
                },
            },
        )
    }

    fn send(&self, ask: Ask, url: &str) -> Result<Response<ureq::Body>, Error> {
        let mut request = Request::builder()
            .method(ask.method)
            .uri(url)
            .header("accept", "application/json");
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let refused =
            |error: ureq::http::Error| Error::Header(format!("a flag cannot be sent: {error}"));
        let patience = Some(PATIENCE + ask.wait);
        let answer = match ask.body {
            Some(body) => {
                let request = request
                    .header("content-type", "application/json")
                    .body(body)
                    .map_err(refused)?;
                self.agent.run(
                    self.agent
                        .configure_request(request)
                        .timeout_recv_response(patience)
                        .build(),
                )
            }
            None => {
                let request = request.body(()).map_err(refused)?;
                self.agent.run(
                    self.agent
                        .configure_request(request)
                        .timeout_recv_response(patience)
                        .build(),
                )
            }
        };
        answer.map_err(|error| {
            let (url, why) = (self.base.clone(), error.to_string());
            match error {
                ureq::Error::HostNotFound
                | ureq::Error::ConnectionFailed
                | ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                    Error::Connect {
                        url,
                        why,
                        setting: self.plane.setting(),
                    }
                }
                ureq::Error::Io(error) if unreachable(&error) => Error::Connect {
                    url,
                    why: error.to_string(),
                    setting: self.plane.setting(),
                },
                ureq::Error::BadUri(_) | ureq::Error::Http(_) => Error::Address { url, why },
                _ => Error::Broken { url, why },
            }
        })
    }

    fn url(&self, ask: &Ask) -> String {
        let mut url = format!("{}{}", self.base, ask.path);
        for (at, (name, value)) in ask.query.iter().enumerate() {
            let separator = if at == 0 { '?' } else { '&' };
            url.push_str(&format!("{separator}{name}={}", encoded(value)));
        }
        url
    }
}

// === impl Plane ===

impl Plane {
    /// The flag and the variable that name the address.
    fn setting(self) -> &'static str {
        match self {
            Self::Admin => "--admin-url or IMPRESARIO_ADMIN_URL",
            Self::Data => "--url or IMPRESARIO_URL",
        }
    }

    /// What a refusal says; nothing for a document that is none of this plane's.
    fn told(self, document: &Value) -> Option<&str> {
        match self {
            Self::Admin => document.get("code").and(document.get("detail")),
            Self::Data => document.get("error"),
        }
        .and_then(Value::as_str)
    }
}

fn unreachable(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionRefused
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::AddrNotAvailable
    )
}

/// A text as one part of a path or query.
#[must_use]
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte))
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

// === impl Ask ===

impl Ask {
    /// A request of a path whose parts are encoded already.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            wait: Duration::ZERO,
        }
    }

    /// A GET.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A POST.
    #[must_use]
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    /// The same with a parameter, where there is one.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query
            .extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// The same with a header, where there is one.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.headers
            .extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// The same with a body of JSON.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.text(body.to_string())
    }

    /// The same with a body.
    #[must_use]
    pub fn text(mut self, body: String) -> Self {
        self.body = Some(body.into_bytes());
        self
    }

    /// The same, with more patience.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }
}

// === impl Refusal ===

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.document["code"].as_str();
        if let Some(problems) = self.document["problems"]
            .as_array()
            .filter(|list| !list.is_empty())
        {
            let title = self.document["title"].as_str().unwrap_or("refused");
            f.write_str(title)?;
            for problem in problems {
                let part = |name: &str| problem[name].as_str().unwrap_or_default();
                write!(f, "\n  {}[{}]", part("severity"), part("code"))?;
                if let Some(file) = problem["file"].as_str() {
                    write!(f, " {file}")?;
                }
                if let (Some(line), Some(column)) =
                    (problem["line"].as_u64(), problem["column"].as_u64())
                {
                    write!(f, " line {line}, column {column}")?;
                }
                write!(f, " {}: {}", part("path"), part("message"))?;
                if let Some(hint) = problem["hint"].as_str() {
                    write!(f, " (hint: {hint})")?;
                }
            }
        } else {
            let said = [Plane::Admin, Plane::Data]
                .into_iter()
                .find_map(|plane| plane.told(&self.document));
            f.write_str(said.unwrap_or("refused"))?;
        }
        match code {
            Some(code) => write!(f, " [{code}]"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
