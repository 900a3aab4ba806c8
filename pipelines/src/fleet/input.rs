//! What enters the state machine: commands (asked for) and events (happened).

use std::sync::Arc;

use impresario_models::{Name, VersionNumber};

use super::course::{self, Verb};
use super::observed::{Facts, Residence, Stage, VersionPolicy};
use super::routing::{Promise, Revision};
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
