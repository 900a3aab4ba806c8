//! Policies: how a pipeline picks the version that answers. A file per policy.
//!
//! A policy is resolved against the fleet when a route table is made, and asked once per request: the first may
//! look things up, the second only reads.

mod split;
mod standalone;

pub use split::{Leg, Split};
pub use standalone::Standalone;
pub(crate) use standalone::{broken, recalled, standing};

use impresario_models::{Name, VersionNumber};

use crate::spec::{Policy, VersionSelector};

impl Policy {
    /// The models that the policy calls, with the version where it pins one.
    #[must_use]
    pub fn members(&self) -> Vec<(&Name, Option<VersionNumber>)> {
        match self {
            Self::Standalone { model, version } => vec![(model, version.number())],
            Self::Composite(composite) => vec![(&composite.model, composite.version)],
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
