//! The route table: the immutable snapshot of the fleet that requests read.
//!
//! Everything that can be looked up is looked up when the table is made; a request finds its route by name and
//! decides without a lock, a clock or an allocation.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use impresario_models::{Name, VersionNumber};

use crate::fleet::{Facts, Fleet, Keep, Phase, Revision, Seen, away, callable};

pub use crate::fleet::on_demand;
use crate::policy::Standalone;
use crate::spec::{Pipeline, Service};

/// The routes of one revision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RouteTable {
    /// The revision that it shows.
    pub revision: Revision,
    routes: HashMap<Name, Route>,
    versions: HashMap<Name, BTreeMap<VersionNumber, Standalone>>,
    targets: Vec<Target>,
}

/// What a request to one name meets.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The pipeline's name; an implicit pipeline has its model's.
    pub name: Name,
    /// What holds for every request.
    pub service: Arc<Service>,
    /// How a version is picked.
    pub policy: Resolved,
}

/// A policy, resolved against the fleet.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved {
    /// One version answers every request.
    Standalone(Standalone),
}

/// A version that can answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The model.
    pub model: Name,
    /// The version.
    pub version: VersionNumber,
    /// What is known of it.
    pub facts: Arc<Facts>,
}

/// A target's place in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TargetId(u32);

/// Who answers a request, and as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Who.
    pub target: TargetId,
    /// The variant's name, for headers and metrics.
    pub variant: &'static str,
}

/// Why nobody can answer now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unavailable {
    /// The model that is asked for.
    pub model: Name,
    /// The version, where one is meant.
    pub version: Option<VersionNumber>,
    /// Whether asking for that version loads it.
    pub on_demand: bool,
    /// The sentence for the caller.
    pub why: String,
    /// Whether it is likely to pass by itself.
    pub passing: bool,
}

/// Who answers for a pipeline, as far as the fleet's state says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The version that was asked for.
    Serving {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
    },
    /// The version from before, because the one asked for has not been ready yet.
    Kept {
        /// The version that serves.
        keep: Keep,
        /// Why the one asked for does not.
        waiting: Unavailable,
    },
    /// No version.
    Nobody(Unavailable),
}

/// Makes the table of a fleet.
#[must_use]
pub fn compile(fleet: &Fleet) -> RouteTable {
    let mut table = RouteTable {
        revision: fleet.routing.revision,
        ..RouteTable::default()
    };
    let mut ids: HashMap<(&Name, VersionNumber), TargetId> = HashMap::new();
    let (parked, crowded) = away(fleet);
    let told = |mut why: Unavailable| {
        let key = why.version.map(|version| (why.model.clone(), version));
        why.on_demand = key.as_ref().is_some_and(|key| parked.contains(key));
        if let Some((model, version)) = key.filter(|key| crowded.contains(key)) {
            why.passing = false;
            why.why = format!(
                "model '{model}' version {version} does not fit into memory beside the pinned versions \
                 (models.memory_budget)"
            );
        }
        why
    };
    for (model, version, seen) in fleet.observed.all() {
        let to = match &seen.facts {
            Some(facts) if seen.serves() => {
                let id =
                    TargetId(u32::try_from(table.targets.len()).expect("fewer versions than 2^32"));
                table.targets.push(Target {
                    model: model.clone(),
                    version,
                    facts: Arc::clone(facts),
                });
                ids.insert((model, version), id);
                Ok(id)
            }
            _ => Err(told(Unavailable::phase(model, version, seen))),
        };
        let versions = table.versions.entry(model.clone()).or_default();
        versions.insert(version, Standalone { to });
    }
    let implicit = fleet.observed.models.keys();
    let names = fleet.routing.pipelines.keys().chain(implicit);
    for name in names {
        if table.routes.contains_key(name) {
            continue;
        }
        let to = match standing(fleet, name) {
            Standing::Serving { model, version }
            | Standing::Kept {
                keep: Keep { model, version },
                ..
            } => {
                let id = ids.get(&(&model, version)).copied();
                id.ok_or_else(|| Unavailable::no_version(&model, version))
            }
            Standing::Nobody(why) => Err(told(why)),
        };
        let entry = fleet.routing.pipelines.get(name);
        let route = Route {
            name: name.clone(),
            service: entry.map_or_else(Arc::default, |e| Arc::clone(e.pipeline.service())),
            policy: Resolved::Standalone(Standalone { to }),
        };
        table.routes.insert(name.clone(), route);
    }
    table
}

/// Who answers for a pipeline, explicit or implicit.
#[must_use]
pub fn standing(fleet: &Fleet, name: &Name) -> Standing {
    let Some(entry) = fleet.routing.pipelines.get(name) else {
        return Pipeline::implicit(name.clone()).policy().standing(fleet);
    };
    let asked = entry.pipeline.policy().standing(fleet);
    match (asked, &entry.keep) {
        (Standing::Nobody(waiting), Some(keep)) => {
            let seen = |model: &Name, version| fleet.observed.version(model.as_str(), version);
            let bounded = fleet.limits.budget.is_some();
            let asked = waiting.version.and_then(|v| seen(&waiting.model, v));
            match seen(&keep.model, keep.version) {
                Some(kept) if kept.serves() => Standing::Kept {
                    keep: keep.clone(),
                    waiting,
                },
                // Both are parked, or the one asked for is broken: a request calls whichever comes.
                Some(kept) if callable(kept) && bounded && !asked.is_some_and(callable) => {
                    Standing::Nobody(Unavailable::phase(&keep.model, keep.version, kept))
                }
                _ => Standing::Nobody(waiting),
            }
        }
        (asked, _) => asked,
    }
}

