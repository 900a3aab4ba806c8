//! Conversions between the protocol's tensors and Burn's, both ways.
//!
//! Vectors are moved, not copied, where Burn keeps the same type. Contracts are checked elsewhere.

use burn::tensor::kind::Basic;
use burn::tensor::{BoolStore, DType, Device, Int, Tensor as BurnTensor, TensorData};

use crate::error::InferError;
use crate::tensor::{Tensor, Values};

/// A tensor of floats as Burn's, of rank `D`, on a device, in single precision.
///
/// `FP32` is moved; `FP64`, `FP16`, `BF16` and whole numbers of up to 16 bits are converted to the nearest single.
///
/// # Errors
/// [`InferError::Failed`] when the rank is not `D`, or when the datatype holds numbers that single precision may
/// not hold (wider whole numbers) or no numbers.
pub fn to_burn<const D: usize>(
    tensor: Tensor,
    device: &Device,
) -> Result<BurnTensor<D>, InferError> {
    let shape = rank::<D>(&tensor)?;
    let data = TensorData::new(singles(tensor)?, shape);
    Ok(BurnTensor::from_data(data, (device, DType::F32)))
}

/// A tensor of whole numbers as Burn's, of rank `D`, on a device, in 64 bits.
///
/// # Errors
/// [`InferError::Failed`] when the rank is not `D`, or the datatype is not of whole numbers, or a number is beyond
/// 64 signed bits.
pub fn to_burn_int<const D: usize>(
    tensor: Tensor,
    device: &Device,
) -> Result<BurnTensor<D, Int>, InferError> {
    let shape = rank::<D>(&tensor)?;
    let data = TensorData::new(longs(tensor)?, shape);
    Ok(BurnTensor::from_data(data, (device, DType::I64)))
}

/// A Burn tensor of any kind as the protocol's, its datatype kept.
///
/// # Errors
/// [`InferError::Failed`] when the device fails or the tensor is quantised.
pub fn from_burn<const D: usize, K: Basic>(tensor: BurnTensor<D, K>) -> Result<Tensor, InferError> {
    let data = tensor
        .try_into_data()
        .map_err(|e| failed(format!("read burn tensor: {e}")))?;
    let shape = data.shape().to_vec();
    let values = values(data)?;
    Tensor::new(shape, values).map_err(|e| failed(e.to_string()))
}

/// The elements as single precision; the same rule as [`to_burn`].
pub(super) fn singles(tensor: Tensor) -> Result<Vec<f32>, InferError> {
    let (_, values) = tensor.into_parts();
    Ok(match values {
        Values::Fp32(v) => v,
        Values::Fp64(v) => v.into_iter().map(|v| v as f32).collect(),
        Values::Fp16(v) => v.into_iter().map(half::f16::to_f32).collect(),
        Values::Bf16(v) => v.into_iter().map(half::bf16::to_f32).collect(),
        Values::Uint8(v) => v.into_iter().map(f32::from).collect(),
        Values::Uint16(v) => v.into_iter().map(f32::from).collect(),
        Values::Int8(v) => v.into_iter().map(f32::from).collect(),
        Values::Int16(v) => v.into_iter().map(f32::from).collect(),
        other => {
            return Err(failed(format!(
                "expected floats or whole numbers of up to 16 bits, got {}",
                other.datatype()
            )));
        }
    })
}

/// The elements as 64-bit whole numbers; the same rule as [`to_burn_int`].
pub(super) fn longs(tensor: Tensor) -> Result<Vec<i64>, InferError> {
    let (_, values) = tensor.into_parts();
    Ok(match values {
        Values::Int64(v) => v,
        Values::Int32(v) => v.into_iter().map(i64::from).collect(),
        Values::Int16(v) => v.into_iter().map(i64::from).collect(),
        Values::Int8(v) => v.into_iter().map(i64::from).collect(),
        Values::Uint8(v) => v.into_iter().map(i64::from).collect(),
        Values::Uint16(v) => v.into_iter().map(i64::from).collect(),
        Values::Uint32(v) => v.into_iter().map(i64::from).collect(),
        Values::Uint64(v) => {
            let signed = |v: u64| {
                i64::try_from(v)
                    .map_err(|_| failed(format!("expected at most {}, got {v}", i64::MAX)))
            };
            v.into_iter().map(signed).collect::<Result<_, _>>()?
        }
        other => {
            return Err(failed(format!(
                "expected whole numbers, got {}",
                other.datatype()
            )));
        }
    })
}

fn values(data: TensorData) -> Result<Values, InferError> {
    let dtype = data.dtype();
    let taken = match dtype {
        DType::F64 => data.try_into_vec().map(Values::Fp64),
        DType::F32 | DType::Flex32 => data.try_into_vec().map(Values::Fp32),
        DType::F16 => data.try_into_vec().map(Values::Fp16),
        DType::BF16 => data.try_into_vec().map(Values::Bf16),
        DType::I64 => data.try_into_vec().map(Values::Int64),
        DType::I32 => data.try_into_vec().map(Values::Int32),
        DType::I16 => data.try_into_vec().map(Values::Int16),
        DType::I8 => data.try_into_vec().map(Values::Int8),
        DType::U64 => data.try_into_vec().map(Values::Uint64),
        DType::U32 => data.try_into_vec().map(Values::Uint32),
        DType::U16 => data.try_into_vec().map(Values::Uint16),
        DType::U8 => data.try_into_vec().map(Values::Uint8),
        DType::Bool(BoolStore::Native | BoolStore::U8 | BoolStore::U32) => {
            data.try_into_vec_as::<bool>().map(Values::Bool)
        }
        DType::QFloat(_) => {
            return Err(failed(
                "expected a plain tensor from burn, got a quantised one".into(),
            ));
        }
    };
    taken.map_err(|e| failed(format!("read burn tensor: {e}")))
}

fn rank<const D: usize>(tensor: &Tensor) -> Result<[usize; D], InferError> {
    <[usize; D]>::try_from(tensor.shape()).map_err(|_| {
        failed(format!(
            "expected a tensor of {D} axes, got shape {:?}",
            tensor.shape()
        ))
    })
}

fn failed(what: String) -> InferError {
    InferError::Failed { what }
}
