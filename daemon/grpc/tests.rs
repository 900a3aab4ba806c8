//! Messages to tensors and back: everything that can be said reads back the same, and what does not fit is refused
//! by name.

use expect_test::{Expect, expect};
use impresario_models::{Batching, Contract, DataType, Dim, Port, Tensor};
use proptest::collection::vec;
use proptest::prelude::*;

use super::answer;
use super::proto::infer_parameter::ParameterChoice;
use super::proto::model_infer_request::{InferInputTensor, InferRequestedOutputTensor};
use super::proto::{InferParameter, InferTensorContents, ModelInferRequest, ModelInferResponse};
use super::request::{Form, decode};
use crate::codec::Limits;
use crate::codec::properties::tensor;

/// A contract whose inputs and outputs both are these tensors.
fn echo(tensors: &[Tensor]) -> Contract {
    let port = |(at, tensor): (usize, &Tensor)| {
        let shape = tensor.shape().iter().map(|_| Dim::Free(None)).collect();
        Port::new(&format!("t{at}"), tensor.datatype(), shape)
    };
    let ports: Vec<_> = tensors.iter().enumerate().map(port).collect();
    Contract {
        inputs: ports.clone(),
        outputs: ports,
        batching: Batching::None,
    }
}

/// An answer as the request that would bring the same tensors.
fn back(answer: ModelInferResponse) -> ModelInferRequest {
    let input = |output: super::proto::model_infer_response::InferOutputTensor| InferInputTensor {
        name: output.name,
        datatype: output.datatype,
        shape: output.shape,
        contents: output.contents,
        ..InferInputTensor::default()
    };
    ModelInferRequest {
        inputs: answer.outputs.into_iter().map(input).collect(),
        raw_input_contents: answer.raw_output_contents,
        ..ModelInferRequest::default()
    }
}

/// Elements as text, so that NaN is NaN.
fn shown(tensor: &Tensor) -> String {
    format!("{:?} {:?}", tensor.shape(), tensor.values())
}

proptest! {
    #[test]
    fn answers_read_back_as_requests(tensors in vec(tensor(), 1..4), raw: bool) {
        let contract = echo(&tensors);
        let all: Vec<_> = (0..tensors.len()).collect();
        let form = if raw { Form::Raw } else { Form::Typed };
        let mut answer = ModelInferResponse::default();
        answer::encode(&contract, tensors.clone(), &all, form, &mut answer).unwrap();
        let half = tensors.iter().any(|t| matches!(t.datatype(), DataType::Fp16 | DataType::Bf16));
        let typed = answer.outputs.iter().filter(|output| output.contents.is_some()).count();
        let counts = (typed, answer.raw_output_contents.len());
        prop_assert_eq!(counts, if raw || half { (0, tensors.len()) } else { (tensors.len(), 0) });
        let decoded = decode(&contract, back(answer), &Limits::default()).unwrap();
        for (sent, came) in tensors.iter().zip(&decoded.inputs) {
            prop_assert_eq!(shown(sent), shown(came));
        }
    }

    #[test]
    fn no_numbers_make_it_panic(shape in vec(any::<i64>(), 0..5), ints in vec(any::<i32>(), 0..9), raw in vec(any::<u8>(), 0..40), kind in 0..DataType::ALL.len(), tensor in tensor()) {
        let contract = echo(&[tensor]);
        let mut request = ModelInferRequest {
            inputs: vec![InferInputTensor {
                name: "t0".to_owned(),
                datatype: DataType::ALL[kind].to_string(),
                shape,
                contents: Some(InferTensorContents { int_contents: ints, ..Default::default() }),
                ..Default::default()
            }],
            ..Default::default()
        };
        let _refused = decode(&contract, request.clone(), &Limits::default());
        request.inputs[0].contents = None;
        request.raw_input_contents = vec![raw.into()];
        let _refused = decode(&contract, request, &Limits::default());
    }
}

fn port(name: &str, datatype: DataType) -> Port {
    Port::new(name, datatype, vec![Dim::Free(None), Dim::Fixed(2)])
}

fn contract() -> Contract {
    Contract {
        inputs: vec![port("a", DataType::Int8), port("b", DataType::Fp16)],
        outputs: vec![port("y", DataType::Fp32), port("z", DataType::Int8)],
        batching: Batching::FirstAxis { max: None },
    }
}

/// Two inputs that fit, raw.
fn fitting() -> ModelInferRequest {
    let input = |name: &str, datatype: &str| InferInputTensor {
        name: name.to_owned(),
        datatype: datatype.to_owned(),
        shape: vec![1, 2],
        ..Default::default()
    };
    ModelInferRequest {
        inputs: vec![input("b", "FP16"), input("a", "INT8")],
        raw_input_contents: vec![vec![0, 60, 0, 60].into(), vec![1, 2].into()],
        ..Default::default()
    }
}

