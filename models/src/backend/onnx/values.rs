//! Tensors to and from tract's, and datatypes in the three languages: the file's, tract's and the protocol's.
//!
//! Shapes and datatypes were checked against the contract before; here only text can be wrong.

use half::{bf16, f16};
use tract_onnx::pb::tensor_proto::DataType as FileType;
use tract_onnx::prelude::tract_ndarray::{ArrayD, IxDyn};
use tract_onnx::prelude::{Datum, DatumType, IntoTensor, TValue, Tensor as TractTensor};
use tract_onnx::tract_hir::internal::TractResult;

use super::loader::one_line;
use crate::contract::Port;
use crate::error::InferError;
use crate::tensor::{DataType, Element, Tensor, Values};

/// The protocol's datatype for the file's, or nothing where the protocol has none.
pub(super) fn of_file(elem_type: i32) -> Option<DataType> {
    Some(match FileType::try_from(elem_type).ok()? {
        FileType::Bool => DataType::Bool,
        FileType::Uint8 => DataType::Uint8,
        FileType::Uint16 => DataType::Uint16,
        FileType::Uint32 => DataType::Uint32,
        FileType::Uint64 => DataType::Uint64,
        FileType::Int8 => DataType::Int8,
        FileType::Int16 => DataType::Int16,
        FileType::Int32 => DataType::Int32,
        FileType::Int64 => DataType::Int64,
        FileType::Float16 => DataType::Fp16,
        FileType::Bfloat16 => DataType::Bf16,
        FileType::Float => DataType::Fp32,
        FileType::Double => DataType::Fp64,
        FileType::String => DataType::Bytes,
        _ => return None,
    })
}

/// The protocol's datatype for tract's; a symbolic dimension is a whole number once it is computed.
pub(super) fn of_tract(datum: DatumType) -> Option<DataType> {
    Some(match datum.unquantized() {
        DatumType::Bool => DataType::Bool,
        DatumType::U8 => DataType::Uint8,
        DatumType::U16 => DataType::Uint16,
        DatumType::U32 => DataType::Uint32,
        DatumType::U64 => DataType::Uint64,
        DatumType::I8 => DataType::Int8,
        DatumType::I16 => DataType::Int16,
        DatumType::I32 => DataType::Int32,
        DatumType::I64 | DatumType::TDim => DataType::Int64,
        DatumType::F16 => DataType::Fp16,
        DatumType::F32 => DataType::Fp32,
        DatumType::F64 => DataType::Fp64,
        DatumType::String => DataType::Bytes,
        _ => return None,
    })
}

/// The datatype that tract computes with for one of the protocol's. tract has no BF16: `rewrite` makes it FP32,
/// which holds every BF16 number.
pub(super) fn to_datum(datatype: DataType) -> DatumType {
    match datatype {
        DataType::Bool => DatumType::Bool,
        DataType::Uint8 => DatumType::U8,
        DataType::Uint16 => DatumType::U16,
        DataType::Uint32 => DatumType::U32,
        DataType::Uint64 => DatumType::U64,
        DataType::Int8 => DatumType::I8,
        DataType::Int16 => DatumType::I16,
        DataType::Int32 => DatumType::I32,
        DataType::Int64 => DatumType::I64,
        DataType::Fp16 => DatumType::F16,
        DataType::Bf16 | DataType::Fp32 => DatumType::F32,
        DataType::Fp64 => DatumType::F64,
        DataType::Bytes => DatumType::String,
    }
}

/// Whether tract can turn one datatype into another without changing what it means.
pub(super) fn castable(from: DataType, to: DataType) -> bool {
    from == to || (from != DataType::Bytes && to != DataType::Bytes)
}

