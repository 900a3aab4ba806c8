//! The unstored half of the fleet: what is seen of each version, from its files to its instances.

use std::collections::BTreeMap;
use std::sync::Arc;

use impresario_models::{Contract, Name, VersionNumber};

use super::graphs::Graphs;
use crate::graph::Graph;

/// What is seen of the models.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Those of the repository, by name.
    pub models: BTreeMap<Name, Model>,
    /// The graphs of pipelines, each of them a version of a model of its pipeline's name.
    pub graphs: Graphs,
}

/// What is seen of one model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// Which versions its files ask to be loaded.
    pub policy: VersionPolicy,
    /// Whether they may be parked where memory is short.
    pub residence: Residence,
    /// Its versions, those in memory whose files are gone included.
    pub versions: BTreeMap<VersionNumber, Seen>,
}

/// Which versions of a model are loaded when nobody says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionPolicy {
    /// The newest so many.
    Latest(usize),
    /// Every one.
    All,
    /// Exactly these.
    Listed(Vec<VersionNumber>),
}

/// Whether a model's versions may leave memory while they are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Residence {
    /// They may, where memory is short; the next request loads them again.
    #[default]
    Parkable,
    /// They may not.
    Pinned,
}

/// What is seen of one version.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Where it is in its life.
    pub phase: Phase,
    /// Whether its files are there (or the application registered it).
    pub present: bool,
    /// Whether its files changed after they were loaded.
    pub changed: bool,
    /// A second load of a version that goes on serving meanwhile.
    pub reload: Reload,
    /// What is known of it since it was loaded.
    pub facts: Option<Arc<Facts>>,
    /// When its instances crashed, in monotonic milliseconds, oldest first; old ones are forgotten.
    pub crashes: Vec<u64>,
    /// How often it was built again after a crash, since the daemon began.
    pub restarts: u64,
    /// The newest trouble: why it failed, crashed, or could not be loaded again.
    pub trouble: Option<String>,
    /// What a graph waits for until it can answer.
    pub waits: Option<String>,
    /// What decides whether it stays in memory, where memory is bounded.
    pub stay: Stay,
}

/// What decides whether a version stays in memory, where memory is bounded. Times are monotonic milliseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stay {
    /// Bytes that it takes, or is estimated to take; unknown counts as none.
    pub bytes: Option<u64>,
    /// When a request last entered it.
    pub used: u64,
    /// When it became ready.
    pub since: u64,
    /// Requests wait for it.
    pub demand: Option<Demand>,
    /// What it was when it was ready with these files, unless it was unloaded since, or somebody asked for that while it was
    /// parked: a version that was ready is chosen by requests although it is parked.
    pub proven: Option<Arc<Facts>>,
    /// It was parked, and not unloaded, and nobody asked for that: it answers again where none of those comes that are to be
    /// there instead.
    pub returns: bool,
    /// How often it was parked.
    pub parked: u64,
    /// How often it was loaded because requests waited for it.
    pub recalled: u64,
}

/// Requests that wait for a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// When the first of them came, in monotonic milliseconds.
    pub since: u64,
    /// When the last of them will have given up.
    pub until: u64,
}

/// Where a version is in its life.
///
/// ```text
/// Discovered ─► Loading(Reading ─► Golden ─► Warming) ─► Ready ─► Draining ─► Unloaded ─► Loading …
///                  │                                      │ crash
///                  └────► Failed ◄── load fails ─────── Restarting ─► (load) ─► Ready
///                                                          │ too often
///                                                          └─► Quarantined
/// ```
/// `Failed` and `Quarantined` are left by an admin's load or by changed files; a quarantined version is not in
/// memory. A load that fails after its files changed again begins anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its files are complete.
    Discovered,
    /// It is being made ready.
    Loading(Stage),
    /// It answers.
    Ready,
    /// An instance crashed; it is built again at `until` (monotonic milliseconds), or is being built.
    Restarting {
        /// When.
        until: u64,
        /// Whether the build has begun.
        building: bool,
    },
    /// It crashed too often and is left alone.
    Quarantined,
    /// It finishes what it has.
    Draining,
    /// It is not in memory.
    Unloaded,
    /// It could not be made ready.
    Failed,
}

/// How far a load is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The engine reads the files.
    Reading,
    /// The golden examples run.
    Golden,
    /// First inferences, so that the first caller does not pay for them.
    Warming,
}

/// A second load of a version that is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reload {
    /// None.
    #[default]
    None,
    /// Asked for.
    Wanted,
    /// Under way.
    Loading,
}

/// What is known of a loaded version.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// What it takes and gives.
    pub contract: Arc<Contract>,
    /// The engine that runs it.
    pub engine: String,
    /// SHA-256 of its files, in hexadecimal; empty for a version that the application registered.
    pub digest: String,
    /// Estimated resident memory in bytes.
    pub memory: u64,
    /// How long one computation may take before its instance counts as hung, in milliseconds.
    pub timeout: u64,
    /// Running copies.
    pub instances: usize,
    /// How long loading took, in milliseconds.
    pub load_ms: u64,
    /// Golden examples that came out right.
    pub golden: usize,
    /// What is walked instead of a model, where it is a graph. Nothing of it is in memory, and it has no running copy.
    pub graph: Option<Arc<Graph>>,
}

