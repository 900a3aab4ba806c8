//! A request's bytes to checked tensors in the contract's order.

use impresario_models::contract::Side;
use impresario_models::{Contract, DataType, Tensor};

use super::cursor::Cursor;
use super::input::{self, Input};
use super::limits::Limits;
use super::parameters::Parameters;
use super::raw;
use super::refusal::{Label, Refusal};

/// The header that says where a body's JSON ends and its binary data begins.
pub(crate) const HEADER_LENGTH: &str = "Inference-Header-Content-Length";

/// How a body is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// All of it is JSON.
    Json,
    /// So many bytes of JSON, then the binary data of the inputs, one after the other.
    Mixed(usize),
    /// All of it is the one input's binary data; outputs are answered as binary data.
    Raw,
}

/// A request for inference, decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The caller's own name for the request, to be echoed.
    pub id: Option<String>,
    /// The inputs in the contract's order, checked against it.
    pub inputs: Vec<Tensor>,
    /// The outputs to answer, in the contract's order.
    pub outputs: Vec<Wanted>,
    /// The request's parameters.
    pub parameters: Parameters,
}

/// An output to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which of the contract's outputs.
    pub index: usize,
    /// How it is to be written.
    pub form: Form,
}

/// How a tensor is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As `data` in the JSON.
    Json,
    /// As binary data behind the JSON.
    Binary,
}

/// Decodes a request, already inflated, for a contract.
///
/// # Errors
/// [`Refusal`], which names the part of the request, what was expected and what came.
pub fn decode(
    contract: &Contract,
    framing: Framing,
    body: &[u8],
    limits: &Limits,
) -> Result<Decoded, Refusal> {
    let (json, tail) = match framing {
        Framing::Raw => return raw::decode(contract, body, limits),
        Framing::Json => (body, None),
        Framing::Mixed(length) => match body.split_at_checked(length) {
            Some((json, tail)) => (json, Some(tail)),
            None => {
                let expected = format!("at most the body's {} bytes", body.len());
                let what = format!("header {HEADER_LENGTH}");
                return Err(Refusal::invalid(what, expected, length.to_string()));
            }
        },
    };
    let mut draft = Draft::default();
    let mut cursor = Cursor::new(json);
    if json.is_empty() {
        return Err(Refusal::invalid(
            "request",
            "a JSON object",
            "an empty body",
        ));
    }
    if cursor.peek() != Some(b'{') {
        return Err(Refusal::invalid("request", "a JSON object", cursor.show()?));
    }
    cursor.object(|cursor, key| draft.member(cursor, key, contract, limits))?;
    cursor.end()?;
    draft.finish(contract, tail, limits)
}

// === impl Framing ===

impl Framing {
    /// The part of a body that is JSON; nothing of one that is shorter than its framing says, which decoding refuses.
    #[must_use]
    pub fn json(self, body: &[u8]) -> &[u8] {
        match self {
            Self::Json => body,
            Self::Mixed(length) => body.get(..length).unwrap_or_default(),
            Self::Raw => &[],
        }
    }

    /// Reads the value of the header `Inference-Header-Content-Length`.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] when it is not a whole number from 0.
    pub fn from_header(value: Option<&[u8]>) -> Result<Self, Refusal> {
        let Some(value) = value else {
            return Ok(Self::Json);
        };
        let text = std::str::from_utf8(value).unwrap_or_default().trim();
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(0) if digits => Ok(Self::Raw),
            Ok(length) if digits => Ok(Self::Mixed(length)),
            _ => Err(Refusal::invalid(
                format!("header {HEADER_LENGTH}"),
                "a number of bytes",
                format!(
                    "'{}'",
                    super::refusal::clip(&String::from_utf8_lossy(value))
                ),
            )),
        }
    }
}

// === impl Draft ===

/// A request while its members are read.
#[derive(Default)]
struct Draft {
    id: Option<String>,
    parameters: Option<Parameters>,
    inputs: Option<Vec<Input>>,
    outputs: Option<Vec<(usize, Option<bool>)>>,
}

