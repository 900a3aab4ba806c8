//! `/admin/v1/pipelines/{p}/experiment…`: what an experiment came to, and what it is told.

use std::collections::BTreeMap;

use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use impresario_pipelines::bucket::Weight;
use impresario_pipelines::fleet::{self, By, Course, Entry, Now};
use impresario_pipelines::spec::{Experiment, Policy};
use impresario_pipelines::trial::Verb;

use super::guard::{Caller, Operator, Viewer};
use super::openapi::Refusals;
use super::parse::{self, Trying};
use super::pipelines::Change;
use super::problem::{Code, Problem};
use super::wire::{
    self, CourseV1, ExperimentOrderV1, ExperimentReportV1, ExperimentV1, ProblemV1, SteeredV1,
};
use super::{Admin, sights, steer as steering};

/// The word for what is asked here.
const KIND: &str = "experiment";

/// What an experiment can be told.
const VERBS: [&str; 5] = ["stop", "ship", "set-weights", "pause", "resume"];

/// The reason of what is done without one.
const NO_REASON: &str = "no reason was given";

/// An experiment: what the evidence says of its arms, whether it can be trusted, and what follows.
#[utoipa::path(
    get,
    path = "/admin/v1/pipelines/{pipeline}/experiment",
    tag = "experiments",
    operation_id = "experiment",
    params(("pipeline" = String, Path, description = "The pipeline's name")),
    responses(
        (status = 200, description = "The experiment.", body = ExperimentV1,
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
    let report = sights::trial(&admin, &name);
    let shown = ExperimentV1 {
        name: name.to_string(),
        revision: entry.revision.0,
        course: CourseV1::of(entry)
            .ok_or_else(|| Problem::internal(&"an experiment without a course"))?,
        report: report.as_ref().map(ExperimentReportV1::from),
        stored_until: sights::stored_until(&admin).map(wire::time),
        verbs: verbs(entry, course, admin.impresario.clock().now()),
    };
    Ok(steering::tagged(shown.revision, shown))
}

/// Tells an experiment something. `ship` makes the pipeline a standalone one of the arm's version, as one revision.
#[utoipa::path(
    post,
    path = "/admin/v1/pipelines/{pipeline}/experiment/{verb}",
    tag = "experiments",
    operation_id = "steer_experiment",
    params(
        ("pipeline" = String, Path, description = "The pipeline's name"),
        ("verb" = String, Path, description = "`stop`, `ship`, `set-weights`, `pause` or `resume`"),
        ("dry_run" = Option<bool>, Query, description = "Only say what it would come to"),
        ("If-Match" = Option<String>, Header, description = "Only at this revision of the pipeline, such as `\"3\"`"),
        ("X-Reason" = Option<String>, Header, description = "Why, for the journal"),
    ),
    request_body(content = ExperimentOrderV1, description = "May be left out where the verb needs nothing."),
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
    let order: ExperimentOrderV1 = parse::order(&body)?;
    let by = caller.by(order.reason.clone())?;
    let verb = {
        let snapshot = admin.impresario.live().snapshot();
        let (entry, _) = steering::course(&snapshot.fleet, &name, KIND)?;
        read(&word, order, &by, entry)?
    };
    let change = Change::read(&name, &request, &query, by)?;
    steering::steer(&admin, &change, fleet::Verb::Trial(verb)).await
}

/// The verb that a word and its order mean.
fn read(word: &str, order: ExperimentOrderV1, by: &By, entry: &Entry) -> Result<Verb, Problem> {
    let given = [
        ("arm", order.arm.is_some()),
        ("weights", order.weights.is_some()),
    ];
    let takes: &[&str] = match word {
        "ship" => &["arm"],
        "set-weights" => &["weights"],
        _ => &[],
    };
    parse::only(word, &given, takes)?;
    let (actor, why) = (by.actor.clone(), by.reason.clone());
    Ok(match word {
        "stop" => Verb::Stop {
            by: actor,
            why: parse::reason("stop", by)?,
        },
        "ship" => Verb::Ship {
            arm: order.arm.ok_or_else(|| missing("arm", "ship"))?,
            by: actor,
        },
        "set-weights" => Verb::SetWeights(weights(
            order.weights.ok_or_else(|| missing("weights", word))?,
            entry,
        )?),
        "pause" => Verb::Pause {
            why: why.unwrap_or_else(|| NO_REASON.to_owned()),
        },
        "resume" => Verb::Resume,
        other => return Err(parse::unknown_verb(KIND, other, &VERBS)),
    })
}

/// An order without what its verb needs.
pub(super) fn missing(field: &'static str, verb: &str) -> Problem {
    let detail = format!("{field}: {verb} needs one, got none");
    Problem::new(Code::InvalidOrder, detail).with("field", field)
}

/// Weights by name in the order of the arms: each is there once.
fn weights(mut named: BTreeMap<String, f64>, entry: &Entry) -> Result<Vec<Weight>, Problem> {
    let refused = |what: String| Problem::new(Code::InvalidOrder, what).with("field", "weights");
    let names: Vec<_> = spec(entry)
        .iter()
        .flat_map(|spec| &spec.arms)
        .map(|(arm, _)| arm.name.as_str())
        .collect();
    let mut weights = Vec::with_capacity(names.len());
    for name in &names {
        let percent = named.remove(*name).ok_or_else(|| {
            refused(format!(
                "weights: expected one for each of {}, got none for '{name}'",
                names.join(", ")
            ))
        })?;
        let weight = Weight::from_percent(percent)
            .map_err(|error| refused(format!("weights.{name}: {error}")))?;
        weights.push(weight);
    }
    match named.keys().next() {
        None => Ok(weights),
        Some(stray) => Err(refused(format!(
            "weights.{stray}: unknown arm; there are {}",
            names.join(", ")
        ))),
    }
}

fn spec(entry: &Entry) -> Option<&Experiment> {
    match entry.pipeline.policy() {
        Policy::Experiment(spec) => Some(spec),
        Policy::Standalone { .. }
        | Policy::Canary(_)
        | Policy::Bandit(_)
        | Policy::Composite(_) => None,
    }
}

/// What can be asked of an experiment now.
fn verbs(entry: &Entry, course: &Course, now: Now) -> Vec<&'static str> {
    let text = String::new;
    let arms = spec(entry).map_or(0, |spec| spec.arms.len());
    let baseline = spec(entry).and_then(|spec| spec.arms.first());
    let baseline = baseline.map(|(arm, _)| arm.name.to_string());
    // A split that nobody has: all to the last arm.
    let mut split = vec![Weight::ZERO; arms];
    if let Some(last) = split.last_mut() {
        *last = Weight::FULL;
    }
    let all = [
        (
            "stop",
            Verb::Stop {
                by: text(),
                why: text(),
            },
        ),
        (
            "ship",
            Verb::Ship {
                arm: baseline.unwrap_or_default(),
                by: text(),
            },
        ),
        ("set-weights", Verb::SetWeights(split)),
        ("pause", Verb::Pause { why: text() }),
        ("resume", Verb::Resume),
    ];
    let tries = all.map(|(word, verb)| (word, fleet::Verb::Trial(verb)));
    steering::takes(entry, course, now, tries)
}
