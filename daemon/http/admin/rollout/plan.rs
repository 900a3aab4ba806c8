//! What a rollout takes, begun or not.

use actix_web::web::{Bytes, Data, Json, Path, Query};
use impresario_models::Name;
use impresario_pipelines::analysis::Traffic;
use impresario_pipelines::fleet::Rejection;
use impresario_pipelines::spec::{Canary, Policy};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::guard::{Caller, Viewer};
use super::super::openapi::Refusals;
use super::super::problem::{Code, Problem};
use super::super::wire::{PlanV1, ProblemV1, StartV1};
use super::super::{Admin, parse, sights};
use super::start::{build, table};

/// The traffic that a plan is to hold for; what is not said is as it is measured.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct TrafficParams {
    /// Requests per second.
    per_second: Option<f64>,
    /// The stable's rate of errors, from 0 to 1.
    errors: Option<f64>,
    /// Its rate of timeouts, from 0 to 1.
    timeouts: Option<f64>,
}

/// What the steps of a pipeline's rollout take: requests, and time at the present traffic or at one that is stated.
#[utoipa::path(
    get,
    path = "/admin/v1/pipelines/{pipeline}/rollout/plan",
    tag = "rollouts",
    operation_id = "rollout_plan",
    params(("pipeline" = String, Path, description = "The pipeline's name"), TrafficParams),
    responses((status = 200, description = "Step by step.", body = PlanV1), Refusals)
)]
pub(in super::super) async fn plan(
    _: Caller<Viewer>,
    admin: Data<Admin>,
    path: Path<String>,
    query: Query<TrafficParams>,
) -> Result<Json<PlanV1>, Problem> {
    let name = parse::name(&path)?;
    let snapshot = admin.impresario.live().snapshot();
    let Some(entry) = snapshot.fleet.routing.pipelines.get(&name) else {
        return Err(Rejection::UnknownPipeline { name }.into());
    };
    let Policy::Canary(spec) = entry.pipeline.policy() else {
        let policy = entry.pipeline.policy().kind();
        let wanted = "rollout";
        return Err(Rejection::NoCourse {
            name,
            wanted,
            policy,
        }
        .into());
    };
    planned(&admin, &name, spec, &query)
}

/// The same of a rollout that was not begun. Nothing is changed.
#[utoipa::path(
    post,
    path = "/admin/v1/pipelines/{pipeline}/rollout/plan",
    tag = "rollouts",
    operation_id = "plan_rollout",
    params(("pipeline" = String, Path, description = "The pipeline's name"), TrafficParams),
    request_body = StartV1,
    responses(
        (status = 200, description = "Step by step.", body = PlanV1),
        (status = 422, description = "It has problems; all are listed.", body = ProblemV1,
            content_type = "application/problem+json"),
        Refusals
    )
)]
pub(in super::super) async fn plan_ahead(
    _: Caller<Viewer>,
    admin: Data<Admin>,
    path: Path<String>,
    query: Query<TrafficParams>,
    body: Bytes,
) -> Result<Json<PlanV1>, Problem> {
    let name = parse::name(&path)?;
    let mut asked = table(&body)?;
    asked.remove("reason");
    let snapshot = admin.impresario.live().snapshot();
    let pipeline = build(&snapshot.fleet, &name, &asked)?;
    let Policy::Canary(spec) = pipeline.policy() else {
        return Err(Problem::internal(&"a canary was read as something else"));
    };
    planned(&admin, &name, spec, &query)
}

fn planned(
    admin: &Admin,
    name: &Name,
    spec: &Canary,
    params: &TrafficParams,
) -> Result<Json<PlanV1>, Problem> {
    let measured = sights::traffic(admin, name);
    let mut source = match measured {
        Some(_) => "measured",
        None => "unknown",
    };
    let mut traffic = measured.unwrap_or_default();
    let Traffic {
        per_second,
        errors,
        timeouts,
        ..
    } = &mut traffic;
    for (field, place, stated, most) in [
        ("per_second", per_second, params.per_second, f64::MAX),
        ("errors", errors, params.errors, 1.0),
        ("timeouts", timeouts, params.timeouts, 1.0),
    ] {
        let Some(stated) = stated else { continue };
        if !(0.0..=most).contains(&stated) {
            let range = if most > 1.0 { "0 or more" } else { "0 to 1" };
            let detail = format!("{field}: expected {range}, got {stated}");
            return Err(Problem::new(Code::InvalidQuery, detail));
        }
        (*place, source) = (stated, "stated");
    }
    Ok(Json(PlanV1::of(name, spec, source, &traffic)))
}
