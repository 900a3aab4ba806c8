//! What is told of graphs without a daemon: all that is wrong with them, whether their tests hold, and what they look like.

use std::fs;

use expect_test::{Expect, expect};
use serde_json::Value;

use crate::daemon::{House, copy, impresario, root};

/// The example of composites.
fn example() -> House {
    let house = House::new();
    let from = root().join("examples/composite");
    for part in ["models", "pipelines"] {
        copy(&from.join(part), &house.path().join(part));
    }
    let settings = fs::read_to_string(from.join("impresario.toml")).unwrap();
    house.write("impresario.toml", &settings);
    house
}

/// Runs a command on the house's files: its exit code, and both of its streams with paths from the house.
fn run(house: &House, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = impresario();
    command.args(arguments);
    command
        .arg("--config")
        .arg(house.path().join("impresario.toml"));
    let output = command.output().expect("run the command");
    let folder = format!("{}/", house.path().display());
    let text = |bytes| String::from_utf8_lossy(bytes).replace(&folder, "");
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn the_example_is_sound_and_its_tests_hold() {
    let house = example();
    let (code, out, _) = run(&house, &["check"]);
    assert_eq!(code, Some(0), "{out}");
    expect![[r#"
        ok: pipelines: 4, models: 7, warnings: 0
    "#]]
    .assert_eq(&out);

    let (code, out, err) = run(&house, &["check", "--run"]);
    assert_eq!(code, Some(0), "{out}\n{err}");
    expect![[r#"
        ok     cascade: the cheap one is sure (pipelines/cascade.toml:37: tests[0])
        ok     cascade: the cheap one is not sure (pipelines/cascade.toml:51: tests[1])
        ok     cascade: rows go different ways and come back in order (pipelines/cascade.toml:66: tests[2])
        ok     species: words in capitals (pipelines/species.toml:51: tests[0])
        ok     species: one of each species, each typed by another hand (pipelines/species.toml:59: tests[1])
        ok     species: an island that nobody knows, and no sex (pipelines/species.toml:69: tests[2])
        ok     vote: a malignant lump (pipelines/vote.toml:58: tests[0])
        ok     vote: a lump of each kind, and one that the voters do not agree on (pipelines/vote.toml:70: tests[1])
        ok     vote_yaml: a malignant lump (pipelines/vote.yaml:33: tests[0])
        ok     vote_yaml: a lump of each kind, and one that the voters do not agree on (pipelines/vote.yaml:46: tests[1])
        ok: pipelines: 4, models: 7, warnings: 0, tests: 10
    "#]].assert_eq(&out);
    for model in [
        "scaler", "linear", "forest", "net", "cheap", "strong", "penguins",
    ] {
        let line = format!("loaded {model} version 1 with ");
        assert!(err.contains(&line), "{err}");
    }
    // Nobody names it.
    assert!(!err.contains("net version 2"), "{err}");
}

#[test]
fn a_test_that_does_not_hold_says_why() {
    let house = example();
    let path = house.path().join("pipelines/cascade.toml");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace(
        "expect = { label = [2, 7, 0], sure = [1.0, 0.48419, 0.547842] }",
        "expect = { label = [2, 7, 1], sure = [1.0, 0.5, 0.547842] }\nskipped = [\"strong\"]",
    );
    let path_of = r#"path = ["cheap", "sure", "strong", "route"]"#;
    let at = text.rfind(path_of).unwrap();
    let text = format!("{}{}", &text[..at], &text[at + path_of.len()..]);
    fs::write(&path, text).unwrap();
    let (code, out, _) = run(&house, &["check", "--run"]);
    assert_eq!(code, Some(1), "{out}");
    for line in [
        "FAILED cascade: rows go different ways and come back in order (pipelines/cascade.toml:66: tests[2])",
        "    output 'label': 1 of 3 elements differ\n        [2]: expected 1, got 0\n",
        "    output 'sure': 1 of 3 elements differ by more than the tolerance of 0.0001\n        [1]: expected 0.5, got 0.484",
        ", off by 1.581e-2\n",
        "    node 'strong': expected to take no part, got: answered\n",
        "failed: pipelines: 4, models: 7, warnings: 0, tests: 10, of them failed: 1\n",
    ] {
        assert!(out.contains(line), "{line:?} is not said: {out}");
    }
    let (code, out, _) = run(&house, &["check", "--run", "--output", "json"]);
    assert_eq!(code, Some(1), "{out}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let tests = report["tests"].as_array().unwrap();
    let failed: Vec<&Value> = tests.iter().filter(|test| test["ok"] == false).collect();
    assert_eq!((report["ok"].as_bool(), failed.len()), (Some(false), 1));
    let kinds = failed[0]["findings"].as_array().unwrap();
    let kinds: Vec<&str> = kinds.iter().filter_map(|f| f["kind"].as_str()).collect();
    assert_eq!(kinds, ["output", "output", "node"]);
}

/// Ten mistakes of ten kinds in one file.
const TEN: &str = r#"version = 1
[pipelines.ten.policy]
type = "composite"
[pipelines.ten.policy.nodes]
scaled = { model = "scaler", version = 1, inputs = { X = "request.features" } }
one = { model = "linaer", version = 1, inputs = { X = "scaled" } }
two = { model = "net", version = 7, inputs = { X = "scaled" } }
three = { model = "forest", version = 1, inputs = { X = "scald" } }
four = { ensemble = "mean", of = ["good.probability", "good.probabilities"] }
five = { model = "strong", version = 1, inputs = { X = "scaled" } }
six = { transform = "softmax", of = "seven" }
seven = { transform = "softmax", of = "six" }
eight = { transform = "argmax", of = "good.probabilities" }
nine = { switch = [{ when = "good.probabilities > 0.5", call = "good" }, { else = "three" }] }
good = { model = "linear", version = 1, inputs = { X = "scaled" } }
request = { transform = "argmax", of = "good.probabilities" }
[pipelines.ten.policy.outputs]
a = "one.label"
b = "two.label"
c = "three.label"
d = "four"
e = "five.label"
f = "six"
g = "nine.label"
h = "ten.label"
"#;

#[test]
fn ten_mistakes_are_ten_problems() {
    let house = example();
    house.write("pipelines/ten.toml", TEN);
    let (code, out, _) = run(&house, &["check"]);
    assert_eq!(code, Some(1), "{out}");
    expect![[r#"
        pipelines/ten.toml:16:1: error[reserved-name] pipelines.ten.policy.nodes.request: 'request' is what was asked, and no name of a node (hint: call it 'request_node', or what it does)
        pipelines/ten.toml:13:1: error[unused-node] pipelines.ten.policy.nodes.eight: nobody reads node 'eight', and no output is made of it (hint: read 'eight' somewhere, or take it out)
        pipelines/ten.toml:10:56: error[type-mismatch] pipelines.ten.policy.nodes.five.inputs.X: expected FP32 [-1, 64] for input 'X' of model 'strong' version 1, got FP32 [-1, 30] of 'scaled'
        pipelines/ten.toml:9:35: error[unknown-port] pipelines.ten.policy.nodes.four.of[0]: node 'good' has no port 'probability' (hint: did you mean 'probabilities'?)
        pipelines/ten.toml:14:29: error[type-mismatch] pipelines.ten.policy.nodes.nine.switch[0].when: expected a double, got a list of 2 doubles, at character 1 (hint: make one of it with [0], .max(), .min(), .sum() or .mean())
        pipelines/ten.toml:6:17: error[unknown-model] pipelines.ten.policy.nodes.one.model: there is no model 'linaer' (hint: did you mean 'linear'?)
        pipelines/ten.toml:12:34: error[cycle] pipelines.ten.policy.nodes.seven.of[0]: these nodes wait for each other: seven → six → seven (hint: let one of them read something else)
        pipelines/ten.toml:8:57: error[unknown-node] pipelines.ten.policy.nodes.three.inputs.X: there is no node 'scald' (hint: did you mean 'scaled'?)
        pipelines/ten.toml:7:34: error[unknown-version] pipelines.ten.policy.nodes.two.version: model 'net' has no version 7 (hint: versions there are: 1, 2)
        pipelines/ten.toml:25:1: error[unknown-node] pipelines.ten.policy.outputs.h: there is no node 'ten' (hint: known here: eight, five, four, good, nine, one, request, scaled, seven, six, three, two)
        refused: errors: 10, warnings: 0
    "#]].assert_eq(&out);
    // No test is run of files that are not sound.
    let (code, out, _) = run(&house, &["check", "--run"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.ends_with("refused: errors: 10, warnings: 0\n"), "{out}");
}

#[test]
fn a_graph_is_printed_in_three_languages() {
    let house = example();
    let check = |format: &str, expected: Expect| {
        let (code, out, err) = run(&house, &["graph", "cascade", "--format", format]);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
        expected.assert_eq(&out);
    };
    check(
        "text",
        expect![[r#"
        cascade
          by row
        inputs
          X: FP32 [-1, 64]
        nodes
          cheap: model 'cheap' version 1
            X = request.X
            gives label: INT64 [-1]
            gives probabilities: FP32 [-1, 10]
          strong: model 'strong' version 1
            X = request.X
            falls back to cheap
            timeout 1s
            gives label: INT64 [-1]
            gives probabilities: FP32 [-1, 10]
          sure: map cheap.probabilities.max()
            of cheap.probabilities
            gives output: FP32 [-1]
          route: switch
            cheap when sure > 0.8
            strong otherwise
            gives label: INT64 [-1]
            gives probabilities: FP32 [-1, 10]
        outputs
          label: INT64 [-1] = route.label
          probabilities: FP32 [-1, 10] = route.probabilities
          sure: FP32 [-1] = sure.output
    "#]],
    );
    check(
        "dot",
        expect![[r#"
        digraph "cascade" {
          rankdir=LR;
          i0 [label="X: FP32 [-1, 64]", shape=ellipse];
          n0 [label="cheap\nmodel 'cheap' version 1\nlabel: INT64 [-1]\nprobabilities: FP32 [-1, 10]", shape=box];
          n1 [label="strong\nmodel 'strong' version 1\ntimeout 1s\nlabel: INT64 [-1]\nprobabilities: FP32 [-1, 10]", shape=box];
          n2 [label="sure\nmap cheap.probabilities.max()\noutput: FP32 [-1]", shape=box, style=rounded];
          n3 [label="route\nswitch\nlabel: INT64 [-1]\nprobabilities: FP32 [-1, 10]", shape=diamond];
          o0 [label="label: INT64 [-1]", shape=ellipse];
          o1 [label="probabilities: FP32 [-1, 10]", shape=ellipse];
          o2 [label="sure: FP32 [-1]", shape=ellipse];
          i0 -> n0 [label="as X", style=solid];
          i0 -> n1 [label="as X", style=solid];
          n0 -> n1 [label="where it fails", style=dotted];
          n0 -> n2 [label="probabilities", style=solid];
          n0 -> n3 [label="when sure > 0.8", style=dotted];
          n2 -> n3 [label="output", style=dashed];
          n1 -> n3 [label="otherwise", style=dotted];
          n3 -> o0 [label="label", style=solid];
          n3 -> o1 [label="probabilities", style=solid];
          n2 -> o2 [label="output", style=solid];
        }
    "#]],
    );
    check(
        "mermaid",
        expect![[r#"
        ---
        title: "cascade"
        ---
        flowchart LR
          i0(["X: FP32 [-1, 64]"])
          n0["cheap<br/>model 'cheap' version 1<br/>label: INT64 [-1]<br/>probabilities: FP32 [-1, 10]"]
          n1["strong<br/>model 'strong' version 1<br/>timeout 1s<br/>label: INT64 [-1]<br/>probabilities: FP32 [-1, 10]"]
          n2("sure<br/>map cheap.probabilities.max()<br/>output: FP32 [-1]")
          n3{"route<br/>switch<br/>label: INT64 [-1]<br/>probabilities: FP32 [-1, 10]"}
          o0(["label: INT64 [-1]"])
          o1(["probabilities: FP32 [-1, 10]"])
          o2(["sure: FP32 [-1]"])
          i0 -->|"as X"| n0
          i0 -->|"as X"| n1
          n0 -.->|"where it fails"| n1
          n0 -->|"probabilities"| n2
          n0 -.->|"when sure #62; 0.8"| n3
          n2 -.->|"output"| n3
          n1 -.->|"otherwise"| n3
          n3 -->|"label"| o0
          n3 -->|"probabilities"| o1
          n2 -->|"output"| o2
    "#]],
    );
    let (code, out, err) = run(&house, &["graph", "cascad"]);
    assert_eq!((code, out.as_str()), (Some(3), ""));
    expect![[r#"
        error: the files define no pipeline 'cascad'; did you mean 'cascade'?
    "#]]
    .assert_eq(&err);
}

#[test]
fn without_its_models_a_graph_is_printed_as_it_is_written() {
    let house = example();
    fs::remove_dir_all(house.path().join("models/strong")).unwrap();
    let (code, out, err) = run(&house, &["graph", "cascade"]);
    assert_eq!(code, Some(1), "{out}");
    expect![[r#"
        cascade
        inputs
        nodes
          cheap: model 'cheap' version 1
          strong: model 'strong' version 1
            falls back to cheap
            timeout 1s
          sure: map cheap.probabilities.max()
            of cheap.probabilities
          route: switch
            cheap when sure > 0.8
            strong otherwise
        outputs
          label = route.label
          probabilities = route.probabilities
          sure = sure
        pipelines/cascade.toml:17:9: error[unknown-model] pipelines.cascade.policy.nodes.strong.model: there is no model 'strong' (hint: known here: cheap, forest, linear, net, penguins, scaler)
    "#]].assert_eq(&format!("{out}{err}"));
}
