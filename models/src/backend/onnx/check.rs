//! What must hold of a graph before the engine sees it: its values are wired, its operators exist, its tensors
//! hold what they claim.
//!
//! The engine trusts files in places (it panics on an output that nobody makes, and looks operators up without
//! their domain), so this is checked first, with messages that name node and remedy. What an operator's inputs
//! must look like is left to the engine.

use std::collections::{BTreeMap, HashMap, HashSet};

use tract_onnx::Onnx;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};

use super::external::is_external;
use super::file::{Origin, graph};
use super::values::of_file;
use crate::error::LoadError;
use crate::tensor::{DataType, element_count};

/// The operators of domain `ai.onnx.ml` (ONNX, "Operators-ml").
const ML: [&str; 19] = [
    "ArrayFeatureExtractor",
    "Binarizer",
    "CastMap",
    "CategoryMapper",
    "DictVectorizer",
    "FeatureVectorizer",
    "Imputer",
    "LabelEncoder",
    "LinearClassifier",
    "LinearRegressor",
    "Normalizer",
    "OneHotEncoder",
    "SVMClassifier",
    "SVMRegressor",
    "Scaler",
    "TreeEnsemble",
    "TreeEnsembleClassifier",
    "TreeEnsembleRegressor",
    "ZipMap",
];
/// Operators of `com.microsoft` that share their name with a standard operator and compute something else.
const NAMESAKES: [&str; 3] = ["Attention", "Unique", "Pad"];
/// How many unknown operators a message names.
const NAMED: usize = 5;

/// Checks a model's graph and every tensor in it; without the built-in engine, for ONNX Runtime, which knows its own
/// operators and has datatypes that the built-in engine lacks.
///
/// # Errors
/// [`LoadError::Invalid`] where the file contradicts itself, [`LoadError::Unsupported`] where it is sound but
/// uses what the engine does not have.
pub(super) fn check(
    proto: &ModelProto,
    engine: Option<&Onnx>,
    origin: &Origin,
) -> Result<(), LoadError> {
    if let Some(engine) = engine {
        operators(proto, engine)?;
    }
    wiring(graph(proto), origin)?;
    let mut result = Ok(());
    each_tensor(graph(proto), &mut |tensor| {
        if result.is_ok() {
            result = match check_tensor(tensor, origin) {
                Err(LoadError::Unsupported { .. }) if engine.is_none() => Ok(()),
                other => other,
            };
        }
    });
    result
}

// === walks ===

/// Calls a function for every node, those of subgraphs included.
pub(super) fn each_node<'a>(graph: &'a GraphProto, visit: &mut dyn FnMut(&'a NodeProto)) {
    for node in &graph.node {
        visit(node);
        for attribute in &node.attribute {
            for inner in attribute.g.iter().chain(&attribute.graphs) {
                each_node(inner, visit);
            }
        }
    }
}

/// Calls a function for every tensor: initializers and attributes, those of subgraphs included.
pub(super) fn each_tensor<'a>(graph: &'a GraphProto, visit: &mut dyn FnMut(&'a TensorProto)) {
    graph.initializer.iter().for_each(&mut *visit);
    for attribute in graph.node.iter().flat_map(|n| &n.attribute) {
        attribute
            .t
            .iter()
            .chain(&attribute.tensors)
            .for_each(&mut *visit);
        for inner in attribute.g.iter().chain(&attribute.graphs) {
            each_tensor(inner, visit);
        }
    }
}

/// As [`each_tensor`], to change them.
pub(super) fn each_tensor_mut(graph: &mut GraphProto, visit: &mut dyn FnMut(&mut TensorProto)) {
    graph.initializer.iter_mut().for_each(&mut *visit);
    for attribute in graph.node.iter_mut().flat_map(|n| &mut n.attribute) {
        attribute
            .t
            .iter_mut()
            .chain(&mut attribute.tensors)
            .for_each(&mut *visit);
        for inner in attribute.g.iter_mut().chain(&mut attribute.graphs) {
            each_tensor_mut(inner, visit);
        }
    }
}

