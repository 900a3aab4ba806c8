//! The contract of a file: what it declares of its inputs and outputs, joined with what the engine found out.
//!
//! Where the two differ, the engine's finding stands for shapes (it is what will come out) and the file's word
//! for datatypes. Whether rows are independent is tried by `probe`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tract_onnx::pb::tensor_shape_proto::dimension::Value as Size;
use tract_onnx::pb::type_proto::Value as TypeValue;
use tract_onnx::pb::{GraphProto, TensorShapeProto, ValueInfoProto};

use super::file::Origin;
use super::values::{castable, of_file};
use crate::contract::{Batching, Contract, Dim, Port};
use crate::error::LoadError;
use crate::tensor::{DataType, Tensor};

/// The engine's name for the axis that counts rows.
const ROWS: &str = "rows";

/// What a file says of its ports.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    /// The inputs that are not initializers.
    pub(super) inputs: Vec<Port>,
    outputs: Vec<Output>,
    /// Per input and axis the engine's name for it, where it is free.
    pub(super) axes: Vec<Vec<Option<String>>>,
    /// The file's name for each of the engine's names, where it has one.
    symbols: HashMap<String, Option<Arc<str>>>,
    /// Whether the inputs' first axes are one axis of rows, as far as the file says.
    rows: bool,
}

#[derive(Clone, Debug)]
struct Output {
    name: String,
    datatype: Option<DataType>,
    shape: Option<Vec<Dim>>,
}

/// What the engine found out about an output.
#[derive(Clone, Debug, Default)]
pub(super) struct Fact {
    /// Its datatype, where known.
    pub(super) datatype: Option<DataType>,
    /// Its axes, where their number is known.
    pub(super) shape: Option<Vec<Axis>>,
}

/// What the engine found out about an output's axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    /// Always this many.
    Fixed(usize),
    /// The same as an input's axis, by the engine's name for it.
    Same(String),
    /// It depends on inputs in some other way.
    Varies,
    /// Nothing is known.
    Unknown,
}

// === impl Declared ===

impl Declared {
    /// Reads the outputs of a graph, to the inputs that were read before.
    ///
    /// # Errors
    /// [`LoadError::Unsupported`] where an output is no tensor, or of a datatype that the protocol cannot carry.
    pub(super) fn read(inputs: Vec<Port>, graph: &GraphProto) -> Result<Self, LoadError> {
        let outputs = graph
            .output
            .iter()
            .map(output)
            .collect::<Result<Vec<_>, _>>()?;
        let (axes, symbols, rows) = name(&inputs);
        Ok(Self {
            inputs,
            outputs,
            axes,
            symbols,
            rows,
        })
    }

    /// The number of axes that the file declares for each output, where it does.
    pub(super) fn ranks(&self) -> impl Iterator<Item = Option<usize>> {
        self.outputs.iter().map(|o| o.shape.as_ref().map(Vec::len))
    }

    /// The engine's name for the inputs' axis that the file gives this name.
    pub(super) fn axis_named(&self, own: &str) -> Option<&str> {
        let named = |(_, name): &(&String, &Option<Arc<str>>)| name.as_deref() == Some(own);
        self.symbols
            .iter()
            .find(named)
            .map(|(name, _)| name.as_str())
    }

    /// The contract, from the file's declarations, the engine's facts and the class names of outputs.
    ///
    /// # Errors
    /// [`LoadError::Unsupported`] where neither the file nor the engine knows an output's type or shape.
    pub(super) fn contract(
        &self,
        facts: &[Fact],
        labels: &HashMap<String, Arc<[String]>>,
    ) -> Result<Contract, LoadError> {
        let mut outputs = Vec::with_capacity(self.outputs.len());
        let mut rows = self.rows;
        for (output, fact) in self.outputs.iter().zip(facts) {
            let port = self.output(output, fact, labels)?;
            let first = fact.shape.as_ref().and_then(|axes| axes.first());
            rows &= match first {
                Some(Axis::Same(name)) => name == ROWS,
                Some(Axis::Fixed(_) | Axis::Varies) => false,
                Some(Axis::Unknown) | None => matches!(port.shape.first(), Some(Dim::Free(_))),
            };
            outputs.push(port);
        }
        let batching = match rows {
            true => Batching::FirstAxis { max: None },
            false => Batching::None,
        };
        Ok(Contract {
            inputs: self.inputs.clone(),
            outputs,
            batching,
        })
    }

