//! Changes that make a sound file loadable: ZipMap's sequence of maps becomes the tensor it was made of, BF16
//! becomes FP32, and every free axis of an input gets a name that the engine can reason with.
//!
//! The ports that clients see are read from the file (`ports`), not from what is changed here.

use std::collections::HashMap;
use std::sync::Arc;

use half::bf16;
#[cfg(feature = "onnxruntime")]
use tract_onnx::pb::ModelProto;
use tract_onnx::pb::tensor_proto::DataType as FileType;
use tract_onnx::pb::tensor_shape_proto::Dimension;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Size;
use tract_onnx::pb::type_proto::{Tensor as TensorType, Value as TypeValue};
use tract_onnx::pb::{
    AttributeProto, GraphProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
};

use super::check::{describe, each_tensor_mut};
#[cfg(feature = "onnxruntime")]
use super::check::{each_node, each_tensor};
use super::labels;
#[cfg(feature = "onnxruntime")]
use crate::contract::{Dim, Port};
use crate::error::LoadError;

/// Replaces each ZipMap whose result is an output by that output's tensor of shape [rows, classes], and says
/// what the classes of each such output are.
///
/// # Errors
/// [`LoadError::Unsupported`] where a ZipMap has no labels, or another step reads its maps.
pub(super) fn zip_maps(
    graph: &mut GraphProto,
) -> Result<HashMap<String, Arc<[String]>>, LoadError> {
    let mut found = HashMap::new();
    for index in 0..graph.node.len() {
        let node = &graph.node[index];
        if node.op_type != "ZipMap" {
            continue;
        }
        let maps = node.output.first().cloned().unwrap_or_default();
        let read = graph.node.iter().any(|n| n.input.contains(&maps));
        let labels = labels::of_node(node);
        let (Some(labels), false) = (labels, read) else {
            return Err(LoadError::Unsupported {
                what: format!("{} makes maps that cannot become a tensor", describe(node)),
                remedy: "export with `options={id(model): {'zipmap': False}}` (skl2onnx)".into(),
            });
        };
        for output in graph.output.iter_mut().filter(|o| o.name == maps) {
            output.r#type = Some(rows_of(labels.len()));
        }
        let node = &mut graph.node[index];
        node.op_type = "Identity".into();
        node.domain = String::new();
        node.attribute.clear();
        found.insert(maps, labels);
    }
    Ok(found)
}

/// FP32 of shape [any, classes].
fn rows_of(classes: usize) -> TypeProto {
    let axis = |value| Dimension {
        value,
        ..Dimension::default()
    };
    let classes = i64::try_from(classes).ok().map(Size::DimValue);
    TypeProto {
        value: Some(TypeValue::TensorType(TensorType {
            elem_type: FileType::Float as i32,
            shape: Some(TensorShapeProto {
                dim: vec![axis(None), axis(classes)],
            }),
        })),
        ..TypeProto::default()
    }
}

// === BF16 ===

/// Makes BF16 weights, values and casts FP32, which tract has: every BF16 number is an FP32 number, so results
/// are those of the model computed with more digits between its steps.
pub(super) fn brain_floats(graph: &mut GraphProto) {
    each_tensor_mut(graph, &mut widen);
    types(graph);
}

/// Whether anything in a model is BF16.
#[cfg(feature = "onnxruntime")]
pub(super) fn has_brain_floats(proto: &ModelProto) -> bool {
    fn any(graph: &GraphProto) -> bool {
        let values = graph
            .input
            .iter()
            .chain(&graph.output)
            .chain(&graph.value_info);
        let mut found = values.into_iter().any(|value| {
            let Some(TypeValue::TensorType(tensor)) =
                value.r#type.as_ref().and_then(|kind| kind.value.as_ref())
            else {
                return false;
            };
            tensor.elem_type == BRAIN
        });
        each_tensor(graph, &mut |tensor| found |= tensor.data_type == BRAIN);
        each_node(graph, &mut |node| {
            let types = node.attribute.iter().filter(|a| names_a_type(a));
            found |= types.into_iter().any(|a| a.i == i64::from(BRAIN));
        });
        found
    }
    proto.graph.as_ref().is_some_and(any)
}

