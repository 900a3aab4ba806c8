//! Tensors to and from ONNX Runtime's. Numbers are handed over without a copy and copied once on the way back.
//!
//! Shapes and datatypes were checked against the contract before; here only text can be wrong.

use std::fmt::Debug;

use half::{bf16, f16};
use ort::session::SessionInputValue;
use ort::value::{
    DynValueTypeMarker, PrimitiveTensorElementType, Tensor as Value, TensorElementType, ValueRefMut,
};

use crate::contract::Port;
use crate::error::InferError;
use crate::tensor::{DataType, Element, Tensor, Values};

/// The protocol's datatype for ONNX Runtime's, or nothing where the protocol has none.
pub(super) fn of_runtime(kind: TensorElementType) -> Option<DataType> {
    Some(match kind {
        TensorElementType::Bool => DataType::Bool,
        TensorElementType::Uint8 => DataType::Uint8,
        TensorElementType::Uint16 => DataType::Uint16,
        TensorElementType::Uint32 => DataType::Uint32,
        TensorElementType::Uint64 => DataType::Uint64,
        TensorElementType::Int8 => DataType::Int8,
        TensorElementType::Int16 => DataType::Int16,
        TensorElementType::Int32 => DataType::Int32,
        TensorElementType::Int64 => DataType::Int64,
        TensorElementType::Float16 => DataType::Fp16,
        TensorElementType::Bfloat16 => DataType::Bf16,
        TensorElementType::Float32 => DataType::Fp32,
        TensorElementType::Float64 => DataType::Fp64,
        TensorElementType::String => DataType::Bytes,
        _ => return None,
    })
}

/// Hands a tensor over. BF16 becomes FP32, as in the graph (`rewrite::brain_floats`).
///
/// # Errors
/// [`InferError::Refused`] naming the input, where an element of `BYTES` is not UTF-8 or holds a NUL, which ends a
/// text there.
pub(super) fn into_runtime(
    port: &Port,
    tensor: Tensor,
) -> Result<SessionInputValue<'static>, InferError> {
    let (shape, values) = tensor.into_parts();
    let made = match values {
        Values::Bool(v) => number(shape, v),
        Values::Uint8(v) => number(shape, v),
        Values::Uint16(v) => number(shape, v),
        Values::Uint32(v) => number(shape, v),
        Values::Uint64(v) => number(shape, v),
        Values::Int8(v) => number(shape, v),
        Values::Int16(v) => number(shape, v),
        Values::Int32(v) => number(shape, v),
        Values::Int64(v) => number(shape, v),
        Values::Fp16(v) => number(shape, v),
        Values::Fp32(v) => number(shape, v),
        Values::Fp64(v) => number(shape, v),
        Values::Bf16(v) => number(shape, v.into_iter().map(f32::from).collect()),
        Values::Bytes(v) => {
            let texts = v.into_iter().enumerate();
            let texts = texts.map(|(at, bytes)| text(port, at, bytes));
            let texts = texts.collect::<Result<Vec<String>, _>>()?;
            Value::from_string_array((shape, &texts[..])).map(SessionInputValue::from)
        }
    };
    made.map_err(|error| InferError::Failed {
        what: format!("take input '{}': {error}", port.name),
    })
}

fn number<T>(shape: Vec<usize>, elements: Vec<T>) -> ort::Result<SessionInputValue<'static>>
where
    T: PrimitiveTensorElementType + Debug + Clone + 'static,
{
    Value::from_array((shape, elements)).map(SessionInputValue::from)
}

fn text(port: &Port, at: usize, bytes: Vec<u8>) -> Result<String, InferError> {
    let refused = |what: String| InferError::Refused {
        what: format!("input '{}': {what} at element {at}", port.name),
    };
    let text = String::from_utf8(bytes).map_err(|e| {
        let e = e.utf8_error();
        refused(format!("expected UTF-8 text, got bytes that are not ({e})"))
    })?;
    match text.contains('\0') {
        true => Err(refused("expected text without NUL, got some".into())),
        false => Ok(text),
    }
}

/// Makes a tensor of what ONNX Runtime answered, in the port's datatype.
///
/// # Errors
/// [`InferError::Failed`] where the answer is not of the port's datatype.
pub(super) fn from_runtime(
    port: &Port,
    value: &ValueRefMut<'_, DynValueTypeMarker>,
) -> Result<Tensor, InferError> {
    macro_rules! numbers {
        ($type:ty) => {
            value
                .try_extract_tensor::<$type>()
                .map(|(shape, v)| (shape.to_vec(), <$type>::wrap(v.to_vec())))
        };
    }
    let failed = |what: String| InferError::Failed {
        what: format!("give output '{}': {what}", port.name),
    };
    let found = match port.datatype {
        DataType::Bool => numbers!(bool),
        DataType::Uint8 => numbers!(u8),
        DataType::Uint16 => numbers!(u16),
        DataType::Uint32 => numbers!(u32),
        DataType::Uint64 => numbers!(u64),
        DataType::Int8 => numbers!(i8),
        DataType::Int16 => numbers!(i16),
        DataType::Int32 => numbers!(i32),
        DataType::Int64 => numbers!(i64),
        DataType::Fp16 => numbers!(f16),
        DataType::Fp32 => numbers!(f32),
        DataType::Fp64 => numbers!(f64),
        DataType::Bf16 => value.try_extract_tensor::<f32>().map(|(shape, v)| {
            let narrow = v.iter().map(|&v| bf16::from_f32(v)).collect();
            (shape.to_vec(), Values::Bf16(narrow))
        }),
        DataType::Bytes => value.try_extract_strings().map(|(shape, texts)| {
            let texts = texts.into_iter().map(String::into_bytes).collect();
            (shape.to_vec(), Values::Bytes(texts))
        }),
    };
    let (shape, values) = found.map_err(|error| failed(error.to_string()))?;
    let shape: Result<Vec<usize>, _> = shape.into_iter().map(usize::try_from).collect();
    let shape = shape.map_err(|_| failed("a shape with a negative size".into()))?;
    Tensor::new(shape, values).map_err(|error| failed(error.to_string()))
}
