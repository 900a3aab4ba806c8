//! Looking into the engine's tensors, and making them.

use std::borrow::Cow;

use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::tract_ndarray::{ArrayD, IxDyn};

/// The elements in row-major order.
pub(super) fn slice<T: Datum>(tensor: &Tensor) -> TractResult<&[T]> {
    tensor.try_as_plain_ram()?.as_slice()
}

/// A tensor of these elements in row-major order.
pub(super) fn tensor<T: Datum>(shape: &[usize], elements: Vec<T>) -> TractResult<Tensor> {
    Ok(ArrayD::from_shape_vec(IxDyn(shape), elements)?.into_tensor())
}

/// The elements of a tensor of numbers as another type of number.
pub(super) fn cast<T: Datum + Copy>(tensor: &Tensor) -> TractResult<Cow<'_, [T]>> {
    Ok(match tensor.cast_to::<T>()? {
        Cow::Borrowed(tensor) => Cow::Borrowed(slice(tensor)?),
        Cow::Owned(tensor) => Cow::Owned(slice(&tensor)?.to_vec()),
    })
}

/// Number and length of the rows; one axis is a single row, axes after the second lengthen the row.
pub(super) fn rows(shape: &[usize]) -> (usize, usize) {
    match shape {
        [] => (1, 1),
        [length] => (1, *length),
        [number, rest @ ..] => (*number, rest.iter().product()),
    }
}

/// The batch axis of facts: what `rows` counts, while it is a symbol.
pub(super) fn batch(fact: &TypedFact) -> TDim {
    if fact.rank() < 2 {
        1.to_dim()
    } else {
        fact.shape[0].clone()
    }
}

/// The facts of exactly this many inputs.
///
/// # Errors
/// There are more or fewer.
pub(super) fn inputs<'a, const N: usize>(
    facts: &[&'a TypedFact],
) -> TractResult<[&'a TypedFact; N]> {
    facts
        .try_into()
        .map_err(|_| format_err!("takes {N} inputs, got {}", facts.len()))
}

/// That a fact's elements are numbers (booleans count as such).
///
/// # Errors
/// They are strings, or nothing one can calculate with.
pub(super) fn numbers(fact: &TypedFact) -> TractResult<()> {
    let datatype = fact.datum_type;
    ensure!(
        datatype.is_number() || datatype == DatumType::Bool,
        "takes numbers, got {datatype:?}"
    );
    Ok(())
}

/// That a fact's elements are strings.
///
/// # Errors
/// They are not.
pub(super) fn strings(fact: &TypedFact) -> TractResult<()> {
    ensure!(
        fact.datum_type == DatumType::String,
        "takes strings, got {:?}",
        fact.datum_type
    );
    Ok(())
}

/// That the last axis has this length, where the length is known.
///
/// # Errors
/// It has another length.
pub(super) fn width(fact: &TypedFact, expected: usize) -> TractResult<()> {
    let found = fact
        .shape
        .iter()
        .last()
        .map_or(Ok(1), |last| last.to_usize());
    if let Ok(found) = found {
        ensure!(found == expected, "takes {expected} features, got {found}");
    }
    Ok(())
}
