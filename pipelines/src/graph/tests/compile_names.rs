//! What is told of names alone, without knowing anything of what is called.

use std::sync::Arc;

use expect_test::{Expect, expect};
use impresario_models::VersionNumber;

use super::compile::{composite, lines};
use crate::bucket::Weight;
use crate::graph::outline;
use crate::spec::Composite;
use crate::spec::composite::{Callee, Case, OnError, Reference, Task};

fn told(composite: &Composite) -> String {
    match outline(composite) {
        Ok(outline) => {
            let names = outline.order.iter();
            let names: Vec<&str> = names.map(|&place| &*composite.nodes[place].name).collect();
            names.join(" ")
        }
        Err(problems) => lines(problems),
    }
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&told(&composite(text)));
}

/// What no written text says, as its reader refuses it already.
fn check_with(text: &str, change: impl FnOnce(&mut Composite), expected: Expect) {
    let mut composite = composite(text);
    change(&mut composite);
    expected.assert_eq(&told(&composite));
}

const SOUND: &str = r#"
nodes:
  b: { model: linear }
  a: { model: net, inputs: { x: b.y } }
  vote: { ensemble: mean, of: [a, b] }
outputs: { p: vote }
"#;

#[test]
fn each_node_comes_after_all_that_it_names() {
    check(SOUND, expect![["b a vote"]]);
    check(
        r#"
nodes:
  z: { model: linear }
  a: { model: linear, when: "c > 1", on_error: { fallback: z } }
  c: { map: "request.x + y" }
  y: { transform: clip, of: request.x, low: 0 }
  b: { switch: [ { when: "d > 0", call: a }, { else: z } ] }
  d: { map: "1" }
outputs: { p: b }
"#,
        expect!["d y c z a b"],
    );
}

