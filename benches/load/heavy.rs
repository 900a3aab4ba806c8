//! Models that cost something, with batching: the daemon under 64 connections beside the engine's own loop at the
//! batch size that was reached, in the same run.
//!
//! One instance each, so that the loop and the daemon compute on one thread; sockets, codec and generator have the
//! other cores, so nothing is pinned here.

use std::error::Error;
use std::path::Path;

use super::client::Request;
use super::models::{ALL, Engine, Heavy, Kind, sample};
use super::own::{self, Said};
use super::plan::Plan;
use super::process::Server;
use super::report::{self, Row};
use super::runtime;
use super::tiny;

const CONNECTIONS: usize = 64;

/// Models that can be loaded here, and what each answers alone.
type Models = Vec<(Heavy, Said)>;

/// How the rows travel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Binary,
    Json,
}

/// One figure: the daemon, and the loop that it is compared with.
#[derive(Clone, Copy)]
pub(crate) struct Reached {
    pub(crate) row: Row,
    /// Rows in one call of the engine, on average.
    pub(crate) batch: f64,
    /// Rows in a second of the engine's own loop at that size.
    pub(crate) own: f64,
}

/// Every model that can be loaded here, one after the other.
pub(crate) async fn batched(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let (repository, models) = prepare(plan)?;
    let state = tempfile::tempdir()?;
    let place = plan.place.shared();
    let (daemon, _) =
        Server::daemon_prepared(repository.path(), state.path(), &place, runtime::tell)?;
    report::heavy_header(plan, &place, CONNECTIONS);
    for (heavy, alone) in models {
        let path = format!("/v2/models/{}/infer", heavy.name());
        let answer = request(&daemon, &path, heavy.kind, Form::Json)
            .ask()
            .await?;
        compare(&answer, &alone)?;
        for form in [Form::Binary, Form::Json] {
            // What JSON costs is told by one model: it is the same for all.
            if form == Form::Json && heavy.kind != Kind::Mlp {
                continue;
            }
            let mut all = Vec::new();
            for _ in 0..plan.rounds {
                let before = counted(&daemon, heavy).await?;
                let request = request(&daemon, &path, heavy.kind, form);
                let row = tiny::point(&daemon, request, CONNECTIONS, plan.seconds).await?;
                let after = counted(&daemon, heavy).await?;
                let batch = (after.0 - before.0) / (after.1 - before.1).max(1.0);
                let size = (batch.round() as usize).max(1);
                let own =
                    own::looped(repository.path(), heavy, size, plan.seconds / 2, &place)?.rows;
                all.push(Reached { row, batch, own });
            }
            report::heavy_row(heavy, form, Reached::median(all));
        }
    }
    Ok(())
}

/// A repository of the models whose engines are here; the others are named with the reason.
fn prepare(plan: &Plan) -> Result<(tempfile::TempDir, Models), Box<dyn Error>> {
    let repository = tempfile::tempdir()?;
    let mut models = Vec::new();
    for heavy in ALL {
        heavy.write(repository.path())?;
        match own::looped(
            repository.path(),
            heavy,
            1,
            std::time::Duration::ZERO,
            &plan.place,
        ) {
            Ok(said) => models.push((heavy, said)),
            Err(missing) if heavy.engine == Engine::OnnxRuntime => {
                println!("\n{} is left out: {missing}", heavy.name());
                std::fs::remove_dir_all(repository.path().join(heavy.name()))?;
            }
            Err(wrong) => return Err(format!("{}: {wrong}", heavy.name()).into()),
        }
    }
    age(repository.path())?;
    Ok((repository, models))
}

/// Makes files older than they are: one of a moment ago may still be growing, and the daemon would wait.
pub(crate) fn age(folder: &Path) -> std::io::Result<()> {
    let hour = std::time::Duration::from_secs(3_600);
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            age(&path)?;
        } else {
            let file = std::fs::File::options().write(true).open(path)?;
            file.set_modified(impresario::clock::wall() - hour)?;
        }
    }
    Ok(())
}

fn request(daemon: &Server, path: &str, kind: Kind, form: Form) -> Request {
    let (name, row) = kind.row();
    let shape = [vec![1], row].concat();
    let numbers = sample(kind);
    match form {
        Form::Json => {
            let body = serde_json::json!({"inputs": [
                {"name": name, "shape": shape, "datatype": "FP32", "data": numbers}]});
            Request::post(daemon.address, path, &body.to_string())
        }
        Form::Binary => {
            let head = serde_json::json!({
                "parameters": {"binary_data_output": true},
                "inputs": [{"name": name, "shape": shape, "datatype": "FP32",
                    "parameters": {"binary_data_size": numbers.len() * 4}}]});
            let tensor: Vec<u8> = numbers.iter().flat_map(|f| f.to_le_bytes()).collect();
            Request::binary(daemon.address, path, &head.to_string(), &tensor)
        }
    }
}

/// Whether the daemon answers what the engine answers alone: a fast wrong answer is no figure.
fn compare(answer: &str, alone: &Said) -> Result<(), Box<dyn Error>> {
    let parsed: serde_json::Value = serde_json::from_str(answer)?;
    let outputs = parsed["outputs"].as_array();
    let last = outputs.and_then(|outputs| outputs.last()?["data"][0].as_f64());
    match last {
        Some(first) if (first - f64::from(alone.first)).abs() < 1e-4 => Ok(()),
        _ => Err(format!("expected {} at first, got {answer}", alone.first).into()),
    }
}

/// Rows computed so far, and calls of the engine.
async fn counted(daemon: &Server, heavy: Heavy) -> Result<(f64, f64), Box<dyn Error>> {
    let path = format!("/v2/models/{}/stats", heavy.name());
    let said: serde_json::Value =
        serde_json::from_str(&Request::get(daemon.address, &path).ask().await?)?;
    let counts = &said["model_stats"][0];
    let count = |key: &str| {
        counts[key]
            .as_f64()
            .ok_or_else(|| format!("no {key} in {said}"))
    };
    Ok((count("inference_count")?, count("execution_count")?))
}

impl Reached {
    /// What the daemon does of what the loop does.
    pub(crate) fn share(&self) -> f64 {
        self.row.per_second / self.own
    }

    /// The median of each figure.
    fn median(all: Vec<Self>) -> Self {
        Self {
            row: Row::median(all.iter().map(|one| one.row).collect()),
            batch: report::median(all.iter().map(|one| one.batch).collect()),
            own: report::median(all.iter().map(|one| one.own).collect()),
        }
    }
}
