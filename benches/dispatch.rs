//! Stations 2 to 5 of a request's walk: decide, send, compute, answer, count.
//!
//! The model gives back what it gets, so what is measured is the way there and back: one request at a time pays
//! for waking a thread that sleeps, many in flight do not.

use std::time::Duration;

use criterion::Criterion;
use impresario::models::{
    Batching, Contract, DataType, Dim, FnModel, Name, Port, Tensor, VersionNumber,
};
use impresario::serve::Terms;
use impresario::{Impresario, Serve, clock};

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(50)
        .configure_from_args();
    let system = actix_rt::System::new();
    let impresario = system.block_on(fleet());
    let mut group = criterion.benchmark_group("dispatch");
    for in_flight in [1u64, 64] {
        group.bench_function(format!("in-flight/{in_flight}"), |bencher| {
            bencher.iter_custom(|requests| {
                let each = requests.div_ceil(in_flight);
                let elapsed = system.block_on(round(impresario.serve(), in_flight, each));
                elapsed.mul_f64(requests as f64 / (each * in_flight) as f64)
            });
        });
    }
    group.finish();
    criterion.final_summary();
    system.block_on(impresario.stop());
}

/// How long so many callers take who ask so many times each, one answer after the other.
async fn round(serve: &Serve, callers: u64, each: u64) -> Duration {
    let begun = clock::instant();
    let callers: Vec<_> = (0..callers)
        .map(|_| actix_rt::spawn(ask(serve.clone(), each)))
        .collect();
    for caller in callers {
        caller.await.expect("no caller panics");
    }
    begun.elapsed()
}

async fn ask(serve: Serve, times: u64) {
    for _ in 0..times {
        let x = Tensor::of(vec![1, 4], vec![5.1f32, 3.5, 1.4, 0.2]).expect("four numbers");
        let terms = Terms::now();
        let entry = serve.enter("echo", None, terms.arrived).await;
        let entry = entry.expect("it is ready");
        let answer = serve.dispatch(&entry, vec![x], terms).await;
        let answer = answer.expect("fewer requests are in flight than its queue takes");
        assert_eq!(answer.outputs.len(), 1);
    }
}

async fn fleet() -> Impresario {
    let name = Name::new("echo").expect("letters");
    let echo = || Ok(FnModel::new(contract(), Ok));
    let builder = Impresario::builder().register(name, VersionNumber::ONE, echo);
    builder.start().await.expect("it needs no files")
}

fn contract() -> Contract {
    let port = |name| Port::new(name, DataType::Fp32, vec![Dim::Free(None), Dim::Fixed(4)]);
    Contract {
        inputs: vec![port("x")],
        outputs: vec![port("y")],
        batching: Batching::FirstAxis { max: None },
    }
}
