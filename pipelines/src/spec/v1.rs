//! Version 1 of the written form: the shape in pipeline files, in the admin API and in the store.
//!
//! The doc comments of the types are the manual; as types they are how pipelines are written out. Reading goes
//! field by field instead, straight to a [`Pipeline`], because it must tell every problem and its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::pipeline::{Pipeline, Policy, VersionSelector};
use super::read::{Field, Part, Reader, Table, describe};
use super::service::Service;
use super::suggest::nearest;
use crate::priority::Priority;
use scalars::{name, optional, selector, text};

mod analysis;
mod arms;
mod bandit;
mod canary;
mod composite;
mod contract;
mod experiment;
mod freeze;
mod goal;
mod guardrail;
mod key;
mod scalars;
mod segment;
mod shadow;
mod steps;
mod terms;
pub(super) mod test;

pub use analysis::AnalysisSpec;
pub use arms::ArmSpec;
pub use bandit::{AlgorithmSpec, BanditSpec, RewardSpec, ThompsonSpec};
pub use canary::CanarySpec;
pub use composite::{
    CaseSpec, CompositeSpec, ConstantsSpec, NodeSpec, OfSpec, OnErrorSpec, OpSpec, RetrySpec,
    ShareSpec, TaskSpec, TermsSpec,
};
pub use contract::{ContractSpec, DimSpec, PortSpec};
pub use experiment::{ExperimentSpec, NamespaceSpec};
pub use freeze::WindowSpec;
pub use goal::GoalSpec;
pub use guardrail::GuardrailSpec;
pub use key::{KeySpec, SourceSpec};
pub use scalars::Number;
pub use segment::SegmentSpec;
pub use shadow::{ShadowSpec, ToleranceSpec};
pub use steps::{GateSpec, StepSpec};

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
    /// What tells one client from another: `"address"`, one source such as `{ header = "x-user-id" }`, or a list of
    /// them, of which the first counts that a request has something at. Default: `"address"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<KeySpec>,
    /// How many requests a client may send. Default: any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimitSpec>,
    /// Outputs, a row of each, that are answered when the deadline passes. Default: none, the answer is an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_deadline: Option<BTreeMap<String, Value>>,
    /// What the pipeline promises its callers by itself. Default: what the version that answers promises.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<ContractSpec>,
    /// A version that sees requests and answers nobody. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowSpec>,
    /// Graphs that are versions of a model of the pipeline's own name, at most 64, by their numbers: the policy and the
    /// shadow can name them. Default: none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub graphs: BTreeMap<u64, CompositeSpec>,
    /// Which version answers. Required.
    pub policy: PolicySpec,
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
    /// A version earns the traffic of another, step by step.
    Canary(CanarySpec),
    /// Versions side by side, compared by what they achieve.
    Experiment(ExperimentSpec),
    /// Versions whose shares follow what they achieve.
    Bandit(BanditSpec),
    /// A graph of models, pipelines and what joins them.
    Composite(CompositeSpec),
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
const POLICIES: [&str; 5] = ["standalone", "canary", "experiment", "bandit", "composite"];
/// How the newest ready version is written.
pub(super) const LATEST: &str = "latest";

// === reading ===

/// The pipeline that a field holds, and its name where that is known; what is wrong with it is told to the reader.
pub(super) fn pipeline(
    name: Option<&str>,
    field: &Field<'_>,
    reader: &mut Reader<'_>,
) -> Option<Pipeline> {
    let mut table = field.table(reader)?;
    let description = table.get("description");
    let service = terms::Fields::of(&mut table);
    let (contract, shadow) = (table.get("contract"), table.get("shadow"));
    let graphs = table.get("graphs");
    let policy = table.need("policy", reader);
    table.finish(reader);
    // Each is read before any is missed, so that all problems are told.
    let description = optional(description, |field| {
        text(field, reader, Pipeline::MAX_DESCRIPTION)
    });
    let service = service.read(reader);
    let contract = optional(contract, |field| contract::read(field, reader));
    let (at, stand) = (shadow.clone(), graphs.clone());
    let shadow = optional(shadow, |field| shadow::read(field, reader));
    let graphs = optional(graphs, |field| composite::graphs(name, field, reader));
    let policy = policy.and_then(|field| self::policy(name, &field, reader));
    let pipeline = Pipeline {
        policy: policy?,
        service: Arc::new(service?),
        contract: contract?.map(Arc::new),
        shadow: shadow?.map(Arc::new),
        graphs: graphs?.unwrap_or_default(),
        description: description?,
    };
    if let Some(graphs) = &stand {
        twice(&pipeline, graphs, reader);
    }
    doubts(&pipeline, field, at.as_ref(), reader);
    Some(pipeline)
}

