//! A table of contracts that differ in one thing, and what is told of each.

use std::num::NonZeroUsize;

use expect_test::{Expect, expect};
use impresario_models::DataType::{self, Bytes, Fp32, Fp64, Int32, Int64, Uint8};
use impresario_models::contract::NonFinite;
use impresario_models::{Batching, Dim};

use super::*;

mod properties;
mod whole;

/// A shape as it is written: a number, `?`, or a symbol.
fn dims(shape: &str) -> Vec<Dim> {
    let dim = |axis: &str| match (axis, axis.parse()) {
        (_, Ok(size)) => Dim::Fixed(size),
        ("?", _) => Dim::Free(None),
        (symbol, _) => Dim::Free(Some(symbol.into())),
    };
    shape.split_whitespace().map(dim).collect()
}

fn port(name: &str, datatype: DataType, shape: &str) -> Port {
    Port::new(name, datatype, dims(shape))
}

fn rows(max: usize) -> Batching {
    let max = NonZeroUsize::new(max);
    Batching::FirstAxis { max }
}

fn contract(inputs: &[Port], outputs: &[Port]) -> Contract {
    Contract {
        inputs: inputs.to_vec(),
        outputs: outputs.to_vec(),
        batching: rows(0),
    }
}

fn names(names: &[&str]) -> Arc<[String]> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn told(old: &Contract, new: &Contract) -> String {
    let breaches = breaches(old, new);
    let verdict = Verdict::of(&breaches);
    assert_eq!(compatible(old, new), verdict != Verdict::Breaking);
    let line = |b: &Breach| format!("{} [{}] {b}\n", b.severity.as_str(), b.kind.as_str());
    let lines: String = breaches.iter().map(line).collect();
    format!("{}\n{lines}", verdict.as_str())
}

fn check(old: &Contract, new: &Contract, expected: &Expect) {
    expected.assert_eq(&told(old, new));
}

/// Ports with one thing changed, as inputs and as outputs, there and back.
fn check_port(old: Port, new: Port, expected: &Expect) {
    let other = [port("other", Fp32, "? 2")];
    let input = |port: &Port| contract(std::slice::from_ref(port), &other);
    let output = |port: &Port| contract(&other, std::slice::from_ref(port));
    expected.assert_eq(&format!(
        "{}{}back, {}back, {}",
        told(&input(&old), &input(&new)),
        told(&output(&old), &output(&new)),
        told(&input(&new), &input(&old)),
        told(&output(&new), &output(&old)),
    ));
}

