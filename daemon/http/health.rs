//! Health: live, ready, and ready of one model. Not ready is 503, whatever the body says.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::respond::{Fault, json};
use super::wire;
use crate::plane::Plane;

pub(super) fn live() -> HttpResponse {
    json(StatusCode::OK, &wire::Live { live: true })
}

pub(super) fn ready(plane: &Plane) -> HttpResponse {
    let ready = plane.serve.live().accepting();
    json(status(ready), &wire::Ready { live: true, ready })
}

pub(super) fn model(
    plane: &Plane,
    name: &str,
    version: Option<&str>,
) -> Result<HttpResponse, Fault> {
    let why = plane.unready(name, version)?;
    let body = wire::ModelReady {
        name,
        ready: why.is_none(),
        error: why,
    };
    Ok(json(status(body.ready), &body))
}

fn status(ready: bool) -> StatusCode {
    if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}
