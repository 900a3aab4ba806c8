//! An engine's own loop: our loader, the model called with rows that are there already, again and again, on one
//! thread. No socket, no codec, no queue; what the daemon is to be measured against where a model costs something.
//!
//! The thread is one of its own, and the C library keeps memory at hand, as for the daemon's workers.

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use impresario::clock;
use impresario::models::{Name, Repository, Tensor, VersionNumber, backend, loader};
use serde::{Deserialize, Serialize};

use super::models::{Heavy, sample};
use super::plan::Place;

/// The argument that makes this program loop.
pub(crate) const FLAG: &str = "--own-loop";

/// What a loop says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Said {
    /// Rows in a second.
    pub(crate) rows: f64,
    /// The first number of the last output, for comparing answers.
    pub(crate) first: f32,
}

/// Loops in a process of its own.
///
/// # Errors
/// What the process says: most often that there is no such engine here.
pub(crate) fn looped(
    repository: &Path,
    heavy: Heavy,
    batch: usize,
    seconds: Duration,
    place: &Place,
) -> Result<Said, Box<dyn Error>> {
    let mut command: Command = place.command(&std::env::current_exe()?.to_string_lossy());
    command.arg(FLAG).arg(repository).arg(heavy.name());
    command.args([batch.to_string(), seconds.as_secs_f64().to_string()]);
    super::runtime::tell(&mut command);
    let output = command.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What the process does.
pub(crate) fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    impresario::heap::keep_at_hand();
    let called = || run_here(args).map_err(|error| error.to_string());
    let ended = std::thread::scope(|scope| scope.spawn(called).join());
    Ok(ended.map_err(|_| "the loop panicked")??)
}

fn run_here(args: &[String]) -> Result<(), Box<dyn Error>> {
    let [repository, name, batch, seconds] = args else {
        return Err("expected a repository, a model, rows and seconds".into());
    };
    let (batch, seconds) = (batch.parse::<usize>()?, seconds.parse::<f64>()?);
    let kind = super::models::ALL
        .iter()
        .find(|heavy| heavy.name() == *name)
        .ok_or("no such model")?
        .kind;
    let package =
        Repository::open(Path::new(repository))?.package(&Name::new(name)?, VersionNumber::ONE)?;
    let loaders = backend::loaders(&backend::Engines::default())?;
    let loaded = loader::load(&package, &loaders, &mut |_| {})?;
    let shape = [vec![batch], kind.row().1].concat();
    let inputs = vec![Tensor::of(shape, sample(kind).repeat(batch))?];
    let mut first = 0.0;
    let mut calls = 0;
    let begun = clock::instant();
    loop {
        let outputs = loaded.model.infer(inputs.clone())?;
        calls += 1;
        let last = outputs.last().and_then(Tensor::as_slice::<f32>);
        first = last.and_then(<[f32]>::first).copied().unwrap_or(first);
        let elapsed = begun.elapsed().as_secs_f64();
        if elapsed >= seconds {
            let said = Said {
                rows: (calls * batch) as f64 / elapsed,
                first,
            };
            println!("{}", serde_json::to_string(&said)?);
            return Ok(());
        }
    }
}
