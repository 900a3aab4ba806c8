//! A request's message to checked tensors in the contract's order.
//!
//! Elements are raw for all inputs or typed for all. Shapes and sizes are compared before memory is taken for
//! elements.

use std::collections::BTreeMap;

use impresario_models::contract::Side;
use impresario_models::tensor::element_count;
use impresario_models::{Contract, DataType, Port, Tensor};

use super::contents;
use super::proto::infer_parameter::ParameterChoice;
use super::proto::model_infer_request::{InferInputTensor, InferRequestedOutputTensor};
use super::proto::{InferParameter, ModelInferRequest};
use crate::codec::{Label, Limits, MAX_DEPTH, Parameter, Parameters, Refusal, binary, clip, twice};

/// A request for inference, decoded.
#[derive(Debug, PartialEq)]
pub(super) struct Decoded {
    /// The inputs in the contract's order, checked against it.
    pub(super) inputs: Vec<Tensor>,
    /// The outputs to answer, in the contract's order.
    pub(super) outputs: Vec<usize>,
    /// How they are to be written.
    pub(super) form: Form,
    /// The request's parameters.
    pub(super) parameters: Parameters,
}

/// How the elements of a message's tensors travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In `raw_input_contents` or `raw_output_contents`.
    Raw,
    /// In each tensor's `contents`.
    Typed,
}

/// Decodes what a request brings for a contract.
///
/// # Errors
/// [`Refusal`], which names the part of the request, what was expected and what came.
pub(super) fn decode(
    contract: &Contract,
    request: ModelInferRequest,
    limits: &Limits,
) -> Result<Decoded, Refusal> {
    let ModelInferRequest {
        inputs,
        outputs,
        parameters,
        raw_input_contents: raw,
        ..
    } = request;
    for (what, count) in [("inputs", inputs.len()), ("outputs", outputs.len())] {
        if count > limits.max_inputs {
            return Err(Refusal::TooLarge {
                what: "request".to_owned(),
                unit: what,
                limit: limits.max_inputs,
                got: count.to_string(),
                key: "max_inputs",
            });
        }
    }
    // A request without inputs could be either; Triton's clients, the most, read raw answers only.
    let form = match raw.is_empty() && !inputs.is_empty() {
        true => Form::Typed,
        false => Form::Raw,
    };
    if form == Form::Raw && raw.len() != inputs.len() {
        return Err(Refusal::invalid(
            "raw_input_contents",
            format!("{}, as many as there are inputs", inputs.len()),
            raw.len().to_string(),
        ));
    }
    let mut slots: Vec<Option<Tensor>> = contract.inputs.iter().map(|_| None).collect();
    for (at, input) in inputs.into_iter().enumerate() {
        let index = contract
            .input(&input.name)
            .ok_or_else(|| contract.unknown(Side::Input, &input.name))?;
        let port = &contract.inputs[index];
        if slots[index].is_some() {
            return Err(twice(port));
        }
        slots[index] = Some(tensor(
            port,
            input,
            raw.get(at).map(|bytes| &bytes[..]),
            limits,
        )?);
    }
    let mut tensors = Vec::with_capacity(slots.len());
    for (slot, port) in slots.into_iter().zip(&contract.inputs) {
        tensors.push(slot.ok_or_else(|| contract.missing(Side::Input, &port.name))?);
    }
    contract.check_inputs(&tensors)?;
    Ok(Decoded {
        inputs: tensors,
        outputs: wanted(contract, outputs)?,
        form,
        parameters: named(parameters),
    })
}

/// Parameters as both doors have them; one without a value is one that is not given.
pub(super) fn named(parameters: BTreeMap<String, InferParameter>) -> Parameters {
    let named = parameters.into_iter().filter_map(|(name, parameter)| {
        let value = match parameter.parameter_choice? {
            ParameterChoice::BoolParam(flag) => Parameter::Bool(flag),
            ParameterChoice::Int64Param(int) => Parameter::Int(int),
            ParameterChoice::Uint64Param(uint) => Parameter::Uint(uint),
            ParameterChoice::DoubleParam(double) => Parameter::Double(double),
            ParameterChoice::StringParam(text) => Parameter::Text(text),
        };
        Some((name, value))
    });
    named.collect()
}

fn tensor(
    port: &Port,
    input: InferInputTensor,
    raw: Option<&[u8]>,
    limits: &Limits,
) -> Result<Tensor, Refusal> {
    let label = Label::Input(&port.name);
    let datatype = input.datatype.parse::<DataType>().map_err(|_| {
        let known: Vec<_> = DataType::ALL.iter().map(|d| d.as_str()).collect();
        let expected = format!("one of {}", known.join(", "));
        let got = format!("'{}'", clip(&input.datatype));
        Refusal::invalid(format!("{label}, datatype"), expected, got)
    })?;
    let shape = axes(&input.shape, label)?;
    port.check_header(Side::Input, datatype, &shape)?;
    let count = element_count(&shape).ok_or_else(|| {
        let expected = "a shape whose elements can be counted".to_owned();
        port.mismatch(Side::Input, expected, format!("{shape:?}"))
    })?;
    unsupported(&input.parameters, label, &["shared_memory_region"])?;
    let contents = input.contents.unwrap_or_default();
    let values = match raw {
        Some(_) if !contents::empty(&contents) => {
            let expected = "elements in raw_input_contents or in contents";
            return Err(Refusal::invalid(label, expected, "both"));
        }
        Some(bytes) => binary::read(bytes, datatype, count, limits, label)?,
        None => contents::read(contents, datatype, count, limits, label)?,
    };
    Tensor::new(shape, values)
        .map_err(|e| Refusal::invalid(label, "elements that fill the shape", e.to_string()))
}

fn axes(shape: &[i64], label: Label<'_>) -> Result<Vec<usize>, Refusal> {
    let what = || format!("{label}, shape");
    if shape.len() > MAX_DEPTH {
        let expected = format!("at most {MAX_DEPTH} axes");
        return Err(Refusal::invalid(what(), expected, shape.len().to_string()));
    }
    let size = |(at, &size): (usize, &i64)| {
        usize::try_from(size).map_err(|_| {
            Refusal::invalid(
                what(),
                "whole numbers from 0",
                format!("{size} at axis {at}"),
            )
        })
    };
    shape.iter().enumerate().map(size).collect()
}

/// The outputs to answer in the contract's order; none listed means all.
fn wanted(
    contract: &Contract,
    listed: Vec<InferRequestedOutputTensor>,
) -> Result<Vec<usize>, Refusal> {
    if listed.is_empty() {
        return Ok((0..contract.outputs.len()).collect());
    }
    let mut wanted = Vec::with_capacity(listed.len());
    for output in listed {
        let index = contract
            .output(&output.name)
            .ok_or_else(|| contract.unknown(Side::Output, &output.name))?;
        let label = Label::Output(&contract.outputs[index].name);
        if wanted.contains(&index) {
            return Err(Refusal::invalid(label, "it once in 'outputs'", "it twice"));
        }
        unsupported(
            &output.parameters,
            label,
            &["classification", "shared_memory_region"],
        )?;
        wanted.push(index);
    }
    wanted.sort_unstable();
    Ok(wanted)
}

fn unsupported(
    parameters: &BTreeMap<String, InferParameter>,
    label: Label<'_>,
    names: &[&str],
) -> Result<(), Refusal> {
    let found = names.iter().find(|name| parameters.contains_key(**name));
    found.map_or(Ok(()), |name| {
        let got = format!("parameter '{name}', which is not supported");
        Err(Refusal::invalid(label, "elements in the message", got))
    })
}
