//! From a version's files, or from bytes, to a model: the walk through the steps of this folder, and the door to
//! the rest of the package.

use std::any::Any;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use tract_onnx::Onnx;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::InferenceModel;

use super::file::{self, Origin};
use super::model::{Engine, OnnxModel};
use super::plan::{self, Plan};
use super::ports::{Declared, Fact, widen};
use super::probe::{Outcome, probe};
#[cfg(feature = "onnxruntime")]
use super::runtime::{self, Runtime};
use super::{check, distances, external, labels, ops, ports, rewrite};
use crate::backend::Engines;
#[cfg(not(feature = "onnxruntime"))]
use crate::backend::Use;
use crate::contract::Batching;
use crate::error::{InferError, LoadError};
use crate::loader::{Estimate, Loader, Model};
use crate::package::{Artifact, EngineChoice, Package};

/// The engine's name, as `status` shows it.
pub(super) const ENGINE: &str = "tract";
/// Resident bytes of a model that is all code and no weights, roughly.
const BASE: u64 = 1 << 20;

/// The operators that make a file a network, for the choice of its engine.
#[cfg(feature = "onnxruntime")]
const NETWORK: [&str; 13] = [
    "Attention",
    "Conv",
    "ConvInteger",
    "ConvTranspose",
    "Einsum",
    "GRU",
    "Gemm",
    "LSTM",
    "MatMul",
    "MatMulInteger",
    "QLinearConv",
    "QLinearMatMul",
    "RNN",
];

/// Loads ONNX files: through ONNX Runtime where it has one, through tract else.
#[derive(Clone, Default)]
pub struct OnnxLoader {
    #[cfg(feature = "onnxruntime")]
    runtime: Option<Runtime>,
}

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
    Ok(Box::new(built_in(bytes, &origin)?))
}

impl Loader for OnnxLoader {
    fn engine(&self) -> &'static str {
        ENGINE
    }

    /// From the sizes of the version's files, without opening them: weights once as they are in the file, and once
    /// more as tract packs them for its kernels, or for each instance that ONNX Runtime may run.
    fn estimate(&self, package: &Package) -> Result<Estimate, LoadError> {
        let weights = package.fingerprint()?.bytes();
        let packed = match self.may_copy(package) {
            true => package.manifest.limits.instances.get() as u64,
            false => 1,
        };
        let copies = packed.saturating_add(1);
        Ok(Estimate {
            memory: weights.saturating_mul(copies).saturating_add(BASE),
        })
    }

    fn load(&self, package: &Package) -> Result<Box<dyn Model>, LoadError> {
        let (bytes, origin) = file::read(onnx_file(package)?)?;
        Ok(Box::new(self.choose(package, bytes, &origin)?))
    }
}

impl OnnxLoader {
    /// A loader with the engines that are wanted and found. What came of the search is logged.
    ///
    /// # Errors
    /// [`LoadError::Unsupported`] where an engine is required that this build or this machine does not have.
    pub fn find(engines: &Engines) -> Result<Self, LoadError> {
        #[cfg(feature = "onnxruntime")]
        let found = runtime::find(engines).map(|runtime| Self { runtime });
        #[cfg(not(feature = "onnxruntime"))]
        let found = match engines.onnxruntime {
            Use::Auto | Use::Off => Ok(Self::default()),
            Use::Require => Err(LoadError::Unsupported {
                what: "engines.onnxruntime is \"require\", but this build has no ONNX Runtime"
                    .into(),
                remedy: "build with the feature 'onnxruntime'".into(),
            }),
        };
        found
    }

    /// Whether each instance of a version may hold its own weights.
    fn may_copy(&self, package: &Package) -> bool {
        #[cfg(feature = "onnxruntime")]
        let there = self.runtime.is_some();
        #[cfg(not(feature = "onnxruntime"))]
        let there = false;
        there && package.manifest.onnx.engine != EngineChoice::Tract
    }

    #[cfg(not(feature = "onnxruntime"))]
    fn choose(
        &self,
        package: &Package,
        bytes: Vec<u8>,
        origin: &Origin,
    ) -> Result<OnnxModel, LoadError> {
        match package.manifest.onnx.engine {
            EngineChoice::Auto | EngineChoice::Tract => built_in(&bytes, origin),
            EngineChoice::OnnxRuntime => Err(absent()),
        }
    }

