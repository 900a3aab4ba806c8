//! Split: several versions share the requests of a pipeline, by slot. What moves the slots is a course.

use std::sync::Arc;

use impresario_models::Name;

use crate::analysis::CANARY;
use crate::bucket::{Namespace, Slot, Slots};
use crate::fleet::{Course, Entry};
use crate::rollout::{Cause, Phase};
use crate::spec::Policy;
use crate::table::{Decision, TargetId, Unavailable, Why};
use crate::variant::Variant;

/// A split as a route table holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The course that moves it: the revision that began it.
    pub course: u64,
    /// The part of the course with these slots, versions and thresholds; evidence is kept apart by it.
    pub segment: u32,
    /// The word for the policy.
    pub kind: &'static str,
    /// Who owns which slot.
    pub slots: Slots,
    /// What keys are hashed with.
    pub seed: Arc<str>,
    /// The keys that take part; all where nothing is said.
    pub namespace: Option<Namespace>,
    /// The arms, as the slots count them; the first one answers for those that cannot.
    pub legs: Vec<Leg>,
    /// Whether the first arm answers where another failed.
    pub rescue: bool,
    /// Who answers while the first arm cannot: a canary whose promotion was undone, until the stable is back.
    pub stand_in: Option<usize>,
}

/// One arm of a split.
#[derive(Clone, Debug, PartialEq)]
pub struct Leg {
    /// Its name.
    pub variant: Variant,
    /// Who answers for it, or why nobody does.
    pub to: Result<TargetId, Unavailable>,
}

impl Split {
    /// The split of a pipeline whose course is under way or ended.
    pub(crate) fn of(name: &Name, entry: &Entry, course: &Course, legs: Vec<Leg>) -> Self {
        let policy = entry.pipeline.policy();
        let (seed, namespace, rescue) = match policy {
            Policy::Standalone { .. } | Policy::Composite(_) => (name.as_str(), None, false),
            Policy::Canary(spec) => (name.as_str(), None, spec.rescue),
            Policy::Experiment(spec) => (&*spec.seed, spec.namespace.clone(), false),
            Policy::Bandit(spec) => (&*spec.seed, None, false),
        };
        Self {
            course: course.id(),
            segment: course.segment(),
            kind: policy.kind(),
            slots: course.slots().clone(),
            seed: Arc::from(seed),
            namespace,
            legs,
            rescue,
            stand_in: match course {
                Course::Rollout(rollout) => {
                    let undone = matches!(rollout.phase, Phase::Aborting(Cause::Undone));
                    undone.then_some(CANARY)
                }
                Course::Trial(_) | Course::Learning(_) => None,
            },
        }
    }

    /// The slot of a request: that of its key, or a random one.
    #[must_use]
    pub fn slot(&self, key: Option<&str>, draw: u64) -> Slot {
        match key {
            Some(key) => crate::bucket::slot(&self.seed, key),
            None => Slot::from_draw(draw),
        }
    }

    /// Who answers a request of a slot. One of a key outside the namespace takes no part: the first arm answers.
    ///
    /// # Errors
    /// [`Unavailable`] where neither the arm nor the first one can answer.
    pub fn decide(&self, slot: Slot, key: Option<&str>) -> Result<Decision, &Unavailable> {
        let part = |namespace: &Namespace| key.is_some_and(|key| namespace.contains(key));
        if !self.namespace.as_ref().is_none_or(part) {
            return self.first(slot, Why::Outside);
        }
        let arm = self.slots.owner(slot);
        let Some(leg) = self.legs.get(arm) else {
            return self.first(slot, Why::Fallback);
        };
        match &leg.to {
            Ok(target) => Ok(Decision {
                target: *target,
                variant: leg.variant.clone(),
                arm: Some(arm),
                slot: Some(slot),
                why: Why::Slot,
            }),
            Err(why) => self.first(slot, Why::Fallback).map_err(|_| why),
        }
    }

    /// The arm that owns most slots, or the first one where that cannot answer.
    ///
    /// # Errors
    /// [`Unavailable`] where neither can.
    pub fn main(&self) -> Result<TargetId, &Unavailable> {
        let weights = self.slots.weights().iter().enumerate();
        // Of arms that own as many, the earlier one.
        let most = weights.max_by_key(|(arm, weight)| (**weight, std::cmp::Reverse(*arm)));
        let leg = most.and_then(|(arm, _)| self.legs.get(arm));
        let leg = leg.unwrap_or(&self.legs[0]);
        let or_first = |why| self.home().to.as_ref().map_err(|_| why);
        leg.to.as_ref().or_else(or_first).copied()
    }

    /// An arm by its variant's name, past the slots. What it answers is no evidence.
    ///
    /// # Errors
    /// [`Unavailable`] where it cannot answer; nothing where there is none.
    #[must_use]
    pub fn forced(&self, variant: &str) -> Option<Result<Decision, &Unavailable>> {
        let leg = self
            .legs
            .iter()
            .find(|leg| leg.variant.as_str() == variant)?;
        Some(leg.to.as_ref().map(|target| Decision {
            target: *target,
            variant: leg.variant.clone(),
            arm: None,
            slot: None,
            why: Why::Forced,
        }))
    }

    /// The first arm, for one that takes no part or whose arm cannot answer.
    ///
    /// # Errors
    /// [`Unavailable`] where it cannot answer.
    pub fn first(&self, slot: Slot, why: Why) -> Result<Decision, &Unavailable> {
        let leg = self.home();
        Ok(Decision {
            target: *leg.to.as_ref()?,
            variant: leg.variant.clone(),
            arm: None,
            slot: Some(slot),
            why,
        })
    }

    /// The first arm, or the one that answers while it cannot.
    fn home(&self) -> &Leg {
        let first = &self.legs[0];
        let stand_in = self.stand_in.and_then(|arm| self.legs.get(arm));
        let leg = stand_in.filter(|leg| first.to.is_err() && leg.to.is_ok());
        leg.unwrap_or(first)
    }
}
