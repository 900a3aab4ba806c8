//! Expressions: conditions and scalar maps in the syntax of the Common Expression Language (<https://cel.dev>), checked
//! against the types of what they read, and evaluated for all rows of a request at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use impresario_models::{Port, Tensor};

use crate::combine::Fault;
use crate::spec::composite::Reference;

/// A checked expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    text: Arc<str>,
}

/// A parameter of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// A truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    Text(Arc<str>),
}

/// The parameters of a request by name.
pub type Parameters = BTreeMap<Arc<str>, Scalar>;

/// Why a text is no expression that can be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unfit {
    /// Where in the text, in characters from 0.
    pub at: usize,
    /// A stable word, such as `syntax`, `unknown-name`, `type-mismatch`.
    pub code: &'static str,
    /// What is wrong: expected and got.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Looks names of an expression up.
pub trait Scope {
    /// The type of a value, or why there is none.
    ///
    /// # Errors
    /// A message and a hint.
    fn port(&self, reference: &Reference) -> Result<Port, (String, Option<String>)>;
}

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The same for every row.
    One(Scalar),
    /// One a row.
    Rows(Tensor),
}

impl Expression {
    /// Reads the references of an expression, without their types.
    ///
    /// # Errors
    /// Where it is no expression.
    pub fn references(_text: &str) -> Result<Vec<Reference>, Vec<Unfit>> {
        todo!()
    }

    /// Reads and checks an expression; beside it stand the references that it reads, in the order of its variables. Where
    /// `batched`, the first axis of every value is the rows.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn check(
        _text: &str,
        _scope: &dyn Scope,
        _batched: bool,
    ) -> Result<(Self, Vec<Reference>), Vec<Unfit>> {
        todo!()
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The type of what it comes to, under the name `output`.
    #[must_use]
    pub fn port(&self) -> Port {
        todo!()
    }

    /// Whether rows may come to different things.
    #[must_use]
    pub fn by_row(&self) -> bool {
        todo!()
    }

    /// What it comes to. `rows` is how many there are, where there are rows.
    ///
    /// # Errors
    /// Why it cannot be evaluated for these values, such as a parameter that is not there.
    pub fn evaluate(
        &self,
        _values: &[&Tensor],
        _parameters: &Parameters,
        _rows: Option<usize>,
    ) -> Result<Outcome, Fault> {
        todo!()
    }
}
