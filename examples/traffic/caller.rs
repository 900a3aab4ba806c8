//! One caller: posts digits to a pipeline on a connection that it keeps, and tells later how it went.

use std::sync::Arc;
use std::time::Duration;

use impresario::clock;
use serde_json::{Value, json};

use super::digits::{self, Digit};

/// The longest that a caller waits for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A caller of one pipeline.
pub(crate) struct Caller {
    agent: ureq::Agent,
    http: String,
    pipeline: String,
    digits: Arc<[Digit]>,
}

/// What a caller got.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// The status; 0 where nobody answered.
    pub(crate) status: u16,
    /// Whether the digit was read right.
    pub(crate) right: bool,
    /// Who answered: `stable`, `canary`, an arm's name.
    pub(crate) variant: String,
    /// The version that did.
    pub(crate) version: String,
    /// Why another variant than the one that was decided on answered.
    pub(crate) rescued: Option<String>,
    /// The signed token for feedback.
    pub(crate) token: Option<String>,
    /// The request's id.
    pub(crate) request: String,
    /// How long it took.
    pub(crate) took: Duration,
    /// What was said instead of an answer.
    pub(crate) error: Option<String>,
}

/// What is told of an earlier request, found by its token or by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The signed token.
    Token,
    /// The request's id.
    Request,
}

// === impl Caller ===

impl Caller {
    /// A caller of a pipeline at `http`, `127.0.0.1:PORT`.
    pub(crate) fn new(http: &str, pipeline: &str) -> Self {
        let config = ureq::Agent::config_builder();
        let config = config.http_status_as_error(false);
        Self {
            agent: config.timeout_global(Some(PATIENCE)).build().into(),
            http: http.to_owned(),
            pipeline: pipeline.to_owned(),
            digits: digits::all(),
        }
    }

    /// Posts one of the digits, for a user where there is one.
    pub(crate) fn ask(&self, digit: usize, user: Option<&str>) -> Answer {
        let digit = &self.digits[digit % self.digits.len()];
        let url = format!("http://{}/v2/models/{}/infer", self.http, self.pipeline);
        let mut request = self.agent.post(url).content_type("application/json");
        if let Some(user) = user {
            request = request.header("x-user-id", user);
        }
        let begun = clock::instant();
        let mut response = match request.send(&digit.body) {
            Ok(response) => response,
            Err(error) => {
                return Answer {
                    error: Some(error.to_string()),
                    took: begun.elapsed(),
                    ..Answer::default()
                };
            }
        };
        let text = response.body_mut().read_to_string().unwrap_or_default();
        let took = begun.elapsed();
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            Some(value.to_str().unwrap_or_default().to_owned())
        };
        let status = response.status().as_u16();
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let outputs = body["outputs"].as_array();
        let label = outputs.and_then(|list| list.iter().find(|output| output["name"] == "label"));
        let label = label.and_then(|label| label["data"][0].as_i64());
        Answer {
            status,
            right: label == Some(digit.label),
            variant: header("x-route-variant").unwrap_or_default(),
            version: header("x-route-version").unwrap_or_default(),
            rescued: header("x-route-rescue"),
            token: header("x-route-token"),
            request: header("x-request-id").unwrap_or_default(),
            took,
            error: (status != 200).then_some(text),
        }
    }

    /// Tells what came of a request; whether it counts, which what was told already does not.
    ///
    /// # Errors
    /// What was said instead.
    pub(crate) fn tell(
        &self,
        answer: &Answer,
        by: By,
        metric: &str,
        value: f64,
    ) -> Result<bool, String> {
        let mut event = json!({ "metric": metric, "value": value, "event_id": "1" });
        match by {
            By::Token => event["route_token"] = json!(answer.token),
            By::Request => event["request_id"] = json!(answer.request),
        }
        let url = format!("http://{}/pipelines/{}/feedback", self.http, self.pipeline);
        let request = self.agent.post(url).content_type("application/json");
        let sent = request.send(event.to_string());
        let mut response = sent.map_err(|error| error.to_string())?;
        let text = response.body_mut().read_to_string().unwrap_or_default();
        let taken: Value = serde_json::from_str(&text).unwrap_or_default();
        match (taken["accepted"].as_u64(), taken["duplicate"].as_u64()) {
            (Some(1), _) => Ok(true),
            (_, Some(1)) => Ok(false),
            _ => Err(format!("{}: {text}", response.status())),
        }
    }
}

// === impl Answer ===

impl Answer {
    /// Whether a caller can go on with it.
    pub(crate) fn is_good(&self) -> bool {
        self.status == 200
    }

    /// Whether nobody was there: a daemon that was killed is no fault of a version, and one that has just started says
    /// that it is not ready (503), as a readiness probe would have found.
    pub(crate) fn is_nobody(&self) -> bool {
        let starting = |error: &String| error.contains("is not ready");
        self.status == 0 || self.status == 503 && self.error.as_ref().is_some_and(starting)
    }
}
