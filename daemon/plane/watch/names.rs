//! The names of what spans say. Those that OpenTelemetry's conventions have are theirs; the rest is in a folder of ours.

pub(super) const METHOD: &str = "http.request.method";
pub(super) const ROUTE: &str = "http.route";
pub(super) const STATUS: &str = "http.response.status_code";
pub(super) const REQUEST_BYTES: &str = "http.request.body.size";
pub(super) const RESPONSE_BYTES: &str = "http.response.body.size";
pub(super) const PATH: &str = "url.path";
pub(super) const SCHEME: &str = "url.scheme";
pub(super) const RPC_SYSTEM: &str = "rpc.system";
pub(super) const RPC_SERVICE: &str = "rpc.service";
pub(super) const RPC_METHOD: &str = "rpc.method";
pub(super) const RPC_STATUS: &str = "rpc.grpc.status_code";
pub(super) const ERROR: &str = "error.type";

pub(super) const REQUEST: &str = "impresario.request.id";
pub(super) const PIPELINE: &str = "impresario.pipeline";
pub(super) const MODEL: &str = "impresario.model";
pub(super) const VERSION: &str = "impresario.version";
pub(super) const VARIANT: &str = "impresario.variant";
pub(super) const REVISION: &str = "impresario.revision";
pub(super) const WHY: &str = "impresario.why";
pub(super) const OUTCOME: &str = "impresario.outcome";
pub(super) const ROWS: &str = "impresario.rows";
pub(super) const CACHE: &str = "impresario.cache";
pub(super) const RESCUED_FROM: &str = "impresario.rescue.from";
pub(super) const RESCUED_WHY: &str = "impresario.rescue.why";
pub(super) const NODE: &str = "impresario.node";
pub(super) const ATTEMPT: &str = "impresario.attempt";

/// What befell the nodes of a graph, by the words that answers say it with.
pub(super) const NODES: [(&str, &str); 5] = [
    ("nodes", "impresario.nodes"),
    ("skipped", "impresario.nodes.skipped"),
    ("fell_back", "impresario.nodes.fell_back"),
    ("defaulted", "impresario.nodes.defaulted"),
    ("missing", "impresario.nodes.missing"),
];
