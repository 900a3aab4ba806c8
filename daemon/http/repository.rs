//! The model repository extension: the index, and loading and unloading by who may.
//!
//! Loading is the same command as the admin plane's and goes through the same door; here the answer waits until
//! the versions are ready or have failed, as Triton's does.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use impresario_models::Name;
use impresario_pipelines::fleet::{By, Command, Phase, Reason, Reload, Report, Source, Subject};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::body;
use super::codec::{Refusal, clip};
use super::plane::Plane;
use super::respond::{Fault, json};
use super::wire::{IndexEntry, IndexRequest, RepositoryRequest};
use crate::error::Error;

pub(super) async fn index(
    request: &HttpRequest,
    payload: web::Payload,
    plane: &Plane,
) -> Result<HttpResponse, Fault> {
    let asked: IndexRequest = read(request, payload, plane).await?;
    let snapshot = plane.serve.live().snapshot();
    let mut entries = Vec::new();
    for (model, version, seen) in snapshot.fleet.observed.all() {
        let state = match seen.phase {
            Phase::Ready => "READY",
            Phase::Loading(_) => "LOADING",
            Phase::Restarting { .. } => "LOADING",
            Phase::Draining => "UNLOADING",
            Phase::Discovered | Phase::Unloaded | Phase::Quarantined | Phase::Failed => {
                "UNAVAILABLE"
            }
        };
        if asked.ready && seen.phase != Phase::Ready {
            continue;
        }
        let reason = match (&seen.phase, &seen.trouble) {
            (Phase::Ready, _) => String::new(),
            (phase, Some(trouble)) => format!("{}: {trouble}", phase.as_str()),
            (phase, None) => phase.as_str().to_owned(),
        };
        entries.push(IndexEntry {
            name: model.to_string(),
            version: version.to_string(),
            state,
            reason,
        });
    }
    Ok(json(StatusCode::OK, &entries))
}

pub(super) async fn load(
    request: &HttpRequest,
    payload: web::Payload,
    plane: &Plane,
    name: &str,
) -> Result<HttpResponse, Fault> {
    let model = change(request, payload, plane, name, |model| Command::Load {
        model,
        version: None,
    })
    .await?;
    let live = plane.serve.live();
    let under_way = |report: &Report| {
        waits(report, &model).any(|reason| {
            matches!(
                reason,
                Reason::Queued | Reason::Loading(_) | Reason::Reloading | Reason::Restarting { .. }
            )
        })
    };
    let loaded = live.until(|snapshot| !under_way(&snapshot.report));
    let Ok(snapshot) = tokio::time::timeout(plane.patience, loaded).await else {
        return Err(Fault::Load(format!(
            "load '{model}': not ready within {:?}; it goes on loading",
            plane.patience
        )));
    };
    let mut failed = waits(&snapshot.report, &model).filter_map(|reason| match reason {
        Reason::Failed(_) | Reason::Quarantined(_) => Some(reason.to_string()),
        _ => None,
    });
    match failed.next() {
        Some(why) => Err(Fault::Load(format!("failed to load '{model}': {why}"))),
        None => Ok(done()),
    }
}

pub(super) async fn unload(
    request: &HttpRequest,
    payload: web::Payload,
    plane: &Plane,
    name: &str,
) -> Result<HttpResponse, Fault> {
    let model = change(request, payload, plane, name, |model| Command::Unload {
        model,
        version: None,
    })
    .await?;
    let gone = plane.serve.live().until(|snapshot| {
        let versions = snapshot.fleet.observed.models.get(&model);
        versions.is_none_or(|model| {
            let mut versions = model.versions.values();
            versions.all(|seen| !seen.resident() && seen.reload == Reload::None)
        })
    });
    match tokio::time::timeout(plane.patience, gone).await {
        Ok(_) => Ok(done()),
        Err(_) => Err(Fault::Load(format!(
            "unload '{model}': requests are still in flight after {:?}; it goes on draining",
            plane.patience
        ))),
    }
}

/// Checks who asks and what for, and asks the supervisor.
async fn change(
    request: &HttpRequest,
    payload: web::Payload,
    plane: &Plane,
    name: &str,
    command: impl FnOnce(Name) -> Command,
) -> Result<Name, Fault> {
    let actor = plane.guard.operator(request)?;
    let asked: RepositoryRequest = read(request, payload, plane).await?;
    for parameter in asked.parameters.keys() {
        // Nothing here depends on another model, so that unloading dependents is nothing to do.
        if parameter != "unload_dependents" {
            let expected = "parameter 'unload_dependents' or none";
            let got = format!("'{}', which is not supported", clip(parameter));
            return Err(Refusal::invalid("repository request", expected, got).into());
        }
    }
    let unknown = || Error::UnknownModel {
        name: name.chars().take(Name::MAX_BYTES).collect(),
    };
    let model = Name::new(name).map_err(|_| unknown())?;
    if !plane
        .serve
        .live()
        .look()
        .fleet
        .observed
        .models
        .contains_key(&model)
    {
        return Err(unknown().into());
    }
    let by = By {
        actor,
        source: Source::Protocol,
        reason: None,
    };
    plane
        .control
        .change(command(model.clone()), by, false)
        .await?;
    Ok(model)
}

/// The reasons why a model's versions are not as desired.
fn waits<'a>(report: &'a Report, model: &'a Name) -> impl Iterator<Item = &'a Reason> {
    report
        .waits
        .iter()
        .filter_map(move |wait| match &wait.subject {
            Subject::Version(name, _) if name == model => Some(&wait.reason),
            _ => None,
        })
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
