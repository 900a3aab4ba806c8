//! Pipelines as they are written, and as they are compiled.
//!
//! Three forms: written text (TOML, YAML or JSON) → [`v1`], the versioned face that is also stored and sent →
//! [`Pipeline`], checked once and passed as a type from then on. Reading files is the daemon's work; whether the
//! models and versions that a pipeline names exist is the fleet's.

pub mod v1;

mod pipeline;

pub use pipeline::{Pipeline, Policy, SpecError, VersionSelector};
