//! Compiled pipelines: what the fleet stores and route tables are made of.
//!
//! Every value here is valid by construction, and only what [`v1`] reads becomes one. Their JSON is [`v1`]'s, in
//! both directions.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use impresario_models::Contract;
use impresario_models::name::{Name, VersionNumber};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::service::Service;
use super::shadow::Shadow;
use super::v1;
use super::{Bandit, Canary, Composite, Experiment};

/// What applications post to: a policy and what holds for every request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "v1::PipelineSpec")]
pub struct Pipeline {
    pub(super) policy: Policy,
    pub(super) service: Arc<Service>,
    pub(super) contract: Option<Arc<Contract>>,
    pub(super) shadow: Option<Arc<Shadow>>,
    pub(super) graphs: BTreeMap<VersionNumber, Arc<Composite>>,
    pub(super) description: Option<String>,
}

/// Which version answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Policy {
    /// One version of one model answers every request.
    Standalone {
        /// The model.
        model: Name,
        /// Its version.
        version: VersionSelector,
    },
    /// A version earns the traffic of another, step by step.
    Canary(Arc<Canary>),
    /// Versions side by side, compared by what they achieve.
    Experiment(Arc<Experiment>),
    /// Versions whose shares follow what they achieve.
    Bandit(Arc<Bandit>),
    /// A graph of models, pipelines and what joins them.
    Composite(Arc<Composite>),
}

/// A version, or the rule that finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VersionSelector {
    /// The newest version that is ready.
    Latest,
    /// This one.
    Number(VersionNumber),
}

// === impl Pipeline ===

impl Pipeline {
    /// The longest description, in characters.
    pub const MAX_DESCRIPTION: usize = 1_024;
    /// The shortest deadline.
    pub const MIN_DEADLINE: Duration = Duration::from_millis(1);
    /// The longest deadline.
    pub const MAX_DEADLINE: Duration = Duration::from_secs(3_600);

    /// The longest time that requests of a client are counted in.
    pub const MAX_RATE_TIME: Duration = Duration::from_secs(3_600);

    /// A pipeline of a policy, without terms or a description.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            service: Arc::default(),
            contract: None,
            shadow: None,
            graphs: BTreeMap::new(),
            description: None,
        }
    }

    /// The pipeline that every model has until one of its name is configured: its newest ready version answers.
    #[must_use]
    pub fn implicit(model: Name) -> Self {
        Self::new(Policy::Standalone {
            model,
            version: VersionSelector::Latest,
        })
    }

    /// The same with another policy.
    #[must_use]
    pub fn with(&self, policy: Policy) -> Self {
        Self {
            policy,
            ..self.clone()
        }
    }

    /// The same with these graphs beside the policy.
    #[must_use]
    pub fn with_graphs(self, graphs: BTreeMap<VersionNumber, Arc<Composite>>) -> Self {
        Self { graphs, ..self }
    }

    /// Which version answers.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What holds for every request.
    #[must_use]
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// What the pipeline promises its callers by itself, whatever version answers.
    #[must_use]
    pub fn contract(&self) -> Option<&Arc<Contract>> {
        self.contract.as_ref()
    }

    /// Who sees requests and answers nobody.
    #[must_use]
    pub fn shadow(&self) -> Option<&Arc<Shadow>> {
        self.shadow.as_ref()
    }

    /// Graphs that are versions of a model of the pipeline's own name, so that its policy and its shadow can name them; the
    /// one that a composite policy holds is not among them.
    #[must_use]
    pub fn graphs(&self) -> &BTreeMap<VersionNumber, Arc<Composite>> {
        &self.graphs
    }

    /// What the pipeline is for.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// SHA-256 of the canonical JSON, in hex: the same for every way of writing the same pipeline, whatever the
    /// format, the order of keys and the comments.
    #[must_use]
    pub fn digest(&self) -> String {
        // A tree's keys are sorted, which a struct's are not.
        let tree = serde_json::to_value(self).expect("strings and numbers are JSON");
        let digest = Sha256::digest(tree.to_string());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The same door as for files and requests: `serde`'s callers get all problems in one message.
impl TryFrom<Value> for Pipeline {
    type Error = String;
    fn try_from(value: Value) -> Result<Self, String> {
        super::compile::value(&value).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            lines.join("; ")
        })
    }
}

// === impl Policy ===

impl Policy {
    /// The models that may answer.
    pub fn models(&self) -> impl Iterator<Item = &Name> {
        self.members().into_iter().map(|(model, _)| model)
    }

    /// The word used in specifications, reports and metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Standalone { .. } => "standalone",
            Self::Canary(_) => "canary",
            Self::Experiment(_) => "experiment",
            Self::Bandit(_) => "bandit",
            Self::Composite(_) => "composite",
        }
    }
}

// === impl VersionSelector ===

impl fmt::Display for VersionSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str(v1::LATEST),
            Self::Number(number) => number.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &str) -> String {
        match serde_json::from_str::<Pipeline>(text) {
            Ok(pipeline) => serde_json::to_string(&pipeline).unwrap(),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn json_is_the_documented_shape_both_ways() {
        let documented = r#"{"policy":{"type":"standalone","model":"iris","version":2}}"#;
        assert_eq!(round(documented), documented);
        assert_eq!(round(&documented.replace('2', "\"2\"")), documented);
        let latest = r#"{"policy":{"type":"standalone","model":"iris","version":"latest"}}"#;
        assert_eq!(round(&latest.replace(r#","version":"latest""#, "")), latest);
        let full = r#"{"description":"flowers","deadline":"1m 30s","priority":"low","key":{"header":"x-user-id"},"rate_limit":{"requests":100,"per":"1s","burst":10},"on_deadline":{"label":[0]},"policy":{"type":"standalone","model":"iris","version":3}}"#;
        assert_eq!(round(full), full);
        let short =
            r#"{"rate_limit":{"requests":5},"policy":{"type":"standalone","model":"iris"}}"#;
        let long = r#"{"rate_limit":{"requests":5,"per":"1s","burst":5},"policy":{"type":"standalone","model":"iris","version":"latest"}}"#;
        assert_eq!(round(short), long);
    }

    #[test]
    fn what_means_nothing_is_refused_through_serde_too() {
        let text = r#"{"policy":{"type":"standalone","model":"x","version":0,"colour":1}}"#;
        let error = round(text);
        for code in ["error: ", "error[invalid-version]", "error[unknown-field]"] {
            assert!(error.contains(code), "{error}");
        }
    }

    #[test]
    fn a_digest_tells_meanings_apart_and_not_spellings() {
        let digest = |text: &str| serde_json::from_str::<Pipeline>(text).unwrap().digest();
        let one = digest(r#"{"policy":{"type":"standalone","model":"x","version":"1"}}"#);
        // Stores hold it: another one would make every file look changed.
        assert_eq!(
            one,
            "b13e1d60d2f3c32d2051e7680e2f7836fff55b3387ffb28b6d2e6c1ae96aa002"
        );
        assert_eq!(
            one,
            digest(r#"{"policy":{"version":1,"model":"x","type":"standalone"}}"#)
        );
        assert_ne!(
            one,
            digest(r#"{"policy":{"type":"standalone","model":"x","version":2}}"#)
        );
    }
}
