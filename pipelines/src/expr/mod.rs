//! Expressions: conditions and scalar maps in the syntax of the Common Expression Language (<https://cel.dev>), checked
//! against the types of what they read, and evaluated for all rows of a request at once.
//!
//! `request.NAME` is an input, `request.parameters.NAME` a parameter, `NODE.PORT` or `NODE` an output; names with other
//! characters are written `request["my input"]`. Where the graph batches, a value of shape `[rows]` or `[rows, 1]` is one
//! thing a row, one of shape `[rows, k]` a list a row, and one of more axes a list of lists, which counts as one long list
//! and has no index. Where it does not batch, `[]` and `[1]` are one thing.
//!
//! Other than in CEL:
//! - ints and doubles mix; what is computed of both is a double, what is compared is compared exactly;
//! - all whole numbers are ints of 64 bits, and all floating-point ones doubles;
//! - `max`, `min`, `sum`, `mean`, `argmax` and the functions of numbers are ours; a list's `max` with a NaN in it is NaN;
//! - what a parameter is, is told by the request alone: one of the wrong type is a [`Fault`], also with `==`;
//! - of macros there are `has` (of parameters), `all` and `exists`.

mod check;
mod column;
mod evaluate;
mod kind;
mod name;
mod parse;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;
use std::sync::Arc;

use impresario_models::{DataType, Dim, Port, Tensor};

use crate::combine::Fault;
use crate::spec::composite::Reference;
use kind::Type;
use tree::Tree;

/// A checked expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    text: Arc<str>,
    root: Arc<Tree>,
    variables: Arc<[Type]>,
    datatype: DataType,
    batched: bool,
}

/// A parameter of a request, or what an expression comes to where that is the same for all rows.
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
    /// One a row, in the shape `[rows]`.
    Rows(Tensor),
}

// === impl Expression ===

impl Expression {
    /// Reads the references of an expression, without their types, each once, in the order in which they are first named.
    ///
    /// # Errors
    /// Where it is no expression.
    pub fn references(text: &str) -> Result<Vec<Reference>, Vec<Unfit>> {
        let parsed = parse::parse(text).map_err(|unfit| vec![unfit])?;
        Ok(name::references(&parsed.root))
    }

    /// Reads and checks an expression; beside it stand the references that it reads, in the order of its variables, which
    /// is that of [`Self::references`]. Where `batched`, the first axis of every value is the rows.
    ///
    /// # Errors
    /// All that is wrong with it; of errors of syntax only the first, as the others mostly follow from it.
    pub fn check(
        text: &str,
        scope: &dyn Scope,
        batched: bool,
    ) -> Result<(Self, Vec<Reference>), Vec<Unfit>> {
        let parsed = parse::parse(text).map_err(|unfit| vec![unfit])?;
        let references = name::references(&parsed.root);
        let checked = check::check(&parsed, &references, scope, batched)?;
        let expression = Self {
            text: text.into(),
            root: Arc::new(checked.root),
            variables: checked.variables.into(),
            datatype: checked.datatype,
            batched,
        };
        Ok((expression, references))
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The type of what it comes to, under the name `output`: `BOOL`, `INT64`, `FP64` or `BYTES`, of shape `[rows]` where
    /// values have rows, else `[1]`.
    #[must_use]
    pub fn port(&self) -> Port {
        let axis = if self.batched {
            Dim::Free(None)
        } else {
            Dim::Fixed(1)
        };
        Port::new("output", self.datatype, vec![axis])
    }

    /// Whether rows may come to different things: they do where it reads a value that has rows.
    #[must_use]
    pub fn by_row(&self) -> bool {
        self.batched && !self.variables.is_empty()
    }

    /// What it comes to. `rows` is how many there are, where there are rows.
    ///
    /// # Errors
    /// Why it cannot be evaluated for these values, such as a parameter that is not there. What is wrong with one row only
    /// names the row, counted from 0.
    pub fn evaluate(
        &self,
        values: &[&Tensor],
        parameters: &Parameters,
        rows: Option<usize>,
    ) -> Result<Outcome, Fault> {
        evaluate::evaluate(self, values, parameters, rows)
    }
}

// === impl Outcome ===

impl Outcome {
    /// It as a value of the expression's type: of shape `[rows]`, or `[1]` where there are no rows.
    #[must_use]
    pub fn into_tensor(self, rows: Option<usize>) -> Tensor {
        let count = rows.unwrap_or(1);
        match self {
            Self::Rows(tensor) => tensor,
            Self::One(Scalar::Bool(it)) => Tensor::vector(vec![it; count]),
            Self::One(Scalar::Int(it)) => Tensor::vector(vec![it; count]),
            Self::One(Scalar::Float(it)) => Tensor::vector(vec![it; count]),
            Self::One(Scalar::Text(it)) => Tensor::vector(vec![it.as_bytes().to_vec(); count]),
        }
    }
}
