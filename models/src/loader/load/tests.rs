//! Packages loaded through a loader made for the test: the stages, what each refuses, and what they leave.

use std::fs;
use std::sync::Mutex;

use expect_test::{Expect, expect};
use tempfile::TempDir;

use super::*;
use crate::contract::{Batching, Dim, Port};
use crate::loader::Loader;
use crate::name::{Name, VersionNumber};
use crate::package::Kind;
use crate::tensor::DataType;

/// Doubles every number of `x` FP32 [-1, 2], but first does what its file's text says.
struct Doubler;

struct Double {
    contract: Contract,
    text: String,
    seen: Mutex<Vec<Vec<f32>>>,
}

impl Loader for Doubler {
    fn engine(&self) -> &'static str {
        "doubler"
    }

    fn estimate(&self, package: &Package) -> Result<Estimate, LoadError> {
        let text = fs::read_to_string(package.artifact.path()).unwrap();
        assert_ne!(text, "panic at estimate");
        Ok(Estimate { memory: 42 })
    }

    fn load(&self, package: &Package) -> Result<Box<dyn Model>, LoadError> {
        let path = package.artifact.path();
        let text = fs::read_to_string(path).unwrap();
        match &*text {
            "panic at load" => panic!("{}", String::from("this is an odd file")),
            "change at load" => fs::write(path, "changed now").unwrap(),
            _ => {}
        }
        let shape = vec![Dim::Free(None), Dim::Fixed(2)];
        Ok(Box::new(Double {
            contract: Contract {
                inputs: vec![Port::new("x", DataType::Fp32, shape.clone())],
                outputs: vec![Port::new("y", DataType::Fp32, shape)],
                batching: Batching::FirstAxis { max: None },
            },
            text,
            seen: Mutex::default(),
        }))
    }
}

impl Model for Double {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn infer(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, InferError> {
        assert_ne!(self.text, "panic at inference");
        if self.text == "fail at inference" {
            return Err(InferError::Failed {
                what: "not today".into(),
            });
        }
        let x = inputs[0].as_slice::<f32>().unwrap().to_vec();
        let doubled = x.iter().map(|v| v * 2.0).collect();
        self.seen.lock().unwrap().push(x);
        Ok(vec![
            Tensor::of(inputs[0].shape().to_vec(), doubled).unwrap(),
        ])
    }
}

const GOLDEN: &str = r#"{"cases":[{"name":"two",
    "inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}],
    "outputs":[{"name":"y","shape":[1,2],"datatype":"FP32","data":[2,4.0001]}]}]}"#;

fn package(text: &str, files: &[(&str, &str)]) -> (TempDir, Package) {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("m/1");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("model.onnx"), text).unwrap();
    for (name, text) in files {
        fs::write(dir.join(name), text).unwrap();
    }
    let package = Package::open(root.path(), &Name::new("m").unwrap(), VersionNumber::ONE);
    (root, package.unwrap())
}

fn check(text: &str, files: &[(&str, &str)], expected: Expect) {
    let (root, package) = package(text, files);
    let mut stages = Vec::new();
    let loaders = Loaders::new().with(Kind::Onnx, Box::new(Doubler));
    let shown = match load(&package, &loaders, &mut |stage| stages.push(stage)) {
        Err(error) => format!("{stages:?}\n{error}"),
        Ok(loaded) => {
            assert_eq!(loaded.model.contract(), &*loaded.contract);
            assert_eq!(loaded.digest, Some(package.digest().unwrap()));
            let Loaded {
                engine,
                estimate,
                golden,
                warnings,
                timings,
                contract,
                ..
            } = loaded;
            let (warmed, max) = (timings.inference.is_some(), contract.max_rows());
            format!(
                "{stages:?}\n{engine} {estimate:?}, golden {golden}, warmed {warmed}, max {max:?}\n{}",
                warnings.join("\n")
            )
        }
    };
    let canonical = root.path().canonicalize().unwrap();
    expected.assert_eq(&shown.replace(&*canonical.to_string_lossy(), "ROOT"));
}

