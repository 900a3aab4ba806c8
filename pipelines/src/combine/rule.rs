//! Ensembles: one value of several of the same kind.

use impresario_models::{Port, Tensor};

use super::{Fault, Misfit};

/// How several values become one.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// Their mean.
    Mean,
}

impl Rule {
    /// What comes out of values of these types, under the name `output`. Where `batched`, the first axis of each is the rows.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn output(&self, _of: &[&Port], _batched: bool) -> Result<Port, Misfit> {
        todo!()
    }

    /// What comes out of those that are there; the others are `None`. At least one is there.
    ///
    /// # Errors
    /// Why it cannot be computed of these values.
    pub fn apply(&self, _of: &[Option<&Tensor>], _batched: bool) -> Result<Tensor, Fault> {
        todo!()
    }
}
