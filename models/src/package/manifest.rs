//! `model.toml`: what a model and its versions say of themselves, written → compiled.
//!
//! The file in a version's folder is laid over the one in the model's folder, key by key. The `[burn]` table is
//! kept as it is: the Burn engine reads it. `config.pbtxt` is read by [`super::triton`] and laid over contracts
//! by [`super::overlay`].

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::files;
use super::triton;
use super::written::{self, Written};
use crate::contract::NonFinite;
use crate::error::LoadError;
use crate::name::{Name, VersionNumber};

/// The name of the file.
pub const MANIFEST_FILE: &str = "model.toml";

/// The largest `model.toml`, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// What `model.toml` and `config.pbtxt` say, with defaults filled in.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// `[limits]`.
    pub limits: Limits,
    /// `[versions]` or `version_policy`; where neither is written, the newest version is served.
    pub versions: VersionPolicy,
    /// `[contract.inputs.NAME]`: rules laid over the engine's contract.
    pub inputs: BTreeMap<String, PortRules>,
    /// `[contract.outputs.NAME]`.
    pub outputs: BTreeMap<String, PortRules>,
    /// `[warmup]`.
    pub warmup: Warmup,
    /// `pin`: whether the versions may be parked where memory is short.
    pub residence: Residence,
    /// `[cache]`: whether answers are kept for requests with the same inputs, where so.
    pub cache: Option<Caching>,
    /// `[onnx]`.
    pub onnx: Onnx,
    /// The `[burn]` table: backend and architecture; read by the Burn engine.
    pub burn: Option<toml::Table>,
    /// `config.pbtxt`, where there is one.
    pub triton: Option<Arc<triton::Config>>,
    /// What was read but has no meaning here, to be logged.
    pub warnings: Vec<String>,
}

/// What a version's instances may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long one inference may take before its instance counts as hung. Default 30 s.
    pub timeout: Duration,
    /// Requests that may wait; the next one is refused at once. Default 256.
    pub queue: NonZeroUsize,
    /// Instances of the version: computations at a time, each on a thread of its own. Default 1.
    pub instances: NonZeroUsize,
    /// The most rows in one computation, and so in one request. Default: what the model's contract says.
    pub max_batch: Option<NonZeroUsize>,
    /// How waiting requests are joined.
    pub join: Join,
    /// Whether cheap inferences may be computed on the thread that read the request. Default: yes, where what
    /// they cost is known and depends on shapes alone.
    pub inline: bool,
}

/// How requests that wait for an instance are joined into one computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Join {
    /// Rows that requests are joined up to; 1 for never. Default: `max_batch` where it is stated, else 64.
    pub rows: NonZeroUsize,
    /// Whether the manifest itself says so: its author vouches that rows do not depend on each other.
    pub stated: bool,
    /// How long a computation that is not full is put off to wait for more. Default: not at all.
    pub max_delay: Duration,
    /// What one computation shall take at most: the number of rows joined is found so that it does.
    pub target_latency: Option<Duration>,
}

/// Which of a model's versions are to be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionPolicy {
    /// The newest ones, so many. Default: 1.
    Latest(NonZeroUsize),
    /// All.
    All,
    /// These.
    List(BTreeSet<VersionNumber>),
}

/// Rules laid over one port of the engine's contract; what is not stated stays as the engine says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PortRules {
    /// Closed interval that every number must lie in.
    pub range: Option<(f64, f64)>,
    /// The only strings or whole numbers (in decimal) allowed.
    pub categories: Option<Vec<String>>,
    /// Whether NaN and infinities may pass.
    pub non_finite: Option<NonFinite>,
    /// Labels of the last axis.
    pub labels: Option<Vec<String>>,
    /// Where the table stands, for errors found only once the contract is known.
    pub place: Place,
}

/// A line of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

/// `[onnx]`: what runs an ONNX file, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Onnx {
    /// `engine`. Default `"auto"`.
    pub engine: EngineChoice,
    /// `threads`: how many threads of ONNX Runtime one computation uses. Default 1, because instances are the
    /// parallelism; the built-in engine always uses one.
    pub threads: NonZeroUsize,
    /// `arena`: whether ONNX Runtime keeps the memory of its largest computation for the next one. Default false.
    pub arena: bool,
}

