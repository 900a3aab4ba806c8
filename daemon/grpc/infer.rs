//! One inference: a message to a typed request, through dispatch, and back to a message. A call of its own and a
//! request of a stream are the same here.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use impresario_models::VersionNumber;
use impresario_pipelines::Variant;

use tonic::metadata::MetadataMap;

use super::arrival::Arrival;
use super::proto::infer_parameter::ParameterChoice;
use super::proto::{InferParameter, ModelInferRequest, ModelInferResponse};
use super::request::{self, Decoded};
use super::{answer, service};
use crate::clock;
use crate::plane::{Fault, Plane};
use crate::serve::{Caller, Entry, Origin, Priority, Terms, join_cookies};

/// Why another answer than the model's is given: its word, in parameters and metadata.
pub(super) const DEADLINE: &str = "deadline";

/// Whom a request comes from.
pub(super) struct Client<'a> {
    pub(super) metadata: &'a MetadataMap,
    pub(super) arrival: &'a Arrival,
}

/// An answer, and who gave it.
pub(super) struct Answered {
    pub(super) message: ModelInferResponse,
    pub(super) variant: Variant,
    pub(super) version: VersionNumber,
    pub(super) origin: Origin,
}

/// Answers a request. Its own parameters are added to the terms.
///
/// # Errors
/// [`Fault`]
pub(super) async fn infer(
    plane: &Plane,
    mut request: ModelInferRequest,
    mut terms: Terms,
    client: &Client<'_>,
) -> Result<Answered, Fault> {
    let begun = clock::instant();
    let name = std::mem::take(&mut request.model_name);
    let version = std::mem::take(&mut request.model_version);
    let id = std::mem::take(&mut request.id);
    let (named, version) = service::named(&name, &version)?;
    plane.serve.admit(named, client)?;
    let entry = plane.serve.enter(named, version, terms.arrived).await?;
    let decoded = decode(plane, &entry, request, &mut terms);
    let decoded = decoded.inspect_err(|_| entry.refused(begun))?;
    let answer = plane.serve.dispatch(&entry, decoded.inputs, terms).await?;
    let mut message = ModelInferResponse {
        model_name: name,
        model_version: answer.version.to_string(),
        id,
        ..ModelInferResponse::default()
    };
    if answer.origin == Origin::Substitute {
        let word = ParameterChoice::StringParam(DEADLINE.to_owned());
        let parameter = InferParameter {
            parameter_choice: Some(word),
        };
        message
            .parameters
            .insert("substitute".to_owned(), parameter);
    }
    answer::encode(
        entry.contract(),
        answer.outputs,
        &decoded.outputs,
        decoded.form,
        &mut message,
    )?;
    Ok(Answered {
        message,
        variant: answer.variant,
        version: answer.version,
        origin: answer.origin,
    })
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
