//! Class names: which outputs have one column per class, and what the classes are called.
//!
//! Only what is certain is said: a classifier's score output, followed through steps that keep columns apart.

use std::collections::HashMap;
use std::sync::Arc;

use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto};

/// Steps whose output has the same columns as their input. Softmax and Normalizer mix values of a row, but a
/// column still belongs to its class.
const KEEPS_COLUMNS: [&str; 5] = ["Identity", "Cast", "Softmax", "Sigmoid", "Normalizer"];
/// How many such steps are followed.
const STEPS: usize = 8;

/// The class names of a node's attributes, as text; nothing where it has none.
pub(super) fn of_node(node: &NodeProto) -> Option<Arc<[String]>> {
    let attribute = |name: &str| node.attribute.iter().find(|a| a.name == name);
    let ints = |a: &AttributeProto| a.ints.iter().map(i64::to_string).collect::<Vec<_>>();
    let texts = |a: &AttributeProto| {
        let texts = a
            .strings
            .iter()
            .map(|t| String::from_utf8_lossy(t).into_owned());
        texts.collect::<Vec<_>>()
    };
    let found = attribute("classlabels_strings")
        .map(texts)
        .filter(|labels| !labels.is_empty())
        .or_else(|| attribute("classlabels_int64s").map(ints))
        .or_else(|| attribute("classlabels_ints").map(ints))?;
    (!found.is_empty()).then(|| found.into())
}

/// The class names of each value that has one column per class.
pub(super) fn of_outputs(graph: &GraphProto) -> HashMap<String, Arc<[String]>> {
    let mut makers: HashMap<&str, (&NodeProto, usize)> = HashMap::new();
    for node in &graph.node {
        for (slot, output) in node.output.iter().enumerate() {
            makers.insert(output, (node, slot));
        }
    }
    let mut found = HashMap::new();
    for output in &graph.output {
        let mut value = output.name.as_str();
        for _ in 0..STEPS {
            let Some(&(node, slot)) = makers.get(value) else {
                break;
            };
            if is_classifier(node) && slot == 1 {
                if let Some(labels) = of_node(node) {
                    found.insert(output.name.clone(), labels);
                }
                break;
            }
            match node.input.first() {
                Some(input) if KEEPS_COLUMNS.contains(&node.op_type.as_str()) => value = input,
                _ => break,
            }
        }
    }
    found
}

fn is_classifier(node: &NodeProto) -> bool {
    match node.op_type.as_str() {
        "LinearClassifier" | "TreeEnsembleClassifier" => true,
        // Without calibration its scores belong to pairs of classes, of which three classes have three.
        "SVMClassifier" => node
            .attribute
            .iter()
            .any(|a| a.name == "prob_a" && !a.floats.is_empty()),
        _ => false,
    }
}
