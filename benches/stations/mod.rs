//! The stations of a request's walk as operations that can be repeated: timed by the micro-benches, counted in
//! instructions by `instructions`. What they are fed with is the same for both.

pub(crate) mod batch;
pub(crate) mod composite;
pub(crate) mod decide;
pub(crate) mod decode;
pub(crate) mod dispatch;
pub(crate) mod encode;

use std::time::Duration;

use criterion::{Criterion, Throughput};
use impresario::clock;
use impresario::models::{Batching, Contract, DataType, Dim, Port};

/// The kept counts of instructions were taken with this one. The daemon has the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One operation of a station.
pub(crate) struct Case {
    /// Its name within the station.
    pub(crate) name: String,
    /// The bytes it reads or writes; 0 where that says nothing.
    pub(crate) bytes: usize,
    /// Does it so many times.
    pub(crate) run: Box<dyn FnMut(u64)>,
}

impl Case {
    /// An operation whose repetition is a plain loop.
    pub(crate) fn each(name: &str, bytes: usize, mut once: impl FnMut() + 'static) -> Self {
        let run = move |times| (0..times).for_each(|_| once());
        Self {
            name: name.to_owned(),
            bytes,
            run: Box::new(run),
        }
    }
}

/// Times a station's operations, as the command line of `cargo bench` says.
pub(crate) fn bench(station: &str, cases: Vec<Case>) {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(50)
        .configure_from_args();
    let mut group = criterion.benchmark_group(station);
    for mut case in cases {
        if case.bytes > 0 {
            group.throughput(Throughput::Bytes(case.bytes as u64));
        }
        group.bench_function(&case.name, |bencher| {
            bencher.iter_custom(|times| {
                let begun = clock::instant();
                (case.run)(times);
                begun.elapsed()
            });
        });
    }
    group.finish();
    criterion.final_summary();
}

/// A model that gives back what it takes: rows of four numbers.
fn echo() -> Contract {
    let port = |name| Port::new(name, DataType::Fp32, vec![Dim::Free(None), Dim::Fixed(4)]);
    Contract {
        inputs: vec![port("x")],
        outputs: vec![port("y")],
        batching: Batching::FirstAxis { max: None },
    }
}

/// Numbers between -1 and 1 with as many digits as single precision has: the golden ratio's multiples spread
/// evenly, so that neither digits nor exponents repeat.
fn number(at: usize) -> f32 {
    (at as f32 * 0.618_034).fract() * 2.0 - 1.0
}
