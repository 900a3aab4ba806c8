//! The two traits between an engine and the rest: a `Loader` makes a `Model` from a version's files.
//!
//! Both are synchronous. Threads, queues, deadlines and retries belong to the daemon's actors.

use crate::contract::Contract;
use crate::error::{InferError, LoadError};
use crate::package::Package;
use crate::tensor::Tensor;

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
