//! `POST /admin/v1/reload`: reads the files again. How is the boot's business; it hands a [`Reloader`] in.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::web::{Data, Json};
use impresario_pipelines::fleet::{By, Revision};
use impresario_pipelines::spec;

use super::Admin;
use super::guard::{Caller, Operator};
use super::openapi::Refusals;
use super::problem::{Code, Problem};
use super::wire::{ProblemV1, ReloadedV1};
use crate::actors::Refused;

/// Reads the files again and applies them, or changes nothing and says what is wrong with them.
#[derive(Clone)]
pub struct Reloader(Arc<Reload>);

type Reload =
    dyn Fn(By) -> Pin<Box<dyn Future<Output = Result<Reloaded, ReloadRefused>>>> + Send + Sync;

/// What reading the files again came to.
#[derive(Clone, Debug, Default)]
pub struct Reloaded {
    /// The fleet's revision afterwards.
    pub revision: Revision,
    /// Whether any routing became different.
    pub changed: bool,
    /// What is perhaps not meant.
    pub warnings: Vec<spec::Problem>,
}

/// Why nothing was changed.
#[derive(Clone, Debug)]
pub enum ReloadRefused {
    /// The files have problems.
    Files(Vec<spec::Problem>),
    /// The change was refused.
    Change(Refused),
}

// === impl Reloader ===

impl Reloader {
    /// A reloader that calls a function for every reload.
    pub fn new<F, Answer>(reload: F) -> Self
    where
        F: Fn(By) -> Answer + Send + Sync + 'static,
        Answer: Future<Output = Result<Reloaded, ReloadRefused>> + 'static,
    {
        Self(Arc::new(move |by| Box::pin(reload(by))))
    }

    /// Reads the files again.
    ///
    /// # Errors
    /// [`ReloadRefused`]: nothing was changed.
    pub async fn reload(&self, by: By) -> Result<Reloaded, ReloadRefused> {
        (self.0)(by).await
    }
}

/// Reads config and pipeline files again. A refused file changes nothing.
#[utoipa::path(
    post,
    path = "/admin/v1/reload",
    tag = "daemon",
    operation_id = "reload",
    params(("X-Reason" = Option<String>, Header, description = "Why, for the audit")),
    responses(
        (status = 200, description = "Read and applied.", body = ReloadedV1),
        (status = 422, description = "The files have problems; all are listed and nothing was changed.", body = ProblemV1,
            content_type = "application/problem+json"),
        Refusals
    )
)]
pub(super) async fn reload(
    caller: Caller<Operator>,
    admin: Data<Admin>,
) -> Result<Json<ReloadedV1>, Problem> {
    let reloaded = admin.reloader.reload(caller.by(None)?).await;
    let Reloaded {
        revision,
        changed,
        warnings,
    } = reloaded.map_err(|refused| match refused {
        ReloadRefused::Files(problems) => Problem::spec(Code::InvalidConfig, &problems),
        ReloadRefused::Change(refused) => Problem::of_body(refused),
    })?;
    Ok(Json(ReloadedV1 {
        revision: revision.0,
        changed,
        warnings: warnings.iter().map(ToString::to_string).collect(),
    }))
}
