//! Models and versions: what is desired, what is observed, and the contract as the inference protocol shows it.

use std::collections::BTreeMap;
use std::sync::Arc;

use impresario_models::contract::{Batching, Contract, Dim, NonFinite, Port};
use impresario_models::{Name, VersionNumber};
use impresario_pipelines::fleet::{Now, Phase, Reload, Seen, VersionPolicy};
use serde::Serialize;
use utoipa::ToSchema;

use crate::actors::{Handle, Snapshot};

/// All models.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Models)]
pub struct ModelsV1 {
    /// In the order of names.
    pub models: Vec<ModelV1>,
}

/// A model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Model)]
pub struct ModelV1 {
    /// Its name.
    pub name: String,
    /// Which versions its files ask to be loaded.
    #[schema(example = "latest 1")]
    pub version_policy: String,
    /// What admins said about loading, over that.
    pub intent: Option<IntentV1>,
    /// Oldest first.
    pub versions: Vec<VersionV1>,
}

/// What admins said about loading.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Intent)]
pub struct IntentV1 {
    /// No version is to be loaded, whatever appears.
    pub unloaded: bool,
    /// Single versions: to be loaded or not.
    pub versions: BTreeMap<String, bool>,
}

/// A version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Version)]
pub struct VersionV1 {
    /// Its number.
    pub version: u64,
    /// Where it is in its life: `discovered`, `loading`, `golden`, `warming`, `ready`, `restarting`,
    /// `quarantined`, `draining`, `unloaded`, `failed`, or `parked`: not in memory until it is asked for.
    #[schema(example = "ready")]
    pub phase: &'static str,
    /// Whether requests may be sent to it.
    pub serves: bool,
    /// Whether its files are there.
    pub present: bool,
    /// Whether its files changed after they were loaded.
    pub files_changed: bool,
    /// Whether it is loaded again while it serves.
    pub reloading: bool,
    /// The engine that runs it.
    pub engine: Option<String>,
    /// SHA-256 of its files, in hexadecimal.
    pub digest: Option<String>,
    /// Estimated resident memory, in bytes.
    pub memory: Option<u64>,
    /// Running copies.
    pub instances: Option<usize>,
    /// Requests that wait now.
    pub queue: Option<usize>,
    /// How long loading took, in milliseconds.
    pub load_ms: Option<u64>,
    /// Golden examples that came out right.
    pub golden: Option<usize>,
    /// How often it left memory for others.
    pub parked: u64,
    /// How often it was loaded because requests waited for it.
    pub recalled: u64,
    /// Crashes lately.
    pub crashes: usize,
    /// While it waits for its restart: how long still, in milliseconds.
    pub restart_in_ms: Option<u64>,
    /// The newest trouble.
    pub reason: Option<String>,
}

/// A version with its contract.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VersionDetail)]
pub struct VersionDetailV1 {
    /// The model.
    pub model: String,
    /// What is observed.
    #[serde(flatten)]
    pub seen: VersionV1,
    /// What it takes and gives; known once it was loaded.
    pub contract: Option<ContractV1>,
    /// Its limits; known while it is loaded.
    pub limits: Option<LimitsV1>,
}

/// What a load or unload came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LoadReport)]
pub struct LoadReportV1 {
    /// The model.
    pub model: String,
    /// The fleet's revision after the command.
    pub revision: u64,
    /// Whether nothing is left to wait for.
    pub done: bool,
    /// The versions that were asked for.
    pub versions: Vec<VersionV1>,
}

/// What a version takes and gives.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contract)]
pub struct ContractV1 {
    /// The inputs.
    pub inputs: Vec<PortV1>,
    /// The outputs.
    pub outputs: Vec<PortV1>,
    /// Whether rows of several requests may be joined.
    pub batching: bool,
    /// The most rows of one request, where it is limited.
    pub max_rows: Option<usize>,
}

/// An input or output.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Port)]
pub struct PortV1 {
    /// Its name.
    pub name: String,
    /// Its datatype, as the inference protocol calls it.
    #[schema(example = "FP32")]
    pub datatype: String,
    /// The sizes of its axes; -1 for a free one.
    #[schema(example = json!([-1, 4]))]
    pub shape: Vec<i64>,
    /// The closed interval that every number must lie in.
    #[schema(value_type = Option<Vec<f64>>)]
    pub range: Option<(f64, f64)>,
    /// The only values allowed.
    pub categories: Option<Vec<String>>,
    /// Whether NaN and infinities may pass.
    pub non_finite: bool,
    /// Labels of the last axis.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// The limits of a loaded version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limits)]
pub struct LimitsV1 {
    /// Running copies.
    pub instances: usize,
    /// How long one computation may take before its instance counts as hung, in milliseconds.
    pub timeout_ms: u64,
}

// === impl ModelV1 ===

impl ModelV1 {
    /// Every model of a snapshot.
    #[must_use]
    pub fn all(snapshot: &Snapshot, now: Now) -> Vec<Self> {
        let names = snapshot.fleet.observed.models.keys();
        names
            .filter_map(|name| Self::of(snapshot, name, now))
            .collect()
    }

