//! Every example of `tests/fixtures` and of the quickstart, against the numbers of the library that trained it.

use std::path::Path;

use half::{bf16, f16};
use serde_json::Value;

use super::{load, package, root};
use crate::backend::onnx::{OnnxLoader, from_bytes};
use crate::contract::{Batching, Dims, Port};
use crate::error::InferError;
use crate::loader::{Loader, Model};
use crate::tensor::{DataType, Tensor, Values};

/// What cannot run, and why. A case listed here that passes fails the test, so that the list stays true.
const KEPT: [(&str, &str); 0] = [];

#[test]
fn every_fixture_gives_its_numbers() {
    let root = root();
    let mut failures = Vec::new();
    let mut ran = 0;
    for folder in [
        "tests/fixtures/onnx",
        "tests/fixtures/torch",
        "examples/quickstart/models",
    ] {
        for dir in models(&root.join(folder)) {
            let name = dir
                .strip_prefix(&root)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            let outcome = run(&dir);
            ran += 1;
            let kept = KEPT.iter().find(|(kept, _)| *kept == name);
            match (outcome, kept) {
                (Ok(()), None) | (Err(_), Some(_)) => {}
                (Ok(()), Some(_)) => {
                    failures.push(format!("{name}: is listed as kept, and passes"))
                }
                (Err(what), None) => failures.push(format!("{name}: {what}")),
            }
        }
    }
    assert!(
        ran > 100,
        "expected the fixtures of the repository, got {ran}"
    );
    assert!(
        failures.is_empty(),
        "{} of {ran} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn contracts_are_read_from_the_files() {
    let root = root().join("tests/fixtures");
    let contract = |name: &str| {
        let model = load(&root.join(name)).unwrap();
        let show = |ports: &[Port]| {
            let ports = ports.iter().map(|p| {
                let labels = match p.labels.is_empty() {
                    true => String::new(),
                    false => format!(" {}", p.labels.join("|")),
                };
                format!("{} {} {}{labels}", p.name, p.datatype, Dims(&p.shape))
            });
            ports.collect::<Vec<_>>().join(", ")
        };
        let contract = model.contract();
        format!("{} -> {}", show(&contract.inputs), show(&contract.outputs))
    };
    let expected = [
        (
            "onnx/pipeline-mixed-zipmap-string",
            "age FP32 [-1, 1], fare FP32 [-1, 1], sex BYTES [-1, 1], embarked BYTES [-1, 1] -> output_label BYTES [-1], output_probability FP32 [-1, 2] lost|saved",
        ),
        (
            "onnx/lightgbm-zipmap",
            "X FP32 [-1, 4] -> label INT64 [-1], probabilities FP32 [-1, 3] 0|1|2",
        ),
        (
            "onnx/svc-poly",
            "X FP32 [-1, 4] -> label INT64 [-1], probabilities FP32 [-1, 3]",
        ),
        (
            "torch/two-heads-opset-17",
            "a FP32 [-1, 4], b FP32 [-1, 3] -> scores FP32 [-1, 2], norm FP32 [-1]",
        ),
    ];
    for (name, expected) in expected {
        assert_eq!(contract(name), expected, "{name}");
    }
}

#[test]
fn an_unknown_category_is_the_callers_fault() {
    let model = load(&root().join("tests/fixtures/onnx/onehot-string")).unwrap();
    let given = Tensor::of(vec![1, 2], vec![b"nobody knows".to_vec(), b"this".to_vec()]).unwrap();
    let got = model.infer(vec![given]);
    assert!(matches!(got, Err(InferError::Refused { .. })), "{got:?}");
}

#[test]
fn a_model_comes_from_bytes_too() {
    let file = root().join("examples/quickstart/models/iris/1/model.onnx");
    let model = from_bytes(&std::fs::read(file).unwrap(), None).unwrap();
    let given = Tensor::of(vec![1, 4], vec![5.1f32, 3.5, 1.4, 0.2]).unwrap();
    let out = model.infer(vec![given]).unwrap();
    assert_eq!(out[0], Tensor::vector(vec![0i64]));
    let file = root().join("tests/fixtures/torch/mlp-external/model.onnx");
    let bytes = std::fs::read(&file).unwrap();
    let said = super::text(&from_bytes(&bytes, None).err().unwrap());
    assert!(
        said.contains("embedded model") && said.contains("without a folder"),
        "{said}"
    );
    assert!(from_bytes(&bytes, file.parent()).is_ok());
    let said = super::text(&from_bytes(&bytes[..bytes.len() - 9], None).err().unwrap());
    assert!(said.contains("embedded model"), "{said}");
}

#[test]
fn an_estimate_counts_all_files_and_opens_none() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("model.onnx"), vec![0; 1000]).unwrap();
    let alone = OnnxLoader::default()
        .estimate(&package(dir.path()))
        .unwrap()
        .memory;
    std::fs::write(dir.path().join("weights.bin"), vec![0; 5000]).unwrap();
    let both = OnnxLoader::default()
        .estimate(&package(dir.path()))
        .unwrap()
        .memory;
    assert_eq!(both - alone, 10_000);
}

