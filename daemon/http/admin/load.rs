//! `/admin/v1/models/…/load` and `/unload`: the command, and the wait until it is done.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use impresario_models::{Name, VersionNumber};
use impresario_pipelines::fleet::{Command, Fleet, Phase, Reason, Reload, Seen, Subject};

use super::Admin;
use super::guard::{Caller, Operator};
use super::openapi::Refusals;
use super::parse::{self, Waiting};
use super::problem::{Code, Problem};
use super::wire::{LoadReportV1, ModelV1, ProblemV1};
use crate::actors::Snapshot;

/// Loads all versions that the model's files name, or tries again those that failed.
#[utoipa::path(
    post,
    path = "/admin/v1/models/{model}/load",
    tag = "models",
    operation_id = "load_model",
    params(
        ("model" = String, Path, description = "The model's name"),
        ("wait" = Option<String>, Query, description = "How long to wait until it is done, `0s` to `10m`; default `30s`"),
        ("X-Reason" = Option<String>, Header, description = "Why, for the audit"),
    ),
    responses(
        (status = 200, description = "Loaded.", body = LoadReportV1),
        (status = 202, description = "Not done yet; it goes on.", body = LoadReportV1),
        (status = 422, description = "It could not be made ready.", body = ProblemV1,
            content_type = "application/problem+json"),
        Refusals
    )
)]
pub(super) async fn load(
    caller: Caller<Operator>,
    admin: Data<Admin>,
    path: Path<String>,
    query: Query<Waiting>,
) -> Result<HttpResponse, Problem> {
    Ask::new(&path, None, &query)?.load(&caller, &admin).await
}

/// Unloads all versions of a model.
#[utoipa::path(
    post,
    path = "/admin/v1/models/{model}/unload",
    tag = "models",
    operation_id = "unload_model",
    params(
        ("model" = String, Path, description = "The model's name"),
        ("wait" = Option<String>, Query, description = "How long to wait until it is done, `0s` to `10m`; default `30s`"),
        ("X-Reason" = Option<String>, Header, description = "Why, for the audit"),
    ),
    responses(
        (status = 200, description = "Unloaded.", body = LoadReportV1),
        (status = 202, description = "Not done yet; it goes on.", body = LoadReportV1),
        (status = 409, description = "A pipeline needs it.", body = ProblemV1,
            content_type = "application/problem+json"),
        Refusals
    )
)]
pub(super) async fn unload(
    caller: Caller<Operator>,
    admin: Data<Admin>,
    path: Path<String>,
    query: Query<Waiting>,
) -> Result<HttpResponse, Problem> {
    Ask::new(&path, None, &query)?.unload(&caller, &admin).await
}

/// Loads a version, or tries again one that failed, is quarantined or whose files changed.
#[utoipa::path(
    post,
    path = "/admin/v1/models/{model}/versions/{version}/load",
    tag = "models",
    operation_id = "load_version",
    params(
        ("model" = String, Path, description = "The model's name"),
        ("version" = u64, Path, description = "The version's number"),
        ("wait" = Option<String>, Query, description = "How long to wait until it is done, `0s` to `10m`; default `30s`"),
        ("X-Reason" = Option<String>, Header, description = "Why, for the audit"),
    ),
    responses(
        (status = 200, description = "Loaded.", body = LoadReportV1),
        (status = 202, description = "Not done yet; it goes on.", body = LoadReportV1),
        (status = 422, description = "It could not be made ready.", body = ProblemV1,
            content_type = "application/problem+json"),
        Refusals
    )
)]
pub(super) async fn load_version(
    caller: Caller<Operator>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
    query: Query<Waiting>,
) -> Result<HttpResponse, Problem> {
    Ask::new(&path.0, Some(&path.1), &query)?
        .load(&caller, &admin)
        .await
}

/// Unloads a version.
#[utoipa::path(
    post,
    path = "/admin/v1/models/{model}/versions/{version}/unload",
    tag = "models",
    operation_id = "unload_version",
    params(
        ("model" = String, Path, description = "The model's name"),
        ("version" = u64, Path, description = "The version's number"),
        ("wait" = Option<String>, Query, description = "How long to wait until it is done, `0s` to `10m`; default `30s`"),
        ("X-Reason" = Option<String>, Header, description = "Why, for the audit"),
    ),
    responses(
        (status = 200, description = "Unloaded.", body = LoadReportV1),
        (status = 202, description = "Not done yet; it goes on.", body = LoadReportV1),
        (status = 409, description = "A pipeline needs it.", body = ProblemV1,
            content_type = "application/problem+json"),
        Refusals
    )
)]
pub(super) async fn unload_version(
    caller: Caller<Operator>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
    query: Query<Waiting>,
) -> Result<HttpResponse, Problem> {
    Ask::new(&path.0, Some(&path.1), &query)?
        .unload(&caller, &admin)
        .await
}

/// What is to be loaded or unloaded, and how long to wait for it.
struct Ask {
    model: Name,
    version: Option<VersionNumber>,
    wait: Duration,
}

