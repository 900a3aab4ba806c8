//! The sections of the settings, typed. What a setting means in full, its default and its unit stand in
//! `defaults.toml`; how sections are read, in `read`.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::http::metrics::Histograms;
use crate::notify::Hook;
use crate::store::Role;

/// `[server]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where applications post to.
    pub http: SocketAddr,
    /// Where they call over gRPC; none said: nowhere.
    pub grpc: Option<SocketAddr>,
    /// Where admins ask.
    pub admin: SocketAddr,
    /// Threads that serve requests; none said: one a core.
    pub workers: Option<NonZeroUsize>,
    /// How long requests in flight may take at shutdown.
    pub grace: Duration,
    /// How long a client may take to send a request's head.
    pub header_timeout: Duration,
    /// How long a request may take in all.
    pub request_timeout: Duration,
    /// How long an idle connection stays open; zero for no second request.
    pub keep_alive: Duration,
    /// Bounds on one request.
    pub limits: Limits,
}

/// `[server.limits]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body as it arrives.
    pub max_body: usize,
    /// Bytes of a compressed body, inflated; at least `max_body`.
    pub max_inflated: usize,
    /// Inputs of a request.
    pub max_inputs: usize,
    /// Elements of one tensor.
    pub max_elements: usize,
    /// Bytes of one text.
    pub max_string: usize,
    /// Open connections.
    pub max_connections: usize,
    /// Requests under way of one gRPC connection, and of one stream.
    pub max_concurrent: u32,
}

/// `[models]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Models {
    /// The repository's folder.
    pub repository: PathBuf,
    /// How often it is looked at; none said: only when asked.
    pub poll: Option<Duration>,
    /// How long a new version's files must not have changed.
    pub settle: Duration,
    /// How long one load may take.
    pub load_timeout: Duration,
    /// Loads at a time; none said: one a core.
    pub loaders: Option<NonZeroUsize>,
    /// Bytes that a version may be estimated to need.
    pub max_load_memory: Option<u64>,
    /// Bytes that all versions in memory may be estimated to need.
    pub memory_budget: Option<u64>,
    /// Requests that may wait for parked versions.
    pub waiting: NonZeroUsize,
    /// Bytes of kept answers.
    pub cache: Option<u64>,
    /// Limits of versions that say none.
    pub defaults: VersionDefaults,
    /// What happens after crashes.
    pub restart: Restart,
}

/// `[models.defaults]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionDefaults {
    /// How long one inference may take.
    pub timeout: Duration,
    /// Requests that may wait.
    pub queue: NonZeroUsize,
    /// Computations at a time; none said: one a core.
    pub instances: Option<NonZeroUsize>,
    /// Rows that waiting requests are joined up to.
    pub join: NonZeroUsize,
    /// How long a computation waits for more requests to join.
    pub max_delay: Duration,
    /// Whether cheap inferences are computed on the thread that read the request.
    pub inline: bool,
}

/// `[models.restart]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// The wait before the first restart.
    pub initial: Duration,
    /// The longest wait; at least `initial`.
    pub max: Duration,
    /// Crashes that lead to quarantine.
    pub crashes: NonZeroUsize,
    /// The time that they are counted in.
    pub within: Duration,
}

/// `[store]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Where state is kept.
    pub engine: Engine,
    /// Revisions that can be shown and undone.
    pub retain_revisions: u64,
    /// Records of the audit; at least `retain_revisions`.
    pub retain_audit: u64,
}

/// Where state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// On disk, in this folder.
    Sled(PathBuf),
    /// Nowhere: it is gone with the process.
    Memory,
}

/// `[admin]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Tokens that the configuration gives, beside those in the store.
    pub tokens: Vec<Token>,
    /// Whether addresses beyond loopback may be served without a token.
    pub insecure_remote: bool,
}

/// A token that the configuration gives. Its hash is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Who holds it, for the audit.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Argon2id, in the PHC string format.
    pub hash: String,
}

/// `[notify]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// Where what becomes of pipelines is posted to.
    pub webhooks: Vec<Hook>,
}

/// `[metrics]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// What histograms are in protocol buffers.
    pub histograms: Histograms,
    /// Whether Triton's names are shown to everybody who asks.
    pub triton: bool,
    /// Whether what is counted is kept over time.
    pub history: bool,
    /// Series of it at most.
    pub history_series: NonZeroUsize,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// A filter that `EnvFilter` takes.
    pub level: String,
    /// How lines are written.
    pub format: LogFormat,
    /// The share of the requests that have a line of their own.
    pub access: f64,
    /// Whether those that failed have one even where the share is zero.
    pub access_failures: bool,
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, else JSON.
    Auto,
    /// For people.
    Text,
    /// A JSON object a line, for machines.
    Json,
    /// The same, with the names of the Elastic Common Schema.
    Ecs,
}

// === impl Metrics ===

impl Default for Metrics {
    /// As the settings have it where nothing is said.
    fn default() -> Self {
        Self {
            histograms: Histograms::default(),
            triton: false,
            history: true,
            history_series: NonZeroUsize::new(2_000).expect("it is above zero"),
        }
    }
}

// === impl Token ===

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}
