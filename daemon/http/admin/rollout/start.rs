//! Beginning a rollout: the pipeline as it is, with a canary in place of its policy.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use impresario_models::Name;
use impresario_pipelines::fleet::{Command, Fleet, Rejection};
use impresario_pipelines::spec::{self, Pipeline, Policy};
use impresario_pipelines::table;
use serde_json::{Map, Value, json};

use super::super::guard::{Caller, Operator};
use super::super::openapi::Refusals;
use super::super::parse::{self, Insisting};
use super::super::pipelines::Change;
use super::super::problem::{Code, Problem};
use super::super::wire::{PlanV1, ProblemV1, StartV1, SteeredV1};
use super::super::{Admin, sights, steer};

/// Begins a rollout: the version that serves now is its stable. Settings, shadow and contract of the pipeline stay as they
/// are; a pipeline that a model has by itself becomes one that somebody made.
#[utoipa::path(
    post,
    path = "/admin/v1/pipelines/{pipeline}/rollout",
    tag = "rollouts",
    operation_id = "start_rollout",
    params(
        ("pipeline" = String, Path, description = "The pipeline's name"),
        ("dry_run" = Option<bool>, Query, description = "Only say what it would come to"),
        ("force" = Option<bool>, Query, description = "Although the canary breaks what callers rely on; needs a reason"),
        ("If-Match" = Option<String>, Header, description = "Only at this revision of the pipeline, such as `\"3\"`"),
        ("X-Reason" = Option<String>, Header, description = "Why, for the journal"),
    ),
    request_body = StartV1,
    responses(
        (status = 200, description = "Only tried.", body = SteeredV1),
        (status = 201, description = "Begun.", body = SteeredV1,
            headers(("ETag" = String, description = "The pipeline's revision"))),
        (status = 409, description = "Something is under way already, or the canary breaks what callers rely on.",
            body = ProblemV1, content_type = "application/problem+json"),
        (status = 412, description = "It was changed meanwhile.", body = ProblemV1, content_type = "application/problem+json"),
        (status = 422, description = "It has problems; all are listed.", body = ProblemV1,
            content_type = "application/problem+json"),
        Refusals
    )
)]
pub(in super::super) async fn start(
    caller: Caller<Operator>,
    admin: Data<Admin>,
    path: Path<String>,
    query: Query<Insisting>,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let name = parse::name(&path)?;
    let mut asked = table(&body)?;
    let reason = match asked.remove("reason") {
        None | Some(Value::Null) => None,
        Some(Value::String(reason)) => Some(reason),
        Some(other) => {
            let detail = format!("reason: expected text, got {other}");
            return Err(Problem::new(Code::InvalidBody, detail));
        }
    };
    let change = Change::read(&name, &request, &query.trying(), caller.by(reason)?)?;
    let outcome = change
        .build(&admin, |fleet, expected| {
            idle(fleet, &name)?;
            Ok(Command::PutPipeline {
                pipeline: build(fleet, &name, &asked)?,
                name: name.clone(),
                promise: query.promise(),
                expected,
            })
        })
        .await?;
    if !outcome.changed {
        let detail = format!(
            "pipeline '{name}' had this very rollout already, and it has ended: `retry` begins it again"
        );
        return Err(Problem::new(Code::NotNow, detail));
    }
    let status = match query.dry_run {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    };
    let warnings = warnings(&admin, &outcome.fleet, &name);
    Ok(steer::steered(&outcome, &change, status, warnings))
}

/// The body's table.
pub(super) fn table(body: &Bytes) -> Result<Map<String, Value>, Problem> {
    match parse::json(body)? {
        Value::Object(table) => Ok(table),
        other => {
            let got: String = other.to_string().chars().take(40).collect();
            let detail = format!("expected a table such as {{\"canary\": 4}}, got {got}");
            Err(Problem::new(Code::InvalidBody, detail))
        }
    }
}

/// Refuses while something moves the pipeline already.
fn idle(fleet: &Fleet, name: &Name) -> Result<(), Problem> {
    let entry = fleet.routing.pipelines.get(name);
    let course = entry.and_then(|entry| entry.course.as_deref());
    let Some(course) = course.filter(|course| course.is_active()) else {
        return Ok(());
    };
    let remedy = match course.kind() {
        "rollout" => "abort it, or skip its soaking, first",
        "experiment" => "stop or ship it first",
        _ => "freeze it first",
    };
    let detail = format!(
        "pipeline '{name}' has a {} under way, which is {}: {remedy}; or replace the whole pipeline",
        course.kind(),
        course.phase()
    );
    Err(Problem::new(Code::NotNow, detail))
}

/// The pipeline with a canary in place of its policy.
pub(super) fn build(
    fleet: &Fleet,
    name: &Name,
    asked: &Map<String, Value>,
) -> Result<Pipeline, Problem> {
    let refused = |path: &str, code: &str, message: String, hint: &str| {
        let entry = json!({"severity": "error", "path": path, "code": code, "message": message, "hint": hint});
        let detail = format!("{path}: {message} ({hint})");
        Problem::new(Code::InvalidPipeline, detail).with("problems", vec![entry])
    };
    let entry = fleet.routing.pipelines.get(name);
    let present = match entry {
        Some(entry) => entry.pipeline.clone(),
        None if fleet.observed.models.contains_key(name) => Pipeline::implicit(name.clone()),
        None => return Err(Rejection::UnknownPipeline { name: name.clone() }.into()),
    };
    for field in ["type", "model"] {
        if asked.contains_key(field) {
            let message = format!("unknown field '{field}'");
            let hint = "the policy is a canary of the model that serves now; PUT the pipeline for another one";
            return Err(refused(field, "unknown-field", message, hint));
        }
    }
    let serving = table::standing(fleet, name).serving();
    let model = match &serving {
        Some((model, _)) => model.clone(),
        None => present
            .policy()
            .models()
            .next()
            .cloned()
            .unwrap_or(name.clone()),
    };
    let mut policy = asked.clone();
    policy.insert("type".to_owned(), json!("canary"));
    policy.insert("model".to_owned(), json!(model.as_str()));
    if !policy.contains_key("stable") {
        let Some((_, version)) = serving else {
            let message = "nobody serves now, so that there is no stable".to_owned();
            let hint = "say which version is the stable, or load one first";
            return Err(refused("stable", "missing-field", message, hint));
        };
        policy.insert("stable".to_owned(), json!(version.get()));
    }
    let mut written = serde_json::to_value(&present).unwrap_or_default();
    written["policy"] = Value::Object(policy);
    spec::parse_pipeline(name, &written.to_string())
        .map_err(|problems| Problem::spec(Code::InvalidPipeline, &unplaced(problems)))
}

/// Problems without their places in a text that the caller has not written.
fn unplaced(mut problems: Vec<spec::Problem>) -> Vec<spec::Problem> {
    for problem in &mut problems {
        (problem.line, problem.column) = (None, None);
    }
    problems
}

/// Steps that cannot conclude at the present traffic.
fn warnings(admin: &Admin, fleet: &Fleet, name: &Name) -> Vec<String> {
    let entry = fleet.routing.pipelines.get(name);
    let Some(Policy::Canary(spec)) = entry.map(|entry| entry.pipeline.policy()) else {
        return Vec::new();
    };
    let traffic = sights::traffic(admin, name);
    let plan = traffic.map(|traffic| PlanV1::of(name, spec, "measured", &traffic));
    plan.map(|plan| plan.warnings).unwrap_or_default()
}
