//! The node tests of the ONNX specification, which package `onnx` carries: a small model per operator and
//! variant, with inputs and outputs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use impresario::models::golden::{self, Case, Golden};
use impresario::models::loader::Loaders;
use impresario::models::package::EngineChoice;
use impresario::models::{Contract, DataType, Tensor};

use super::{compare_with_list, load_with, loaders, proto, reason};
use crate::python::unpacked;

/// The package that the lists are written for.
const ONNX: &str = "onnx==1.17.0";
/// A case that ONNX Runtime cannot load.
const ONLY_BUILT_IN: &str = "test_max_int16";
/// How far numbers may be off, absolute and relative together.
const TOLERANCE: f64 = 1e-4;
/// As [`TOLERANCE`], for 16-bit numbers.
const COARSE: f64 = 5e-3;

#[test]
fn the_built_in_engine_passes_the_node_tests_that_it_can() {
    every_case("node-tests-tract.txt", EngineChoice::Tract);
}

#[test]
fn onnx_runtime_passes_the_node_tests_that_it_can() {
    every_case("node-tests-onnxruntime.txt", EngineChoice::OnnxRuntime);
}

/// ONNX Runtime has no kernel for this; the built-in engine computes it.
#[test]
fn what_onnx_runtime_cannot_load_the_built_in_engine_runs() {
    let dir = unpacked(ONNX)
        .join("onnx/backend/test/data/node")
        .join(ONLY_BUILT_IN);
    let loaders = loaders();
    let refused = load_with(&loaders, &dir, EngineChoice::OnnxRuntime);
    assert!(refused.is_err());
    let loaded = load_with(&loaders, &dir, EngineChoice::Auto).unwrap();
    assert_eq!(loaded.engine, "tract");
    let [warning] = &loaded.warnings[..] else {
        panic!("expected one warning: {:?}", loaded.warnings)
    };
    assert!(warning.contains("because ONNX Runtime cannot"), "{warning}");
}

fn every_case(list: &str, engine: EngineChoice) {
    let data = unpacked(ONNX).join("onnx/backend/test/data/node");
    let entries = std::fs::read_dir(data).unwrap().map(|e| e.unwrap().path());
    let folder = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, path)
    };
    let cases: BTreeMap<String, PathBuf> = entries.map(folder).collect();
    assert!(cases.len() > 1_200, "only {} cases", cases.len());
    let loaders = loaders();
    compare_with_list(list, &cases, |dir| run(&loaders, dir, engine));
}

fn run(loaders: &Loaders, dir: &Path, engine: EngineChoice) -> Result<(), String> {
    let loaded = load_with(loaders, dir, engine).map_err(|error| reason(&error, dir))?;
    let mut set = 0;
    while let data = dir.join(format!("test_data_set_{set}"))
        && data.is_dir()
    {
        let case = case(&data, &loaded.contract)?;
        let golden = Golden { cases: vec![case] };
        golden::run(&*loaded.model, &golden).map_err(|error| reason(&error, dir))?;
        set += 1;
    }
    match set {
        0 => Err("it has no data".to_owned()),
        _ => Ok(()),
    }
}

/// A data set, under the names of the contract: those in the files are empty in places.
fn case(data: &Path, contract: &Contract) -> Result<Case, String> {
    let tensors = |side: &str, names: Vec<&str>| -> Result<Vec<(String, Tensor)>, String> {
        let named = names.iter().enumerate().map(|(at, name)| {
            let tensor = proto::read(&data.join(format!("{side}_{at}.pb")))?;
            Ok(((*name).to_owned(), tensor))
        });
        named.collect()
    };
    let outputs = tensors(
        "output",
        contract.outputs.iter().map(|p| &*p.name).collect(),
    )?;
    let coarse = |(_, tensor): &(String, Tensor)| {
        matches!(tensor.datatype(), DataType::Fp16 | DataType::Bf16)
    };
    Ok(Case {
        name: data.file_name().unwrap().to_string_lossy().into_owned(),
        inputs: tensors("input", contract.inputs.iter().map(|p| &*p.name).collect())?,
        tolerance: if outputs.iter().any(coarse) {
            COARSE
        } else {
            TOLERANCE
        },
        outputs,
    })
}
