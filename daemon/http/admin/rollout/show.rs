//! A rollout as it stands.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use impresario_pipelines::bucket::Weight;
use impresario_pipelines::fleet::{Course, Entry, Now, Verb};
use impresario_pipelines::rollout::{self, To};

use super::super::guard::{Caller, Viewer};
use super::super::openapi::Refusals;
use super::super::problem::Problem;
use super::super::wire::{PlanV1, RolloutV1, SeenV1, rollout_parts};
use super::super::{Admin, parse, sights, steer};

/// A rollout: where it is, why, what the evidence says, what it waits for, and what can be asked of it now.
#[utoipa::path(
    get,
    path = "/admin/v1/pipelines/{pipeline}/rollout",
    tag = "rollouts",
    operation_id = "rollout",
    params(("pipeline" = String, Path, description = "The pipeline's name")),
    responses(
        (status = 200, description = "The rollout.", body = RolloutV1,
            headers(("ETag" = String, description = "The pipeline's revision, for `If-Match`"))),
        Refusals
    )
)]
pub(in super::super) async fn show(
    _: Caller<Viewer>,
    admin: Data<Admin>,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    let name = parse::name(&path)?;
    let snapshot = admin.impresario.live().snapshot();
    let fleet = &snapshot.fleet;
    let now = admin.impresario.clock().now();
    let (entry, course) = steer::course(fleet, &name, "rollout")?;
    let readings = sights::readings(&admin, &name);
    let traffic = sights::traffic(&admin, &name);
    let plan = rollout_parts(entry)
        .zip(traffic)
        .map(|((_, spec), traffic)| PlanV1::of(&name, spec, "measured", &traffic));
    let verbs = verbs(entry, course, now);
    let seen = SeenV1 {
        readings: readings.as_deref(),
        plan,
        stored_until: sights::stored_until(&admin),
    };
    let shown = RolloutV1::of(fleet, &name, seen, now, verbs);
    let shown = shown.ok_or_else(|| Problem::internal(&"a rollout without a canary"))?;
    Ok(steer::tagged(shown.revision, shown))
}

/// What can be asked of a rollout now.
fn verbs(entry: &Entry, course: &Course, now: Now) -> Vec<&'static str> {
    use rollout::Verb as Rollout;

    let reason = || "why".to_owned();
    let promote = |to| Rollout::Promote { to, force: None };
    let weight = rollout_parts(entry).map(|(rollout, _)| rollout.weight());
    // Any other weight than the present one tells.
    let other = Weight::from_percent(match weight == Weight::from_percent(50.0).ok() {
        true => 40.0,
        false => 50.0,
    });
    let all = [
        ("approve", Some(Rollout::Approve)),
        ("reject", Some(Rollout::Reject(reason()))),
        ("promote", Some(promote(To::Next))),
        ("promote", Some(promote(To::Full))),
        ("pause", Some(Rollout::Pause)),
        ("resume", Some(Rollout::Resume)),
        ("skip", Some(Rollout::Skip)),
        ("set-weight", other.ok().map(Rollout::SetWeight)),
        ("abort", Some(Rollout::Abort(reason()))),
        ("undo", Some(Rollout::Undo)),
        ("retry", Some(Rollout::Retry { id: u64::MAX })),
        ("freeze", Some(Rollout::Freeze { until: None })),
        ("unfreeze", Some(Rollout::Unfreeze)),
    ];
    let tries = all
        .into_iter()
        .filter_map(|(word, verb)| Some((word, Verb::Rollout(verb?))));
    steer::takes(entry, course, now, tries)
}
