//! The fixtures on ONNX Runtime, and both engines on the same inputs: what the built-in engine answers is what ONNX
//! Runtime answers, to 1e-5 where numbers are floating.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use impresario::models::golden::{self, Case, Golden};
use impresario::models::loader::Loaders;
use impresario::models::package::EngineChoice;
use impresario::models::{Contract, Port};
use serde_json::{Value, json};

use super::{compare_with_list, load_with, loaders, reason};
use crate::daemon::root;

/// How far the engines may be apart, absolute and relative together.
const APART: f64 = 1e-5;

#[test]
fn onnx_runtime_gives_the_fixtures_numbers() {
    let loaders = loaders();
    compare_with_list("fixtures-onnxruntime.txt", &fixtures(), |dir| {
        let loaded = load_with(&loaders, dir, EngineChoice::OnnxRuntime)
            .map_err(|error| reason(&error, dir))?;
        golden::run(&*loaded.model, &examples(dir))
            .map(drop)
            .map_err(|error| reason(&error, dir))
    });
}

#[test]
fn both_engines_agree_on_every_fixture() {
    let loaders = loaders();
    compare_with_list("fixtures-apart.txt", &fixtures(), |dir| {
        agree(&loaders, dir)
    });
}

/// Runs the built-in engine on what ONNX Runtime answered as the expected outputs, and compares the contracts in what
/// every engine knows.
fn agree(loaders: &Loaders, dir: &Path) -> Result<(), String> {
    let with = |engine| load_with(loaders, dir, engine).map_err(|error| reason(&error, dir));
    let runtime = with(EngineChoice::OnnxRuntime)?;
    let tract = with(EngineChoice::Tract)?;
    let [theirs, ours] = [&runtime, &tract].map(|loaded| described(&loaded.contract));
    if theirs != ours {
        return Err(format!(
            "ONNX Runtime's contract is {theirs}, the built-in engine's {ours}"
        ));
    }
    let cases = examples(dir).cases.into_iter().map(|case| {
        let named = case.inputs.iter().map(|(n, t)| (n.as_str(), t.clone()));
        let inputs = runtime.contract.arrange(named).map_err(|e| e.to_string())?;
        let outputs = runtime.model.infer(inputs);
        let outputs = outputs.map_err(|error| reason(&error, dir))?;
        let names = runtime.contract.outputs.iter();
        Ok(Case {
            outputs: names.map(|p| p.name.to_string()).zip(outputs).collect(),
            tolerance: APART,
            ..case
        })
    });
    let cases = cases.collect::<Result<Vec<_>, String>>()?;
    golden::run(&*tract.model, &Golden { cases })
        .map(drop)
        .map_err(|error| reason(&error, dir))
}

/// Ports without sizes, and whether rows may be joined.
fn described(contract: &Contract) -> String {
    let ports = |ports: &[Port]| {
        let ports = ports.iter().map(|p| {
            let (rank, labels) = (p.shape.len(), p.labels.join("|"));
            format!("{} {} of rank {rank} {labels}", p.name, p.datatype)
        });
        ports.collect::<Vec<_>>().join(", ")
    };
    let (inputs, outputs) = (ports(&contract.inputs), ports(&contract.outputs));
    format!("{inputs} -> {outputs}, {:?}", contract.batching)
}

/// The folders that hold a model and its examples, by name.
fn fixtures() -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    let mut open: Vec<PathBuf> = [
        "tests/fixtures/onnx",
        "tests/fixtures/onnx-spec",
        "tests/fixtures/torch",
        "examples/quickstart/models",
    ]
    .map(|folder| root().join(folder))
    .into();
    while let Some(dir) = open.pop() {
        if dir.join("model.onnx").is_file() {
            let name = dir.strip_prefix(root()).unwrap().to_string_lossy();
            found.insert(name.into_owned(), dir.clone());
        }
        let entries = std::fs::read_dir(&dir).unwrap().map(|e| e.unwrap().path());
        open.extend(entries.filter(|path| path.is_dir()));
    }
    assert!(found.len() > 400, "only {} fixtures", found.len());
    found
}

/// A fixture's examples, in which `null` is NaN.
fn examples(dir: &Path) -> Golden {
    let files = ["cases.json", "golden.json"].map(|name| dir.join(name));
    let file = files.iter().find(|path| path.is_file()).expect("examples");
    let mut written: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    for case in written["cases"].as_array_mut().unwrap() {
        case["nan_as_null"] = json!(true);
    }
    Golden::parse(&written.to_string()).unwrap_or_else(|what| panic!("{}: {what}", file.display()))
}
