//! Station 1 of a request's walk: a body's bytes to tensors that fit the contract.
//!
//! Reading the body from a socket and inflating it are not in here.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use impresario::http::codec::{Framing, Limits, decode};
use impresario::models::{Batching, Contract, DataType, Dim, Port};

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(50)
        .configure_from_args();
    let contract = Contract {
        inputs: vec![Port::new(
            "x",
            DataType::Fp32,
            vec![Dim::Free(None), Dim::Free(None)],
        )],
        outputs: Vec::new(),
        batching: Batching::FirstAxis { max: None },
    };
    let limits = Limits::default();
    let mut group = criterion.benchmark_group("decode");
    let cases = [
        ("json/4", json(4)),
        ("json/1000", json(1_000)),
        ("json/150528", json(150_528)),
        ("binary/4", binary(4)),
        ("binary/150528", binary(150_528)),
    ];
    for (name, (framing, body)) in &cases {
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                let decoded = decode(&contract, *framing, black_box(body), &limits);
                black_box(decoded).expect("the body fits").inputs.len()
            });
        });
    }
    group.finish();
    criterion.final_summary();
}

/// A request of one row of numbers with as many digits as single precision has.
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

fn number(at: usize) -> f32 {
    // The golden ratio's multiples spread evenly, so that neither digits nor exponents repeat.
    (at as f32 * 0.618_034).fract() * 2.0 - 1.0
}