// === operators ===

fn operators(proto: &ModelProto, engine: &Onnx) -> Result<(), LoadError> {
    let functions: HashSet<(&str, &str)> = proto
        .functions
        .iter()
        .map(|f| {
            (
                f.domain.as_deref().unwrap_or(""),
                f.name.as_deref().unwrap_or(""),
            )
        })
        .collect();
    let mut unknown: BTreeMap<(&str, &str), &NodeProto> = BTreeMap::new();
    let mut function = None;
    each_node(graph(proto), &mut |node| {
        let key = (node.domain.as_str(), node.op_type.as_str());
        if functions.contains(&key) {
            function.get_or_insert(node);
        } else if !is_known(node, engine) {
            unknown.entry(key).or_insert(node);
        }
    });
    if let Some(node) = function {
        return Err(LoadError::Unsupported {
            what: format!("{} calls a function that the file defines", describe(node)),
            remedy: "inline it with `onnx.inliner.inline_local_functions` and save again".into(),
        });
    }
    if unknown.is_empty() {
        return Ok(());
    }
    let named: Vec<String> = unknown.values().take(NAMED).map(|n| describe(n)).collect();
    let more = match unknown.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more operators"),
    };
    let remedy = if unknown.keys().any(|(domain, _)| is_standard(domain)) {
        "export with another operator set (scikit-learn: `target_opset`, torch: `opset_version`), or replace the step that needs it"
    } else {
        "export without operators of a private domain"
    };
    Err(LoadError::Unsupported {
        what: format!("engine tract does not have {}{more}", named.join(", ")),
        remedy: remedy.into(),
    })
}

fn is_standard(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx" | "ai.onnx.ml")
}

fn is_known(node: &NodeProto, engine: &Onnx) -> bool {
    let op = node.op_type.as_str();
    let domain = match node.domain.as_str() {
        "" | "ai.onnx" => true,
        "ai.onnx.ml" => ML.contains(&op),
        "com.microsoft" => !NAMESAKES.contains(&op),
        _ => false,
    };
    // `rewrite` takes every ZipMap out, or refuses it with its own remedy.
    domain && (op == "ZipMap" || engine.op_register.0.contains_key(op))
}

/// An operator as messages name it: type, domain and node.
pub(super) fn describe(node: &NodeProto) -> String {
    let domain = if node.domain.is_empty() {
        "ai.onnx"
    } else {
        &node.domain
    };
    let first = node.output.first().map_or("", String::as_str);
    let name = if node.name.is_empty() {
        first
    } else {
        &node.name
    };
    format!(
        "operator '{}' of domain '{domain}' (node '{name}')",
        node.op_type
    )
}

// === wiring ===

/// Every value has one maker, every node's inputs are made, no node needs itself, every output is made.
fn wiring(graph: &GraphProto, origin: &Origin) -> Result<(), LoadError> {
    let mut known: HashSet<&str> = graph.input.iter().map(|i| i.name.as_str()).collect();
    if known.len() != graph.input.len() {
        return Err(origin.invalid("expected inputs with different names, got two with the same"));
    }
    known.extend(graph.initializer.iter().map(|i| i.name.as_str()));
    let mut makers: HashMap<&str, usize> = HashMap::new();
    for (index, node) in graph.node.iter().enumerate() {
        for output in node.output.iter().filter(|o| !o.is_empty()) {
            if known.contains(output.as_str()) || makers.insert(output, index).is_some() {
                return Err(origin.invalid(format!(
                    "expected each value to have one maker, got a second one for '{output}': {}",
                    describe(node)
                )));
            }
        }
    }
    let mut waiting: Vec<usize> = vec![0; graph.node.len()];
    let mut readers: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, node) in graph.node.iter().enumerate() {
        for input in node.input.iter().filter(|i| !i.is_empty()) {
            if let Some(&maker) = makers.get(input.as_str()) {
                readers.entry(maker).or_default().push(index);
                waiting[index] += 1;
            } else if !known.contains(input.as_str()) {
                return Err(origin.invalid(format!(
                    "{} reads '{input}', which no node makes",
                    describe(node)
                )));
            }
        }
    }
    let mut ready: Vec<usize> = (0..waiting.len()).filter(|&i| waiting[i] == 0).collect();
    let mut done = 0;
    while let Some(index) = ready.pop() {
        done += 1;
        for &reader in readers.get(&index).into_iter().flatten() {
            waiting[reader] -= 1;
            if waiting[reader] == 0 {
                ready.push(reader);
            }
        }
    }
    if done < graph.node.len() {
        let stuck = waiting.iter().position(|&count| count > 0);
        let stuck = stuck.map_or_else(String::new, |i| describe(&graph.node[i]));
        return Err(origin.invalid(format!(
            "expected a graph without cycles, got values that need each other at {stuck}"
        )));
    }
    let mut names = HashSet::new();
    for output in &graph.output {
        let name = output.name.as_str();
        if !known.contains(name) && !makers.contains_key(name) {
            return Err(origin.invalid(format!("no node makes the output '{name}'")));
        }
        if !names.insert(name) {
            return Err(origin.invalid(format!(
                "expected outputs with different names, got '{name}' twice"
            )));
        }
    }
    Ok(())
}

