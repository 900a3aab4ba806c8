//! Answers as HTTP: JSON without a charset, errors in the protocol's form, the request's id on each.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use uuid::Uuid;

use super::codec::Refusal;
use super::path::Lost;
use super::plane::Denied;
use super::wire;
use crate::actors::Refused;
use crate::error::Error;

/// Longer ids of callers are replaced.
const MAX_ID_BYTES: usize = 128;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Why the data plane answers with an error.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The path or method is wrong.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// The body cannot be read.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The request cannot be answered.
    #[error(transparent)]
    Error(#[from] Error),
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The change cannot be made.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A model that was to be loaded or unloaded was not.
    #[error("{0}")]
    Load(String),
}

/// The id that a request is found by in the log: the caller's own, or a new one.
pub(super) struct RequestId(HeaderValue);

/// An answer as JSON. The type has no charset: `tritonclient` compares it as a whole.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> HttpResponse {
    let body = serde_json::to_vec(value).expect("the protocol's shapes are always JSON");
    HttpResponse::build(status)
        .content_type("application/json")
        .body(body)
}

/// The answer for a fault.
pub(super) fn fault(fault: &Fault, id: &RequestId) -> HttpResponse {
    let status = StatusCode::from_u16(status(fault)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let message = if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(request = id.as_str(), error = %chain(fault), "request failed");
        let told = match fault {
            Fault::Error(error) => error.message(),
            _ => "internal error".to_owned(),
        };
        format!("{told}; the log has more under request id {}", id.as_str())
    } else {
        tracing::debug!(request = id.as_str(), status = status.as_u16(), error = %chain(fault), "request refused");
        chain(fault)
    };
    let mut response = json(status, &wire::Failure { error: &message });
    if let Fault::Error(error) = fault
        && let Some(after) = error.retry_after()
    {
        // The header counts whole seconds; less than one is one.
        let seconds = after.as_millis().div_ceil(1000).max(1).to_string();
        let value = HeaderValue::from_str(&seconds).expect("digits are a header's value");
        response.headers_mut().insert(RETRY_AFTER, value);
    }
    if let Fault::Lost(Lost::Method { allowed, .. }) = fault {
        let value = HeaderValue::from_static(allowed);
        response
            .headers_mut()
            .insert(actix_web::http::header::ALLOW, value);
    }
    response
}

fn status(fault: &Fault) -> u16 {
    match fault {
        Fault::Lost(Lost::Path { .. }) => 404,
        Fault::Lost(Lost::Method { .. }) => 405,
        Fault::Lost(Lost::Empty { .. } | Lost::Encoding { .. }) => 400,
        Fault::Refusal(Refusal::TooLarge { .. }) => 413,
        Fault::Refusal(Refusal::Encoding { .. }) => 415,
        Fault::Refusal(Refusal::Syntax { .. } | Refusal::Invalid { .. } | Refusal::Contract(_)) => {
            400
        }
        Fault::Error(error) => error.code().http,
        Fault::Denied(Denied::Unknown(_)) => 401,
        Fault::Denied(Denied::Forbidden(_)) => 403,
        Fault::Refused(Refused::Rejected(_)) | Fault::Load(_) => 400,
        Fault::Refused(Refused::Stopping) => 503,
        Fault::Refused(Refused::Store(_)) => 500,
    }
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line += ": ";
        line += &error.to_string();
        cause = error.source();
    }
    line
}

// === impl RequestId ===

impl RequestId {
    /// The caller's `x-request-id` where it is short and printable, else a new one (UUID version 7).
    pub(super) fn of(request: &HttpRequest) -> Self {
        let own = request.headers().get(&REQUEST_ID).filter(|value| {
            let text = value.as_bytes();
            !text.is_empty() && text.len() <= MAX_ID_BYTES && text.iter().all(u8::is_ascii_graphic)
        });
        Self(own.cloned().unwrap_or_else(|| {
            let mut buffer = Uuid::encode_buffer();
            let id = Uuid::now_v7().as_hyphenated().encode_lower(&mut buffer);
            HeaderValue::from_str(id).expect("a UUID is a header's value")
        }))
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// Names the request on its answer.
    pub(super) fn put(self, response: &mut HttpResponse) {
        response.headers_mut().insert(REQUEST_ID, self.0);
    }
}