impl Draft {
    fn member(
        &mut self,
        cursor: &mut Cursor<'_>,
        key: &str,
        contract: &Contract,
        limits: &Limits,
    ) -> Result<(), Refusal> {
        let again = match key {
            "id" => self.id.is_some(),
            "parameters" => self.parameters.is_some(),
            "inputs" => self.inputs.is_some(),
            "outputs" => self.outputs.is_some(),
            _ => false,
        };
        if again {
            let expected = format!("member '{key}' once");
            return Err(Refusal::invalid("request", expected, "it twice"));
        }
        match key {
            // Some clients write the members that they leave out as null.
            "id" | "outputs" if cursor.take_null() => Ok(()),
            "id" if cursor.peek() == Some(b'"') => {
                let id = cursor.string()?;
                if id.len() > limits.max_string {
                    return Err(Refusal::long_string("id", limits.max_string, id.len()));
                }
                self.id = Some(id.into_owned());
                Ok(())
            }
            "id" => Err(Refusal::invalid("id", "a string", cursor.show()?)),
            "parameters" => {
                self.parameters = Some(Parameters::read(cursor, "request")?);
                Ok(())
            }
            "inputs" => {
                expect_array(cursor, "inputs")?;
                self.inputs = Some(inputs(cursor, contract, limits)?);
                Ok(())
            }
            "outputs" => {
                expect_array(cursor, "outputs")?;
                self.outputs = Some(outputs(cursor, contract)?);
                Ok(())
            }
            // The protocol leaves room for members of others.
            _ => cursor.skip().map(drop),
        }
    }

    fn finish(
        self,
        contract: &Contract,
        tail: Option<&[u8]>,
        limits: &Limits,
    ) -> Result<Decoded, Refusal> {
        let inputs = self.inputs.ok_or_else(|| {
            let ports = contract.inputs.len();
            Refusal::invalid(
                "request",
                format!("member 'inputs' with {ports} inputs"),
                "none",
            )
        })?;
        let parameters = self.parameters.unwrap_or_default();
        let binary = parameters.flag("binary_data_output")?.unwrap_or(false);
        let outputs = wanted(contract, self.outputs.unwrap_or_default(), binary)?;
        let inputs = tensors(contract, inputs, tail, limits)?;
        Ok(Decoded {
            id: self.id,
            inputs,
            outputs,
            parameters,
        })
    }
}

fn inputs(
    cursor: &mut Cursor<'_>,
    contract: &Contract,
    limits: &Limits,
) -> Result<Vec<Input>, Refusal> {
    let mut inputs: Vec<Input> = Vec::with_capacity(contract.inputs.len());
    cursor.array(|cursor, at| {
        if at == limits.max_inputs {
            return Err(Refusal::TooLarge {
                what: "request".to_owned(),
                unit: "inputs",
                limit: limits.max_inputs,
                got: "more".to_owned(),
                key: "max_inputs",
            });
        }
        let input = Input::read(cursor, at, contract, limits)?;
        if inputs.iter().any(|other| other.index == input.index) {
            return Err(input::twice(&contract.inputs[input.index]));
        }
        inputs.push(input);
        Ok(())
    })?;
    Ok(inputs)
}

/// Gives each input its own part of the binary data and puts the tensors into the contract's order.
fn tensors(
    contract: &Contract,
    inputs: Vec<Input>,
    tail: Option<&[u8]>,
    limits: &Limits,
) -> Result<Vec<Tensor>, Refusal> {
    let mut rest = tail.unwrap_or_default();
    let mut slots: Vec<Option<Tensor>> = contract.inputs.iter().map(|_| None).collect();
    for input in inputs {
        let index = input.index;
        let port = &contract.inputs[index];
        let size = input.binary_size().unwrap_or(0);
        let (bytes, after) = rest.split_at_checked(size).ok_or_else(|| {
            let got = match tail {
                None => format!("none: header {HEADER_LENGTH} is missing"),
                Some(_) => format!("{} bytes left in the body", rest.len()),
            };
            let expected = format!("{size} bytes of binary data (binary_data_size)");
            Refusal::invalid(Label::Input(&port.name), expected, got)
        })?;
        rest = after;
        slots[index] = Some(input.tensor(port, bytes, limits)?);
    }
    if !rest.is_empty() {
        let all = tail.unwrap_or_default().len();
        return Err(Refusal::invalid(
            "binary data",
            format!(
                "{} bytes, as binary_data_size of the inputs says",
                all - rest.len()
            ),
            format!("{all} bytes"),
        ));
    }
    let mut tensors = Vec::with_capacity(slots.len());
    for (slot, port) in slots.into_iter().zip(&contract.inputs) {
        tensors.push(slot.ok_or_else(|| contract.missing(Side::Input, &port.name))?);
    }
    contract.check_inputs(&tensors)?;
    Ok(tensors)
}

