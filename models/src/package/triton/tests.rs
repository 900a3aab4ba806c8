//! Tables of configurations: what is read, what is laid over a contract, what contradicts it.

use std::fs;

use expect_test::{Expect, expect};

use super::*;
use crate::contract::{Batching, Contract, Dim, Dims, Port};
use crate::package::overlay::overlay;
use crate::package::{Limits, Manifest};

/// A model that takes `x` FP32 [-1, 4] and `t` BYTES [-1, -1], and gives `y` FP32 [-1, 3].
fn contract() -> Contract {
    let free = || Dim::Free(None);
    Contract {
        inputs: vec![
            Port::new("x", DataType::Fp32, vec![free(), Dim::Fixed(4)]),
            Port::new("t", DataType::Bytes, vec![free(), free()]),
        ],
        outputs: vec![Port::new("y", DataType::Fp32, vec![free(), Dim::Fixed(3)])],
        batching: Batching::FirstAxis { max: None },
    }
}

fn lay(config: &str, toml: &str, contract: Contract) -> String {
    let root = tempfile::tempdir().unwrap();
    let base = root.path().canonicalize().unwrap();
    let dir = base.join("m");
    fs::create_dir_all(dir.join("1")).unwrap();
    fs::write(dir.join("labels.txt"), "a\nb\r\nc\n").unwrap();
    if !config.is_empty() {
        fs::write(dir.join(CONFIG_FILE), config).unwrap();
    }
    fs::write(dir.join("1/model.toml"), format!("version = 1\n{toml}")).unwrap();
    let model = Name::new("m").unwrap();
    let laid = Manifest::read(&base, &dir, &dir.join("1"), &model, &Limits::default())
        .and_then(|manifest| Ok((overlay(&dir.join("1"), &manifest, contract)?, manifest)));
    let text = match laid {
        Err(error) => error.to_string(),
        Ok((contract, manifest)) => {
            let mut text = format!("{:?}, {:?}", contract.batching, manifest.versions);
            for port in contract.inputs.iter().chain(&contract.outputs) {
                text += &format!("\n{} {} {}", port.name, port.datatype, Dims(&port.shape));
                text += &port.range.map_or(String::new(), |r| format!(" {r:?}"));
                text += &port
                    .categories
                    .as_ref()
                    .map_or(String::new(), |c| format!(" {c:?}"));
                if !port.labels.is_empty() {
                    text += &format!(" {:?}", port.labels);
                }
            }
            manifest
                .warnings
                .iter()
                .fold(text, |text, w| text + "\n" + w)
        }
    };
    text.replace(&*base.to_string_lossy(), "ROOT")
}

fn check(config: &str, expected: Expect) {
    expected.assert_eq(&lay(config, "", contract()));
}

fn check_toml(toml: &str, expected: Expect) {
    expected.assert_eq(&lay("", toml, contract()));
}

