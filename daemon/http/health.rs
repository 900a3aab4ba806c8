//! Health: live, ready, and ready of one model. Not ready is 503, whatever the body says.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use impresario_pipelines::fleet::Phase;

use super::plane::Plane;
use super::respond::{Fault, json};
use super::wire;
use crate::error::Error;

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
    let why = match plane.serve.find(name, version) {
        Ok(entry) => {
            let handle = entry.handle();
            let snapshot = plane.serve.live().look();
            let seen = snapshot
                .fleet
                .observed
                .version(handle.model.as_str(), handle.version);
            let ready = seen.is_some_and(|seen| seen.phase == Phase::Ready);
            (!ready).then(|| handle.unavailable(None).to_string())
        }
        Err(Error::Unavailable { why, .. }) => Some(why),
        Err(other) => return Err(other.into()),
    };
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
