//! A pipeline as it stands: which versions it needs, which of them answers those who take no part in anything, and as
//! what each is known.

use std::collections::BTreeMap;
use std::sync::Arc;

use impresario_models::{Contract, Name, VersionNumber};

use super::course::Course;
use super::graphs::{composites, pins};
use super::observed::Seen;
use super::routing::{Entry, Promise};
use super::{Fleet, Revision, Source};
use crate::breaches::{self, Breach, Severity};
use crate::policy;
use crate::rollout::{Cause, Phase, Rollout};
use crate::spec::canary::{Gate, Step};
use crate::spec::{Canary, Composite, Pipeline, Policy, Shadow, VersionSelector};
use crate::table::Standing;
use crate::variant::{Arm, Variant};

impl Entry {
    /// A pipeline that was just asked for.
    #[must_use]
    pub fn new(pipeline: Pipeline, revision: Revision, source: Source) -> Self {
        Self {
            pipeline,
            revision,
            source,
            keep: None,
            course: None,
            promise: Promise::default(),
        }
    }

    /// Whether a user stays with a variant, so that users are counted, and not requests.
    #[must_use]
    pub fn is_sticky(&self) -> bool {
        !self.pipeline.service().key.is_address()
    }

    /// The versions that must be able to answer, the pinned ones with their number.
    #[must_use]
    pub fn needs(&self) -> Vec<(&Name, Option<VersionNumber>)> {
        let shadow = self.pipeline.shadow();
        let shadow = shadow.map(|shadow| (&shadow.model, Some(shadow.version)));
        let mut needs = match self.course.as_deref() {
            Some(course) => {
                let legs = self.legs().into_iter().enumerate();
                let needed = legs.filter(|(arm, _)| course.needs(*arm));
                needed.map(|(_, (_, model, v))| (model, Some(v))).collect()
            }
            None => self.pipeline.policy().members(),
        };
        needs.extend(shadow);
        needs
    }

    /// The versions that must be in memory for those: of a graph, those that it pins.
    #[must_use]
    pub fn members(&self) -> Vec<(&Name, Option<VersionNumber>)> {
        let needs = self.needs().into_iter();
        needs.flat_map(|need| self.resolved(need)).collect()
    }

    /// The versions that must be in memory for the one that is kept.
    #[must_use]
    pub fn kept(&self) -> Vec<(&Name, VersionNumber)> {
        let kept = self.keep.iter();
        let kept = kept.flat_map(|keep| self.resolved((&keep.model, Some(keep.version))));
        kept.filter_map(|(model, version)| Some((model, version?)))
            .collect()
    }

    /// What must be in memory for a version. Of the newest graph it is what any of them pins: which one that is changes.
    pub(super) fn resolved<'a>(
        &'a self,
        (model, version): (&'a Name, Option<VersionNumber>),
    ) -> Vec<(&'a Name, Option<VersionNumber>)> {
        let graphs = self.graphs();
        let own = graphs.values().any(|graph| graph.model == *model);
        if !own {
            return vec![(model, version)];
        }
        let asked = graphs.into_iter();
        let asked = asked.filter(|(number, _)| version.is_none_or(|version| version == *number));
        let pins = asked.flat_map(|(_, graph)| pins(graph));
        pins.map(|(model, version)| (model, Some(version)))
            .collect()
    }

    /// The graphs that are versions of a model of the pipeline's name, the kept one included.
    #[must_use]
    pub fn graphs(&self) -> BTreeMap<VersionNumber, &Arc<Composite>> {
        let kept = self.keep.iter();
        let kept = kept.filter_map(|keep| Some((keep.version, keep.graph.as_ref()?)));
        kept.chain(composites(&self.pipeline)).collect()
    }

    /// Whether a graph is to answer, so that what it pins is in memory or comes when it is called.
    pub(super) fn asks(&self, model: &Name, version: VersionNumber) -> bool {
        let asked = |(needed, number): (&Name, Option<_>)| {
            needed == model && number.is_none_or(|number| number == version)
        };
        let kept = self.keep.as_ref();
        self.needs().into_iter().any(asked)
            || kept.is_some_and(|keep| asked((&keep.model, Some(keep.version))))
    }

    /// The version that answers callers who take no part in anything: the only one, the baseline, the stable or the
    /// canary that took its place.
    #[must_use]
    pub fn primary(&self) -> (&Name, Option<VersionNumber>) {
        match (self.pipeline.policy(), self.course.as_deref()) {
            (Policy::Standalone { model, version }, _) => (model, version.number()),
            (Policy::Composite(composite), _) => (&composite.model, composite.version),
            (Policy::Canary(spec), Some(Course::Rollout(rollout))) if promoted(rollout) => {
                (&spec.model, Some(spec.canary))
            }
            (Policy::Canary(spec), _) => (&spec.model, Some(spec.stable)),
            (Policy::Experiment(spec), _) => {
                let (arm, _) = &spec.arms[0];
                (&arm.model, Some(arm.version))
            }
            (Policy::Bandit(spec), _) => (&spec.arms[0].model, Some(spec.arms[0].version)),
        }
    }

    /// The version that answers where the primary one cannot, as it is in memory all the same: the stable that a canary took
    /// the place of, until that is for good; the canary whose promotion was undone, until the stable is back.
    fn stand_in(&self) -> Option<(&Name, VersionNumber)> {
        let (Policy::Canary(spec), Some(Course::Rollout(rollout))) =
            (self.pipeline.policy(), self.course.as_deref())
        else {
            return None;
        };
        match rollout.phase {
            Phase::Promoting | Phase::Soaking => Some((&spec.model, spec.stable)),
            Phase::Aborting(Cause::Undone) => Some((&spec.model, spec.canary)),
            Phase::Aborting(_)
            | Phase::Pending
            | Phase::Preparing
            | Phase::FailedPrepare(_)
            | Phase::Shadow(_)
            | Phase::Step(_)
            | Phase::Paused { .. }
            | Phase::Succeeded
            | Phase::RolledBack(_)
            | Phase::Superseded { .. } => None,
        }
    }

