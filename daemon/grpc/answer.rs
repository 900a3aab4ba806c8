//! Output tensors to an answer's message: raw for who sent raw, typed for who sent typed, and never both in one
//! message.
//!
//! Triton always answers raw, and its clients read nothing else; clients of KServe's protocol may know the typed
//! contents only. A client reads what it can write, so that an answer takes the form of its request. FP16 and BF16
//! have no typed form: an answer that holds one is raw as a whole.

use impresario_models::{Contract, DataType, Tensor};

use super::contents;
use super::proto::ModelInferResponse;
use super::proto::model_infer_response::InferOutputTensor;
use super::request::Form;
use crate::codec::{Label, Refusal, binary};

/// The outputs that are wanted, into an answer that is otherwise complete.
///
/// # Errors
/// [`Refusal`] when an element is too long for the wire.
pub(super) fn encode(
    contract: &Contract,
    outputs: Vec<Tensor>,
    wanted: &[usize],
    form: Form,
    answer: &mut ModelInferResponse,
) -> Result<(), Refusal> {
    let half = |tensor: &Tensor| matches!(tensor.datatype(), DataType::Fp16 | DataType::Bf16);
    let asked = || wanted.iter().filter_map(|index| outputs.get(*index));
    let form = if asked().any(half) { Form::Raw } else { form };
    for (index, (port, tensor)) in contract.outputs.iter().zip(outputs).enumerate() {
        if !wanted.contains(&index) {
            continue;
        }
        let datatype = tensor.datatype();
        let (shape, values) = tensor.into_parts();
        let contents = match form {
            Form::Typed => contents::write(values),
            Form::Raw => {
                let mut raw = Vec::new();
                binary::write(&values, Label::Output(&port.name), &mut raw)?;
                answer.raw_output_contents.push(raw.into());
                None
            }
        };
        let size = |axis| i64::try_from(axis).unwrap_or(i64::MAX);
        answer.outputs.push(InferOutputTensor {
            name: port.name.to_string(),
            datatype: datatype.to_string(),
            shape: shape.into_iter().map(size).collect(),
            contents,
            ..InferOutputTensor::default()
        });
    }
    Ok(())
}
