//! What the command line asks a daemon with: HTTP, blocking, errors in words.
//!
//! No proxy and no redirect is followed, so that a token goes nowhere but where it was sent. What the answers
//! mean is each command's business.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{Method, Request, Response};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take that waits for nothing.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest answer, in bytes; a backup is streamed and may be longer.
const MAX_ANSWER: u64 = 256 << 20;

/// Asks one address.
pub struct Client {
    agent: Agent,
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
    /// The flags that name addresses.
    const SETTING: &str = "--admin-url or IMPRESARIO_ADMIN_URL, for infer --url or IMPRESARIO_URL";

    /// A client of an address, with a token where one is needed.
    ///
    /// # Errors
    /// [`Error::Address`].
    pub fn new(url: &str, token: Option<String>) -> Result<Self, Error> {
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
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent(concat!("impresario/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT))
            .build();
        Ok(Self {
            agent: config.new_agent(),
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
        let ours = body
            .as_ref()
            .is_ok_and(|body: &Value| (200..300).contains(&status) || told(body).is_some());
        match body {
            Ok(body) if ours && (200..300).contains(&status) => Ok(Reply { status, body }),
            Ok(document) if ours => Err(Error::Refused(Box::new(Refusal { status, document }))),
            _ => Err(Error::Stranger {
                url,
                status,
                setting: Self::SETTING,
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
        Err(match document.filter(|document| told(document).is_some()) {
            Some(document) => Error::Refused(Box::new(Refusal { status, document })),
            None => Error::Stranger {
                url,
                status,
                setting: Self::SETTING,
            },
        })
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
                        setting: Self::SETTING,
                    }
                }
                ureq::Error::Io(error) if unreachable(&error) => Error::Connect {
                    url,
                    why: error.to_string(),
                    setting: Self::SETTING,
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

/// What a refusal says; nothing for a document that is none of ours. The data plane's has `error` instead.
fn told(document: &Value) -> Option<&str> {
    let said = document
        .get("code")
        .and(document.get("detail"))
        .or(document.get("error"));
    said.and_then(Value::as_str)
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
            f.write_str(told(&self.document).unwrap_or("refused"))?;
        }
        match code {
            Some(code) => write!(f, " [{code}]"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_are_checked_before_anything_is_sent() {
        for good in [
            "http://127.0.0.1:8082",
            "http://localhost:1/",
            "http://[::1]:8082",
        ] {
            assert!(Client::new(good, None).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("127.0.0.1:8082", "no scheme"),
            ("https://x", "plain http"),
            ("ftp://x", "scheme"),
            ("http://", "host"),
            ("http:///", "host"),
            ("http://user@x", "host"),
        ] {
            let error = Client::new(bad, None).err().unwrap().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn parts_of_paths_and_queries_are_encoded() {
        assert_eq!(encoded("iris-2.1_x~"), "iris-2.1_x~");
        assert_eq!(encoded("../a b?&#é"), "..%2Fa%20b%3F%26%23%C3%A9");
        let client = Client::new("http://h:1/", None).unwrap();
        let ask = Ask::get("/x")
            .query("actor", Some("a&b"))
            .query("no", None::<u64>)
            .query("limit", Some(3));
        assert_eq!(client.url(&ask), "http://h:1/x?actor=a%26b&limit=3");
    }

    #[test]
    fn nobody_there_is_said_with_the_remedy() {
        // A port that was just free: nobody listens there.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let client = Client::new(&format!("http://127.0.0.1:{port}"), None).unwrap();
        let error = client.ask(Ask::get("/")).unwrap_err();
        assert!(matches!(error, Error::Connect { .. }), "{error:?}");
        assert!(error.to_string().contains("impresario serve"), "{error}");
    }

    #[test]
    fn refusals_are_shown_whole() {
        let shown = |document| {
            Refusal {
                status: 422,
                document,
            }
            .to_string()
        };
        assert_eq!(
            shown(json!({"code": "in-use", "detail": "it is needed"})),
            "it is needed [in-use]"
        );
        assert_eq!(shown(json!({"error": "bad shape"})), "bad shape");
        let problems = json!({"code": "invalid-pipeline", "title": "The pipeline has problems", "detail": "x", "problems": [
            {"severity": "error", "code": "unknown-field", "path": "pipelines.a.x", "message": "unknown", "line": 1, "column": 2, "hint": "y?"}
        ]});
        assert_eq!(
            shown(problems),
            "The pipeline has problems\n  error[unknown-field] line 1, column 2 pipelines.a.x: unknown (hint: y?) \
             [invalid-pipeline]"
        );
    }
}
