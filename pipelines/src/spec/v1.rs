//! Version 1 of the written form: the shape in pipeline files, in the admin API and in the store.
//!
//! The doc comments here are the manual. These types carry text that has not been checked: what it means, and
//! whether it can, is decided when it is compiled to a [`Pipeline`](super::Pipeline).

use serde::{Deserialize, Serialize};

/// The value of `version` that this form answers to.
pub const VERSION: u64 = 1;

/// One pipeline: what applications post to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineSpec {
    /// What the pipeline is for, for people; at most 1,024 characters. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How long a request may take, a duration such as `"50ms"`, from 1 ms to 1 h; work that is older is not
    /// started. Default: none, the caller's own timeout alone counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    /// Which version answers. Required.
    pub policy: PolicySpec,
}

/// Which version answers, chosen by `type`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum PolicySpec {
    /// One version of one model answers every request.
    Standalone {
        /// The model's name. Required.
        model: String,
        /// The version: a number, the same in quotes, or `"latest"` for the newest one that is ready.
        /// Default: `"latest"`.
        #[serde(default)]
        version: VersionSpec,
    },
}

/// A version as written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum VersionSpec {
    /// `2`
    Number(u64),
    /// `"2"` or `"latest"`
    Text(String),
}

// === impl VersionSpec ===

impl VersionSpec {
    /// How the newest ready version is written.
    pub const LATEST: &'static str = "latest";
}

impl Default for VersionSpec {
    fn default() -> Self {
        Self::Text(Self::LATEST.to_owned())
    }
}
