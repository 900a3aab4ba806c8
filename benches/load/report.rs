//! Figures as Markdown, to be pasted into `benches/README.md`.

use std::error::Error;
use std::fs;
use std::time::Duration;

use super::client::Point;

/// One server at one number of connections.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    per_second: f64,
    p50: f64,
    p99: f64,
    p999: f64,
    cpu: f64,
    generator: f64,
}

/// What the figures were taken on.
pub(crate) fn machine(workers: usize) {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown processor", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "{cores} cores, {model}; {workers} server workers; load average before: {}",
        load.trim()
    );
}

pub(crate) fn load_header(seconds: Duration, rounds: usize) {
    println!("\nMedians of {rounds} rounds of {seconds:?}; latencies in µs.\n");
    println!(
        "| server | connections | requests/s | p50 | p99 | p99.9 | server CPU µs/request | generator busy |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
}

pub(crate) fn load_row(name: &str, connections: usize, row: Row) {
    let Row {
        per_second,
        p50,
        p99,
        p999,
        cpu,
        generator,
    } = row;
    println!(
        "| {name} | {connections} | {per_second:.0} | {p50:.0} | {p99:.0} | {p999:.0} | {cpu:.1} | {:.0} % |",
        generator * 100.0
    );
}

/// What the figures above are worth: what other programs did meanwhile.
pub(crate) fn others(cpu: Duration, elapsed: Duration) {
    let cores = cpu.as_secs_f64() / elapsed.as_secs_f64();
    println!("\nOther programs kept {cores:.2} cores busy meanwhile.");
}

pub(crate) fn process_header(rounds: usize) {
    println!("\nNobody asks; medians of {rounds} starts.\n");
    println!("| daemon with | ready after | resident |");
    println!("|---|---:|---:|");
}

pub(crate) fn process_row(name: &str, ready: Duration, resident: u64) {
    println!(
        "| {name} | {} ms | {:.1} MiB |",
        ready.as_millis(),
        resident as f64 / 1024.0
    );
}

/// Whether an answer says what scikit-learn says: a fast wrong answer is no figure.
pub(crate) fn check(answer: &str, expected: f64) -> Result<(), Box<dyn Error>> {
    let parsed: serde_json::Value = serde_json::from_str(answer)?;
    let outputs = parsed["outputs"].as_array().into_iter().flatten();
    let found = outputs
        .filter(|output| output["name"] == "probabilities")
        .find_map(|output| output["data"][0].as_f64());
    match found {
        Some(first) if (first - expected).abs() < 1e-4 => Ok(()),
        _ => Err(format!("expected a first probability of {expected}, got {answer}").into()),
    }
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
            per_second: requests / point.elapsed.as_secs_f64(),
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
}
