//! What a fleet can be told before it starts, and what holds where nothing is said.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use impresario_models::backend::Engines;
use impresario_models::package::Limits;
use impresario_models::{LoadError, Model, Name, VersionNumber};
use impresario_pipelines::fleet;
use impresario_pipelines::spec::Pipeline;

use super::{Build, Builder};
use crate::measure::Measure;
use crate::store::{Memory, Retention, Store};
use crate::{notify, payload};

// === impl Builder ===

impl Default for Builder {
    fn default() -> Self {
        Self {
            repository: None,
            defaults: Limits::default(),
            max_memory: None,
            engines: Engines::built_in(),
            poll: Duration::from_secs(2),
            settle: Duration::from_secs(1),
            load_timeout: Duration::from_secs(600),
            timeout: Duration::from_secs(30),
            cache: None,
            waiting: 1_024,
            measure: Measure::default(),
            limits: fleet::Limits::default(),
            store: Arc::new(Memory::new(Retention::default())),
            webhooks: Vec::new(),
            payload_log: None,
            history: None,
            pipelines: Vec::new(),
            registered: Vec::new(),
        }
    }
}

impl Builder {
    /// Serves the versions in a folder of the layout `NAME/VERSION/model.onnx`.
    #[must_use]
    pub fn repository(mut self, root: impl Into<PathBuf>) -> Self {
        self.repository = Some(root.into());
        self
    }

    /// The limits of versions whose files do not say otherwise, and the most memory, in bytes, that a version
    /// may be estimated to need.
    #[must_use]
    pub fn versions(mut self, defaults: Limits, max_memory: Option<u64>) -> Self {
        (self.defaults, self.max_memory) = (defaults, max_memory);
        self
    }

    /// The engines to look for beside those of the build; none where nothing is said.
    #[must_use]
    pub fn engines(mut self, engines: Engines) -> Self {
        self.engines = engines;
        self
    }

    /// How often the repository is looked at (zero for once only), and how long a new version's files must be
    /// unchanged before they count as complete.
    #[must_use]
    pub fn poll(mut self, every: Duration, settle: Duration) -> Self {
        (self.poll, self.settle) = (every, settle);
        self
    }

    /// Where routing state is kept; in memory where nothing is said.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = store;
        self
    }

    /// Where what becomes of pipelines is posted to. There are at most [`notify::MOST`].
    #[must_use]
    pub fn webhooks(mut self, webhooks: Vec<notify::Hook>) -> Self {
        self.webhooks = webhooks;
        self
    }

    /// Where what requests ask and get is kept; nowhere where nothing is said.
    #[must_use]
    pub fn payload_log(mut self, settings: Option<payload::Settings>) -> Self {
        self.payload_log = settings;
        self
    }

    /// Keeps what is counted over time in the store, of so many series at most (versions that answered for a pipeline); none
    /// where nothing is said. A store in memory then holds some 3 MB of each busy one after a week.
    #[must_use]
    pub fn history(mut self, series: Option<NonZeroUsize>) -> Self {
        self.history = series;
        self
    }

    /// The rules of loading and restarting.
    #[must_use]
    pub fn limits(mut self, limits: fleet::Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long a request may take that states no deadline, and how long a load may take.
    #[must_use]
    pub fn timeouts(mut self, request: Duration, load: Duration) -> Self {
        (self.timeout, self.load_timeout) = (request, load);
        self
    }

    /// The most requests that may wait for parked versions; they are refused beyond it.
    #[must_use]
    pub fn waiting(mut self, most: usize) -> Self {
        self.waiting = most;
        self
    }

    /// Serves without counting requests, so that it can be measured what counting costs: `/metrics` then shows none, and
    /// what `GET /v2/models/{m}/stats` says stands still.
    #[must_use]
    pub fn uncounted(mut self) -> Self {
        self.measure = Measure::off();
        self
    }

    /// Keeps answers of the versions whose `model.toml` asks for it, in at most so many bytes.
    #[must_use]
    pub fn cache(mut self, max_bytes: Option<u64>) -> Self {
        self.cache = max_bytes;
        self
    }

    /// Adds a version that the application makes itself. The function is called for the first load and again
    /// after a crash.
    #[must_use]
    pub fn register<M, F>(mut self, model: Name, version: VersionNumber, build: F) -> Self
    where
        M: Model + 'static,
        F: Fn() -> Result<M, LoadError> + Send + Sync + 'static,
    {
        let build: Build = Arc::new(move || Ok(Box::new(build()?)));
        self.registered.push((model, version, build));
        self
    }

    /// Adds a version from an ONNX file in memory, as `include_bytes!` gives it. A file that keeps weights in other
    /// files, or that the engine cannot run, fails when it is loaded, as one of a repository does.
    #[cfg(feature = "onnx")]
    #[must_use]
    pub fn register_onnx(
        mut self,
        model: Name,
        version: VersionNumber,
        file: &'static [u8],
    ) -> Self {
        let build: Build = Arc::new(|| impresario_models::backend::onnx::from_bytes(file, None));
        self.registered.push((model, version, build));
        self
    }

    /// Adds a pipeline, unless the store holds one of its name already.
    #[must_use]
    pub fn pipeline(mut self, name: Name, pipeline: Pipeline) -> Self {
        self.pipelines.push((name, pipeline));
        self
    }
}
