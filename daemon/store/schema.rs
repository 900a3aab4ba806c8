//! Version 1 of the stored form: what is written to disk and to backups, apart from the types that it is made of.
//!
//! A field that changes its meaning makes the next schema version, with a migration from this one; the types of
//! the fleet may change freely meanwhile.

use std::sync::Arc;

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::fleet::{
    Change, Course, Diff, Entry, Freeze, Intent, Keep, Promise, Record, Revision, Source as Door,
};
use impresario_pipelines::spec::{Pipeline, Policy};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Role, Token};

mod course;

/// The schema that this program writes.
pub(super) const VERSION: u32 = 1;

/// A pipeline as it stands, under its name.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntryV1 {
    pipeline: Pipeline,
    revision: u64,
    source: SourceV1,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keep: Option<KeepV1>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    course: Option<Stored>,
    #[serde(default, skip_serializing_if = "is_kept")]
    promise: PromiseV1,
}

/// A course, shared with the fleet.
#[derive(Clone, Serialize, Deserialize)]
struct Stored(#[serde(with = "shared")] Arc<Course>);

/// Whether what callers rely on is held against versions.
#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PromiseV1 {
    #[default]
    Kept,
    Waived,
}

/// Why no rollout advances.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FreezeV1 {
    actor: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
}

/// A version that goes on serving.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeepV1 {
    model: Name,
    version: VersionNumber,
    /// The graph that it is, where it is one, as the policy of a pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    graph: Option<Pipeline>,
}

/// What was said about loading a model, under its name.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IntentV1 {
    unloaded: bool,
    versions: Vec<ToldV1>,
}

/// What was said about one version.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToldV1 {
    version: VersionNumber,
    load: bool,
}

/// A record, under its number.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordV1 {
    pub(super) seq: u64,
    revision: u64,
    at: u64,
    actor: String,
    source: SourceV1,
    action: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    diffs: Vec<DiffV1>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    numbers: Vec<(String, f64)>,
}

/// One thing that became different.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum DiffV1 {
    Pipeline {
        name: Name,
        before: Option<Pipeline>,
        after: Option<Pipeline>,
    },
    Intent {
        name: Name,
        before: Option<IntentV1>,
        after: Option<IntentV1>,
    },
    Course {
        name: Name,
        before: Option<Stored>,
        after: Option<Stored>,
    },
}

/// The door that a change came through.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SourceV1 {
    Api,
    Protocol,
    File,
    Embedded,
    Daemon,
}

/// A token, under its id.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenV1 {
    pub(super) id: String,
    name: String,
    role: RoleV1,
    hash: String,
    created_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RoleV1 {
    Viewer,
    Operator,
    Admin,
}

/// What a store says of itself, so that a part that is missing is noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeadV1 {
    /// Changes committed so far.
    pub(super) commits: u64,
    /// The newest revision.
    pub(super) revision: u64,
    /// The oldest record kept.
    pub(super) oldest: u64,
    /// The newest record; one less than `oldest` where there is none.
    pub(super) newest: u64,
    /// Pipelines stored.
    pub(super) pipelines: u64,
    /// Intents stored.
    pub(super) intents: u64,
    /// Digests of applied files stored.
    pub(super) applied: u64,
    /// Tokens stored.
    pub(super) tokens: u64,
}

/// A course behind its pointer.
mod shared {
    use super::{Arc, Course, Deserializer, Serializer, course::CourseV1};