    fn output(
        &self,
        output: &Output,
        fact: &Fact,
        labels: &HashMap<String, Arc<[String]>>,
    ) -> Result<Port, LoadError> {
        let unknown = |what: &str| {
            LoadError::Unsupported {
            what: format!("neither the file nor the engine knows the {what} of output '{}'", output.name),
            remedy: "declare it when exporting, or run `onnx.shape_inference.infer_shapes` and save again".into(),
        }
        };
        let datatype = match (output.datatype, fact.datatype) {
            (Some(declared), Some(found)) if !castable(found, declared) => found,
            (Some(declared), _) => declared,
            (None, Some(found)) => found,
            (None, None) => return Err(unknown("datatype")),
        };
        let shape = match (&fact.shape, &output.shape) {
            (Some(axes), declared) => {
                let declared = declared.as_ref().filter(|d| d.len() == axes.len());
                let axes = axes.iter().enumerate();
                axes.map(|(i, axis)| self.axis(axis, declared.map(|d| &d[i])))
                    .collect()
            }
            (None, Some(declared)) => declared.clone(),
            (None, None) => return Err(unknown("shape")),
        };
        let mut port = Port::new(&output.name, datatype, shape);
        if let Some(labels) = labels.get(&output.name)
            && port.shape.last() == Some(&Dim::Fixed(labels.len()))
        {
            port.labels = labels.clone();
        }
        Ok(port)
    }

    fn axis(&self, found: &Axis, declared: Option<&Dim>) -> Dim {
        let named = |dim: &&Dim| matches!(dim, Dim::Free(Some(_)));
        match found {
            Axis::Fixed(size) => Dim::Fixed(*size),
            Axis::Same(name) => {
                let own = self.symbols.get(name).cloned().flatten();
                own.map(|own| Dim::Free(Some(own)))
                    .or_else(|| declared.filter(named).cloned())
                    .unwrap_or(Dim::Free(None))
            }
            Axis::Varies => declared.filter(named).cloned().unwrap_or(Dim::Free(None)),
            Axis::Unknown => declared.cloned().unwrap_or(Dim::Free(None)),
        }
    }
}

/// Makes a contract's outputs wide enough for what the model was seen to answer. A declaration that was seen to
/// be wrong says nothing about other inputs either, so an axis that differs becomes free.
pub(super) fn widen(contract: &mut Contract, seen: &[Tensor]) {
    for (port, tensor) in contract.outputs.iter_mut().zip(seen) {
        let shape = tensor.shape();
        if port.shape.len() != shape.len() {
            port.shape = vec![Dim::Free(None); shape.len()];
            port.labels = Arc::default();
        }
        for (dim, &size) in port.shape.iter_mut().zip(shape) {
            if matches!(dim, Dim::Fixed(fixed) if *fixed != size) {
                *dim = Dim::Free(None);
            }
        }
    }
    let free = |port: &Port| matches!(port.shape.first(), Some(Dim::Free(_)));
    if !contract.outputs.iter().all(free) {
        contract.batching = Batching::None;
    }
}

// === reading ===

/// Reads the inputs of a graph that are not initializers.
///
/// # Errors
/// [`LoadError::Unsupported`] where an input is no tensor, or of a datatype or shape that the protocol cannot
/// carry; [`LoadError::Invalid`] where it has no type.
pub(super) fn inputs(graph: &GraphProto, origin: &Origin) -> Result<Vec<Port>, LoadError> {
    let weights: HashSet<&str> = graph.initializer.iter().map(|i| i.name.as_str()).collect();
    let inputs = graph
        .input
        .iter()
        .filter(|i| !weights.contains(i.name.as_str()));
    inputs.map(|i| input(i, origin)).collect()
}

