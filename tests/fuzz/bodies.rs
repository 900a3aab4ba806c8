//! What the fuzz targets do with their bytes: decode, and hold what was decoded to what must be true of it.
//!
//! `cargo fuzz` runs these for hours, `tests/it/fuzz.rs` for moments at each test run, so that they never rot. They
//! panic where something is wrong; a refusal is as good an answer as any.

use impresario::codec::{
    Answer, Decoded, Form, Framing, Limits, Parameters, Refusal, Wanted, decode, encode,
};
use impresario::grpc::bytes::{read_request, write_answer};
use impresario::grpc::proto::{self, ModelInferRequest};
use impresario::models::{Batching, Contract, DataType, Dim, Port, Tensor, Values};

/// Low enough that bytes of a fuzzer reach every limit.
const LIMITS: Limits = Limits {
    max_body: 1 << 16,
    max_inflated: 1 << 16,
    max_inputs: 3,
    max_elements: 50,
    max_string: 40,
};

/// A body that is JSON as a whole. The first byte picks the contract.
pub(crate) fn json(data: &[u8]) {
    let Some((&choice, body)) = data.split_first() else {
        return;
    };
    let contract = contract(choice);
    if let Some(decoded) = held(&contract, decode(&contract, Framing::Json, body, &LIMITS)) {
        // What is taken is JSON; only the words for what JSON has no numbers for are taken beside it.
        let text = String::from_utf8_lossy(body);
        let words = ["NaN", "Infinity"].iter().any(|word| text.contains(word));
        let valid = serde_json_valid(body);
        assert!(valid || words, "taken, though it is no JSON: {text}");
        again(&contract, &decoded);
    }
}

/// JSON with binary tensors behind it. The first byte picks the contract, the second says how much of the rest is
/// JSON: all beyond its first bracketed text, or so many bytes.
pub(crate) fn mixed(data: &[u8]) {
    let [choice, length, body @ ..] = data else {
        return;
    };
    let contract = contract(*choice);
    let end = body.windows(2).rposition(|pair| pair == b"]}");
    let length = match (length, end) {
        (0, Some(end)) => end + 2,
        _ => usize::from(*length) * 4,
    };
    if let Some(decoded) = held(
        &contract,
        decode(&contract, Framing::Mixed(length), body, &LIMITS),
    ) {
        assert!(length <= body.len(), "more JSON than there is");
        again(&contract, &decoded);
    }
}

/// A body that is one tensor's bytes. The first byte picks the contract.
pub(crate) fn raw(data: &[u8]) {
    let Some((&choice, body)) = data.split_first() else {
        return;
    };
    let contract = contract(choice);
    if let Some(decoded) = held(&contract, decode(&contract, Framing::Raw, body, &LIMITS)) {
        let bytes: usize = decoded.inputs.iter().map(bytes).sum();
        assert_eq!(bytes, body.len(), "every byte is an element's");
        again(&contract, &decoded);
    }
}

/// A message over gRPC. The first byte picks the contract.
pub(crate) fn grpc(data: &[u8]) {
    let Some((&choice, body)) = data.split_first() else {
        return;
    };
    let contract = contract(choice);
    let inputs = match read_request(&contract, body, &LIMITS) {
        Ok(inputs) => inputs,
        Err(unread) => return said(&unread.to_string()),
    };
    fits(&contract, &inputs);
    for typed in [false, true] {
        let answer = write_answer(&contract, inputs.clone(), typed).expect("every form holds them");
        let input = |output: proto::model_infer_response::InferOutputTensor| {
            proto::model_infer_request::InferInputTensor {
                name: output.name,
                datatype: output.datatype,
                shape: output.shape,
                contents: output.contents,
                ..Default::default()
            }
        };
        let request = ModelInferRequest {
            inputs: answer.outputs.into_iter().map(input).collect(),
            raw_input_contents: answer.raw_output_contents,
            ..ModelInferRequest::default()
        };
        let bytes = prost::Message::encode_to_vec(&request);
        let read = read_request(&contract, &bytes, &LIMITS).expect("what is written is read");
        same(&inputs, &read);
    }
}

