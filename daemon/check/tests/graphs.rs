//! What is said of graphs: against contracts of versions that are loaded for it, and of each other.

use expect_test::{Expect, expect};

use super::ECHO;

/// What is said of pipelines in one YAML file, beside three models.
fn check(pipelines: &str, expected: &Expect) {
    let text = format!("version: 1\npipelines:\n{pipelines}");
    let files = [
        (
            "impresario.toml",
            "version = 1\n[pipelines]\nfiles = ['*.yaml']\n",
        ),
        ("models/echo/1/fake.toml", ECHO),
        ("models/echo/2/fake.toml", "load = { outcome = 'panic' }"),
        (
            "models/label/3/fake.toml",
            "inputs = [{ name = 'label', datatype = 'INT64', shape = [-1] }]",
        ),
        // Nobody names it, so that nobody loads it.
        ("models/other/1/fake.toml", "load = { outcome = 'panic' }"),
        ("a.yaml", &text),
    ];
    super::check(&files, expected);
}

#[test]
fn a_graph_that_fits_is_ok() {
    check(
        "
  a:
    policy:
      type: composite
      nodes:
        one: { model: echo, version: 1 }
        two: { pipeline: b, inputs: { x: one } }
        three: { pipeline: label, inputs: { label: four } }
        four: { transform: argmax, of: two }
      outputs: { y: two.x, z: three }
  b: { policy: { type: standalone, model: echo, version: 1 } }
",
        &expect![[r#"
            ok: pipelines: 2, models: 3, warnings: 0
        "#]],
    );
}

#[test]
fn all_mistakes_are_told_at_once_and_where() {
    check(
        "
  a:
    policy:
      type: composite
      nodes:
        one: { model: ecko }
        two: { model: echo, version: 4 }
        three: { model: echo, version: 1, inputs: { y: request.y } }
        four: { pipeline: bb, inputs: { x: three } }
        five: { model: label, inputs: { label: three } }
        six: { model: b }
        seven: { model: echo, version: 2 }
        eight: { switch: [ { when: 'three.x', call: one }, { else: seven } ] }
        nine: { transform: argmax, of: [ten] }
      outputs: { y: two.x, z: five, o: four, p: six, q: eight.x, r: three.z }
  b: { policy: { type: standalone, model: echo, version: 1 } }
",
        &expect![[r#"
            a.yaml:15:36: error[type-mismatch] pipelines.a.policy.nodes.eight.switch[0].when: expected a double, got a list of 2 doubles, at character 1 (hint: make one of it with [0], .max(), .min(), .sum() or .mean())
            a.yaml:12:48: error[type-mismatch] pipelines.a.policy.nodes.five.inputs.label: expected INT64 [-1] for input 'label' of model 'label', got FP32 [-1, 2] of 'three' (hint: let a node come between: transform = "cast", to = "INT64")
            a.yaml:11:27: error[unknown-pipeline] pipelines.a.policy.nodes.four.pipeline: there is no pipeline 'bb' (hint: did you mean 'b'?)
            a.yaml:16:9: error[unused-node] pipelines.a.policy.nodes.nine: nobody reads node 'nine', and no output is made of it (hint: read 'nine' somewhere, or take it out)
            a.yaml:16:41: error[unknown-node] pipelines.a.policy.nodes.nine.of[0]: there is no node 'ten' (hint: known here: eight, five, four, nine, one, seven, six, three, two)
            a.yaml:8:23: error[unknown-model] pipelines.a.policy.nodes.one.model: there is no model 'ecko' (hint: did you mean 'echo'?)
            a.yaml:14:25: error[load-failed] pipelines.a.policy.nodes.seven.model: model 'echo' version 2 cannot be loaded: engine fake: panicked: panics while it loads, as fake.toml says
            a.yaml:13:23: error[unknown-model] pipelines.a.policy.nodes.six.model: there is no model 'b' (hint: 'b' is a pipeline: write pipeline = "b")
            a.yaml:10:56: error[unknown-port] pipelines.a.policy.nodes.three.inputs.y: model 'echo' version 1 has no input 'y' (hint: did you mean 'x'?)
            a.yaml:9:38: error[unknown-version] pipelines.a.policy.nodes.two.version: model 'echo' has no version 4 (hint: versions there are: 1, 2)
            a.yaml:17:66: error[unknown-port] pipelines.a.policy.outputs.r: node 'three' has no port 'z' (hint: did you mean 'x'?)
            refused: errors: 11, warnings: 0
        "#]],
    );
}

#[test]
fn nobody_is_told_twice_of_what_is_wrong_elsewhere() {
    check(
        "
  a: { policy: { type: composite, nodes: { n: { pipeline: b }, m: { pipeline: c }, o: { pipeline: d } }, outputs: { y: n.x, z: m.x, w: o.x } } }
  b: { policy: { type: standalone, model: echo, version: 7 } }
  c: { policy: { type: composite, nodes: { n: { model: echo, version: 1, inputs: { x: request.x } } }, outputs: { y: n.y } } }
  d: { policy: { type: standalon } }
",
        &expect![[r#"
            a.yaml:7:24: error[unknown-policy] pipelines.d.policy.type: unknown policy type "standalon"; available: standalone, canary, experiment, bandit, composite (hint: did you mean 'standalone'?)
            a.yaml:5:3: error[not-found] pipelines.b.policy.version: the model 'echo' has no version 7 (hint: its newest version is 2)
            a.yaml:6:115: error[unknown-port] pipelines.c.policy.outputs.y: node 'n' has no port 'y' (hint: did you mean 'x'?)
            refused: errors: 3, warnings: 0
        "#]],
    );
}

#[test]
fn pipelines_may_not_call_each_other_in_a_ring() {
    let call = |name: &str, callee: &str| {
        format!(
            "  {name}: {{ policy: {{ type: composite, nodes: {{ n: {{ pipeline: {callee} }} }}, outputs: {{ y: n.y }} }} }}\n"
        )
    };
    let pipelines = [
        call("a", "b"),
        call("b", "c"),
        call("c", "b"),
        call("d", "d"),
    ];
    check(
        &pipelines.concat(),
        &expect![[r#"
        a.yaml:4:59: error[recursion] pipelines.b.policy.nodes.n.pipeline: pipeline 'c' calls this composite in turn: c → b (hint: let one of them call something else)
        a.yaml:5:59: error[recursion] pipelines.c.policy.nodes.n.pipeline: pipeline 'b' calls this composite in turn: b → c (hint: let one of them call something else)
        a.yaml:6:59: error[recursion] pipelines.d.policy.nodes.n.pipeline: pipeline 'd' is this composite itself (hint: call another one, or another version)
        refused: errors: 3, warnings: 0
    "#]],
    );
}

#[test]
fn a_pipeline_is_known_by_who_answers() {
    check(
        "
  own:
    contract: { inputs: [ { name: v, datatype: FP32, shape: [-1, 2] } ], outputs: [ { name: w, datatype: FP32, shape: [-1, 2] } ] }
    policy: { type: standalone, model: echo, version: 1 }
  canary: { policy: { type: canary, model: echo, stable: 1, canary: 2, steps: [ { pause: approval } ] } }
  arms:
    policy:
      type: experiment
      goals: [ { metric: click, kind: binary } ]
      arms: [ { name: a, model: echo, version: 1 }, { name: b, model: echo, version: 2 } ]
  inner: { policy: { type: composite, nodes: { n: { pipeline: canary } }, outputs: { x: n.x } } }
  outer:
    policy:
      type: composite
      nodes:
        a: { pipeline: own, inputs: { v: request.x } }
        b: { pipeline: inner, inputs: { x: a.w } }
        c: { pipeline: arms, inputs: { x: b } }
        d: { pipeline: echo, inputs: { x: c } }
      outputs: { y: d }
",
        &expect![[r#"
            a.yaml:21:24: error[load-failed] pipelines.outer.policy.nodes.d.pipeline: model 'echo' version 2 cannot be loaded: engine fake: panicked: panics while it loads, as fake.toml says
            refused: errors: 1, warnings: 0
        "#]],
    );
}

#[test]
fn graphs_are_versions_of_their_pipeline_alone() {
    let graph = "{ nodes: { n: { model: echo, version: 1 } }, outputs: { y: n.x } }";
    check(
        &format!(
            "
  front:
    graphs: {{ 1: {graph}, 2: {graph} }}
    policy: {{ type: canary, model: front, stable: 1, canary: 3, steps: [ {{ pause: approval }} ] }}
  echo:
    graphs: {{ 1: {graph} }}
    policy: {{ type: standalone, model: echo, version: 1 }}
  caller: {{ policy: {{ type: composite, nodes: {{ n: {{ model: front, version: 1 }} }}, outputs: {{ y: n.x }} }} }}
"
        ),
        &expect![[r#"
            a.yaml:10:61: error[unknown-model] pipelines.caller.policy.nodes.n.model: there is no model 'front' (hint: 'front' is a pipeline: write pipeline = "front")
            a.yaml:7:3: error[ambiguous-name] pipelines.echo: the pipeline's graphs would be versions of 'echo', and the repository has a model of that name (hint: give the pipeline another name)
            a.yaml:8:41: error[recursion] pipelines.echo.graphs.1.nodes.n.model: model 'echo' version 1 is this composite itself (hint: call another one, or another version)
            a.yaml:4:3: error[not-found] pipelines.front.policy.canary: the pipeline 'front' has no graph 3 (hint: its graphs are 1, 2)
            refused: errors: 4, warnings: 0
        "#]],
    );
}
