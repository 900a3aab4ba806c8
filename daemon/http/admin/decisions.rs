//! `GET /admin/v1/decisions/{request_id}`: who answered a request, and why that one.

mod kept;

pub use kept::keep_decisions;

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path};

use super::guard::{Caller, Viewer};
use super::openapi::Refusals;
use super::problem::{Code, Problem};
use super::wire::DecisionV1;
use super::{Admin, sights};
use crate::serve::decisions::NEWEST;

/// Who answered a request, as which variant and why, how long it took, how it ended, and what was told of it since. The
/// newest decisions of pipelines that share their requests, or show them to a shadow, are kept, and a sample of those before
/// them, without the feedback that came later; a restart loses only the newest.
#[utoipa::path(
    get,
    path = "/admin/v1/decisions/{request_id}",
    tag = "daemon",
    operation_id = "explain",
    params(("request_id" = String, Path, description = "The request's id, as in the header `x-request-id` of its answer")),
    responses((status = 200, description = "The decision.", body = DecisionV1), Refusals)
)]
pub(super) async fn show(
    _: Caller<Viewer>,
    admin: Data<Admin>,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    if let Some(record) = sights::decision(&admin, &path) {
        return Ok(HttpResponse::Ok().json(DecisionV1::from(&record)));
    }
    let (store, id) = (admin.impresario.store().clone(), path.to_string());
    let kept = web::block(move || kept::find(store.as_ref(), &id)).await;
    let kept = kept.map_err(|error| Problem::internal(&error))?;
    let kept = kept.map_err(|error| Problem::store(&error))?;
    let told = kept.ok_or_else(|| {
        let id: String = path.chars().take(80).collect();
        let detail = format!(
            "no decision is kept of request {id:?}: about {NEWEST} are, of pipelines with a canary, experiment, bandit or \
             shadow, and a sample of those before"
        );
        Problem::new(Code::UnknownDecision, detail)
    })?;
    Ok(HttpResponse::Ok().json(told))
}