/// What was decoded, once it holds what it must.
fn held(contract: &Contract, decoded: Result<Decoded, Refusal>) -> Option<Decoded> {
    match decoded {
        Err(refusal) => {
            said(&refusal.to_string());
            None
        }
        Ok(decoded) => {
            fits(contract, &decoded.inputs);
            Some(decoded)
        }
    }
}

fn said(refusal: &str) {
    assert!(!refusal.is_empty() && refusal.len() < 4_096, "{refusal}");
}

fn fits(contract: &Contract, inputs: &[Tensor]) {
    contract
        .check_inputs(inputs)
        .expect("what is decoded fits the contract");
    assert!(inputs.len() <= LIMITS.max_inputs);
    for tensor in inputs {
        assert!(tensor.values().len() <= LIMITS.max_elements);
        if let Values::Bytes(strings) = tensor.values() {
            assert!(strings.iter().all(|s| s.len() <= LIMITS.max_string));
        }
    }
}

fn same(written: &[Tensor], read: &[Tensor]) {
    assert_eq!(written.len(), read.len());
    for (written, read) in written.iter().zip(read) {
        // NaN is not equal to itself, but it is written the same.
        assert_eq!(format!("{written:?}"), format!("{read:?}"));
    }
}

/// What was decoded reads back the same from an answer that is written with it.
fn again(contract: &Contract, decoded: &Decoded) {
    for form in [Form::Json, Form::Binary] {
        let wanted: Vec<_> = (0..decoded.inputs.len())
            .map(|index| Wanted { index, form })
            .collect();
        let answer = Answer {
            model: "m",
            version: "1",
            id: decoded.id.as_deref(),
            contract,
            outputs: &decoded.inputs,
            wanted: &wanted,
            parameters: &Parameters::default(),
        };
        let Ok(encoded) = encode(&answer) else {
            // Strings that are no text cannot be JSON; everything can be binary.
            assert!(form == Form::Json, "binary data holds every tensor");
            continue;
        };
        // The answer's outputs have the form of a request's inputs.
        let length = encoded.header_length.unwrap_or(encoded.body.len());
        let (head, tail) = encoded.body.split_at(length);
        let head = std::str::from_utf8(head).expect("JSON is text");
        let outputs = head.find("\"outputs\":").expect("an answer has outputs");
        let request = format!("{{\"inputs\":{}", &head[outputs + 10..]);
        let body = [request.as_bytes(), tail].concat();
        let framing = match form {
            Form::Json => Framing::Json,
            Form::Binary => Framing::Mixed(request.len()),
        };
        let read = decode(contract, framing, &body, &LIMITS).expect("what is written is read");
        same(&decoded.inputs, &read.inputs);
    }
}

fn bytes(tensor: &Tensor) -> usize {
    match (tensor.values(), tensor.datatype().size()) {
        (Values::Bytes(strings), _) => strings.iter().map(Vec::len).sum(),
        (values, size) => values.len() * size.unwrap_or(0),
    }
}

/// A contract whose outputs are its inputs, so that what came can be answered.
fn contract(choice: u8) -> Contract {
    let free = || Dim::Free(None);
    let rows = |datatype| vec![Port::new("x", datatype, vec![free(), free()])];
    let inputs = match choice % 8 {
        0 => rows(DataType::Fp32),
        1 => rows(DataType::Int64),
        2 => rows(DataType::Bytes),
        3 => rows(DataType::Bool),
        4 => rows(DataType::Fp64),
        5 => vec![
            Port::new("x", DataType::Uint8, vec![free(), Dim::Fixed(2)]),
            Port::new("y", DataType::Int16, vec![free()]),
        ],
        6 => vec![Port::new("x", DataType::Int32, Vec::new())],
        _ => vec![Port::new("x", DataType::Uint64, vec![free(); 3])],
    };
    Contract {
        outputs: inputs.clone(),
        inputs,
        batching: Batching::None,
    }
}

/// Whether `serde_json`, which is another parser, takes it too. Deeper arrays than its own limit it does not.
fn serde_json_valid(body: &[u8]) -> bool {
    match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        Ok(_) => true,
        Err(error) => error.to_string().contains("recursion limit"),
    }
}
