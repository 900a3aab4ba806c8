//! Policies: how a pipeline picks the version that answers. A file per policy.
//!
//! A policy is resolved against the fleet when a route table is made, and asked once per request: the first may
//! look things up, the second only reads.

mod standalone;

pub use standalone::Standalone;

use impresario_models::{Name, VersionNumber};

use crate::fleet::Fleet;
use crate::spec::{Policy, VersionSelector};
use crate::table::Standing;

impl Policy {
    /// The models that the policy calls, with the version where it pins one.
    #[must_use]
    pub fn members(&self) -> Vec<(&Name, Option<VersionNumber>)> {
        match self {
            Self::Standalone { model, version } => vec![(model, version.number())],
            Self::Canary(canary) => [canary.stable, canary.canary]
                .map(|version| (&canary.model, Some(version)))
                .to_vec(),
            Self::Experiment(experiment) => {
                let arms = experiment.arms.iter().map(|(arm, _)| arm);
                arms.map(|arm| (&arm.model, Some(arm.version))).collect()
            }
            Self::Bandit(bandit) => {
                let arms = bandit.arms.iter();
                arms.map(|arm| (&arm.model, Some(arm.version))).collect()
            }
        }
    }

    /// Which version would answer now, or why none would.
    #[must_use]
    pub fn standing(&self, fleet: &Fleet) -> Standing {
        match self {
            Self::Standalone { model, version } => standalone::standing(fleet, model, *version),
            Self::Canary(canary) => pinned(fleet, &canary.model, canary.stable),
            Self::Experiment(experiment) => {
                let (arm, _) = &experiment.arms[0];
                pinned(fleet, &arm.model, arm.version)
            }
            Self::Bandit(bandit) => {
                let arm = &bandit.arms[0];
                pinned(fleet, &arm.model, arm.version)
            }
        }
    }
}

fn pinned(fleet: &Fleet, model: &Name, version: VersionNumber) -> Standing {
    standalone::standing(fleet, model, VersionSelector::Number(version))
}

impl VersionSelector {
    /// The number, where one is pinned.
    #[must_use]
    pub fn number(self) -> Option<VersionNumber> {
        match self {
            Self::Latest => None,
            Self::Number(number) => Some(number),
        }
    }
}
