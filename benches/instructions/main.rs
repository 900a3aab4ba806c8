//! The guard against slow growth: how many instructions an operation of each station takes, beside a kept baseline.
//!
//! Instructions, unlike times, are the same on a busy machine. Each operation is run by this program again, under
//! valgrind's callgrind, twice with different numbers of repetitions: the difference is the operation's own, without
//! the program's start. What is measured stands in `stations`; the baseline in `benches/instructions.toml`.
//!
//! `cargo bench --bench instructions -- [--update] [--only NAME] [--profiles DIR]`

mod baseline;
#[path = "../stations/mod.rs"]
#[allow(dead_code, reason = "the operations are counted here, not timed")]
mod stations;
mod valgrind;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use baseline::{Baseline, Verdict};
use stations::Case;

/// The argument that makes this program do one operation many times.
const FLAG: &str = "--repeat";

/// The operations that are watched, how often each is repeated, and in how many processes. What is long needs to be
/// done less often. Hash tables have a seed of their own in each process, and threads meet differently: where there
/// are such, the least of several processes is what is compared.
const WATCHED: [(&str, u64, usize); 12] = [
    ("decide/route", 200_000, 3),
    ("decide/enter", 200_000, 3),
    ("decide/enter/version", 200_000, 3),
    ("decode/json/4", 5_000, 1),
    ("decode/json/1000", 200, 1),
    ("decode/binary/4", 5_000, 1),
    ("batch/join/64x4", 1_000, 1),
    ("batch/split/64x3", 1_000, 1),
    ("dispatch/in-flight/1", 20_000, 7),
    ("dispatch/uncounted/1", 20_000, 7),
    ("encode/json/3", 5_000, 1),
    ("encode/json/1000", 200, 1),
];

/// What the command line says.
#[derive(Default)]
struct Plan {
    bench: bool,
    update: bool,
    only: Option<String>,
    profiles: Option<PathBuf>,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name, times] = &args[..]
        && flag == FLAG
    {
        repeat(name, times.parse()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(plan) = Plan::read(&args)? else {
        return Ok(ExitCode::SUCCESS);
    };
    if let Err(missing) = valgrind::version() {
        eprintln!("instructions: {missing}");
        return Ok(ExitCode::FAILURE);
    }
    watch(&plan)
}

/// Counts what is watched and says how it compares; a failure where something grew or shrank beyond the tolerance.
fn watch(plan: &Plan) -> Result<ExitCode, Box<dyn Error>> {
    let mut baseline = Baseline::read()?;
    println!("{}", baseline.taken());
    println!("| operation | instructions | baseline | change |");
    println!("|---|---:|---:|---:|");
    let mut moved = Vec::new();
    for (name, times, processes) in WATCHED {
        if plan.only.as_ref().is_some_and(|only| !name.contains(only)) {
            continue;
        }
        let mut counted = u64::MAX;
        for _ in 0..processes {
            counted = counted.min(valgrind::count(name, times, plan.profiles.as_deref())?);
        }
        let verdict = baseline.compare(name, counted);
        println!("| {name} | {counted} | {verdict} |");
        if !matches!(verdict, Verdict::Within { .. }) {
            moved.push(name);
        }
        baseline.set(name, counted);
    }
    if plan.update {
        baseline.write()?;
        println!("\nwritten to {}", baseline::PATH);
    } else if !moved.is_empty() {
        println!("\nbeyond the tolerance: {}", moved.join(", "));
        println!("meant so? `just instructions --update`, and say in the commit why");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Does one operation so many times.
fn repeat(name: &str, times: u64) -> Result<(), Box<dyn Error>> {
    let unknown = || format!("expected a station and its operation, got '{name}'");
    let (station, operation) = name.split_once('/').ok_or_else(unknown)?;
    let cases: fn() -> Vec<Case> = match station {
        "batch" => stations::batch::cases,
        "decide" => stations::decide::cases,
        "decode" => stations::decode::cases,
        "dispatch" => stations::dispatch::cases,
        "encode" => stations::encode::cases,
        _ => return Err(unknown().into()),
    };
    let mut cases = cases();
    let case = cases.iter_mut().find(|case| case.name == operation);
    (case.ok_or_else(unknown)?.run)(times);
    Ok(())
}

// === impl Plan ===

impl Plan {
    /// Nothing when this is not the bench that was asked for: `cargo bench` runs all of them, and this one compares
    /// rather than measures.
    fn read(args: &[String]) -> Result<Option<Self>, Box<dyn Error>> {
        let mut plan = Self::default();
        let mut asked = false;
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--bench" => plan.bench = true,
                "--compare" => asked = true,
                "--update" => (plan.update, asked) = (true, true),
                "--only" => plan.only = Some(value()?.clone()),
                "--profiles" => {
                    let folder = PathBuf::from(value()?);
                    std::fs::create_dir_all(&folder)?;
                    plan.profiles = Some(folder);
                }
                _ => {}
            }
        }
        Ok((plan.bench && asked).then_some(plan))
    }
}
