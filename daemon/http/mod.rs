//! HTTP: the data plane of the Open Inference Protocol.
//!
//! Here bytes become typed requests and typed answers become bytes. Which version answers is decided in
//! `pipelines` and performed in `serve`; nothing here routes, loads or counts.

pub mod admin;
mod body;
mod console;
mod feedback;
mod health;
pub mod in_flight;
mod infer;
mod metadata;
pub mod metrics;
mod path;
mod plane;
mod repository;
mod respond;
mod stats;
mod wire;

// What both doors share was found here first.
pub use crate::codec;
pub use crate::plane::{Denied, Guard, Plane};
pub use plane::configure;

#[cfg(test)]
mod tests;