impl Ask {
    fn new(model: &str, version: Option<&str>, waiting: &Waiting) -> Result<Self, Problem> {
        Ok(Self {
            model: parse::name(model)?,
            version: version.map(parse::version).transpose()?,
            wait: waiting.duration()?,
        })
    }

    async fn load(self, caller: &Caller<Operator>, admin: &Admin) -> Result<HttpResponse, Problem> {
        let command = Command::Load {
            model: self.model.clone(),
            version: self.version,
        };
        let (answer, snapshot) = self
            .perform(command, caller, admin, |ask, snapshot| ask.loaded(snapshot))
            .await?;
        match self.trouble(&snapshot.fleet) {
            Some(trouble) if answer.done => {
                let versions = serde_json::to_value(&answer.versions).unwrap_or_default();
                Err(Problem::new(Code::LoadFailed, trouble).with("versions", versions))
            }
            _ => Ok(answer.respond(self.wait)),
        }
    }

    async fn unload(
        self,
        caller: &Caller<Operator>,
        admin: &Admin,
    ) -> Result<HttpResponse, Problem> {
        let command = Command::Unload {
            model: self.model.clone(),
            version: self.version,
        };
        let (answer, _) = self
            .perform(command, caller, admin, |ask, snapshot| {
                ask.unloaded(&snapshot.fleet)
            })
            .await?;
        Ok(answer.respond(self.wait))
    }

    /// Gives the command, and waits until it is done or the time is over.
    async fn perform(
        &self,
        command: Command,
        caller: &Caller<Operator>,
        admin: &Admin,
        done: impl Fn(&Self, &Snapshot) -> bool,
    ) -> Result<(LoadReportV1, Arc<Snapshot>), Problem> {
        let outcome = admin
            .impresario
            .control()
            .change(command, caller.by(None)?, false)
            .await?;
        let live = admin.impresario.live();
        if !self.wait.is_zero() {
            // What there is when the time is over is looked at below.
            let _: Result<_, _> =
                tokio::time::timeout(self.wait, live.until(|s| done(self, s))).await;
        }
        let snapshot = live.snapshot();
        let model = ModelV1::of(&snapshot, &self.model, admin.impresario.clock().now());
        let versions = model.map(|model| model.versions).unwrap_or_default();
        let asked = |version: u64| self.version.is_none_or(|asked| asked.get() == version);
        let report = LoadReportV1 {
            model: self.model.to_string(),
            revision: outcome.revision.0,
            done: done(self, &snapshot),
            versions: versions.into_iter().filter(|v| asked(v.version)).collect(),
        };
        Ok((report, snapshot))
    }

    /// Whether nothing of it waits for a load any more.
    fn loaded(&self, snapshot: &Snapshot) -> bool {
        let restarting =
            |(_, seen): &(VersionNumber, &Seen)| matches!(seen.phase, Phase::Restarting { .. });
        let waits = snapshot.report.waits.iter().any(|wait| {
            let Subject::Version(model, version) = &wait.subject else {
                return false;
            };
            let ours = *model == self.model && self.version.is_none_or(|asked| asked == *version);
            ours && matches!(
                wait.reason,
                Reason::Queued | Reason::Loading(_) | Reason::Reloading
            )
        });
        !waits && !self.seen(&snapshot.fleet).any(|seen| restarting(&seen))
    }

    /// Whether nothing of it is in memory, or on its way there, any more.
    fn unloaded(&self, fleet: &Fleet) -> bool {
        let mut seen = self.seen(fleet);
        seen.all(|(_, seen)| {
            !seen.resident()
                && !matches!(seen.phase, Phase::Loading(_))
                && seen.reload == Reload::None
        })
    }

    /// Why the load failed: the version that was asked for did, or one that is newer than all that serve.
    fn trouble(&self, fleet: &Fleet) -> Option<String> {
        let failed = |seen: &Seen| matches!(seen.phase, Phase::Failed | Phase::Quarantined);
        let newest = self
            .seen(fleet)
            .filter(|(_, seen)| seen.serves())
            .map(|(version, _)| version)
            .max();
        let mut failures = self.seen(fleet).filter(|(version, seen)| {
            failed(seen) && newest.is_none_or(|newest| *version > newest)
        });
        let (version, seen) = failures.next_back()?;
        let why = seen.trouble.as_deref().unwrap_or("no reason was kept");
        Some(format!(
            "model '{}' version {version} is {}: {why}",
            self.model,
            seen.phase.as_str()
        ))
    }

    /// The versions that are asked for, oldest first.
    fn seen<'a>(
        &self,
        fleet: &'a Fleet,
    ) -> impl DoubleEndedIterator<Item = (VersionNumber, &'a Seen)> {
        let asked = self.version;
        let model = fleet.observed.models.get(&self.model);
        let versions = model.into_iter().flat_map(|model| &model.versions);
        versions
            .filter(move |(version, _)| asked.is_none_or(|asked| asked == **version))
            .map(|(v, seen)| (*v, seen))
    }
}

impl LoadReportV1 {
    fn respond(self, wait: Duration) -> HttpResponse {
        match self.done && !wait.is_zero() {
            true => HttpResponse::Ok().json(self),
            false => HttpResponse::Accepted().json(self),
        }
    }
}