#[test]
fn names_that_there_are_not_get_the_nearest() {
    check(
        r#"
nodes:
  scaled: { model: scaler, inputs: { x: request.features } }
  linear: { model: linear, inputs: { x: scaledd.y } }
  vote: { ensemble: mean, of: [linear.probability, fores.probability, features] }
  forest: { model: forest, when: "scald.y.max() > 1" }
  route: { switch: [ { when: "liner > 0.5", call: elsewhere }, { else: linar } ] }
  ab: { splitter: [ { call: fourest }, { call: route } ] }
  top: { transform: top_k, k: 2, of: vote.outputs, on_error: { fallback: tip } }
outputs: { a: abc, b: top, c: vote.probability }
"#,
        expect![[r#"
            error[unknown-node] nodes.ab.splitter[0].call: there is no node 'fourest' (hint: did you mean 'forest'?)
            error[unknown-node] nodes.forest.when: there is no node 'scald' (hint: did you mean 'scaled'?)
            error[unknown-node] nodes.linear.inputs.x: there is no node 'scaledd' (hint: did you mean 'scaled'?)
            error[unknown-node] nodes.route.switch[0].call: there is no node 'elsewhere' (hint: known here: ab, forest, linear, route, scaled, top, vote)
            error[unknown-node] nodes.route.switch[0].when: there is no node 'liner' (hint: did you mean 'linear'?)
            error[unknown-node] nodes.route.switch[1].else: there is no node 'linar' (hint: did you mean 'linear'?)
            error[unknown-port] nodes.top.of[0]: node 'vote' has no port 'outputs': expected 'output' (hint: write 'vote.output' or 'vote')
            error[unknown-node] nodes.top.on_error.fallback: there is no node 'tip' (hint: did you mean 'top'?)
            error[unknown-node] nodes.vote.of[1]: there is no node 'fores' (hint: did you mean 'forest'?)
            error[unknown-node] nodes.vote.of[2]: there is no node 'features' (hint: did you mean 'request.features'?)
            error[unknown-node] outputs.a: there is no node 'abc' (hint: did you mean 'ab'?)
            error[unknown-port] outputs.c: node 'vote' has no port 'probability': expected 'output' (hint: write 'vote.output' or 'vote')
        "#]],
    );
}

#[test]
fn names_mean_one_thing() {
    check(
        r#"
inputs: [ { name: parameters, datatype: FP32, shape: [-1] } ]
nodes:
  a: { model: linear, inputs: { x: request.parameters } }
outputs: { p: a }
"#,
        expect![[r#"
            error[ambiguous-name] inputs[0].name: an input cannot be called 'parameters': 'request.parameters' is what the request says beside its inputs (hint: give the input another name)
            error[ambiguous-name] nodes.a.inputs.x: an input cannot be called 'parameters': 'request.parameters' is what the request says beside its inputs (hint: give the input another name)
        "#]],
    );
    check_with(
        SOUND,
        |composite| {
            composite.nodes[0].name = "request".into();
            composite.nodes[1].name = "vote".into();
            composite.outputs.push(composite.outputs[0].clone());
            let port = impresario_models::Port::new("x", impresario_models::DataType::Fp32, vec![]);
            composite.inputs = vec![port.clone(), port];
        },
        expect![[r#"
            error[duplicate-name] inputs[1].name: there are two inputs 'x' (hint: keep one of the two)
            error[ambiguous-name] nodes.request: a node cannot be called 'request': that is the request (hint: give the node another name)
            error[unused-node] nodes.request: nobody reads node 'request', and no output is made of it (hint: read 'request' somewhere, or take it out)
            error[unknown-node] nodes.request.inputs.x: there is no node 'b' (hint: known here: request, vote)
            error[duplicate-name] nodes.vote: there are two nodes 'vote' (hint: give one of them another name)
            error[unknown-node] nodes.vote.of[0]: there is no node 'a' (hint: known here: request, vote)
            error[unknown-node] nodes.vote.of[1]: there is no node 'b' (hint: known here: request, vote)
            error[duplicate-name] outputs.p: there are two outputs 'p' (hint: keep one of the two)
        "#]],
    );
}

#[test]
fn a_cycle_is_told_as_a_whole() {
    check(
        r#"
nodes:
  a: { model: linear, inputs: { x: c.y } }
  b: { model: linear, inputs: { x: a.y } }
  c: { ensemble: mean, of: [b.y, d.y] }
  d: { model: linear, inputs: { x: d.y } }
  e: { model: linear, on_error: { fallback: f } }
  f: { model: linear, on_error: { fallback: e } }
  g: { switch: [ { when: "h > 1", call: a }, { else: b } ] }
  h: { map: "g + 1" }
outputs: { p: c, q: e, r: g }
"#,
        expect![[r#"
            error[unknown-port] nodes.a.inputs.x: node 'c' has no port 'y': expected 'output' (hint: write 'c.output' or 'c')
            error[cycle] nodes.a.inputs.x: these nodes wait for each other: a → c → b → a (hint: let one of them read something else)
            error[cycle] nodes.d.inputs.x: node 'd' waits for itself (hint: let one of them read something else)
            error[cycle] nodes.e.on_error.fallback: these nodes wait for each other: e → f → e (hint: let one of them read something else)
            error[cycle] nodes.g.switch[0].when: these nodes wait for each other: g → h → g (hint: let one of them read something else)
        "#]],
    );
    check(
        r#"
nodes:
  a: { model: linear, on_error: { fallback: a } }
outputs: { p: a }
"#,
        expect![[r#"
            error[fallback-to-itself] nodes.a.on_error.fallback: node 'a' cannot stand in for itself (hint: name another node, or let it be asked again by `retry`)
        "#]],
    );
}

#[test]
fn what_nobody_reads_is_told() {
    check(
        r#"
nodes:
  a: { model: linear }
  b: { model: linear, inputs: { x: a.y } }
  c: { model: linear, inputs: { x: b.y } }
  d: { model: linear, on_error: { fallback: e } }
  e: { model: linear }
outputs: { p: d.y }
"#,
        expect![[r#"
            error[unused-node] nodes.a: no output is made of node 'a', nor of who reads it: 'b' (hint: read 'a' somewhere, or take it out)
            error[unused-node] nodes.b: no output is made of node 'b', nor of who reads it: 'c' (hint: read 'b' somewhere, or take it out)
            error[unused-node] nodes.c: nobody reads node 'c', and no output is made of it (hint: read 'c' somewhere, or take it out)
        "#]],
    );
    check_with(
        SOUND,
        |c| c.outputs.clear(),
        expect![[r#"
            error[unused-node] nodes.a: no output is made of node 'a', nor of who reads it: 'vote' (hint: read 'a' somewhere, or take it out)
            error[unused-node] nodes.b: no output is made of node 'b', nor of who reads it: 'a', 'vote' (hint: read 'b' somewhere, or take it out)
            error[unused-node] nodes.vote: nobody reads node 'vote', and no output is made of it (hint: read 'vote' somewhere, or take it out)
            error[no-outputs] outputs: expected an output at least, got none (hint: name what goes out, such as probability = "NODE.PORT")
        "#]],
    );
}

#[test]
fn a_node_keeps_to_its_own_rules() {
    check(
        r#"
version: 7
nodes:
  a: { pipeline: credit }
  b: { model: credit, version: 7 }
  c: { model: credit, version: 6 }
  d: { model: credit }
  e: { map: "1 +" }
  f: { model: linear, when: "a.p >" }
outputs: { a: a, b: b, c: c, d: d, e: e, f: f }
"#,
        expect![[r#"
            error[recursion] nodes.a.pipeline: pipeline 'credit' is this composite itself (hint: call another one, or another version)
            error[recursion] nodes.b.model: model 'credit' version 7 is this composite itself (hint: call another one, or another version)
            error[syntax] nodes.e.map: expected more, got the end of the expression, at character 4
            error[syntax] nodes.f.when: expected more, got the end of the expression, at character 6
        "#]],
    );
    let open = Case {
        when: None,
        call: "a".into(),
    };
    let read = |node: &str| Reference::Node {
        node: node.into(),
        port: None,
    };
    check_with(
        SOUND,
        |composite| {
            composite.version = VersionNumber::new(2);
            composite.nodes[0].task = Task::Switch(vec![]);
            composite.nodes[1].task = Task::Switch(vec![open.clone(), open]);
        },
        expect![[r#"
            error[no-cases] nodes.a.switch: expected one case at least, got none
            error[unreachable-case] nodes.b.switch[0]: case 1 of 2 has no condition, so that those after it are never taken (hint: give it a `when`, or let it be the last)
        "#]],
    );
    check_with(
        SOUND,
        |composite| {
            let half = Weight::new(5_000).unwrap();
            composite.nodes[0].task = Task::Splitter {
                arms: vec![(Arc::from("b"), half)],
                seed: "s".into(),
            };
            composite.nodes[1].task = Task::Transform {
                op: crate::combine::Op::Softmax,
                of: vec![
                    Reference::Request("x".into()),
                    Reference::Request("y".into()),
                ],
            };
        },
        expect![[r#"
            error[invalid-weights] nodes.a.splitter: weights must sum to 100 %, got 50.00 %
            error[wrong-count] nodes.b.of: expected one value for 'softmax', got 2
        "#]],
    );
    for (quorum, rule, of) in [
        (Some(3), crate::combine::Rule::Mean, vec!["a", "b"]),
        (Some(0), crate::combine::Rule::Mean, vec!["a", "b"]),
        (Some(1), crate::combine::Rule::Concat, vec!["a", "b"]),
        (None, crate::combine::Rule::Mean, vec![]),
    ] {
        let expected = match (quorum, of.len()) {
            (Some(3), _) => expect![[r#"
                error[out-of-range] nodes.vote.quorum: expected a quorum from 1 to 2, the members, got 3
            "#]],
            (Some(0), _) => expect![[r#"
                error[out-of-range] nodes.vote.quorum: expected a quorum from 1 to 2, the members, got 0
            "#]],
            (Some(_), _) => expect![[r#"
                error[out-of-range] nodes.vote.quorum: expected a quorum of 2, got 1: 'concat' needs all its members (hint: leave the quorum out, or choose another ensemble)
            "#]],
            (None, _) => expect![[r#"
                error[unused-node] nodes.a: nobody reads node 'a', and no output is made of it (hint: read 'a' somewhere, or take it out)
                error[unused-node] nodes.b: no output is made of node 'b', nor of who reads it: 'a' (hint: read 'b' somewhere, or take it out)
                error[no-members] nodes.vote.of: expected one member at least, got none (hint: name what it is made of, such as of = ["NODE.PORT"])
            "#]],
        };
        check_with(
            SOUND,
            |composite| {
                let of = of.into_iter().map(read).collect();
                composite.nodes[2].task = Task::Ensemble { rule, of, quorum };
            },
            expected,
        );
    }
    check_with(
        SOUND,
        |composite| {
            composite.nodes[0].task = Task::Call {
                callee: Callee::Pipeline(composite.model.clone()),
                inputs: vec![],
            };
            composite.nodes[0].terms.on_error = OnError::Fallback("a".into());
        },
        expect![[r#"
            error[fallback-to-itself] nodes.a.on_error.fallback: node 'a' cannot stand in for itself (hint: name another node, or let it be asked again by `retry`)
            error[recursion] nodes.a.pipeline: pipeline 'credit' is this composite itself (hint: call another one, or another version)
        "#]],
    );
}

#[test]
fn outputs_that_can_never_be_there_are_told() {
    check(
        r#"
nodes:
  off: { model: linear, when: "false" }
  after: { model: linear, inputs: { x: off.y } }
  on: { model: linear, when: "1 < 2" }
  some: { ensemble: mean, of: [after, on], quorum: 1 }
  all: { ensemble: mean, of: [after, on] }
  mapped: { map: "after.p + 1.0" }
  read: { model: linear, when: "off.p > 0.5" }
  either: { switch: [ { when: "request.x > 1.0", call: off }, { else: after } ] }
  shut: { switch: [ { when: "2 > 3", call: on } ] }
  open: { switch: [ { when: "true", call: on }, { else: off } ] }
  split: { splitter: [ { call: off }, { call: after } ] }
  tier: { model: linear, when: "request.parameters.tier == 'gold'" }
outputs: { after: after, some: some, all: all, mapped: mapped, read: read, either: either, shut: shut, open: open, split: split, tier: tier }
"#,
        expect![[r#"
            error[unreachable-case] nodes.open.switch[0].when: the condition of case 1 of 2 always holds, so that those after it are never taken (hint: let it read something, or let it be the last)
            error[unreachable-output] outputs.after: output 'after' can never be there: node 'off' is never asked, its condition does not hold for any request (hint: change `when` of 'off', or take the output out)
            error[unreachable-output] outputs.all: output 'all' can never be there: node 'off' is never asked, its condition does not hold for any request (hint: change `when` of 'off', or take the output out)
            error[unreachable-output] outputs.either: output 'either' can never be there: node 'off' is never asked, its condition does not hold for any request (hint: change `when` of 'off', or take the output out)
            error[unreachable-output] outputs.mapped: output 'mapped' can never be there: node 'off' is never asked, its condition does not hold for any request (hint: change `when` of 'off', or take the output out)
            error[unreachable-output] outputs.read: output 'read' can never be there: node 'off' is never asked, its condition does not hold for any request (hint: change `when` of 'off', or take the output out)
            error[unreachable-output] outputs.shut: output 'shut' can never be there: node 'shut' is never asked, its condition does not hold for any request (hint: change `when` of 'shut', or take the output out)
            error[unreachable-output] outputs.split: output 'split' can never be there: node 'off' is never asked, its condition does not hold for any request (hint: change `when` of 'off', or take the output out)
        "#]],
    );
}
