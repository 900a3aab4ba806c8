//! A shadow as it is specified: a version that sees requests and answers nobody.

use impresario_models::{Name, VersionNumber};

/// A version whose answers are compared with those that callers get.
#[derive(Clone, Debug, PartialEq)]
pub struct Shadow {
    /// The model.
    pub model: Name,
    /// Its version.
    pub version: VersionNumber,
    /// The share of requests that it sees; from 0 to 1.
    pub sample: f64,
    /// The share of those that the answering version computes twice, so that its own noise is known.
    pub noise: f64,
    /// How close numbers count as the same.
    pub tolerance: Tolerance,
    /// Computations at a time.
    pub concurrency: usize,
    /// Requests that may wait for it; more are dropped and counted.
    pub queue: usize,
    /// The worst examples that are kept, with their inputs; none where nothing is said.
    pub examples: usize,
}

/// How close numbers count as the same: `|a − b| ≤ absolute + relative · |b|`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// The absolute part.
    pub absolute: f64,
    /// The part relative to the answer that the caller got.
    pub relative: f64,
}

// === impl Shadow ===

impl Shadow {
    /// The shadow of a version, with what holds where nothing is said.
    #[must_use]
    pub fn of(model: Name, version: VersionNumber) -> Self {
        Self {
            model,
            version,
            sample: Self::SAMPLE,
            noise: Self::NOISE,
            tolerance: Tolerance::default(),
            concurrency: Self::CONCURRENCY,
            queue: Self::QUEUE,
            examples: 0,
        }
    }

    /// The share of requests that it sees where nothing is said.
    pub const SAMPLE: f64 = 0.1;
    /// The share of those that are computed twice where nothing is said.
    pub const NOISE: f64 = 0.05;
    /// Computations at a time where nothing is said.
    pub const CONCURRENCY: usize = 1;
    /// Requests that may wait for it where nothing is said.
    pub const QUEUE: usize = 64;
    /// The most examples that are kept.
    pub const MAX_EXAMPLES: usize = 100;
}

// === impl Tolerance ===

impl Default for Tolerance {
    /// 1e-5 each.
    fn default() -> Self {
        Self {
            absolute: 1e-5,
            relative: 1e-5,
        }
    }
}
