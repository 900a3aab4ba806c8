//! The ways in which a command is refused, each with what was expected and got.

use impresario_models::{Name, VersionNumber};

use super::routing::Revision;
use super::{course, graphs};
use crate::breaches::Breach;
use crate::spec::Problem;

/// Why a command is refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// No such pipeline.
    #[error("unknown pipeline '{name}'")]
    UnknownPipeline {
        /// The name.
        name: Name,
    },
    /// No such model in the repository.
    #[error("unknown model '{model}': the repository has {known}")]
    UnknownModel {
        /// The model.
        model: Name,
        /// The models there are, shortened.
        known: String,
    },
    /// The model has no such version.
    #[error("model '{model}' has no version {version}: it has {known}")]
    UnknownVersion {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
        /// The versions there are.
        known: String,
    },
    /// Somebody else changed it meanwhile.
    #[error("pipeline '{name}' is at revision {current}, the change expected {expected}")]
    Stale {
        /// The pipeline.
        name: Name,
        /// What the asker has seen.
        expected: Revision,
        /// What it is.
        current: Revision,
    },
    /// A pipeline needs what is to be unloaded.
    #[error(
        "model '{model}' version {version} is needed by pipeline '{pipeline}'; change or delete that first"
    )]
    InUse {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
        /// The pipeline.
        pipeline: Name,
    },
    /// There is no earlier state to go back to.
    #[error("pipeline '{name}' has no earlier state to go back to")]
    NothingToUndo {
        /// The pipeline.
        name: Name,
    },
    /// The version breaks what the pipeline's callers rely on.
    #[error(
        "model '{model}' version {version} breaks what callers of pipeline '{name}' rely on: {}; insist with a reason \
         where they know",
        list(breaches)
    )]
    Breaks {
        /// The pipeline.
        name: Name,
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
        /// All that breaks.
        breaches: Vec<Breach>,
    },
    /// Somebody insists and does not say why.
    #[error("pipeline '{name}': whoever insists on a version that breaks its callers says why")]
    ReasonMissing {
        /// The pipeline.
        name: Name,
    },
    /// The pipeline has no course of this kind.
    #[error("pipeline '{name}' has no {wanted}: its policy is {policy}")]
    NoCourse {
        /// The pipeline.
        name: Name,
        /// What it was told to.
        wanted: &'static str,
        /// What it has.
        policy: &'static str,
    },
    /// The course cannot do what it is told.
    #[error("pipeline '{name}': {why}")]
    Refused {
        /// The pipeline.
        name: Name,
        /// Why.
        why: course::Refusal,
    },
    /// A graph does not fit together, or not with those that it calls.
    #[error("pipeline '{name}': {}", graphs::list(problems))]
    Graph {
        /// The pipeline.
        name: Name,
        /// All that is wrong, with its place in the pipeline.
        problems: Vec<Problem>,
    },
    /// Pipelines would call each other in a ring.
    #[error("pipelines may not call each other in a ring: {}", way(ring))]
    Ring {
        /// The way around; the first is the last.
        ring: Vec<Name>,
    },
    /// The number stands for another graph.
    #[error(
        "version {version} of pipeline '{name}' is another graph, and a version does not change; give this one another \
         number, or none"
    )]
    OtherGraph {
        /// The pipeline.
        name: Name,
        /// The number.
        version: VersionNumber,
    },
    /// A pipeline's graphs would be versions of a name that a model has.
    #[error(
        "pipeline '{name}' has the name of a model that is in the repository or that another pipeline names, and its \
         graphs would be versions of that name; give it another one"
    )]
    Ambiguous {
        /// The name.
        name: Name,
    },
    /// A graph of a pipeline is named as if it were a model.
    #[error(
        "pipeline '{name}' names '{model}' as a model, and its versions are graphs of the pipeline '{model}'; a node calls \
         it with pipeline = \"{model}\", a policy names graphs of its own pipeline only"
    )]
    NotAModel {
        /// The pipeline.
        name: Name,
        /// What it names.
        model: Name,
    },
    /// Nothing is left of a model that could be pinned.
    #[error(
        "model '{model}' has no version whose files are there, so that none can be pinned; name one"
    )]
    NoVersion {
        /// The model.
        model: Name,
    },
    /// A graph calls what is to be deleted.
    #[error(
        "pipeline '{name}' is called by a graph of pipeline '{by}'; change or delete that first"
    )]
    Called {
        /// What is called.
        name: Name,
        /// Whose graph calls it.
        by: Name,
    },
    /// The revision is not among those kept for the pipeline.
    #[error("revision {to} of pipeline '{name}' is not known: {known}")]
    UnknownRevision {
        /// The pipeline.
        name: Name,
        /// The revision asked for.
        to: Revision,
        /// The revisions kept.
        known: String,
    },
}

// === impl Rejection ===

fn list(breaches: &[Breach]) -> String {
    let all: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    all.join("; ")
}

fn way(ring: &[Name]) -> String {
    let names: Vec<&str> = ring.iter().map(Name::as_str).collect();
    names.join(" → ")
}

impl Rejection {
    /// A stable code for scripts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownPipeline { .. } => "unknown-pipeline",
            Self::UnknownModel { .. } => "unknown-model",
            Self::UnknownVersion { .. } => "unknown-version",
            Self::Stale { .. } => "stale-revision",
            Self::InUse { .. } => "in-use",
            Self::NothingToUndo { .. } => "nothing-to-undo",
            Self::Breaks { .. } => "breaks-contract",
            Self::ReasonMissing { .. } => "reason-missing",
            Self::NoCourse { .. } => "no-course",
            Self::Refused { .. } => "not-now",
            Self::Graph { .. } => "graph",
            Self::Ring { .. } => "ring",
            Self::OtherGraph { .. } => "version-taken",
            Self::Ambiguous { .. } => "ambiguous-name",
            Self::NotAModel { .. } => "not-a-model",
            Self::NoVersion { .. } => "no-version",
            Self::Called { .. } => "called",
            Self::UnknownRevision { .. } => "unknown-revision",
        }
    }
}
