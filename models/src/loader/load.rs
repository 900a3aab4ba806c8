//! From a package to a model that may serve: estimate, load, contract, golden examples, warm-up.
//!
//! A version that fails any of these never becomes ready. Which thread does it and who is told is the daemon's
//! business: it gives an observer that is called as each stage begins.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Estimate, Loaders, Model};
use crate::contract::{Batching, Contract};
use crate::error::{InferError, LoadError};
use crate::golden::{self, Golden};
use crate::package::{Caching, Digest, Limits, Package, overlay};
use crate::tensor::Tensor;

use rows::Verdict;

mod rows;
mod sample;

/// What is being done, as a version's lifecycle shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The files are hashed and the engine builds the model.
    Loading,
    /// The golden examples are computed and compared.
    Golden,
    /// The model computes once or more, so that the first caller does not wait for what is done lazily.
    Warming,
}

/// A version that may serve.
#[derive(Clone)]
pub struct Loaded {
    /// The model; its contract is `contract`.
    pub model: Arc<dyn Model>,
    /// The engine's contract with the manifest's rules laid over it.
    pub contract: Arc<Contract>,
    /// The engine's name; where it has several backends, the one that the model runs on.
    pub engine: &'static str,
    /// The files' digest; nothing for a model that came from no files.
    pub digest: Option<Digest>,
    /// What loading was expected to take.
    pub estimate: Estimate,
    /// What its instances may take.
    pub limits: Limits,
    /// Whether its answers are kept, where so, and what tells them from another version's.
    pub cache: Option<Cached>,
    /// How long the stages took.
    pub timings: Timings,
    /// Golden examples that it reproduced.
    pub golden: usize,
    /// Whether the rows of several requests may be computed as one: the contract has a batch axis, and rows were
    /// seen not to depend on each other, or the manifest vouches for it.
    pub joins: bool,
    /// What was read but has no meaning here, and what could not be done on the way; to be logged.
    pub warnings: Vec<String>,
}

/// How a version's answers are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cached {
    /// What decides the answers beside the inputs: the same only where model, engine, files and all that the
    /// model's own files say of contract and architecture are the same.
    pub identity: Digest,
    /// The rules.
    pub rules: Caching,
}

/// How long each stage took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Hashing the files and building the model.
    pub load: Duration,
    /// The golden examples.
    pub golden: Duration,
    /// The warm-up.
    pub warmup: Duration,
    /// The quickest single run of the warm-up, where there was one: what one small inference costs.
    pub inference: Option<Duration>,
}

/// Loads a version with the loader registered for its artifact.
///
/// # Errors
/// [`LoadError`]: what [`super::Loader::load`] gives, a panic of the engine, a manifest that does not fit the
/// model, a golden example that came out differently, or files that changed meanwhile.
pub fn load(
    package: &Package,
    loaders: &Loaders,
    observe: &mut dyn FnMut(Stage),
) -> Result<Loaded, LoadError> {
    let loader = loaders.find(&package.artifact)?;
    let engine = loader.engine();
    observe(Stage::Loading);
    let begun = now();
    let before = package.fingerprint()?;
    let estimate = contained(engine, || loader.estimate(package))??;
    loaders.admit(estimate)?;
    let digest = Digest::of(&package.dir, &before)?;
    let golden = Golden::read(package)?;
    let model = contained(engine, || loader.load(package))??;
    let engine = model.backend().unwrap_or(engine);
    if package.fingerprint()? != before {
        return Err(LoadError::Invalid {
            path: package.dir.clone(),
            what: "the files changed while they were read; expected a version to be complete before it is loaded"
                .into(),
        });
    }
    let mut warnings = package.manifest.warnings.clone();
    warnings.extend_from_slice(model.warnings());
    let contract = overlay::overlay(&package.dir, &package.manifest, model.contract().clone())?;
    let mut loaded = Loaded {
        contract: Arc::new(contract.clone()),
        model: Arc::new(Overlaid {
            inner: model,
            contract,
        }),
        engine,
        digest: Some(digest),
        estimate,
        limits: package.manifest.limits,
        cache: None,
        timings: Timings {
            load: begun.elapsed(),
            ..Timings::default()
        },
        golden: 0,
        joins: false,
        warnings,
    };
    loaded.cache = package.manifest.cache.map(|rules| Cached {
        identity: identity(package, &digest, &loaded),
        rules,
    });
    if let Some(golden) = &golden {
        observe(Stage::Golden);
        let begun = now();
        loaded.golden = contained(engine, || golden::run(&*loaded.model, golden))??;
        loaded.timings.golden = begun.elapsed();
    }
    let runs = package.manifest.warmup.runs;
    let verdict = if runs > 0 {
        observe(Stage::Warming);
        let example = golden
            .as_ref()
            .and_then(|golden| golden.inputs(&loaded.contract));
        loaded.warm(&package.dir, example.clone(), runs)?;
        // As with the warm-up, what made-up rows do says nothing against the model.
        contained(engine, || rows::independent(&*loaded.model, example)).unwrap_or(Verdict::Unknown)
    } else {
        // Not to be run before it serves.
        Verdict::Unknown
    };
    loaded.may_join(&package.dir, verdict);
    Ok(loaded)
}

