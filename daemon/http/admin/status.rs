//! `GET /admin/v1/status` and `GET /metrics`.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};

use super::Admin;
use super::guard::{Caller, Viewer};
use super::openapi::Refusals;
use super::wire::StatusV1;
use crate::http::metrics::{self, Shown};

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
        admin.exporter.shown(),
        live.accepting(),
        now,
    ))
}

/// Counters, histograms and gauges for Prometheus; also under Triton's names.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "daemon",
    operation_id = "metrics",
    responses((status = 200, description = "Prometheus text, format 0.0.4.", body = String, content_type = "text/plain"), Refusals)
)]
pub(super) async fn metrics(_: Caller<Viewer>, admin: Data<Admin>) -> HttpResponse {
    let live = admin.impresario.live();
    let text = metrics::render(&Shown {
        cells: &admin.impresario.measure().read(),
        snapshot: &live.snapshot(),
        waiting: live.waiting(),
        cache: admin.impresario.serve().cache(),
        webhooks: &admin.impresario.notifier().show(),
        accepting: live.accepting(),
        resident: metrics::resident(),
        started: admin.impresario.clock().started(),
    });
    HttpResponse::Ok().content_type(metrics::CONTENT).body(text)
}
