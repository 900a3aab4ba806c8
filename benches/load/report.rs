//! Figures as Markdown, to be pasted into `benches/README.md`.

use std::fs;
use std::time::Duration;

use super::client::Point;
use super::heavy::{Form, Reached};
use super::models::Heavy;
use super::plan::{Place, Plan};

/// One server at one number of connections.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) per_second: f64,
    p50: f64,
    p99: f64,
    p999: f64,
    cpu: f64,
    generator: f64,
}

/// What the figures were taken on.
pub(crate) fn machine(place: &Place) {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown processor", |(_, model)| model.trim());
    let list = cpu.lines().filter(|line| line.starts_with("processor"));
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "{} cores, {model}; {}; load average before: {}",
        list.count(),
        place.said(),
        load.trim()
    );
}

// === the tiny model ===

pub(crate) fn load_header(plan: &Plan) {
    let (rounds, seconds) = (plan.rounds, plan.seconds);
    println!("\n### The tiny model, closed loop\n");
    println!(
        "Medians of {rounds} rounds of {seconds:?}; latencies in µs. {}\n",
        plan.generator()
    );
    println!(
        "| server | connections | requests/s | impresario does | p50 | p99 | p99.9 | server CPU µs/request | generator busy |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
}

/// `daemon` is the daemon at the same number of connections.
pub(crate) fn load_row(name: &str, connections: usize, row: Row, daemon: Row) {
    let share = daemon.per_second / row.per_second;
    let share = if share < 3.0 {
        format!("{:.0} %", share * 100.0)
    } else {
        format!("{share:.1} times that")
    };
    println!(
        "| {name} | {connections} | {:.0} | {share} | {}",
        row.per_second,
        row.rest()
    );
}

/// What the figures above are worth: what other programs did meanwhile.
pub(crate) fn others(cpu: Duration, elapsed: Duration) {
    let cores = cpu.as_secs_f64() / elapsed.as_secs_f64();
    println!("\nOther programs kept {cores:.2} cores busy meanwhile.");
}

pub(crate) fn targets() {
    println!(
        "Targets: 75 % of the bare handler with the model at each number of connections, 8 times FastAPI, 50 times MLServer as it comes."
    );
}

// === the constant rate ===

pub(crate) fn open_header(rate: f64, plan: &Plan) {
    let (rounds, seconds) = (plan.rounds, plan.seconds);
    println!("\n### The tiny model, {rate:.0} requests a second\n");
    println!(
        "Half of the lesser maximum, on up to 64 connections; latencies in µs from when a request was meant to leave. \
         Medians of {rounds} rounds of {seconds:?}. The generator never sleeps.\n"
    );
    println!(
        "| server | requests/s | p50 | p99 | p99.9 | server CPU µs/request | generator busy |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
}

pub(crate) fn open_row(name: &str, row: Row) {
    println!("| {name} | {:.0} | {}", row.per_second, row.rest());
}

pub(crate) fn added(bare: Row, daemon: Row) {
    println!(
        "\nThe daemon adds {:.0} µs at p50, {:.0} µs at p99 (target: less than 200) and {:.0} µs at p99.9.",
        daemon.p50 - bare.p50,
        daemon.p99 - bare.p99,
        daemon.p999 - bare.p999
    );
}

// === heavy models ===

pub(crate) fn heavy_header(plan: &Plan, place: &Place, connections: usize) {
    let (rounds, seconds, said) = (plan.rounds, plan.seconds, place.said());
    println!("\n### Models that cost something, {connections} connections\n");
    println!(
        "One row a request, one instance; {said}. Medians of {rounds} rounds of {seconds:?}; latencies in µs. \
         Target: 90 % of the engine's own loop at the batch size reached.\n"
    );
    println!(
        "| model | engine | rows as | rows/s | rows a call | own loop, rows/s | share | p50 | p99 | p99.9 | server CPU µs/request | generator busy |"
    );
    println!("|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
}

pub(crate) fn heavy_row(heavy: Heavy, form: Form, reached: Reached) {
    let form = match form {
        Form::Binary => "binary",
        Form::Json => "JSON",
    };
    println!(
        "| {} | {} | {form} | {:.0} | {:.1} | {:.0} | {:.0} % | {}",
        heavy.kind.said(),
        heavy.engine.word(),
        reached.row.per_second,
        reached.batch,
        reached.own,
        reached.share() * 100.0,
        reached.row.rest()
    );
}

// === memory ===

pub(crate) fn memory_header(rounds: usize) {
    println!("\n### Memory and start-up\n");
    println!("Nobody asks; medians of {rounds} starts. Target: idle below 40 MB.\n");
    println!("| daemon with | ready after | resident |");
    println!("|---|---:|---:|");
}

pub(crate) fn memory_row(name: &str, ready: Duration, resident: u64) {
    println!(
        "| {name} | {} ms | {:.1} MiB |",
        ready.as_millis(),
        mebibytes(resident)
    );
}

pub(crate) fn each_model(first: f64, more: f64, weights: u64) {
    println!(
        "\nEach tiny model takes {:.0} kB beyond its {weights} bytes of weights from 1 to 100 of them, {:.0} kB from 100 \
         to 1,000 (target: less than 200 kB).",
        first / 1e3,
        more / 1e3
    );
}

pub(crate) fn returned_header() {
    println!("\n| unloaded | resident before | after |");
    println!("|---|---:|---:|");
}

pub(crate) fn returned_row(name: &str, before: u64, after: u64) {
    println!(
        "| {name} | {:.1} MiB | {:.1} MiB |",
        mebibytes(before),
        mebibytes(after)
    );
}

fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}

/// The middle one.
pub(crate) fn median<T: PartialOrd + Copy>(mut figures: Vec<T>) -> T {
    figures.sort_by(|a, b| a.partial_cmp(b).expect("figures are numbers"));
    figures[figures.len() / 2]
}

// === impl Row ===

impl Row {
    pub(crate) fn of(point: Point, server_cpu: Duration, own_cpu: Duration) -> Self {
        let requests = point.latencies.len() as f64;
        let at = |share: f64| {
            let index = (requests * share) as usize;
            let nanos = point.latencies.get(index).or(point.latencies.last());
            f64::from(nanos.copied().unwrap_or_default()) / 1e3
        };
        Self {
            per_second: point.per_second(),
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            cpu: server_cpu.as_secs_f64() * 1e6 / requests.max(1.0),
            generator: own_cpu.as_secs_f64() / point.elapsed.as_secs_f64(),
        }
    }

    /// The median of each figure.
    pub(crate) fn median(rows: Vec<Self>) -> Self {
        let each = |figure: fn(&Self) -> f64| median(rows.iter().map(figure).collect());
        Self {
            per_second: each(|row| row.per_second),
            p50: each(|row| row.p50),
            p99: each(|row| row.p99),
            p999: each(|row| row.p999),
            cpu: each(|row| row.cpu),
            generator: each(|row| row.generator),
        }
    }

    /// The columns behind a row's own.
    fn rest(&self) -> String {
        format!(
            "{:.0} | {:.0} | {:.0} | {:.1} | {:.0} % |",
            self.p50,
            self.p99,
            self.p999,
            self.cpu,
            self.generator * 100.0
        )
    }
}
