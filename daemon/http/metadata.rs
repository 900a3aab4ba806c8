//! What the server and its models say of themselves: metadata and Triton's configuration.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::respond::{Fault, json};
use super::wire;
use crate::plane::Plane;
use crate::serve::Terms;

pub(super) fn server() -> HttpResponse {
    json(StatusCode::OK, &wire::SERVER)
}

/// All names that can be asked, in order.
pub(super) fn models(plane: &Plane) -> HttpResponse {
    let snapshot = plane.serve.live().look();
    let mut models: Vec<_> = snapshot
        .table
        .routes()
        .map(|route| route.name.to_string())
        .collect();
    models.sort_unstable();
    json(StatusCode::OK, &wire::Models { models })
}

pub(super) async fn model(
    plane: &Plane,
    name: &str,
    version: Option<&str>,
) -> Result<HttpResponse, Fault> {
    let entry = plane.serve.fetch(name, version, Terms::now()).await?;
    let handle = entry.handle();
    let metadata = wire::Metadata {
        name,
        versions: plane
            .serving(&entry)
            .iter()
            .map(ToString::to_string)
            .collect(),
        platform: &handle.facts.engine,
        inputs: wire::Tensor::of(&handle.facts.contract.inputs),
        outputs: wire::Tensor::of(&handle.facts.contract.outputs),
    };
    Ok(json(StatusCode::OK, &metadata))
}

pub(super) async fn config(
    plane: &Plane,
    name: &str,
    version: Option<&str>,
) -> Result<HttpResponse, Fault> {
    let entry = plane.serve.fetch(name, version, Terms::now()).await?;
    let facts = &entry.handle().facts;
    let config = wire::Config::of(name, &facts.engine, &facts.contract);
    Ok(json(StatusCode::OK, &config))
}