/// What a version takes and gives, its manifest's rules laid over it. The model is built, and asked nothing.
///
/// # Errors
/// As [`load`], but for what is found out by computing.
pub fn contract(package: &Package, loaders: &Loaders) -> Result<Contract, LoadError> {
    let loader = loaders.find(&package.artifact)?;
    let engine = loader.engine();
    loaders.admit(contained(engine, || loader.estimate(package))??)?;
    let model = contained(engine, || loader.load(package))??;
    overlay::overlay(&package.dir, &package.manifest, model.contract().clone())
}

/// The version's files are not all that decides its answers: the model's folder may declare an architecture, and
/// names and order of the ports.
fn identity(package: &Package, files: &Digest, loaded: &Loaded) -> Digest {
    let burn = package.manifest.burn.as_ref().map(toml::Table::to_string);
    let contract = format!("{:?}", loaded.contract);
    Digest::of_parts(&[
        package.model.as_str().as_bytes(),
        files.as_bytes(),
        loaded.engine.as_bytes(),
        contract.as_bytes(),
        burn.unwrap_or_default().as_bytes(),
    ])
}

/// Runs an engine's code and turns its panic into an error.
pub(super) fn contained<T>(engine: &'static str, run: impl FnOnce() -> T) -> Result<T, LoadError> {
    // What the engine left half done is dropped with the closure: nothing of it is looked at again.
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| LoadError::Engine {
        engine,
        what: format!("panicked: {}", panic_message(&*panic)),
    })
}

/// The message that a panic carries, where it carries one.
#[must_use]
pub fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

#[allow(
    clippy::disallowed_methods,
    reason = "these are durations for the record; nothing is decided by them, so no test needs to drive them"
)]
fn now() -> Instant {
    Instant::now()
}

// === impl Loaded ===

impl Loaded {
    /// A model that an embedding application made itself: no files, so no digest, examples or warm-up.
    #[must_use]
    pub fn from_model(model: Box<dyn Model>) -> Self {
        let model: Arc<dyn Model> = model.into();
        Self {
            contract: Arc::new(model.contract().clone()),
            model,
            engine: "embedded",
            digest: None,
            estimate: Estimate::default(),
            limits: Limits::default(),
            cache: None,
            timings: Timings::default(),
            golden: 0,
            // The application vouches for its contract.
            joins: true,
            warnings: Vec::new(),
        }
        .joined_by_contract()
    }

    fn joined_by_contract(mut self) -> Self {
        self.joins &= matches!(self.contract.batching, Batching::FirstAxis { .. });
        self
    }

    /// Decides whether requests may be joined, and says so where what the contract promises is not kept.
    fn may_join(&mut self, dir: &Path, verdict: Verdict) {
        let rows = matches!(self.contract.batching, Batching::FirstAxis { .. });
        // Who says how many rows a computation may have says that it may have several requests' rows.
        let vouched = self.limits.join.stated || self.contract.max_rows().is_some();
        let wanted = rows && self.limits.join.rows.get() > 1;
        self.joins = wanted && (vouched || verdict == Verdict::Independent);
        let why = match verdict {
            Verdict::Dependent(what) => what,
            Verdict::Unknown if !vouched => {
                "it could not be seen whether rows depend on each other (no warm-up, or no made-up rows fit it; \
                 golden.json would give some)"
                    .into()
            }
            Verdict::Independent | Verdict::Unknown => return,
        };
        if wanted {
            let (dir, joined) = (dir.display(), if vouched { "are" } else { "are not" });
            self.warnings.push(format!(
                "{dir}: requests {joined} joined: {why}; [limits] join in model.toml decides it"
            ));
        }
    }

    /// Runs the model with a golden example's inputs, which it is known to take, or else with made-up ones,
    /// whose refusal says nothing against the model.
    fn warm(
        &mut self,
        dir: &Path,
        golden: Option<Vec<Tensor>>,
        runs: u32,
    ) -> Result<(), LoadError> {
        let known = golden.is_some();
        let Some(inputs) = golden.or_else(|| sample::inputs(&self.contract)) else {
            let what = format!(
                "{}: not warmed up: no small input fits its contract",
                dir.display()
            );
            self.warnings.push(what);
            return Ok(());
        };
        let begun = now();
        for _ in 0..runs {
            let inputs = inputs.clone();
            let begun = now();
            let result = contained(self.engine, || self.model.infer(inputs));
            let took = begun.elapsed();
            let error = match result {
                Ok(Ok(_)) => {
                    let best = self.timings.inference.map_or(took, |best| best.min(took));
                    self.timings.inference = Some(best);
                    continue;
                }
                Ok(Err(error)) => LoadError::Engine {
                    engine: self.engine,
                    what: format!("warm-up: {error}"),
                },
                Err(panic) => panic,
            };
            if known {
                return Err(error);
            }
            let what = format!("{}: not warmed up with zeros: {error}", dir.display());
            self.warnings.push(what);
            break;
        }
        self.timings.warmup = begun.elapsed();
        Ok(())
    }
}

/// A model under the contract that its manifest states.
struct Overlaid {
    inner: Box<dyn Model>,
    contract: Contract,
}

impl Model for Overlaid {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn backend(&self) -> Option<&'static str> {
        self.inner.backend()
    }

    fn steady(&self) -> bool {
        self.inner.steady()
    }

    fn infer(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, InferError> {
        self.inner.infer(inputs)
    }
}

#[cfg(test)]
mod tests;
