//! `GET /metrics`, for scrapers, and `GET /admin/v1/metrics`, the same counters as JSON.

use std::collections::BTreeSet;

use actix_web::http::header::{ACCEPT, VARY};
use actix_web::web::{self, Data, Json, Query};
use actix_web::{HttpRequest, HttpResponse};
use impresario_models::Name;
use impresario_pipelines::fleet::Rejection;
use serde::Deserialize;
use utoipa::IntoParams;

use super::guard::{Caller, Viewer};
use super::openapi::Refusals;
use super::problem::{Code, Problem};
use super::wire::{CellV1, CountersV1, LostV1, NodeV1};
use super::{Admin, parse};
use crate::clock;
use crate::history::History;
use crate::http::metrics::{self, Format, Names, Process, Seen, Shown};

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
    if let Some(name) = &pipeline {
        let snapshot = admin.impresario.live().look();
        let is_there = snapshot.fleet.routing.pipelines.contains_key(name)
            || snapshot.fleet.observed.models.contains_key(name);
        if !is_there {
            let name = name.clone();
            return Err(Rejection::UnknownPipeline { name }.into());
        }
    }
    // With a thousand models it is more than a moment's work.
    let counted = web::block(move || counted(&admin, pipeline.as_ref()));
    let counted = counted.await.map_err(|error| Problem::internal(&error))?;
    Ok(Json(counted))
}

fn counted(admin: &Admin, pipeline: Option<&Name>) -> CountersV1 {
    let measure = admin.impresario.measure();
    let cells = match pipeline {
        None => measure.read(),
        Some(name) => measure.read_of(name),
    };
    let graphs: BTreeSet<_> = cells
        .iter()
        .map(|(key, _)| (&key.model, key.version))
        .collect();
    let lost = measure.read_lost();
    let of_pipeline = lost
        .iter()
        .filter(|(name, _)| pipeline.is_none_or(|pipeline| pipeline == name));
    let nodes = measure.read_nodes();
    let of_graphs = nodes
        .iter()
        .filter(|((model, version), _)| pipeline.is_none() || graphs.contains(&(model, *version)));
    CountersV1 {
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
    }
}

/// As whose the names are.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct NamesParams {
    /// `triton`: the same counters under Triton's names as well, as if the setting `metrics.triton` were on.
    names: Option<String>,
}

/// Counters, histograms and gauges for Prometheus and its likes: as Prometheus' text, as OpenMetrics, which has exemplars,
/// or as protocol buffers, which have native histograms besides; whichever `Accept` wants.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "daemon",
    operation_id = "metrics",
    params(NamesParams),
    responses(
        (status = 200, description = "All series.", content(
            (String = "text/plain"),
            (String = "application/openmetrics-text"),
            (String = "application/vnd.google.protobuf"),
        )),
        Refusals
    )
)]
pub(super) async fn metrics(
    _: Caller<Viewer>,
    admin: Data<Admin>,
    request: HttpRequest,
    query: Query<NamesParams>,
) -> Result<HttpResponse, Problem> {
    let names = match query.names.as_deref() {
        None if admin.metrics.triton => Names::Triton,
        None => Names::Own,
        Some("triton") => Names::Triton,
        Some(other) => {
            let other: String = other.chars().take(40).collect();
            let detail = format!("names: expected triton, got {other:?}");
            return Err(Problem::new(Code::InvalidQuery, detail));
        }
    };
    let accept = request.headers().get_all(ACCEPT);
    let format = Format::accepted(accept.filter_map(|value| value.to_str().ok()));
    // With a thousand models, or long experiments, it is more than a moment's work.
    let body = web::block(move || {
        let histograms = admin.metrics.histograms;
        shown(&admin, |shown| {
            metrics::render(shown, names, format, histograms)
        })
    });
    let body = body.await.map_err(|error| Problem::internal(&error))?;
    // What a proxy keeps for one of them is not for the others.
    Ok(HttpResponse::Ok()
        .content_type(format.content())
        .insert_header((VARY, "accept"))
        .body(body))
}

fn shown<T>(admin: &Admin, render: impl FnOnce(&Shown<'_>) -> T) -> T {
    let impresario = &admin.impresario;
    let (live, measure) = (impresario.live(), impresario.measure());
    let snapshot = live.snapshot();
    let observatory = impresario.observatory();
    let pipelines = snapshot.fleet.routing.pipelines.iter();
    let courses: Vec<_> = pipelines
        .filter(|(_, entry)| entry.course.is_some())
        .map(|(name, _)| {
            let seen = Seen {
                readings: observatory.readings(name),
                trial: observatory.trial_report(name),
                learning: observatory.learning_report(name),
            };
            (name.clone(), seen)
        })
        .collect();
    render(&Shown {
        cells: &measure.read(),
        exemplars: &measure.read_exemplars(),
        lost: &measure.read_lost(),
        nodes: &measure.read_nodes(),
        commits: &measure.read_commits(),
        snapshot: &snapshot,
        courses: &courses,
        waiting: live.waiting(),
        cache: impresario.serve().cache(),
        webhooks: &impresario.notifier().show(),
        payload: impresario.payload_log().show().as_ref(),
        unkept: impresario.history().map(History::dropped),
        exports: &admin.exporter.shown(),
        accepting: live.accepting(),
        process: Process::read(),
        started: impresario.clock().started(),
    })
}
