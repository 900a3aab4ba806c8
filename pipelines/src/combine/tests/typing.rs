//! What is told of a transform before any request: what comes out, or why nothing can.

use std::fmt::Write;

use expect_test::{Expect, expect};
use impresario_models::contract::{Dims, NonFinite};
use impresario_models::{DataType, Port};

use super::port;
use crate::combine::{Labels, Misfit, Op, Which};
use DataType::{Bytes, Fp32, Fp64, Int64, Uint8};

pub(super) fn told(port: Result<Port, Misfit>) -> String {
    match port {
        Ok(port) => {
            let mut text = format!("{} {}", port.datatype, Dims(&port.shape));
            if let Some((low, high)) = port.range {
                write!(text, " from {low} to {high}").unwrap();
            }
            if let Some(categories) = &port.categories {
                write!(text, " one of {}", categories.join(", ")).unwrap();
            }
            if !port.labels.is_empty() {
                write!(text, " of {}", port.labels.join(", ")).unwrap();
            }
            if port.non_finite == NonFinite::Forbidden {
                text.push_str(" finite");
            }
            text
        }
        Err(misfit) => {
            let at = misfit
                .at
                .map_or(String::new(), |at| format!("value {at}: "));
            let hint = misfit
                .hint
                .as_ref()
                .map_or(String::new(), |hint| format!(" ({hint})"));
            format!("{at}{misfit}{hint}")
        }
    }
}

/// Tells each of several transforms of the same values, with rows.
pub(super) fn check(of: &[&Port], ops: &[Op], expected: Expect) {
    let lines = ops
        .iter()
        .map(|op| format!("{}: {}\n", op.name(), told(op.output(of, true))));
    expected.assert_eq(&lines.collect::<String>());
}

