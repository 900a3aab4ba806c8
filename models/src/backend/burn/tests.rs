//! The engine from outside: packages made of a table and a weights file, loaded and asked. Numbers come from
//! PyTorch, by way of the fixtures.

mod files;
mod layers;
mod modules;
mod refused;
mod torch;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Table;

use super::BurnLoader;
use crate::error::LoadError;
use crate::loader::{Loader, Model};
use crate::name::{Name, VersionNumber};
use crate::package::{Artifact, Manifest, Package};
use crate::tensor::{DataType, Tensor};

const BACKENDS: [&str; 2] = ["flex", "ndarray"];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures")
}

/// A package of a weights file and the text of a `model.toml`.
fn package(weights: &Path, manifest: &str) -> Package {
    let table: Table = manifest.parse().unwrap();
    let burn = table
        .get("burn")
        .map(|burn| burn.as_table().unwrap().clone());
    #[allow(
        clippy::needless_update,
        reason = "the manifest may say more than its engine's table"
    )]
    let manifest = Manifest {
        burn,
        ..Manifest::default()
    };
    Package {
        model: Name::new("model").unwrap(),
        version: VersionNumber::ONE,
        dir: weights.parent().unwrap().canonicalize().unwrap(),
        artifact: Artifact::Burn(weights.to_owned()),
        manifest,
    }
}

fn load(weights: &Path, manifest: &str) -> Result<Box<dyn Model>, LoadError> {
    BurnLoader.load(&package(weights, manifest))
}

/// The message of a refused load, without the folder.
fn refusal(weights: &Path, manifest: &str) -> String {
    match load(weights, manifest) {
        Ok(_) => panic!("must be refused:\n{manifest}"),
        Err(error) => {
            let dir = format!("{}/", weights.parent().unwrap().display());
            error.to_string().replace(&dir, "")
        }
    }
}

/// The same declaration for a backend.
fn on(backend: &str, manifest: &str) -> String {
    manifest.replacen("[burn]", &format!("[burn]\nbackend = \"{backend}\""), 1)
}

/// Asks a model one case of a fixture and compares.
fn check(model: &dyn Model, case: &Case, what: &str) {
    let inputs = case.inputs.iter().map(CaseTensor::tensor).collect();
    let outputs = answer(model, inputs);
    assert_eq!(outputs.len(), case.outputs.len(), "{what}");
    for (got, expected) in outputs.iter().zip(&case.outputs) {
        let expected = expected.tensor();
        assert_eq!(got.shape(), expected.shape(), "{what}: {}", case.name);
        let got = got.as_slice::<f32>().unwrap();
        for (i, (got, expected)) in got
            .iter()
            .zip(expected.as_slice::<f32>().unwrap())
            .enumerate()
        {
            let difference = (got - expected).abs();
            assert!(
                difference <= case.tolerance,
                "{what}: {}: element {i}: expected {expected}, got {got}",
                case.name
            );
        }
    }
}

/// Answers, with both sides checked against the contract.
fn answer(model: &dyn Model, inputs: Vec<Tensor>) -> Vec<Tensor> {
    model.contract().check_inputs(&inputs).unwrap();
    let outputs = model.infer(inputs).unwrap();
    model.contract().check_outputs(&outputs).unwrap();
    outputs
}

fn cases(folder: &Path) -> Vec<Case> {
    #[derive(Deserialize)]
    struct File {
        cases: Vec<Case>,
    }
    let text = ["cases.json", "golden.json"]
        .iter()
        .find_map(|name| fs::read_to_string(folder.join(name)).ok());
    let file: File = serde_json::from_str(&text.unwrap()).unwrap();
    assert!(!file.cases.is_empty());
    file.cases
}

#[derive(Deserialize)]
struct Case {
    name: String,
    inputs: Vec<CaseTensor>,
    outputs: Vec<CaseTensor>,
    tolerance: f32,
}

#[derive(Deserialize)]
struct CaseTensor {
    shape: Vec<usize>,
    datatype: DataType,
    data: Vec<f64>,
}

impl CaseTensor {
    fn tensor(&self) -> Tensor {
        let shape = self.shape.clone();
        let data = self.data.iter();
        match self.datatype {
            DataType::Fp32 => Tensor::of(shape, data.map(|&v| v as f32).collect()),
            DataType::Int64 => Tensor::of(shape, data.map(|&v| v as i64).collect()),
            other => panic!("no fixture here has {other}"),
        }
        .unwrap()
    }
}

/// A safetensors file of single-precision tensors, written by hand.
fn safetensors(tensors: &[(&str, &[usize])]) -> Vec<u8> {
    let mut header = String::from("{");
    let mut at = 0;
    for (i, (name, shape)) in tensors.iter().enumerate() {
        let end = at + 4 * shape.iter().product::<usize>();
        let comma = if i > 0 { "," } else { "" };
        header += &format!(
            r#"{comma}"{name}":{{"dtype":"F32","shape":{shape:?},"data_offsets":[{at},{end}]}}"#
        );
        at = end;
    }
    header.push('}');
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    let numbers = (0..at / 4).flat_map(|i| ((i % 7) as f32 * 0.25 - 0.75).to_le_bytes());
    bytes.extend(numbers);
    bytes
}

/// A folder with a hand-written safetensors file.
fn written(tensors: &[(&str, &[usize])]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    fs::write(&path, safetensors(tensors)).unwrap();
    (folder, path)
}
