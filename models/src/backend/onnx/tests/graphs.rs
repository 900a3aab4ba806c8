//! Small graphs for tests: ports, nodes and what they are made of.

use tract_onnx::pb::tensor_proto::DataType as FileType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension::Value as Size};
use tract_onnx::pb::type_proto::{Tensor as TensorType, Value as TypeValue};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto,
};

pub(in crate::backend::onnx) const FLOAT: FileType = FileType::Float;

/// A port; a size of 0 stands for the symbol `n`, -1 for an unnamed free axis.
pub(in crate::backend::onnx) fn port(name: &str, kind: FileType, sizes: &[i64]) -> ValueInfoProto {
    let axis = |&size: &i64| Dimension {
        value: match size {
            -1 => None,
            0 => Some(Size::DimParam("n".into())),
            size => Some(Size::DimValue(size)),
        },
        ..Dimension::default()
    };
    ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto {
            value: Some(TypeValue::TensorType(TensorType {
                elem_type: kind as i32,
                shape: Some(TensorShapeProto {
                    dim: sizes.iter().map(axis).collect(),
                }),
            })),
            ..TypeProto::default()
        }),
        ..ValueInfoProto::default()
    }
}

pub(in crate::backend::onnx) fn node(
    op: &str,
    inputs: &[&str],
    output: &str,
    attribute: Vec<AttributeProto>,
) -> NodeProto {
    NodeProto {
        name: format!("{op}_{output}"),
        op_type: op.into(),
        input: inputs.iter().map(|i| (*i).into()).collect(),
        output: vec![output.into()],
        attribute,
        ..NodeProto::default()
    }
}

pub(in crate::backend::onnx) fn number(name: &str, i: i64) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        i,
        r#type: 2,
        ..AttributeProto::default()
    }
}

pub(in crate::backend::onnx) fn numbers(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        ints: ints.to_vec(),
        r#type: 7,
        ..AttributeProto::default()
    }
}

pub(in crate::backend::onnx) fn model(
    inputs: Vec<ValueInfoProto>,
    initializer: Vec<TensorProto>,
    node: Vec<NodeProto>,
    output: Vec<ValueInfoProto>,
) -> ModelProto {
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto {
            domain: String::new(),
            version: 17,
        }],
        graph: Some(GraphProto {
            name: "built".into(),
            node,
            initializer,
            input: inputs,
            output,
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}

pub(in crate::backend::onnx) fn floats(name: &str, dims: &[i64], data: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: FileType::Float as i32,
        float_data: data.to_vec(),
        ..TensorProto::default()
    }
}

pub(in crate::backend::onnx) fn whole(name: &str, data: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: vec![data.len() as i64],
        data_type: FileType::Int64 as i32,
        int64_data: data.to_vec(),
        ..TensorProto::default()
    }
}

/// Names the first axis of a port.
pub(in crate::backend::onnx) fn rename(port: &mut ValueInfoProto, name: &str) {
    let Some(TypeValue::TensorType(tensor)) = &mut port.r#type.as_mut().unwrap().value else {
        panic!("expected a tensor");
    };
    tensor.shape.as_mut().unwrap().dim[0].value = Some(Size::DimParam(name.into()));
}
