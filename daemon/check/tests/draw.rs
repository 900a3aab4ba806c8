//! Which graph is drawn, and what is said where there is none.

use expect_test::{Expect, expect};

use super::super::{Nothing, draw};
use super::{ECHO, folder, relative};
use crate::config::Overrides;

const PIPELINES: &str = "
version: 1
pipelines:
  sound: { policy: { type: composite, nodes: { n: { model: echo } }, outputs: { y: n.x } } }
  unfit: { policy: { type: composite, nodes: { n: { model: echo } }, outputs: { y: n.y } } }
  waits: { policy: { type: composite, nodes: { n: { pipeline: unfit } }, outputs: { y: n.y } } }
  cycle: { policy: { type: composite, nodes: { n: { model: echo, inputs: { x: n } } }, outputs: { y: n } } }
  plain: { policy: { type: standalone, model: echo } }
  wrong: { policy: { type: standalon, model: echo } }
  many:
    graphs:
      1: { nodes: { one: { model: echo } }, outputs: { y: one } }
      2: { nodes: { two: { model: echo } }, outputs: { y: two } }
    policy: { type: standalone, model: many, version: 2 }
";

fn check(name: &str, expected: &Expect) {
    let files = [
        (
            "impresario.toml",
            "version = 1\n[pipelines]\nfiles = ['*.yaml']\n",
        ),
        ("models/echo/1/fake.toml", ECHO),
        ("a.yaml", PIPELINES),
    ];
    let folder = folder(&files);
    let file = folder.path().join("impresario.toml");
    let mut text = String::new();
    let mut problems = Vec::new();
    match draw(Some(&file), [], &Overrides::default(), name) {
        Ok(drawn) => {
            text = drawn
                .drawing
                .map(|drawing| drawing.text())
                .unwrap_or_default();
            problems = drawn.problems;
        }
        Err(Nothing::Unknown(why)) => text = format!("unknown: {why}\n"),
        Err(Nothing::Problems(all)) => problems = all,
    }
    let problems: String = problems
        .iter()
        .map(|problem| format!("{problem}\n"))
        .collect();
    expected.assert_eq(&relative(&folder, &format!("{text}{problems}")));
}

#[test]
fn a_graph_is_drawn_as_far_as_it_is_known() {
    check(
        "sound",
        &expect![[r#"
        sound
          by row
        inputs
          x: FP32 [-1, 2]
        nodes
          n: model 'echo'
            x = request.x
            gives x: FP32 [-1, 2]
        outputs
          y: FP32 [-1, 2] = n.x
    "#]],
    );
    check(
        "unfit",
        &expect![[r#"
        unfit
        inputs
        nodes
          n: model 'echo'
        outputs
          y = n.y
        a.yaml:5:81: error[unknown-port] pipelines.unfit.policy.outputs.y: node 'n' has no port 'y' (hint: did you mean 'x'?)
    "#]],
    );
    check(
        "waits",
        &expect![[r#"
        waits
        inputs
        nodes
          n: pipeline 'unfit'
        outputs
          y = n.y
        a.yaml:9:28: error[unknown-policy] pipelines.wrong.policy.type: unknown policy type "standalon"; available: standalone, canary, experiment, bandit, composite (hint: did you mean 'standalone'?)
        a.yaml:7:79: error[cycle] pipelines.cycle.policy.nodes.n.inputs.x: node 'n' waits for itself (hint: let one of them read something else)
        a.yaml:5:81: error[unknown-port] pipelines.unfit.policy.outputs.y: node 'n' has no port 'y' (hint: did you mean 'x'?)
    "#]],
    );
    check(
        "cycle",
        &expect![[r#"
        a.yaml:7:79: error[cycle] pipelines.cycle.policy.nodes.n.inputs.x: node 'n' waits for itself (hint: let one of them read something else)
    "#]],
    );
    check(
        "many@2",
        &expect![[r#"
        many version 2
          by row
        inputs
          x: FP32 [-1, 2]
        nodes
          two: model 'echo'
            x = request.x
            gives x: FP32 [-1, 2]
        outputs
          y: FP32 [-1, 2] = two.x
    "#]],
    );
}

#[test]
fn what_is_no_graph_is_told() {
    for (name, expected) in [
        (
            "soud",
            expect![[r#"
            unknown: the files define no pipeline 'soud'; did you mean 'sound'?
        "#]],
        ),
        (
            "other",
            expect![[r#"
            unknown: the files define no pipeline 'other'; those that are graphs are cycle, many, sound, unfit, waits
        "#]],
        ),
        (
            "plain",
            expect![[r#"
            unknown: pipeline 'plain' has no graph: its policy is standalone
        "#]],
        ),
        (
            "wrong",
            expect![[r#"
            a.yaml:9:28: error[unknown-policy] pipelines.wrong.policy.type: unknown policy type "standalon"; available: standalone, canary, experiment, bandit, composite (hint: did you mean 'standalone'?)
        "#]],
        ),
        (
            "many",
            expect![[r#"
            unknown: pipeline 'many' has several graphs; its graphs are 1, 2: write many@NUMBER
        "#]],
        ),
        (
            "many@3",
            expect![[r#"
            unknown: pipeline 'many' has no graph 3; its graphs are 1, 2
        "#]],
        ),
        (
            "sound@x",
            expect![[r#"
            unknown: pipeline 'sound' has no graph x
        "#]],
        ),
    ] {
        check(name, &expected);
    }
}