    /// Builds the model with the engine that the manifest names, or with the one that suits the file.
    #[cfg(feature = "onnxruntime")]
    fn choose(
        &self,
        package: &Package,
        bytes: Vec<u8>,
        origin: &Origin,
    ) -> Result<OnnxModel, LoadError> {
        let options = package.manifest.onnx;
        let instances = package.manifest.limits.instances;
        match (options.engine, &self.runtime) {
            (EngineChoice::Tract, _) | (EngineChoice::Auto, None) => built_in(&bytes, origin),
            (EngineChoice::OnnxRuntime, None) => Err(absent()),
            (EngineChoice::OnnxRuntime, Some(runtime)) => {
                runtime::build(runtime, options, instances, bytes, origin)
            }
            (EngineChoice::Auto, Some(runtime)) => {
                let with_runtime =
                    || runtime::build(runtime, options, instances, bytes.clone(), origin);
                match suits_built_in(&bytes, origin)? {
                    true => first(
                        || built_in(&bytes, origin),
                        with_runtime,
                        "ONNX Runtime runs it, because the built-in engine cannot",
                        origin,
                    ),
                    false => first(
                        with_runtime,
                        || built_in(&bytes, origin),
                        "the built-in engine runs it, because ONNX Runtime cannot",
                        origin,
                    ),
                }
            }
        }
    }
}

/// Whether the built-in engine is the better one for a file: where operators of `ai.onnx.ml` are in it and no network
/// is. Trees, linear models, scalers, categories and text are our own operators, which take half of ONNX Runtime's
/// time for one row and about as much for 64 (`benches/trees.rs`); networks are ONNX Runtime's strength.
#[cfg(feature = "onnxruntime")]
fn suits_built_in(bytes: &[u8], origin: &Origin) -> Result<bool, LoadError> {
    let proto = file::decode(&mut &bytes[..], bytes.len() as u64, origin)?;
    file::sound(&proto, origin)?;
    let (mut tables, mut network) = (false, false);
    check::each_node(file::graph(&proto), &mut |node| {
        tables |= node.domain == "ai.onnx.ml";
        network |= NETWORK.contains(&node.op_type.as_str());
    });
    Ok(tables && !network)
}

/// A model of the engine that suits it, else of the other, with a warning that says why.
#[cfg(feature = "onnxruntime")]
fn first(
    suits: impl FnOnce() -> Result<OnnxModel, LoadError>,
    other: impl FnOnce() -> Result<OnnxModel, LoadError>,
    because: &str,
    origin: &Origin,
) -> Result<OnnxModel, LoadError> {
    let error = match suits() {
        Ok(model) => return Ok(model),
        Err(error) => error,
    };
    let said = causes(&error);
    let mut model = other().map_err(|error| also(error, &said))?;
    model.warn(format!("{}: {because}: {said}", origin.path.display()));
    Ok(model)
}