/// What runs an ONNX file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// `"auto"`: what suits the file best of what is there.
    #[default]
    Auto,
    /// `"tract"`: the built-in engine.
    Tract,
    /// `"onnxruntime"`: ONNX Runtime, or nothing.
    OnnxRuntime,
}

/// `[warmup]`: runs before a version is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warmup {
    /// How many. Default 1; 0 for none.
    pub runs: u32,
}

/// Whether a model's versions may leave memory while they are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Residence {
    /// They may, where memory is short; the next request loads them again.
    #[default]
    Parkable,
    /// They may not: `pin = true`.
    Pinned,
}

/// `[cache]`: answers are kept and given again to requests with the same inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caching {
    /// `ttl`: how long an answer may be given again; without it as long as the version's files are the same and
    /// there is room.
    pub ttl: Option<Duration>,
}

/// What a model's files say about which of its versions are in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Which ones.
    pub versions: VersionPolicy,
    /// Whether they may be parked.
    pub residence: Residence,
}

// === impl Manifest ===

impl Manifest {
    /// Reads what a version's folder and its model's folder say.
    ///
    /// # Errors
    /// [`LoadError`] with file, line, key, expected and got.
    pub(super) fn read(
        root: &Path,
        model_dir: &Path,
        version_dir: &Path,
        model: &Name,
        defaults: &Limits,
    ) -> Result<Self, LoadError> {
        let (lower, mut manifest) = Self::of_model(root, model_dir, model, defaults)?;
        let path = version_dir.join(MANIFEST_FILE);
        let upper = written(root, &path)?;
        if let Some(versions) = &upper.versions {
            return Err(files::invalid(
                &path,
                format!(
                    "line {}: [versions] says which versions of the model are served: write it in {}",
                    versions.line,
                    model_dir.join(MANIFEST_FILE).display()
                ),
            ));
        }
        if let Some(pin) = &upper.pin {
            return Err(files::invalid(
                &path,
                format!(
                    "line {}: pin holds for all of a model's versions: write it in {}",
                    pin.line,
                    model_dir.join(MANIFEST_FILE).display()
                ),
            ));
        }
        manifest.compile(written::merge(lower, upper));
        Ok(manifest)
    }

    /// Reads what the model's folder alone says: its version policy, and whether it is pinned.
    ///
    /// # Errors
    /// As for [`super::Package::open`].
    pub fn wishes(root: &Path, model: &Name) -> Result<Wishes, LoadError> {
        let root = files::canonical(root)?;
        let model_dir = root.join(model.as_str());
        files::inside(&root, &model_dir)?;
        let (written, mut manifest) = Self::of_model(&root, &model_dir, model, &Limits::default())?;
        manifest.compile(written);
        Ok(Wishes {
            versions: manifest.versions,
            residence: manifest.residence,
        })
    }

    fn of_model(
        root: &Path,
        dir: &Path,
        model: &Name,
        defaults: &Limits,
    ) -> Result<(Written, Self), LoadError> {
        let mut manifest = Self {
            limits: *defaults,
            ..Self::default()
        };
        if let Some(config) = triton::Config::read(root, dir, model)? {
            manifest.warnings.clone_from(&config.warnings);
            if let Some(versions) = &config.versions {
                manifest.versions = versions.clone();
            }
            let max_batch = config.max_batch_size.and_then(NonZeroUsize::new);
            manifest.limits.max_batch = max_batch.or(manifest.limits.max_batch);
            manifest.limits.instances = config.instances.unwrap_or(manifest.limits.instances);
            let join = &mut manifest.limits.join;
            join.max_delay = config.max_delay.unwrap_or(join.max_delay);
            manifest.cache = (config.cache == Some(true)).then(Caching::default);
            manifest.triton = Some(Arc::new(config));
        }
        let path = dir.join(MANIFEST_FILE);
        Ok((written(root, &path)?, manifest))
    }

