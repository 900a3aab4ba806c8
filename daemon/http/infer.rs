//! `POST …/infer`: bytes to a typed request, through dispatch, and back to bytes.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue,
};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::future::{self, Either, LocalBoxFuture, Ready};
use impresario_models::batch;

use super::admin::asking;
use super::body::{self, Coding};
use super::codec::{
    self, Answer, Decoded, Encoded, Form, Framing, Limits, Parameter, Parameters, Refusal, Wanted,
    clip, scan,
};
use super::respond::Fault;
use crate::clock;
use crate::plane::{Denied, Plane, Watch};
use crate::serve::{self, Asks, Caller, Entry, Origin, Priority, Terms, join_cookies};

const HEADER_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");
const TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout");
const VARIANT: HeaderName = HeaderName::from_static("x-route-variant");
const VERSION: HeaderName = HeaderName::from_static("x-route-version");
const SUBSTITUTE: HeaderName = HeaderName::from_static("x-route-substitute");
const CACHE: HeaderName = HeaderName::from_static("x-route-cache");
const RESCUE: HeaderName = HeaderName::from_static("x-route-rescue");
const TOKEN: HeaderName = HeaderName::from_static("x-route-token");
const KEY: HeaderName = HeaderName::from_static(serve::KEY);
const FORCED: HeaderName = HeaderName::from_static(serve::VARIANT);

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const BINARY: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// Why an answer is a substitute: in its header and in its parameter `substitute`.
const DEADLINE: &str = "deadline";

/// JSON of fewer bytes is read where it arrives: the way to another thread costs more.
const DECODE_APART_BYTES: usize = 256 << 10;

/// JSON of fewer elements is written where it leaves.
const ENCODE_APART_ELEMENTS: usize = 32 << 10;

/// What a request asks for by its path, and its id.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) name: &'a str,
    pub(super) version: Option<&'a str>,
    pub(super) id: &'a str,
}

/// A request that was read, and who was decided on for it.
struct Read {
    entry: Entry,
    decoded: Decoded,
    /// Decoding it.
    took: Duration,
}

/// What is done at once where that is quick, and elsewhere where it takes long: the future of a request has room for the
/// result, and none for the work.
type Perhaps<T> = Either<Ready<T>, LocalBoxFuture<'static, T>>;

pub(super) async fn infer(
    request: &HttpRequest,
    payload: web::Payload,
    plane: &Plane,
    asked: Asked<'_>,
    mut terms: Terms,
    watch: &mut Watch,
) -> Result<HttpResponse, Fault> {
    terms.trace = watch.context();
    let read = read(request, payload, plane, asked, &mut terms, watch);
    let Read {
        entry,
        mut decoded,
        took,
    } = read.await?;
    let inputs = std::mem::take(&mut decoded.inputs);
    // Boxed: two futures that allocators have at hand cost less than a large one.
    let answer = Box::pin(plane.serve.dispatch(&entry, inputs, terms)).await?;
    watch.answered(&answer);
    let writing = clock::instant();
    let (encoded, answer) = encode(asked.name, decoded, &entry, answer).await?;
    let (body, coding) = body::compress(request, encoded.body).await;
    entry.coded(took + writing.elapsed());
    watch.encoded(|| body.len());
    let mut response = HttpResponse::with_body(StatusCode::OK, BoxBody::new(body));
    let headers = response.headers_mut();
    match encoded.header_length {
        None => headers.insert(CONTENT_TYPE, JSON),
        Some(length) => {
            headers.insert(HEADER_LENGTH, length.into());
            headers.insert(CONTENT_TYPE, BINARY)
        }
    };
    if coding != Coding::Identity {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.as_str()));
    }
    route(answer, headers);
    Ok(response)
}

