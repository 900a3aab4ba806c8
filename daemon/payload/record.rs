//! A record: all that is told of one request, not written yet.

use std::sync::Arc;
use std::time::Duration;

use impresario_models::{Contract, DataType, Name, Tensor, Values, VersionNumber};
use impresario_pipelines::Variant;
use impresario_pipelines::table::Why;

use super::redact::Field;
use crate::codec::{Parameter, Parameters};
use crate::error::Error;
use crate::measure::Outcome;
use crate::trace::TraceId;

/// What a text of a BYTES tensor takes beside its bytes.
const PIECE: usize = 24;

/// What a parameter takes beside its name and its text.
const NAMED: usize = 2 * PIECE;

/// One request.
#[derive(Clone, Debug)]
pub struct Record {
    /// When it ended, in milliseconds since 1970.
    pub at_ms: u64,
    /// Its id, where it has one.
    pub id: Option<Box<str>>,
    /// The pipeline that was asked.
    pub pipeline: Name,
    /// The fleet's state that it was decided on.
    pub revision: u64,
    /// The decision; none where nobody could answer.
    pub decided: Option<Decided>,
    /// Whose request it is, as a hash.
    pub unit: Option<u128>,
    /// The trace that it belongs to, where it belongs to one.
    pub trace: Option<TraceId>,
    /// How it ended for its caller.
    pub outcome: Outcome,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Who failed, where another one answered.
    pub rescue: Option<Covered>,
    /// What came of the response cache, where it was asked.
    pub cache: Option<&'static str>,
    /// The caller got what the pipeline answers when the time is over.
    pub substitute: bool,
    /// In the queue.
    pub queue: Duration,
    /// In the engine.
    pub compute: Duration,
    /// From the decision to the end.
    pub total: Duration,
    /// The time that it had.
    pub limit: Option<Duration>,
    /// The way through a graph, in a few words.
    pub trail: Vec<(&'static str, String)>,
    /// Its parameters.
    pub parameters: Parameters,
    /// They were too large to be kept: there are none here.
    pub unparametered: bool,
    /// What it asked.
    pub inputs: Option<Tensors>,
    /// The names of the outputs that it asked for; all where nothing is said.
    pub wanted: Option<Box<[Arc<str>]>>,
    /// What it was answered.
    pub outputs: Option<Tensors>,
    /// What of it is not written down, beside what never is.
    pub hidden: Vec<Field>,
}

/// Who was to answer.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The variant.
    pub variant: Variant,
    /// The arm of the split.
    pub arm: Option<usize>,
    /// Why that one.
    pub why: Why,
    /// The model that answered, or was to.
    pub model: Name,
    /// Its version.
    pub version: VersionNumber,
}

/// Who failed, and was covered by another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Covered {
    /// The variant.
    pub variant: Variant,
    /// The word for how.
    pub why: &'static str,
    /// Its model.
    pub model: Name,
    /// Its version.
    pub version: VersionNumber,
}

/// Why a request failed, as its caller may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A stable word.
    pub code: &'static str,
    /// The sentence.
    pub message: String,
}

/// Tensors in the order of a contract's ports.
#[derive(Clone, Debug)]
pub struct Tensors {
    /// Whose ports they are.
    pub contract: Arc<Contract>,
    /// One for each port.
    pub parts: Vec<Part>,
}

/// A tensor, or what is told of it where it is not kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// All of it.
    Whole(Tensor),
    /// Its datatype and shape.
    Outline(DataType, Vec<usize>),
}

// === impl Record ===

impl Record {
    /// Whether an output was asked for.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        let wanted = self.wanted.as_ref();
        wanted.is_none_or(|wanted| wanted.iter().any(|known| **known == *name))
    }

    /// Bytes in memory of what its caller or its model chose the size of.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let tensors = [&self.inputs, &self.outputs];
        let tensors: usize = tensors.into_iter().flatten().map(Tensors::bytes).sum();
        let message = self.failure.as_ref().map_or(0, |why| why.message.len());
        let id = self.id.as_ref().map_or(0, |id| id.len());
        tensors + self.parameters.bytes() + message + id
    }
}

// === impl Parameters ===

impl Parameters {
    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let size = |(name, value): (&str, &Parameter)| match value {
            Parameter::Text(text) => NAMED + name.len() + text.len(),
            _ => NAMED + name.len(),
        };
        self.iter().map(size).sum()
    }
}

// === impl Failure ===

impl Failure {
    /// An error as callers may know it.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        Self {
            code: error.code().word,
            message: error.message(),
        }
    }
}

// === impl Tensors ===

impl Tensors {
    /// A copy of tensors, or their outlines where they have more bytes than are kept.
    #[must_use]
    pub fn copy(contract: &Arc<Contract>, tensors: &[Tensor], most: usize) -> Self {
        let fits = tensors.iter().map(size).sum::<usize>() <= most;
        let part = |tensor: &Tensor| match fits {
            true => Part::Whole(tensor.clone()),
            false => Part::outline(tensor),
        };
        Self {
            contract: Arc::clone(contract),
            parts: tensors.iter().map(part).collect(),
        }
    }

    /// Bytes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let size = |part: &Part| match part {
            Part::Whole(tensor) => size(tensor),
            Part::Outline(..) => 0,
        };
        self.parts.iter().map(size).sum()
    }

    /// Lets go of the data.
    pub fn shed(&mut self) {
        for part in &mut self.parts {
            if let Part::Whole(tensor) = part {
                *part = Part::outline(tensor);
            }
        }
    }
}

// === impl Part ===

impl Part {
    fn outline(tensor: &Tensor) -> Self {
        Self::Outline(tensor.datatype(), tensor.shape().to_vec())
    }
}

fn size(tensor: &Tensor) -> usize {
    match tensor.values() {
        Values::Bytes(texts) => texts.iter().map(|text| PIECE + text.len()).sum(),
        values => values.len() * values.datatype().size().unwrap_or(1),
    }
}
