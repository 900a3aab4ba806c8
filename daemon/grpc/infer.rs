//! One inference: a message to a typed request, through dispatch, and back to a message. A call of its own and a
//! request of a stream are the same here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use impresario_models::{VersionNumber, batch};
use impresario_pipelines::Variant;
use tonic::metadata::MetadataMap;

use super::arrival::Arrival;
use super::proto::infer_parameter::ParameterChoice;
use super::proto::{InferParameter, ModelInferRequest, ModelInferResponse};
use super::request::{self, Decoded};
use super::{answer, place, service};
use crate::clock;
use crate::plane::{Door, Ended, Fault, Plane, Watch};
use crate::serve::{
    self, Answer, Asked, Asks, Caller, Entry, Origin, Priority, Rescue, Terms, join_cookies,
};
use crate::trace::{self, Context, Parent};

/// Why another answer than the model's is given: its word, in parameters and metadata.
pub(super) const DEADLINE: &str = "deadline";

/// Whom a request comes from.
pub(super) struct Client<'a> {
    pub(super) metadata: &'a MetadataMap,
    pub(super) arrival: &'a Arrival,
    /// The request's id; each one of a stream has its own.
    pub(super) id: &'a str,
    /// The method that it was sent to.
    pub(super) method: &'static str,
}

/// A request before it is decoded.
struct Sent<'a> {
    client: &'a Client<'a>,
    message: &'a ModelInferRequest,
    /// The message's own id.
    id: &'a str,
}

/// An answer, and who gave it.
pub(super) struct Answered {
    pub(super) message: ModelInferResponse,
    pub(super) variant: Variant,
    pub(super) version: VersionNumber,
    pub(super) origin: Origin,
    pub(super) rescue: Option<Rescue>,
    pub(super) token: Option<String>,
}

/// Answers a request, which may be watched, and says which trace it belongs to. Its own parameters are added to the terms.
pub(super) async fn watched(
    plane: &Plane,
    request: ModelInferRequest,
    terms: Terms,
    client: &Client<'_>,
) -> (Option<Context>, Result<Answered, Fault>) {
    let mut watch = client.watch(plane, &request, terms.arrived);
    let answered = infer(plane, request, terms, client, &mut watch).await;
    let trace = watch.context();
    let status = match &answered {
        Ok(_) => 0,
        Err(fault) => {
            watch.failed(fault);
            fault.code().grpc as i32
        }
    };
    watch.ended(Ended::Grpc(status));
    (trace, answered)
}

async fn infer(
    plane: &Plane,
    mut request: ModelInferRequest,
    mut terms: Terms,
    client: &Client<'_>,
    watch: &mut Watch,
) -> Result<Answered, Fault> {
    terms.trace = watch.context();
    let name = std::mem::take(&mut request.model_name);
    let version = std::mem::take(&mut request.model_version);
    let id = std::mem::take(&mut request.id);
    let (named, version) = service::named(&name, &version)?;
    let sent = Sent {
        client,
        message: &request,
        id: &id,
    };
    let asks = asks(plane, named, version, &sent)?;
    if asks.may_wait() {
        let limit = sent.place(&["parameters", "timeout"]);
        terms.at_most(limit.and_then(micros));
    }
    let entry = plane.serve.enter(named, version, &asks, terms);
    let mut entry = entry.await?;
    let reading = clock::instant();
    watch.decided(&mut entry);
    let decoded = decode(plane, &entry, request, &mut terms);
    let decoded =
        decoded.inspect_err(|fault| entry.refused(reading, terms.trace, || fault.failure()))?;
    let read = reading.elapsed();
    entry.keeps(&decoded.parameters);
    let said = decoded.parameters.iter();
    entry.says(said.map(|(name, value)| (name, value.into())));
    entry.wants(decoded.outputs.iter().copied());
    watch.decoded(|| batch::rows(&decoded.inputs));
    let answer = plane.serve.dispatch(&entry, decoded.inputs, terms).await?;
    let writing = clock::instant();
    watch.answered(&answer);
    let mut message = ModelInferResponse {
        model_name: name,
        model_version: answer.version.to_string(),
        id,
        parameters: parameters(&answer),
        ..ModelInferResponse::default()
    };
    let wanted = decoded.outputs.into_iter().map(|index| (index, ()));
    let wanted = entry.wanted(&answer, wanted.collect()).into_iter();
    let wanted: Vec<usize> = wanted.map(|(index, ())| index).collect();
    answer::encode(
        &answer.facts.contract,
        answer.outputs,
        &wanted,
        decoded.form,
        &mut message,
    )?;
    entry.coded(read + writing.elapsed());
    watch.encoded(|| prost::Message::encoded_len(&message));
    Ok(Answered {
        message,
        variant: answer.variant,
        version: answer.version,
        origin: answer.origin,
        rescue: answer.rescue,
        token: answer.token,
    })
}

