//! Rows: taking some out of a value, and joining parts in order.

use impresario_models::Tensor;

use super::Fault;

/// These rows of a value, in this order.
#[must_use]
pub fn take(_of: &Tensor, _rows: &[usize]) -> Tensor {
    todo!()
}

/// A value of so many rows, of parts with the rows that each has; every row is in one part.
///
/// # Errors
/// Parts of different datatypes or shapes.
pub fn join(_rows: usize, _parts: &[(&[usize], &Tensor)]) -> Result<Tensor, Fault> {
    todo!()
}
