//! The data plane as one service: who is called for which path.

use actix_web::{HttpRequest, HttpResponse, web};

use super::path::{self, Call, Verb};
use super::respond::{self, Fault, RequestId};
use super::{feedback, health, infer, metadata, repository, stats};
use crate::plane::Plane;

/// Makes an application, or a scope of one, answer as the data plane. Every path that no other service took
/// comes here.
pub fn configure(plane: web::Data<Plane>) -> impl FnOnce(&mut web::ServiceConfig) + Clone {
    move |config| {
        config.app_data(plane).default_service(web::to(answer));
    }
}

async fn answer(
    request: HttpRequest,
    payload: web::Payload,
    plane: web::Data<Plane>,
) -> HttpResponse {
    let id = RequestId::of(&request);
    let mut response = match path::read(request.method(), request.uri().path()) {
        Ok(asked) => {
            let result = call(&request, payload, &plane, asked, &id).await;
            result.unwrap_or_else(|fault| respond::fault(&fault, &id))
        }
        Err(lost) => respond::lost(&lost, &id),
    };
    id.put(&mut response);
    response
}

async fn call(
    request: &HttpRequest,
    payload: web::Payload,
    plane: &Plane,
    call: Call,
    id: &RequestId,
) -> Result<HttpResponse, Fault> {
    Ok(match call {
        Call::Model {
            name,
            version,
            verb,
        } => {
            let version = version.as_deref();
            match verb {
                Verb::Infer => {
                    infer::infer(request, payload, plane, &name, version, id.as_str()).await?
                }
                Verb::Metadata => metadata::model(plane, &name, version).await?,
                Verb::Config => metadata::config(plane, &name, version).await?,
                Verb::Ready => health::model(plane, &name, version)?,
                Verb::Stats => stats::model(plane, &name, version)?,
            }
        }
        Call::Server => metadata::server(),
        Call::Live => health::live(),
        Call::Ready => health::ready(plane),
        Call::Models => metadata::models(plane),
        Call::AllStats => stats::all(plane),
        Call::Feedback { name } => feedback::take(request, payload, plane, &name).await?,
        Call::Index => repository::index(request, payload, plane).await?,
        Call::Load { name } => repository::load(request, payload, plane, &name).await?,
        Call::Unload { name } => repository::unload(request, payload, plane, &name).await?,
    })
}
