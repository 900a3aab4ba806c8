//! Output tensors to an answer's bytes: JSON, and binary data behind it where asked for.

use bytes::Bytes;
use impresario_models::{Contract, Tensor, Values};
use serde::Serialize;

use super::binary;
use super::parameters::{Parameter, Parameters};
use super::refusal::{Label, Refusal};
use super::request::{Form, Wanted};

/// What an answer says.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The name under which the caller asked.
    pub model: &'a str,
    /// The version that answered.
    pub version: &'a str,
    /// The caller's own name for the request.
    pub id: Option<&'a str>,
    /// The contract whose outputs these are.
    pub contract: &'a Contract,
    /// All outputs in the contract's order.
    pub outputs: &'a [Tensor],
    /// Which of them to write, and how.
    pub wanted: &'a [Wanted],
    /// Parameters of the answer.
    pub parameters: &'a Parameters,
}

/// An answer's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The whole body.
    pub body: Bytes,
    /// The bytes of JSON at its front, where binary data follows: the header `Inference-Header-Content-Length`.
    pub header_length: Option<usize>,
}

/// Writes an answer.
///
/// # Errors
/// [`Refusal`] when an output cannot be written as asked: bytes that are not UTF-8, FP16 or BF16 as JSON.
pub fn encode(answer: &Answer<'_>) -> Result<Encoded, Refusal> {
    let outputs = || {
        answer.wanted.iter().filter_map(|wanted| {
            let port = answer.contract.outputs.get(wanted.index)?;
            let tensor = answer.outputs.get(wanted.index)?;
            Some((&*port.name, tensor, wanted.form))
        })
    };
    let room = outputs().map(|(name, tensor, _)| name.len() + 128 + tensor.values().len() * 12);
    let mut out = Vec::with_capacity(128 + room.sum::<usize>());
    out.extend_from_slice(b"{\"model_name\":");
    string(answer.model, &mut out);
    out.extend_from_slice(b",\"model_version\":");
    string(answer.version, &mut out);
    if let Some(id) = answer.id {
        out.extend_from_slice(b",\"id\":");
        string(id, &mut out);
    }
    parameters(answer.parameters, &mut out);
    out.extend_from_slice(b",\"outputs\":[");
    for (at, (name, tensor, form)) in outputs().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        output(name, tensor, form, &mut out)?;
    }
    out.extend_from_slice(b"]}");
    let mut header_length = None;
    for (name, tensor, form) in outputs() {
        if form == Form::Binary {
            header_length.get_or_insert(out.len());
            binary::write(tensor.values(), Label::Output(name), &mut out)?;
        }
    }
    Ok(Encoded {
        body: out.into(),
        header_length,
    })
}

fn output(name: &str, tensor: &Tensor, form: Form, out: &mut Vec<u8>) -> Result<(), Refusal> {
    out.extend_from_slice(b"{\"name\":");
    string(name, out);
    out.extend_from_slice(b",\"datatype\":\"");
    out.extend_from_slice(tensor.datatype().as_str().as_bytes());
    out.extend_from_slice(b"\",\"shape\":");
    json(tensor.shape(), out);
    match form {
        Form::Binary => {
            out.extend_from_slice(b",\"parameters\":{\"binary_data_size\":");
            json(&binary::size(tensor.values()), out);
            out.push(b'}');
        }
        Form::Json => {
            out.extend_from_slice(b",\"data\":[");
            elements(Label::Output(name), tensor.values(), out)?;
            out.push(b']');
        }
    }
    out.push(b'}');
    Ok(())
}

/// Writes elements one after the other, flat. Floats are the shortest that read back as the same float. What is refused
/// may be half written.
pub(crate) fn elements(
    label: Label<'_>,
    values: &Values,
    out: &mut Vec<u8>,
) -> Result<(), Refusal> {
    fn each<T>(items: &[T], out: &mut Vec<u8>, mut one: impl FnMut(&T, &mut Vec<u8>)) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            one(item, out);
        }
    }
    macro_rules! floats {
        ($floats:expr) => {
            each($floats, out, |float, out| {
                if float.is_finite() {
                    json(float, out);
                } else if float.is_nan() {
                    out.extend_from_slice(b"\"NaN\"");
                } else if *float > 0.0 {
                    out.extend_from_slice(b"\"Infinity\"");
                } else {
                    out.extend_from_slice(b"\"-Infinity\"");
                }
            })
        };
    }
    match values {
        Values::Bool(v) => each(v, out, json),
        Values::Uint8(v) => each(v, out, json),
        Values::Uint16(v) => each(v, out, json),
        Values::Uint32(v) => each(v, out, json),
        Values::Uint64(v) => each(v, out, json),
        Values::Int8(v) => each(v, out, json),
        Values::Int16(v) => each(v, out, json),
        Values::Int32(v) => each(v, out, json),
        Values::Int64(v) => each(v, out, json),
        Values::Fp32(v) => floats!(v),
        Values::Fp64(v) => floats!(v),
        Values::Fp16(_) | Values::Bf16(_) => {
            return Err(Refusal::invalid(
                label,
                format!(
                    "parameter 'binary_data' true, as {} never travels as JSON",
                    values.datatype()
                ),
                "a request for JSON",
            ));
        }
        Values::Bytes(strings) => {
            let mut odd = false;
            each(strings, out, |bytes, out| {
                match std::str::from_utf8(bytes) {
                    Ok(text) => string(text, out),
                    Err(_) => odd = true,
                }
            });
            if odd {
                return Err(Refusal::invalid(
                    label,
                    "parameter 'binary_data' true, as its bytes are not UTF-8 text",
                    "a request for JSON",
                ));
            }
        }
    }
    Ok(())
}