fn absent() -> LoadError {
    LoadError::Unsupported {
        what: "model.toml says engine = \"onnxruntime\", but ONNX Runtime is switched off or was not found at start"
            .into(),
        remedy: "`pip install onnxruntime`, or name its shared library by the variable ORT_DYLIB_PATH or the setting \
                 engines.onnxruntime_library, and start again; or say engine = \"auto\""
            .into(),
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
pub(super) fn engine() -> Onnx {
    let mut engine = tract_onnx::onnx();
    // Declarations of inner values are hints, are wrong in some exports, and use the file's names for axes.
    engine.ignore_value_info = true;
    ops::register(&mut engine);
    engine
}

/// Builds a model of a file's bytes with the built-in engine.
fn built_in(bytes: &[u8], origin: &Origin) -> Result<OnnxModel, LoadError> {
    let proto = file::parse(&mut &bytes[..], bytes.len() as u64, origin)?;
    build(proto, origin)
}

pub(super) fn build(mut proto: ModelProto, origin: &Origin) -> Result<OnnxModel, LoadError> {
    let engine = engine();
    // First, because it explains best: an operator that reads maps is unknown because maps are.
    let inputs = ports::inputs(file::graph(&proto), origin)?;
    check::check(&proto, Some(&engine), origin)?;
    external::resolve(&mut proto, origin)?;
    let mut labels = labels::of_outputs(file::graph(&proto));
    labels.extend(rewrite::zip_maps(file::graph_mut(&mut proto))?);
    let declared = Declared::read(inputs, file::graph(&proto))?;
    rewrite::brain_floats(file::graph_mut(&mut proto));
    rewrite::name_axes(file::graph_mut(&mut proto), &declared.axes);
    let (graph, planned) = planned(&engine, &mut proto, &declared).map_err(failed)?;
    drop(proto);

    let why = match planned {
        Ok((plan, facts)) => match tried(Engine::Tract(plan), &declared, &facts, &labels)? {
            // A model that knows what it refuses is sound; made-up values have to be refused by some.
            (model, None | Some(InferError::Refused { .. })) => return Ok(model),
            // The sizes of made-up inputs may not suit it, so it stands unless the other plan does better.
            (model, Some(error)) => Why::Probe(Box::new(model), error),
        },
        Err(what) => Why::Plan(what),
    };
    // Some operators need sizes where names stand.
    let facts = plan::partial_facts(&mut graph.clone());
    let second = tried(
        Engine::Tract(plan::per_shape(graph)),
        &declared,
        &facts,
        &labels,
    );
    match (second, why) {
        (Ok((model, None)), _) => Ok(model),
        (_, Why::Probe(model, error)) => {
            tracing::warn!(path = %origin.path.display(), %error, "the model answered no made-up input");
            Ok(*model)
        }
        (Ok((model, Some(InferError::Refused { .. }))), Why::Plan(_)) => Ok(model),
        (Ok(_), Why::Plan(what)) => Err(failed(what)),
        (Err(error), Why::Plan(_)) => Err(error),
    }
}

/// A file's graph, and the plan for all shapes at once, where there is one.
pub(super) type Planned = (InferenceModel, Result<(Plan, Vec<Fact>), String>);

/// Reads a file whose types and axes are made ready, with CDist for the loops that it may stand for.
///
/// # Errors
/// tract's message where it cannot read the graph.
pub(super) fn planned(
    engine: &Onnx,
    proto: &mut ModelProto,
    declared: &Declared,
) -> Result<Planned, String> {
    let read = |proto: &ModelProto| -> Result<Planned, String> {
        let graph = plan::parse(engine, proto)?;
        let planned = plan::symbolic(graph.clone(), declared);
        Ok((graph, planned))
    };
    let loops = distances::whole(file::graph_mut(proto));
    let first = read(proto);
    if loops.is_empty() || matches!(first, Ok((_, Ok(_)))) {
        return first;
    }
    drop(first);
    loops.put_back(file::graph_mut(proto));
    read(proto)
}

/// Why the plan for all shapes at once is not good enough.
enum Why {
    /// There is none; tract's message.
    Plan(String),
    /// It gave no answer when it was tried.
    Probe(Box<OnnxModel>, InferError),
}

/// A model, tried: its contract is corrected by what was seen. With it the reason why it gave no answer,
/// where it gave none.
pub(super) fn tried(
    engine: Engine,
    declared: &Declared,
    facts: &[Fact],
    labels: &HashMap<String, Arc<[String]>>,
) -> Result<(OnnxModel, Option<InferError>), LoadError> {
    let contract = declared.contract(facts, labels)?;
    let mut model = OnnxModel::new(contract, engine);
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

/// An error of loading with its causes, in one line.
#[cfg(feature = "onnxruntime")]
fn causes(error: &LoadError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    shorten(&text)
}

/// The second engine's error, with what the first said, where neither can run the file.
#[cfg(feature = "onnxruntime")]
fn also(error: LoadError, said: &str) -> LoadError {
    match error {
        LoadError::Unsupported { what, remedy } => LoadError::Unsupported {
            what: format!("{what}, and the other engine cannot run it either ({said})"),
            remedy,
        },
        LoadError::Engine { engine, what } => LoadError::Engine {
            engine,
            what: format!("{what}; {said}"),
        },
        other => other,
    }
}

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

pub(super) fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{} …", &line[..at]),
        None => line,
    }
}