/// The folders below a folder that hold an ONNX file, in order.
fn models(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(dir) = open.pop() {
        if dir.join("model.onnx").is_file() {
            found.push(dir.clone());
        }
        let entries = std::fs::read_dir(&dir).unwrap().map(|e| e.unwrap().path());
        open.extend(entries.filter(|p| p.is_dir()));
    }
    found.sort();
    found
}

fn run(dir: &Path) -> Result<(), String> {
    let cases = ["cases.json", "golden.json"].map(|name| dir.join(name));
    let cases = cases.iter().find(|p| p.is_file()).ok_or("has no cases")?;
    let cases: Value = serde_json::from_slice(&std::fs::read(cases).unwrap()).unwrap();
    let model = load(dir).map_err(|e| format!("load: {}", super::text(&e)))?;
    for case in cases["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        check(&*model, case).map_err(|what| format!("case '{name}': {what}"))?;
    }
    Ok(())
}

/// Runs a case as it is, and where rows may be joined also with its rows repeated to 8 and 37.
fn check(model: &dyn Model, case: &Value) -> Result<(), String> {
    let contract = model.contract();
    let tolerance = case["tolerance"].as_f64().unwrap();
    let given = tensors(&case["inputs"]);
    let wanted = tensors(&case["outputs"]);
    let order = |names: Vec<&str>| names.join(", ");
    let ours = order(contract.outputs.iter().map(|p| &*p.name).collect());
    let theirs = order(wanted.iter().map(|(n, _)| n.as_str()).collect());
    if ours != theirs {
        return Err(format!("expected outputs {theirs}, got {ours}"));
    }
    let repeats: &[usize] = match contract.batching {
        Batching::FirstAxis { .. } => &[0, 8, 37],
        Batching::None => &[0],
    };
    for &rows in repeats {
        let named = given.iter().map(|(n, t)| (n.as_str(), repeated(t, rows)));
        let inputs = contract.arrange(named).map_err(|e| e.to_string())?;
        let outputs = model
            .infer(inputs)
            .map_err(|e| format!("{rows} rows: {e}"))?;
        contract
            .check_outputs(&outputs)
            .map_err(|e| format!("{rows} rows: {e}"))?;
        for ((name, wanted), got) in wanted.iter().zip(&outputs) {
            compare(&repeated(wanted, rows), got, tolerance)
                .map_err(|what| format!("{rows} rows: output '{name}': {what}"))?;
        }
    }
    Ok(())
}

