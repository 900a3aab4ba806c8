//! A tensor's elements as the protocol's typed contents, both ways: one field for each datatype, and every number
//! exact or refused.
//!
//! FP16 and BF16 have no field; they travel raw, which is the codec's `binary`.

use impresario_models::{DataType, Values};

use super::proto::InferTensorContents as Contents;
use crate::codec::{Label, Limits, Refusal, too_many};

/// Takes exactly `count` elements out of the datatype's own field; the others must be empty.
pub(super) fn read(
    contents: Contents,
    datatype: DataType,
    count: usize,
    limits: &Limits,
    label: Label<'_>,
) -> Result<Values, Refusal> {
    let field = field(datatype).ok_or_else(|| raw_only(datatype, label))?;
    let mut filled = lengths(&contents)
        .into_iter()
        .filter(|(_, length)| *length > 0);
    if let Some((other, _)) = filled.find(|(name, _)| *name != field) {
        let expected = format!("elements of {datatype} in {field}");
        return Err(Refusal::invalid(
            label,
            expected,
            format!("some in {other}"),
        ));
    }
    let given = lengths(&contents)
        .into_iter()
        .find_map(|(name, length)| (name == field).then_some(length))
        .unwrap_or(0);
    if given != count {
        let expected = format!("{count} elements for its shape in {field}");
        return Err(Refusal::invalid(label, expected, given.to_string()));
    }
    if count > limits.max_elements {
        return Err(too_many(label, limits, count));
    }
    macro_rules! narrow {
        ($variant:ident, $type:ty, $field:ident) => {
            Values::$variant(narrow::<_, $type>(&contents.$field, datatype, label)?)
        };
    }
    Ok(match datatype {
        DataType::Bool => Values::Bool(contents.bool_contents),
        DataType::Int8 => narrow!(Int8, i8, int_contents),
        DataType::Int16 => narrow!(Int16, i16, int_contents),
        DataType::Int32 => Values::Int32(contents.int_contents),
        DataType::Int64 => Values::Int64(contents.int64_contents),
        DataType::Uint8 => narrow!(Uint8, u8, uint_contents),
        DataType::Uint16 => narrow!(Uint16, u16, uint_contents),
        DataType::Uint32 => Values::Uint32(contents.uint_contents),
        DataType::Uint64 => Values::Uint64(contents.uint64_contents),
        DataType::Fp32 => Values::Fp32(contents.fp32_contents),
        DataType::Fp64 => Values::Fp64(contents.fp64_contents),
        DataType::Bytes => {
            let strings = contents.bytes_contents;
            let long = |string: &Vec<u8>| string.len() > limits.max_string;
            if let Some(at) = strings.iter().position(long) {
                let what = format!("{label}, element {at}");
                let got = strings[at].len();
                return Err(Refusal::long_string(what, limits.max_string, got));
            }
            Values::Bytes(strings)
        }
        DataType::Fp16 | DataType::Bf16 => return Err(raw_only(datatype, label)),
    })
}

/// Puts elements into their field; nothing for FP16 and BF16, which have none.
pub(super) fn write(values: Values) -> Option<Contents> {
    let mut contents = Contents::default();
    match values {
        Values::Bool(v) => contents.bool_contents = v,
        Values::Int8(v) => contents.int_contents = v.into_iter().map(i32::from).collect(),
        Values::Int16(v) => contents.int_contents = v.into_iter().map(i32::from).collect(),
        Values::Int32(v) => contents.int_contents = v,
        Values::Int64(v) => contents.int64_contents = v,
        Values::Uint8(v) => contents.uint_contents = v.into_iter().map(u32::from).collect(),
        Values::Uint16(v) => contents.uint_contents = v.into_iter().map(u32::from).collect(),
        Values::Uint32(v) => contents.uint_contents = v,
        Values::Uint64(v) => contents.uint64_contents = v,
        Values::Fp32(v) => contents.fp32_contents = v,
        Values::Fp64(v) => contents.fp64_contents = v,
        Values::Bytes(v) => contents.bytes_contents = v,
        Values::Fp16(_) | Values::Bf16(_) => return None,
    }
    Some(contents)
}

/// Whether there is not one element.
pub(super) fn empty(contents: &Contents) -> bool {
    lengths(contents).iter().all(|(_, length)| *length == 0)
}

/// The field that elements of a datatype travel in.
fn field(datatype: DataType) -> Option<&'static str> {
    Some(match datatype {
        DataType::Bool => "bool_contents",
        DataType::Int8 | DataType::Int16 | DataType::Int32 => "int_contents",
        DataType::Int64 => "int64_contents",
        DataType::Uint8 | DataType::Uint16 | DataType::Uint32 => "uint_contents",
        DataType::Uint64 => "uint64_contents",
        DataType::Fp32 => "fp32_contents",
        DataType::Fp64 => "fp64_contents",
        DataType::Bytes => "bytes_contents",
        DataType::Fp16 | DataType::Bf16 => return None,
    })
}

fn lengths(contents: &Contents) -> [(&'static str, usize); 8] {
    [
        ("bool_contents", contents.bool_contents.len()),
        ("int_contents", contents.int_contents.len()),
        ("int64_contents", contents.int64_contents.len()),
        ("uint_contents", contents.uint_contents.len()),
        ("uint64_contents", contents.uint64_contents.len()),
        ("fp32_contents", contents.fp32_contents.len()),
        ("fp64_contents", contents.fp64_contents.len()),
        ("bytes_contents", contents.bytes_contents.len()),
    ]
}

fn raw_only(datatype: DataType, label: Label<'_>) -> Refusal {
    Refusal::invalid(
        label,
        format!("{datatype} in raw_input_contents, as it has no typed contents"),
        "contents",
    )
}

/// Numbers in the smaller type that they are declared to have.
fn narrow<Wide, Narrow>(
    numbers: &[Wide],
    datatype: DataType,
    label: Label<'_>,
) -> Result<Vec<Narrow>, Refusal>
where
    Wide: Copy + std::fmt::Display,
    Narrow: TryFrom<Wide>,
{
    let mut narrowed = Vec::with_capacity(numbers.len());
    for (at, number) in numbers.iter().enumerate() {
        let fits = Narrow::try_from(*number).map_err(|_| {
            let got = format!("{number} at element {at}");
            Refusal::invalid(label, format!("numbers within {datatype}"), got)
        })?;
        narrowed.push(fits);
    }
    Ok(narrowed)
}