fn input(value: &ValueInfoProto, origin: &Origin) -> Result<Port, LoadError> {
    let name = &value.name;
    let Some(kind) = &value.r#type else {
        return Err(origin.invalid(format!("expected input '{name}' to have a type, got none")));
    };
    let Some(TypeValue::TensorType(tensor)) = &kind.value else {
        return Err(LoadError::Unsupported {
            what: format!("input '{name}' is no tensor but a map, a sequence or an optional value"),
            remedy: "export the model with tensor inputs (for scikit-learn's DictVectorizer: vectorize before the request)".into(),
        });
    };
    let datatype = datatype(name, tensor.elem_type)?;
    let shape = tensor
        .shape
        .as_ref()
        .ok_or_else(|| LoadError::Unsupported {
            what: format!("input '{name}' declares no shape"),
            remedy: "declare its rank when exporting (free axes may be symbolic)".into(),
        })?;
    // A size of 0 is how some exporters write "unknown": nobody serves an input that is always empty.
    let dims = dims(shape).into_iter().map(|dim| match dim {
        Dim::Fixed(0) => Dim::Free(None),
        other => other,
    });
    Ok(Port::new(name, datatype, dims.collect()))
}

fn output(value: &ValueInfoProto) -> Result<Output, LoadError> {
    let name = &value.name;
    let tensor = match &value.r#type {
        None => None,
        Some(kind) => match &kind.value {
            Some(TypeValue::TensorType(tensor)) => Some(tensor),
            None => {
                return Err(LoadError::Unsupported {
                    what: format!("output '{name}' is no tensor but a map, a sequence or an optional value"),
                    remedy: "export with `options={id(model): {'zipmap': False}}` (skl2onnx), or have the model return tensors only (`torch.onnx.export`)".into(),
                });
            }
        },
    };
    let declared = tensor.filter(|t| t.elem_type != 0);
    Ok(Output {
        name: name.clone(),
        datatype: declared.map(|t| datatype(name, t.elem_type)).transpose()?,
        shape: tensor.and_then(|t| t.shape.as_ref()).map(dims),
    })
}

fn datatype(name: &str, elem_type: i32) -> Result<DataType, LoadError> {
    of_file(elem_type).ok_or_else(|| LoadError::Unsupported {
        what: format!("'{name}' has ONNX datatype {elem_type}, which the protocol does not have"),
        remedy: "export with ports of bool, a whole-number type, float16, bfloat16, float32, float64 or string".into(),
    })
}

fn dims(shape: &TensorShapeProto) -> Vec<Dim> {
    let dim = |value: &Option<Size>| match value {
        Some(Size::DimValue(size)) => usize::try_from(*size).map_or(Dim::Free(None), Dim::Fixed),
        Some(Size::DimParam(name)) => Dim::Free(symbol(name)),
        None => Dim::Free(None),
    };
    shape.dim.iter().map(|d| dim(&d.value)).collect()
}

/// A name that somebody chose; exporters that have none write `?` or number the unknown.
fn symbol(name: &str) -> Option<Arc<str>> {
    let chosen = !name.is_empty() && name != "?" && !name.starts_with("unk__");
    chosen.then(|| name.into())
}

type Named = (
    Vec<Vec<Option<String>>>,
    HashMap<String, Option<Arc<str>>>,
    bool,
);

/// Names the free axes of the inputs for the engine. First axes that are all free and not told apart by name are
/// one axis: the rows.
fn name(inputs: &[Port]) -> Named {
    let first = |port: &Port| port.shape.first().cloned();
    let free = inputs
        .iter()
        .all(|p| matches!(first(p), Some(Dim::Free(_))));
    let named: HashSet<Arc<str>> = inputs
        .iter()
        .filter_map(|port| match first(port) {
            Some(Dim::Free(name)) => name,
            _ => None,
        })
        .collect();
    let rows = !inputs.is_empty() && free && named.len() <= 1;
    let mut known: HashMap<Arc<str>, String> = HashMap::new();
    let mut symbols = HashMap::new();
    if rows {
        let own = named.into_iter().next();
        if let Some(own) = &own {
            known.insert(own.clone(), ROWS.into());
        }
        symbols.insert(ROWS.to_owned(), own);
    }
    let mut axes = Vec::with_capacity(inputs.len());
    for port in inputs {
        let mut names = Vec::with_capacity(port.shape.len());
        for (at, dim) in port.shape.iter().enumerate() {
            let Dim::Free(own) = dim else {
                names.push(None);
                continue;
            };
            if rows && at == 0 {
                names.push(Some(ROWS.to_owned()));
                continue;
            }
            let next = format!("axis_{}", symbols.len());
            let name = match own {
                Some(own) => known.entry(own.clone()).or_insert(next).clone(),
                None => next,
            };
            symbols.entry(name.clone()).or_insert_with(|| own.clone());
            names.push(Some(name));
        }
        axes.push(names);
    }
    (axes, symbols, rows)
}
