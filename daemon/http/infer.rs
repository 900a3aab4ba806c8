//! `POST …/infer`: bytes to a typed request, through dispatch, and back to bytes.

use std::time::Duration;

use actix_web::http::header::{CONTENT_ENCODING, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use super::body::{self, Coding};
use super::codec::{self, Answer, Decoded, Framing, Parameters, Refusal, clip};
use super::plane::Plane;
use super::respond::Fault;
use crate::clock;

const HEADER_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");
const TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout");
const VARIANT: HeaderName = HeaderName::from_static("x-route-variant");
const VERSION: HeaderName = HeaderName::from_static("x-route-version");

pub(super) async fn infer(
    request: &HttpRequest,
    payload: web::Payload,
    plane: &Plane,
    name: &str,
    version: Option<&str>,
) -> Result<HttpResponse, Fault> {
    // The body is read before anything is looked up: a caller who sends it slowly holds on to no version.
    let body = body::read(request, payload, &plane.limits).await?;
    let begun = clock::instant();
    let entry = plane.serve.enter(name, version)?;
    let decoded = decode(request, &entry, &body, plane).inspect_err(|_| entry.refused(begun))?;
    let (
        Decoded {
            id,
            inputs,
            outputs,
            ..
        },
        limit,
    ) = decoded;
    let answer = plane.serve.dispatch(&entry, inputs, limit).await?;
    let served = answer.handle.version.to_string();
    let encoded = codec::encode(&Answer {
        model: name,
        version: &served,
        id: id.as_deref(),
        contract: entry.contract(),
        outputs: &answer.outputs,
        wanted: &outputs,
        parameters: &Parameters::default(),
    })?;
    let (body, coding) = body::compress(request, encoded.body).await;
    let mut response = HttpResponse::Ok();
    match encoded.header_length {
        None => response.content_type("application/json"),
        Some(length) => {
            response.content_type("application/octet-stream");
            response.insert_header((HEADER_LENGTH, length))
        }
    };
    if coding != Coding::Identity {
        response.insert_header((CONTENT_ENCODING, coding.as_str()));
    }
    response.insert_header((VARIANT, answer.variant));
    response.insert_header((VERSION, served));
    Ok(response.body(body))
}

/// The request and how long it may take.
fn decode(
    request: &HttpRequest,
    entry: &crate::serve::Entry,
    body: &[u8],
    plane: &Plane,
) -> Result<(Decoded, Option<Duration>), Refusal> {
    let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    let framing = Framing::from_header(header(HEADER_LENGTH))?;
    let decoded = codec::decode(entry.contract(), framing, body, &plane.limits)?;
    // Read so that a wrong one is refused; every request has the same priority so far.
    decoded.parameters.count("priority")?;
    // Zero is no limit, as with Triton.
    let asked = decoded
        .parameters
        .count("timeout")?
        .filter(|micros| *micros > 0);
    let header = header(TIMEOUT).map(timeout).transpose()?;
    let limits = [asked.map(Duration::from_micros), header];
    Ok((decoded, limits.into_iter().flatten().min()))
}

/// The header `x-request-timeout`: a duration with its unit, such as `250ms` or `2s`.
fn timeout(value: &[u8]) -> Result<Duration, Refusal> {
    let text = String::from_utf8_lossy(value);
    humantime::parse_duration(text.trim()).map_err(|_| {
        let what = "header x-request-timeout";
        Refusal::invalid(
            what,
            "a duration such as 250ms or 2s",
            format!("'{}'", clip(&text)),
        )
    })
}
