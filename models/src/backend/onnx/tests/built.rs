//! Small graphs (`graphs`), for what no exporter's file shows: number formats, broken promises, rows that mix.

use std::path::Path;

use half::{bf16, f16};
use tract_onnx::pb::tensor_proto::DataType as FileType;
use tract_onnx::pb::{FunctionProto, ModelProto, StringStringEntryProto, TypeProto};

use super::graphs::{FLOAT, floats, model, node, number, numbers, port, rename};
use super::text;
use crate::backend::onnx::file::Origin;
use crate::backend::onnx::loader::build;
use crate::contract::{Batching, Dim};
use crate::error::{InferError, LoadError};
use crate::loader::Model;
use crate::tensor::{DataType, Tensor};

fn made(proto: ModelProto) -> Result<Box<dyn Model>, LoadError> {
    made_in(proto, None)
}

fn made_in(proto: ModelProto, dir: Option<&Path>) -> Result<Box<dyn Model>, LoadError> {
    let origin = Origin {
        path: "built".into(),
        dir: dir.map(Into::into),
    };
    Ok(Box::new(build(proto, &origin)?))
}

fn refusal(proto: ModelProto) -> String {
    match made(proto) {
        Ok(_) => panic!("expected a refusal"),
        Err(error) => text(&error),
    }
}

// === contracts ===

#[test]
fn rows_that_mix_are_never_joined() {
    let mixing = |axis| {
        let mean = node("ReduceMean", &["x"], "m", vec![numbers("axes", &[axis])]);
        model(
            vec![port("x", FLOAT, &[0, 3])],
            vec![],
            vec![mean, node("Sub", &["x", "m"], "y", vec![])],
            vec![port("y", FLOAT, &[0, 3])],
        )
    };
    let contract = made(mixing(0)).unwrap().contract().clone();
    assert_eq!(contract.batching, Batching::None);
    let contract = made(mixing(1)).unwrap().contract().clone();
    assert_eq!(contract.batching, Batching::FirstAxis { max: None });
    assert_eq!(
        contract.inputs[0].shape,
        [Dim::Free(Some("n".into())), Dim::Fixed(3)]
    );
    assert_eq!(contract.outputs[0].shape, contract.inputs[0].shape);
}

#[test]
fn a_false_declaration_is_corrected() {
    let proto = model(
        vec![port("x", FLOAT, &[-1, 3])],
        vec![],
        vec![node("Relu", &["x"], "y", vec![])],
        vec![port("y", FLOAT, &[1])],
    );
    let model = made(proto).unwrap();
    let contract = model.contract();
    assert_eq!(contract.outputs[0].shape, [Dim::Free(None), Dim::Fixed(3)]);
    assert_eq!(contract.batching, Batching::FirstAxis { max: None });
}

#[test]
fn inputs_with_a_default_are_no_ports() {
    let proto = model(
        vec![port("x", FLOAT, &[0, 2]), port("w", FLOAT, &[2])],
        vec![floats("w", &[2], &[10.0, 20.0])],
        vec![node("Add", &["x", "w"], "y", vec![])],
        vec![port("y", FLOAT, &[0, 2])],
    );
    let model = made(proto).unwrap();
    assert_eq!(model.contract().inputs.len(), 1);
    let out = model
        .infer(vec![Tensor::of(vec![1, 2], vec![1f32, 2.0]).unwrap()])
        .unwrap();
    assert_eq!(out[0].as_slice::<f32>().unwrap(), [11.0, 22.0]);
}

#[test]
fn fixed_first_axes_are_no_rows() {
    let proto = model(
        vec![port("x", FLOAT, &[2, 3])],
        vec![],
        vec![node("Relu", &["x"], "y", vec![])],
        vec![port("y", FLOAT, &[2, 3])],
    );
    assert_eq!(made(proto).unwrap().contract().batching, Batching::None);
}

#[test]
fn axes_of_different_names_may_still_have_to_agree() {
    // tract cannot join n and m by name; with sizes it can.
    let mut right = port("b", FLOAT, &[0, 3]);
    rename(&mut right, "m");
    let mut joined = port("y", FLOAT, &[0, 5]);
    rename(&mut joined, "k");
    let proto = model(
        vec![port("a", FLOAT, &[0, 2]), right],
        vec![],
        vec![node("Concat", &["a", "b"], "y", vec![number("axis", 1)])],
        vec![joined],
    );
    let model = made(proto).unwrap();
    assert_eq!(model.contract().batching, Batching::None);
    for rows in [1, 3, 40] {
        let a = Tensor::of(vec![rows, 2], vec![1f32; 2 * rows]).unwrap();
        let b = Tensor::of(vec![rows, 3], vec![2f32; 3 * rows]).unwrap();
        let out = model.infer(vec![a, b]).unwrap();
        model.contract().check_outputs(&out).unwrap();
        assert_eq!(
            out[0].as_slice::<f32>().unwrap()[..5],
            [1.0, 1.0, 2.0, 2.0, 2.0]
        );
    }
    let a = Tensor::of(vec![1, 2], vec![1f32; 2]).unwrap();
    let b = Tensor::of(vec![2, 3], vec![2f32; 6]).unwrap();
    let got = model.infer(vec![a, b]);
    assert!(matches!(got, Err(InferError::Refused { .. })), "{got:?}");
}