/// Reads `outputs`: which of the contract's, and the form asked for.
fn outputs(
    cursor: &mut Cursor<'_>,
    contract: &Contract,
) -> Result<Vec<(usize, Option<bool>)>, Refusal> {
    let mut outputs: Vec<(usize, Option<bool>)> = Vec::new();
    cursor.array(|cursor, at| {
        let label = format!("outputs[{at}]");
        let mut name = None;
        let mut parameters = Parameters::default();
        if cursor.peek() != Some(b'{') {
            return Err(Refusal::invalid(label, "an object", cursor.show()?));
        }
        cursor.object(|cursor, key| {
            match key {
                "name" if cursor.peek() == Some(b'"') => name = Some(cursor.string()?.into_owned()),
                "name" => return Err(Refusal::invalid(&label, "a name", cursor.show()?)),
                "parameters" => parameters = Parameters::read(cursor, label.as_str())?,
                _ => {
                    cursor.skip()?;
                }
            }
            Ok(())
        })?;
        let name = name.ok_or_else(|| Refusal::invalid(&label, "member 'name'", "none"))?;
        let index = contract
            .output(&name)
            .ok_or_else(|| contract.unknown(Side::Output, &name))?;
        if outputs.iter().any(|(other, _)| *other == index) {
            let what = format!("output '{name}'");
            return Err(Refusal::invalid(what, "it once in 'outputs'", "it twice"));
        }
        for unsupported in ["classification", "shared_memory_region"] {
            if parameters.get(unsupported).is_some() {
                return Err(Refusal::invalid(
                    format!("output '{name}'"),
                    "parameter 'binary_data' or none",
                    format!("parameter '{unsupported}', which is not supported"),
                ));
            }
        }
        outputs.push((index, parameters.flag("binary_data")?));
        Ok(())
    })?;
    Ok(outputs)
}

/// The outputs to answer in the contract's order; none listed means all.
pub(super) fn wanted(
    contract: &Contract,
    listed: Vec<(usize, Option<bool>)>,
    binary: bool,
) -> Result<Vec<Wanted>, Refusal> {
    let mut listed = if listed.is_empty() {
        (0..contract.outputs.len()).map(|i| (i, None)).collect()
    } else {
        listed
    };
    listed.sort_unstable_by_key(|(index, _)| *index);
    let form = |(index, asked): (usize, Option<bool>)| {
        let port = &contract.outputs[index];
        let form = if asked.unwrap_or(binary) {
            Form::Binary
        } else {
            Form::Json
        };
        if form == Form::Json && matches!(port.datatype, DataType::Fp16 | DataType::Bf16) {
            return Err(Refusal::invalid(
                format!("output '{}'", port.name),
                format!(
                    "parameter 'binary_data' true, as {} never travels as JSON",
                    port.datatype
                ),
                "a request for JSON",
            ));
        }
        Ok(Wanted { index, form })
    };
    listed.into_iter().map(form).collect()
}

fn expect_array(cursor: &mut Cursor<'_>, member: &str) -> Result<(), Refusal> {
    match cursor.peek() {
        Some(b'[') => Ok(()),
        _ => Err(Refusal::invalid(member, "an array", cursor.show()?)),
    }
}
