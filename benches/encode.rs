//! The last station of a request's walk: a version's outputs to an answer's bytes.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use impresario::http::codec::{Answer, Form, Parameters, Wanted, encode};
use impresario::models::{Batching, Contract, DataType, Dim, Port, Tensor};

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(50)
        .configure_from_args();
    let free = || vec![Dim::Free(None), Dim::Free(None)];
    let contract = Contract {
        inputs: Vec::new(),
        outputs: vec![
            Port::new("label", DataType::Int64, vec![Dim::Free(None)]),
            Port::new("probabilities", DataType::Fp32, free()),
        ],
        batching: Batching::FirstAxis { max: None },
    };
    let parameters = Parameters::default();
    let mut group = criterion.benchmark_group("encode");
    let cases = [
        ("json/3", 3, Form::Json),
        ("json/1000", 1_000, Form::Json),
        ("binary/3", 3, Form::Binary),
        ("binary/150528", 150_528, Form::Binary),
    ];
    for (name, elements, form) in cases {
        let outputs = [Tensor::vector(vec![1i64]), row(elements)];
        let wanted = [0, 1].map(|index| Wanted { index, form });
        let answer = Answer {
            model: "iris",
            version: "1",
            id: Some("request-1"),
            contract: &contract,
            outputs: &outputs,
            wanted: &wanted,
            parameters: &parameters,
        };
        let written = encode(&answer).expect("numbers can be written in both forms");
        group.throughput(Throughput::Bytes(written.body.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let encoded = encode(black_box(&answer));
                black_box(encoded)
                    .expect("it was written before")
                    .body
                    .len()
            });
        });
    }
    group.finish();
    criterion.final_summary();
}

fn row(elements: usize) -> Tensor {
    // The golden ratio's multiples spread evenly, so that neither digits nor exponents repeat.
    let numbers = (0..elements).map(|at| (at as f32 * 0.618_034).fract());
    Tensor::of(vec![1, elements], numbers.collect()).expect("the shape is the row's")
}
