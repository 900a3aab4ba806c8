//! `GET /admin/v1/pipelines/{p}/journal`: what happened to a pipeline, in sentences.

use std::sync::Arc;

use actix_web::web::{self, Data, Json, Path, Query};
use impresario_pipelines::fleet::Rejection;
use serde::Deserialize;
use utoipa::IntoParams;

use super::guard::{Caller, Viewer};
use super::openapi::Refusals;
use super::problem::{Code, Problem};
use super::wire::{EntryV1, JournalV1};
use super::{Admin, parse};
use crate::store::AuditQuery;

/// The most entries of one answer.
const MAX_LIMIT: usize = 1_000;
/// The entries of one answer where nothing is said.
const LIMIT: usize = 50;

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct JournalParams {
    /// At most so many, 1 to 1,000; default 50.
    limit: Option<usize>,
    /// Only entries older than this one.
    before: Option<u64>,
}

/// What happened to a pipeline, newest first: each change and transition in a sentence, with the numbers that it rested on.
#[utoipa::path(
    get,
    path = "/admin/v1/pipelines/{pipeline}/journal",
    tag = "pipelines",
    operation_id = "journal",
    params(("pipeline" = String, Path, description = "The pipeline's name"), JournalParams),
    responses((status = 200, description = "A page of entries.", body = JournalV1), Refusals)
)]
pub(super) async fn list(
    _: Caller<Viewer>,
    admin: Data<Admin>,
    path: Path<String>,
    query: Query<JournalParams>,
) -> Result<Json<JournalV1>, Problem> {
    let name = parse::name(&path)?;
    let JournalParams { limit, before } = query.into_inner();
    let limit = limit.unwrap_or(LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let detail = format!("limit: expected 1 to {MAX_LIMIT}, got {limit}");
        return Err(Problem::new(Code::InvalidQuery, detail));
    }
    let query = AuditQuery {
        before_seq: before,
        limit,
        actor: None,
        action: None,
        name: Some(name.clone()),
    };
    let store = Arc::clone(admin.impresario.store());
    let records = web::block(move || store.audit(&query)).await;
    let records = records
        .map_err(|error| Problem::internal(&error))?
        .map_err(|error| Problem::store(&error))?;
    let there = || {
        let snapshot = admin.impresario.live().look();
        let fleet = &snapshot.fleet;
        fleet.routing.pipelines.contains_key(&name) || fleet.observed.models.contains_key(&name)
    };
    if records.is_empty() && before.is_none() && !there() {
        return Err(Rejection::UnknownPipeline { name }.into());
    }
    let entries = records
        .iter()
        .map(|record| EntryV1::of(record, Some(&name)));
    Ok(Json(JournalV1 {
        entries: entries.collect(),
        next: (records.len() == limit)
            .then(|| records.last().map(|record| record.seq))
            .flatten(),
        name: name.to_string(),
    }))
}
