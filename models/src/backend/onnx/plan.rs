//! Plans: what tract makes of a graph to run it, for every shape at once where it can reason with names for free
//! axes, else for each combination of shapes that comes.
//!
//! A plan is immutable and shared; each computation has its own state.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use tract_onnx::Onnx;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::{
    InferenceFact, InferenceModel, InferenceModelExt, IntoRunnable, TValue, TypedModel,
    TypedRunnableModel,
};
use tract_onnx::tract_hir::infer::ShapeFactoid;
use tract_onnx::tract_hir::internal::{DimLike, Factoid, TDim, TVec, TractResult, bail};
use tract_onnx::tract_hir::tract_core::ops::array::Gather;
use tract_onnx::tract_hir::tract_core::plan::eval;

use super::loader::{one_line, panic_text};
use super::ports::{Axis, Declared, Fact};
use super::simplify;
use super::values::of_tract;
use crate::error::InferError;

/// How many combinations of shapes have their plan kept, where each needs its own.
const KEPT: usize = 16;
/// Steps that fail on values rather than by fault of the model: a row that a table does not have, a category that
/// nobody knows, text that is no number.
pub(super) const LOOKUPS: [&str; 20] = [
    "ArrayFeatureExtractor",
    "Cast",
    "CategoryMapper",
    "Compress",
    "Gather",
    "GatherElements",
    "GatherNd",
    "GatherND",
    "LabelEncoder",
    "OneHot",
    "OneHotEncoder",
    "RegexFullMatch",
    "ScatterElements",
    "ScatterNd",
    "ScatterND",
    "StringConcat",
    "StringNormalizer",
    "StringSplit",
    "TfIdfVectorizer",
    "Tokenizer",
];

type Shapes = Vec<Vec<usize>>;

/// What runs.
pub(super) enum Plan {
    /// One plan for all shapes.
    Symbolic(Arc<TypedRunnableModel>),
    /// A plan for each combination of shapes, made when it first comes.
    PerShape {
        /// The graph before its shapes are fixed.
        graph: Box<InferenceModel>,
        /// The plans used last, newest at the end.
        made: Mutex<Vec<(Shapes, Arc<TypedRunnableModel>)>>,
    },
}

/// Why a computation failed: at which step, and whether a caller's values can be the reason.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// The step looks values up, and these were not there.
    Values(String),
    /// The operator says itself what is wrong with the inputs.
    Own(InferError),
    /// Any other.
    Other(String),
}

/// Reads a checked and rewritten file as tract's graph.
///
/// # Errors
/// tract's message.
pub(super) fn parse(engine: &Onnx, proto: &ModelProto) -> Result<InferenceModel, String> {
    contained(|| {
        let parsed = engine.parse(proto, None).map_err(|e| one_line(&e))?;
        if parsed.unresolved_inputs.is_empty() {
            Ok(parsed.model)
        } else {
            Err(format!(
                "nobody makes the values {:?}",
                parsed.unresolved_inputs
            ))
        }
    })
}

/// Plans a graph for all shapes at once, and says what is known of its outputs.
///
/// # Errors
/// tract's message.
pub(super) fn symbolic(
    graph: InferenceModel,
    declared: &Declared,
) -> Result<(Plan, Vec<Fact>), String> {
    contained(|| {
        let typed = simplify::optimized(graph).map_err(|e| one_line(&e))?;
        let facts = facts(&typed, declared)?;
        let plan = typed.into_runnable().map_err(|e| one_line(&e))?;
        Ok((Plan::Symbolic(plan), facts))
    })
}

/// Plans a graph for each combination of shapes when it comes. Only datatypes are known of its outputs.
pub(super) fn per_shape(graph: InferenceModel) -> Plan {
    Plan::PerShape {
        graph: Box::new(graph),
        made: Mutex::default(),
    }
}

// === impl Plan ===

