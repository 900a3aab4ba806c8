//! `/admin/v1/pipelines…`: what there is, make, replace and remove.

use actix_web::http::StatusCode;
use actix_web::http::header::ETAG;
use actix_web::web::{Bytes, Data, Json, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use impresario_models::Name;
use impresario_pipelines::fleet::{By, Command, Fleet, Rejection, Revision};
use impresario_pipelines::spec;

use super::Admin;
use super::etag::{self, Condition};
use super::guard::{Caller, Operator, Viewer};
use super::openapi::Refusals;
use super::parse::{self, Insisting, Trying};
use super::problem::{Code, Problem};
use super::wire::{
    ChangedV1, PipelineSpecV1, PipelineSummaryV1, PipelineV1, PipelinesV1, ProblemV1,
};
use crate::actors::Refused;
use crate::actors::messages::Outcome;

/// How often `If-Match: *` is tried again when others change the pipeline at the same time.
const ATTEMPTS: usize = 5;

/// Every pipeline and who serves; models have one of their name by themselves.
#[utoipa::path(
    get,
    path = "/admin/v1/pipelines",
    tag = "pipelines",
    operation_id = "pipelines",
    responses((status = 200, description = "In the order of names.", body = PipelinesV1), Refusals)
)]
pub(super) async fn list(_: Caller<Viewer>, admin: Data<Admin>) -> Json<PipelinesV1> {
    let snapshot = admin.impresario.live().snapshot();
    Json(PipelinesV1 {
        revision: snapshot.fleet.routing.revision.0,
        pipelines: PipelineSummaryV1::all(&snapshot.fleet, &snapshot.report),
    })
}

/// A pipeline as it is written and as it stands.
#[utoipa::path(
    get,
    path = "/admin/v1/pipelines/{pipeline}",
    tag = "pipelines",
    operation_id = "pipeline",
    params(("pipeline" = String, Path, description = "The pipeline's name")),
    responses(
        (status = 200, description = "The pipeline.", body = PipelineV1,
            headers(("ETag" = String, description = "The pipeline's revision, for `If-Match`"))),
        Refusals
    )
)]
pub(super) async fn show(
    _: Caller<Viewer>,
    admin: Data<Admin>,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    let name = parse::name(&path)?;
    let snapshot = admin.impresario.live().snapshot();
    let shown = PipelineV1::of(&snapshot.fleet, &snapshot.report, &name);
    let shown = shown.ok_or_else(|| Problem::from(Rejection::UnknownPipeline { name }))?;
    let tag = etag::tag(Revision(shown.revision));
    Ok(HttpResponse::Ok().insert_header((ETAG, tag)).json(shown))
}

/// Makes or replaces a pipeline. An answer means that the change is durable.
#[utoipa::path(
    put,
    path = "/admin/v1/pipelines/{pipeline}",
    tag = "pipelines",
    operation_id = "put_pipeline",
    params(
        ("pipeline" = String, Path, description = "The pipeline's name"),
        ("dry_run" = Option<bool>, Query, description = "Only say what the change would come to"),
        ("force" = Option<bool>, Query, description = "Although a version breaks what callers rely on; needs a reason"),
        ("If-Match" = Option<String>, Header, description = "Change it only at this revision, such as `\"3\"`; `*`: only if somebody made it"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if nobody made it"),
        ("X-Reason" = Option<String>, Header, description = "Why, for the audit"),
    ),
    request_body = PipelineSpecV1,
    responses(
        (status = 200, description = "Replaced, or as it was, or only tried.", body = ChangedV1,
            headers(("ETag" = String, description = "The pipeline's revision"))),
        (status = 201, description = "Made.", body = ChangedV1,
            headers(("ETag" = String, description = "The pipeline's revision"))),
        (status = 409, description = "A version breaks what callers rely on; the breaches are listed.", body = ProblemV1,
            content_type = "application/problem+json"),
        (status = 412, description = "It was changed meanwhile.", body = ProblemV1, content_type = "application/problem+json"),
        (status = 422, description = "The pipeline has problems; all are listed.", body = ProblemV1,
            content_type = "application/problem+json"),
        Refusals
    )
)]
pub(super) async fn put(
    caller: Caller<Operator>,
    admin: Data<Admin>,
    path: Path<String>,
    query: Query<Insisting>,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let name = parse::name(&path)?;
    let text = std::str::from_utf8(&body).map_err(|error| {
        Problem::new(Code::InvalidBody, format!("the body is not UTF-8: {error}"))
    })?;
    let pipeline = spec::parse_pipeline(&name, text)
        .map_err(|problems| Problem::spec(Code::InvalidPipeline, &problems))?;
    let command = |expected| Command::PutPipeline {
        name: name.clone(),
        promise: query.promise(),
        pipeline: pipeline.clone(),
        expected,
    };
    let change = Change::read(&name, &request, &query.trying(), caller.by(None)?)?;
    let new = etag::of(&admin.impresario.live().look().fleet, &name) == Revision(0);
    let outcome = change.make(&admin, command).await?;
    let made = new && outcome.changed && !query.dry_run;
    Ok(change.respond(
        &outcome,
        if made {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        },
    ))
}