/// Takes a tensor apart for tract. Text is moved; numbers are copied once, because tract aligns its memory.
///
/// # Errors
/// [`InferError::Refused`] naming the input, where an element of `BYTES` is not UTF-8.
pub(super) fn into_tract(port: &Port, tensor: Tensor) -> Result<TractTensor, InferError> {
    let (shape, values) = tensor.into_parts();
    let made = match values {
        Values::Bool(v) => TractTensor::from_shape(&shape, &v),
        Values::Uint8(v) => TractTensor::from_shape(&shape, &v),
        Values::Uint16(v) => TractTensor::from_shape(&shape, &v),
        Values::Uint32(v) => TractTensor::from_shape(&shape, &v),
        Values::Uint64(v) => TractTensor::from_shape(&shape, &v),
        Values::Int8(v) => TractTensor::from_shape(&shape, &v),
        Values::Int16(v) => TractTensor::from_shape(&shape, &v),
        Values::Int32(v) => TractTensor::from_shape(&shape, &v),
        Values::Int64(v) => TractTensor::from_shape(&shape, &v),
        Values::Fp16(v) => TractTensor::from_shape(&shape, &v),
        Values::Fp32(v) => TractTensor::from_shape(&shape, &v),
        Values::Fp64(v) => TractTensor::from_shape(&shape, &v),
        Values::Bf16(v) => {
            let wide: Vec<f32> = v.into_iter().map(f32::from).collect();
            TractTensor::from_shape(&shape, &wide)
        }
        Values::Bytes(v) => {
            let texts = v.into_iter().enumerate().map(|(at, bytes)| {
                String::from_utf8(bytes).map_err(|e| InferError::Refused {
                    what: format!(
                        "input '{}': expected UTF-8 text, got bytes that are not at element {at}: {}",
                        port.name,
                        e.utf8_error()
                    ),
                })
            });
            let texts = texts.collect::<Result<Vec<String>, _>>()?;
            ArrayD::from_shape_vec(IxDyn(&shape), texts)
                .map(TractTensor::from)
                .map_err(Into::into)
        }
    };
    made.map_err(|e| InferError::Failed {
        what: format!("take input '{}': {}", port.name, one_line(&e)),
    })
}

/// Makes a tensor of what tract answered, in the port's datatype.
///
/// # Errors
/// [`InferError::Failed`] where the answer is of a datatype that cannot become the port's.
pub(super) fn from_tract(port: &Port, value: TValue) -> Result<Tensor, InferError> {
    let failed = |e: &dyn std::fmt::Display| InferError::Failed {
        what: format!("give output '{}': {e}", port.name),
    };
    let shape = value.shape().to_vec();
    let values = values_of(port.datatype, value).map_err(|e| failed(&one_line(&e)))?;
    Tensor::new(shape, values).map_err(|e| failed(&e))
}

fn values_of(datatype: DataType, value: TValue) -> TractResult<Values> {
    let datum = to_datum(datatype);
    if value.datum_type().unquantized() != datum {
        let cast = value.cast_to_dt(datum)?.into_owned();
        return values_of(datatype, cast.into());
    }
    Ok(match datatype {
        DataType::Bool => numbers::<bool>(&value)?,
        DataType::Uint8 => numbers::<u8>(&value)?,
        DataType::Uint16 => numbers::<u16>(&value)?,
        DataType::Uint32 => numbers::<u32>(&value)?,
        DataType::Uint64 => numbers::<u64>(&value)?,
        DataType::Int8 => numbers::<i8>(&value)?,
        DataType::Int16 => numbers::<i16>(&value)?,
        DataType::Int32 => numbers::<i32>(&value)?,
        DataType::Int64 => numbers::<i64>(&value)?,
        DataType::Fp16 => numbers::<f16>(&value)?,
        DataType::Fp32 => numbers::<f32>(&value)?,
        DataType::Fp64 => numbers::<f64>(&value)?,
        DataType::Bf16 => {
            let plain = value.try_as_plain_ram()?;
            Values::Bf16(
                plain
                    .as_slice::<f32>()?
                    .iter()
                    .map(|&v| bf16::from_f32(v))
                    .collect(),
            )
        }
        DataType::Bytes => {
            // Moves the texts out where nobody else holds the tensor; a constant's are copied.
            let mut owned = value.into_tensor();
            let mut plain = owned.try_as_plain_ram_mut()?;
            let texts = plain.as_slice_mut::<String>()?.iter_mut();
            Values::Bytes(texts.map(|t| std::mem::take(t).into_bytes()).collect())
        }
    })
}

fn numbers<T: Datum + Element>(value: &TValue) -> TractResult<Values> {
    Ok(T::wrap(value.try_as_plain_ram()?.as_slice::<T>()?.to_vec()))
}
