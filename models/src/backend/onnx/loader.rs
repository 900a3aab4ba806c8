//! From a version's files, or from bytes, to a model: the walk through the steps of this folder, and the door to
//! the rest of the package.

use std::any::Any;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use tract_onnx::Onnx;
use tract_onnx::pb::ModelProto;

use super::file::{self, Origin};
use super::model::OnnxModel;
use super::plan::{self, Plan};
use super::ports::{Declared, Fact, widen};
use super::probe::{Outcome, probe};
use super::{check, external, labels, ops, ports, rewrite};
use crate::contract::Batching;
use crate::error::{InferError, LoadError};
use crate::loader::{Estimate, Loader, Model};
use crate::package::{Artifact, Package};

/// The engine's name, as `status` shows it.
const ENGINE: &str = "tract";
/// Resident bytes of a model that is all code and no weights, roughly.
const BASE: u64 = 1 << 20;

/// Loads ONNX files through tract.
#[derive(Clone, Copy, Debug, Default)]
pub struct OnnxLoader;

/// Loads a model from memory, as embedded with `include_bytes!`. External data is looked for in `dir` only; without
/// one, a model that keeps data in other files is refused.
///
/// # Errors
/// As [`Loader::load`]; `embedded model` stands for the path.
pub fn from_bytes(bytes: &[u8], dir: Option<&Path>) -> Result<Box<dyn Model>, LoadError> {
    let origin = Origin {
        path: "embedded model".into(),
        dir: dir.map(Path::to_owned),
    };
    let proto = file::parse(&mut &bytes[..], bytes.len() as u64, &origin)?;
    build(proto, &origin)
}

impl Loader for OnnxLoader {
    fn engine(&self) -> &'static str {
        ENGINE
    }

    /// From the sizes of the version's files, without opening them: weights once as they are in the file, and once
    /// more as tract packs them for its kernels.
    fn estimate(&self, package: &Package) -> Result<Estimate, LoadError> {
        let weights = package.fingerprint()?.bytes();
        Ok(Estimate {
            memory: weights.saturating_mul(2).saturating_add(BASE),
        })
    }

    fn load(&self, package: &Package) -> Result<Box<dyn Model>, LoadError> {
        let (proto, origin) = file::open(onnx_file(package)?)?;
        build(proto, &origin)
    }
}

fn onnx_file(package: &Package) -> Result<&Path, LoadError> {
    match &package.artifact {
        Artifact::Onnx(path) => Ok(path),
        other => Err(LoadError::Invalid {
            path: other.path().to_owned(),
            what: "expected an ONNX file, got an artifact of another engine".into(),
        }),
    }
}

/// tract with the operators that it lacks.
fn engine() -> Onnx {
    let mut engine = tract_onnx::onnx();
    // Declarations of inner values are hints, are wrong in some exports, and use the file's names for axes.
    engine.ignore_value_info = true;
    ops::register(&mut engine);
    engine
}

pub(super) fn build(mut proto: ModelProto, origin: &Origin) -> Result<Box<dyn Model>, LoadError> {
    let engine = engine();
    // First, because it explains best: an operator that reads maps is unknown because maps are.
    let inputs = ports::inputs(file::graph(&proto), origin)?;
    check::check(&proto, &engine, origin)?;
    external::resolve(&mut proto, origin)?;
    let mut labels = labels::of_outputs(file::graph(&proto));
    labels.extend(rewrite::zip_maps(file::graph_mut(&mut proto))?);
    let declared = Declared::read(inputs, file::graph(&proto))?;
    rewrite::brain_floats(file::graph_mut(&mut proto));
    rewrite::name_axes(file::graph_mut(&mut proto), &declared.axes);
    let graph = plan::parse(&engine, &proto).map_err(failed)?;
    drop(proto);

    let planned = plan::symbolic(graph.clone(), &declared);
    let why = match planned {
        Ok((plan, facts)) => match tried(plan, &declared, &facts, &labels)? {
            // A model that knows what it refuses is sound; made-up values have to be refused by some.
            (model, None | Some(InferError::Refused { .. })) => return Ok(Box::new(model)),
            // The sizes of made-up inputs may not suit it, so it stands unless the other plan does better.
            (model, Some(error)) => Why::Probe(model, error),
        },
        Err(what) => Why::Plan(what),
    };
    // Some operators need sizes where names stand.
    let facts = plan::partial_facts(&mut graph.clone());
    let second = tried(plan::per_shape(graph), &declared, &facts, &labels);
    match (second, why) {
        (Ok((model, None)), _) => Ok(Box::new(model)),
        (_, Why::Probe(model, error)) => {
            tracing::warn!(path = %origin.path.display(), %error, "the model answered no made-up input");
            Ok(Box::new(model))
        }
        (Ok((model, Some(InferError::Refused { .. }))), Why::Plan(_)) => Ok(Box::new(model)),
        (Ok(_), Why::Plan(what)) => Err(failed(what)),
        (Err(error), Why::Plan(_)) => Err(error),
    }
}

/// Why the plan for all shapes at once is not good enough.
enum Why {
    /// There is none; tract's message.
    Plan(String),
    /// It gave no answer when it was tried.
    Probe(OnnxModel, InferError),
}

/// A model of a plan, tried: its contract is corrected by what was seen. With it the reason why it gave no answer,
/// where it gave none.
fn tried(
    plan: Plan,
    declared: &Declared,
    facts: &[Fact],
    labels: &HashMap<String, Arc<[String]>>,
) -> Result<(OnnxModel, Option<InferError>), LoadError> {
    let contract = declared.contract(facts, labels)?;
    let mut model = OnnxModel::new(contract, plan);
    let error = match probe(&model) {
        Outcome::Fails(error) => Some(error),
        Outcome::Works {
            shapes,
            outputs,
            rows_apart,
        } => {
            model.learn(shapes, |contract| {
                if rows_apart == Some(false) {
                    contract.batching = Batching::None;
                }
                widen(contract, &outputs);
            });
            None
        }
    };
    Ok((model, error))
}

fn failed(what: String) -> LoadError {
    LoadError::Engine {
        engine: ENGINE,
        what,
    }
}

// === messages ===

/// An error and its causes in one line, cut where it is long: tract prints whole nodes into its messages.
pub(super) fn one_line(error: &tract_onnx::prelude::TractError) -> String {
    let causes = error.chain().map(ToString::to_string);
    shorten(&causes.collect::<Vec<_>>().join(": "))
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    shorten(&text.map_or_else(|| "panicked".into(), |t| format!("panicked: {t}")))
}

/// The most characters of an engine's message that are passed on.
const LONGEST: usize = 600;

fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{} …", &line[..at]),
        None => line,
    }
}
