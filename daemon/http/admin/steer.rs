//! Telling a course something: the command, its conditions, and what came of it.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::ETAG;
use impresario_models::Name;
use impresario_pipelines::fleet::{Command, Course, Entry, Fleet, Now, Rejection, Revision, Verb};

use super::Admin;
use super::etag;
use super::pipelines::Change;
use super::problem::Problem;
use super::wire::SteeredV1;
use crate::actors::messages::Outcome;

/// Who asks in a try that nobody asked for.
const NOBODY: &str = "";

/// Tells the course of a pipeline something.
pub(super) async fn steer(
    admin: &Admin,
    change: &Change<'_>,
    verb: Verb,
) -> Result<HttpResponse, Problem> {
    let command = |expected| Command::Steer {
        name: change.name().clone(),
        verb: verb.clone(),
        expected,
    };
    let outcome = change.make(admin, command).await?;
    Ok(steered(&outcome, change, StatusCode::OK, Vec::new()))
}

/// What came of it.
pub(super) fn steered(
    outcome: &Outcome,
    change: &Change<'_>,
    status: StatusCode,
    warnings: Vec<String>,
) -> HttpResponse {
    let dry_run = change.is_dry_run();
    let mut answer = HttpResponse::build(status);
    if !dry_run {
        let revision = etag::of(&outcome.fleet, change.name());
        answer.insert_header((ETAG, etag::tag(revision)));
    }
    let steered = SteeredV1 {
        warnings,
        ..SteeredV1::of(outcome, change.name(), dry_run)
    };
    answer.json(steered)
}

/// A pipeline's course of a kind.
pub(super) fn course<'a>(
    fleet: &'a Fleet,
    name: &Name,
    wanted: &'static str,
) -> Result<(&'a Entry, &'a Arc<Course>), Problem> {
    let missing = |policy| Rejection::NoCourse {
        name: name.clone(),
        wanted,
        policy,
    };
    let Some(entry) = fleet.routing.pipelines.get(name) else {
        return Err(match fleet.observed.models.contains_key(name) {
            true => missing("standalone"),
            false => Rejection::UnknownPipeline { name: name.clone() },
        }
        .into());
    };
    let course = entry.course.as_ref();
    let course = course.filter(|course| course.kind() == wanted);
    let course = course.ok_or_else(|| missing(entry.pipeline.policy().kind()))?;
    Ok((entry, course))
}

/// The verbs that a course would take now, of those that are tried. Trying changes nothing.
pub(super) fn takes<'v>(
    entry: &Entry,
    course: &Course,
    now: Now,
    tries: impl IntoIterator<Item = (&'v str, Verb)>,
) -> Vec<&'v str> {
    let policy = entry.pipeline.policy();
    let mut words: Vec<_> = tries
        .into_iter()
        .filter(|(_, verb)| {
            let answer = course.command(policy, verb, NOBODY, now);
            matches!(answer, Some(Ok(Some(_))))
        })
        .map(|(word, _)| word)
        .collect();
    words.dedup();
    words
}

/// A pipeline's revision as an entity tag.
pub(super) fn tagged(revision: u64, body: impl serde::Serialize) -> HttpResponse {
    let tag = etag::tag(Revision(revision));
    HttpResponse::Ok().insert_header((ETAG, tag)).json(body)
}
