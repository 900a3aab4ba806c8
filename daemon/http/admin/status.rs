//! `GET /admin/v1/status`.

use actix_web::web::{Data, Json};

use super::Admin;
use super::guard::{Caller, Viewer};
use super::openapi::Refusals;
use super::wire::StatusV1;

/// The whole at a glance.
#[utoipa::path(
    get,
    path = "/admin/v1/status",
    tag = "daemon",
    operation_id = "status",
    responses((status = 200, description = "The daemon, its models and pipelines.", body = StatusV1), Refusals)
)]
pub(super) async fn status(_: Caller<Viewer>, admin: Data<Admin>) -> Json<StatusV1> {
    let live = admin.impresario.live();
    let now = admin.impresario.clock().now();
    let webhooks = admin.impresario.notifier().show();
    Json(StatusV1::of(
        &live.snapshot(),
        &webhooks,
        admin.impresario.payload_log().show().as_ref(),
        admin.exporter.shown(),
        live.accepting(),
        now,
    ))
}
