//! Runs every example of `tests/fixtures/onnx-spec` through the engine with our operators, and keeps the list
//! of those that cannot run.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tract_onnx::tract_hir::internal::*;

use super::tensors::{cast, slice, tensor};

mod refused;

/// Examples that do not pass, and why.
const KEPT: &[(&str, &str)] = &[
    (
        "zipmap-int64",
        "maps are rewritten to tensors before the engine sees them",
    ),
    (
        "zipmap-string",
        "maps are rewritten to tensors before the engine sees them",
    ),
];

#[test]
fn the_specifications_examples_pass() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    let listed = std::fs::read_dir(fixtures.join("onnx-spec")).expect("fixtures are there");
    let folders = listed.map(|entry| entry.expect("a folder's entry").path());
    let mut folders: Vec<PathBuf> = folders.collect();
    folders.sort();
    assert!(folders.len() > 100, "only {} examples", folders.len());
    let mut wrong = Vec::new();
    for (name, _) in KEPT {
        if !fixtures.join("onnx-spec").join(name).is_dir() {
            wrong.push(format!("{name}: is listed, but not there"));
        }
    }
    for folder in &folders {
        let name = folder
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let kept = KEPT.iter().find(|(kept, _)| *kept == name);
        let failure = std::panic::catch_unwind(|| run(folder))
            .unwrap_or_else(|_| Err(format_err!("panicked")))
            .err();
        match (failure, kept) {
            (Some(failure), None) => wrong.push(format!("{name}: {failure:#}")),
            (None, Some((_, why))) => {
                wrong.push(format!("{name}: passes, though it is listed ({why})"))
            }
            _ => {}
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} wrong:\n{}",
        wrong.len(),
        folders.len(),
        wrong.join("\n")
    );
}

/// Runs all cases of one example; the shapes that its file leaves open are symbols.
fn run(folder: &Path) -> TractResult<()> {
    let model = load(&folder.join("model.onnx"))?;
    let text = std::fs::read_to_string(folder.join("cases.json"))?;
    let cases: Value = serde_json::from_str(&text)?;
    let cases = cases["cases"].as_array().context("cases")?;
    ensure!(!cases.is_empty(), "no cases");
    for case in cases {
        let name = &case["name"];
        let inputs = case["inputs"].as_array().context("inputs")?;
        let inputs = inputs
            .iter()
            .map(|t| Ok(read(t)?.into_tvalue()))
            .collect::<TractResult<_>>()?;
        let got = model.run(inputs).with_context(|| format!("case {name}"))?;
        let expected = case["outputs"].as_array().context("outputs")?;
        ensure!(
            got.len() == expected.len(),
            "{} outputs for {}",
            got.len(),
            expected.len()
        );
        for (got, expected) in got.iter().zip(expected) {
            let tolerance = case["tolerance"].as_f64().unwrap_or(1e-5);
            compare(got, &read(expected)?, tolerance)
                .with_context(|| format!("case {name}, output {}", expected["name"]))?;
        }
    }
    Ok(())
}

fn load(path: &Path) -> TractResult<Arc<TypedRunnableModel>> {
    let mut onnx = tract_onnx::onnx();
    super::register(&mut onnx);
    let mut model = onnx.model_for_path(path)?;
    for (i, outlet) in model.input_outlets()?.to_vec().into_iter().enumerate() {
        let mut fact = model.outlet_fact(outlet)?.clone();
        let open = fact.shape.dims().map(|dim| dim.concretize().is_none());
        let open: Vec<bool> = open.collect();
        for axis in (0..open.len()).filter(|&axis| open[axis]) {
            let symbol = model.symbols.sym(&if axis == 0 {
                "N".into()
            } else {
                format!("D{i}_{axis}")
            });
            fact.shape.set_dim(axis, symbol.into());
        }
        model.set_outlet_fact(outlet, fact)?;
    }
    model.into_optimized()?.into_runnable()
}

/// A tensor in the protocol's form; null is NaN.
fn read(given: &Value) -> TractResult<Tensor> {
    let shape: Vec<usize> = serde_json::from_value(given["shape"].clone())?;
    let data = given["data"].as_array().context("data")?;
    let datatype = given["datatype"].as_str().context("datatype")?;
    if datatype == "BYTES" {
        return tensor(
            &shape,
            data.iter()
                .map(|v| v.as_str().unwrap_or_default().to_string())
                .collect(),
        );
    }
    if datatype == "BOOL" {
        return tensor(
            &shape,
            data.iter().map(|v| v == &Value::Bool(true)).collect(),
        );
    }
    let to = match datatype {
        "INT8" => DatumType::I8,
        "INT16" => DatumType::I16,
        "INT32" => DatumType::I32,
        "INT64" => {
            return tensor(
                &shape,
                data.iter()
                    .map(|v| v.as_i64().unwrap_or_default())
                    .collect(),
            );
        }
        "UINT8" => DatumType::U8,
        "UINT16" => DatumType::U16,
        "UINT32" => DatumType::U32,
        "UINT64" => DatumType::U64,
        "FP32" => DatumType::F32,
        "FP64" => DatumType::F64,
        other => bail!("datatype {other}"),
    };
    let numbers: Vec<f64> = data
        .iter()
        .map(|v| v.as_f64().unwrap_or(f64::NAN))
        .collect();
    Ok(tensor(&shape, numbers)?.cast_to_dt(to)?.into_owned())
}

fn compare(got: &Tensor, expected: &Tensor, tolerance: f64) -> TractResult<()> {
    ensure!(
        got.shape() == expected.shape(),
        "shape {:?}, expected {:?}",
        got.shape(),
        expected.shape()
    );
    let whole = got.datum_type() == DatumType::TDim && expected.datum_type() == DatumType::I64;
    ensure!(
        whole || got.datum_type().unquantized() == expected.datum_type(),
        "{:?}, expected {:?}",
        got.datum_type(),
        expected.datum_type()
    );
    if expected.datum_type() == DatumType::String {
        let (got, expected) = (slice::<String>(got)?, slice::<String>(expected)?);
        ensure!(got == expected, "{got:?}, expected {expected:?}");
        return Ok(());
    }
    let (got, expected) = (cast::<f64>(got)?, cast::<f64>(expected)?);
    let near =
        |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance;
    ensure!(
        got.iter().zip(&*expected).all(near),
        "{got:?}, expected {expected:?}"
    );
    Ok(())
}
