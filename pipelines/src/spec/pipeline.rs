//! Compiled pipelines: what the fleet stores and route tables are made of.
//!
//! Every value here is valid by construction. Their JSON is [`v1`]'s, in both directions; how text in other
//! formats is read, and where in it a problem lies, is the business of this module's neighbours.

use std::fmt;
use std::time::Duration;

use impresario_models::name::{Name, NameError, VersionNumber};
use serde::{Deserialize, Serialize};

use super::v1;

/// What applications post to: a policy and what holds for every request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "v1::PipelineSpec", into = "v1::PipelineSpec")]
pub struct Pipeline {
    policy: Policy,
    deadline: Option<Duration>,
    description: Option<String>,
}

/// Which version answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// One version of one model answers every request.
    Standalone {
        /// The model.
        model: Name,
        /// Its version.
        version: VersionSelector,
    },
}

/// A version, or the rule that finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VersionSelector {
    /// The newest version that is ready.
    Latest,
    /// This one.
    Number(VersionNumber),
}

/// Why a written pipeline means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The model's name is none.
    #[error("policy.model: {0}")]
    Model(#[source] NameError),
    /// The version is neither a positive whole number nor `latest`.
    #[error("policy.version: expected a positive whole number or \"latest\", got {got}")]
    Version {
        /// What was written, cut where it is long.
        got: String,
    },
    /// The deadline is no duration, or beyond its range.
    #[error("deadline: expected a duration from 1ms to 1h such as \"50ms\", got {got}")]
    Deadline {
        /// What was written, cut where it is long.
        got: String,
    },
    /// The description is too long.
    #[error("description: expected at most {max} characters, got {got}", max = Pipeline::MAX_DESCRIPTION)]
    Description {
        /// Characters in it.
        got: usize,
    },
}

// === impl Pipeline ===

impl Pipeline {
    /// The longest description, in characters.
    pub const MAX_DESCRIPTION: usize = 1_024;
    /// The shortest deadline.
    pub const MIN_DEADLINE: Duration = Duration::from_millis(1);
    /// The longest deadline.
    pub const MAX_DEADLINE: Duration = Duration::from_secs(3_600);

    /// A pipeline of a policy, without a deadline or a description.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            deadline: None,
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

    /// Which version answers.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How long a request may take.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// What the pipeline is for.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }
}

impl TryFrom<v1::PipelineSpec> for Pipeline {
    type Error = SpecError;
    fn try_from(spec: v1::PipelineSpec) -> Result<Self, SpecError> {
        Ok(Self {
            policy: spec.policy.try_into()?,
            deadline: spec.deadline.as_deref().map(parse_deadline).transpose()?,
            description: spec.description.map(check_description).transpose()?,
        })
    }
}

impl From<Pipeline> for v1::PipelineSpec {
    fn from(pipeline: Pipeline) -> Self {
        Self {
            description: pipeline.description,
            deadline: pipeline
                .deadline
                .map(|d| humantime::format_duration(d).to_string()),
            policy: pipeline.policy.into(),
        }
    }
}

fn check_description(text: String) -> Result<String, SpecError> {
    let got = text.chars().count();
    if got > Pipeline::MAX_DESCRIPTION {
        return Err(SpecError::Description { got });
    }
    Ok(text)
}

fn parse_deadline(text: &str) -> Result<Duration, SpecError> {
    humantime::parse_duration(text)
        .ok()
        .filter(|d| (Pipeline::MIN_DEADLINE..=Pipeline::MAX_DEADLINE).contains(d))
        .ok_or_else(|| SpecError::Deadline { got: quote(text) })
}

/// A text in quotes, cut where it is long.
fn quote(text: &str) -> String {
    format!("{:?}", text.chars().take(40).collect::<String>())
}

// === impl Policy ===

impl TryFrom<v1::PolicySpec> for Policy {
    type Error = SpecError;
    fn try_from(spec: v1::PolicySpec) -> Result<Self, SpecError> {
        match spec {
            v1::PolicySpec::Standalone { model, version } => Ok(Self::Standalone {
                model: Name::new(&model).map_err(SpecError::Model)?,
                version: version.try_into()?,
            }),
        }
    }
}

impl From<Policy> for v1::PolicySpec {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Standalone { model, version } => Self::Standalone {
                model: model.into(),
                version: version.into(),
            },
        }
    }
}

// === impl VersionSelector ===

impl TryFrom<v1::VersionSpec> for VersionSelector {
    type Error = SpecError;
    fn try_from(spec: v1::VersionSpec) -> Result<Self, SpecError> {
        let (number, got) = match &spec {
            v1::VersionSpec::Text(text) if text == v1::VersionSpec::LATEST => {
                return Ok(Self::Latest);
            }
            v1::VersionSpec::Text(text) => (text.parse().ok(), quote(text)),
            v1::VersionSpec::Number(number) => (VersionNumber::new(*number), number.to_string()),
        };
        number.map(Self::Number).ok_or(SpecError::Version { got })
    }
}

impl From<VersionSelector> for v1::VersionSpec {
    fn from(version: VersionSelector) -> Self {
        match version {
            VersionSelector::Latest => Self::default(),
            VersionSelector::Number(number) => Self::Number(number.get()),
        }
    }
}

impl fmt::Display for VersionSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str(v1::VersionSpec::LATEST),
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
        let full = r#"{"description":"flowers","deadline":"1m 30s","policy":{"type":"standalone","model":"iris","version":3}}"#;
        assert_eq!(round(full), full);
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for (bad, why) in [
            (
                r#"{"policy":{"type":"standalone","model":"../x"}}"#,
                "policy.model",
            ),
            (
                r#"{"policy":{"type":"standalone","model":"x","version":0}}"#,
                "policy.version",
            ),
            (
                r#"{"policy":{"type":"standalone","model":"x","version":"newest"}}"#,
                "policy.version",
            ),
            (
                r#"{"policy":{"type":"standalone","model":"x"},"deadline":"0s"}"#,
                "deadline",
            ),
            (
                r#"{"policy":{"type":"standalone","model":"x","colour":1}}"#,
                "unknown field",
            ),
        ] {
            let got = round(bad);
            assert!(
                got.starts_with("error: ") && got.contains(why),
                "{bad}: {got}"
            );
        }
    }
}