#[test]
fn what_is_read() {
    check(
        r#"
name: "m"
platform: "onnxruntime_onnx"
max_batch_size: 8
input [ { name: "x" data_type: TYPE_FP32 dims: [ 4 ] }, { name: "t" data_type: TYPE_STRING dims: [ 2 ] } ]
output { name: "y", data_type: TYPE_FP32, dims: 3, label_filename: "labels.txt" }
version_policy: { specific: { versions: [1, 3] } }
instance_group [ { count: 2 } ]
dynamic_batching { }
optimization { priority: PRIORITY_MAX }
"#,
        expect![[r#"
            FirstAxis { max: Some(8) }, List({1, 3})
            x FP32 [-1, 4]
            t BYTES [-1, 2]
            y FP32 [-1, 3] ["a", "b", "c"]
            ROOT/m/config.pbtxt: line 10: optimization has no meaning here and is ignored"#]],
    );
    check(
        "version_policy { latest { num_versions: 2 } }",
        expect![[r#"
        FirstAxis { max: None }, Latest(2)
        x FP32 [-1, 4]
        t BYTES [-1, -1]
        y FP32 [-1, 3]"#]],
    );
    check(
        "version_policy { all {} } max_batch_size: 0",
        expect![[r#"
        None, All
        x FP32 [-1, 4]
        t BYTES [-1, -1]
        y FP32 [-1, 3]"#]],
    );
    check(
        "max_batch_size: 0 input { name: 'x' data_type: TYPE_FP32 dims: [-1, 4] } input { name: 't' data_type: TYPE_STRING dims: [-1, -1] }",
        expect![[r#"
            None, Latest(1)
            x FP32 [-1, 4]
            t BYTES [-1, -1]
            y FP32 [-1, 3]"#]],
    );
}

#[test]
fn what_contradicts_the_model() {
    check(
        "name: \"other\"",
        expect![[
            r#"ROOT/m/config.pbtxt: line 1: name: expected 'm', the name of the model's folder, got "other""#
        ]],
    );
    check(
        "input { name: 'z' data_type: TYPE_FP32 dims: [4] }",
        expect![
            "ROOT/m/config.pbtxt: line 1: input 'z': the model has no such input, it has 'x', 't'"
        ],
    );
    check(
        "input { name: 'x' data_type: TYPE_FP64 dims: [-1, 4] }",
        expect![
            "ROOT/m/config.pbtxt: line 1: input 'x': the file states datatype FP64, the model has FP32"
        ],
    );
    check(
        "input { name: 'x' data_type: TYPE_FP32 dims: [-1, 5] }",
        expect![
            "ROOT/m/config.pbtxt: line 1: input 'x': the file states dims [-1, 5], the model has [-1, 4]"
        ],
    );
    check(
        "max_batch_size: 2\ninput { name: 'x' data_type: TYPE_FP32 dims: [-1, 4] }",
        expect![
            "ROOT/m/config.pbtxt: line 2: input 'x': the file states dims [-1, 4], the model has [4] after its batch axis"
        ],
    );
    check(
        "input { name: 'x' data_type: TYPE_FP32 dims: [-1, -1] }",
        expect![
            "ROOT/m/config.pbtxt: line 1: input 'x': the file states dims [-1, -1], the model has [-1, 4]"
        ],
    );
    check(
        "input { name: 'x' data_type: TYPE_FP32 dims: [-1, 4] }",
        expect!["ROOT/m/config.pbtxt: input 't' of the model is not stated: expected 'x', 't'"],
    );
    let mut single = contract();
    single.batching = Batching::None;
    expect!["ROOT/m/config.pbtxt: max_batch_size is 4, but the model has no free first axis on all of its inputs and outputs; expected max_batch_size: 0"].assert_eq(&lay("max_batch_size: 4", "", single));
}

#[test]
fn what_is_wrong_in_itself() {
    check(
        "max_batch_size: -1",
        expect![
            "ROOT/m/config.pbtxt: line 1: max_batch_size: expected a whole number from 0, got -1"
        ],
    );
    check(
        "max_batch_size: 'x'",
        expect![[
            r#"ROOT/m/config.pbtxt: line 1: max_batch_size: expected a whole number from 0, got "x""#
        ]],
    );
    check(
        "\ninput {\n  name: 'x'\n}",
        expect!["ROOT/m/config.pbtxt: line 2: input: expected a data_type in it, found none"],
    );
    check(
        "input { data_type: TYPE_FP8 }",
        expect![
            "ROOT/m/config.pbtxt: line 1: input.data_type: expected a datatype such as TYPE_FP32 or TYPE_STRING, got TYPE_FP8"
        ],
    );
    check(
        "input: 3",
        expect!["ROOT/m/config.pbtxt: line 1: input: expected a message in braces, got 3"],
    );
    check(
        "output { name: 'y' data_type: TYPE_FP32 dims: [-1,3] label_filename: '../x' }",
        expect![
            "ROOT/m/config.pbtxt: line 1: output.label_filename: '../x': expected a path inside this folder, neither hidden nor temporary, got '../x'"
        ],
    );
    check(
        "output { name: 'y' data_type: TYPE_FP32 dims: [-1,3] label_filename: 'absent' }",
        expect![
            "ROOT/m/config.pbtxt: line 1: output.label_filename: 'absent': leads nowhere: No such file or directory (os error 2)"
        ],
    );
    check(
        "output { name: 'y' reshape { shape: [] } }",
        expect![
            "ROOT/m/config.pbtxt: line 1: output.reshape is not supported; state the shape that the model file has, without reshape"
        ],
    );
    check(
        "version_policy { newest {} }",
        expect![
            "ROOT/m/config.pbtxt: line 1: version_policy.newest: expected one of latest, all and specific"
        ],
    );
    check(
        "version_policy { specific { } }",
        expect![
            "ROOT/m/config.pbtxt: line 1: version_policy.specific: expected at least one of versions, found none"
        ],
    );
    check(
        "version_policy { latest { num_versions: 0 } }",
        expect![
            "ROOT/m/config.pbtxt: line 1: version_policy.latest.num_versions: expected a whole number from 1, got 0"
        ],
    );
    check(
        "name: \"m",
        expect![
            "ROOT/m/config.pbtxt: line 1: expected a closing quote on the same line, got the end of the file"
        ],
    );
}

#[test]
fn rules_of_model_toml() {
    check_toml(
        "[limits]\nmax_batch = 5\n[contract.inputs.x]\nrange = [0, 1.5]\nnon_finite = \"forbid\"\n[contract.inputs.t]\ncategories = [\"a\", 2]\n[contract.outputs.y]\nlabels = [\"p\", \"q\", \"r\"]",
        expect![[r#"
            FirstAxis { max: Some(5) }, Latest(1)
            x FP32 [-1, 4] (0.0, 1.5)
            t BYTES [-1, -1] ["a", "2"]
            y FP32 [-1, 3] ["p", "q", "r"]"#]],
    );
    check_toml(
        "[contract.inputs.z]\nrange = [0, 1]",
        expect![
            "ROOT/m/1/model.toml: line 2: contract.inputs.z: the model has no such input, it has 'x', 't'"
        ],
    );
    check_toml(
        "[contract.inputs.t]\nrange = [0, 1]",
        expect![
            "ROOT/m/1/model.toml: line 2: contract.inputs.t: range: expected a port of numbers, it is BYTES"
        ],
    );
    check_toml(
        "[contract.inputs.x]\ncategories = [1]",
        expect![
            "ROOT/m/1/model.toml: line 2: contract.inputs.x: categories: expected a port of texts or whole numbers, it is FP32"
        ],
    );
    check_toml(
        "[contract.inputs.t]\nnon_finite = \"forbid\"",
        expect![
            "ROOT/m/1/model.toml: line 2: contract.inputs.t: non_finite: expected a port of floating-point numbers, it is BYTES"
        ],
    );
    check_toml(
        "[contract.outputs.y]\nlabels = [\"p\"]",
        expect![
            "ROOT/m/1/model.toml: line 2: contract.outputs.y: labels: expected 3, as many as the last axis of shape [-1, 3] holds, got 1"
        ],
    );
    let mut single = contract();
    single.batching = Batching::None;
    expect!["ROOT/m/1: batches of 4 rows are asked for, but the model has no free first axis on all of its inputs and outputs; state no max_batch, or export the model with a free batch axis"].assert_eq(&lay("", "[limits]\nmax_batch = 4", single));
}

#[test]
fn the_manifest_wins_over_the_configuration() {
    expect![[r#"
        FirstAxis { max: Some(2) }, Latest(1)
        x FP32 [-1, 4]
        t BYTES [-1, -1]
        y FP32 [-1, 3] ["p", "q", "r"]"#]].assert_eq(&lay(
        "max_batch_size: 8 output { name: 'y' data_type: TYPE_FP32 dims: 3 label_filename: 'labels.txt' }",
        "[limits]\nmax_batch = 2\n[contract.outputs.y]\nlabels = [\"p\", \"q\", \"r\"]",
        contract(),
    ));
}

#[test]
fn scheduling_becomes_limits_that_model_toml_overrides() {
    let read = |toml: &str| {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().canonicalize().unwrap();
        let dir = base.join("m");
        fs::create_dir_all(dir.join("1")).unwrap();
        let config =
            "instance_group [ { count: 2 }, { kind: KIND_CPU } ] response_cache { enable: true }
            dynamic_batching { preferred_batch_size: [4, 8] max_queue_delay_microseconds: 100 }";
        fs::write(dir.join(CONFIG_FILE), config).unwrap();
        fs::write(dir.join("1/model.toml"), toml).unwrap();
        let model = Name::new("m").unwrap();
        let manifest = Manifest::read(&base, &dir, &dir.join("1"), &model, &Limits::default());
        let manifest = manifest.unwrap();
        let limits = manifest.limits;
        (
            limits.instances.get(),
            limits.join.max_delay,
            manifest.cache.is_some(),
        )
    };
    let micros = Duration::from_micros;
    assert_eq!(read(""), (3, micros(100), true));
    let other = "[limits]\ninstances = 1\nmax_delay = \"0s\"\n[cache]\nenabled = false\n";
    assert_eq!(read(other), (1, micros(0), false));
    check(
        "dynamic_batching { max_queue_delay_microseconds: 2000000 }",
        expect![
            "ROOT/m/config.pbtxt: line 1: dynamic_batching.max_queue_delay_microseconds: expected at most 1000000, a second, got 2000000"
        ],
    );
}
