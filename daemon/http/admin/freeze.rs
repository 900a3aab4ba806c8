//! `POST /admin/v1/freeze` and `/unfreeze`: no rollout of any pipeline advances; aborts act all the same.

use actix_web::web::{Bytes, Data, Json, Query};
use impresario_pipelines::fleet::{By, Command};

use super::Admin;
use super::guard::{Caller, Operator};
use super::openapi::Refusals;
use super::parse::{self, Trying};
use super::problem::Problem;
use super::wire::{FreezeOrderV1, FreezeV1, FrozenV1, ProblemV1, WhyV1};

/// Lets no rollout of any pipeline advance. What protects callers acts all the same.
#[utoipa::path(
    post,
    path = "/admin/v1/freeze",
    tag = "rollouts",
    operation_id = "freeze",
    params(
        ("dry_run" = Option<bool>, Query, description = "Only say what it would come to"),
        ("X-Reason" = Option<String>, Header, description = "Why, for the journal"),
    ),
    request_body(content = FreezeOrderV1, description = "May be left out."),
    responses(
        (status = 200, description = "Frozen.", body = FrozenV1),
        (status = 422, description = "The time is none to come.", body = ProblemV1, content_type = "application/problem+json"),
        Refusals
    )
)]
pub(super) async fn freeze(
    caller: Caller<Operator>,
    admin: Data<Admin>,
    query: Query<Trying>,
    body: Bytes,
) -> Result<Json<FrozenV1>, Problem> {
    let order: FreezeOrderV1 = parse::order(&body)?;
    let wall = admin.impresario.clock().now().wall;
    let until = order.until.as_deref();
    let until = until.map(|until| parse::moment(until, wall)).transpose()?;
    let by = caller.by(order.reason)?;
    told(&admin, Command::Freeze { until }, by, &query).await
}

/// Takes a freeze of all pipelines back.
#[utoipa::path(
    post,
    path = "/admin/v1/unfreeze",
    tag = "rollouts",
    operation_id = "unfreeze",
    params(
        ("dry_run" = Option<bool>, Query, description = "Only say what it would come to"),
        ("X-Reason" = Option<String>, Header, description = "Why, for the journal"),
    ),
    request_body(content = WhyV1, description = "May be left out."),
    responses((status = 200, description = "Rollouts advance again.", body = FrozenV1), Refusals)
)]
pub(super) async fn unfreeze(
    caller: Caller<Operator>,
    admin: Data<Admin>,
    query: Query<Trying>,
    body: Bytes,
) -> Result<Json<FrozenV1>, Problem> {
    let order: WhyV1 = parse::order(&body)?;
    let by = caller.by(order.reason)?;
    told(&admin, Command::Unfreeze, by, &query).await
}

async fn told(
    admin: &Admin,
    command: Command,
    by: By,
    query: &Trying,
) -> Result<Json<FrozenV1>, Problem> {
    let control = admin.impresario.control();
    let outcome = control.change(command, by, query.dry_run).await?;
    let wall = admin.impresario.clock().now().wall;
    Ok(Json(FrozenV1 {
        changed: outcome.changed,
        dry_run: query.dry_run,
        freeze: FreezeV1::of(&outcome.fleet, wall),
    }))
}
