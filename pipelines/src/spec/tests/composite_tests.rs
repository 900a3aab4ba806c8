//! Tests that stand in a file beside its pipelines.

use super::test::Data;
use super::*;
use crate::spec::read::{Origin, Part};

const FILE: &str = r#"
version = 1
[pipelines.plain.policy]
type = "standalone"
model = "iris"
[pipelines.credit.policy]
type = "composite"
[pipelines.credit.policy.nodes.scaled]
model = "scaler"
[pipelines.credit.policy.nodes.strong]
model = "deep"
[pipelines.credit.policy.outputs]
probability = "strong.probability"
[pipelines.credit.graphs.3]
nodes.cheap.model = "linear"
outputs.probability = "cheap.probability"
"#;

/// What is told of tests behind a file's pipelines.
fn told(tests: &str) -> String {
    let text = format!("{FILE}{tests}\n");
    match compile(&[source("a.toml", &text)]) {
        Ok(compiled) => lines(compiled.tests().iter().map(shown)) + &lines(compiled.warnings()),
        Err(problems) => lines(problems),
    }
}

fn shown(test: &Test) -> String {
    let data = |list: &[(std::sync::Arc<str>, Data)]| {
        let each = list.iter().map(|(name, data)| match data {
            Data::Inline(value) => format!("{name} = {value}"),
            Data::File(file) => format!("{name} from {file}"),
        });
        each.collect::<Vec<_>>().join(", ")
    };
    format!(
        "{} {} {:?} of {}: {} {:?} key {:?} -> {} within {} by {:?} without {:?}",
        test.file(),
        test.at(),
        test.name,
        test.pipeline,
        data(&test.inputs),
        test.parameters,
        test.key,
        data(&test.expect),
        test.tolerance,
        test.path,
        test.skipped,
    )
}

