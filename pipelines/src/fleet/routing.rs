//! The stored half of the fleet: pipelines, load intents, and the records of how they came to be.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use impresario_models::{Name, VersionNumber};

use super::course::Course;
use super::input::Source;
use crate::spec::{Composite, Pipeline};

/// The number of a state of the routing; each change makes the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// What admins and files asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Routing {
    /// The newest revision.
    pub revision: Revision,
    /// The pipelines by name.
    pub pipelines: BTreeMap<Name, Entry>,
    /// What admins said about loading, by model; absent means: as the model's version policy says.
    pub intents: BTreeMap<Name, Intent>,
    /// The digest of the file definition that was last applied, by pipeline. It outlives the pipeline, so that
    /// a definition that an admin deleted comes back only when the file is edited.
    pub applied: BTreeMap<Name, String>,
    /// No rollout advances, in any pipeline; aborts act all the same.
    pub freeze: Option<Freeze>,
}

/// Why nothing advances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// Who said so.
    pub actor: String,
    /// Why, in their words.
    pub reason: Option<String>,
    /// When it ends by itself, in milliseconds since 1970.
    pub until: Option<u64>,
}

/// A pipeline as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What was asked for.
    pub pipeline: Pipeline,
    /// The revision that made it so.
    pub revision: Revision,
    /// Who asked.
    pub source: Source,
    /// The version that answers until the one asked for is ready for the first time; nothing afterwards.
    pub keep: Option<Keep>,
    /// What moves by itself since then.
    pub course: Option<Arc<Course>>,
    /// Whether versions whose contract breaks its callers' may answer: somebody insisted, with a reason.
    pub promise: Promise,
}

/// Whether what a pipeline's callers rely on is held against its versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Promise {
    /// A version that breaks it gets no traffic.
    #[default]
    Kept,
    /// Somebody insisted, with a reason that the audit keeps.
    Waived,
}

/// A version that goes on serving while its successor is made ready.
#[derive(Clone, Debug, PartialEq)]
pub struct Keep {
    /// The model.
    pub model: Name,
    /// The version.
    pub version: VersionNumber,
    /// What it is made of, where it is a graph: the pipeline may not say so any more.
    pub graph: Option<Arc<Composite>>,
}

/// What admins said about loading a model's versions, over its version policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intent {
    /// No version is to be loaded, whatever appears.
    pub unloaded: bool,
    /// Single versions: to be loaded (`true`) or not.
    pub versions: BTreeMap<VersionNumber, bool>,
}

/// What happened, who did it and why: the unit of history, audit and undo.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Position in the audit, without gaps.
    pub seq: u64,
    /// The revision that stood afterwards.
    pub revision: Revision,
    /// Wall time, in milliseconds since 1970.
    pub at: u64,
    /// Who asked.
    pub actor: String,
    /// Through which door.
    pub source: Source,
    /// The verb, such as `pipeline.put`.
    pub action: String,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// What became different; empty for an action that changes no routing (a token made, a store restored).
    pub diffs: Vec<Diff>,
    /// The numbers that it rested on, by name.
    pub numbers: Vec<(String, f64)>,
}

/// One thing that became different.
#[derive(Clone, Debug, PartialEq)]
pub struct Diff {
    /// What it is.
    pub name: Name,
    /// Before and after.
    pub change: Change,
}

/// Before and after, `None` where it did not or does not exist.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A pipeline.
    Pipeline {
        /// What it was.
        before: Option<Pipeline>,
        /// What it is.
        after: Option<Pipeline>,
    },
    /// What was said about loading a model.
    Intent {
        /// What it was.
        before: Option<Intent>,
        /// What it is.
        after: Option<Intent>,
    },
    /// What moves a pipeline by itself.
    Course {
        /// What it was.
        before: Option<Arc<Course>>,
        /// What it is.
        after: Option<Arc<Course>>,
    },
}

// === impl Revision ===

impl Revision {
    /// The one after.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// === impl Intent ===

impl Intent {
    /// Whether anything is said at all.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether nobody asked to unload a version.
    pub(crate) fn leaves(&self, version: VersionNumber) -> bool {
        let told = self.versions.get(&version).copied();
        told.unwrap_or(!self.unloaded)
    }
}
