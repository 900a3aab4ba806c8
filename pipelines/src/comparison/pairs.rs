//! Pairs: two answers to the same request, and what all of them came to.

use std::collections::BTreeMap;

use impresario_models::{Batching, Contract, Tensor};

use super::examples::{Example, Examples};
use super::excerpt::{cut, excerpts};
use super::fault::{Failure, Faults};
use super::output::{Apart, Axes, Kind, Output};
use super::sketch::Sketch;
use crate::spec::shadow::Tolerance;

/// Bytes of a message that an example shows.
const MESSAGE: usize = 256;

/// Bytes of a request's id that an example shows.
const ID: usize = 128;

/// Two versions' answers to one request.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// The request's id.
    pub request: &'a str,
    /// What was asked, in the order of the answering version's inputs.
    pub inputs: &'a [Tensor],
    /// What the caller got.
    pub answered: Answer<'a>,
    /// What it is compared with.
    pub other: Answer<'a>,
}

/// What a version made of a request.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The version's contract.
    pub contract: &'a Contract,
    /// Its outputs in the contract's order, or why there are none.
    pub result: Result<&'a [Tensor], Failure<'a>>,
    /// Nanoseconds in the engine, where they are known.
    pub compute: Option<u64>,
}

/// What pairs came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pairs {
    /// Who gave an answer.
    pub errors: Errors,
    /// How the other version failed.
    pub faults: Faults,
    /// Of the pairs that the caller got an answer of, those whose every output agrees.
    pub agree: u64,
    /// By output of the answering version; as many as its contract has.
    pub outputs: BTreeMap<String, Output>,
    /// How long the engines took.
    pub latency: Latency,
    /// The worst examples.
    pub examples: Examples,
}

/// Pairs, by who gave an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Errors {
    /// Both did.
    pub neither: u64,
    /// The version that answers callers failed, the other one did not.
    pub answering: u64,
    /// The other one failed, the version that answers callers did not.
    pub other: u64,
    /// Both failed.
    pub both: u64,
}

/// Times in the engine of pairs that both have one, in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Of the version that answers callers.
    pub answering: Sketch,
    /// Of the other one.
    pub other: Sketch,
    /// How many times as long the other one took, pair by pair.
    pub ratio: Sketch,
}

// === impl Pairs ===

impl Pairs {
    /// None yet; keeps so many examples of each kind.
    #[must_use]
    pub fn keeping(examples: usize) -> Self {
        Self {
            examples: Examples::keeping(examples),
            ..Self::default()
        }
    }

    /// Pairs that can agree: the caller got an answer.
    #[must_use]
    pub fn comparable(&self) -> u64 {
        self.errors.neither + self.errors.other
    }

    /// Of them, those that do not agree.
    #[must_use]
    pub fn disagree(&self) -> u64 {
        self.comparable().saturating_sub(self.agree)
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        self.errors.merge(&other.errors);
        self.faults.merge(&other.faults);
        self.agree += other.agree;
        for (name, output) in &other.outputs {
            self.outputs.entry(name.clone()).or_default().merge(output);
        }
        self.latency.merge(&other.latency);
        self.examples.merge(&other.examples);
    }

    pub(super) fn record(&mut self, pair: &Pair<'_>, tolerance: &Tolerance) {
        if let Err(failure) = pair.other.result {
            self.faults.add(failure.fault, 1);
        }
        match (pair.answered.result, pair.other.result) {
            (Ok(answered), Ok(other)) => {
                self.errors.neither += 1;
                self.answers(pair, answered, other, tolerance);
                self.latency
                    .record(pair.answered.compute, pair.other.compute);
            }
            (Ok(_), Err(failure)) => {
                self.errors.other += 1;
                self.example(pair, Kind::Failure, f64::INFINITY, None, Some(failure.what));
            }
            (Err(_), Ok(_)) => self.errors.answering += 1,
            (Err(_), Err(_)) => self.errors.both += 1,
        }
    }

    fn answers(
        &mut self,
        pair: &Pair<'_>,
        answered: &[Tensor],
        other: &[Tensor],
        tolerance: &Tolerance,
    ) {
        let contract = pair.answered.contract;
        let batched = contract.batching != Batching::None;
        let mut agree = true;
        let mut worst: Option<(Kind, f64, &str)> = None;
        for (port, tensor) in contract.outputs.iter().zip(answered) {
            let theirs = pair.other.contract.output(&port.name);
            let theirs = theirs.and_then(|place| other.get(place));
            let axes = Axes {
                batched,
                classes: &port.labels,
            };
            // A name is copied the first time only.
            let apart = match self.outputs.get_mut(&*port.name) {
                Some(output) => output.record(tensor, theirs, axes, tolerance),
                None => {
                    let output = self.outputs.entry(port.name.to_string()).or_default();
                    output.record(tensor, theirs, axes, tolerance)
                }
            };
            let Apart {
                agree: alike,
                kind,
                distance,
            } = apart;
            agree &= alike;
            if let Some(kind) = kind
                && worst.is_none_or(|(k, d, _)| (kind, distance) > (k, d))
            {
                worst = Some((kind, distance, &port.name));
            }
        }
        self.agree += u64::from(agree);
        if let Some((kind, distance, output)) = worst {
            self.example(pair, kind, distance, Some(output), None);
        }
    }

    /// Shows a pair among the worst, if it is one of them.
    fn example(
        &mut self,
        pair: &Pair<'_>,
        kind: Kind,
        distance: f64,
        output: Option<&str>,
        failure: Option<&str>,
    ) {
        if !self.examples.wants(kind, distance) {
            return;
        }
        let contract = pair.answered.contract;
        // Each part has a share of its own: long inputs leave the answers room.
        let third = self.examples.budget().saturating_sub(ID + MESSAGE) / 3;
        let outputs = |answer: &Answer<'_>| {
            let tensors = answer.result.unwrap_or_default();
            excerpts(&answer.contract.outputs, tensors, &mut { third })
        };
        self.examples.add(Example {
            kind,
            distance,
            request: cut(pair.request, ID),
            output: output.map(str::to_owned),
            failure: failure.map(|what| cut(what, MESSAGE)),
            inputs: excerpts(&contract.inputs, pair.inputs, &mut { third }),
            answered: outputs(&pair.answered),
            other: outputs(&pair.other),
        });
    }
}

// === impl Errors ===

impl Errors {
    /// All pairs.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.neither + self.answering + self.other + self.both
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        self.neither += other.neither;
        self.answering += other.answering;
        self.other += other.other;
        self.both += other.both;
    }
}

// === impl Latency ===

impl Latency {
    /// Counts a pair of times, where both are known.
    fn record(&mut self, answering: Option<u64>, other: Option<u64>) {
        if let (Some(answering), Some(other)) = (answering, other) {
            let (answering, other) = (answering as f64, other as f64);
            self.answering.record(answering);
            self.other.record(other);
            if answering > 0.0 {
                self.ratio.record(other / answering);
            }
        }
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        self.answering.merge(&other.answering);
        self.other.merge(&other.other);
        self.ratio.merge(&other.ratio);
    }
}
