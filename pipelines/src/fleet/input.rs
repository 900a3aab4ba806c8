//! What enters the state machine: commands (asked for), events (happened), and the ways a command is refused.

use std::sync::Arc;

use impresario_models::{Name, VersionNumber};

use super::course::{self, Verb};
use super::observed::{Facts, Residence, Stage, VersionPolicy};
use super::routing::{Promise, Revision};
use crate::breaches::Breach;
use crate::spec::Pipeline;

/// One thing to apply.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Input {
    /// Asked for by an admin or a file.
    Command(Command, By),
    /// Happened.
    Event(Event),
    /// Was seen of a course.
    Judged(Judged),
}

/// What the analyst saw of a pipeline's course.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The pipeline.
    pub pipeline: Name,
    /// The course that it saw, by the revision that began it.
    pub course: u64,
    /// What it saw.
    pub seen: course::Seen,
}

/// Who asks, through which door, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// The token's name, or `local` where no token is asked for.
    pub actor: String,
    /// The door.
    pub source: Source,
    /// Why, in the actor's words.
    pub reason: Option<String>,
}

/// The door that a change came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The admin API (and so the command line).
    Api,
    /// The repository extension of the inference protocol.
    Protocol,
    /// A pipeline file.
    File,
    /// The embedding application.
    Embedded,
    /// The daemon itself.
    Daemon,
}

/// A change that is asked for. `expected` is the pipeline's revision that the asker has seen (`If-Match`).
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Make or replace a pipeline.
    PutPipeline {
        /// Its name.
        name: Name,
        /// What it is to be.
        pipeline: Pipeline,
        /// Whether versions that break what its callers rely on are let in: somebody insists, and says why.
        promise: Promise,
        /// Compare-and-swap.
        expected: Option<Revision>,
    },
    /// Remove a pipeline.
    DeletePipeline {
        /// Its name.
        name: Name,
        /// Compare-and-swap.
        expected: Option<Revision>,
    },
    /// Make a pipeline what it was at a revision, or before its newest change; as a new revision.
    Undo {
        /// Its name.
        name: Name,
        /// The revision whose state to bring back; without it, the state before the newest change.
        to: Option<Revision>,
        /// Compare-and-swap.
        expected: Option<Revision>,
    },
    /// Apply the definitions of pipeline files: those whose digest differs from the last applied one.
    ApplyFiles {
        /// Name, definition and digest of each.
        pipelines: Vec<(Name, Pipeline, String)>,
    },
    /// Load a model's version, or all that its policy names; also: load again one that failed, is quarantined,
    /// or whose files changed.
    Load {
        /// The model.
        model: Name,
        /// The version; all that the policy names where absent.
        version: Option<VersionNumber>,
    },
    /// Unload a model's version, or all of them.
    Unload {
        /// The model.
        model: Name,
        /// The version; all where absent.
        version: Option<VersionNumber>,
    },
    /// Tell the course of a pipeline something.
    Steer {
        /// The pipeline.
        name: Name,
        /// What.
        verb: Verb,
        /// Compare-and-swap.
        expected: Option<Revision>,
    },
    /// Let no rollout of any pipeline advance.
    Freeze {
        /// Until then, in milliseconds since 1970; until it is taken back where absent.
        until: Option<u64>,
    },
    /// Take that back.
    Unfreeze,
}

/// Something that happened to a version, or to the repository.
#[derive(Clone, Debug)]
pub enum Event {
    /// A complete version stands in the repository (or was registered by the application).
    Appeared {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
        /// The model's version policy as its files say now.
        policy: VersionPolicy,
    },
    /// The files of a version changed.
    Changed {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
        /// The model's version policy as its files say now.
        policy: VersionPolicy,
    },
    /// The files of a version are gone.
    Vanished {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
    },
    /// What a model's files say about which of its versions are to be loaded changed.
    PolicyRead {
        /// The model.
        model: Name,
        /// The policy.
        policy: VersionPolicy,
    },
    /// What a model's files say about whether its versions may be parked.
    ResidenceRead {
        /// The model.
        model: Name,
        /// Whether.
        residence: Residence,
    },
    /// The files of a version that is not in memory tell how much it would take.
    Weighed {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
        /// Bytes, estimated.
        bytes: u64,
    },
    /// A request entered a version.
    Used {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
        /// When, in monotonic milliseconds.
        at: u64,
    },
    /// Requests wait for a version that is parked.
    Demanded {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
        /// When the last of them will have given up, in monotonic milliseconds.
        until: u64,
    },
    /// A version was told to leave memory for others, and finishes what it has.
    ParkStarted {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
    },
    /// A load was begun.
    LoadStarted {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
    },
    /// A load has come to a stage.
    LoadProgressed {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
        /// The stage.
        stage: Stage,
    },
    /// A load is done: the version can answer.
    Loaded {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
        /// What is known of it.
        facts: Arc<Facts>,
    },
    /// A load failed.
    LoadFailed {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
        /// Why.
        reason: String,
    },
    /// An instance panicked or hung.
    Crashed {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
        /// Why.
        reason: String,
    },
    /// A version was told to stop and finishes what it has.
    UnloadStarted {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
    },
    /// A version has answered its last request and is gone from memory.
    Drained {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
    },
}

/// Both clocks. Decisions use the monotonic one; the wall one is for display.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since the process began.
    pub monotonic: u64,
    /// Milliseconds since 1970.
    pub wall: u64,
}

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

// === impl Source ===

impl Source {
    /// The word used in API, logs and audit.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Protocol => "protocol",
            Self::File => "file",
            Self::Embedded => "embedded",
            Self::Daemon => "daemon",
        }
    }
}

// === impl Rejection ===

fn list(breaches: &[Breach]) -> String {
    let all: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    all.join("; ")
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
            Self::UnknownRevision { .. } => "unknown-revision",
        }
    }
}

// === impl Event ===

impl Event {
    /// The model that it is about, and the version where it is about one.
    #[must_use]
    pub fn subject(&self) -> (&Name, Option<VersionNumber>) {
        match self {
            Self::PolicyRead { model, .. } | Self::ResidenceRead { model, .. } => (model, None),
            Self::Appeared { model, version, .. }
            | Self::Changed { model, version, .. }
            | Self::Vanished { model, version }
            | Self::Weighed { model, version, .. }
            | Self::Used { model, version, .. }
            | Self::Demanded { model, version, .. }
            | Self::ParkStarted { model, version }
            | Self::LoadStarted { model, version }
            | Self::LoadProgressed { model, version, .. }
            | Self::Loaded { model, version, .. }
            | Self::LoadFailed { model, version, .. }
            | Self::Crashed { model, version, .. }
            | Self::UnloadStarted { model, version }
            | Self::Drained { model, version } => (model, Some(*version)),
        }
    }
}
