//! Tests of pipeline files, run with versions that answer what they are asked, and some that misbehave.

use std::cell::RefCell;

use expect_test::{Expect, expect};
use tempfile::TempDir;

use super::super::{Report, rehearse};
use super::{ECHO, folder, relative};
use crate::config::Overrides;

const PIPELINES: &str = "
version: 1
pipelines:
  route:
    key: { header: x-user }
    policy:
      type: composite
      nodes:
        low: { model: echo }
        high: { map: 'request.x[0] * 10.0', as: FP32 }
        deep: { pipeline: canary, inputs: { x: low.x } }
        sum: { map: 'low.x.sum()', as: FP32 }
        way: { switch: [ { when: 'low.x[0] > 5.0', call: high }, { else: sum } ] }
        gold: { transform: cast, to: INT64, of: low.x, when: \"has(request.parameters.tier) && request.parameters.tier == 'gold'\" }
        both: { ensemble: first, of: [gold, plain], quorum: 1 }
        plain: { transform: cast, to: INT64, of: deep }
      outputs: { way: way, both: both }
  canary: { policy: { type: canary, model: echo, stable: 1, canary: 2, steps: [ { pause: approval } ] } }
  fails:
    policy:
      type: composite
      nodes:
        flaky: { model: flaky, inputs: { x: request.x }, retry: { attempts: 2, backoff: 1s } }
        panics: { model: panics, inputs: { x: flaky }, on_error: { fallback: flaky } }
      outputs: { y: panics }
  breaks: { policy: { type: composite, nodes: { n: { model: panics } }, outputs: { y: n } } }
  plain: { policy: { type: standalone, model: echo } }
";

/// Runs tests of these pipelines; beside them lies `rows/two.json`, and in the folder above `outside.json`.
fn run(tests: &str) -> (TempDir, Report, Vec<String>) {
    let text = format!("{PIPELINES}tests:\n{tests}");
    let files = [
        (
            "impresario.toml",
            "version = 1\n[pipelines]\nfiles = ['p/*.yaml']\n",
        ),
        ("models/echo/1/fake.toml", ECHO),
        ("models/echo/2/fake.toml", ECHO),
        (
            "models/flaky/1/fake.toml",
            "behaviour = 'flaky'\nevery = 2\ninputs = [{ name = 'x', datatype = 'FP32', shape = [-1, 2] }]",
        ),
        (
            "models/panics/1/fake.toml",
            "behaviour = 'panicking'\ninputs = [{ name = 'x', datatype = 'FP32', shape = [-1, 2] }]",
        ),
        ("p/a.yaml", text.as_str()),
        ("p/rows/two.json", "[[1, 2], [7, 8]]"),
        ("p/rows/not.json", "[[1, 2"),
        ("outside.json", "[[1, 2]]"),
    ];
    let folder = folder(&files);
    #[cfg(unix)]
    std::os::unix::fs::symlink(
        folder.path().join("outside.json"),
        folder.path().join("p/rows/link.json"),
    )
    .unwrap();
    let file = folder.path().join("impresario.toml");
    let said = RefCell::new(Vec::new());
    let report = rehearse(Some(&file), [], &Overrides::default(), &|line| {
        said.borrow_mut().push(line.to_owned());
    });
    (folder, report, said.into_inner())
}

fn check(tests: &str, expected: &Expect) {
    let (folder, report, _) = run(tests);
    expected.assert_eq(&relative(&folder, &format!("{report}\n")));
}

#[test]
fn tests_that_hold_are_ok() {
    check(
        "
  - { name: rows, pipeline: route, inputs: { x: { file: rows/two.json } }, expect: { way: [3, 70], both: [[1, 2], [7, 8]] }, path: [low, high, sum, way, plain, deep, both], skipped: [gold] }
  - { name: a row, pipeline: route, inputs: { x: [1, 2] }, parameters: { tier: gold }, expect: { way: 3, both: [1, 2] }, path: [gold], skipped: [high] }
  - { name: no version is asked twice, pipeline: plain, inputs: { x: [[1, 2]] }, expect: { x: [[1.000001, 2]] } }
",
        &expect![[r#"
            ok     route: rows (p/a.yaml:30: tests[0])
            ok     route: a row (p/a.yaml:31: tests[1])
            ok     plain: no version is asked twice (p/a.yaml:32: tests[2])
            ok: pipelines: 5, models: 3, warnings: 0, tests: 3
        "#]],
    );
}

#[test]
fn what_differs_is_shown() {
    check(
        "
  - { pipeline: route, inputs: { x: { file: rows/two.json } }, expect: { way: [3.5, 70], both: [[1, 3], [7, 8]] }, tolerance: 0.01, path: [gold, high], skipped: [sum] }
  - { pipeline: plain, inputs: { x: [[0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]] }, expect: { x: [[1, 1], [1, 1], [1, 1], [1, 1], [1, 1], [1, 0]] } }
  - { pipeline: plain, inputs: { x: [[0, 0]] }, expect: { x: [[0, 0], [0, 0]] } }
  - { pipeline: plain, inputs: { x: [[0, 0]] }, expect: { x: [[null, 0]] } }
",
        &expect![[r#"
            FAILED route (p/a.yaml:30: tests[0])
                output 'both': 1 of 4 elements differ
                    [0, 1]: expected 3, got 2
                output 'way': 1 of 2 elements differ by more than the tolerance of 0.01
                    [0]: expected 3.5, got 3.0, off by 5.000e-1
                node 'gold': expected to take part, got: skipped
                node 'sum': expected to take no part, got: answered
            FAILED plain (p/a.yaml:31: tests[1])
                output 'x': 11 of 12 elements differ by more than the tolerance of 0.00001, the first 10 are
                    [0, 0]: expected 1.0, got 0.0, off by 1.000e0
                    [0, 1]: expected 1.0, got 0.0, off by 1.000e0
                    [1, 0]: expected 1.0, got 0.0, off by 1.000e0
                    [1, 1]: expected 1.0, got 0.0, off by 1.000e0
                    [2, 0]: expected 1.0, got 0.0, off by 1.000e0
                    [2, 1]: expected 1.0, got 0.0, off by 1.000e0
                    [3, 0]: expected 1.0, got 0.0, off by 1.000e0
                    [3, 1]: expected 1.0, got 0.0, off by 1.000e0
                    [4, 0]: expected 1.0, got 0.0, off by 1.000e0
                    [4, 1]: expected 1.0, got 0.0, off by 1.000e0
            FAILED plain (p/a.yaml:32: tests[2])
                output 'x': expected shape [2, 2], got [1, 2]
            FAILED plain (p/a.yaml:33: tests[3])
                output 'x': 1 of 2 elements differ
                    [0, 0]: expected "NaN", got 0.0
            failed: pipelines: 5, models: 3, warnings: 0, tests: 4, of them failed: 4
        "#]],
    );
}

#[test]
fn what_cannot_be_is_told_with_its_place() {
    check(
        "
  - { pipeline: plain, inputs: { x: [[1, 2]], y: [1] }, expect: {} }
  - { pipeline: plain, inputs: { x: [[[1, 2]]] } }
  - { pipeline: plain, inputs: { x: [[1, 'a']] } }
  - { pipeline: plain, inputs: { x: [[1, 2, 3]] } }
  - { pipeline: plain, inputs: {} }
  - { pipeline: plain, inputs: { x: { file: rows/none.json } } }
  - { pipeline: plain, inputs: { x: { file: rows/not.json } } }
  - { pipeline: plain, inputs: { x: { file: rows } } }
  - { pipeline: plain, inputs: { x: [[1, 2]] }, expect: { z: [1], x: [true] } }
",
        &expect![[r#"
            FAILED plain (p/a.yaml:30: tests[0])
                p/a.yaml:30:50: error[unknown-port] tests[0].inputs.y: unexpected input 'y': expected 'x'
            FAILED plain (p/a.yaml:31: tests[1])
                p/a.yaml:31:37: error[misfit] tests[1].inputs.x: expected lists nested 2 deep at most, as the axes of 'x' are, got 3 deep
            FAILED plain (p/a.yaml:32: tests[2])
                p/a.yaml:32:37: error[misfit] tests[2].inputs.x: element 1: expected FP32, got "a"
            FAILED plain (p/a.yaml:33: tests[3])
                p/a.yaml:33:32: error[misfit] tests[3].inputs: input 'x': expected shape [-1, 2], got [1, 3]
            FAILED plain (p/a.yaml:34: tests[4])
                p/a.yaml:34:32: error[misfit] tests[4].inputs: input 'x' is missing: expected 'x'
            FAILED plain (p/a.yaml:35: tests[5])
                p/a.yaml:35:37: error[unreadable] tests[5].inputs.x: read rows/none.json: No such file or directory (os error 2)
            FAILED plain (p/a.yaml:36: tests[6])
                p/a.yaml:36:37: error[syntax] tests[6].inputs.x: rows/not.json is not JSON: EOF while parsing a list at line 1 column 6
            FAILED plain (p/a.yaml:37: tests[7])
                p/a.yaml:37:37: error[unreadable] tests[7].inputs.x: expected a file, rows is none
            FAILED plain (p/a.yaml:38: tests[8])
                p/a.yaml:38:70: error[misfit] tests[8].expect.x: element 0: expected FP32, got true
                p/a.yaml:38:62: error[unknown-port] tests[8].expect.z: unexpected output 'z': expected 'x'
            failed: pipelines: 5, models: 3, warnings: 0, tests: 9, of them failed: 9
        "#]],
    );
}

#[cfg(unix)]
#[test]
fn no_link_leads_out_of_the_folder() {
    check(
        "  - { pipeline: plain, inputs: { x: { file: rows/link.json } } }\n",
        &expect![[r#"
            FAILED plain (p/a.yaml:29: tests[0])
                p/a.yaml:29:37: error[outside] tests[0].inputs.x: expected a file in the folder of this one, rows/link.json leads out of it
            failed: pipelines: 5, models: 3, warnings: 0, tests: 1, of them failed: 1
        "#]],
    );
}

#[test]
fn failures_are_those_of_the_graph() {
    check(
        "
  - { name: once, pipeline: fails, inputs: { x: [[1, 2]] }, expect: { y: [[1, 2]] }, path: [flaky, panics] }
  - { name: again, pipeline: fails, inputs: { x: [[1, 2]] }, expect: { y: [[1, 2]] } }
  - { name: falls back, pipeline: fails, inputs: { x: [[666, 2]] }, expect: { y: [[666, 2]] }, path: [panics] }
  - { name: panics, pipeline: breaks, inputs: { x: [[666, 2]] } }
",
        &expect![[r#"
            ok     fails: once (p/a.yaml:30: tests[0])
            ok     fails: again (p/a.yaml:31: tests[1])
            ok     fails: falls back (p/a.yaml:32: tests[2])
            FAILED breaks: panics (p/a.yaml:33: tests[3])
                no answer: node 'n': model 'panics' version 1: it panicked: an input holds the marker 666
            failed: pipelines: 5, models: 3, warnings: 0, tests: 4, of them failed: 1
        "#]],
    );
}

#[test]
fn models_that_are_loaded_are_told_and_tests_wait_for_sound_files() {
    let (_folder, report, said) = run("  - { pipeline: plain, inputs: { x: [[1, 2]] } }\n");
    assert!(report.ok, "{report}");
    let mut said: Vec<&str> = said
        .iter()
        .map(|line| line.split(" in ").next().unwrap())
        .collect();
    said.sort_unstable();
    expect![[r#"
        loaded echo version 1 with fake
        loaded echo version 2 with fake
        loaded flaky version 1 with fake
        loaded panics version 1 with fake"#]]
    .assert_eq(&said.join("\n"));

    let (_folder, report, _) = run("  - { pipeline: plan, inputs: { x: [[1, 2]] } }\n");
    assert!(!report.ok && report.tests.is_none(), "{report}");
}

#[test]
fn programs_get_the_same() {
    let (folder, report, _) =
        run("  - { name: t, pipeline: plain, inputs: { x: [[1, 2]] }, expect: { x: [[1, 3]] } }\n");
    let json = serde_json::to_string_pretty(&report.tests).unwrap();
    expect![[r#"
        [
          {
            "pipeline": "plain",
            "name": "t",
            "file": "p/a.yaml",
            "line": 29,
            "path": "tests[0]",
            "ok": false,
            "findings": [
              {
                "kind": "output",
                "output": "x",
                "what": "1 of 2 elements differ by more than the tolerance of 0.00001",
                "elements": [
                  {
                    "at": [
                      0,
                      1
                    ],
                    "expected": 3.0,
                    "got": 2.0,
                    "off": 1.0
                  }
                ]
              }
            ]
          }
        ]"#]]
    .assert_eq(&relative(&folder, &json));
}
