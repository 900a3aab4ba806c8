//! What the data plane answers as JSON, beside inference itself: the protocol's own shapes and words.
//!
//! These types are the protocol's face; no other room uses them. Inference has its own codec.

use impresario_models::{Contract, DataType, Port};
use serde::{Deserialize, Serialize};

use crate::measure::{Outcome, Totals};
use crate::plane::{self, batching, dims};

/// An error, in the protocol's only form.
#[derive(Debug, Serialize)]
pub(super) struct Failure<'a> {
    pub(super) error: &'a str,
}

/// `GET /v2`
#[derive(Debug, Serialize)]
pub(super) struct Server {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    pub(super) extensions: &'static [&'static str],
}

/// `GET /v2/health/live`
#[derive(Debug, Serialize)]
pub(super) struct Live {
    pub(super) live: bool,
}

/// `GET /v2/health/ready`
#[derive(Debug, Serialize)]
pub(super) struct Ready {
    pub(super) live: bool,
    pub(super) ready: bool,
}

/// `GET …/ready`
#[derive(Debug, Serialize)]
pub(super) struct ModelReady<'a> {
    pub(super) name: &'a str,
    pub(super) ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

/// `GET /v2/models`
#[derive(Debug, Serialize)]
pub(super) struct Models {
    pub(super) models: Vec<String>,
}

/// `GET /v2/models/{name}`
#[derive(Debug, Serialize)]
pub(super) struct Metadata<'a> {
    pub(super) name: &'a str,
    pub(super) versions: Vec<String>,
    pub(super) platform: &'a str,
    pub(super) inputs: Vec<Tensor<'a>>,
    pub(super) outputs: Vec<Tensor<'a>>,
}

/// A port in the metadata; free axes are -1.
#[derive(Debug, Serialize)]
pub(super) struct Tensor<'a> {
    name: &'a str,
    datatype: &'static str,
    shape: Vec<i64>,
}

/// `GET …/config`: the part of Triton's model configuration that clients read.
#[derive(Debug, Serialize)]
pub(super) struct Config<'a> {
    name: &'a str,
    platform: &'a str,
    backend: &'a str,
    max_batch_size: i32,
    input: Vec<ConfigTensor<'a>>,
    output: Vec<ConfigTensor<'a>>,
}

/// A port in the configuration: without the batch axis where there is one.
#[derive(Debug, Serialize)]
struct ConfigTensor<'a> {
    name: &'a str,
    data_type: String,
    dims: Vec<i64>,
}

/// `GET …/stats`
#[derive(Debug, Serialize)]
pub(super) struct Stats {
    pub(super) model_stats: Vec<VersionStats>,
}

/// The counters of one version, as Triton's statistics extension has them.
#[derive(Debug, Serialize)]
pub(super) struct VersionStats {
    name: String,
    version: String,
    last_inference: u64,
    inference_count: u64,
    execution_count: u64,
    inference_stats: InferenceStats,
    batch_stats: [(); 0],
}

#[derive(Debug, Serialize)]
struct InferenceStats {
    success: Duration,
    fail: Duration,
    queue: Duration,
    compute_input: Duration,
    compute_infer: Duration,
    compute_output: Duration,
    cache_hit: Duration,
    cache_miss: Duration,
}

/// How often and how long in all.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Duration {
    count: u64,
    ns: u64,
}

/// The body of `POST /v2/repository/index`; an empty one asks for everything.
#[derive(Debug, Default, Deserialize)]
pub(super) struct IndexRequest {
    /// Only versions that are ready.
    #[serde(default)]
    pub(super) ready: bool,
}

/// A line of the repository's index.
#[derive(Debug, Serialize)]
pub(super) struct IndexEntry<'a> {
    pub(super) name: &'a str,
    pub(super) version: String,
    pub(super) state: &'static str,
    pub(super) reason: &'a str,
}

/// The body of `POST /v2/repository/models/{name}/(load|unload)`; may be empty.
#[derive(Debug, Default, Deserialize)]
pub(super) struct RepositoryRequest {
    #[serde(default)]
    pub(super) parameters: serde_json::Map<String, serde_json::Value>,
}

/// The server's own metadata.
pub(super) const SERVER: Server = Server {
    name: plane::NAME,
    version: plane::VERSION,
    extensions: plane::EXTENSIONS,
};

// === impl Tensor ===

impl<'a> Tensor<'a> {
    pub(super) fn of(ports: &'a [Port]) -> Vec<Self> {
        let tensor = |port: &'a Port| Self {
            name: &port.name,
            datatype: port.datatype.as_str(),
            shape: dims(&port.shape),
        };
        ports.iter().map(tensor).collect()
    }
}

// === impl Config ===

impl<'a> Config<'a> {
    pub(super) fn of(name: &'a str, engine: &'a str, contract: &'a Contract) -> Self {
        let (max_batch_size, skip) = batching(contract);
        let tensor = |port: &'a Port| ConfigTensor {
            name: &port.name,
            data_type: match port.datatype {
                DataType::Bytes => "TYPE_STRING".to_owned(),
                other => format!("TYPE_{other}"),
            },
            dims: dims(port.shape.get(skip..).unwrap_or_default()),
        };
        Self {
            name,
            platform: engine,
            backend: engine,
            max_batch_size,
            input: contract.inputs.iter().map(tensor).collect(),
            output: contract.outputs.iter().map(tensor).collect(),
        }
    }
}

// === impl VersionStats ===

impl VersionStats {
    pub(super) fn of(name: &str, version: String, totals: &Totals) -> Self {
        let success = totals.of(Outcome::Success);
        let (queue, compute) = (totals.queue.nanos, totals.compute.nanos);
        let answered = |ns| Duration { count: success, ns };
        // What the cache answered was not queued and not computed.
        let computed = |ns| Duration {
            count: success.saturating_sub(totals.hits),
            ns,
        };
        Self {
            name: name.to_owned(),
            version,
            last_inference: totals.last_ms,
            inference_count: totals.rows,
            execution_count: totals.executions,
            inference_stats: InferenceStats {
                success: answered(totals.answered_nanos),
                fail: Duration {
                    count: totals.requests() - success,
                    ns: totals.request.nanos.saturating_sub(totals.answered_nanos),
                },
                queue: computed(queue),
                // Tensors are moved, not copied, into and out of the engine.
                compute_input: computed(0),
                compute_infer: computed(compute),
                compute_output: computed(0),
                cache_hit: Duration {
                    count: totals.hits,
                    ns: totals.hit_nanos,
                },
                cache_miss: Duration {
                    count: totals.misses,
                    ns: totals.miss_nanos,
                },
            },
            batch_stats: [],
        }
    }
}
