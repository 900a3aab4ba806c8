//! The counters as they are: cumulative since the daemon began, for programs that compute their own rates and quantiles.

use std::collections::BTreeMap;

use impresario_models::Name;
use serde::Serialize;
use utoipa::ToSchema;

use crate::measure::{Counts, Fared, GraphKey, Key, NodeTotals, Outcome, Totals};

/// Everything that is counted, cumulative since the daemon began: a rate is the difference of two answers over that of their
/// times, and a `started` that differs says that all counts began anew between them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Counters)]
pub struct CountersV1 {
    /// When it was read, in milliseconds since 1970.
    pub at: u64,
    /// When the daemon began, in milliseconds since 1970.
    pub started: u64,
    /// By pipeline, variant, model and version; those that nobody asked are left out.
    pub cells: Vec<CellV1>,
    /// Requests that found no version to answer them, by pipeline.
    pub lost: Vec<LostV1>,
    /// The nodes of graphs; those that nobody came to are left out.
    pub nodes: Vec<NodeV1>,
}

/// What one version counted as one variant of a pipeline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CounterCell)]
pub struct CellV1 {
    /// The pipeline that was asked.
    #[schema(example = "fraud")]
    pub pipeline: String,
    /// As what the version answered.
    #[schema(example = "canary")]
    pub variant: String,
    /// The model that answered.
    pub model: String,
    /// Its version.
    pub version: u64,
    /// Requests by how they ended, without those that did not happen: `success`, `refused`, `overloaded`, `unavailable`,
    /// `limited`, `expired`, `abandoned`, `failed` and `crashed`.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Rows inferred.
    pub rows: u64,
    /// Calls of the engine; rows over calls is the mean size of a batch.
    pub executions: u64,
    /// From the decision to the answer, of all requests.
    pub request: SketchV1,
    /// In the queue, of requests that were computed.
    pub queue: SketchV1,
    /// In the engine, of requests that were computed.
    pub compute: SketchV1,
    /// Reading the request and writing the answer, of requests that were answered.
    pub codec: SketchV1,
    /// Requests that the response cache answered.
    pub hits: u64,
    /// Requests that it could not answer.
    pub misses: u64,
}

/// Requests of a pipeline that found no version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CounterLost)]
pub struct LostV1 {
    /// The pipeline that was asked.
    pub pipeline: String,
    /// Requests by how they ended, without those that did not happen.
    pub outcomes: BTreeMap<&'static str, u64>,
}

/// What was counted of a node of a graph, whichever pipeline was asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CounterNode)]
pub struct NodeV1 {
    /// The graph.
    pub model: String,
    /// Its version.
    pub version: u64,
    /// The node's name.
    pub node: String,
    /// Calls by how they ended, each attempt for itself; none of nodes that call nobody.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Rows by how they fared, without the ways that none did: `answered`, `skipped`, `fell_back` and `defaulted`.
    pub rows: BTreeMap<&'static str, u64>,
    /// How long its calls took.
    pub took: SketchV1,
}

/// Durations, counted in buckets that grow by 4.4 %: an exponential histogram of scale 4.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sketch)]
pub struct SketchV1 {
    /// How many.
    pub count: u64,
    /// Their sum, in nanoseconds.
    pub nanos: u64,
    /// Pairs of an index and a count, in order, without the empty ones. Bucket `i` holds what took longer than 2^(i/16)
    /// seconds and at most 2^((i+1)/16).
    #[schema(value_type = Vec<Vec<i64>>, example = json!([[-161, 12], [-160, 3]]))]
    pub buckets: Vec<(i32, u64)>,
}

// === impl CellV1 ===

impl CellV1 {
    /// A cell; nothing of one that nobody asked.
    #[must_use]
    pub fn of(key: &Key, totals: &Totals) -> Option<Self> {
        let used = totals.requests() + totals.hits + totals.misses > 0;
        used.then(|| Self {
            pipeline: key.pipeline.to_string(),
            variant: key.variant.to_string(),
            model: key.model.to_string(),
            version: key.version.get(),
            outcomes: outcomes(|outcome| totals.of(outcome)),
            rows: totals.rows,
            executions: totals.executions,
            request: SketchV1::from(&totals.request),
            queue: SketchV1::from(&totals.queue),
            compute: SketchV1::from(&totals.compute),
            codec: SketchV1::from(&totals.codec),
            hits: totals.hits,
            misses: totals.misses,
        })
    }
}

// === impl LostV1 ===

impl LostV1 {
    /// What a pipeline lost.
    #[must_use]
    pub fn of(pipeline: &Name, totals: &Totals) -> Self {
        Self {
            pipeline: pipeline.to_string(),
            outcomes: outcomes(|outcome| totals.of(outcome)),
        }
    }
}

// === impl NodeV1 ===

impl NodeV1 {
    /// A node; nothing of one that nobody came to.
    #[must_use]
    pub fn of((model, version): &GraphKey, totals: &NodeTotals) -> Option<Self> {
        let outcomes = outcomes(|outcome| totals.calls(outcome));
        let rows = some(Fared::ALL.map(|fared| (fared.as_str(), totals.rows(fared))));
        let used = !(outcomes.is_empty() && rows.is_empty());
        used.then(|| Self {
            model: model.to_string(),
            version: version.get(),
            node: totals.name.to_string(),
            outcomes,
            rows,
            took: SketchV1::from(&totals.took),
        })
    }
}

// === impl SketchV1 ===

impl From<&Counts> for SketchV1 {
    fn from(counts: &Counts) -> Self {
        Self {
            count: counts.count(),
            nanos: counts.nanos,
            buckets: counts.indexed().collect(),
        }
    }
}

fn outcomes(count: impl Fn(Outcome) -> u64) -> BTreeMap<&'static str, u64> {
    some(Outcome::ALL.map(|outcome| (outcome.as_str(), count(outcome))))
}

fn some<const N: usize>(counts: [(&'static str, u64); N]) -> BTreeMap<&'static str, u64> {
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}
