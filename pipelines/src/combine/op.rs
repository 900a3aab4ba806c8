//! Transforms: one value of one or several.

use impresario_models::{DataType, Port, Tensor};

use super::{Fault, Misfit};

/// A transform, with what it was given.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// The same values in another datatype.
    Cast(DataType),
}

impl Op {
    /// What comes out of values of these types, under the name `output`. Where `batched`, the first axis of each is the rows.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn output(&self, _of: &[&Port], _batched: bool) -> Result<Port, Misfit> {
        todo!()
    }

    /// What comes out.
    ///
    /// # Errors
    /// Why it cannot be computed of these values.
    pub fn apply(&self, _of: &[&Tensor], _batched: bool) -> Result<Tensor, Fault> {
        todo!()
    }
}