/// Reads a request, and decides who answers it. What it says of its terms is added to them.
async fn read(
    request: &HttpRequest,
    payload: web::Payload,
    plane: &Plane,
    Asked { name, version, id }: Asked<'_>,
    terms: &mut Terms,
    watch: &mut Watch,
) -> Result<Read, Fault> {
    // The body is read before anything is looked up: a caller who sends it slowly holds on to no version.
    let body = body::read(request, payload, &plane.limits).await?;
    watch.received(|| body.len());
    let framing = Framing::from_header(header(request, HEADER_LENGTH));
    let json = framing
        .as_ref()
        .map_or(&[][..], |framing| framing.json(&body));
    let sent = Sent { request, id, json };
    let asks = asks(plane, name, version, &sent)?;
    if asks.may_wait() {
        patience(&sent, terms);
    }
    let mut entry = plane.serve.enter(name, version, &asks, *terms).await?;
    let reading = clock::instant();
    watch.decided(&mut entry);
    let decoded = decode(&entry, framing, body, plane.limits).await;
    let decoded = decoded.and_then(|decoded| {
        says(request, &decoded, terms)?;
        Ok(decoded)
    });
    let decoded =
        decoded.inspect_err(|fault| entry.refused(reading, terms.trace, || fault.failure()))?;
    let took = reading.elapsed();
    entry.keeps(&decoded.parameters);
    let said = decoded.parameters.iter();
    entry.says(said.map(|(name, value)| (name, value.into())));
    entry.wants(decoded.outputs.iter().map(|wanted| wanted.index));
    watch.decoded(|| batch::rows(&decoded.inputs));
    Ok(Read {
        entry,
        decoded,
        took,
    })
}

/// A request before it is decoded.
struct Sent<'a> {
    request: &'a HttpRequest,
    id: &'a str,
    json: &'a [u8],
}

/// What the request asks of who decides on a version, if its client may send one more. A variant past its share is for
/// those who may change what answers.
fn asks(plane: &Plane, name: &str, version: Option<&str>, sent: &Sent<'_>) -> Result<Asks, Fault> {
    let asks = plane.serve.admit(name, version, sent)?;
    if asks.forces() {
        let request = sent.request;
        let asking = asking(request.headers(), request.uri(), request.peer_addr());
        let asking = asking.map_err(|problem| Denied::Unknown(problem.to_string()))?;
        let operator = plane.guard.operator(&asking);
        operator.map_err(|denied| denied.of(serve::VARIANT))?;
    }
    Ok(asks)
}

/// How long the request waits for a version that is parked: what it says of that is read ahead, since its body can only be
/// decoded when the version is there. What is no limit is refused then.
fn patience(sent: &Sent<'_>, terms: &mut Terms) {
    let said = header(sent.request, TIMEOUT).and_then(|value| timeout(value).ok());
    terms.at_most(said);
    let asked = serve::Asked::place(sent, &["parameters", "timeout"]);
    let asked = asked.and_then(|micros| micros.parse().ok());
    terms.at_most(asked.map(Duration::from_micros));
}

/// The request, checked against the contract of who was decided on.
fn decode(
    entry: &Entry,
    framing: Result<Framing, Refusal>,
    body: web::Bytes,
    limits: Limits,
) -> Perhaps<Result<Decoded, Fault>> {
    let (framing, json) = match framing {
        Ok(Framing::Json) => (Framing::Json, body.len()),
        Ok(Framing::Mixed(length)) => (Framing::Mixed(length), length),
        Ok(Framing::Raw) => (Framing::Raw, 0),
        Err(refusal) => return Either::Left(future::ready(Err(refusal.into()))),
    };
    if json < DECODE_APART_BYTES {
        let decoded = codec::decode(entry.contract(), framing, &body, &limits);
        return Either::Left(future::ready(decoded.map_err(Fault::from)));
    }
    let contract = Arc::clone(entry.contract());
    let decoded = body::apart(move || codec::decode(&contract, framing, &body, &limits));
    Either::Right(Box::pin(async { Ok(decoded.await??) }))
}

/// What a request says of its terms is added to them.
fn says(request: &HttpRequest, decoded: &Decoded, terms: &mut Terms) -> Result<(), Fault> {
    let priority = decoded.parameters.count("priority")?;
    terms.priority = priority.and_then(Priority::from_level);
    let asked = decoded.parameters.count("timeout")?;
    terms.at_most(asked.map(Duration::from_micros));
    terms.at_most(header(request, TIMEOUT).map(timeout).transpose()?);
    Ok(())
}

