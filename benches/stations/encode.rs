//! The last station of a request's walk: a version's outputs to an answer's bytes.

use std::hint::black_box;

use impresario::http::codec::{Answer, Form, Parameters, Wanted, encode};
use impresario::models::{Batching, Contract, DataType, Dim, Port, Tensor};

use super::{Case, number};

pub(crate) fn cases() -> Vec<Case> {
    [
        ("json/3", 3, Form::Json),
        ("json/1000", 1_000, Form::Json),
        ("binary/3", 3, Form::Binary),
        ("binary/150528", 150_528, Form::Binary),
    ]
    .map(|(name, elements, form)| {
        let contract = contract();
        let numbers = (0..elements).map(number).collect();
        let row = Tensor::of(vec![1, elements], numbers).expect("the shape is the row's");
        let outputs = [Tensor::vector(vec![1i64]), row];
        let wanted = [0, 1].map(|index| Wanted { index, form });
        let written = write(&contract, &outputs, &wanted);
        Case::each(name, written, move || {
            black_box(write(&contract, black_box(&outputs), &wanted));
        })
    })
    .into()
}

/// The bytes of the answer.
fn write(contract: &Contract, outputs: &[Tensor], wanted: &[Wanted]) -> usize {
    let answer = Answer {
        model: "iris",
        version: "1",
        id: Some("request-1"),
        contract,
        outputs,
        wanted,
        parameters: &Parameters::default(),
    };
    let encoded = encode(&answer).expect("numbers can be written in both forms");
    black_box(encoded).body.len()
}

fn contract() -> Contract {
    let free = vec![Dim::Free(None), Dim::Free(None)];
    Contract {
        inputs: Vec::new(),
        outputs: vec![
            Port::new("label", DataType::Int64, vec![Dim::Free(None)]),
            Port::new("probabilities", DataType::Fp32, free),
        ],
        batching: Batching::FirstAxis { max: None },
    }
}