const BRAIN: i32 = FileType::Bfloat16 as i32;
const FLOAT: i32 = FileType::Float as i32;

fn widen(tensor: &mut TensorProto) {
    if tensor.data_type != BRAIN {
        return;
    }
    tensor.data_type = FLOAT;
    let wide = |bits: u16| bf16::from_bits(bits).to_f32();
    if tensor.raw_data.is_empty() {
        // The specification keeps each number's bits in the lower half of an int32.
        let typed = std::mem::take(&mut tensor.int32_data);
        tensor.float_data = typed
            .into_iter()
            .map(|v| wide((v & 0xffff) as u16))
            .collect();
    } else {
        let raw = std::mem::take(&mut tensor.raw_data);
        let numbers = raw
            .chunks_exact(2)
            .map(|b| wide(u16::from_le_bytes([b[0], b[1]])));
        tensor.raw_data = numbers.flat_map(f32::to_le_bytes).collect();
    }
}

fn types(graph: &mut GraphProto) {
    let values = graph
        .input
        .iter_mut()
        .chain(&mut graph.output)
        .chain(&mut graph.value_info);
    for value in values {
        if let Some(tensor) = tensor_type_mut(value)
            && tensor.elem_type == BRAIN
        {
            tensor.elem_type = FLOAT;
        }
    }
    for attribute in graph.node.iter_mut().flat_map(|n| &mut n.attribute) {
        if names_a_type(attribute) && attribute.i == i64::from(BRAIN) {
            attribute.i = i64::from(FLOAT);
        }
        attribute
            .g
            .iter_mut()
            .chain(&mut attribute.graphs)
            .for_each(types);
    }
}

/// The attributes whose number is a datatype: Cast's `to`, and `dtype` or `stash_type` elsewhere.
fn names_a_type(attribute: &AttributeProto) -> bool {
    matches!(
        attribute.name.as_str(),
        "to" | "dtype" | "stash_type" | "output_dtype"
    )
}

// === axes ===

/// Takes the declared size of outputs' first axes away where every input's first axis is free, and says whether there
/// was one: some exporters (LightGBM's) write the size that one row has. ONNX Runtime believes them; what is so is
/// found out by trial.
#[cfg(feature = "onnxruntime")]
pub(super) fn free_rows(graph: &mut GraphProto, inputs: &[Port]) -> bool {
    let free = |port: &Port| matches!(port.shape.first(), Some(Dim::Free(_)));
    if inputs.is_empty() || !inputs.iter().all(free) {
        return false;
    }
    let mut changed = false;
    for output in &mut graph.output {
        let shape = tensor_type_mut(output).and_then(|t| t.shape.as_mut());
        if let Some(axis) = shape.and_then(|shape| shape.dim.first_mut())
            && matches!(axis.value, Some(Size::DimValue(_)))
        {
            axis.value = None;
            changed = true;
        }
    }
    changed
}

/// Gives the axes of the graph's inputs the names chosen for them: one list of names per input that is not an
/// initializer, nothing where an axis is fixed.
pub(super) fn name_axes(graph: &mut GraphProto, names: &[Vec<Option<String>>]) {
    let weights: Vec<String> = graph.initializer.iter().map(|i| i.name.clone()).collect();
    let inputs = graph
        .input
        .iter_mut()
        .filter(|i| !weights.contains(&i.name));
    for (input, names) in inputs.zip(names) {
        let Some(shape) = tensor_type_mut(input).and_then(|t| t.shape.as_mut()) else {
            continue;
        };
        for (axis, name) in shape.dim.iter_mut().zip(names) {
            if let Some(name) = name {
                axis.value = Some(Size::DimParam(name.clone()));
            }
        }
    }
}

fn tensor_type_mut(value: &mut ValueInfoProto) -> Option<&mut TensorType> {
    match value.r#type.as_mut()?.value.as_mut()? {
        TypeValue::TensorType(tensor) => Some(tensor),
    }
}
