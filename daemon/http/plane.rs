//! The data plane as one service: what it holds, and who is called for which path.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};

use super::codec::Limits;
use super::path::{self, Call, Verb};
use super::respond::{self, Fault, RequestId};
use super::{health, infer, metadata, repository, stats};
use crate::actors::Control;
use crate::measure::Measure;
use crate::serve::Serve;

/// What the data plane needs.
pub struct Plane {
    /// Who answers.
    pub serve: Serve,
    /// Who loads and unloads.
    pub control: Control,
    /// Where the counters are.
    pub measure: Measure,
    /// What one request may bring.
    pub limits: Limits,
    /// How long `load` and `unload` wait for what they asked for.
    pub patience: Duration,
    /// Who may load and unload.
    pub guard: Arc<dyn Guard>,
}

/// Says who may change things through the repository extension. [`super::admin::Operators`] asks tokens for it.
pub trait Guard: Send + Sync {
    /// The name of the caller, for the audit, where they may load and unload models.
    ///
    /// # Errors
    /// [`Denied`], with what the caller can do about it.
    fn operator(&self, request: &HttpRequest) -> Result<String, Denied>;
}

/// Why a caller may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Nothing says who the caller is.
    #[error("{0}")]
    Unknown(String),
    /// The caller is known and may not.
    #[error("{0}")]
    Forbidden(String),
}

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
    let result = call(&request, payload, &plane).await;
    let mut response = result.unwrap_or_else(|fault| respond::fault(&fault, &id));
    id.put(&mut response);
    response
}

async fn call(
    request: &HttpRequest,
    payload: web::Payload,
    plane: &Plane,
) -> Result<HttpResponse, Fault> {
    let call = path::read(request.method(), request.uri().path())?;
    Ok(match call {
        Call::Model {
            name,
            version,
            verb,
        } => {
            let version = version.as_deref();
            match verb {
                Verb::Infer => infer::infer(request, payload, plane, &name, version).await?,
                Verb::Metadata => metadata::model(plane, &name, version)?,
                Verb::Config => metadata::config(plane, &name, version)?,
                Verb::Ready => health::model(plane, &name, version)?,
                Verb::Stats => stats::model(plane, &name, version)?,
            }
        }
        Call::Server => metadata::server(),
        Call::Live => health::live(),
        Call::Ready => health::ready(plane),
        Call::Models => metadata::models(plane),
        Call::AllStats => stats::all(plane),
        Call::Index => repository::index(request, payload, plane).await?,
        Call::Load { name } => repository::load(request, payload, plane, &name).await?,
        Call::Unload { name } => repository::unload(request, payload, plane, &name).await?,
    })
}