/// What the request asks of who decides on a version, if its client may send one more. A variant past its share is for
/// those who may change what answers.
fn asks(plane: &Plane, name: &str, version: Option<&str>, sent: &Sent<'_>) -> Result<Asks, Fault> {
    let asks = plane.serve.admit(name, version, sent)?;
    if asks.forces() {
        let Client {
            metadata, arrival, ..
        } = sent.client;
        let operator = plane.guard.operator(&arrival.asking(metadata)?);
        operator.map_err(|denied| denied.of(serve::VARIANT))?;
    }
    Ok(asks)
}

/// What an answer says of itself beside its outputs.
fn parameters(answer: &Answer) -> BTreeMap<String, InferParameter> {
    let late = (answer.origin == Origin::Substitute).then_some(("substitute", DEADLINE));
    let rescue = answer.rescue.as_ref();
    let rescued = rescue.map(|rescue| ("rescued_from", rescue.from.as_str()));
    let said = late.into_iter().chain(rescued);
    let said = said.map(|(name, value)| (name, value.to_owned()));
    let trail = answer.trail.iter().flat_map(|trail| trail.said());
    said.chain(trail)
        .map(|(name, value)| (name.to_owned(), text(&value)))
        .collect()
}

/// A parameter that is a text.
pub(super) fn text(value: &str) -> InferParameter {
    InferParameter {
        parameter_choice: Some(ParameterChoice::StringParam(value.to_owned())),
    }
}

// === impl Client ===

impl Client<'_> {
    /// Watches one of its requests.
    fn watch(&self, plane: &Plane, request: &ModelInferRequest, arrived: Instant) -> Watch {
        let values = |name| {
            let values = self.metadata.get_all(name).iter();
            values.map(|value| value.as_bytes())
        };
        let mut watch = plane.watcher.begin(
            arrived,
            &request.model_name,
            self.id,
            || Parent::of(values(trace::PARENT), values(trace::STATE)),
            || Door::Grpc {
                method: self.method,
            },
        );
        // The framework has read it before it is handed on.
        watch.received(|| prost::Message::encoded_len(request));
        watch
    }
}

impl Caller for Client<'_> {
    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let last = self.metadata.get_all(name).iter().next_back()?;
        Some(String::from_utf8_lossy(last.as_bytes()))
    }

    fn cookies(&self) -> Option<Cow<'_, str>> {
        let headers = self.metadata.get_all("cookie").iter();
        join_cookies(headers.map(|header| String::from_utf8_lossy(header.as_bytes())))
    }

    fn address(&self) -> Option<IpAddr> {
        self.arrival.peer
    }
}

impl Caller for Sent<'_> {
    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.client.header(name)
    }

    fn cookies(&self) -> Option<Cow<'_, str>> {
        self.client.cookies()
    }

    fn address(&self) -> Option<IpAddr> {
        self.client.address()
    }
}

impl Asked for Sent<'_> {
    fn id(&self) -> &str {
        self.client.id
    }

    fn place(&self, steps: &[&str]) -> Option<String> {
        match steps {
            ["id"] => (!self.id.is_empty()).then(|| self.id.to_owned()),
            steps => place::find(self.message, steps),
        }
    }
}

/// A limit in microseconds, for the wait for a version that is parked; what is none is refused when the request is decoded.
fn micros(text: String) -> Option<Duration> {
    text.parse().ok().map(Duration::from_micros)
}

fn decode(
    plane: &Plane,
    entry: &Entry,
    request: ModelInferRequest,
    terms: &mut Terms,
) -> Result<Decoded, Fault> {
    let decoded = request::decode(entry.contract(), request, &plane.limits)?;
    let priority = decoded.parameters.count("priority")?;
    terms.priority = priority.and_then(Priority::from_level);
    let asked = decoded.parameters.count("timeout")?;
    terms.at_most(asked.map(Duration::from_micros));
    Ok(decoded)
}
