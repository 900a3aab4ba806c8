//! Each transform and ensemble: what it is told to fit, what it computes, and what holds of all.

mod fit;
mod properties;
mod reference;
mod rows;
mod typing;
mod values;

use impresario_models::{DataType, Dim, Port, Tensor};

/// A port called `x`; -1 is a free axis.
fn port(datatype: DataType, shape: &[i64]) -> Port {
    let dims = shape.iter().map(|size| match usize::try_from(*size) {
        Ok(size) => Dim::Fixed(size),
        Err(_) => Dim::Free(None),
    });
    Port::new("x", datatype, dims.collect())
}

/// A tensor as text, such as `[2] Fp32([1.0, NaN])`; equal texts are equal tensors, bit by bit but for the kind of NaN.
fn shown(tensor: &Tensor) -> String {
    format!("{:?} {:?}", tensor.shape(), tensor.values())
}
