//! What was done: records of the audit, revisions of a pipeline, and what differs between two of them.

use impresario_models::Name;
use impresario_pipelines::fleet::{Change, Course, Diff, Fleet, Intent, Record};
use impresario_pipelines::spec::Pipeline;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::pipeline::spec;
use super::{PipelineSpecV1, time};

/// Records of the audit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Audit)]
pub struct AuditV1 {
    /// Newest first.
    pub records: Vec<RecordV1>,
    /// Where there may be older ones: the value of `before` for the next page.
    pub next: Option<u64>,
}

/// What was done, by whom and why.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Record)]
pub struct RecordV1 {
    /// Its number, without gaps.
    pub seq: u64,
    /// The fleet's revision afterwards.
    pub revision: u64,
    /// When (RFC 3339).
    pub at: String,
    /// Who: the token's name, or `local`.
    pub actor: String,
    /// Through which door: `api`, `protocol`, `file`, `embedded` or `daemon`.
    pub source: &'static str,
    /// What, such as `pipeline.put`.
    pub action: String,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// What became different, from place to place.
    pub changes: Vec<DifferenceV1>,
}

/// A place that differs.
#[derive(Debug, Serialize, ToSchema, PartialEq)]
#[schema(as = Difference)]
pub struct DifferenceV1 {
    /// The place.
    #[schema(example = "pipelines.fraud.policy.version")]
    pub path: String,
    /// What was there; null for nothing.
    pub before: Value,
    /// What is there; null for nothing.
    pub after: Value,
}

/// The revisions of a pipeline that are kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Revisions)]
pub struct RevisionsV1 {
    /// The pipeline.
    pub name: String,
    /// Newest first, each with what differs from the one before.
    pub revisions: Vec<RevisionV1>,
}

/// A revision of a pipeline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Revision)]
pub struct RevisionV1 {
    /// Its number.
    pub revision: u64,
    /// Whether it stands.
    pub current: bool,
    /// When it was made (RFC 3339).
    pub at: String,
    /// By whom.
    pub actor: String,
    /// Through which door.
    pub source: &'static str,
    /// How.
    pub action: String,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// The pipeline as it was written; null where the revision removed it.
    #[schema(value_type = Option<PipelineSpecV1>)]
    pub spec: Value,
    /// What differs from the revision before.
    pub changes: Vec<DifferenceV1>,
}

// === impl RecordV1 ===

impl From<&Record> for RecordV1 {
    fn from(record: &Record) -> Self {
        Self {
            seq: record.seq,
            revision: record.revision.0,
            at: time(record.at),
            actor: record.actor.clone(),
            source: record.source.as_str(),
            action: record.action.clone(),
            reason: record.reason.clone(),
            changes: record.diffs.iter().flat_map(changes).collect(),
        }
    }
}

pub(super) fn changes(diff: &Diff) -> Vec<DifferenceV1> {
    let (path, before, after) = match &diff.change {
        Change::Pipeline { before, after } => (
            "pipelines",
            written(before.as_ref()),
            written(after.as_ref()),
        ),
        Change::Intent { before, after } => {
            ("intents", intent(before.as_ref()), intent(after.as_ref()))
        }
        Change::Course { before, after } => (
            "courses",
            course(before.as_deref()),
            course(after.as_deref()),
        ),
    };
    differences(&format!("{path}.{}", diff.name), &before, &after)
}

// === impl RevisionV1 ===

impl RevisionV1 {
    /// The revisions of a pipeline that a fleet remembers, newest first.
    #[must_use]
    pub fn all(fleet: &Fleet, name: &Name) -> Vec<Self> {
        let standing = fleet
            .routing
            .pipelines
            .get(name)
            .map(|entry| entry.revision);
        let newest_first = fleet.history.iter().rev();
        let revision = |record: &Record| {
            let diff = record.diffs.iter().find_map(|diff| match &diff.change {
                Change::Pipeline { before, after } if diff.name == *name => Some((before, after)),
                Change::Pipeline { .. } | Change::Intent { .. } | Change::Course { .. } => None,
            });
            let (before, after) = diff?;
            let (before, spec) = (written(before.as_ref()), written(after.as_ref()));
            Some(Self {
                revision: record.revision.0,
                current: standing == Some(record.revision),
                at: time(record.at),
                actor: record.actor.clone(),
                source: record.source.as_str(),
                action: record.action.clone(),
                reason: record.reason.clone(),
                changes: differences("", &before, &spec),
                spec,
            })
        };
        newest_first.filter_map(|record| revision(record)).collect()
    }
}

fn written(pipeline: Option<&Pipeline>) -> Value {
    pipeline.map_or(Value::Null, spec)
}

fn intent(intent: Option<&Intent>) -> Value {
    intent.map_or(Value::Null, |intent| {
        let versions = intent
            .versions
            .iter()
            .map(|(v, load)| (v.to_string(), Value::Bool(*load)));
        json!({"unloaded": intent.unloaded, "versions": versions.collect::<Map<_, _>>()})
    })
}

/// Where a course is, as far as a reader of its history wants it.
fn course(course: Option<&Course>) -> Value {
    let Some(course) = course else {
        return Value::Null;
    };
    let weights = course.slots().weights().iter();
    let mut seen = json!({
        "kind": course.kind(),
        "phase": course.phase(),
        "segment": course.segment(),
        "weights": weights.map(|weight| weight.percent()).collect::<Vec<_>>(),
    });
    if let Course::Rollout(rollout) = course {
        seen["step"] = json!(rollout.step);
    }
    seen
}

/// The places where two trees differ, as deep as both are tables.
#[must_use]
pub fn differences(path: &str, before: &Value, after: &Value) -> Vec<DifferenceV1> {
    if before == after {
        return Vec::new();
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return vec![DifferenceV1 {
            path: path.to_owned(),
            before: before.clone(),
            after: after.clone(),
        }];
    };
    let mut keys: Vec<_> = old.keys().chain(new.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let dot = if path.is_empty() { "" } else { "." };
    let below = |key: &String| {
        let value = |of: &Map<String, Value>| of.get(key).cloned().unwrap_or(Value::Null);
        differences(&format!("{path}{dot}{key}"), &value(old), &value(new))
    };
    keys.into_iter().flat_map(below).collect()
}
