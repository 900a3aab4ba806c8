//! The tensors of the node tests: ONNX's `TensorProto` in files of their own, and what it is in the protocol's
//! datatypes.

use std::path::Path;

use half::{bf16, f16};
use impresario::models::{Tensor, Values};
use prost::Message;

/// `TensorProto` (ONNX, `onnx.proto3`), as far as these files use it.
#[derive(Clone, PartialEq, Message)]
struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(float, repeated, tag = "4")]
    float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    int32_data: Vec<i32>,
    #[prost(bytes = "vec", repeated, tag = "6")]
    string_data: Vec<Vec<u8>>,
    #[prost(int64, repeated, tag = "7")]
    int64_data: Vec<i64>,
    #[prost(bytes = "vec", tag = "9")]
    raw_data: Vec<u8>,
    #[prost(double, repeated, tag = "10")]
    double_data: Vec<f64>,
    #[prost(uint64, repeated, tag = "11")]
    uint64_data: Vec<u64>,
}

/// Reads a tensor's file.
///
/// # Errors
/// That it holds a sequence or an optional value, or a datatype that the protocol lacks.
pub(super) fn read(path: &Path) -> Result<Tensor, String> {
    let bytes = std::fs::read(path).unwrap();
    let proto = TensorProto::decode(&bytes[..]);
    let proto = proto.map_err(|_| "its data is no tensor but a sequence or an optional value")?;
    let shape = proto.dims.iter().map(|&d| usize::try_from(d).unwrap());
    Ok(Tensor::new(shape.collect(), values(&proto)?).expect("elements for the shape"))
}

fn values(proto: &TensorProto) -> Result<Values, String> {
    /// From raw bytes where there are any, else from the field that holds the datatype.
    macro_rules! of {
        ($variant:ident, $type:ty, $field:ident, $from:expr) => {{
            const SIZE: usize = size_of::<$type>();
            Values::$variant(match proto.raw_data.is_empty() {
                true => proto.$field.iter().copied().map($from).collect(),
                false => {
                    let (chunks, rest) = proto.raw_data.as_chunks::<SIZE>();
                    assert!(rest.is_empty(), "whole elements");
                    chunks.iter().map(|b| <$type>::from_le_bytes(*b)).collect()
                }
            })
        }};
    }
    Ok(match proto.data_type {
        1 => of!(Fp32, f32, float_data, |v| v),
        2 => of!(Uint8, u8, int32_data, |v| v as u8),
        3 => of!(Int8, i8, int32_data, |v| v as i8),
        4 => of!(Uint16, u16, int32_data, |v| v as u16),
        5 => of!(Int16, i16, int32_data, |v| v as i16),
        6 => of!(Int32, i32, int32_data, |v| v),
        7 => of!(Int64, i64, int64_data, |v| v),
        8 => Values::Bytes(proto.string_data.clone()),
        9 => Values::Bool(match proto.raw_data.is_empty() {
            true => proto.int32_data.iter().map(|&v| v != 0).collect(),
            false => proto.raw_data.iter().map(|&v| v != 0).collect(),
        }),
        10 => of!(Fp16, f16, int32_data, |v| f16::from_bits(v as u16)),
        11 => of!(Fp64, f64, double_data, |v| v),
        12 => of!(Uint32, u32, uint64_data, |v| v as u32),
        13 => of!(Uint64, u64, uint64_data, |v| v),
        16 => of!(Bf16, bf16, int32_data, |v| bf16::from_bits(v as u16)),
        other => {
            return Err(format!(
                "its data has ONNX datatype {other}, which the protocol lacks"
            ));
        }
    })
}
