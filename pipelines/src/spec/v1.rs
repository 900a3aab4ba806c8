//! Version 1 of the written form: the shape in pipeline files, in the admin API and in the store.
//!
//! The doc comments of the types are the manual; as types they are how pipelines are written out. Reading goes
//! field by field instead, straight to a [`Pipeline`], because it must tell every problem and its place.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use impresario_models::name::{Name, VersionNumber};
use serde::Serialize;
use serde_json::Value;

use super::pipeline::{Pipeline, Policy, VersionSelector};
use super::read::{Field, Reader, Table, describe};
use super::service::{Key, Service};
use super::suggest::nearest;
use crate::priority::Priority;

mod terms;

/// The value of `version` that this form answers to.
pub const VERSION: u64 = 1;

/// One pipeline: what applications post to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PipelineSpec {
    /// What the pipeline is for, for people; at most 1,024 characters. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How long a request may take, a duration such as `"50ms"`, from 1 ms to 1 h; work that is older is not
    /// started. Default: none, the caller's own timeout alone counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    /// The class of requests that state none: `"high"`, `"normal"` or `"low"`. Default: `"normal"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<&'static str>,
    /// What tells one client from another: `"address"`, or `{ header = "x-user-id" }`. Default: `"address"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<KeySpec>,
    /// How many requests a client may send. Default: any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimitSpec>,
    /// Outputs, a row of each, that are answered when the deadline passes. Default: none, the answer is an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_deadline: Option<BTreeMap<String, Value>>,
    /// Which version answers. Required.
    pub policy: PolicySpec,
}

/// What tells one client from another.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeySpec {
    /// `{ header = "x-user-id" }`
    Header(String),
}

/// How many requests a client may send.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RateLimitSpec {
    /// Requests, from 1 to 1,000,000. Required.
    pub requests: u32,
    /// In so much time, from 1 ms to 1 h. Default: `"1s"`.
    pub per: String,
    /// Requests that may come at once. Default: `requests`.
    pub burst: u32,
}

/// Which version answers, chosen by `type`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum PolicySpec {
    /// One version of one model answers every request.
    Standalone {
        /// The model's name. Required.
        model: String,
        /// The version: a number, the same in quotes, or `"latest"` for the newest one that is ready.
        /// Default: `"latest"`.
        version: VersionSpec,
    },
}

/// A version as written.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum VersionSpec {
    /// `2`
    Number(u64),
    /// `"latest"`
    Text(&'static str),
}

/// The policies that this release has.
const POLICIES: [&str; 1] = ["standalone"];
/// The policies that this form has names for, and this release not yet a meaning.
const LATER: [&str; 4] = ["canary", "experiment", "bandit", "composite"];
/// How the newest ready version is written.
pub(super) const LATEST: &str = "latest";

// === reading ===

/// The pipeline that a field holds; what is wrong with it is told to the reader.
pub(super) fn pipeline(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Pipeline> {
    let mut table = field.table(reader)?;
    let description = table.get("description");
    let service = terms::Fields::of(&mut table);
    let policy = table.need("policy", reader);
    table.finish(reader);
    // Each is read before any is missed, so that all problems are told.
    let description = optional(description, |field| text(field, reader));
    let service = service.read(reader);
    let policy = policy.and_then(|field| self::policy(&field, reader));
    Some(Pipeline {
        policy: policy?,
        service: Arc::new(service?),
        contract: None,
        shadow: None,
        description: description?,
    })
}

/// Nothing where the field is absent, and `None` where it is wrong.
fn optional<'v, T>(
    field: Option<Field<'v>>,
    read: impl FnOnce(&Field<'v>) -> Option<T>,
) -> Option<Option<T>> {
    match field {
        Some(field) => read(&field).map(Some),
        None => Some(None),
    }
}

fn text(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<String> {
    let text = field.text(reader)?;
    let got = text.chars().count();
    if got > Pipeline::MAX_DESCRIPTION {
        let max = Pipeline::MAX_DESCRIPTION;
        let message = format!("expected at most {max} characters, got {got}");
        reader.error(field, "too-long", message);
        return None;
    }
    Some(text.to_owned())
}

fn policy(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Policy> {
    let mut table = field.table(reader)?;
    let kind = table.need("type", reader)?;
    let word = kind.text(reader)?;
    match word {
        "standalone" => standalone(table, reader),
        _ => {
            reader.push(unknown_policy(&kind, word, reader));
            None
        }
    }
}

fn unknown_policy(kind: &Field<'_>, word: &str, reader: &Reader<'_>) -> super::Problem {
    let available = POLICIES.join(", ");
    if LATER.contains(&word) {
        let message = format!(
            "policy type '{word}' is not available in this release; available: {available}"
        );
        return kind.problem(reader, "policy-unavailable", message);
    }
    let got = describe(&Value::from(word));
    let message = format!("unknown policy type {got}; available: {available}");
    let problem = kind.problem(reader, "unknown-policy", message);
    match nearest(word, POLICIES.into_iter().chain(LATER)) {
        Some(meant) => problem.hint(format!("did you mean '{meant}'?")),
        None => problem,
    }
}

fn standalone(mut table: Table<'_>, reader: &mut Reader<'_>) -> Option<Policy> {
    let model = table.need("model", reader);
    let version = table.get("version");
    table.finish(reader);
    let model = model.and_then(|field| name(&field, reader));
    let version = optional(version, |field| self::version(field, reader));
    Some(Policy::Standalone {
        model: model?,
        version: version?.unwrap_or(VersionSelector::Latest),
    })
}

fn name(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Name> {
    let text = field.text(reader)?;
    Name::new(text)
        .map_err(|error| reader.error(field, "invalid-name", error.to_string()))
        .ok()
}

fn version(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<VersionSelector> {
    let number = match field.value() {
        Value::String(text) if text == LATEST => return Some(VersionSelector::Latest),
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_u64().and_then(VersionNumber::new),
        _ => None,
    };
    if number.is_none() {
        let got = describe(field.value());
        let message = format!("expected a positive whole number or \"{LATEST}\", got {got}");
        reader.error(field, "invalid-version", message);
    }
    number.map(VersionSelector::Number)
}

// === writing ===

impl From<Pipeline> for PipelineSpec {
    fn from(pipeline: Pipeline) -> Self {
        let write = |deadline: Duration| humantime::format_duration(deadline).to_string();
        let service = Service::clone(&pipeline.service);
        Self {
            description: pipeline.description,
            deadline: service.deadline.map(write),
            priority: service.priority.map(Priority::as_str),
            key: match service.key {
                Key::Address => None,
                Key::Header(name) => Some(KeySpec::Header(name)),
            },
            rate_limit: service.rate_limit.map(|limit| RateLimitSpec {
                requests: limit.requests.get(),
                per: write(limit.per),
                burst: limit.burst.get(),
            }),
            on_deadline: service.on_deadline.map(|substitute| substitute.0),
            policy: pipeline.policy.into(),
        }
    }
}

impl From<Policy> for PolicySpec {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Standalone { model, version } => Self::Standalone {
                model: model.into(),
                version: version.into(),
            },
            Policy::Canary(_) | Policy::Experiment(_) | Policy::Bandit(_) => {
                unreachable!("no written form becomes one yet")
            }
        }
    }
}

impl From<VersionSelector> for VersionSpec {
    fn from(version: VersionSelector) -> Self {
        match version {
            VersionSelector::Latest => Self::Text(LATEST),
            VersionSelector::Number(number) => Self::Number(number.get()),
        }
    }
}