// === number formats ===

#[test]
fn sixteen_bit_numbers_are_computed() {
    let doubled = |kind| {
        model(
            vec![port("x", kind, &[0, 2])],
            vec![],
            vec![node("Add", &["x", "x"], "y", vec![])],
            vec![port("y", kind, &[0, 2])],
        )
    };
    let half = made(doubled(FileType::Float16)).unwrap();
    let given = vec![f16::from_f32(1.5), f16::from_f32(-3.0)];
    let out = half
        .infer(vec![Tensor::of(vec![1, 2], given).unwrap()])
        .unwrap();
    assert_eq!(
        out[0].as_slice::<f16>().unwrap(),
        [f16::from_f32(3.0), f16::from_f32(-6.0)]
    );
    let brain = made(doubled(FileType::Bfloat16)).unwrap();
    assert_eq!(brain.contract().inputs[0].datatype, DataType::Bf16);
    let given = vec![bf16::from_f32(1.5), bf16::from_f32(-3.0)];
    let out = brain
        .infer(vec![Tensor::of(vec![1, 2], given).unwrap()])
        .unwrap();
    assert_eq!(
        out[0].as_slice::<bf16>().unwrap(),
        [bf16::from_f32(3.0), bf16::from_f32(-6.0)]
    );
}

#[test]
fn brain_float_weights_and_casts_are_widened() {
    let mut weights = floats("w", &[2], &[]);
    weights.data_type = FileType::Bfloat16 as i32;
    let raw = [bf16::from_f32(0.5), bf16::from_f32(2.0)].map(bf16::to_le_bytes);
    weights.raw_data = raw.concat();
    let proto = model(
        vec![port("x", FLOAT, &[0, 2])],
        vec![weights],
        vec![
            node("Cast", &["x"], "b", vec![number("to", 16)]),
            node("Mul", &["b", "w"], "p", vec![]),
            node("Cast", &["p"], "y", vec![number("to", 1)]),
        ],
        vec![port("y", FLOAT, &[0, 2])],
    );
    let out = made(proto)
        .unwrap()
        .infer(vec![Tensor::of(vec![1, 2], vec![4f32, 4.0]).unwrap()])
        .unwrap();
    assert_eq!(out[0].as_slice::<f32>().unwrap(), [2.0, 8.0]);
}

#[test]
fn whole_numbers_and_booleans_pass_unchanged() {
    let through = |kind| {
        let proto = model(
            vec![port("x", kind, &[0])],
            vec![],
            vec![node("Identity", &["x"], "y", vec![])],
            vec![port("y", kind, &[0])],
        );
        made(proto).unwrap()
    };
    macro_rules! same {
        ($kind:ident, $($value:expr),*) => {
            let given = Tensor::vector(vec![$($value),*]);
            let out = through(FileType::$kind).infer(vec![given.clone()]).unwrap();
            assert_eq!(out, [given], stringify!($kind));
        };
    }
    same!(Bool, true, false);
    same!(Uint8, u8::MAX, 0);
    same!(Uint16, u16::MAX, 0);
    same!(Uint32, u32::MAX, 0);
    same!(Uint64, u64::MAX, 0);
    same!(Int8, i8::MIN, i8::MAX);
    same!(Int16, i16::MIN, i16::MAX);
    same!(Int32, i32::MIN, i32::MAX);
    same!(Int64, i64::MIN, i64::MAX, 1 << 40);
    same!(Double, f64::MIN_POSITIVE, f64::MAX);
    same!(String, "grün".as_bytes().to_vec(), Vec::new());
}

// === the caller's faults ===

#[test]
fn bytes_that_are_no_text_are_refused_by_name() {
    let proto = model(
        vec![port("words", FileType::String, &[0])],
        vec![],
        vec![node("Identity", &["words"], "y", vec![])],
        vec![port("y", FileType::String, &[0])],
    );
    let error = made(proto)
        .unwrap()
        .infer(vec![Tensor::vector(vec![b"ok".to_vec(), vec![0xff]])]);
    let Err(InferError::Refused { what }) = error else {
        panic!("expected a refusal, got {error:?}");
    };
    assert!(
        what.contains("'words'") && what.contains("element 1"),
        "{what}"
    );
}

