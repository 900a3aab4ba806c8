//! What joins the nodes of a composite: transforms of values, ensembles of several, and the splitting and joining of rows.
//!
//! Everything here is a pure function of tensors, and says beforehand what type comes out.

mod labels;
mod op;
mod rows;
mod rule;

pub use labels::Labels;
pub use op::{Op, Which};
pub use rows::{join, take};
pub use rule::Rule;

/// Why values of these types cannot be combined so: known before any request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, got {got}")]
pub struct Misfit {
    /// Which of the values, from 0; none where it is about all of them.
    pub at: Option<usize>,
    /// What would do.
    pub expected: String,
    /// What it is.
    pub got: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Why these values cannot be combined: known only now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);
