//! A raw binary request: no JSON, the body is the data of the model's one input (header value 0).
//!
//! Its shape is deduced: one row, fixed axes as they are, and at most one more free axis, which takes what there
//! is. A body of BYTES is one element, without a length before it.

use impresario_models::tensor::element_count;
use impresario_models::{Batching, Contract, DataType, Dim, Port, Tensor, Values};

use super::binary;
use super::limits::Limits;
use super::parameters::Parameters;
use super::refusal::{Label, Refusal};
use super::request::{Decoded, wanted};

/// Decodes a body that is nothing but the one input's data.
pub(super) fn decode(
    contract: &Contract,
    body: &[u8],
    limits: &Limits,
) -> Result<Decoded, Refusal> {
    let [port] = &contract.inputs[..] else {
        return Err(Refusal::invalid(
            "raw binary request",
            "a model with one input",
            format!("a model with {}", contract.inputs.len()),
        ));
    };
    let label = Label::Input(&port.name);
    let shape = deduce(port, contract.batching, body.len())?;
    let count = element_count(&shape).unwrap_or(usize::MAX);
    let values = if port.datatype == DataType::Bytes {
        if body.len() > limits.max_string {
            return Err(Refusal::long_string(label, limits.max_string, body.len()));
        }
        Values::Bytes(vec![body.to_vec()])
    } else {
        binary::read(body, port.datatype, count, limits, label)?
    };
    let tensor = Tensor::new(shape, values)
        .map_err(|e| Refusal::invalid(label, "one element of BYTES", e.to_string()))?;
    let inputs = vec![tensor];
    contract.check_inputs(&inputs)?;
    Ok(Decoded {
        id: None,
        inputs,
        outputs: wanted(contract, Vec::new(), true)?,
        parameters: Parameters::default(),
    })
}

/// The shape that a raw body must have: one row, and at most one more free axis, which takes what there is.
fn deduce(port: &Port, batching: Batching, bytes: usize) -> Result<Vec<usize>, Refusal> {
    let batched = usize::from(matches!(batching, Batching::FirstAxis { .. }));
    let axes = || port.shape.iter().enumerate();
    let fixed = axes().map(|(axis, dim)| match dim {
        Dim::Fixed(size) if axis >= batched => *size,
        _ => 1,
    });
    let mut shape: Vec<usize> = fixed.collect();
    let mut free = axes().filter(|(axis, dim)| *axis >= batched && matches!(dim, Dim::Free(_)));
    let (first, second) = (free.next(), free.next());
    let Some(size) = port.datatype.size() else {
        return Ok(shape);
    };
    if second.is_some() {
        return Err(Refusal::invalid(
            "raw binary request",
            "an input with at most one free axis beside the batch",
            format!("input '{}' with more", port.name),
        ));
    }
    let row = element_count(&shape).and_then(|count| count.checked_mul(size));
    if let (Some((axis, _)), Some(row)) = (first, row)
        && let Some(items) = bytes.checked_div(row)
    {
        // A rest that fills no item is found when sizes are compared.
        shape[axis] = items;
    }
    Ok(shape)
}
