//! The whole process under load, beside bare actix-web handlers, in one run on one machine.
//!
//! Three servers answer the same request over the loopback interface, one after the other, with the same load
//! generator: the daemon; a bare handler that parses the same JSON and answers; and that handler with the same
//! model run inline by the same engine. Then memory and start-up of the daemon. Everything is printed as Markdown.
//!
//! `cargo bench --bench load -- [--seconds 5] [--rounds 3] [--workers N] [--only load|process]`

mod bare;
mod client;
mod process;
mod report;

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use client::Load;
use impresario::clock;
use process::Server;
use report::Row;

/// One flower, as an application posts it.
const BODY: &str =
    r#"{"inputs":[{"name":"X","shape":[1,4],"datatype":"FP32","data":[5.1,3.5,1.4,0.2]}]}"#;
/// The model's path; the bare handlers answer on the same one.
const PATH: &str = "/v2/models/iris-linear/infer";
/// The probability of the first class for that flower, by scikit-learn.
const EXPECTED: f64 = 0.981_557;
const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// Before each point, so that no server pays in its figures for connections and caches.
const WARM_UP: Duration = Duration::from_millis(300);

/// What the command line says.
struct Plan {
    seconds: Duration,
    rounds: usize,
    workers: usize,
    load: bool,
    process: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, kind, workers] = &args[..]
        && flag == bare::FLAG
    {
        return bare::serve(kind, workers.parse()?);
    }
    let Some(plan) = Plan::read(&args)? else {
        return Ok(());
    };
    report::machine(plan.workers);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    if plan.load {
        runtime.block_on(under_load(&plan))?;
    }
    if plan.process {
        runtime.block_on(alone(&plan))?;
    }
    Ok(())
}

/// Requests per second and latencies, alternating between the servers so that a machine that changes its mind
/// changes it for all of them.
async fn under_load(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let state = tempfile::tempdir()?;
    let (daemon, _) = Server::daemon(&quickstart(), state.path(), plan.workers)?;
    let servers = [
        ("impresario", daemon),
        (
            "bare: parse, run the model, answer",
            Server::bare("model", plan.workers)?,
        ),
        ("bare: parse, answer", Server::bare("answer", plan.workers)?),
    ];
    for (_, server) in &servers {
        let answer = client::ask(server.address, "POST", PATH, BODY).await?;
        report::check(&answer, EXPECTED)?;
    }
    report::load_header(plan.seconds, plan.rounds);
    let own = || -> io::Result<Duration> {
        let ids = servers.iter().map(|(_, server)| server.id());
        ids.chain([std::process::id()]).map(process::cpu).sum()
    };
    let (begun, before) = (clock::instant(), (process::machine_cpu()?, own()?));
    for connections in CONNECTIONS {
        let mut rows: Vec<Vec<Row>> = servers.iter().map(|_| Vec::new()).collect();
        for _ in 0..plan.rounds {
            for ((_, server), rows) in servers.iter().zip(&mut rows) {
                let load = |seconds| Load {
                    address: server.address,
                    path: PATH,
                    body: BODY,
                    connections,
                    seconds,
                };
                load(WARM_UP).drive().await?;
                let before = (
                    process::cpu(server.id())?,
                    process::cpu(std::process::id())?,
                );
                let point = load(plan.seconds).drive().await?;
                let server_cpu = process::cpu(server.id())?.saturating_sub(before.0);
                let own_cpu = process::cpu(std::process::id())?.saturating_sub(before.1);
                rows.push(Row::of(point, server_cpu, own_cpu));
            }
        }
        for ((name, _), rows) in servers.iter().zip(rows) {
            report::load_row(name, connections, Row::median(rows));
        }
    }
    let machine = process::machine_cpu()?.saturating_sub(before.0);
    let others = machine.saturating_sub(own()?.saturating_sub(before.1));
    report::others(others, begun.elapsed());
    Ok(())
}

/// Start-up and memory of the daemon when nobody asks it.
async fn alone(plan: &Plan) -> Result<(), Box<dyn Error>> {
    report::process_header(plan.rounds);
    let folders = tempfile::tempdir()?;
    let (empty, many) = (folders.path().join("empty"), folders.path().join("many"));
    std::fs::create_dir(&empty)?;
    for number in 1..=100 {
        let version = many.join(format!("iris-{number:03}/1"));
        std::fs::create_dir_all(&version)?;
        let file = version.join("model.onnx");
        std::fs::copy(quickstart().join("iris-linear/1/model.onnx"), &file)?;
        // A file of a moment ago may still be growing, and the daemon would wait for it to settle.
        let hour = Duration::from_secs(3_600);
        let file = std::fs::File::options().write(true).open(file)?;
        file.set_modified(clock::wall() - hour)?;
    }
    for (name, models) in [
        ("no models", &empty),
        ("the quickstart's models", &quickstart()),
        ("100 copies of iris-linear", &many),
    ] {
        let (mut ready, mut resident) = (Vec::new(), Vec::new());
        for _ in 0..plan.rounds {
            let state = tempfile::tempdir()?;
            let (daemon, took) = Server::daemon(models, state.path(), plan.workers)?;
            client::ask(daemon.address, "GET", "/v2/health/ready", "").await?;
            ready.push(took);
            resident.push(process::resident(daemon.id())?);
        }
        report::process_row(name, report::median(ready), report::median(resident));
    }
    Ok(())
}

fn quickstart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart/models")
}

// === impl Plan ===

impl Plan {
    /// Nothing when this is not the bench that was asked for: `cargo bench NAME` runs every bench with the name,
    /// and `cargo test --benches` runs them without `--bench`.
    fn read(args: &[String]) -> Result<Option<Self>, Box<dyn Error>> {
        let cores = std::thread::available_parallelism()?.get();
        let mut plan = Self {
            seconds: Duration::from_secs(5),
            rounds: 3,
            workers: cores,
            load: true,
            process: true,
        };
        let mut benching = false;
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--bench" => benching = true,
                "--seconds" => plan.seconds = Duration::try_from_secs_f64(value()?.parse()?)?,
                "--rounds" => plan.rounds = value()?.parse::<usize>()?.max(1),
                "--workers" => plan.workers = value()?.parse::<usize>()?.max(1),
                "--only" => {
                    let part = value()?;
                    (plan.load, plan.process) = (part == "load", part == "process");
                }
                filter if !filter.starts_with('-') && !"load".contains(filter) => return Ok(None),
                _ => {}
            }
        }
        Ok(benching.then_some(plan))
    }
}
