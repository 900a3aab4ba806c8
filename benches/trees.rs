//! Times what tabular users serve: trees, linear models, scalers, text and categories, on the built-in engine and on
//! ONNX Runtime, 1, 8 and 64 rows a call, in microseconds.
//!
//! Two large ensembles are made here from a seed; the others are the fixtures, as scikit-learn, XGBoost and LightGBM
//! export them, with their own examples as rows. ONNX Runtime is timed where its library is found. Arguments are
//! parts of the names of models to time; without any, all are.

#[path = "trees/ensembles.rs"]
mod ensembles;
#[path = "load/models/onnx.rs"]
#[allow(dead_code, reason = "shared with the load bench")]
mod onnx;
#[allow(dead_code, reason = "shared with the bench of engines")]
mod side;

use std::error::Error;
use std::fs;
use std::path::Path;

use impresario::models::golden::Golden;
use impresario::models::{Contract, Tensor};
use side::{BATCHES, Bench, repeated, time};

/// The fixtures that are timed.
const FIXTURES: [&str; 21] = [
    "onnx/random-forest",
    "onnx/random-forest-regressor",
    "onnx/gradient-boosting",
    "onnx/hist-gradient-boosting",
    "onnx/xgboost-classifier",
    "onnx/lightgbm-classifier",
    "onnx/logistic-scores",
    "onnx/linear-regression",
    "onnx/standard-scaler",
    "onnx/normalizer-l2",
    "onnx/svc-poly",
    "onnx/svr",
    "onnx/onehot-string",
    "onnx/label-encoder-string",
    "onnx/imputer-mean",
    "onnx/tfidf-vectorizer",
    "onnx/count-vectorizer",
    "onnx/pipeline-mixed-logistic",
    "onnx/knn-classifier",
    "onnx/gaussian-nb",
    "onnx/binarizer",
];

const ENGINES: [&str; 2] = ["tract", "onnxruntime"];

fn main() -> Result<(), Box<dyn Error>> {
    let bench = Bench::new()?;
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    println!("| model | rows | tract | onnxruntime | tract / onnxruntime |");
    println!("|---|---:|---:|---:|---:|");
    for (name, file) in ensembles::all() {
        let row = ensembles::row();
        compare(&bench, &asked, name, &file, |_| Some(vec![row.clone()]))?;
    }
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for name in FIXTURES {
        let folder = fixtures.join(name);
        let file =
            fs::read(folder.join("model.onnx")).map_err(|error| format!("{name}: {error}"))?;
        let examples = Golden::parse(&fs::read_to_string(folder.join("cases.json"))?)?;
        compare(&bench, &asked, name, &file, |contract| {
            examples.inputs(contract)
        })?;
    }
    Ok(())
}

/// Times one model on both engines and prints its lines.
fn compare(
    bench: &Bench,
    asked: &[String],
    name: &str,
    file: &[u8],
    rows: impl Fn(&Contract) -> Option<Vec<Tensor>>,
) -> Result<(), Box<dyn Error>> {
    if !asked.is_empty() && !asked.iter().any(|part| name.contains(part.as_str())) {
        return Ok(());
    }
    let mut times = [[None; BATCHES.len()]; ENGINES.len()];
    for (engine, times) in ENGINES.iter().zip(&mut times) {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let model = format!("{}{engine}", name.chars().map(plain).collect::<String>());
        let manifest = format!("version = 1\n[onnx]\nengine = \"{engine}\"\n");
        bench.write(&model, file, &manifest)?;
        let model = match bench.load(&model) {
            Ok(model) => model,
            Err(error) => {
                eprintln!("{name}: {engine} is not timed: {error}");
                continue;
            }
        };
        let one = rows(model.contract()).ok_or("the example does not fit")?;
        for (rows, slot) in BATCHES.iter().zip(times) {
            let inputs: Vec<Tensor> = one.iter().map(|t| repeated(t, *rows)).collect();
            *slot = Some(time(&*model, &inputs)?);
        }
    }
    let [tract, runtime] = times;
    let show = |time: Option<f64>| time.map_or("-".to_owned(), |time| format!("{time:.1}"));
    for (at, rows) in BATCHES.iter().enumerate() {
        let ratio = tract[at]
            .zip(runtime[at])
            .map(|(a, b)| format!("{:.2}", a / b));
        println!(
            "| {name} | {rows} | {} | {} | {} |",
            show(tract[at]),
            show(runtime[at]),
            ratio.unwrap_or_default()
        );
    }
    Ok(())
}
