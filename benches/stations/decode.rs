//! Station 1 of a request's walk: a body's bytes to tensors that fit the contract.
//!
//! Reading the body from a socket and inflating it are not in here.

use std::fmt::Write as _;
use std::hint::black_box;

use impresario::http::codec::{Framing, Limits, decode};
use impresario::models::{Batching, Contract, DataType, Dim, Port};

use super::{Case, number};

pub(crate) fn cases() -> Vec<Case> {
    [
        ("json/4", json(4)),
        ("json/1000", json(1_000)),
        ("json/150528", json(150_528)),
        ("binary/4", binary(4)),
        ("binary/150528", binary(150_528)),
    ]
    .map(|(name, (framing, body))| {
        let (contract, limits) = (contract(), Limits::default());
        Case::each(name, body.len(), move || {
            let decoded = decode(&contract, framing, black_box(&body), &limits);
            black_box(black_box(decoded).expect("the body fits").inputs.len());
        })
    })
    .into()
}

fn contract() -> Contract {
    let free = vec![Dim::Free(None), Dim::Free(None)];
    Contract {
        inputs: vec![Port::new("x", DataType::Fp32, free)],
        outputs: Vec::new(),
        batching: Batching::FirstAxis { max: None },
    }
}

/// A request of one row of numbers.
fn json(elements: usize) -> (Framing, Vec<u8>) {
    let mut body =
        format!(r#"{{"inputs":[{{"name":"x","shape":[1,{elements}],"datatype":"FP32","data":["#);
    for at in 0..elements {
        let comma = if at > 0 { "," } else { "" };
        write!(body, "{comma}{}", number(at)).expect("a string takes what is written");
    }
    body.push_str("]}]}");
    (Framing::Json, body.into_bytes())
}

/// The same request with its numbers behind the JSON.
fn binary(elements: usize) -> (Framing, Vec<u8>) {
    let size = elements * 4;
    let head = format!(
        r#"{{"inputs":[{{"name":"x","shape":[1,{elements}],"datatype":"FP32","parameters":{{"binary_data_size":{size}}}}}]}}"#
    );
    let framing = Framing::Mixed(head.len());
    let mut body = head.into_bytes();
    body.extend((0..elements).flat_map(|at| number(at).to_le_bytes()));
    (framing, body)
}
