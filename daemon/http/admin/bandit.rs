//! `/admin/v1/pipelines/{p}/bandit…`: what a bandit did, and what it is told.

use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use impresario_pipelines::fleet::{self, By, Course, Entry, Now};
use impresario_pipelines::learning::Verb;
use impresario_pipelines::spec::Policy;

use super::experiment::missing;
use super::guard::{Caller, Operator, Viewer};
use super::openapi::Refusals;
use super::parse::{self, Trying};
use super::pipelines::Change;
use super::problem::Problem;
use super::wire::{
    self, BanditEndV1, BanditOrderV1, BanditReportV1, BanditV1, CourseV1, ProblemV1, SteeredV1,
};
use super::{Admin, sights, steer as steering};

/// The word for what is asked here.
const KIND: &str = "bandit";

/// What a bandit can be told.
const VERBS: [&str; 5] = ["freeze", "pause", "resume", "remove-arm", "restore-arm"];

/// The reason of what is done without one.
const NO_REASON: &str = "no reason was given";

/// A bandit: its arms, what they brought, the shares that follow, and the regret.
#[utoipa::path(
    get,
    path = "/admin/v1/pipelines/{pipeline}/bandit",
    tag = "bandits",
    operation_id = "bandit",
    params(("pipeline" = String, Path, description = "The pipeline's name")),
    responses(
        (status = 200, description = "The bandit.", body = BanditV1,
            headers(("ETag" = String, description = "The pipeline's revision, for `If-Match`"))),
        Refusals
    )
)]
pub(super) async fn show(
    _: Caller<Viewer>,
    admin: Data<Admin>,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    let name = parse::name(&path)?;
    let snapshot = admin.impresario.live().snapshot();
    let (entry, course) = steering::course(&snapshot.fleet, &name, KIND)?;
    let report = sights::learning(&admin, &name);
    let shown = BanditV1 {
        name: name.to_string(),
        revision: entry.revision.0,
        course: CourseV1::of(entry)
            .ok_or_else(|| Problem::internal(&"a bandit without a course"))?,
        report: report.as_ref().map(BanditReportV1::from),
        stored_until: sights::stored_until(&admin).map(wire::time),
        verbs: verbs(entry, course, admin.impresario.clock().now()),
    };
    Ok(steering::tagged(shown.revision, shown))
}

/// Tells a bandit something. `freeze` makes the pipeline an experiment with the shares as they are, or a standalone one of
/// the best arm.
#[utoipa::path(
    post,
    path = "/admin/v1/pipelines/{pipeline}/bandit/{verb}",
    tag = "bandits",
    operation_id = "steer_bandit",
    params(
        ("pipeline" = String, Path, description = "The pipeline's name"),
        ("verb" = String, Path, description = "`freeze`, `pause`, `resume`, `remove-arm` or `restore-arm`"),
        ("dry_run" = Option<bool>, Query, description = "Only say what it would come to"),
        ("If-Match" = Option<String>, Header, description = "Only at this revision of the pipeline, such as `\"3\"`"),
        ("X-Reason" = Option<String>, Header, description = "Why, for the journal"),
    ),
    request_body(content = BanditOrderV1, description = "May be left out where the verb needs nothing."),
    responses(
        (status = 200, description = "Done, or only tried.", body = SteeredV1,
            headers(("ETag" = String, description = "The pipeline's revision"))),
        (status = 409, description = "It is not the time for it.", body = ProblemV1, content_type = "application/problem+json"),
        (status = 412, description = "It was changed meanwhile.", body = ProblemV1, content_type = "application/problem+json"),
        (status = 422, description = "A reason is missing, or it cannot be meant.", body = ProblemV1,
            content_type = "application/problem+json"),
        Refusals
    )
)]
pub(super) async fn steer(
    caller: Caller<Operator>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
    query: Query<Trying>,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let (name, word) = path.into_inner();
    let name = parse::name(&name)?;
    if !VERBS.contains(&word.as_str()) {
        return Err(parse::unknown_verb(KIND, &word, &VERBS));
    }
    let order: BanditOrderV1 = parse::order(&body)?;
    let by = caller.by(order.reason.clone())?;
    let verb = read(&word, order, &by)?;
    let change = Change::read(&name, &request, &query, by)?;
    steering::steer(&admin, &change, fleet::Verb::Learning(verb)).await
}

/// The verb that a word and its order mean.
fn read(word: &str, order: BanditOrderV1, by: &By) -> Result<Verb, Problem> {
    let given = [("arm", order.arm.is_some()), ("as", order.r#as.is_some())];
    let takes: &[&str] = match word {
        "freeze" => &["as"],
        "remove-arm" | "restore-arm" => &["arm"],
        _ => &[],
    };
    parse::only(word, &given, takes)?;
    let arm = |arm: Option<String>| arm.ok_or_else(|| missing("arm", word));
    Ok(match word {
        "freeze" => match order.r#as.unwrap_or(BanditEndV1::Experiment) {
            BanditEndV1::Experiment => Verb::FreezeExperiment,
            BanditEndV1::Best => Verb::FreezeBest,
        },
        "pause" => Verb::Pause {
            why: by.reason.clone().unwrap_or_else(|| NO_REASON.to_owned()),
        },
        "resume" => Verb::Resume,
        "remove-arm" => Verb::RemoveArm {
            arm: arm(order.arm)?,
            by: by.actor.clone(),
            why: parse::reason("remove-arm", by)?,
        },
        "restore-arm" => Verb::RestoreArm {
            arm: arm(order.arm)?,
        },
        other => return Err(parse::unknown_verb(KIND, other, &VERBS)),
    })
}

/// What can be asked of a bandit now.
fn verbs(entry: &Entry, course: &Course, now: Now) -> Vec<&'static str> {
    let text = String::new;
    let arms = match entry.pipeline.policy() {
        Policy::Bandit(spec) => &spec.arms[..],
        Policy::Standalone { .. }
        | Policy::Canary(_)
        | Policy::Experiment(_)
        | Policy::Composite(_) => &[],
    };
    let names = || arms.iter().map(|arm| arm.name.to_string());
    let remove = names().map(|arm| {
        let (by, why) = (text(), text());
        ("remove-arm", Verb::RemoveArm { arm, by, why })
    });
    let restore = names().map(|arm| ("restore-arm", Verb::RestoreArm { arm }));
    let plain = [
        ("freeze", Verb::FreezeExperiment),
        ("pause", Verb::Pause { why: text() }),
        ("resume", Verb::Resume),
    ];
    let all = plain.into_iter().chain(remove).chain(restore);
    let tries = all.map(|(word, verb)| (word, fleet::Verb::Learning(verb)));
    steering::takes(entry, course, now, tries)
}
