//! `GET /admin/v1/audit`.

use std::sync::Arc;

use actix_web::web::{self, Data, Json, Query};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Admin;
use super::guard::{Caller, Viewer};
use super::openapi::Refusals;
use super::parse;
use super::problem::{Code, Problem};
use super::wire::{AuditV1, RecordV1};
use crate::store::AuditQuery;

/// The most records of one answer.
const MAX_LIMIT: usize = 1_000;
/// The records of one answer where nothing is said.
const LIMIT: usize = 100;

/// Which records.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditParams {
    /// Only what this actor did.
    actor: Option<String>,
    /// Only this action, such as `pipeline.put`.
    action: Option<String>,
    /// Only what changed the pipeline or model of this name.
    name: Option<String>,
    /// At most so many, 1 to 1,000; default 100.
    limit: Option<usize>,
    /// Only records older than this one.
    before: Option<u64>,
}

/// What was done, by whom and why, newest first.
#[utoipa::path(
    get,
    path = "/admin/v1/audit",
    tag = "daemon",
    operation_id = "audit",
    params(AuditParams),
    responses((status = 200, description = "A page of records.", body = AuditV1), Refusals)
)]
pub(super) async fn audit(
    _: Caller<Viewer>,
    admin: Data<Admin>,
    query: Query<AuditParams>,
) -> Result<Json<AuditV1>, Problem> {
    let AuditParams {
        actor,
        action,
        name,
        limit,
        before,
    } = query.into_inner();
    let limit = limit.unwrap_or(LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let detail = format!("limit: expected 1 to {MAX_LIMIT}, got {limit}");
        return Err(Problem::new(Code::InvalidQuery, detail));
    }
    let query = AuditQuery {
        before_seq: before,
        limit,
        actor,
        action,
        name: name.as_deref().map(parse::name).transpose()?,
    };
    let store = Arc::clone(admin.impresario.store());
    let records = web::block(move || store.audit(&query)).await;
    let records = records
        .map_err(|error| Problem::internal(&error))?
        .map_err(|error| Problem::store(&error))?;
    Ok(Json(AuditV1 {
        next: (records.len() == limit)
            .then(|| records.last().map(|record| record.seq))
            .flatten(),
        records: records.iter().map(RecordV1::from).collect(),
    }))
}