fn check(change: impl FnOnce(&mut ModelInferRequest), expected: Expect) {
    let mut request = fitting();
    change(&mut request);
    let limits = Limits {
        max_elements: 8,
        max_string: 4,
        max_inputs: 3,
        ..Limits::default()
    };
    let said = match decode(&contract(), request, &limits) {
        Ok(decoded) => format!(
            "{:?} {:?} {:?}",
            decoded.outputs,
            decoded.form,
            decoded.inputs.iter().map(shown).collect::<Vec<_>>()
        ),
        Err(refusal) => refusal.to_string(),
    };
    expected.assert_eq(&said);
}

/// Makes the request one with typed contents of `a` alone.
fn typed(request: &mut ModelInferRequest, ints: Vec<i32>) {
    request.raw_input_contents.clear();
    request.inputs[1].contents = Some(InferTensorContents {
        int_contents: ints,
        ..Default::default()
    });
    request.inputs.swap(0, 1);
}

fn wanted(name: &str) -> InferRequestedOutputTensor {
    InferRequestedOutputTensor {
        name: name.to_owned(),
        ..Default::default()
    }
}

#[test]
fn tensors_are_taken_by_name_and_outputs_in_the_models_order() {
    check(
        |request| request.outputs = vec![wanted("z"), wanted("y")],
        expect![[r#"[0, 1] Raw ["[1, 2] Int8([1, 2])", "[1, 2] Fp16([1.0, 1.0])"]"#]],
    );
    check(
        |request| request.outputs = vec![wanted("z")],
        expect![[r#"[1] Raw ["[1, 2] Int8([1, 2])", "[1, 2] Fp16([1.0, 1.0])"]"#]],
    );
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    check(
        |request| request.raw_input_contents.truncate(1),
        expect!["raw_input_contents: expected 2, as many as there are inputs, got 1"],
    );
    check(
        |request| request.raw_input_contents[1] = vec![1, 2, 3].into(),
        expect!["input 'a': expected 2 bytes of binary data for 2 elements of INT8, got 3 bytes"],
    );
    check(
        |request| request.inputs[0].shape = vec![i64::MAX, 2],
        expect![
            "input 'b': expected 18446744073709551615 bytes of binary data for 18446744073709551614 elements of FP16, got 4 bytes"
        ],
    );
    check(
        |request| request.inputs[0].shape = vec![-1, 2],
        expect!["input 'b', shape: expected whole numbers from 0, got -1 at axis 0"],
    );
    check(
        |request| request.inputs[0].shape = vec![1; 33],
        expect!["input 'b', shape: expected at most 32 axes, got 33"],
    );
    check(
        |request| request.inputs[1].name = "b".to_owned(),
        expect!["input 'b' is given more than once"],
    );
    check(
        |request| {
            request.inputs.pop();
            request.raw_input_contents.pop();
        },
        expect!["input 'a' is missing: expected 'a', 'b'"],
    );
    check(
        |request| request.inputs[1].name = "c".to_owned(),
        expect!["unexpected input 'c': expected 'a', 'b'"],
    );
    check(
        |request| typed(request, vec![1, 128]),
        expect!["input 'a': expected numbers within INT8, got 128 at element 1"],
    );
    check(
        |request| typed(request, vec![1, -128, 3]),
        expect!["input 'a': expected 2 elements for its shape in int_contents, got 3"],
    );
    check(
        |request| typed(request, vec![1, -128]),
        expect![
            "input 'b': expected FP16 in raw_input_contents, as it has no typed contents, got contents"
        ],
    );
    check(
        |request| {
            request.inputs[1].shape = vec![5, 2];
            request.raw_input_contents[1] = vec![0; 10].into();
        },
        expect![
            "input 'a': expected at most 8 elements, got 10; the limit is 'max_elements' under [server.limits]"
        ],
    );
    check(
        |request| request.inputs.resize(4, InferInputTensor::default()),
        expect![
            "request: expected at most 3 inputs, got 4; the limit is 'max_inputs' under [server.limits]"
        ],
    );
    let shared = InferParameter {
        parameter_choice: Some(ParameterChoice::StringParam("region".to_owned())),
    };
    check(
        |request| {
            let region = "shared_memory_region".to_owned();
            request.inputs[0].parameters.insert(region, shared);
        },
        expect![
            "input 'b': expected elements in the message, got parameter 'shared_memory_region', which is not supported"
        ],
    );
    check(
        |request| request.outputs = vec![wanted("y"), wanted("y")],
        expect!["output 'y': expected it once in 'outputs', got it twice"],
    );
    check(
        |request| request.outputs = vec![wanted("x")],
        expect!["unexpected output 'x': expected 'y', 'z'"],
    );
}
