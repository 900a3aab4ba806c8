//! The two traits between an engine and the rest: a `Loader` makes a `Model` from a version's files.
//!
//! Both are synchronous. Threads, queues, deadlines and retries belong to the daemon's actors. The steps from a
//! package to a model that may serve (estimate, load, contract, golden examples, warm-up) are in [`load`].

pub mod closure;
pub mod load;

use crate::contract::Contract;
use crate::error::{InferError, LoadError};
use crate::package::{Artifact, Kind, Package};
use crate::tensor::Tensor;

pub use closure::FnModel;
pub use load::{Cached, Loaded, Stage, Timings, contract, load, panic_message};

/// Makes models of one engine.
pub trait Loader: Send + Sync {
    /// The engine's name, as `status` and metadata show it.
    fn engine(&self) -> &'static str;

    /// What loading would take, from the files' sizes and headers alone.
    ///
    /// # Errors
    /// [`LoadError`] when the files cannot be read.
    fn estimate(&self, package: &Package) -> Result<Estimate, LoadError>;

    /// Builds the model. May take long; may panic on odd files (the caller contains it).
    ///
    /// # Errors
    /// [`LoadError`] saying which file, what was expected and what was found.
    fn load(&self, package: &Package) -> Result<Box<dyn Model>, LoadError>;
}

/// A loaded version, ready to compute. One value serves all of a version's instances, so weights are held once.
pub trait Model: Send + Sync {
    /// What it takes and gives.
    fn contract(&self) -> &Contract;

    /// What the engine runs it on, where the engine has a choice (`burn-flex`, `burn-ndarray`, `onnxruntime`,
    /// `tract`); for `status`.
    fn backend(&self) -> Option<&'static str> {
        None
    }

    /// Whether what [`Self::infer`] costs depends on the size of its inputs alone, so that what was measured of one
    /// call holds for the next of its size. Such a model, where it is cheap, may be computed on the thread that
    /// read the request. A model that may wait, loop on values or call out must not say so.
    fn steady(&self) -> bool {
        false
    }

    /// What could not be done as it was meant to be while the model was made; for the log.
    fn warnings(&self) -> &[String] {
        &[]
    }

    /// Computes all outputs, in the contract's order, from all inputs, in the contract's order and already
    /// checked against it. With [`crate::Batching::FirstAxis`] row i of each output belongs to row i of the inputs.
    ///
    /// # Errors
    /// [`InferError`]; a panic counts as a crash of the instance.
    fn infer(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, InferError>;
}

/// What loading a version would take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Resident memory in bytes once loaded, roughly.
    pub memory: u64,
}

/// The loaders of this process, each registered for the artifacts it takes.
#[derive(Default)]
pub struct Loaders {
    loaders: Vec<(Kind, Box<dyn Loader>)>,
    max_memory: Option<u64>,
}

// === impl Loaders ===

impl Loaders {
    /// No loaders.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a loader for a kind of artifact, in place of the one that was registered for it.
    #[must_use]
    pub fn with(mut self, kind: Kind, loader: Box<dyn Loader>) -> Self {
        self.loaders.retain(|(other, _)| *other != kind);
        self.loaders.push((kind, loader));
        self
    }

    /// Refuses versions whose estimated memory, in bytes, is above a limit; any where there is none.
    #[must_use]
    pub fn with_max_memory(mut self, max: Option<u64>) -> Self {
        self.max_memory = max;
        self
    }

    /// The loader for an artifact.
    ///
    /// # Errors
    /// [`LoadError::Unsupported`] when this build has no engine for it.
    pub fn find(&self, artifact: &Artifact) -> Result<&dyn Loader, LoadError> {
        let found = self
            .loaders
            .iter()
            .find(|(kind, _)| *kind == artifact.kind());
        let (_, loader) = found.ok_or_else(|| LoadError::Unsupported {
            what: format!(
                "{}: this build has no engine for {:?} files",
                artifact.path().display(),
                artifact.kind()
            ),
            remedy: "build with the feature of that engine".into(),
        })?;
        Ok(&**loader)
    }

    /// What loading a package is expected to take; nothing where that cannot be told.
    #[must_use]
    pub fn estimate(&self, package: &Package) -> Option<Estimate> {
        let loader = self.find(&package.artifact).ok()?;
        load::contained(loader.engine(), || loader.estimate(package))
            .ok()?
            .ok()
    }

    /// Whether a version of this size may be loaded.
    ///
    /// # Errors
    /// [`LoadError::Unsupported`] when it is estimated above the limit.
    fn admit(&self, estimate: Estimate) -> Result<(), LoadError> {
        match self.max_memory {
            Some(max) if estimate.memory > max => Err(LoadError::Unsupported {
                what: format!(
                    "the version is estimated to need {} bytes of memory, the limit is {max}",
                    estimate.memory
                ),
                remedy: "raise models.max_load_memory or make the model smaller".into(),
            }),
            _ => Ok(()),
        }
    }
}
