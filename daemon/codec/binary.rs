//! Tensors as little-endian bytes, row-major: the binary tensor data extension, both ways.
//!
//! An element of BYTES is its length as a little-endian u32 and then its bytes. Sizes are compared before
//! anything is allocated.

use half::{bf16, f16};
use impresario_models::{DataType, Values};

use super::elements::too_many;
use super::limits::Limits;
use super::refusal::{Label, Refusal};

/// Reads exactly `count` elements that fill `bytes` exactly.
pub(crate) fn read(
    bytes: &[u8],
    datatype: DataType,
    count: usize,
    limits: &Limits,
    label: Label<'_>,
) -> Result<Values, Refusal> {
    let size = datatype.size().map(|size| size.saturating_mul(count));
    if let Some(size) = size.filter(|&size| size != bytes.len()) {
        return Err(Refusal::invalid(
            label,
            format!("{size} bytes of binary data for {count} elements of {datatype}"),
            format!("{} bytes", bytes.len()),
        ));
    }
    // Each string takes four bytes at least.
    if datatype == DataType::Bytes && count > bytes.len() / 4 {
        return Err(Refusal::invalid(
            label,
            format!("{count} elements of BYTES, each with a length of 4 bytes before it"),
            format!("{} bytes of binary data", bytes.len()),
        ));
    }
    if count > limits.max_elements {
        return Err(too_many(label, limits, count));
    }
    macro_rules! numbers {
        ($variant:ident, $type:ty) => {
            Values::$variant(
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|chunk| <$type>::from_le_bytes(*chunk))
                    .collect(),
            )
        };
    }
    Ok(match datatype {
        DataType::Bool => Values::Bool(bools(bytes, label)?),
        DataType::Uint8 => Values::Uint8(bytes.to_vec()),
        DataType::Uint16 => numbers!(Uint16, u16),
        DataType::Uint32 => numbers!(Uint32, u32),
        DataType::Uint64 => numbers!(Uint64, u64),
        DataType::Int8 => numbers!(Int8, i8),
        DataType::Int16 => numbers!(Int16, i16),
        DataType::Int32 => numbers!(Int32, i32),
        DataType::Int64 => numbers!(Int64, i64),
        DataType::Fp16 => numbers!(Fp16, f16),
        DataType::Bf16 => numbers!(Bf16, bf16),
        DataType::Fp32 => numbers!(Fp32, f32),
        DataType::Fp64 => numbers!(Fp64, f64),
        DataType::Bytes => Values::Bytes(strings(bytes, count, limits, label)?),
    })
}

/// The bytes that values take on the wire.
pub(super) fn size(values: &Values) -> usize {
    match (values, values.datatype().size()) {
        (Values::Bytes(strings), _) => strings.iter().map(|s| s.len() + 4).sum(),
        (_, size) => values.len() * size.unwrap_or_default(),
    }
}

/// Appends values as they travel.
pub(crate) fn write(values: &Values, label: Label<'_>, out: &mut Vec<u8>) -> Result<(), Refusal> {
    macro_rules! numbers {
        // Chunks of a known size become one copy.
        ($numbers:expr) => {{
            let start = out.len();
            out.resize(start + size(values), 0);
            for (chunk, number) in out[start..].as_chunks_mut().0.iter_mut().zip($numbers) {
                *chunk = number.to_le_bytes();
            }
        }};
    }
    out.reserve(size(values));
    match values {
        Values::Bool(bools) => out.extend(bools.iter().map(|&b| u8::from(b))),
        Values::Uint8(bytes) => out.extend_from_slice(bytes),
        Values::Uint16(v) => numbers!(v),
        Values::Uint32(v) => numbers!(v),
        Values::Uint64(v) => numbers!(v),
        Values::Int8(v) => numbers!(v),
        Values::Int16(v) => numbers!(v),
        Values::Int32(v) => numbers!(v),
        Values::Int64(v) => numbers!(v),
        Values::Fp16(v) => numbers!(v),
        Values::Bf16(v) => numbers!(v),
        Values::Fp32(v) => numbers!(v),
        Values::Fp64(v) => numbers!(v),
        Values::Bytes(strings) => {
            for (at, string) in strings.iter().enumerate() {
                let length = u32::try_from(string.len()).map_err(|_| {
                    let what = format!("{label}, element {at}");
                    Refusal::invalid(what, "at most 4294967295 bytes", string.len().to_string())
                })?;
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(string);
            }
        }
    }
    Ok(())
}

fn bools(bytes: &[u8], label: Label<'_>) -> Result<Vec<bool>, Refusal> {
    if let Some((at, byte)) = bytes.iter().enumerate().find(|(_, byte)| **byte > 1) {
        let got = format!("{byte} at element {at}");
        return Err(Refusal::invalid(label, "bytes of 0 or 1 (BOOL)", got));
    }
    Ok(bytes.iter().map(|&byte| byte == 1).collect())
}

fn strings(
    mut bytes: &[u8],
    count: usize,
    limits: &Limits,
    label: Label<'_>,
) -> Result<Vec<Vec<u8>>, Refusal> {
    let mut strings = Vec::with_capacity(count);
    for at in 0..count {
        let short = |got: usize, expected: String| {
            let got = format!("{got} bytes left at element {at}");
            Refusal::invalid(label, expected, got)
        };
        let (length, rest) = bytes
            .split_first_chunk::<4>()
            .ok_or_else(|| short(bytes.len(), "a length of 4 bytes".into()))?;
        let length = u32::from_le_bytes(*length) as usize;
        if length > limits.max_string {
            let what = format!("{label}, element {at}");
            return Err(Refusal::long_string(what, limits.max_string, length));
        }
        let (string, rest) = rest
            .split_at_checked(length)
            .ok_or_else(|| short(rest.len(), format!("{length} bytes")))?;
        strings.push(string.to_vec());
        bytes = rest;
    }
    if bytes.is_empty() {
        return Ok(strings);
    }
    let got = format!("{} bytes more", bytes.len());
    Err(Refusal::invalid(label, format!("{count} elements"), got))
}