/// Removes a pipeline. A model of its name then has its own again.
#[utoipa::path(
    delete,
    path = "/admin/v1/pipelines/{pipeline}",
    tag = "pipelines",
    operation_id = "delete_pipeline",
    params(
        ("pipeline" = String, Path, description = "The pipeline's name"),
        ("dry_run" = Option<bool>, Query, description = "Only say what the change would come to"),
        ("If-Match" = Option<String>, Header, description = "Remove it only at this revision, such as `\"3\"`"),
        ("X-Reason" = Option<String>, Header, description = "Why, for the audit"),
    ),
    responses(
        (status = 200, description = "Removed.", body = ChangedV1),
        (status = 412, description = "It was changed meanwhile.", body = ProblemV1, content_type = "application/problem+json"),
        Refusals
    )
)]
pub(super) async fn delete(
    caller: Caller<Operator>,
    admin: Data<Admin>,
    path: Path<String>,
    query: Query<Trying>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let name = parse::name(&path)?;
    let command = |expected| Command::DeletePipeline {
        name: name.clone(),
        expected,
    };
    let change = Change::read(&name, &request, &query, caller.by(None)?)?;
    let outcome = change.make(&admin, command).await?;
    Ok(change.respond(&outcome, StatusCode::OK))
}

/// A change of a pipeline that a request asks for, under its conditions.
pub(super) struct Change<'a> {
    name: &'a Name,
    condition: Condition,
    dry_run: bool,
    by: By,
}

impl<'a> Change<'a> {
    pub(super) fn read(
        name: &'a Name,
        request: &HttpRequest,
        query: &Trying,
        by: By,
    ) -> Result<Self, Problem> {
        Ok(Self {
            name,
            condition: Condition::of(request.headers())?,
            dry_run: query.dry_run,
            by,
        })
    }

    /// Gives the command with the revision that the condition means.
    pub(super) async fn make(
        &self,
        admin: &Admin,
        command: impl Fn(Option<Revision>) -> Command,
    ) -> Result<Outcome, Problem> {
        let control = admin.impresario.control();
        let mut attempts = ATTEMPTS;
        loop {
            let expected = {
                let snapshot = admin.impresario.live().look();
                self.condition.expected(&snapshot.fleet, self.name)?
            };
            attempts -= 1;
            match control
                .change(command(expected), self.by.clone(), self.dry_run)
                .await
            {
                Err(Refused::Rejected(Rejection::Stale { .. }))
                    if self.condition == Condition::Exists && attempts > 0 => {}
                done => return done.map_err(Problem::of_body),
            }
        }
    }

    /// Gives the command that is made of the fleet as it is, anew where others were faster.
    pub(super) async fn build(
        &self,
        admin: &Admin,
        command: impl Fn(&Fleet, Option<Revision>) -> Result<Command, Problem>,
    ) -> Result<Outcome, Problem> {
        let control = admin.impresario.control();
        let mut attempts = ATTEMPTS;
        loop {
            let command = {
                let snapshot = admin.impresario.live().look();
                let fleet = &snapshot.fleet;
                let expected = self.condition.expected(fleet, self.name)?;
                command(
                    fleet,
                    Some(expected.unwrap_or_else(|| etag::of(fleet, self.name))),
                )?
            };
            attempts -= 1;
            match control.change(command, self.by.clone(), self.dry_run).await {
                Err(Refused::Rejected(Rejection::Stale { .. }))
                    if matches!(self.condition, Condition::Exists | Condition::Always)
                        && attempts > 0 => {}
                done => return done.map_err(Problem::of_body),
            }
        }
    }

    pub(super) fn name(&self) -> &Name {
        self.name
    }

    pub(super) fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    pub(super) fn respond(&self, outcome: &Outcome, status: StatusCode) -> HttpResponse {
        let changed = ChangedV1::of(outcome, self.name, self.dry_run);
        let mut answer = HttpResponse::build(status);
        if let Some(revision) = changed.etag() {
            answer.insert_header((ETAG, etag::tag(revision)));
        }
        answer.json(changed)
    }
}