#[test]
fn an_index_out_of_range_is_the_callers_fault() {
    let proto = model(
        vec![port("ids", FileType::Int64, &[0])],
        vec![floats("table", &[3, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0])],
        vec![node("Gather", &["table", "ids"], "y", vec![])],
        vec![port("y", FLOAT, &[0, 2])],
    );
    let model = made(proto).unwrap();
    let out = model.infer(vec![Tensor::vector(vec![2i64, -1])]).unwrap();
    assert_eq!(out[0].as_slice::<f32>().unwrap(), [4.0, 5.0, 4.0, 5.0]);
    for bad in [3i64, 1 << 40, -4, i64::MIN] {
        let got = model.infer(vec![Tensor::vector(vec![bad])]);
        let Err(InferError::Refused { what }) = got else {
            panic!("{bad}: expected a refusal, got {got:?}");
        };
        assert!(
            what.contains("from -3 to 2") && what.contains(&bad.to_string()),
            "{what}"
        );
    }
}

// === refusals ===

#[test]
fn what_is_too_new_is_said() {
    let mut proto = model(
        vec![],
        vec![floats("y", &[1], &[1.0])],
        vec![],
        vec![port("y", FLOAT, &[1])],
    );
    proto.opset_import[0].version = 99;
    let bytes_of_version = crate::backend::onnx::file::versions(&proto).unwrap_err();
    let said = text(&bytes_of_version);
    assert!(said.contains("99") && said.contains("opset"), "{said}");
    proto.opset_import[0].version = 17;
    proto.ir_version = 99;
    let said = text(&crate::backend::onnx::file::versions(&proto).unwrap_err());
    assert!(said.contains("IR version 99"), "{said}");
}

#[test]
fn functions_and_unread_maps_are_refused_with_a_remedy() {
    let mut call = node("Gate", &["x"], "y", vec![]);
    call.domain = "my.own".into();
    let ports = || {
        (
            vec![port("x", FLOAT, &[0, 2])],
            vec![port("y", FLOAT, &[0, 2])],
        )
    };
    let (input, output) = ports();
    let mut proto = model(input, vec![], vec![call], output);
    proto.functions.push(FunctionProto {
        name: Some("Gate".into()),
        domain: Some("my.own".into()),
        ..FunctionProto::default()
    });
    let said = refusal(proto);
    assert!(said.contains("'Gate'") && said.contains("inline"), "{said}");
    let (input, output) = ports();
    let mut map = node("ZipMap", &["x"], "z", vec![]);
    map.domain = "ai.onnx.ml".into();
    let said = refusal(model(
        input,
        vec![],
        vec![map, node("Relu", &["x"], "y", vec![])],
        output,
    ));
    assert!(
        said.contains("'ZipMap'") && said.contains("'zipmap': False"),
        "{said}"
    );
    let (input, mut output) = ports();
    output[0].r#type = Some(TypeProto::default());
    let said = refusal(model(
        input,
        vec![],
        vec![node("Relu", &["x"], "y", vec![])],
        output,
    ));
    assert!(said.contains("'y'") && said.contains("zipmap"), "{said}");
}

// === external data ===

fn with_external(entries: &[(&str, &str)]) -> ModelProto {
    let mut weights = floats("w", &[2], &[]);
    weights.data_location = Some(1);
    let entry = |(key, value): &(&str, &str)| StringStringEntryProto {
        key: (*key).into(),
        value: (*value).into(),
    };
    weights.external_data = entries.iter().map(entry).collect();
    model(
        vec![port("x", FLOAT, &[0, 2])],
        vec![weights],
        vec![node("Add", &["x", "w"], "y", vec![])],
        vec![port("y", FLOAT, &[0, 2])],
    )
}

#[test]
fn external_data_is_read_from_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = [9f32, 1.0, 2.0]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    std::fs::write(dir.path().join("w.bin"), bytes).unwrap();
    let good = with_external(&[("location", "w.bin"), ("offset", "4"), ("length", "8")]);
    let out = made_in(good, Some(dir.path()))
        .unwrap()
        .infer(vec![Tensor::of(vec![1, 2], vec![0f32, 0.0]).unwrap()])
        .unwrap();
    assert_eq!(out[0].as_slice::<f32>().unwrap(), [1.0, 2.0]);
    let bad: [(&[(&str, &str)], &str); 6] = [
        (&[("location", "w.bin"), ("offset", "8")], "4 bytes"),
        (&[("location", "w.bin"), ("offset", "99")], "12 bytes"),
        (
            &[("location", "w.bin"), ("length", "18446744073709551615")],
            "12 bytes",
        ),
        (&[("location", "w.bin"), ("offset", "-4")], "whole number"),
        (&[("offset", "4")], "location"),
        (&[("location", ".")], "file"),
    ];
    for (entries, named) in bad {
        match made_in(with_external(entries), Some(dir.path())) {
            Ok(_) => panic!("{entries:?} loads"),
            Err(error) => {
                let said = text(&error);
                assert!(
                    said.contains(named) && said.contains("'w'"),
                    "{entries:?}: {said}"
                );
            }
        }
    }
    let said = refusal(with_external(&[("location", "w.bin")]));
    assert!(said.contains("without a folder"), "{said}");
}