    pub(super) fn serialize<S: Serializer>(course: &Arc<Course>, to: S) -> Result<S::Ok, S::Error> {
        CourseV1::serialize(course, to)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Arc<Course>, D::Error> {
        CourseV1::deserialize(from).map(Arc::new)
    }
}

/// The numbers that JSON can hold.
fn finite(numbers: &[(String, f64)]) -> Vec<(String, f64)> {
    let finite = numbers.iter().filter(|(_, number)| number.is_finite());
    finite.cloned().collect()
}

fn is_kept(promise: &PromiseV1) -> bool {
    *promise == PromiseV1::Kept
}

// === into the stored form ===
impl From<&Entry> for EntryV1 {
    fn from(entry: &Entry) -> Self {
        Self {
            pipeline: entry.pipeline.clone(),
            revision: entry.revision.0,
            source: entry.source.into(),
            keep: entry.keep.as_ref().map(|keep| KeepV1 {
                model: keep.model.clone(),
                version: keep.version,
                graph: keep.graph.as_ref().map(|graph| {
                    let policy = Policy::Composite(Arc::clone(graph));
                    Pipeline::new(policy)
                }),
            }),
            course: entry.course.clone().map(Stored),
            promise: entry.promise.into(),
        }
    }
}

impl From<Promise> for PromiseV1 {
    fn from(promise: Promise) -> Self {
        match promise {
            Promise::Kept => Self::Kept,
            Promise::Waived => Self::Waived,
        }
    }
}

impl From<&Freeze> for FreezeV1 {
    fn from(freeze: &Freeze) -> Self {
        Self {
            actor: freeze.actor.clone(),
            reason: freeze.reason.clone(),
            until: freeze.until,
        }
    }
}

impl From<&Intent> for IntentV1 {
    fn from(intent: &Intent) -> Self {
        let told = intent.versions.iter();
        Self {
            unloaded: intent.unloaded,
            versions: told
                .map(|(v, load)| ToldV1 {
                    version: *v,
                    load: *load,
                })
                .collect(),
        }
    }
}

impl From<&Record> for RecordV1 {
    fn from(record: &Record) -> Self {
        Self {
            seq: record.seq,
            revision: record.revision.0,
            at: record.at,
            actor: record.actor.clone(),
            source: record.source.into(),
            action: record.action.clone(),
            reason: record.reason.clone(),
            diffs: record.diffs.iter().map(DiffV1::from).collect(),
            numbers: finite(&record.numbers),
        }
    }
}

impl From<&Diff> for DiffV1 {
    fn from(diff: &Diff) -> Self {
        let name = diff.name.clone();
        match &diff.change {
            Change::Pipeline { before, after } => Self::Pipeline {
                name,
                before: before.clone(),
                after: after.clone(),
            },
            Change::Intent { before, after } => Self::Intent {
                name,
                before: before.as_ref().map(IntentV1::from),
                after: after.as_ref().map(IntentV1::from),
            },
            Change::Course { before, after } => Self::Course {
                name,
                before: before.clone().map(Stored),
                after: after.clone().map(Stored),
            },
        }
    }
}

impl From<Door> for SourceV1 {
    fn from(source: Door) -> Self {
        match source {
            Door::Api => Self::Api,
            Door::Protocol => Self::Protocol,
            Door::File => Self::File,
            Door::Embedded => Self::Embedded,
            Door::Daemon => Self::Daemon,
        }
    }
}

impl From<&Token> for TokenV1 {
    fn from(token: &Token) -> Self {
        Self {
            id: token.id.clone(),
            name: token.name.clone(),
            role: match token.role {
                Role::Viewer => RoleV1::Viewer,
                Role::Operator => RoleV1::Operator,
                Role::Admin => RoleV1::Admin,
            },
            hash: token.hash.clone(),
            created_at: token.created_at,
            expires_at: token.expires_at,
        }
    }
}

// === and back ===

impl From<EntryV1> for Entry {
    fn from(entry: EntryV1) -> Self {
        Self {
            pipeline: entry.pipeline,
            revision: Revision(entry.revision),
            source: entry.source.into(),
            keep: entry.keep.map(|keep| Keep {
                model: keep.model,
                version: keep.version,
                graph: keep.graph.and_then(|graph| match graph.policy() {
                    Policy::Composite(graph) => Some(Arc::clone(graph)),
                    Policy::Standalone { .. }
                    | Policy::Canary(_)
                    | Policy::Experiment(_)
                    | Policy::Bandit(_) => None,
                }),
            }),
            course: entry.course.map(|Stored(course)| course),
            promise: match entry.promise {
                PromiseV1::Kept => Promise::Kept,
                PromiseV1::Waived => Promise::Waived,
            },
        }
    }
}

impl From<FreezeV1> for Freeze {
    fn from(freeze: FreezeV1) -> Self {
        Self {
            actor: freeze.actor,
            reason: freeze.reason,
            until: freeze.until,
        }
    }
}

impl From<IntentV1> for Intent {
    fn from(intent: IntentV1) -> Self {
        let told = intent.versions.into_iter();
        Self {
            unloaded: intent.unloaded,
            versions: told.map(|told| (told.version, told.load)).collect(),
        }
    }
}

impl From<RecordV1> for Record {
    fn from(record: RecordV1) -> Self {
        Self {
            seq: record.seq,
            revision: Revision(record.revision),
            at: record.at,
            actor: record.actor,
            source: record.source.into(),
            action: record.action,
            reason: record.reason,
            diffs: record.diffs.into_iter().map(Diff::from).collect(),
            numbers: record.numbers,
        }
    }
}

impl From<DiffV1> for Diff {
    fn from(diff: DiffV1) -> Self {
        let (name, change) = match diff {
            DiffV1::Pipeline {
                name,
                before,
                after,
            } => (name, Change::Pipeline { before, after }),
            DiffV1::Intent {
                name,
                before,
                after,
            } => {
                let (before, after) = (before.map(Intent::from), after.map(Intent::from));
                (name, Change::Intent { before, after })
            }
            DiffV1::Course {
                name,
                before,
                after,
            } => {
                let course = |stored: Option<Stored>| stored.map(|Stored(course)| course);
                let (before, after) = (course(before), course(after));
                (name, Change::Course { before, after })
            }
        };
        Self { name, change }
    }
}

impl From<SourceV1> for Door {
    fn from(source: SourceV1) -> Self {
        match source {
            SourceV1::Api => Self::Api,
            SourceV1::Protocol => Self::Protocol,
            SourceV1::File => Self::File,
            SourceV1::Embedded => Self::Embedded,
            SourceV1::Daemon => Self::Daemon,
        }
    }
}

impl From<TokenV1> for Token {
    fn from(token: TokenV1) -> Self {
        Self {
            id: token.id,
            name: token.name,
            role: match token.role {
                RoleV1::Viewer => Role::Viewer,
                RoleV1::Operator => Role::Operator,
                RoleV1::Admin => Role::Admin,
            },
            hash: token.hash,
            created_at: token.created_at,
            expires_at: token.expires_at,
        }
    }
}