fn parameters(parameters: &Parameters, out: &mut Vec<u8>) {
    let mut first = true;
    for (name, value) in parameters.iter() {
        let open: &[u8] = if first { b",\"parameters\":{" } else { b"," };
        out.extend_from_slice(open);
        first = false;
        json(name, out);
        out.push(b':');
        match value {
            Parameter::Bool(flag) => json(flag, out),
            Parameter::Int(int) => json(int, out),
            Parameter::Uint(uint) => json(uint, out),
            Parameter::Double(double) => json(double, out),
            Parameter::Text(text) => json(text, out),
        }
    }
    if !first {
        out.push(b'}');
    }
}

/// Writes a text; most have nothing to escape.
fn string(text: &str, out: &mut Vec<u8>) {
    let odd = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    if text.bytes().any(odd) {
        return json(text, out);
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn json<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("a plain value is written to memory without fail");
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use impresario_models::{Batching, DataType, Dim, Port};

    use super::*;

    fn check_answer(contract: &Contract, outputs: &[Tensor], forms: &[Form], expected: Expect) {
        let wanted: Vec<_> = forms
            .iter()
            .enumerate()
            .map(|(index, &form)| Wanted { index, form })
            .collect();
        let encoded = encode(&Answer {
            model: "m",
            version: "3",
            id: Some("a\"b"),
            contract,
            outputs,
            wanted: &wanted,
            parameters: &Parameters::default(),
        });
        let shown = match encoded {
            Ok(encoded) => {
                let (json, tail) = encoded
                    .body
                    .split_at(encoded.header_length.unwrap_or(encoded.body.len()));
                format!("{} + {tail:?}", std::str::from_utf8(json).unwrap())
            }
            Err(refusal) => refusal.to_string(),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn answers_are_valid_json_with_binary_behind() {
        let contract = Contract {
            inputs: vec![],
            outputs: vec![
                Port::new("y", DataType::Fp32, vec![Dim::Free(None)]),
                Port::new("label", DataType::Bytes, vec![Dim::Free(None)]),
                Port::new("h", DataType::Fp16, vec![Dim::Free(None)]),
            ],
            batching: Batching::None,
        };
        let y = Tensor::vector(vec![0.1f32, f32::NAN, f32::NEG_INFINITY, 1e30]);
        let text = Tensor::vector(vec![b"a\"\n".to_vec(), "é".into(), vec![], vec![]]);
        let raw = Tensor::vector(vec![b"\xff".to_vec(), vec![], vec![], vec![]]);
        let half = Tensor::vector(vec![half::f16::ONE; 4]);
        let (json, binary) = (Form::Json, Form::Binary);
        check_answer(
            &contract,
            &[y.clone(), text.clone(), half.clone()],
            &[json, json],
            expect![[
                r#"{"model_name":"m","model_version":"3","id":"a\"b","outputs":[{"name":"y","datatype":"FP32","shape":[4],"data":[0.1,"NaN","-Infinity",1e+30]},{"name":"label","datatype":"BYTES","shape":[4],"data":["a\"\n","é","",""]}]} + []"#
            ]],
        );
        check_answer(
            &contract,
            &[y.clone(), text.clone(), half.clone()],
            &[json, binary, binary],
            expect![[
                r#"{"model_name":"m","model_version":"3","id":"a\"b","outputs":[{"name":"y","datatype":"FP32","shape":[4],"data":[0.1,"NaN","-Infinity",1e+30]},{"name":"label","datatype":"BYTES","shape":[4],"parameters":{"binary_data_size":21}},{"name":"h","datatype":"FP16","shape":[4],"parameters":{"binary_data_size":8}}]} + [3, 0, 0, 0, 97, 34, 10, 2, 0, 0, 0, 195, 169, 0, 0, 0, 0, 0, 0, 0, 0, 0, 60, 0, 60, 0, 60, 0, 60]"#
            ]],
        );
        check_answer(
            &contract,
            &[y.clone(), raw, half.clone()],
            &[json, json],
            expect![
                "output 'label': expected parameter 'binary_data' true, as its bytes are not UTF-8 text, got a request for JSON"
            ],
        );
        check_answer(
            &contract,
            &[y, text, half],
            &[json, json, json],
            expect![
                "output 'h': expected parameter 'binary_data' true, as FP16 never travels as JSON, got a request for JSON"
            ],
        );
    }
}
