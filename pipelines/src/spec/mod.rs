//! Pipelines as they are written, and as they are compiled.
//!
//! Three forms: written text (TOML, YAML or JSON) → [`Document`], a tree with places → [`Pipeline`], checked once
//! and passed as a type from then on. [`v1`] is the shape of the tree. Reading files is the daemon's work; whether
//! the models and versions that a pipeline names exist is the fleet's. The daemon reads its own settings with the
//! same means: [`Document`], [`read`], [`Problem`].

pub mod bandit;
pub mod canary;
mod compile;
pub mod composite;
pub mod document;
pub mod experiment;
pub mod key;
mod parse;
mod pipeline;
mod problem;
pub mod read;
mod service;
pub mod shadow;
mod suggest;
pub mod test;
pub mod v1;

pub use bandit::Bandit;
pub use canary::Canary;
pub use compile::{Compiled, Definition, compile, examine, parse_pipeline, version_is_ours};
pub use composite::Composite;
pub use document::{Document, Format, Source};
pub use experiment::Experiment;
pub use key::Key;
pub use pipeline::{Pipeline, Policy, VersionSelector};
pub use problem::{Position, Problem, Severity};
pub use service::{RateLimit, Service, Substitute};
pub use shadow::Shadow;
pub use suggest::nearest;
pub use test::Test;

#[cfg(test)]
mod tests;