/// The version that answers for a pipeline, at once or after it was called back into memory as one of those that
/// are there [`on_demand`].
#[must_use]
pub fn answering(
    fleet: &Fleet,
    name: &Name,
    parked: &BTreeSet<(Name, VersionNumber)>,
) -> Option<(Name, VersionNumber)> {
    match standing(fleet, name) {
        Standing::Nobody(why) => {
            let version = why.version?;
            let seen = fleet.observed.version(why.model.as_str(), version)?;
            let key = (why.model, version);
            (seen.stay.proven && parked.contains(&key)).then_some(key)
        }
        serving => serving.serving(),
    }
}

// === impl RouteTable ===

impl RouteTable {
    /// The route of a pipeline or model.
    #[must_use]
    pub fn route(&self, name: &str) -> Option<&Route> {
        self.routes.get(name)
    }

    /// One version of the model that a name stands for, past every policy.
    ///
    /// # Errors
    /// [`Unavailable`] when the version is there but cannot answer; nothing when there is none.
    #[must_use]
    pub fn version(
        &self,
        name: &str,
        version: VersionNumber,
    ) -> Option<Result<TargetId, &Unavailable>> {
        let versions = self.versions.get(name)?;
        Some(versions.get(&version)?.to.as_ref().copied())
    }

    /// The versions of a model, oldest first.
    pub fn versions(&self, model: &str) -> impl Iterator<Item = VersionNumber> {
        self.versions
            .get(model)
            .into_iter()
            .flat_map(|v| v.keys().copied())
    }

    /// All routes, in no order.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.values()
    }

    /// A target.
    #[must_use]
    pub fn target(&self, id: TargetId) -> &Target {
        &self.targets[id.index()]
    }

    /// All targets, in the order of their ids.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }
}

// === impl Route ===

impl Route {
    /// Who answers the next request.
    ///
    /// # Errors
    /// [`Unavailable`] saying why nobody can.
    pub fn decide(&self) -> Result<Decision, &Unavailable> {
        match &self.policy {
            Resolved::Standalone(Standalone { to }) => Ok(Decision {
                target: to.as_ref().copied()?,
                variant: "standalone",
            }),
        }
    }
}

// === impl TargetId ===

impl TargetId {
    /// Its place in [`RouteTable::targets`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

// === impl Standing ===

impl Standing {
    /// The version that answers, if any does.
    #[must_use]
    pub fn serving(self) -> Option<(Name, VersionNumber)> {
        match self {
            Self::Serving { model, version }
            | Self::Kept {
                keep: Keep { model, version },
                ..
            } => Some((model, version)),
            Self::Nobody(_) => None,
        }
    }
}

// === impl Unavailable ===

impl Unavailable {
    /// A version that is there but does not serve.
    #[must_use]
    pub fn phase(model: &Name, version: VersionNumber, seen: &Seen) -> Self {
        let trouble = seen.trouble.as_deref().unwrap_or("no reason was kept");
        let (state, passing) = match seen.phase {
            Phase::Discovered => ("is not loaded yet".to_owned(), true),
            Phase::Loading(stage) => (
                format!("is not ready: {}", Phase::Loading(stage).as_str()),
                true,
            ),
            Phase::Ready => ("is being swapped".to_owned(), true),
            Phase::Restarting { .. } => (format!("restarts after a crash: {trouble}"), true),
            Phase::Quarantined => (format!("is quarantined: {trouble}"), false),
            Phase::Draining => ("is being unloaded".to_owned(), false),
            Phase::Unloaded => ("is unloaded".to_owned(), false),
            Phase::Failed => (format!("could not be loaded: {trouble}"), false),
        };
        Self {
            model: model.clone(),
            version: Some(version),
            on_demand: false,
            why: format!("model '{model}' version {version} {state}"),
            passing,
        }
    }

    /// A model that the repository does not have (any more).
    #[must_use]
    pub fn no_model(model: &Name) -> Self {
        Self {
            model: model.clone(),
            version: None,
            on_demand: false,
            why: format!("model '{model}' is not in the repository"),
            passing: false,
        }
    }

    /// A version that the repository does not have (any more).
    #[must_use]
    pub fn no_version(model: &Name, version: VersionNumber) -> Self {
        Self {
            model: model.clone(),
            version: Some(version),
            on_demand: false,
            why: format!("model '{model}' has no version {version}"),
            passing: false,
        }
    }

    /// A model none of whose versions is to be loaded.
    #[must_use]
    pub fn none_loaded(model: &Name) -> Self {
        Self {
            model: model.clone(),
            version: None,
            on_demand: false,
            why: format!("model '{model}' has no version loaded"),
            passing: false,
        }
    }
}