#[test]
fn the_same_is_the_same() {
    let one = contract(&[port("x", Fp32, "? 4")], &[port("y", Int64, "N")]);
    check(
        &one,
        &one.clone(),
        &expect![[r#"
        same
    "#]],
    );
    let mut symbols = one.clone();
    symbols.inputs[0].shape = dims("batch 4");
    check(
        &one,
        &symbols,
        &expect![[r#"
        same
    "#]],
    );
    let reordered =
        |a: &str, b: &str| contract(&[port(a, Fp32, "? 4"), port(b, Fp32, "? 1")], &one.outputs);
    let (mut ab, mut ba) = (reordered("a", "b"), reordered("b", "a"));
    (ab.inputs[1].shape, ba.inputs[0].shape) = (dims("? 4"), dims("? 4"));
    (ab.inputs[0].shape, ba.inputs[1].shape) = (dims("? 1"), dims("? 1"));
    check(
        &ab,
        &ba,
        &expect![[r#"
        same
    "#]],
    );
}

#[test]
fn ports_that_come_and_go() {
    let outputs = [port("label", Int64, "?"), port("scores", Fp32, "? 3")];
    let old = contract(
        &[port("age", Fp32, "? 1"), port("town", Bytes, "? 1")],
        &outputs,
    );
    // Renamed, once by a slip and once altogether.
    let inputs = [port("Age_", Fp32, "? 1"), port("city", Bytes, "? 1")];
    check(
        &old,
        &contract(&inputs, &outputs),
        &expect![[r#"
        breaking
        breaking [missing] input 'age': expected FP32 [-1, 1], got none (hint: perhaps it is now called 'Age_', which has the same datatype)
        breaking [missing] input 'town': expected BYTES [-1, 1], got none (hint: perhaps it is now called 'city', which has the same datatype)
        breaking [added] input 'Age_': expected no such input, got a required one
        breaking [added] input 'city': expected no such input, got a required one
    "#]],
    );
    // Of another type, it is another input.
    check(
        &old,
        &contract(
            &[port("ages", Int64, "? 1"), port("town", Bytes, "? 1")],
            &outputs,
        ),
        &expect![[r#"
            breaking
            breaking [missing] input 'age': expected FP32 [-1, 1], got none
            breaking [added] input 'ages': expected no such input, got a required one
        "#]],
    );
    check(
        &old,
        &contract(&old.inputs[..1], &outputs),
        &expect![[r#"
        breaking
        breaking [missing] input 'town': expected BYTES [-1, 1], got none
    "#]],
    );
    let more = [&old.inputs[..], &[port("income", Fp64, "? 1")]].concat();
    check(
        &old,
        &contract(&more, &outputs),
        &expect![[r#"
        breaking
        breaking [added] input 'income': expected no such input, got a required one
    "#]],
    );
    check(
        &old,
        &contract(&old.inputs, &outputs[..1]),
        &expect![[r#"
        breaking
        breaking [missing] output 'scores': expected FP32 [-1, 3], got none
    "#]],
    );
    let more = [&[port("why", Bytes, "?")], &outputs[..]].concat();
    check(
        &old,
        &contract(&old.inputs, &more),
        &expect![[r#"
        widening
        widening [order] output 'label': expected at place 0, got place 1 (hint: whoever reads outputs by name does not notice)
        widening [order] output 'scores': expected at place 1, got place 2 (hint: whoever reads outputs by name does not notice)
        widening [added] output 'why': expected no such output, got one more
    "#]],
    );
}

#[test]
fn types_and_shapes() {
    check_port(
        port("x", Fp32, "? 4"),
        port("x", Fp64, "? 4"),
        &expect![[r#"
            breaking
            breaking [datatype] input 'x': expected datatype FP32, got FP64
            breaking
            breaking [datatype] output 'x': expected datatype FP32, got FP64
            back, breaking
            breaking [datatype] input 'x': expected datatype FP64, got FP32
            back, breaking
            breaking [datatype] output 'x': expected datatype FP64, got FP32
        "#]],
    );
    check_port(
        port("x", Int32, "? 4"),
        port("x", Int32, "? 4 1"),
        &expect![[r#"
            breaking
            breaking [shape] input 'x': expected shape [-1, 4], got [-1, 4, 1]
            breaking
            breaking [shape] output 'x': expected shape [-1, 4], got [-1, 4, 1]
            back, breaking
            breaking [shape] input 'x': expected shape [-1, 4, 1], got [-1, 4]
            back, breaking
            breaking [shape] output 'x': expected shape [-1, 4, 1], got [-1, 4]
        "#]],
    );
    check_port(
        port("x", Fp32, "? 4"),
        port("x", Fp32, "? ?"),
        &expect![[r#"
            widening
            widening [shape] input 'x': expected shape [-1, 4], got [-1, -1]
            breaking
            breaking [shape] output 'x': expected shape [-1, 4], got [-1, -1]
            back, breaking
            breaking [shape] input 'x': expected shape [-1, -1], got [-1, 4]
            back, widening
            widening [shape] output 'x': expected shape [-1, -1], got [-1, 4]
        "#]],
    );
    check_port(
        port("x", Fp32, "? 4"),
        port("x", Fp32, "? 5"),
        &expect![[r#"
            breaking
            breaking [shape] input 'x': expected shape [-1, 4], got [-1, 5]
            breaking
            breaking [shape] output 'x': expected shape [-1, 4], got [-1, 5]
            back, breaking
            breaking [shape] input 'x': expected shape [-1, 5], got [-1, 4]
            back, breaking
            breaking [shape] output 'x': expected shape [-1, 5], got [-1, 4]
        "#]],
    );
    check_port(
        port("x", Fp32, "? 4 ?"),
        port("x", Fp32, "? ? 4"),
        &expect![[r#"
            breaking
            breaking [shape] input 'x': expected shape [-1, 4, -1], got [-1, -1, 4]
            breaking
            breaking [shape] output 'x': expected shape [-1, 4, -1], got [-1, -1, 4]
            back, breaking
            breaking [shape] input 'x': expected shape [-1, -1, 4], got [-1, 4, -1]
            back, breaking
            breaking [shape] output 'x': expected shape [-1, -1, 4], got [-1, 4, -1]
        "#]],
    );
}

#[test]
fn what_elements_may_be() {
    let with = |datatype, change: &dyn Fn(&mut Port)| {
        let mut port = port("x", datatype, "? 2");
        change(&mut port);
        port
    };
    let range = |datatype, low, high| with(datatype, &|port| port.range = Some((low, high)));
    check_port(
        with(Fp32, &|_| {}),
        range(Fp32, 0.0, 1.5),
        &expect![[r#"
        breaking
        breaking [range] input 'x': expected any number, got numbers from 0 to 1.5
        widening
        widening [range] output 'x': expected any number, got numbers from 0 to 1.5
        back, widening
        widening [range] input 'x': expected numbers from 0 to 1.5, got any number
        back, breaking
        breaking [range] output 'x': expected numbers from 0 to 1.5, got any number
    "#]],
    );
    check_port(
        range(Fp32, 0.0, 10.0),
        range(Fp32, 5.0, 15.0),
        &expect![[r#"
            breaking
            breaking [range] input 'x': expected numbers from 0 to 10, got numbers from 5 to 15
            breaking
            breaking [range] output 'x': expected numbers from 0 to 10, got numbers from 5 to 15
            back, breaking
            breaking [range] input 'x': expected numbers from 5 to 15, got numbers from 0 to 10
            back, breaking
            breaking [range] output 'x': expected numbers from 5 to 15, got numbers from 0 to 10
        "#]],
    );
    // What the datatype says anyway is no range.
    check_port(
        with(Uint8, &|_| {}),
        range(Uint8, -1.0, 255.0),
        &expect![[r#"
            same
            same
            back, same
            back, same
        "#]],
    );
    let one_of =
        |categories: &[&str]| with(Bytes, &|port| port.categories = Some(names(categories)));
    check_port(
        with(Bytes, &|_| {}),
        one_of(&["a"]),
        &expect![[r#"
        breaking
        breaking [categories] input 'x': expected any value, got one of 'a'
        widening
        widening [categories] output 'x': expected any value, got one of 'a'
        back, widening
        widening [categories] input 'x': expected one of 'a', got any value
        back, breaking
        breaking [categories] output 'x': expected one of 'a', got any value
    "#]],
    );
    check_port(
        one_of(&["a", "b"]),
        one_of(&["b", "c"]),
        &expect![[r#"
        breaking
        breaking [categories] input 'x': expected one of 'a', 'b', got one of 'b', 'c'
        breaking
        breaking [categories] output 'x': expected one of 'a', 'b', got one of 'b', 'c'
        back, breaking
        breaking [categories] input 'x': expected one of 'b', 'c', got one of 'a', 'b'
        back, breaking
        breaking [categories] output 'x': expected one of 'b', 'c', got one of 'a', 'b'
    "#]],
    );
    check_port(
        one_of(&["a", "b"]),
        one_of(&["b", "a"]),
        &expect![[r#"
        same
        same
        back, same
        back, same
    "#]],
    );
    let finite = |datatype| with(datatype, &|port| port.non_finite = NonFinite::Forbidden);
    check_port(
        with(Fp32, &|_| {}),
        finite(Fp32),
        &expect![[r#"
            breaking
            breaking [non-finite] input 'x': expected NaN and infinities allowed, got finite numbers only
            widening
            widening [non-finite] output 'x': expected NaN and infinities allowed, got finite numbers only
            back, widening
            widening [non-finite] input 'x': expected finite numbers only, got NaN and infinities allowed
            back, breaking
            breaking [non-finite] output 'x': expected finite numbers only, got NaN and infinities allowed
        "#]],
    );
    check_port(
        with(Int32, &|_| {}),
        finite(Int32),
        &expect![[r#"
        same
        same
        back, same
        back, same
    "#]],
    );
}
