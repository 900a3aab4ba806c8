//! `GET /metrics`, for scrapers, and `GET /admin/v1/metrics`, the same counters as JSON.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Query};
use impresario_pipelines::fleet::Rejection;
use serde::Deserialize;
use utoipa::IntoParams;

use super::guard::{Caller, Viewer};
use super::openapi::Refusals;
use super::problem::Problem;
use super::wire::{CellV1, CountersV1, LostV1, NodeV1};
use super::{Admin, parse};
use crate::clock;
use crate::http::metrics::{self, Shown};

/// Of whom.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CountersParams {
    /// Only of this pipeline, and of the graphs that answer for it.
    pipeline: Option<String>,
}

/// Counters and latency sketches as JSON, cumulative since the daemon began: by pipeline, variant, model and version, by
/// pipeline where no version was found, and by node of a graph.
#[utoipa::path(
    get,
    path = "/admin/v1/metrics",
    tag = "daemon",
    operation_id = "counters",
    params(CountersParams),
    responses((status = 200, description = "The counters.", body = CountersV1), Refusals)
)]
pub(super) async fn counters(
    _: Caller<Viewer>,
    admin: Data<Admin>,
    query: Query<CountersParams>,
) -> Result<Json<CountersV1>, Problem> {
    let pipeline = query.pipeline.as_deref().map(parse::name).transpose()?;
    let measure = admin.impresario.measure();
    let cells = match &pipeline {
        None => measure.read(),
        Some(name) => {
            let snapshot = admin.impresario.live().look();
            let is_there = snapshot.fleet.routing.pipelines.contains_key(name)
                || snapshot.fleet.observed.models.contains_key(name);
            if !is_there {
                let name = name.clone();
                return Err(Rejection::UnknownPipeline { name }.into());
            }
            measure.read_of(name)
        }
    };
    let graphs: BTreeSet<_> = cells
        .iter()
        .map(|(key, _)| (&key.model, key.version))
        .collect();
    let lost = measure.read_lost();
    let of_pipeline = lost
        .iter()
        .filter(|(name, _)| pipeline.as_ref().is_none_or(|pipeline| pipeline == name));
    let nodes = measure.read_nodes();
    let of_graphs = nodes
        .iter()
        .filter(|((model, version), _)| pipeline.is_none() || graphs.contains(&(model, *version)));
    Ok(Json(CountersV1 {
        at: clock::wall_ms(),
        started: admin.impresario.clock().started(),
        cells: cells
            .iter()
            .filter_map(|(key, totals)| CellV1::of(key, totals))
            .collect(),
        lost: of_pipeline
            .map(|(name, totals)| LostV1::of(name, totals))
            .collect(),
        nodes: of_graphs
            .flat_map(|(key, nodes)| nodes.iter().filter_map(move |node| NodeV1::of(key, node)))
            .collect(),
    }))
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
