//! Engines side by side: the same model, the same rows, one thread, in a loop of their own; a table of what one call
//! costs. No daemon is around it.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use impresario::clock;
use impresario::models::backend::{self, Engines};
use impresario::models::loader::{Loaders, Model};
use impresario::models::{Name, Repository, Tensor, Values, VersionNumber};
use tempfile::TempDir;

/// Rows of one call.
pub(crate) const BATCHES: [usize; 3] = [1, 8, 64];
/// A round of one model on one engine with so many rows; the median of three counts.
const ROUND: Duration = Duration::from_millis(80);
const ROUNDS: usize = 3;

/// A folder of models that is gone afterwards, and what loads them.
pub(crate) struct Bench {
    repository: TempDir,
    loaders: Loaders,
}

// === impl Bench ===

impl Bench {
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            repository: tempfile::tempdir()?,
            loaders: backend::loaders(&Engines::default())?,
        })
    }

    pub(crate) fn repository(&self) -> &Path {
        self.repository.path()
    }

    /// Writes version 1 of a model.
    pub(crate) fn write(
        &self,
        name: &str,
        file: &[u8],
        manifest: &str,
    ) -> Result<(), Box<dyn Error>> {
        let folder = self.repository().join(name).join("1");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("model.onnx"), file)?;
        fs::write(folder.join("model.toml"), manifest)?;
        Ok(())
    }

    /// Loads version 1 of a model.
    pub(crate) fn load(&self, name: &str) -> Result<Box<dyn Model>, Box<dyn Error>> {
        let package = Repository::open(self.repository())?;
        let package = package.package(&Name::new(name)?, VersionNumber::ONE)?;
        Ok(self.loaders.find(&package.artifact)?.load(&package)?)
    }
}

/// What one call takes, in microseconds: the median of each round, and of these the median.
pub(crate) fn time(model: &dyn Model, inputs: &[Tensor]) -> Result<f64, Box<dyn Error>> {
    let mut rounds = Vec::new();
    // The first round is for caches and clock speed.
    for round in 0..=ROUNDS {
        let begun = clock::instant();
        let mut calls = Vec::new();
        while begun.elapsed() < ROUND || calls.len() < 3 {
            let given = inputs.to_vec();
            let at = clock::instant();
            let outputs = model.infer(given)?;
            calls.push(at.elapsed().as_secs_f64() * 1e6);
            drop(outputs);
        }
        if round > 0 {
            rounds.push(median(calls));
        }
    }
    Ok(median(rounds))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A tensor's rows over and over until there are so many.
pub(crate) fn repeated(tensor: &Tensor, rows: usize) -> Tensor {
    let mut shape = tensor.shape().to_vec();
    let width = tensor.values().len() / shape[0].max(1);
    shape[0] = rows;
    macro_rules! cycle {
        ($($variant:ident)*) => {
            match tensor.values() {
                $(Values::$variant(v) => Values::$variant(
                    v.iter().cycle().take(rows * width).cloned().collect(),
                ),)*
            }
        };
    }
    let values =
        cycle!(Bool Uint8 Uint16 Uint32 Uint64 Int8 Int16 Int32 Int64 Fp16 Bf16 Fp32 Fp64 Bytes);
    Tensor::new(shape, values).expect("whole rows")
}
