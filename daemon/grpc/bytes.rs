//! Requests and answers as bytes, read and written as calls are, for those who have no call: fuzzers and benches.

use impresario_models::{Contract, Tensor};
use tonic::Status;

use super::proto::{ModelInferRequest, ModelInferResponse};
use super::request::Form;
use super::{answer, codec, request};
use crate::codec::{Limits, Refusal};

/// Why bytes are no request.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// They are no message, or one that unfolds to too much.
    #[error("{}", .0.message())]
    Message(Status),
    /// The message does not fit the contract.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// The inputs of a request, in the contract's order, checked against it.
///
/// # Errors
/// [`Unread`], which says what was expected and what came.
pub fn read_request(
    contract: &Contract,
    bytes: &[u8],
    limits: &Limits,
) -> Result<Vec<Tensor>, Unread> {
    let message: ModelInferRequest = codec::message(bytes).map_err(Unread::Message)?;
    Ok(request::decode(contract, message, limits)?.inputs)
}

/// The answer that has all outputs of a contract: in `raw_output_contents`, or where `typed` in each output's contents.
///
/// # Errors
/// [`Refusal`] for outputs that the form cannot hold.
pub fn write_answer(
    contract: &Contract,
    outputs: Vec<Tensor>,
    typed: bool,
) -> Result<ModelInferResponse, Refusal> {
    let form = if typed { Form::Typed } else { Form::Raw };
    let all: Vec<usize> = (0..outputs.len()).collect();
    let mut message = ModelInferResponse::default();
    answer::encode(contract, outputs, &all, form, &mut message)?;
    Ok(message)
}