// === impl Observed ===

impl Observed {
    /// What is seen of a model: that of the repository, or the one that a pipeline's graphs are versions of, which hides
    /// the other.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.graphs.model(name).or_else(|| self.models.get(name))
    }

    /// What is seen of a version, be it a graph.
    #[must_use]
    pub fn version(&self, model: &str, version: VersionNumber) -> Option<&Seen> {
        self.model(model)?.versions.get(&version)
    }

    /// The models of the repository that no pipeline's graphs hide.
    pub fn stored(&self) -> impl Iterator<Item = (&Name, &Model)> {
        let models = self.models.iter();
        models.filter(|(name, _)| self.graphs.model(name.as_str()).is_none())
    }

    /// Every version of these models: what is loaded and unloaded.
    pub fn all(&self) -> impl Iterator<Item = (&Name, VersionNumber, &Seen)> {
        self.stored().flat_map(|(name, model)| model.all(name))
    }
}

// === impl Model ===

impl Model {
    /// Its versions, under its name.
    pub(super) fn all<'a>(
        &'a self,
        name: &'a Name,
    ) -> impl Iterator<Item = (&'a Name, VersionNumber, &'a Seen)> {
        let versions = self.versions.iter();
        versions.map(move |(version, seen)| (name, *version, seen))
    }

    /// The newest version whose files are there, of those that may be made ready where there are any.
    pub(super) fn newest(&self) -> Option<VersionNumber> {
        let present = || self.versions.iter().rev().filter(|(_, seen)| seen.present);
        let mut sound =
            present().filter(|(_, seen)| !matches!(seen.phase, Phase::Failed | Phase::Quarantined));
        let newest = sound.next().or_else(|| present().next());
        newest.map(|(version, _)| *version)
    }

    /// The newest version that can answer.
    #[must_use]
    pub fn newest_serving(&self) -> Option<VersionNumber> {
        let serving = |(_, seen): &(&VersionNumber, &Seen)| seen.serves();
        self.versions.iter().rev().find(serving).map(|(v, _)| *v)
    }

    /// The versions there are, for a message.
    #[must_use]
    pub fn known(&self) -> String {
        let present = self.versions.iter().filter(|(_, seen)| seen.present);
        let list: Vec<_> = present.map(|(v, _)| v.to_string()).collect();
        if list.is_empty() {
            "none".into()
        } else {
            list.join(", ")
        }
    }
}

impl Default for VersionPolicy {
    /// The newest one, as in Triton.
    fn default() -> Self {
        Self::Latest(1)
    }
}

// === impl Seen ===

impl Seen {
    /// A version whose files were just found complete.
    #[must_use]
    pub fn discovered() -> Self {
        Self {
            phase: Phase::Discovered,
            present: true,
            changed: false,
            reload: Reload::None,
            facts: None,
            crashes: Vec::new(),
            restarts: 0,
            trouble: None,
            waits: None,
            stay: Stay::default(),
        }
    }

    /// Bytes that it takes in memory, or would take.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let loaded = self.facts.as_ref().map(|facts| facts.memory);
        loaded.or(self.stay.bytes).unwrap_or(0)
    }

    /// Whether requests wait for it now.
    #[must_use]
    pub fn demanded(&self, now: u64) -> bool {
        self.stay.demand.is_some_and(|demand| demand.until > now)
    }

    /// Whether requests may be sent to it. While it restarts for the first time its queue holds them; a
    /// version that keeps crashing refuses them at its own door, with the time to come back.
    #[must_use]
    pub fn serves(&self) -> bool {
        matches!(self.phase, Phase::Ready | Phase::Restarting { .. }) && self.facts.is_some()
    }

    /// Whether it answers or is built again: it is not out of memory, nor on its way in or out.
    pub(super) fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Ready | Phase::Restarting { .. })
    }

    /// Whether it takes memory, so that an unload has something to do.
    #[must_use]
    pub fn resident(&self) -> bool {
        matches!(
            self.phase,
            Phase::Ready | Phase::Restarting { .. } | Phase::Draining
        )
    }
}

// === impl Stay ===

impl Stay {
    /// Nobody needs it, so it does not come back by itself: wanted again, it is made ready like any other.
    pub(super) fn forget(&mut self) {
        self.proven = None;
        self.returns = false;
    }
}

// === impl Phase ===

impl Phase {
    /// The word used in API, logs and metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Discovered => "discovered",
            Self::Loading(Stage::Reading) => "loading",
            Self::Loading(Stage::Golden) => "golden",
            Self::Loading(Stage::Warming) => "warming",
            Self::Ready => "ready",
            Self::Restarting { .. } => "restarting",
            Self::Quarantined => "quarantined",
            Self::Draining => "draining",
            Self::Unloaded => "unloaded",
            Self::Failed => "failed",
        }
    }
}
