//! The contracts that composites have: what is carried, met and joined.

use expect_test::{Expect, expect};
use impresario_models::contract::Dims;
use impresario_models::{Batching, Dim, Port};

use super::compile::graph;
use crate::graph::{Feed, NodeId, Work};
use crate::spec::composite::OnError;

fn port(port: &Port) -> String {
    let names = port.shape.iter().filter_map(|dim| match dim {
        Dim::Free(Some(name)) => Some(&**name),
        Dim::Free(None) | Dim::Fixed(_) => None,
    });
    let names: Vec<&str> = names.collect();
    let mut text = format!("{} {} {}", port.name, port.datatype, Dims(&port.shape));
    if !names.is_empty() {
        text += &format!(" axes {}", names.join(", "));
    }
    if let Some((low, high)) = port.range {
        text += &format!(" from {low} to {high}");
    }
    if let Some(categories) = &port.categories {
        text += &format!(" of {categories:?}");
    }
    if !port.labels.is_empty() {
        text += &format!(" labels {:?}", port.labels);
    }
    text += &format!(" {:?}\n", port.non_finite);
    text
}

fn check(text: &str, expected: Expect) {
    let contract = graph(text).contract;
    let mut got = match contract.batching {
        Batching::None => "whole\n".to_owned(),
        Batching::FirstAxis { max } => format!("by row, at most {max:?}\n"),
    };
    got += "in\n";
    got.extend(contract.inputs.iter().map(port));
    got += "out\n";
    got.extend(contract.outputs.iter().map(port));
    expected.assert_eq(&got);
}

#[test]
fn what_ports_say_of_their_elements_is_carried() {
    check(
        r#"
nodes:
  words: { model: words }
  linear: { model: linear, inputs: { x: words } }
  bounded: { model: bounded }
  also: { model: linear }
outputs: { p: linear, s: bounded, q: also }
"#,
        expect![[r#"
            by row, at most None
            in
            city BYTES [-1] of ["Rome", "Oslo"] Allowed
            x FP32 [-1, 4] from 0 to 1 Forbidden
            out
            p FP32 [-1, 2] labels ["no", "yes"] Allowed
            q FP32 [-1, 2] labels ["no", "yes"] Allowed
            s FP32 [-1, 4] from 5 to 9 Allowed
        "#]],
    );
}

#[test]
fn what_is_stated_wins() {
    check(
        r#"
inputs:
  - { name: z, datatype: FP32, shape: [-1, 4] }
  - { name: x, datatype: FP32, shape: [-1, 4], range: [0, 100] }
nodes:
  bounded: { model: bounded }
  linear: { model: linear, inputs: { x: request.z } }
outputs: { s: bounded, p: linear }
"#,
        expect![[r#"
            by row, at most None
            in
            z FP32 [-1, 4] Allowed
            x FP32 [-1, 4] from 0 to 100 Allowed
            out
            p FP32 [-1, 2] labels ["no", "yes"] Allowed
            s FP32 [-1, 4] from 5 to 9 Allowed
        "#]],
    );
}

#[test]
fn axes_of_one_name_are_one() {
    // The names of two nodes are two names, until one value goes into both.
    check(
        r#"
nodes:
  one: { model: pair }
  two: { model: pair, inputs: { a: one.d, b: request.e } }
outputs: { c: one.c, d: two.d, e: two.c }
"#,
        expect![[r#"
            by row, at most None
            in
            a FP32 [-1, -1] axes n Allowed
            b FP32 [-1, -1] axes n Allowed
            e FP32 [-1, -1] axes one_m Allowed
            out
            c FP32 [-1, -1] axes n Allowed
            d FP32 [-1, -1] axes two_m Allowed
            e FP32 [-1, -1] axes one_m Allowed
        "#]],
    );
    check(
        r#"
nodes:
  pair: { model: pair, inputs: { a: request.x } }
  linear: { model: linear }
outputs: { c: pair.c, p: linear }
"#,
        expect![[r#"
            by row, at most None
            in
            b FP32 [-1, 4] Allowed
            x FP32 [-1, 4] Allowed
            out
            c FP32 [-1, 4] Allowed
            p FP32 [-1, 2] labels ["no", "yes"] Allowed
        "#]],
    );
    // In a graph that does not batch, the rows of a member that does are an axis like others.
    check(
        r#"
inputs: [ { name: x, datatype: FP32, shape: [3, 4] } ]
nodes:
  scaled: { model: scaler }
  pair: { model: pair, inputs: { a: scaled, b: scaled } }
outputs: { c: pair.c, d: pair.d }
"#,
        expect![[r#"
            whole
            in
            x FP32 [3, 4] Allowed
            out
            c FP32 [3, 4] Allowed
            d FP32 [3, -1] axes m Allowed
        "#]],
    );
}

#[test]
fn a_branch_knows_where_its_ports_are() {
    let graph = graph(
        r#"
nodes:
  linear: { model: linear, on_error: { fallback: strong } }
  strong: { model: strong }
  route: { switch: [ { when: "bool(request.parameters.deep)", call: strong }, { else: linear } ] }
outputs: { p: route }
"#,
    );
    let [strong, linear, route] = &graph.nodes[..] else {
        panic!("{graph:?}");
    };
    assert_eq!(&*strong.name, "strong");
    let OnError::Fallback(branch) = &linear.on_error else {
        panic!("{linear:?}");
    };
    assert_eq!((branch.node, &branch.ports[..]), (NodeId(0), &[1][..]));
    let Work::Switch(cases) = &route.work else {
        panic!("{route:?}");
    };
    let ports: Vec<_> = cases
        .iter()
        .map(|(_, to)| (to.node, &to.ports[..]))
        .collect();
    assert_eq!(ports, [(NodeId(0), &[1][..]), (NodeId(1), &[0][..])]);
    assert_eq!(graph.outputs, [Feed::Port(NodeId(2), 0)]);
    assert!(cases[0].0.as_ref().is_some_and(|when| when.of.is_empty()));
}
