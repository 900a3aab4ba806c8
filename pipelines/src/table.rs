//! The route table: the immutable snapshot of the fleet that requests read.
//!
//! Everything that can be looked up is looked up when the table is made; a request finds its route by name and
//! decides without a lock, a clock or an allocation.

mod compile;

use std::collections::BTreeMap;
use std::sync::Arc;

use impresario_models::{ByName, Name, VersionNumber};

use crate::breaches::Breach;
use crate::bucket::Slot;
use crate::fleet::{Facts, Keep, Phase, Revision, Seen, callable};

pub use crate::fleet::on_demand;
use crate::policy::Split;
use crate::policy::Standalone;
use crate::spec::{Service, Shadow};
use crate::variant::Variant;
pub(crate) use compile::refused;
pub use compile::{answering, compile, standing};

/// The routes of one revision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RouteTable {
    /// The revision that it shows.
    pub revision: Revision,
    routes: ByName<Route>,
    versions: ByName<BTreeMap<VersionNumber, Standalone>>,
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
    /// Who sees requests and answers nobody.
    pub shadow: Option<Shadowing>,
}

/// A version that sees requests and answers nobody.
#[derive(Clone, Debug, PartialEq)]
pub struct Shadowing {
    /// The version, or why it cannot answer.
    pub to: Result<TargetId, Unavailable>,
    /// How it sees them.
    pub spec: Arc<Shadow>,
}

/// A policy, resolved against the fleet.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved {
    /// One version answers every request.
    Standalone(Standalone),
    /// Several versions share them.
    Split(Arc<Split>),
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

/// Who answers a request, as what, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Who.
    pub target: TargetId,
    /// The variant's name, for headers and metrics.
    pub variant: Variant,
    /// The arm that the answer is evidence for; none where it is for none.
    pub arm: Option<usize>,
    /// The slot that decided, where one did.
    pub slot: Option<Slot>,
    /// Why it is this one.
    pub why: Why,
}

/// Why a request is answered by the one that answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// There is only one.
    Only,
    /// Its slot belongs to the arm.
    Slot,
    /// The request asked for the variant.
    Forced,
    /// The request asked for the version.
    Direct,
    /// The arm of its slot cannot answer, so the first one does.
    Fallback,
    /// Its key takes no part in the experiment, so the first arm answers.
    Outside,
    /// The arm of its slot fails in a row and was cut off before the supervisor knew.
    Tripped,
}

/// Why nobody can answer now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unavailable {
    /// The model that is asked for.
    pub model: Name,
    /// The version, where one is meant.
    pub version: Option<VersionNumber>,
    /// Whether asking for that version loads it. What a table says is so; what a [`Standing`] says is so only of the versions
    /// that are there [`on_demand`].
    pub on_demand: bool,
    /// The sentence for the caller.
    pub why: String,
    /// Whether it is likely to pass by itself.
    pub passing: bool,
}

/// Who answers for a pipeline, as far as the fleet's state says.
#[derive(Clone, Debug, PartialEq)]
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
    /// Who answers the next request: that of its key, where it has one, or of a uniform draw.
    ///
    /// # Errors
    /// [`Unavailable`] saying why nobody can.
    pub fn decide(&self, key: Option<&str>, draw: u64) -> Result<Decision, &Unavailable> {
        match &self.policy {
            Resolved::Standalone(Standalone { to }) => Ok(Decision {
                target: to.as_ref().copied()?,
                variant: Variant::STANDALONE,
                arm: None,
                slot: None,
                why: Why::Only,
            }),
            Resolved::Split(split) => split.decide(split.slot(key, draw), key),
        }
    }

    /// Who answers most requests.
    ///
    /// # Errors
    /// [`Unavailable`] saying why nobody can.
    pub fn main(&self) -> Result<TargetId, &Unavailable> {
        match &self.policy {
            Resolved::Standalone(Standalone { to }) => to.as_ref().copied(),
            Resolved::Split(split) => split.main(),
        }
    }

    /// As what a target answers most requests.
    #[must_use]
    pub fn variant(&self, target: TargetId) -> Variant {
        let found = self.variants().find(|(_, id)| *id == target);
        found.map_or(Variant::STANDALONE, |(variant, _)| variant)
    }

    /// Everybody who can answer, with the variant that they answer as, the one that answers for others first.
    pub fn variants(&self) -> impl Iterator<Item = (Variant, TargetId)> {
        let (one, legs) = match &self.policy {
            Resolved::Standalone(one) => (Some((Variant::STANDALONE, &one.to)), None),
            Resolved::Split(split) => (None, Some(split.legs.iter())),
        };
        let legs = legs.into_iter().flatten();
        let legs = legs.map(|leg| (leg.variant.clone(), &leg.to));
        let all = one.into_iter().chain(legs);
        all.filter_map(|(variant, to)| Some((variant, to.as_ref().copied().ok()?)))
    }

    /// Everybody who may answer, the one that answers for others first.
    pub fn targets(&self) -> impl Iterator<Item = Result<TargetId, &Unavailable>> {
        let (one, legs) = match &self.policy {
            Resolved::Standalone(one) => (Some(&one.to), None),
            Resolved::Split(split) => (None, Some(split.legs.iter().map(|leg| &leg.to))),
        };
        let all = one.into_iter().chain(legs.into_iter().flatten());
        all.map(|to| to.as_ref().copied())
    }
}

// === impl Why ===

impl Why {
    /// The word used in explanations.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Only => "only",
            Self::Slot => "slot",
            Self::Forced => "forced",
            Self::Direct => "direct",
            Self::Fallback => "fallback",
            Self::Outside => "outside",
            Self::Tripped => "tripped",
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
                keep: Keep { model, version, .. },
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
        if let Some(waits) = &seen.waits {
            let passing = seen.phase != Phase::Failed;
            let why = format!("model '{model}' version {version} cannot answer: {waits}");
            return Self {
                passing,
                ..Self::because(model, version, why)
            };
        }
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
            on_demand: callable(seen),
            why: format!("model '{model}' version {version} {state}"),
            passing,
        }
    }

    /// A version that could answer but is not let to.
    #[must_use]
    pub fn because(model: &Name, version: VersionNumber, why: String) -> Self {
        Self {
            model: model.clone(),
            version: Some(version),
            on_demand: false,
            why,
            passing: false,
        }
    }

    /// A version that is not let to answer, because it breaks what callers rely on.
    #[must_use]
    pub fn breaks(model: &Name, version: VersionNumber, breach: &Breach) -> Self {
        let why = format!(
            "model '{model}' version {version} breaks what callers rely on: {breach}; put the pipeline again, insisting, \
             where they know"
        );
        Self::because(model, version, why)
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
