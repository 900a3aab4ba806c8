//! What joins the nodes of a composite: transforms of values, ensembles of several, and the splitting and joining of rows.
//!
//! Everything here is a pure function of tensors, and says beforehand what type comes out.

mod kind;
mod labels;
mod number;
mod op;
mod port;
mod rows;
mod rule;
mod several;

#[cfg(test)]
mod tests;

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

// === impl Misfit ===

impl Misfit {
    fn new(expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self {
            at: None,
            expected: expected.into(),
            got: got.into(),
            hint: None,
        }
    }

    fn at(mut self, at: usize) -> Self {
        self.at = Some(at);
        self
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

// === impl Fault ===

impl From<Misfit> for Fault {
    fn from(misfit: Misfit) -> Self {
        match misfit.at {
            Some(at) => Self(format!("value {at}: {misfit}")),
            None => Self(misfit.to_string()),
        }
    }
}
