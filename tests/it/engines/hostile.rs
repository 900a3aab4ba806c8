//! ONNX Runtime under what nobody should send it: hostile files, text that is none, callers all at once.

use std::fs;
use std::thread;

use impresario::models::package::EngineChoice;
use impresario::models::{InferError, Tensor};

use super::{load_with, loaders, reason};
use crate::daemon::{copy, root};

#[test]
fn hostile_files_are_refused_before_the_library_reads_a_path() {
    let loaders = loaders();
    let folder = root().join("tests/fixtures/onnx-refused");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let dir = entry.unwrap().path();
        let name = dir.file_name().unwrap().to_string_lossy().into_owned();
        seen += 1;
        for engine in [EngineChoice::OnnxRuntime, EngineChoice::Auto] {
            let error = load_with(&loaders, &dir, engine).err();
            let said = reason(&error.unwrap_or_else(|| panic!("{name}: loads")), &dir);
            assert!(!said.contains("panicked"), "{name}: {said}");
            if name == "external-absolute" || name == "external-parent" {
                assert!(
                    said.contains("inside the version's folder"),
                    "{name}: {said}"
                );
            }
        }
    }
    assert!(seen > 10, "{seen}");
}

#[cfg(unix)]
#[test]
fn weights_behind_a_link_that_leads_out_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let version = dir.path().join("m/1");
    copy(&root().join("tests/fixtures/torch/mlp-external"), &version);
    let loaders = loaders();
    let inside = load_with(&loaders, &version, EngineChoice::OnnxRuntime);
    assert_eq!(inside.unwrap().engine, "onnxruntime");
    let weights = version.join("weights.bin");
    fs::rename(&weights, dir.path().join("secret")).unwrap();
    std::os::unix::fs::symlink(dir.path().join("secret"), &weights).unwrap();
    let error = load_with(&loaders, &version, EngineChoice::OnnxRuntime);
    let said = reason(&error.err().expect("it leads out"), &version);
    assert!(said.contains("weights.bin"), "{said}");
}

#[test]
fn text_that_is_none_is_the_callers_fault() {
    let dir = root().join("tests/fixtures/onnx/label-encoder-string");
    let loaded = load_with(&loaders(), &dir, EngineChoice::OnnxRuntime).unwrap();
    let ask = |bytes: &[u8]| {
        let rank = loaded.contract.inputs[0].shape.len();
        let tensor = Tensor::of(vec![1; rank], vec![bytes.to_vec()]).unwrap();
        loaded.model.infer(vec![tensor])
    };
    for (bytes, said) in [(&b"\xff\xfe"[..], "UTF-8"), (&b"a\0b"[..], "NUL")] {
        match ask(bytes) {
            Err(InferError::Refused { what }) => assert!(what.contains(said), "{what}"),
            other => panic!("{said}: {other:?}"),
        }
    }
}

#[test]
fn callers_at_once_get_their_own_answers() {
    let dir = root().join("examples/quickstart/models/iris-linear/1");
    let loaded = load_with(&loaders(), &dir, EngineChoice::OnnxRuntime).unwrap();
    let row = |at: u32| {
        let x = 4.0 + f32::from(u8::try_from(at % 40).unwrap()) / 10.0;
        vec![Tensor::of(vec![1, 4], vec![x, 3.0, x - 3.0, 0.2]).unwrap()]
    };
    let alone: Vec<_> = (0..40)
        .map(|at| loaded.model.infer(row(at)).unwrap())
        .collect();
    thread::scope(|scope| {
        for caller in 0..8u32 {
            let (model, alone) = (&loaded.model, &alone);
            scope.spawn(move || {
                for at in 0..200 {
                    let at = (at * 7 + caller) % 40;
                    assert_eq!(model.infer(row(at)).unwrap(), alone[at as usize]);
                }
            });
        }
    });
}