    /// What the pipeline promises by itself, unless somebody insisted that it is broken.
    #[must_use]
    pub fn promised(&self) -> Option<&Contract> {
        match self.promise {
            Promise::Kept => self.pipeline.contract().map(AsRef::as_ref),
            Promise::Waived => None,
        }
    }

    /// Whether the primary version would answer those callers now, or why it would not.
    #[must_use]
    pub fn standing(&self, fleet: &Fleet) -> Standing {
        let (model, version) = self.primary();
        let version = version.map_or(VersionSelector::Latest, VersionSelector::Number);
        policy::standing(fleet, model, version, self.promised())
    }

    /// The version that answers in the place of the primary one, where there is one that can.
    #[must_use]
    pub fn instead(&self, fleet: &Fleet) -> Option<Standing> {
        let (model, version) = self.stand_in()?;
        let version = VersionSelector::Number(version);
        let standing = policy::standing(fleet, model, version, self.promised());
        matches!(standing, Standing::Serving { .. }).then_some(standing)
    }

    /// Who sees requests and answers nobody: the shadow that the pipeline asks for, or a canary before its first callers.
    #[must_use]
    pub fn shadow(&self) -> Option<Arc<Shadow>> {
        let gate = match (self.pipeline.policy(), self.course.as_deref()) {
            (Policy::Canary(spec), Some(Course::Rollout(rollout))) => {
                gate(rollout, spec).map(|gate| (spec, gate))
            }
            _ => None,
        };
        match gate {
            Some((spec, gate)) => Some(Arc::new(Shadow {
                sample: gate.sample,
                ..Shadow::of(spec.model.clone(), spec.canary)
            })),
            None => self.pipeline.shadow().cloned(),
        }
    }

    /// The arms of a course, as its slots count them.
    #[must_use]
    pub fn legs(&self) -> Vec<(Variant, &Name, VersionNumber)> {
        let of = |arm| {
            let arm: &Arm = arm;
            (Variant::from(&arm.name), &arm.model, arm.version)
        };
        match self.pipeline.policy() {
            Policy::Standalone { .. } | Policy::Composite(_) => Vec::new(),
            Policy::Canary(spec) => vec![
                (Variant::STABLE, &spec.model, spec.stable),
                (Variant::CANARY, &spec.model, spec.canary),
            ],
            Policy::Experiment(spec) => spec.arms.iter().map(|(arm, _)| of(arm)).collect(),
            Policy::Bandit(spec) => spec.arms.iter().map(of).collect(),
        }
    }

    /// What the callers of this pipeline rely on: what it says itself, else what the version gives that is kept for them, or
    /// the primary one, be they parked. Nothing where neither is known.
    #[must_use]
    pub fn relied_on<'a>(&'a self, fleet: &'a Fleet) -> Option<&'a Arc<Contract>> {
        let known =
            |model: &Name, version| remembered(fleet.observed.version(model.as_str(), version)?);
        let kept = || {
            let keep = self.keep.as_ref()?;
            known(&keep.model, keep.version)
        };
        let primary = || {
            let (model, version) = self.primary();
            let newest = || fleet.observed.model(model.as_str())?.newest_serving();
            known(model, version.or_else(newest)?)
        };
        self.pipeline.contract().or_else(kept).or_else(primary)
    }

    /// What callers would break on, were this version to answer them; nothing where a contract is not known, or where
    /// somebody insisted.
    #[must_use]
    pub fn breaks(&self, fleet: &Fleet, model: &Name, version: VersionNumber) -> Vec<Breach> {
        let new = fleet.observed.version(model.as_str(), version);
        let new = new.and_then(remembered);
        match (self.promise, self.relied_on(fleet), new) {
            (Promise::Kept, Some(old), Some(new)) => breaking(old, new),
            _ => Vec::new(),
        }
    }
}

/// What a loaded version takes and gives.
pub(crate) fn contract(seen: &Seen) -> Option<&Arc<Contract>> {
    seen.facts.as_ref().map(|facts| &facts.contract)
}

/// What a version takes and gives that is loaded, or was with the same files before it was parked.
pub(crate) fn remembered(seen: &Seen) -> Option<&Arc<Contract>> {
    let facts = seen.facts.as_ref().or(seen.stay.proven.as_ref());
    facts.map(|facts| &facts.contract)
}

/// What callers of one contract break on with another.
pub(crate) fn breaking(old: &Contract, new: &Contract) -> Vec<Breach> {
    let mut all = breaches::breaches(old, new);
    all.retain(|breach| breach.severity == Severity::Breaking);
    all
}

/// Whether the canary has all of the traffic, so that it is what callers rely on.
fn promoted(rollout: &Rollout) -> bool {
    match rollout.phase {
        Phase::Promoting | Phase::Soaking | Phase::Succeeded => true,
        Phase::Pending
        | Phase::Preparing
        | Phase::FailedPrepare(_)
        | Phase::Shadow(_)
        | Phase::Step(_)
        | Phase::Paused { .. }
        | Phase::Aborting(_)
        | Phase::RolledBack(_)
        | Phase::Superseded { .. } => false,
    }
}

/// What the shadow of a canary must show now.
fn gate<'s>(rollout: &Rollout, spec: &'s Canary) -> Option<&'s Gate> {
    match (&rollout.phase, rollout.current(spec)) {
        (Phase::Shadow(_), Some(Step::Shadow(gate))) => Some(gate),
        _ => None,
    }
}