fn labels(of: &[&str]) -> Labels {
    Labels::from(of.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
}

/// Three scores a row, with names and a range.
pub(super) fn scores() -> Port {
    let mut scores = port(Fp32, &[-1, 3]);
    scores.labels = ["a", "b", "c"].map(str::to_owned).into();
    scores.range = Some((-8.0, 8.0));
    scores.non_finite = NonFinite::Forbidden;
    scores
}

fn slice(start: Option<i64>, stop: Option<i64>) -> Op {
    let which = Which::Slice { start, stop };
    Op::Select { axis: None, which }
}

fn pick(axis: Option<i64>, which: Which) -> Op {
    Op::Select { axis, which }
}

#[test]
fn what_is_known_of_scores_goes_on() {
    check(
        &[&scores()],
        &[
            Op::Cast(Fp64),
            Op::Cast(Fp32),
            Op::Reshape(vec![Some(1), None]),
            Op::Reshape(vec![None, Some(1)]),
            Op::Transpose(None),
            Op::Normalise {
                mean: vec![1.0],
                scale: vec![1.0, 2.0, 3.0],
            },
            Op::Clip {
                low: Some(0.1),
                high: None,
            },
            Op::Clip {
                low: Some(9.0),
                high: Some(10.0),
            },
            Op::Softmax,
            Op::Sigmoid,
            Op::Argmax,
            Op::TopK { k: 2 },
            Op::TopKIndices { k: 2 },
            Op::Stack { axis: None },
            Op::Stack { axis: Some(1) },
            pick(None, Which::Index(-1)),
            pick(None, Which::Indices(vec![2, 0])),
            slice(Some(1), None),
        ],
        expect![[r#"
            cast: FP64 [-1, 3] of a, b, c
            cast: FP32 [-1, 3] from -8 to 8 of a, b, c finite
            reshape: FP32 [-1, 1, 3] from -8 to 8 of a, b, c finite
            reshape: FP32 [-1, 3, 1] from -8 to 8 finite
            transpose: FP32 [-1, 3] from -8 to 8 of a, b, c finite
            normalise: FP32 [-1, 3] of a, b, c
            clip: FP32 [-1, 3] from 0.10000000149011612 to 8 of a, b, c finite
            clip: FP32 [-1, 3] from 9 to 9 of a, b, c finite
            softmax: FP32 [-1, 3] from 0 to 1 of a, b, c finite
            sigmoid: FP32 [-1, 3] from 0 to 1 of a, b, c finite
            argmax: INT64 [-1] from 0 to 2
            top_k: FP32 [-1, 2] from -8 to 8 finite
            top_k_indices: INT64 [-1, 2] from 0 to 2
            stack: FP32 [-1, 3, 1] from -8 to 8 finite
            stack: FP32 [-1, 1, 3] from -8 to 8 of a, b, c finite
            select: FP32 [-1] from -8 to 8 finite
            select: FP32 [-1, 2] from -8 to 8 of c, a finite
            select: FP32 [-1, 2] from -8 to 8 of b, c finite
        "#]],
    );
    let mut more = scores();
    more.labels = ["d", "e", "f"].map(str::to_owned).into();
    more.range = Some((0.0, 10.0));
    check(
        &[&scores(), &more],
        &[Op::Concat { axis: None }, Op::Stack { axis: Some(1) }],
        expect![[r#"
            concat: FP32 [-1, 6] from -8 to 10 of a, b, c, d, e, f finite
            stack: FP32 [-1, 2, 3] from -8 to 10 finite
        "#]],
    );
}

#[test]
fn transforms_that_cannot_be() {
    check(
        &[&scores()],
        &[
            Op::Reshape(vec![Some(2), None]),
            Op::Reshape(vec![Some(4)]),
            Op::Reshape(vec![None, None]),
            Op::Reshape(vec![None, Some(0)]),
            Op::Reshape(vec![Some(usize::MAX), Some(2)]),
            Op::Transpose(Some(vec![1, 0])),
            Op::Transpose(Some(vec![0])),
            Op::Transpose(Some(vec![0, 0])),
            Op::Normalise {
                mean: vec![0.0; 2],
                scale: vec![1.0],
            },
            Op::Normalise {
                mean: vec![0.0],
                scale: vec![],
            },
            Op::Normalise {
                mean: vec![0.0],
                scale: vec![1.0, 0.0, 1.0],
            },
            Op::Normalise {
                mean: vec![f64::NAN],
                scale: vec![1.0],
            },
            Op::Clip {
                low: Some(2.0),
                high: Some(1.0),
            },
            Op::Clip {
                low: None,
                high: None,
            },
            Op::Clip {
                low: None,
                high: Some(f64::NAN),
            },
            Op::TopK { k: 4 },
            Op::TopKIndices { k: 0 },
            Op::Concat { axis: Some(0) },
            Op::Concat { axis: Some(-3) },
            pick(Some(0), Which::Index(0)),
            pick(None, Which::Index(3)),
            pick(Some(1), Which::Indices(vec![0, -4])),
            Op::OneHot { size: 3 },
            Op::Lookup {
                labels: labels(&["a"]),
                default: None,
            },
            Op::IndexOf {
                labels: labels(&["a"]),
                default: None,
            },
            Op::Lower,
        ],
        expect![[r#"
            reshape: expected a multiple of 2 elements in a row, got shape [-1, 3]
            reshape: expected 4 elements in a row, got shape [-1, 3]
            reshape: expected -1 at most once in shape, got 2 of them
            reshape: expected no -1 beside a 0 in shape, got both (what is left for -1 cannot be told)
            reshape: expected as many elements as can be counted, got shape [18446744073709551615, 2]
            transpose: expected axes that begin with 0, got [1, 0] (axis 0 is the rows, of which each is computed by itself)
            transpose: expected axes that name each from 0 to 1 once, got [0]
            transpose: expected axes that name each from 0 to 1 once, got [0, 0]
            normalise: expected one number for mean, or 3 as along the last axis, got 2
            normalise: expected one number for scale, or 3 as along the last axis, got 0
            normalise: expected finite numbers other than 0 for scale, got 0
            normalise: expected finite numbers for mean, got NaN
            clip: expected high of at least low, which is 2, got 1
            clip: expected low, high or both, got neither
            clip: expected a number, got NaN
            top_k: expected at least 4 along the last axis, got shape [-1, 3]
            top_k_indices: expected k of at least 1, got 0
            concat: value 0: expected axis 1, got axis 0 (axis 0 is the rows, of which each is computed by itself)
            concat: value 0: expected axis 1, got axis -3 (axis 0 is the rows, of which each is computed by itself)
            select: expected axis 1, got axis 0 (axis 0 is the rows, of which each is computed by itself)
            select: expected a place among 3 along axis 1, got 3
            select: expected a place among 3 along axis 1, got -4
            one_hot: expected a datatype of whole numbers, got FP32 (the transform cast makes INT64 of it)
            lookup: expected a datatype of whole numbers, got FP32 (the transform cast makes INT64 of it)
            index_of: expected BYTES, got FP32 (the transforms lookup and cast make texts of numbers)
            lower: expected BYTES, got FP32 (the transforms lookup and cast make texts of numbers)
        "#]],
    );
}

#[test]
fn one_number_or_text_a_row() {
    check(
        &[&port(Int64, &[-1])],
        &[
            Op::Cast(Bytes),
            Op::Reshape(vec![Some(1)]),
            Op::Reshape(vec![]),
            Op::Transpose(None),
            Op::Stack { axis: None },
            Op::OneHot { size: 4 },
            Op::OneHot { size: 0 },
            Op::Lookup {
                labels: labels(&["a", "b"]),
                default: None,
            },
            Op::Lookup {
                labels: labels(&[]),
                default: None,
            },
            Op::Clip {
                low: Some(0.0),
                high: Some(9.0),
            },
            Op::Clip {
                low: Some(0.5),
                high: None,
            },
            Op::Clip {
                low: None,
                high: Some(1e19),
            },
            Op::Softmax,
            Op::Argmax,
            Op::Concat { axis: None },
            pick(None, Which::Index(0)),
        ],
        expect![[r#"
            cast: BYTES [-1]
            reshape: INT64 [-1, 1]
            reshape: INT64 [-1]
            transpose: INT64 [-1]
            stack: INT64 [-1, 1]
            one_hot: FP32 [-1, 4] from 0 to 1
            one_hot: expected size of at least 1, got 0
            lookup: BYTES [-1]
            lookup: expected at least one label, got none
            clip: INT64 [-1] from 0 to 9
            clip: expected a number that INT64 holds for low, got 0.5
            clip: expected a number that INT64 holds for high, got 10000000000000000000
            softmax: expected FP16, BF16, FP32 or FP64, got INT64 (the transform cast makes FP32 of it)
            argmax: expected an axis beside the rows, got shape [-1]
            concat: value 0: expected an axis beside the rows, got shape [-1] (stack puts values side by side along a new axis)
            select: expected an axis beside the rows, got shape [-1]
        "#]],
    );
    check(
        &[&port(Fp32, &[-1])],
        &[
            Op::Normalise {
                mean: vec![1.0],
                scale: vec![2.0],
            },
            Op::Normalise {
                mean: vec![1.0, 2.0],
                scale: vec![2.0],
            },
            Op::Softmax,
        ],
        expect![[r#"
            normalise: FP32 [-1]
            normalise: expected one number for mean, got 2 (the value has no axis along which there could be more)
            softmax: expected an axis beside the rows, got shape [-1]
        "#]],
    );
    check(
        &[&port(Bytes, &[-1])],
        &[
            Op::Cast(Fp32),
            Op::Lower,
            Op::Replace {
                from: "a".into(),
                to: String::new(),
            },
            Op::Replace {
                from: String::new(),
                to: "a".into(),
            },
            Op::Length,
            Op::IndexOf {
                labels: labels(&["a", "b"]),
                default: None,
            },
            Op::IndexOf {
                labels: labels(&["a", "b", "a"]),
                default: None,
            },
            Op::IndexOf {
                labels: labels(&[]),
                default: None,
            },
            Op::Sigmoid,
        ],
        expect![[r#"
            cast: FP32 [-1]
            lower: BYTES [-1]
            replace: BYTES [-1]
            replace: expected a text for from, got an empty one
            length: INT64 [-1]
            index_of: INT64 [-1]
            index_of: expected labels that differ, got 'a' more than once
            index_of: expected at least one label, got none
            sigmoid: expected FP16, BF16, FP32 or FP64, got BYTES (the transform cast makes FP32 of it)
        "#]],
    );
}

#[test]
fn free_axes_wait_for_the_request() {
    check(
        &[&port(Uint8, &[-1, -1, 4])],
        &[
            Op::Reshape(vec![None]),
            Op::Reshape(vec![Some(3), Some(5)]),
            Op::Transpose(None),
            Op::Transpose(Some(vec![0, -1, 1])),
            Op::Argmax,
            Op::Concat { axis: Some(1) },
            pick(Some(1), Which::Index(7)),
            pick(Some(1), Which::Indices(vec![7, 7])),
            pick(
                Some(1),
                Which::Slice {
                    start: Some(1),
                    stop: None,
                },
            ),
            pick(
                Some(1),
                Which::Slice {
                    start: None,
                    stop: None,
                },
            ),
        ],
        expect![[r#"
            reshape: UINT8 [-1, -1]
            reshape: UINT8 [-1, 3, 5]
            transpose: UINT8 [-1, 4, -1]
            transpose: UINT8 [-1, 4, -1]
            argmax: INT64 [-1, -1] from 0 to 3
            concat: UINT8 [-1, -1, 4]
            select: UINT8 [-1, 4]
            select: UINT8 [-1, 2, 4]
            select: UINT8 [-1, -1, 4]
            select: UINT8 [-1, -1, 4]
        "#]],
    );
    check(
        &[&port(Fp32, &[-1, -1])],
        &[
            Op::Normalise {
                mean: vec![0.0; 7],
                scale: vec![1.0],
            },
            Op::Normalise {
                mean: vec![],
                scale: vec![1.0],
            },
            Op::TopK { k: 9 },
        ],
        expect![[r#"
            normalise: FP32 [-1, -1]
            normalise: expected numbers for mean, got none
            top_k: FP32 [-1, 9]
        "#]],
    );
    // Without rows the first axis is one like the others.
    let whole = port(Fp32, &[-1, 2]);
    for (op, text) in [
        (Op::Transpose(None), "FP32 [2, -1]"),
        (Op::Concat { axis: Some(0) }, "FP32 [-1, 2]"),
        (Op::Reshape(vec![None]), "FP32 [-1]"),
    ] {
        assert_eq!(told(op.output(&[&whole], false)), text);
    }
    let one = port(Fp32, &[]);
    assert_eq!(
        told(Op::Sigmoid.output(&[&one], false)),
        "FP32 [] from 0 to 1"
    );
    assert_eq!(
        told(Op::Stack { axis: None }.output(&[&one, &one], false)),
        "FP32 [2]"
    );
    expect!["expected at least one axis, got shape []"]
        .assert_eq(&told(Op::Softmax.output(&[&one], false)));
}
