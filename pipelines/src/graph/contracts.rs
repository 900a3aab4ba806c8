//! What is known of those that a composite calls: asked when it is compiled, answered by whoever keeps models and
//! pipelines.

use std::sync::Arc;

use impresario_models::{Contract, Name};

use super::problem::Problem;
use crate::spec::composite::Callee;

/// Knows the contracts of models and pipelines.
pub trait Contracts {
    /// What is known of one of them.
    fn contract(&self, callee: &Callee) -> Answer;
}

/// What is known of a callee.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// What it takes and gives.
    Known(Arc<Contract>),
    /// There is no such model, version or pipeline.
    Unknown {
        /// Which part of its name is unknown.
        what: Unknown,
        /// The names or numbers that there are instead.
        known: Vec<String>,
    },
    /// It is there, and its contract is not known yet, such as that of a version that was never loaded.
    NotYet,
    /// It calls the composite in turn: the names on the way, from the callee to the composite.
    Around(Vec<Name>),
}

/// The part of a callee's name that is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// There is no model of this name.
    Model,
    /// The model does not have this version.
    Version,
    /// There is no pipeline of this name, nor a model.
    Pipeline,
}

/// Why a composite is no graph, or not yet.
#[derive(Clone, Debug, PartialEq)]
pub enum Trouble {
    /// All that is found wrong with it, whether or not somebody's contract is not known yet.
    Wrong(Vec<Problem>),
    /// Nothing is wrong as far as is known, and it is a graph once the contracts of these are known; each once.
    Waiting(Vec<Callee>),
}

// === impl Unknown ===

impl Unknown {
    /// Its word, which is also the name of the field that it is written in.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Version => "version",
            Self::Pipeline => "pipeline",
        }
    }
}