#[test]
fn a_test_says_what_is_asked_and_what_comes_of_it() {
    let tests = r#"
[[tests]]
pipeline = "credit"
name = "gold"
inputs = { features = [[1, 2.5], [3, 4]], text = { file = "rows/text.json" } }
parameters = { tier = "gold", depth = 3, share = 0.5, fast = true }
key = "u-1"
expect = { probability = [[0.9]], label = { file = "label.json" } }
tolerance = 0.01
path = ["scaled", "cheap"]
skipped = ["strong"]
[[tests]]
pipeline = "plain"
inputs = { x = 3 }
"#;
    expect![[r#"
        a.toml tests[0] Some("gold") of credit: features = [[1,2.5],[3,4]], text from rows/text.json {"depth": Int(3), "fast": Bool(true), "share": Float(0.5), "tier": Text("gold")} key Some("u-1") -> label from label.json, probability = [[0.9]] within 0.01 by ["scaled", "cheap"] without ["strong"]
        a.toml tests[1] None of plain: x = 3 {} key None ->  within 0.00001 by [] without []
    "#]].assert_eq(&told(tests));
}

#[test]
fn the_formats_say_the_same_tests() {
    let json = r#"{"version": 1,
        "tests": [{"pipeline": "p", "inputs": {"x": [[1, 2]]}, "expect": {"y": ["a"]}}],
        "pipelines": {"p": {"policy": {"type": "standalone", "model": "m"}}}}"#;
    let yaml = "
version: 1
pipelines: { p: { policy: { type: standalone, model: m } } }
tests:
  - pipeline: p
    inputs: { x: [[1, 2]] }
    expect: { y: [a] }
";
    let shown = |file, text| {
        let compiled = compile(&[source(file, text)]).map_err(lines).unwrap();
        let tests = lines(compiled.tests().iter().map(shown));
        tests.replace(file, "a")
    };
    assert_eq!(shown("a.json", json), shown("a.yaml", yaml));
    assert_eq!(compile(&[source("a.json", json)]).unwrap().tests().len(), 1);
}

#[test]
fn every_mistake_in_a_test_is_told() {
    let tests = r#"
[[tests]]
pipeline = "credti"
inputs = { x = { file = "../secret.json" }, y = { file = "/etc/passwd", as = "FP32" }, z = { files = "x" } }
[[tests]]
name = ""
expect = { x = { file = 'C:\x.json' } }
parameters = { list = [1] }
tolerance = -1
[[tests]]
pipeline = "credit"
path = ["scaled", "stong"]
skipped = ["elsewhere"]
[[tests]]
pipeline = "credit"
path = ["scaled", "cheap"]
skipped = ["cheap"]
[[tests]]
pipeline = "plain"
path = ["scaled"]
expected = {}
"#;
    expect![[r#"
        a.toml:19:12: error[unknown-pipeline] tests[0].pipeline: the file defines no pipeline 'credti' (hint: did you mean 'credit'?)
        a.toml:20:25: error[outside] tests[0].inputs.x.file: expected a file in the folder of this one, or below, got "../secret.json" (hint: write it with '/', without '..' and not from the root)
        a.toml:20:58: error[outside] tests[0].inputs.y.file: expected a file in the folder of this one, or below, got "/etc/passwd" (hint: write it with '/', without '..' and not from the root)
        a.toml:20:73: error[unknown-field] tests[0].inputs.y.as: unknown field 'as' (hint: known here: file)
        a.toml:20:88: error[missing-field] tests[0].inputs.z: the field 'file' is missing
        a.toml:20:94: error[unknown-field] tests[0].inputs.z.files: unknown field 'files' (hint: did you mean 'file'?)
        a.toml:21:1: error[missing-field] tests[1]: the field 'pipeline' is missing
        a.toml:22:8: error[empty] tests[1].name: expected a text, got ""
        a.toml:23:25: error[outside] tests[1].expect.x.file: expected a file in the folder of this one, or below, got "C:\\x.json" (hint: write it with '/', without '..' and not from the root)
        a.toml:24:23: error[wrong-type] tests[1].parameters.list: expected a truth, a number or a text, got a list of 1
        a.toml:25:13: error[out-of-range] tests[1].tolerance: expected a number from 0, got the number -1
        a.toml:28:19: error[unknown-node] tests[2].path[1]: the pipeline has no node "stong" (hint: did you mean 'strong'?)
        a.toml:29:12: error[unknown-node] tests[2].skipped[0]: the pipeline has no node "elsewhere"
        a.toml:33:11: error[contradiction] tests[3].skipped: 'cheap' cannot take part and be skipped (hint: leave it out of 'path' or of 'skipped')
        a.toml:36:8: error[contradiction] tests[4].path: the pipeline has no graph that has nodes
        a.toml:37:1: error[unknown-field] tests[4].expected: unknown field 'expected' (hint: did you mean 'expect'?)
    "#]].assert_eq(&told(tests));
    expect![[r#"
        a.toml:17:1: error[wrong-type] tests: expected a list, got a table
    "#]]
    .assert_eq(&told("[tests]\npipeline = 'credit'"));
}

#[test]
fn a_test_stands_in_the_file_of_its_pipeline() {
    let beside = "version = 1\n[[tests]]\npipeline = 'credit'";
    check_all(
        &[("a.toml", FILE), ("b.toml", beside)],
        &expect![[r#"
        b.toml:1:1: warning[no-pipelines]: the file defines no pipeline
        b.toml:3:12: error[unknown-pipeline] tests[0].pipeline: the file defines no pipeline 'credit' (hint: a test stands in the file of its pipeline)
    "#]],
    );
}

#[test]
fn what_is_sound_is_kept_for_more_to_be_told_of_it() {
    let text = format!(
        "{FILE}[pipelines.wrong.policy]\ntype = 'composit'\n[[tests]]\npipeline = 'wrong'\npath = ['any']\n"
    );
    let (compiled, problems) = examine(&[source("a.toml", &text)]);
    expect![[r#"
        a.toml:18:8: error[unknown-policy] pipelines.wrong.policy.type: unknown policy type "composit"; available: standalone, canary, experiment, bandit, composite (hint: did you mean 'composite'?)
    "#]].assert_eq(&lines(problems));
    let names: Vec<_> = compiled.pipelines().keys().map(Name::as_str).collect();
    assert_eq!(names, ["credit", "plain"]);
    assert_eq!(compiled.tests().len(), 1);
    let credit = &compiled.pipelines()["credit"];
    let node = credit.path().key("policy").key("nodes").key("strong");
    for (path, part, line, column) in [
        (node.clone(), Part::Key, 10, 32),
        (node.key("model"), Part::Value, 11, 9),
        (credit.path().clone(), Part::Key, 6, 12),
    ] {
        let place = credit.place(&path, part);
        assert_eq!(place.file.as_deref(), Some("a.toml"));
        assert_eq!(place.position, Some(Position { line, column }), "{path}");
    }
    assert_eq!(
        credit.position(),
        Some(Position {
            line: 6,
            column: 12
        })
    );
    let test = &compiled.tests()[0];
    let place = test.place(&test.at().key("path").index(0), Part::Value);
    assert_eq!(place.position.map(|at| (at.line, at.column)), Some((21, 9)));
}
