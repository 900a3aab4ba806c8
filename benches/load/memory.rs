//! Memory and start-up of the daemon when nobody asks it, and what is given back when models leave.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::client::Request;
use super::heavy::age;
use super::models::{Engine, Heavy, Kind};
use super::plan::Plan;
use super::process::{self, Server};
use super::{quickstart, report};

/// After what is measured, so that threads that end have ended and memory that is returned later is returned.
const REST: Duration = Duration::from_secs(1);

/// Small models at once.
const COPIES: [usize; 3] = [1, 100, 1_000];

/// Start-up and resident memory with more and more models.
pub(crate) async fn alone(plan: &Plan) -> Result<(), Box<dyn Error>> {
    report::memory_header(plan.rounds);
    let folders = tempfile::tempdir()?;
    let empty = folders.path().join("empty");
    fs::create_dir(&empty)?;
    idle("no models", &empty, plan).await?;
    idle("the quickstart's models", &quickstart(), plan).await?;
    let mut resident = Vec::new();
    for copies in COPIES {
        let many = folders.path().join(copies.to_string());
        copy(&many, copies)?;
        let name = format!("{copies} of iris-linear");
        resident.push(idle(&name, &many, plan).await?);
    }
    let weights = fs::metadata(tiny_file())?.len();
    let each = |few: usize, many: usize| {
        let grown = resident[many].saturating_sub(resident[few]) * 1024;
        let models = (COPIES[many] - COPIES[few]) as u64;
        grown as f64 / models as f64 - weights as f64
    };
    report::each_model(each(0, 1), each(1, 2), weights);
    returned(&folders.path().join(COPIES[1].to_string()), plan).await
}

/// Resident memory when nobody asks.
async fn idle(name: &str, models: &Path, plan: &Plan) -> Result<u64, Box<dyn Error>> {
    let (mut ready, mut resident) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let state = tempfile::tempdir()?;
        let (daemon, took) = Server::daemon(models, state.path(), &plan.place)?;
        Request::get(daemon.address, "/v2/health/ready")
            .ask()
            .await?;
        tokio::time::sleep(REST).await;
        ready.push(took);
        resident.push(process::resident(daemon.id())?);
    }
    let resident = report::median(resident);
    report::memory_row(name, report::median(ready), resident);
    Ok(resident)
}

/// Resident memory before and after models are unloaded: a hundred small ones, and one of 2.7 MB of weights that has
/// answered.
async fn returned(copies: &Path, plan: &Plan) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let heavy = Heavy {
        kind: Kind::Mlp,
        engine: Engine::Tract,
    };
    heavy.write(folder.path())?;
    age(folder.path())?;
    report::returned_header();
    for (name, models) in [
        ("100 of iris-linear", copies),
        (heavy.kind.said(), folder.path()),
    ] {
        let state = tempfile::tempdir()?;
        let (daemon, _) = Server::daemon(models, state.path(), &plan.place)?;
        tokio::time::sleep(REST).await;
        let loaded = process::resident(daemon.id())?;
        for entry in fs::read_dir(models)? {
            let model = entry?.file_name().to_string_lossy().into_owned();
            let path = format!("/v2/repository/models/{model}/unload");
            Request::post(daemon.address, &path, "").ask().await?;
        }
        tokio::time::sleep(REST).await;
        report::returned_row(name, loaded, process::resident(daemon.id())?);
    }
    Ok(())
}

fn copy(folder: &Path, copies: usize) -> Result<(), Box<dyn Error>> {
    for number in 1..=copies {
        let version = folder.join(format!("iris-{number:04}/1"));
        fs::create_dir_all(&version)?;
        fs::copy(tiny_file(), version.join("model.onnx"))?;
    }
    Ok(age(folder)?)
}

fn tiny_file() -> std::path::PathBuf {
    quickstart().join("iris-linear/1/model.onnx")
}