    /// Lays what was written over the defaults and what `config.pbtxt` said.
    fn compile(&mut self, written: Written) {
        let limits = &mut self.limits;
        limits.timeout = written.timeout.unwrap_or(limits.timeout);
        limits.queue = written.queue.unwrap_or(limits.queue);
        limits.instances = written.instances.unwrap_or(limits.instances);
        limits.max_batch = written.max_batch.or(limits.max_batch);
        limits.inline = written.inline.unwrap_or(limits.inline);
        let join = &mut limits.join;
        join.stated |= written.join.is_some();
        join.rows = written.join.or(limits.max_batch).unwrap_or(join.rows);
        join.max_delay = written.max_delay.unwrap_or(join.max_delay);
        join.target_latency = written.target_latency.or(join.target_latency);
        if let Some(versions) = written.versions {
            self.versions = versions.policy;
        }
        self.inputs = written.inputs;
        self.outputs = written.outputs;
        self.warmup.runs = written.runs.unwrap_or(self.warmup.runs);
        self.residence = written.pin.map_or(self.residence, |pin| pin.residence);
        let cache = written.cache;
        let enabled = cache.enabled.unwrap_or(self.cache.is_some());
        self.cache = enabled.then_some(Caching { ttl: cache.ttl });
        self.onnx = Onnx {
            engine: written.engine.unwrap_or(self.onnx.engine),
            threads: written.threads.unwrap_or(self.onnx.threads),
            arena: written.arena.unwrap_or(self.onnx.arena),
        };
        self.burn = written.burn;
    }
}

/// One file's statements; none where there is no file.
fn written(root: &Path, path: &Path) -> Result<Written, LoadError> {
    let Some(text) = files::text(root, path, MAX_BYTES)? else {
        return Ok(Written::default());
    };
    let written = written::parse(path, &text)?;
    if let Some(burn) = &written.burn {
        no_way_up(path, "burn", burn)?;
    }
    Ok(written)
}

/// Refuses a `..` in any text of the `[burn]` table: whatever key the engine reads as a path, it stays inside.
fn no_way_up(path: &Path, key: &str, table: &toml::Table) -> Result<(), LoadError> {
    fn check(path: &Path, key: &str, value: &toml::Value) -> Result<(), LoadError> {
        match value {
            toml::Value::Table(table) => no_way_up(path, key, table),
            toml::Value::Array(values) => values.iter().try_for_each(|v| check(path, key, v)),
            toml::Value::String(text) => {
                let text_path = Path::new(text);
                let up = text_path.components().any(|c| c == Component::ParentDir);
                if up || text_path.is_absolute() {
                    return Err(files::invalid(
                        path,
                        format!("{key}: expected a path inside the version's folder, got '{text}'"),
                    ));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
    let mut entries = table.iter();
    entries.try_for_each(|(name, value)| check(path, &format!("{key}.{name}"), value))
}

// === impl VersionPolicy ===

impl VersionPolicy {
    /// Those of the versions that are to be loaded, ascending.
    #[must_use]
    pub fn select(
        &self,
        versions: impl IntoIterator<Item = VersionNumber>,
    ) -> BTreeSet<VersionNumber> {
        let mut versions: BTreeSet<_> = versions.into_iter().collect();
        match self {
            Self::All => {}
            Self::List(list) => versions.retain(|v| list.contains(v)),
            Self::Latest(n) => {
                while versions.len() > n.get() {
                    versions.pop_first();
                }
            }
        }
        versions
    }
}

impl Default for VersionPolicy {
    fn default() -> Self {
        Self::Latest(NonZeroUsize::MIN)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            queue: NonZeroUsize::new(256).expect("256 is not zero"),
            instances: NonZeroUsize::MIN,
            max_batch: None,
            join: Join::default(),
            inline: true,
        }
    }
}

impl Default for Join {
    fn default() -> Self {
        Self {
            rows: NonZeroUsize::new(64).expect("64 is not zero"),
            stated: false,
            max_delay: Duration::ZERO,
            target_latency: None,
        }
    }
}

impl Default for Onnx {
    fn default() -> Self {
        Self {
            engine: EngineChoice::default(),
            threads: NonZeroUsize::MIN,
            arena: false,
        }
    }
}

impl Default for Warmup {
    fn default() -> Self {
        Self { runs: 1 }
    }
}
