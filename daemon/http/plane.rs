//! The data plane as one service: who is called for which path.

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web};

use super::path::{self, Call, Verb};
use super::respond::{self, Fault, RequestId};
use super::{feedback, health, infer, metadata, repository, stats};
use crate::plane::{Door, Ended, Plane, Watch};
use crate::serve::Terms;
use crate::trace::{self, Parent};

/// The longest path that is told, in characters.
const PATH: usize = 256;

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
            result.unwrap_or_else(|fault| respond::fault(&fault, &id, None))
        }
        Err(lost) => respond::lost(&lost, &id),
    };
    id.put(&mut response);
    response
}

/// An inference, which may be watched.
async fn infer(
    request: &HttpRequest,
    payload: web::Payload,
    plane: &Plane,
    (name, version): (&str, Option<&str>),
    id: &RequestId,
) -> HttpResponse {
    let terms = Terms::now();
    let mut watch = watch(request, plane, (name, version), id, terms.arrived);
    let asked = infer::Asked {
        name,
        version,
        id: id.as_str(),
    };
    // Boxed: allocators have small pieces at hand, and the future of a request is no small one.
    let answered = infer::infer(request, payload, plane, asked, terms, &mut watch);
    let answered = Box::pin(answered).await;
    let mut response = answered.unwrap_or_else(|fault| {
        watch.failed(&fault);
        respond::fault(&fault, id, watch.context())
    });
    if let Some(context) = watch.context() {
        respond::trace(&mut response, context);
    }
    watch.ended(Ended::Http(response.status().as_u16()));
    response
}

fn watch(
    request: &HttpRequest,
    plane: &Plane,
    (name, version): (&str, Option<&str>),
    id: &RequestId,
    arrived: Instant,
) -> Watch {
    let headers = request.headers();
    let values = |name| headers.get_all(name).map(|value| value.as_bytes());
    plane.watcher.begin(
        arrived,
        name,
        id.as_str(),
        || Parent::of(values(trace::PARENT), values(trace::STATE)),
        || Door::Http {
            path: request.uri().path().chars().take(PATH).collect(),
            route: match version {
                Some(_) => "/v2/models/{model}/versions/{version}/infer",
                None => "/v2/models/{model}/infer",
            },
        },
    )
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
                Verb::Infer => infer(request, payload, plane, (&name, version), id).await,
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