// === tensors ===

/// The bytes that a tensor's shape and datatype ask for, where they can be counted.
pub(super) fn byte_count(tensor: &TensorProto) -> Option<u64> {
    let size = of_file(tensor.data_type)?.size()?;
    let bytes = count(tensor)?.checked_mul(size)?;
    u64::try_from(bytes).ok()
}

fn count(tensor: &TensorProto) -> Option<usize> {
    let shape: Option<Vec<usize>> = tensor
        .dims
        .iter()
        .map(|&d| usize::try_from(d).ok())
        .collect();
    element_count(&shape?)
}

fn check_tensor(tensor: &TensorProto, origin: &Origin) -> Result<(), LoadError> {
    let name = &tensor.name;
    let Some(datatype) = of_file(tensor.data_type) else {
        return Err(LoadError::Unsupported {
            what: format!("tensor '{name}' has ONNX datatype {}", tensor.data_type),
            remedy: "export with weights of float32, float16, bfloat16 or a whole-number type"
                .into(),
        });
    };
    let wrong = |got: String| {
        origin.invalid(format!(
            "tensor '{name}': expected elements for shape {:?} of {datatype}, got {got}",
            tensor.dims
        ))
    };
    let count = count(tensor).ok_or_else(|| wrong("a shape that cannot be counted".into()))?;
    if is_external(tensor) {
        return match datatype {
            DataType::Bytes => Err(wrong(
                "text in an external file, which ONNX does not allow".into(),
            )),
            _ => Ok(()),
        };
    }
    if !tensor.raw_data.is_empty() {
        let got = tensor.raw_data.len();
        return match byte_count(tensor) {
            Some(expected) if expected == got as u64 => Ok(()),
            _ => Err(wrong(format!("{got} bytes"))),
        };
    }
    let got = match datatype {
        DataType::Fp32 => tensor.float_data.len(),
        DataType::Fp64 => tensor.double_data.len(),
        DataType::Int64 => tensor.int64_data.len(),
        DataType::Bytes => tensor.string_data.len(),
        DataType::Uint32 | DataType::Uint64 => 0,
        _ => tensor.int32_data.len(),
    };
    if let Some(at) = tensor
        .string_data
        .iter()
        .position(|t| std::str::from_utf8(t).is_err())
    {
        return Err(wrong(format!("bytes that are not UTF-8 at element {at}")));
    }
    match (got, datatype) {
        (got, _) if got == count => Ok(()),
        (_, DataType::Uint32 | DataType::Uint64) => Err(LoadError::Unsupported {
            what: format!(
                "tensor '{name}' of {datatype} keeps its elements in field 'uint64_data'"
            ),
            remedy: "save it as raw data (`onnx.numpy_helper.from_array`)".into(),
        }),
        (got, _) => Err(wrong(format!("{got} elements"))),
    }
}
