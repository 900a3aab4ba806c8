//! Burn models on the CPU: a declared architecture with weights from a file, or a module that an application
//! registers. Backends flex and ndarray run the same code; which one is a device, chosen per model.
//!
//! Training, other backends and reading `model.toml` itself do not live here.

mod convert;
mod loader;
mod module;
mod network;
mod shape;
mod spec;
mod step;
mod weights;

pub use convert::{from_burn, to_burn, to_burn_int};
pub use loader::BurnLoader;
pub use module::{BurnModule, module};
pub use spec::Backend;

#[cfg(test)]
mod tests;