/// The answer as it travels, and as it was.
fn encode(
    name: &str,
    decoded: Decoded,
    entry: &Entry,
    answer: serve::Answer,
) -> Perhaps<Result<(Encoded, serve::Answer), Fault>> {
    let id = decoded.id;
    let wanted = decoded.outputs.iter();
    let wanted = wanted.map(|wanted| (wanted.index, wanted.form)).collect();
    let wanted = entry.wanted(&answer, wanted).into_iter();
    let wanted: Vec<_> = wanted.map(|(index, form)| Wanted { index, form }).collect();
    let elements = wanted.iter().filter(|wanted| wanted.form == Form::Json);
    let elements = elements.filter_map(|wanted| answer.outputs.get(wanted.index));
    let elements: usize = elements.map(|tensor| tensor.values().len()).sum();
    if elements < ENCODE_APART_ELEMENTS {
        let written = write(name, id.as_deref(), &answer, &wanted);
        let written = written.map(|encoded| (encoded, answer));
        return Either::Left(future::ready(written.map_err(Fault::from)));
    }
    let name = name.to_owned();
    let written = body::apart(move || {
        let encoded = write(&name, id.as_deref(), &answer, &wanted)?;
        Ok::<_, Refusal>((encoded, answer))
    });
    Either::Right(Box::pin(async { Ok(written.await??) }))
}

fn write(
    name: &str,
    id: Option<&str>,
    answer: &serve::Answer,
    wanted: &[Wanted],
) -> Result<Encoded, Refusal> {
    codec::encode(&Answer {
        model: name,
        version: &answer.version.to_string(),
        id,
        contract: &answer.facts.contract,
        outputs: &answer.outputs,
        wanted,
        parameters: &parameters(answer),
    })
}

/// What an answer says of itself beside its outputs.
fn parameters(answer: &serve::Answer) -> Parameters {
    let late = (answer.origin == Origin::Substitute).then_some(("substitute", DEADLINE));
    let rescue = answer.rescue.as_ref();
    let rescued = rescue.map(|rescue| ("rescued_from", rescue.from.as_str()));
    let said = late.into_iter().chain(rescued);
    let said = said.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let trail = answer.trail.iter().flat_map(|trail| trail.said());
    let trail = trail.map(|(name, value)| (name.to_owned(), value));
    said.chain(trail)
        .map(|(name, value)| (name, Parameter::Text(value)))
        .collect()
}

fn header(request: &HttpRequest, name: HeaderName) -> Option<&[u8]> {
    request.headers().get(name).map(HeaderValue::as_bytes)
}

/// How an answer was come by, as its headers say it.
fn route(answer: serve::Answer, headers: &mut HeaderMap) {
    headers.insert(VARIANT, text(answer.variant.as_str()));
    headers.insert(VERSION, answer.version.get().into());
    if let Some(word) = answer.origin.as_str() {
        headers.insert(CACHE, HeaderValue::from_static(word));
    }
    if answer.origin == Origin::Substitute {
        headers.insert(SUBSTITUTE, HeaderValue::from_static(DEADLINE));
    }
    if let Some(rescue) = answer.rescue {
        headers.insert(RESCUE, HeaderValue::from_static(rescue.why));
    }
    if let Some(token) = answer.token {
        headers.insert(TOKEN, text(&token));
    }
    for (name, said) in answer.trail.iter().flat_map(|trail| trail.said()) {
        headers.insert(header_of(name), text(&said));
    }
}

/// What is said of an answer as a header's value.
fn text(said: &str) -> HeaderValue {
    HeaderValue::from_str(said).expect("names, numbers and tokens are printable ASCII")
}

// === impl Sent ===

impl Caller for Sent<'_> {
    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let headers = self.request.headers();
        // Those that every request is asked for are not read as names each time.
        let last = match name {
            serve::KEY => headers.get_all(KEY).last(),
            serve::VARIANT => headers.get_all(FORCED).last(),
            _ => headers.get_all(name).last(),
        }?;
        Some(String::from_utf8_lossy(last.as_bytes()))
    }

    fn cookies(&self) -> Option<Cow<'_, str>> {
        let headers = self.request.headers().get_all(COOKIE);
        join_cookies(headers.map(|header| String::from_utf8_lossy(header.as_bytes())))
    }

    fn address(&self) -> Option<IpAddr> {
        self.request.peer_addr().map(|peer| peer.ip())
    }
}

impl serve::Asked for Sent<'_> {
    fn id(&self) -> &str {
        self.id
    }

    fn place(&self, steps: &[&str]) -> Option<String> {
        scan(self.json, steps)
    }
}

/// The header of a word about a composite's way: `x-route-nodes` for `nodes`.
fn header_of(word: &str) -> HeaderName {
    let name = format!("x-route-{}", word.replace('_', "-"));
    HeaderName::try_from(name).expect("our own words are a header's name")
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