fn compare(wanted: &Tensor, got: &Tensor, tolerance: f64) -> Result<(), String> {
    if (wanted.shape(), wanted.datatype()) != (got.shape(), got.datatype()) {
        return Err(format!(
            "expected {} {:?}, got {} {:?}",
            wanted.datatype(),
            wanted.shape(),
            got.datatype(),
            got.shape()
        ));
    }
    match (numbers(wanted), numbers(got)) {
        (Some(wanted), Some(got)) => {
            let near =
                |w: f64, g: f64| (w.is_nan() && g.is_nan()) || w == g || (w - g).abs() <= tolerance;
            let differs = wanted.iter().zip(&got).position(|(&w, &g)| !near(w, g));
            differs.map_or(Ok(()), |at| {
                Err(format!(
                    "element {at}: expected {}, got {}",
                    wanted[at], got[at]
                ))
            })
        }
        _ if wanted.values() == got.values() => Ok(()),
        _ => Err(format!(
            "expected {:?}, got {:?}",
            wanted.values(),
            got.values()
        )),
    }
}

/// Floating-point elements as doubles; nothing for whole numbers and text, which must be equal.
fn numbers(tensor: &Tensor) -> Option<Vec<f64>> {
    Some(match tensor.values() {
        Values::Fp16(v) => v.iter().map(|&v| v.into()).collect(),
        Values::Bf16(v) => v.iter().map(|&v| v.into()).collect(),
        Values::Fp32(v) => v.iter().map(|&v| v.into()).collect(),
        Values::Fp64(v) => v.clone(),
        _ => return None,
    })
}

/// The tensor's rows over and over until there are so many; 0 leaves it as it is.
fn repeated(tensor: &Tensor, rows: usize) -> Tensor {
    if rows == 0 {
        return tensor.clone();
    }
    let mut shape = tensor.shape().to_vec();
    let width = tensor.values().len() / shape[0].max(1);
    let count = rows * width;
    shape[0] = rows;
    macro_rules! cycle {
        ($($variant:ident)*) => {
            match tensor.values() {
                $(Values::$variant(v) => Values::$variant(v.iter().cycle().take(count).cloned().collect()),)*
            }
        };
    }
    let values =
        cycle!(Bool Uint8 Uint16 Uint32 Uint64 Int8 Int16 Int32 Int64 Fp16 Bf16 Fp32 Fp64 Bytes);
    Tensor::new(shape, values).unwrap()
}

// === cases ===

fn tensors(list: &Value) -> Vec<(String, Tensor)> {
    let list = list.as_array().unwrap().iter();
    list.map(|t| (t["name"].as_str().unwrap().to_owned(), tensor(t)))
        .collect()
}

fn tensor(json: &Value) -> Tensor {
    let shape = json["shape"].as_array().unwrap().iter();
    let shape = shape.map(|d| d.as_u64().unwrap() as usize).collect();
    let data = json["data"].as_array().unwrap();
    let float = |v: &Value| v.as_f64().unwrap_or(f64::NAN);
    macro_rules! whole {
        ($variant:ident) => {
            Values::$variant(
                data.iter()
                    .map(|v| v.to_string().parse().unwrap())
                    .collect(),
            )
        };
    }
    let values = match json["datatype"]
        .as_str()
        .unwrap()
        .parse::<DataType>()
        .unwrap()
    {
        DataType::Bool => Values::Bool(data.iter().map(|v| v.as_bool().unwrap()).collect()),
        DataType::Uint8 => whole!(Uint8),
        DataType::Uint16 => whole!(Uint16),
        DataType::Uint32 => whole!(Uint32),
        DataType::Uint64 => whole!(Uint64),
        DataType::Int8 => whole!(Int8),
        DataType::Int16 => whole!(Int16),
        DataType::Int32 => whole!(Int32),
        DataType::Int64 => whole!(Int64),
        DataType::Fp16 => Values::Fp16(data.iter().map(|v| f16::from_f64(float(v))).collect()),
        DataType::Bf16 => Values::Bf16(data.iter().map(|v| bf16::from_f64(float(v))).collect()),
        DataType::Fp32 => Values::Fp32(data.iter().map(|v| float(v) as f32).collect()),
        DataType::Fp64 => Values::Fp64(data.iter().map(float).collect()),
        DataType::Bytes => {
            let text = |v: &Value| v.as_str().unwrap().as_bytes().to_vec();
            Values::Bytes(data.iter().map(text).collect())
        }
    };
    Tensor::new(shape, values).unwrap()
}
