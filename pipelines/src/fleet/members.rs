//! Those that graphs call: what is known of their types, and whether they can answer.

use std::sync::Arc;

use impresario_models::Contract;

use super::Fleet;
use super::entry::contract;
use super::graphs::calls;
use super::memory::callable;
use super::observed::Phase;
use crate::graph::{self, Answer, Unknown};
use crate::spec::Composite;
use crate::spec::composite::Callee;
use crate::table;

/// What is known of those that a graph calls, for the graph's compiler.
pub(super) struct Known<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) contracts: &'a Contracts,
}

/// What those that a graph calls take and give, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Contracts(Vec<(Callee, Arc<Contract>)>);

/// Whether somebody can answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// At once, or when it is called back into memory.
    Answers,
    /// It is built again after a crash; requests wait in its queue.
    Restarts {
        until: u64,
        building: bool,
        why: String,
    },
    /// Not yet.
    Waits(String),
    /// Not by itself.
    Gone(String),
}

// === impl Known ===

impl graph::Contracts for Known<'_> {
    fn contract(&self, callee: &Callee) -> Answer {
        if let Some(contract) = self.contracts.get(callee) {
            return Answer::Known(Arc::clone(contract));
        }
        let (observed, pipelines) = (&self.fleet.observed, &self.fleet.routing.pipelines);
        let models = observed.models.keys();
        let (what, known) = match callee {
            Callee::Model { model, version } => match observed.models.get(model) {
                None => (Unknown::Model, models.map(ToString::to_string).collect()),
                Some(there)
                    if let Some(version) = version
                        && !there.versions.contains_key(version) =>
                {
                    let known = there.versions.keys().map(ToString::to_string);
                    (Unknown::Version, known.collect())
                }
                Some(_) => return Answer::NotYet,
            },
            Callee::Pipeline(name)
                if pipelines.contains_key(name) || observed.models.contains_key(name) =>
            {
                return Answer::NotYet;
            }
            Callee::Pipeline(_) => {
                let known = pipelines.keys().chain(models);
                (Unknown::Pipeline, known.map(ToString::to_string).collect())
            }
        };
        Answer::Unknown { what, known }
    }
}

impl Known<'_> {
    /// What those that a graph calls take and give now; of one that is not in memory it is what it was before.
    pub(super) fn contracts(
        fleet: &Fleet,
        spec: &Composite,
        before: Option<&Contracts>,
    ) -> Contracts {
        let mut known = Contracts::default();
        for (_, callee) in calls(spec) {
            let now = now(fleet, callee);
            let now = now.or_else(|| before.and_then(|before| before.get(callee)));
            if let Some(contract) = now.filter(|_| !known.knows(callee)) {
                known.0.push((callee.clone(), Arc::clone(contract)));
            }
        }
        known
    }
}

// === impl Contracts ===

impl Contracts {
    /// Whether it is known what somebody takes and gives.
    pub(super) fn knows(&self, callee: &Callee) -> bool {
        self.get(callee).is_some()
    }

    fn get(&self, callee: &Callee) -> Option<&Arc<Contract>> {
        let found = self.0.iter().find(|(known, _)| known == callee);
        found.map(|(_, contract)| contract)
    }
}

/// What somebody takes and gives: a version that is in memory, or for a pipeline what its callers rely on.
fn now<'a>(fleet: &'a Fleet, callee: &Callee) -> Option<&'a Arc<Contract>> {
    let models = &fleet.observed.models;
    match callee {
        Callee::Model { model, version } => {
            let there = models.get(model)?;
            let version = version.or_else(|| there.newest())?;
            contract(there.versions.get(&version)?)
        }
        Callee::Pipeline(name) => match fleet.routing.pipelines.get(name) {
            Some(entry) => entry.relied_on(fleet),
            None => {
                let there = models.get(name)?;
                contract(there.versions.get(&there.newest_serving()?)?)
            }
        },
    }
}

// === impl Standing ===

impl Standing {
    /// Whether a callee can answer. One that is parked can, where a call brings it back as any request to it would.
    pub(super) fn of(fleet: &Fleet, callee: &Callee, parkable: bool) -> Self {
        let bounded = fleet.limits.budget.is_some();
        match callee {
            Callee::Model { model, version } => {
                let versions = fleet
                    .observed
                    .models
                    .get(model)
                    .map(|known| &known.versions);
                let seen = versions.and_then(|versions| versions.get(version.as_ref()?));
                let Some(seen) = seen else {
                    return Self::Gone("is not in the repository".to_owned());
                };
                let trouble = seen.trouble.as_deref().unwrap_or("no reason was kept");
                match seen.phase {
                    Phase::Ready => Self::Answers,
                    Phase::Restarting { until, building } => Self::Restarts {
                        until,
                        building,
                        why: format!("restarts after a crash: {trouble}"),
                    },
                    Phase::Quarantined => Self::Gone(format!("is quarantined: {trouble}")),
                    Phase::Failed => Self::Gone(format!("could not be loaded: {trouble}")),
                    Phase::Discovered | Phase::Loading(_) | Phase::Draining | Phase::Unloaded
                        if parkable && bounded && callable(seen) =>
                    {
                        Self::Answers
                    }
                    Phase::Discovered | Phase::Unloaded => Self::Waits("is not loaded yet".into()),
                    Phase::Loading(_) => Self::Waits("is being made ready".to_owned()),
                    Phase::Draining => Self::Waits("is being unloaded".to_owned()),
                }
            }
            Callee::Pipeline(name)
                if !fleet.routing.pipelines.contains_key(name)
                    && !fleet.observed.models.contains_key(name) =>
            {
                Self::Gone("is not there".to_owned())
            }
            Callee::Pipeline(name) => match table::standing(fleet, name) {
                table::Standing::Serving { .. } | table::Standing::Kept { .. } => Self::Answers,
                table::Standing::Nobody(why) => {
                    let version = why.version;
                    let seen = version.and_then(|v| fleet.observed.version(why.model.as_str(), v));
                    match parkable && bounded && seen.is_some_and(callable) {
                        true => Self::Answers,
                        false => Self::Waits(format!("has nobody to answer: {}", why.why)),
                    }
                }
            },
        }
    }

    /// The same with its reason told otherwise.
    pub(super) fn told(self, told: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Waits(why) => Self::Waits(told(why)),
            Self::Gone(why) => Self::Gone(told(why)),
            Self::Restarts {
                until,
                building,
                why,
            } => Self::Restarts {
                until,
                building,
                why: told(why),
            },
            Self::Answers => self,
        }
    }

    /// The worse of two; the first one where they are as bad.
    pub(super) fn worse(self, other: Self) -> Self {
        match other.badness() > self.badness() {
            true => other,
            false => self,
        }
    }

    /// Of those that restart, the one that is built last is the worst.
    fn badness(&self) -> (u8, u64) {
        match self {
            Self::Answers => (0, 0),
            Self::Restarts { until, .. } => (1, *until),
            Self::Waits(_) => (2, 0),
            Self::Gone(_) => (3, 0),
        }
    }
}
