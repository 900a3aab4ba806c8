//! What a rollout is told.

use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use impresario_pipelines::bucket::Weight;
use impresario_pipelines::fleet::{self, By};
use impresario_pipelines::rollout::{To, Verb};

use super::super::guard::{Caller, Operator};
use super::super::openapi::Refusals;
use super::super::parse::{self, Trying};
use super::super::pipelines::Change;
use super::super::problem::{Code, Problem};
use super::super::wire::{ProblemV1, RolloutOrderV1, SteeredV1};
use super::super::{Admin, steer as steering};

/// What a rollout can be told.
const VERBS: [&str; 12] = [
    "pause",
    "resume",
    "promote",
    "skip",
    "approve",
    "reject",
    "abort",
    "retry",
    "undo",
    "set-weight",
    "freeze",
    "unfreeze",
];

/// Tells a rollout something. What it is doing already it does not do again: `changed` then is false.
#[utoipa::path(
    post,
    path = "/admin/v1/pipelines/{pipeline}/rollout/{verb}",
    tag = "rollouts",
    operation_id = "steer_rollout",
    params(
        ("pipeline" = String, Path, description = "The pipeline's name"),
        ("verb" = String, Path, description = "`pause`, `resume`, `promote`, `skip`, `approve`, `reject`, `abort`, \
            `retry`, `undo`, `set-weight`, `freeze` or `unfreeze`"),
        ("dry_run" = Option<bool>, Query, description = "Only say what it would come to"),
        ("If-Match" = Option<String>, Header, description = "Only at this revision of the pipeline, such as `\"3\"`"),
        ("X-Reason" = Option<String>, Header, description = "Why, for the journal"),
    ),
    request_body(content = RolloutOrderV1, description = "May be left out."),
    responses(
        (status = 200, description = "Done, or done already, or only tried.", body = SteeredV1,
            headers(("ETag" = String, description = "The pipeline's revision"))),
        (status = 409, description = "It is not the time for it.", body = ProblemV1, content_type = "application/problem+json"),
        (status = 412, description = "It was changed meanwhile.", body = ProblemV1, content_type = "application/problem+json"),
        (status = 422, description = "A reason is missing, or it cannot be meant.", body = ProblemV1,
            content_type = "application/problem+json"),
        Refusals
    )
)]
pub(in super::super) async fn steer(
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
        return Err(parse::unknown_verb("rollout", &word, &VERBS));
    }
    let order: RolloutOrderV1 = parse::order(&body)?;
    let by = caller.by(order.reason.clone())?;
    let verb = read(&word, &order, &by, admin.impresario.clock().now().wall)?;
    let change = Change::read(&name, &request, &query, by)?;
    steering::steer(&admin, &change, fleet::Verb::Rollout(verb)).await
}

/// The verb that a word and its order mean.
fn read(word: &str, order: &RolloutOrderV1, by: &By, wall: u64) -> Result<Verb, Problem> {
    let given = [
        ("full", order.full.is_some()),
        ("to_step", order.to_step.is_some()),
        ("force", order.force.is_some()),
        ("weight", order.weight.is_some()),
        ("until", order.until.is_some()),
    ];
    let takes: &[&str] = match word {
        "promote" => &["full", "to_step", "force"],
        "set-weight" => &["weight"],
        "freeze" => &["until"],
        _ => &[],
    };
    parse::only(word, &given, takes)?;
    Ok(match word {
        "pause" => Verb::Pause,
        "resume" => Verb::Resume,
        "promote" => promote(order, by)?,
        "skip" => Verb::Skip,
        "approve" => Verb::Approve,
        "reject" => Verb::Reject(parse::reason(word, by)?),
        "abort" => Verb::Abort(parse::reason(word, by)?),
        // The fleet gives it the revision that begins it.
        "retry" => Verb::Retry { id: 0 },
        "undo" => Verb::Undo,
        "set-weight" => Verb::SetWeight(weight(order)?),
        "freeze" => Verb::Freeze {
            until: match &order.until {
                Some(until) => Some(parse::moment(until, wall)?),
                None => None,
            },
        },
        "unfreeze" => Verb::Unfreeze,
        other => return Err(parse::unknown_verb("rollout", other, &VERBS)),
    })
}

fn promote(order: &RolloutOrderV1, by: &By) -> Result<Verb, Problem> {
    let to = match (order.full.unwrap_or(false), order.to_step) {
        (true, None) => To::Full,
        (false, Some(step)) => To::Step(step),
        (false, None) => To::Next,
        (true, Some(_)) => {
            let detail = "full, to_step: expected one of them, got both";
            return Err(Problem::new(Code::InvalidOrder, detail));
        }
    };
    let force = match order.force.unwrap_or(false) {
        true => Some(parse::reason("promote by force", by)?),
        false => None,
    };
    Ok(Verb::Promote { to, force })
}

fn weight(order: &RolloutOrderV1) -> Result<Weight, Problem> {
    let refused = |what: String| {
        Problem::new(Code::InvalidOrder, format!("weight: {what}")).with("field", "weight")
    };
    let percent = order.weight;
    let percent = percent.ok_or_else(|| {
        refused("set-weight needs the canary's share of the traffic, in per cent".to_owned())
    })?;
    Weight::from_percent(percent).map_err(|error| refused(error.to_string()))
}