#[test]
fn the_stages_of_a_sound_version() {
    check(
        "",
        &[],
        expect![[r#"
        [Loading, Warming]
        doubler Estimate { memory: 42 }, golden 0, warmed true, max None
    "#]],
    );
    check(
        "",
        &[("golden.json", GOLDEN)],
        expect![[r#"
        [Loading, Golden, Warming]
        doubler Estimate { memory: 42 }, golden 1, warmed true, max None
    "#]],
    );
    check(
        "",
        &[
            ("golden.json", GOLDEN),
            (
                "model.toml",
                "version = 1\n[warmup]\nruns = 0\n[limits]\nmax_batch = 3",
            ),
        ],
        expect![[r#"
            [Loading, Golden]
            doubler Estimate { memory: 42 }, golden 1, warmed false, max Some(3)
        "#]],
    );
}

#[test]
fn an_unsound_version_never_becomes_ready() {
    let wrong = GOLDEN.replace("4.0001", "4.1");
    check(
        "",
        &[("golden.json", &wrong)],
        expect![[r#"
            [Loading, Golden]
            golden example 'two': output 'y': element 1: expected 4.1, got 4, off by 1.000e-1 where the tolerance allows 5.100e-4"#]],
    );
    check(
        "",
        &[("golden.json", "{\"cases\":[{}]}")],
        expect![[r#"
        [Loading]
        ROOT/m/1/golden.json: missing field `name` at line 1 column 12"#]],
    );
    check(
        "",
        &[(
            "model.toml",
            "version = 1\n[contract.inputs.z]\nrange = [0, 1]",
        )],
        expect![[r#"
            [Loading]
            ROOT/m/1/model.toml: line 2: contract.inputs.z: the model has no such input, it has 'x'"#]],
    );
    check(
        "panic at estimate",
        &[],
        expect![[r#"
        [Loading]
        engine doubler: panicked: assertion `left != right` failed
          left: "panic at estimate"
         right: "panic at estimate""#]],
    );
    check(
        "panic at load",
        &[],
        expect![[r#"
        [Loading]
        engine doubler: panicked: this is an odd file"#]],
    );
    check(
        "change at load",
        &[],
        expect![[r#"
        [Loading]
        ROOT/m/1: the files changed while they were read; expected a version to be complete before it is loaded"#]],
    );
    check(
        "panic at inference",
        &[("golden.json", GOLDEN)],
        expect![[r#"
            [Loading, Golden]
            engine doubler: panicked: assertion `left != right` failed
              left: "panic at inference"
             right: "panic at inference""#]],
    );
    check(
        "fail at inference",
        &[("golden.json", GOLDEN)],
        expect![[r#"
        [Loading, Golden]
        golden example 'two': inference failed: not today"#]],
    );
}

#[test]
fn made_up_inputs_that_a_model_refuses_say_nothing_against_it() {
    check(
        "fail at inference",
        &[],
        expect![[r#"
            [Loading, Warming]
            doubler Estimate { memory: 42 }, golden 0, warmed false, max None
            ROOT/m/1: not warmed up with zeros: engine doubler: warm-up: inference failed: not today
            ROOT/m/1: requests are not joined: it could not be seen whether rows depend on each other (no warm-up, or no made-up rows fit it; golden.json would give some); [limits] join in model.toml decides it"#]],
    );
    check(
        "panic at inference",
        &[],
        expect![[r#"
            [Loading, Warming]
            doubler Estimate { memory: 42 }, golden 0, warmed false, max None
            ROOT/m/1: not warmed up with zeros: engine doubler: panicked: assertion `left != right` failed
              left: "panic at inference"
             right: "panic at inference"
            ROOT/m/1: requests are not joined: it could not be seen whether rows depend on each other (no warm-up, or no made-up rows fit it; golden.json would give some); [limits] join in model.toml decides it"#]],
    );
    check(
        "",
        &[(
            "model.toml",
            "version = 1\n[contract.inputs.x]\nrange = [3, 4]\nnon_finite = \"forbid\"",
        )],
        expect![[r#"
            [Loading, Warming]
            doubler Estimate { memory: 42 }, golden 0, warmed true, max None
        "#]],
    );
}

#[test]
fn an_artifact_without_a_loader_is_refused() {
    let (_root, package) = package("", &[]);
    let error = load(&package, &Loaders::new(), &mut |_| {})
        .map(|_| ())
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.ends_with(
            "this build has no engine for Onnx files; build with the feature of that engine"
        ),
        "{text}"
    );
}

#[test]
fn samples_are_zeros_or_the_nearest_that_fits() {
    let shown = |port: Port| {
        let contract = Contract {
            inputs: vec![port],
            outputs: vec![],
            batching: Batching::None,
        };
        let show = |t: Vec<Tensor>| format!("{:?} {:?}", t[0].shape(), t[0].values());
        sample::inputs(&contract).map_or("none".to_owned(), show)
    };
    let port = |datatype, shape| Port::new("x", datatype, shape);
    let free = || vec![Dim::Free(None), Dim::Fixed(2)];
    expect!["[1, 2] Fp64([0.0, 0.0])"].assert_eq(&shown(port(DataType::Fp64, free())));
    expect!["[1, 2] Bytes([[], []])"].assert_eq(&shown(port(DataType::Bytes, free())));
    expect!["[] Bool([false])"].assert_eq(&shown(port(DataType::Bool, vec![])));
    let ranged = |datatype, range| Port {
        range: Some(range),
        ..port(datatype, vec![])
    };
    expect!["[] Fp32([2.5])"].assert_eq(&shown(ranged(DataType::Fp32, (2.5, 9.0))));
    expect!["[] Int8([-3])"].assert_eq(&shown(ranged(DataType::Int8, (-9.0, -2.5))));
    expect!["none"].assert_eq(&shown(ranged(DataType::Int32, (0.2, 0.8))));
    let categories = |datatype, category: &str| Port {
        categories: Some([category.to_owned()].into()),
        ..port(datatype, vec![])
    };
    expect!["[] Bytes([[82]])"].assert_eq(&shown(categories(DataType::Bytes, "R")));
    expect!["[] Uint8([7])"].assert_eq(&shown(categories(DataType::Uint8, "7")));
    expect!["none"].assert_eq(&shown(categories(DataType::Uint8, "R")));
    expect!["none"].assert_eq(&shown(port(
        DataType::Fp32,
        vec![Dim::Fixed(usize::MAX); 2],
    )));
}

#[test]
fn a_model_of_an_application_needs_no_files() {
    let (_root, package) = package("", &[]);
    let loaded = Loaded::from_model(Doubler.load(&package).unwrap());
    assert_eq!(
        (loaded.engine, loaded.digest, loaded.golden),
        ("embedded", None, 0)
    );
    let x = Tensor::of(vec![1, 2], vec![1f32, 2.0]).unwrap();
    let y = loaded.model.infer(vec![x]).unwrap();
    assert_eq!(y[0].as_slice::<f32>(), Some(&[2.0, 4.0][..]));
}

#[cfg(all(feature = "onnx", feature = "burn"))]
#[test]
fn every_version_of_the_quickstart_is_sound() {
    use std::time::SystemTime;
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/quickstart/models");
    let repository = crate::Repository::open(root.as_ref()).unwrap();
    let scan = repository.scan(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(scan.notes, []);
    let mut shown = String::new();
    for (model, found) in &scan.models {
        for &version in found.versions.keys() {
            let package = repository.package(model, version).unwrap();
            let loaded = load(
                &package,
                &crate::backend::loaders(&crate::backend::Engines::built_in()).unwrap(),
                &mut |_| {},
            );
            let loaded = loaded.unwrap_or_else(|e| panic!("{model}/{version}: {e}"));
            assert!(loaded.golden > 0, "{model}/{version} has no golden example");
            assert!(loaded.timings.inference.is_some());
            shown += &format!("{model}/{version} {}\n", loaded.engine);
        }
    }
    expect![[r#"
        digits-burn/1 burn-flex
        digits-mlp/1 tract
        iris/1 tract
        iris/2 tract
        iris-forest/1 tract
        iris-linear/1 tract
    "#]]
    .assert_eq(&shown);
}
