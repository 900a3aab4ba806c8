//! Station 2 of a request's walk: from a name to the version that answers.
//!
//! `route` is the pure look-up in the table, `enter` the whole station as the doors call it: the newest snapshot,
//! the route, the decision. Nothing is sent to a version here.

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use impresario::Impresario;
use impresario::models::{Batching, Contract, DataType, Dim, FnModel, Name, Port, VersionNumber};

/// Models in the table: few enough to start at once, enough that a look-up is one.
const MODELS: usize = 100;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(50)
        .configure_from_args();
    let system = actix_rt::System::new();
    let impresario = system.block_on(fleet());
    let snapshot = impresario.live().snapshot();
    let mut group = criterion.benchmark_group("decide");
    group.bench_function("route", |bencher| {
        bencher.iter(|| {
            let route = snapshot.table.route(black_box("model-50"));
            black_box(route.expect("it was registered").decide()).is_ok()
        });
    });
    group.bench_function("route/unknown", |bencher| {
        bencher.iter(|| snapshot.table.route(black_box("model-x")).is_none());
    });
    group.bench_function("enter", |bencher| {
        let serve = impresario.serve();
        bencher.iter(|| black_box(serve.find(black_box("model-50"), None)).is_ok());
    });
    group.bench_function("enter/version", |bencher| {
        let serve = impresario.serve();
        bencher.iter(|| black_box(serve.find(black_box("model-50"), Some("1"))).is_ok());
    });
    group.finish();
    criterion.final_summary();
    system.block_on(impresario.stop());
}

async fn fleet() -> Impresario {
    let mut builder = Impresario::builder();
    for number in 0..MODELS {
        let name = Name::new(&format!("model-{number}")).expect("letters, digits and a hyphen");
        builder = builder.register(name, VersionNumber::ONE, || {
            Ok(FnModel::new(contract(), Ok))
        });
    }
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
