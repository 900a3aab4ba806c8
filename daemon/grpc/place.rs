//! One place in a message, by the steps of a pointer into what the request would be as JSON, so that a pipeline finds its
//! key in the same place whichever door a request comes through.
//!
//! A tensor's elements are found by their place in a flat list, `/inputs/0/data/3`: messages hold no nested ones.

use super::proto::infer_parameter::ParameterChoice;
use super::proto::model_infer_request::InferInputTensor;
use super::proto::{InferParameter, InferTensorContents, ModelInferRequest};
use crate::codec::index;

/// What stands at a place, as text; nothing where there is nothing, or what is no text.
pub(super) fn find(message: &ModelInferRequest, steps: &[&str]) -> Option<String> {
    match steps {
        ["parameters", name] => parameter(message.parameters.get(*name)?),
        ["inputs", at, "parameters", name] => {
            parameter(message.inputs.get(index(at)?)?.parameters.get(*name)?)
        }
        ["inputs", at, "name"] => Some(message.inputs.get(index(at)?)?.name.clone()),
        ["inputs", at, "datatype"] => Some(message.inputs.get(index(at)?)?.datatype.clone()),
        ["inputs", at, "shape", axis] => {
            let shape = &message.inputs.get(index(at)?)?.shape;
            Some(shape.get(index(axis)?)?.to_string())
        }
        ["inputs", at, "data", element] => {
            let (at, element) = (index(at)?, index(element)?);
            let input = message.inputs.get(at)?;
            match message.raw_input_contents.get(at) {
                Some(raw) => raw_element(&input.datatype, raw, element),
                None => typed(input, element),
            }
        }
        _ => None,
    }
}

fn parameter(parameter: &InferParameter) -> Option<String> {
    Some(match parameter.parameter_choice.as_ref()? {
        ParameterChoice::BoolParam(flag) => flag.to_string(),
        ParameterChoice::Int64Param(int) => int.to_string(),
        ParameterChoice::Uint64Param(uint) => uint.to_string(),
        ParameterChoice::DoubleParam(double) => double.to_string(),
        ParameterChoice::StringParam(text) => text.clone(),
    })
}

/// An element of the field that holds any; decoding refuses a tensor that has several.
fn typed(input: &InferInputTensor, at: usize) -> Option<String> {
    let InferTensorContents {
        bool_contents,
        int_contents,
        int64_contents,
        uint_contents,
        uint64_contents,
        fp32_contents,
        fp64_contents,
        bytes_contents,
    } = input.contents.as_ref()?;
    None.or_else(|| bool_contents.get(at).map(ToString::to_string))
        .or_else(|| int_contents.get(at).map(ToString::to_string))
        .or_else(|| int64_contents.get(at).map(ToString::to_string))
        .or_else(|| uint_contents.get(at).map(ToString::to_string))
        .or_else(|| uint64_contents.get(at).map(ToString::to_string))
        .or_else(|| fp32_contents.get(at).map(ToString::to_string))
        .or_else(|| fp64_contents.get(at).map(ToString::to_string))
        .or_else(|| String::from_utf8(bytes_contents.get(at)?.clone()).ok())
}

/// An element of raw contents, in little-endian bytes; texts stand behind their lengths.
fn raw_element(datatype: &str, raw: &[u8], at: usize) -> Option<String> {
    macro_rules! number {
        ($type:ty) => {{
            const SIZE: usize = size_of::<$type>();
            let from = at.checked_mul(SIZE)?;
            let bytes = raw.get(from..from.checked_add(SIZE)?)?;
            <$type>::from_le_bytes(bytes.try_into().ok()?).to_string()
        }};
    }
    Some(match datatype {
        "BOOL" => (*raw.get(at)? != 0).to_string(),
        "INT8" => number!(i8),
        "INT16" => number!(i16),
        "INT32" => number!(i32),
        "INT64" => number!(i64),
        "UINT8" => number!(u8),
        "UINT16" => number!(u16),
        "UINT32" => number!(u32),
        "UINT64" => number!(u64),
        "FP32" => number!(f32),
        "FP64" => number!(f64),
        "BYTES" => {
            let mut rest = raw;
            for _ in 0..at {
                (_, rest) = text(rest)?;
            }
            String::from_utf8(text(rest)?.0.to_vec()).ok()?
        }
        _ => return None,
    })
}

/// The first text, and what is behind it.
fn text(raw: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = raw.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::super::infer::text as parameter_of;
    use super::*;

    fn input(datatype: &str, contents: Option<InferTensorContents>) -> InferInputTensor {
        InferInputTensor {
            name: "x".to_owned(),
            datatype: datatype.to_owned(),
            shape: vec![1, 2],
            parameters: [("user".to_owned(), parameter_of("bob"))].into(),
            contents,
        }
    }

    fn at(message: &ModelInferRequest, pointer: &str) -> Option<String> {
        let steps: Vec<&str> = pointer.split('/').skip(1).collect();
        find(message, &steps)
    }

    #[test]
    fn places_are_those_of_the_json() {
        let message = ModelInferRequest {
            parameters: [("user".to_owned(), parameter_of("ann"))].into(),
            inputs: vec![
                input(
                    "INT64",
                    Some(InferTensorContents {
                        int64_contents: vec![7, -8],
                        ..InferTensorContents::default()
                    }),
                ),
                input(
                    "BYTES",
                    Some(InferTensorContents {
                        bytes_contents: vec![b"one".to_vec(), vec![0xff]],
                        ..InferTensorContents::default()
                    }),
                ),
            ],
            ..ModelInferRequest::default()
        };
        for (pointer, found) in [
            ("/parameters/user", Some("ann")),
            ("/parameters/other", None),
            ("/inputs/0/parameters/user", Some("bob")),
            ("/inputs/0/name", Some("x")),
            ("/inputs/0/datatype", Some("INT64")),
            ("/inputs/0/shape/1", Some("2")),
            ("/inputs/0/data/1", Some("-8")),
            ("/inputs/0/data/2", None),
            ("/inputs/0/data/01", None),
            ("/inputs/1/data/0", Some("one")),
            ("/inputs/1/data/1", None),
            ("/inputs/2/data/0", None),
            ("/outputs/0", None),
        ] {
            assert_eq!(at(&message, pointer).as_deref(), found, "{pointer}");
        }
    }

    #[test]
    fn raw_elements_are_read_where_they_are() {
        let texts = [
            &[3, 0, 0, 0][..],
            b"one",
            &[2, 0, 0, 0],
            b"zw",
            &[9, 0, 0, 0],
        ]
        .concat();
        for (datatype, raw, element, found) in [
            (
                "INT32",
                &[1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff][..],
                1,
                Some("-2"),
            ),
            ("INT32", &[1, 0, 0, 0, 0xfe][..], 1, None),
            ("UINT8", &[5, 6][..], 1, Some("6")),
            ("FP32", &1.5f32.to_le_bytes()[..], 0, Some("1.5")),
            ("BOOL", &[0, 1][..], 1, Some("true")),
            ("BYTES", &texts[..], 1, Some("zw")),
            ("BYTES", &texts[..], 2, None),
            ("FP16", &[0, 0][..], 0, None),
            ("INT64", &[0; 8][..], usize::MAX, None),
        ] {
            let message = ModelInferRequest {
                inputs: vec![input(datatype, None)],
                raw_input_contents: vec![raw.to_vec().into()],
                ..ModelInferRequest::default()
            };
            let found_at = at(&message, &format!("/inputs/0/data/{element}"));
            assert_eq!(found_at.as_deref(), found, "{datatype} {element}");
        }
    }
}