    /// A model, if there is one of the name.
    #[must_use]
    pub fn of(snapshot: &Snapshot, name: &Name, now: Now) -> Option<Self> {
        let fleet = &snapshot.fleet;
        let model = fleet.observed.models.get(name)?;
        let versions = model.versions.iter();
        Some(Self {
            name: name.to_string(),
            version_policy: match &model.policy {
                VersionPolicy::Latest(n) => format!("latest {n}"),
                VersionPolicy::All => "all".to_owned(),
                VersionPolicy::Listed(list) => {
                    let list: Vec<_> = list.iter().map(ToString::to_string).collect();
                    format!("only {}", list.join(", "))
                }
            },
            intent: fleet.routing.intents.get(name).map(|intent| IntentV1 {
                unloaded: intent.unloaded,
                versions: intent
                    .versions
                    .iter()
                    .map(|(v, load)| (v.to_string(), *load))
                    .collect(),
            }),
            versions: versions
                .map(|(version, seen)| VersionV1::of(snapshot, name, *version, seen, now))
                .collect(),
        })
    }
}

// === impl VersionV1 ===

impl VersionV1 {
    fn of(
        snapshot: &Snapshot,
        model: &Name,
        version: VersionNumber,
        seen: &Seen,
        now: Now,
    ) -> Self {
        let handle = handle(snapshot, model, version);
        let phase = snapshot.phase(model, version, seen);
        let facts = seen.facts.as_deref();
        Self {
            version: version.get(),
            phase,
            serves: seen.serves(),
            present: seen.present,
            files_changed: seen.changed,
            reloading: seen.reload != Reload::None,
            engine: facts.map(|facts| facts.engine.clone()),
            digest: facts
                .map(|facts| facts.digest.clone())
                .filter(|digest| !digest.is_empty()),
            memory: facts.map(|facts| facts.memory),
            instances: facts.map(|facts| facts.instances),
            queue: handle.map(|handle| handle.waiting()),
            load_ms: facts.map(|facts| facts.load_ms),
            golden: facts.map(|facts| facts.golden),
            parked: seen.stay.parked,
            recalled: seen.stay.recalled,
            crashes: seen.crashes.len(),
            restart_in_ms: match seen.phase {
                Phase::Restarting { until, .. } => Some(until.saturating_sub(now.monotonic)),
                Phase::Discovered
                | Phase::Loading(_)
                | Phase::Ready
                | Phase::Quarantined
                | Phase::Draining
                | Phase::Unloaded
                | Phase::Failed => None,
            },
            reason: seen.trouble.clone(),
        }
    }
}

impl VersionDetailV1 {
    /// A version, if there is one of the number.
    #[must_use]
    pub fn of(snapshot: &Snapshot, model: &Name, version: VersionNumber, now: Now) -> Option<Self> {
        let seen = snapshot.fleet.observed.version(model.as_str(), version)?;
        let handle = handle(snapshot, model, version);
        Some(Self {
            model: model.to_string(),
            seen: VersionV1::of(snapshot, model, version, seen, now),
            contract: seen
                .facts
                .as_deref()
                .map(|facts| ContractV1::from(&*facts.contract)),
            limits: handle.map(|handle| LimitsV1 {
                instances: handle.facts.instances,
                timeout_ms: u64::try_from(handle.timeout.as_millis()).unwrap_or(u64::MAX),
            }),
        })
    }
}

fn handle<'a>(
    snapshot: &'a Snapshot,
    model: &Name,
    version: VersionNumber,
) -> Option<&'a Arc<Handle>> {
    let target = snapshot.table.version(model.as_str(), version)?.ok()?;
    Some(snapshot.handle(target))
}

// === impl ContractV1 ===

impl From<&Contract> for ContractV1 {
    fn from(contract: &Contract) -> Self {
        Self {
            inputs: contract.inputs.iter().map(PortV1::from).collect(),
            outputs: contract.outputs.iter().map(PortV1::from).collect(),
            batching: matches!(contract.batching, Batching::FirstAxis { .. }),
            max_rows: contract.max_rows(),
        }
    }
}

impl From<&Port> for PortV1 {
    fn from(port: &Port) -> Self {
        let size = |dim: &Dim| match dim {
            Dim::Fixed(size) => i64::try_from(*size).unwrap_or(i64::MAX),
            Dim::Free(_) => -1,
        };
        Self {
            name: port.name.to_string(),
            datatype: port.datatype.to_string(),
            shape: port.shape.iter().map(size).collect(),
            range: port.range,
            categories: port.categories.as_deref().map(<[String]>::to_vec),
            non_finite: port.non_finite == NonFinite::Allowed,
            labels: port.labels.to_vec(),
        }
    }
}
