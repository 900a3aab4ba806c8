//! Answers as HTTP: JSON without a charset, errors in the protocol's form, the request's id on each.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::path::Lost;
use super::wire;
use crate::plane;
use crate::trace::{self, Context};

pub(super) use crate::plane::Fault;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const RESPONSE: HeaderName = HeaderName::from_static(trace::RESPONSE);

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
pub(super) fn fault(fault: &Fault, id: &RequestId, trace: Option<Context>) -> HttpResponse {
    let mut response = refusal(fault.code().http, &fault.told(id.as_str(), trace));
    if let Some(after) = fault.retry_after() {
        // The header counts whole seconds; less than one is one.
        let seconds = after.as_millis().div_ceil(1000).max(1).to_string();
        let value = HeaderValue::from_str(&seconds).expect("digits are a header's value");
        response.headers_mut().insert(RETRY_AFTER, value);
    }
    response
}

/// Names the trace that a request belongs to, and its place there, on its answer.
pub(super) fn trace(response: &mut HttpResponse, context: Context) {
    let value = HeaderValue::try_from(context.header()).expect("digits and dashes are a value");
    response.headers_mut().insert(RESPONSE, value);
}

/// The answer for a path and a method that ask for nothing.
pub(super) fn lost(lost: &Lost, id: &RequestId) -> HttpResponse {
    let status = match lost {
        Lost::Path { .. } => 404,
        Lost::Method { .. } => 405,
        Lost::Empty { .. } | Lost::Encoding { .. } => 400,
    };
    tracing::debug!(request = id.as_str(), status, error = %lost, "request refused");
    let mut response = refusal(status, &lost.to_string());
    if let Lost::Method { allowed, .. } = lost {
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static(allowed));
    }
    response
}

fn refusal(status: u16, message: &str) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(status, &wire::Failure { error: message })
}

// === impl RequestId ===

impl RequestId {
    /// The caller's `x-request-id` where it is short and printable, else a new one (UUID version 7).
    pub(super) fn of(request: &HttpRequest) -> Self {
        let own = request.headers().get(&REQUEST_ID);
        let own = own.filter(|value| plane::acceptable(value.as_bytes()));
        Self(own.cloned().unwrap_or_else(|| {
            HeaderValue::try_from(plane::fresh()).expect("a UUID is a header's value")
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
