//! `/admin/v1/pipelines/{p}/revisions…` and `/undo`.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Json, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use impresario_models::Name;
use impresario_pipelines::fleet::{Command, Fleet, Rejection, Revision};

use super::Admin;
use super::guard::{Caller, Operator, Viewer};
use super::openapi::Refusals;
use super::parse::{self, Trying};
use super::pipelines::Change;
use super::problem::{Code, Problem};
use super::wire::{ChangedV1, ProblemV1, RevisionV1, RevisionsV1, UndoV1};

/// The revisions of a pipeline that are kept, newest first, each with what differs from the one before.
#[utoipa::path(
    get,
    path = "/admin/v1/pipelines/{pipeline}/revisions",
    tag = "pipelines",
    operation_id = "revisions",
    params(("pipeline" = String, Path, description = "The pipeline's name")),
    responses((status = 200, description = "Newest first.", body = RevisionsV1), Refusals)
)]
pub(super) async fn list(
    _: Caller<Viewer>,
    admin: Data<Admin>,
    path: Path<String>,
) -> Result<Json<RevisionsV1>, Problem> {
    let name = parse::name(&path)?;
    let snapshot = admin.impresario.live().snapshot();
    Ok(Json(RevisionsV1 {
        revisions: revisions(&snapshot.fleet, &name)?,
        name: name.to_string(),
    }))
}

/// A revision of a pipeline.
#[utoipa::path(
    get,
    path = "/admin/v1/pipelines/{pipeline}/revisions/{revision}",
    tag = "pipelines",
    operation_id = "revision",
    params(
        ("pipeline" = String, Path, description = "The pipeline's name"),
        ("revision" = u64, Path, description = "The revision's number"),
    ),
    responses((status = 200, description = "The revision.", body = RevisionV1), Refusals)
)]
pub(super) async fn show(
    _: Caller<Viewer>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<Json<RevisionV1>, Problem> {
    let name = parse::name(&path.0)?;
    let number: u64 = path.1.parse().map_err(|_| {
        let got: String = path.1.chars().take(40).collect();
        Problem::new(
            Code::InvalidName,
            format!("a revision is a whole number, got {got:?}"),
        )
    })?;
    let snapshot = admin.impresario.live().snapshot();
    let revisions = revisions(&snapshot.fleet, &name)?;
    let known: Vec<_> = revisions
        .iter()
        .map(|known| known.revision.to_string())
        .collect();
    let found = revisions.into_iter().find(|known| known.revision == number);
    found.map(Json).ok_or_else(|| {
        Problem::from(Rejection::UnknownRevision {
            name,
            to: Revision(number),
            known: format!("it has {}", known.join(", ")),
        })
    })
}

/// Brings back what a pipeline was, as a new revision.
#[utoipa::path(
    post,
    path = "/admin/v1/pipelines/{pipeline}/undo",
    tag = "pipelines",
    operation_id = "undo",
    params(
        ("pipeline" = String, Path, description = "The pipeline's name"),
        ("dry_run" = Option<bool>, Query, description = "Only say what the change would come to"),
        ("If-Match" = Option<String>, Header, description = "Change it only at this revision, such as `\"3\"`"),
        ("X-Reason" = Option<String>, Header, description = "Why, for the audit"),
    ),
    request_body(content = UndoV1, description = "May be left out."),
    responses(
        (status = 200, description = "Brought back.", body = ChangedV1,
            headers(("ETag" = String, description = "The pipeline's revision"))),
        (status = 409, description = "There is nothing to undo.", body = ProblemV1, content_type = "application/problem+json"),
        (status = 412, description = "It was changed meanwhile.", body = ProblemV1, content_type = "application/problem+json"),
        Refusals
    )
)]
pub(super) async fn undo(
    caller: Caller<Operator>,
    admin: Data<Admin>,
    path: Path<String>,
    query: Query<Trying>,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let name = parse::name(&path)?;
    let undo: UndoV1 = match body.trim_ascii().is_empty() {
        true => UndoV1::default(),
        false => parse::json(&body)?,
    };
    let command = |expected| Command::Undo {
        name: name.clone(),
        to: undo.to.map(Revision),
        expected,
    };
    let change = Change::read(&name, &request, &query, caller.by(undo.reason)?)?;
    let outcome = change.make(&admin, command).await?;
    Ok(change.respond(&outcome, StatusCode::OK))
}

fn revisions(fleet: &Fleet, name: &Name) -> Result<Vec<RevisionV1>, Problem> {
    let revisions = RevisionV1::all(fleet, name);
    let there =
        fleet.routing.pipelines.contains_key(name) || fleet.observed.models.contains_key(name);
    match revisions.is_empty() && !there {
        true => Err(Rejection::UnknownPipeline { name: name.clone() }.into()),
        false => Ok(revisions),
    }
}