impl Plan {
    /// Computes the outputs. A panic inside the engine is a failure like any other: the state it leaves behind is
    /// dropped, and plans do not change.
    ///
    /// # Errors
    /// [`Failure`] with the step's name and the engine's message.
    pub(super) fn run(&self, inputs: TVec<TValue>) -> Result<TVec<TValue>, Failure> {
        let plan = self.plan(&inputs).map_err(Failure::Other)?;
        let at = Cell::new(None);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            plan.spawn()?
                .run_plan_with_eval(inputs, |context, state, node, values| {
                    at.set(Some(node.id));
                    if let Some(gather) = node.op.downcast_ref::<Gather>() {
                        in_range(gather, &values)?;
                    }
                    eval(context, state, node, values)
                })
        }));
        let what = match outcome {
            Ok(Ok(outputs)) => return Ok(outputs),
            Ok(Err(error)) => {
                if let Some(own) = error.chain().find_map(|e| e.downcast_ref::<InferError>()) {
                    return Err(Failure::Own(own.clone()));
                }
                one_line(&error)
            }
            Err(panic) => panic_text(&*panic),
        };
        let Some(node) = at.get().map(|id| plan.model().node(id)) else {
            return Err(Failure::Other(what));
        };
        let op = node.op.name();
        let what = format!("step '{}' ({op}): {what}", node.name);
        Err(match LOOKUPS.contains(&&*op) {
            true => Failure::Values(what),
            false => Failure::Other(what),
        })
    }

    fn plan(&self, inputs: &[TValue]) -> Result<Arc<TypedRunnableModel>, String> {
        let (graph, made) = match self {
            Self::Symbolic(plan) => return Ok(plan.clone()),
            Self::PerShape { graph, made } => (graph, made),
        };
        let shapes: Shapes = inputs.iter().map(|t| t.shape().to_vec()).collect();
        {
            let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = made.iter().position(|(s, _)| *s == shapes) {
                let kept = made.remove(at);
                let plan = kept.1.clone();
                made.push(kept);
                return Ok(plan);
            }
        }
        // Made outside the lock: other shapes go on meanwhile, and two callers with the same new shape do it twice.
        let plan = contained(|| {
            let mut graph = InferenceModel::clone(graph);
            for (at, input) in inputs.iter().enumerate() {
                let fact = InferenceFact::dt_shape(input.datum_type(), input.shape());
                graph.set_input_fact(at, fact).map_err(|e| one_line(&e))?;
            }
            let typed = simplify::optimized(graph).map_err(|e| one_line(&e))?;
            typed.into_runnable().map_err(|e| one_line(&e))
        })?;
        let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.len() >= KEPT {
            made.remove(0);
        }
        made.push((shapes, plan.clone()));
        Ok(plan)
    }
}

/// Whether a table has all rows that are asked for. tract panics where it does not, and the panic's report would be
/// written for every such request.
fn in_range(gather: &Gather, values: &[TValue]) -> TractResult<()> {
    let [table, rows] = values else {
        return Ok(());
    };
    let Some(&count) = table.shape().get(gather.axis) else {
        return Ok(());
    };
    let count = i64::try_from(count)?;
    let rows = rows.cast_to::<i64>()?;
    for &row in rows.try_as_plain_ram()?.as_slice::<i64>()? {
        if !(-count..count).contains(&row) {
            bail!(
                "expected an index from {} to {}, got {row}",
                -count,
                count - 1
            );
        }
    }
    Ok(())
}

/// Runs what may panic on odd files.
fn contained<T>(f: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| Err(panic_text(&*panic)))
}

fn facts(model: &TypedModel, declared: &Declared) -> Result<Vec<Fact>, String> {
    let names = declared.axes.iter().flatten().flatten();
    let symbols: Vec<(TDim, &String)> = names
        .map(|name| (model.symbols.sym(name).into(), name))
        .collect();
    let axis = |dim: &TDim| match dim.to_i64() {
        Ok(size) => usize::try_from(size).map_or(Axis::Unknown, Axis::Fixed),
        Err(_) => {
            let same = symbols.iter().find(|(symbol, _)| symbol == dim);
            same.map_or(Axis::Varies, |(_, name)| Axis::Same((*name).clone()))
        }
    };
    let count = model.output_outlets().map_err(|e| one_line(&e))?.len();
    let fact = |at| {
        let fact = model.output_fact(at).map_err(|e| one_line(&e))?;
        Ok(Fact {
            datatype: of_tract(fact.datum_type),
            shape: Some(fact.shape.iter().map(axis).collect()),
        })
    };
    (0..count).map(fact).collect()
}

/// What tract's analysis knows of the outputs of a graph that it could not plan for all shapes.
pub(super) fn partial_facts(graph: &mut InferenceModel) -> Vec<Fact> {
    let analysed = contained(|| graph.analyse(true).map_err(|e| one_line(&e)));
    let count = graph.output_outlets().map_or(0, <[_]>::len);
    let fact = |at| {
        let Ok(fact) = graph.output_fact(at) else {
            return Fact::default();
        };
        let shape = |shape: &ShapeFactoid| {
            let axes = shape.dims().map(|dim| {
                let size = dim.concretize().and_then(|d| d.to_usize().ok());
                size.map_or(Axis::Unknown, Axis::Fixed)
            });
            (!shape.is_open()).then(|| axes.collect())
        };
        Fact {
            datatype: fact.datum_type.concretize().and_then(of_tract),
            shape: analysed.is_ok().then(|| shape(&fact.shape)).flatten(),
        }
    };
    (0..count).map(fact).collect()
}
