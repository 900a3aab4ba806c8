//! What a model is: names, tensors, contracts, the repository of files, and the engines that run versions.
//!
//! This room is synchronous and knows nobody of ours: no actor, no store, no route, no socket and no clock
//! beyond what a measurement needs. It says what a version takes and gives; who asks it is decided elsewhere.

pub mod backend;
pub mod batch;
pub mod contract;
pub mod error;
pub mod golden;
pub mod loader;
pub mod name;
pub mod package;
pub mod repository;
pub mod tensor;

pub use contract::{Batching, Contract, Dim, Mismatch, Port};
pub use error::{InferError, LoadError};
pub use loader::{Estimate, FnModel, Loaded, Loader, Loaders, Model, Stage};
pub use name::{ByName, Name, NameError, VersionNumber};
pub use package::{Artifact, Manifest, Package};
pub use repository::Repository;
pub use tensor::{DataType, Element, Tensor, Values};
