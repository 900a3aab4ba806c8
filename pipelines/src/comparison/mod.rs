//! Comparisons: the answers that callers got beside those that a shadow would have given.
//!
//! Everything here is counted, so that it adds up over replicas and stays small however long a shadow runs. The same
//! comparison of the answering version with itself is the noise that is taken off. How a shadow is run, and who acts on
//! what it shows, is not said here.

mod coverage;
mod excerpt;
mod fault;
mod label;
mod matrix;
mod sketch;

mod output;

mod examples;
mod pairs;

mod report;

use crate::spec::shadow::{Shadow, Tolerance};

pub use coverage::Coverage;
pub use examples::{Example, Examples};
pub use excerpt::Excerpt;
pub use fault::{Failure, Fault, Faults};
pub use label::Label;
pub use matrix::Matrix;
pub use output::{Kind, Output};
pub use pairs::{Answer, Errors, Latency, Pair, Pairs};
pub use report::{Counts, Finding, Gap, Quantiles, Rate, Reading, Report, Seen};
pub use sketch::Sketch;

/// The worst examples of each kind that are kept without their inputs, where the specification asks for none with them.
const USUAL_EXAMPLES: usize = 3;

/// What a shadow and the version that answers callers came to, so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// How close numbers count as the same.
    pub tolerance: Tolerance,
    /// Whether examples show what was asked.
    pub inputs: bool,
    /// What became of the requests.
    pub coverage: Coverage,
    /// The shadow beside the version that answers.
    pub shadow: Pairs,
    /// The version that answers beside itself.
    pub noise: Pairs,
}

// === impl Comparison ===

impl Comparison {
    /// Nothing compared yet, by the rules of a specification.
    #[must_use]
    pub fn new(spec: &Shadow) -> Self {
        let examples = match spec.examples {
            0 => USUAL_EXAMPLES,
            asked => asked,
        };
        Self {
            tolerance: spec.tolerance,
            inputs: spec.examples > 0,
            coverage: Coverage::default(),
            shadow: Pairs::keeping(examples),
            noise: Pairs::keeping(0),
        }
    }

    /// Counts an answer and what the shadow makes of the same request.
    pub fn record(&mut self, mut pair: Pair<'_>) {
        self.coverage.compared += 1;
        if !self.inputs {
            pair.inputs = &[];
        }
        self.shadow.record(&pair, &self.tolerance);
    }

    /// Counts an answer and what the same version makes of the same request.
    pub fn record_noise(&mut self, pair: &Pair<'_>) {
        self.noise.record(pair, &self.tolerance);
    }

    /// Adds what another one counted, by the same rules.
    pub fn merge(&mut self, other: &Self) {
        self.coverage.merge(&other.coverage);
        self.shadow.merge(&other.shadow);
        self.noise.merge(&other.noise);
    }

    /// What the counts say.
    #[must_use]
    pub fn report(&self) -> Report {
        Report::of(self)
    }

    /// How many pairs there are, and how many of them agree, noise taken off.
    #[must_use]
    pub fn reading(&self) -> Reading {
        Reading::of(self)
    }
}

#[cfg(test)]
mod tests;
