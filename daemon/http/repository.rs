//! The model repository extension over HTTP: bodies in, answers out.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::admin::asking;
use super::body;
use super::codec::Refusal;
use super::respond::{Fault, json};
use super::wire::{IndexEntry, IndexRequest, RepositoryRequest};
use crate::plane::{Denied, Plane, READY, check_parameters};

pub(super) async fn index(
    request: &HttpRequest,
    payload: web::Payload,
    plane: &Plane,
) -> Result<HttpResponse, Fault> {
    let asked: IndexRequest = read(request, payload, plane).await?;
    let indexed = plane.index();
    let wanted = indexed
        .iter()
        .filter(|entry| !asked.ready || entry.state == READY);
    let entries: Vec<_> = wanted
        .map(|entry| IndexEntry {
            name: entry.name.as_str(),
            version: entry.version.to_string(),
            state: entry.state,
            reason: &entry.reason,
        })
        .collect();
    Ok(json(StatusCode::OK, &entries))
}

pub(super) async fn load(
    request: &HttpRequest,
    payload: web::Payload,
    plane: &Plane,
    name: &str,
) -> Result<HttpResponse, Fault> {
    let actor = operator(request, payload, plane).await?;
    plane.load(actor, name).await?;
    Ok(done())
}

pub(super) async fn unload(
    request: &HttpRequest,
    payload: web::Payload,
    plane: &Plane,
    name: &str,
) -> Result<HttpResponse, Fault> {
    let actor = operator(request, payload, plane).await?;
    plane.unload(actor, name).await?;
    Ok(done())
}

/// Who asks, and that they may; then that they ask for what is known here.
async fn operator(
    request: &HttpRequest,
    payload: web::Payload,
    plane: &Plane,
) -> Result<String, Fault> {
    let asking = asking(request.headers(), request.uri(), request.peer_addr());
    let asking = asking.map_err(|problem| Denied::Unknown(problem.to_string()))?;
    let actor = plane.guard.operator(&asking)?;
    let asked: RepositoryRequest = read(request, payload, plane).await?;
    check_parameters(asked.parameters.keys())?;
    Ok(actor)
}

/// Reads a small JSON body; an empty one is the default.
async fn read<T: DeserializeOwned + Default>(
    request: &HttpRequest,
    payload: web::Payload,
    plane: &Plane,
) -> Result<T, Fault> {
    let body = body::read(request, payload, &plane.limits).await?;
    if body.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    let wrong = |e: serde_json::Error| {
        Refusal::invalid("repository request", "a JSON object", e.to_string())
    };
    // Without this a list would do for an object whose members stand in order.
    let object: Map<String, Value> = serde_json::from_slice(&body).map_err(wrong)?;
    Ok(serde_json::from_value(object.into()).map_err(wrong)?)
}

/// Triton answers with no body at all.
fn done() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").finish()
}