/// Tells that the policy's own graph has the number of one beside it.
fn twice(pipeline: &Pipeline, graphs: &Field<'_>, reader: &mut Reader<'_>) {
    if let Policy::Composite(composite) = &pipeline.policy
        && let Some(version) = composite.version
        && pipeline.graphs.contains_key(&version)
    {
        let path = graphs.path().key(&version.to_string());
        let message = format!("version {version} is the policy's own graph too");
        let problem = reader.problem(&path, Part::Key, "duplicate", message);
        reader.push(problem.hint("give one of the two another number"));
    }
}

/// Warns of what can be, and is hardly meant.
fn doubts(
    pipeline: &Pipeline,
    field: &Field<'_>,
    shadow: Option<&Field<'_>>,
    reader: &mut Reader<'_>,
) {
    if let (Some(at), Some(shadow)) = (shadow, &pipeline.shadow) {
        let own = (&shadow.model, Some(shadow.version));
        let members = pipeline.policy.members();
        if members.into_iter().all(|member| member == own) {
            let message = "the shadow is the version that answers".to_owned();
            let problem = at.problem(reader, "same-version", message).warning();
            let hint = "its noise is measured by `noise` already; name another version";
            reader.push(problem.hint(hint));
        }
    }
    if let Policy::Experiment(experiment) = &pipeline.policy
        && experiment.namespace.is_some()
        && pipeline.service.key.sources().is_empty()
    {
        let message = "a namespace tells users apart, and no key says who they are".to_owned();
        let problem = field.problem(reader, "no-key", message).warning();
        let hint = "add key = { header = \"x-user-id\" }, or where else the user is named";
        reader.push(problem.hint(hint));
    }
}

fn policy(name: Option<&str>, field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Policy> {
    let mut table = field.table(reader)?;
    let kind = table.need("type", reader)?;
    let word = kind.text(reader)?;
    match word {
        "standalone" => standalone(table, reader),
        "canary" => canary::read(table, reader).map(|policy| Policy::Canary(Arc::new(policy))),
        "experiment" => {
            experiment::read(name, table, reader).map(|policy| Policy::Experiment(Arc::new(policy)))
        }
        "bandit" => {
            bandit::read(name, table, reader).map(|policy| Policy::Bandit(Arc::new(policy)))
        }
        "composite" => {
            let composite = composite::read(name, composite::Seat::Policy, table, reader);
            composite.map(|policy| Policy::Composite(Arc::new(policy)))
        }
        _ => {
            reader.push(unknown_policy(&kind, word, reader));
            None
        }
    }
}

fn unknown_policy(kind: &Field<'_>, word: &str, reader: &Reader<'_>) -> super::Problem {
    let available = POLICIES.join(", ");
    let got = describe(&Value::from(word));
    let message = format!("unknown policy type {got}; available: {available}");
    let problem = kind.problem(reader, "unknown-policy", message);
    match nearest(word, POLICIES) {
        Some(meant) => problem.hint(format!("did you mean '{meant}'?")),
        None => problem,
    }
}

fn standalone(mut table: Table<'_>, reader: &mut Reader<'_>) -> Option<Policy> {
    let model = table.need("model", reader);
    let version = table.get("version");
    table.finish(reader);
    let model = model.and_then(|field| name(&field, reader));
    let version = optional(version, |field| selector(field, reader));
    Some(Policy::Standalone {
        model: model?,
        version: version?.unwrap_or(VersionSelector::Latest),
    })
}

// === writing ===

impl From<Pipeline> for PipelineSpec {
    fn from(pipeline: Pipeline) -> Self {
        let service = Service::clone(&pipeline.service);
        Self {
            description: pipeline.description,
            deadline: service.deadline.map(scalars::duration),
            priority: service.priority.map(Priority::as_str),
            key: KeySpec::of(&service.key),
            rate_limit: service.rate_limit.map(|limit| RateLimitSpec {
                requests: limit.requests.get(),
                per: scalars::duration(limit.per),
                burst: limit.burst.get(),
            }),
            on_deadline: service.on_deadline.map(|substitute| substitute.0),
            contract: pipeline.contract.as_deref().map(ContractSpec::from),
            shadow: pipeline.shadow.as_deref().map(ShadowSpec::from),
            graphs: pipeline
                .graphs
                .iter()
                .map(|(number, graph)| (number.get(), (&**graph).into()))
                .collect(),
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
            Policy::Canary(canary) => Self::Canary((&*canary).into()),
            Policy::Experiment(experiment) => Self::Experiment((&*experiment).into()),
            Policy::Bandit(bandit) => Self::Bandit((&*bandit).into()),
            Policy::Composite(composite) => Self::Composite((&*composite).into()),
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
