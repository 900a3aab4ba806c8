//! `POST …/infer`: bytes to a typed request, through dispatch, and back to bytes.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CONTENT_ENCODING, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use impresario_models::Tensor;

use super::body::{self, Coding};
use super::codec::{self, Answer, Decoded, Encoded, Form, Framing, Parameters, Refusal, clip};
use super::respond::Fault;
use crate::clock;
use crate::plane::Plane;
use crate::serve::{Caller, Entry, Origin, Priority, Terms, join_cookies};

const HEADER_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");
const TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout");
const VARIANT: HeaderName = HeaderName::from_static("x-route-variant");
const VERSION: HeaderName = HeaderName::from_static("x-route-version");
const SUBSTITUTE: HeaderName = HeaderName::from_static("x-route-substitute");
const CACHE: HeaderName = HeaderName::from_static("x-route-cache");

/// Why an answer is a substitute: in its header and in its parameter `substitute`.
const DEADLINE: &str = "deadline";

/// JSON of fewer bytes is read where it arrives: the way to another thread costs more.
const DECODE_APART_BYTES: usize = 256 << 10;

/// JSON of fewer elements is written where it leaves.
const ENCODE_APART_ELEMENTS: usize = 32 << 10;

pub(super) async fn infer(
    request: &HttpRequest,
    payload: web::Payload,
    plane: &Plane,
    name: &str,
    version: Option<&str>,
) -> Result<HttpResponse, Fault> {
    let mut terms = Terms::now();
    // The body is read before anything is looked up: a caller who sends it slowly holds on to no version.
    let body = body::read(request, payload, &plane.limits).await?;
    let begun = clock::instant();
    plane.serve.admit(name, &Client(request))?;
    let entry = plane.serve.enter(name, version, terms.arrived).await?;
    let decoded = decode(request, &entry, body, plane, &mut terms).await;
    let mut decoded = decoded.inspect_err(|_| entry.refused(begun))?;
    let answer = plane
        .serve
        .dispatch(&entry, std::mem::take(&mut decoded.inputs), terms)
        .await?;
    let served = answer.version.to_string();
    let late = answer.origin == Origin::Substitute;
    let encoded = encode(name, &served, decoded, &entry, answer.outputs, late).await?;
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
    response.insert_header((VARIANT, answer.variant.as_str()));
    response.insert_header((VERSION, served));
    if let Some(word) = answer.origin.as_str() {
        response.insert_header((CACHE, word));
    }
    if late {
        response.insert_header((SUBSTITUTE, DEADLINE));
    }
    Ok(response.body(body))
}

/// The request; what it says of its terms is added to them.
async fn decode(
    request: &HttpRequest,
    entry: &Entry,
    body: web::Bytes,
    plane: &Plane,
    terms: &mut Terms,
) -> Result<Decoded, Fault> {
    let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    let framing = Framing::from_header(header(HEADER_LENGTH))?;
    let json = match framing {
        Framing::Json => body.len(),
        Framing::Mixed(length) => length,
        Framing::Raw => 0,
    };
    let (contract, limits) = (Arc::clone(entry.contract()), plane.limits);
    let decoded = body::apart(json >= DECODE_APART_BYTES, move || {
        codec::decode(&contract, framing, &body, &limits)
    });
    let decoded = decoded.await??;
    let priority = decoded.parameters.count("priority")?;
    terms.priority = priority.and_then(Priority::from_level);
    let asked = decoded.parameters.count("timeout")?;
    terms.at_most(asked.map(Duration::from_micros));
    terms.at_most(header(TIMEOUT).map(timeout).transpose()?);
    Ok(decoded)
}

async fn encode(
    name: &str,
    version: &str,
    decoded: Decoded,
    entry: &Entry,
    outputs: Vec<Tensor>,
    late: bool,
) -> Result<Encoded, Fault> {
    let (id, wanted) = (decoded.id, decoded.outputs);
    let elements = wanted.iter().filter(|wanted| wanted.form == Form::Json);
    let elements = elements.filter_map(|wanted| outputs.get(wanted.index));
    let elements: usize = elements.map(|tensor| tensor.values().len()).sum();
    let (name, version) = (name.to_owned(), version.to_owned());
    let contract = Arc::clone(entry.contract());
    let parameters = match late {
        true => Parameters::text("substitute", DEADLINE),
        false => Parameters::default(),
    };
    let encoded = body::apart(elements >= ENCODE_APART_ELEMENTS, move || {
        codec::encode(&Answer {
            model: &name,
            version: &version,
            id: id.as_deref(),
            contract: &contract,
            outputs: &outputs,
            wanted: &wanted,
            parameters: &parameters,
        })
    });
    Ok(encoded.await??)
}

/// Whom a request comes from.
struct Client<'a>(&'a HttpRequest);

impl Caller for Client<'_> {
    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let last = self.0.headers().get_all(name).last()?;
        Some(String::from_utf8_lossy(last.as_bytes()))
    }

    fn cookies(&self) -> Option<Cow<'_, str>> {
        let headers = self.0.headers().get_all("cookie");
        join_cookies(headers.map(|header| String::from_utf8_lossy(header.as_bytes())))
    }

    fn address(&self) -> Option<IpAddr> {
        self.0.peer_addr().map(|peer| peer.ip())
    }
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
