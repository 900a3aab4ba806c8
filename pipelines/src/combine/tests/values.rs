//! What comes out at the edges: NaN, ties, missing members, and values that cannot be computed.

use half::f16;
use impresario_models::{DataType, Tensor, Values};

use super::shown;
use crate::combine::{Labels, Op, Rule, Which};

fn texts(of: &[&str]) -> Tensor {
    Tensor::vector(of.iter().map(|text| text.as_bytes().to_vec()).collect())
}

fn told(op: &Op, of: &[&Tensor]) -> String {
    match op.apply(of, true) {
        Ok(tensor) => shown(&tensor),
        Err(fault) => fault.to_string(),
    }
}

fn made(rule: &Rule, of: &[Option<&Tensor>]) -> String {
    match rule.apply(of, true) {
        Ok(tensor) => shown(&tensor),
        Err(fault) => fault.to_string(),
    }
}

const NAN: f32 = f32::NAN;
const FAR: f32 = f32::INFINITY;

#[test]
fn casts_refuse_what_the_datatype_does_not_hold() {
    let cast = |of: Tensor, to| told(&Op::Cast(to), &[&of]);
    let floats = |of: &[f64]| Tensor::vector(of.to_vec());
    assert_eq!(
        cast(floats(&[1.0, 300.0]), DataType::Uint8),
        "element 1: expected what UINT8 holds, got '300.0'"
    );
    assert_eq!(
        cast(floats(&[f64::NAN]), DataType::Int64),
        "element 0: expected what INT64 holds, got 'NaN'"
    );
    assert_eq!(
        cast(floats(&[-0.9, 255.9]), DataType::Uint8),
        "[2] Uint8([0, 255])"
    );
    // The double next to the greatest INT64 is one too great.
    assert_eq!(
        cast(floats(&[9_223_372_036_854_775_807.0]), DataType::Int64),
        "element 0: expected what INT64 holds, got '9.223372036854776e18'"
    );
    assert_eq!(
        cast(floats(&[-9_223_372_036_854_775_808.0]), DataType::Int64),
        "[1] Int64([-9223372036854775808])"
    );
    assert_eq!(
        cast(floats(&[-128.9, 127.9]), DataType::Int8),
        "[2] Int8([-128, 127])"
    );
    for beyond in [-129.0, 128.0] {
        assert!(
            Op::Cast(DataType::Int8)
                .apply(&[&floats(&[beyond])], true)
                .is_err()
        );
    }
    let below = (-9_223_372_036_854_775_808.0_f64).next_down();
    assert!(
        Op::Cast(DataType::Int64)
            .apply(&[&floats(&[below])], true)
            .is_err()
    );
    assert_eq!(
        cast(floats(&[1e300, f64::NAN]), DataType::Fp32),
        "[2] Fp32([inf, NaN])"
    );
    assert_eq!(
        cast(floats(&[1e6, 0.1]), DataType::Fp16),
        "[2] Fp16([inf, 0.099975586])"
    );
    assert_eq!(
        cast(Tensor::vector(vec![u64::MAX]), DataType::Int64),
        "element 0: expected what INT64 holds, got '18446744073709551615'"
    );
    assert_eq!(
        cast(texts(&["1.5", "-2e3", "NaN"]), DataType::Fp32),
        "[3] Fp32([1.5, -2000.0, NaN])"
    );
    assert_eq!(
        cast(texts(&["12", " 3"]), DataType::Int32),
        "element 1: expected what INT32 holds, got ' 3'"
    );
    assert_eq!(
        cast(texts(&["true", "false"]), DataType::Bool),
        "[2] Bool([true, false])"
    );
    assert_eq!(
        Op::Cast(DataType::Bytes).apply(&[&floats(&[1.0, 0.1, 1e30])], true),
        Ok(texts(&["1.0", "0.1", "1e30"]))
    );
}

#[test]
fn half_floats_are_computed_in_more_digits_and_stay_half() {
    let of = Tensor::of(vec![1, 2], vec![f16::from_f32(3.0), f16::from_f32(4.0)]).unwrap();
    assert_eq!(
        told(&Op::Softmax, &[&of]),
        "[1, 2] Fp16([0.26904297, 0.73095703])"
    );
    let halves = [2048.0, 1.0, 1.0].map(|x| Tensor::vector(vec![f16::from_f32(x)]));
    let of: Vec<_> = halves.iter().map(Some).collect();
    // In halves 2048 + 1 is 2048.
    assert_eq!(made(&Rule::Mean, &of), "[1] Fp16([683.5])");
}

#[test]
fn not_a_number_is_the_greatest_and_is_not_clipped() {
    let of = Tensor::of(vec![2, 3], vec![1.0, NAN, FAR, 2.0, 2.0, 1.0]).unwrap();
    assert_eq!(told(&Op::Argmax, &[&of]), "[2] Int64([1, 0])");
    assert_eq!(
        told(&Op::TopK { k: 2 }, &[&of]),
        "[2, 2] Fp32([NaN, inf, 2.0, 2.0])"
    );
    assert_eq!(
        told(&Op::TopKIndices { k: 2 }, &[&of]),
        "[2, 2] Int64([1, 2, 0, 1])"
    );
    let clip = Op::Clip {
        low: None,
        high: Some(1.5),
    };
    assert_eq!(
        told(&clip, &[&of]),
        "[2, 3] Fp32([1.0, NaN, 1.5, 1.5, 1.5, 1.0])"
    );
    let infinite = Tensor::of(vec![3, 2], vec![FAR, 1.0, -FAR, -FAR, -FAR, 1.0]).unwrap();
    assert_eq!(
        told(&Op::Softmax, &[&infinite]),
        "[3, 2] Fp32([NaN, NaN, NaN, NaN, 0.0, 1.0])"
    );
    assert_eq!(
        told(&Op::Sigmoid, &[&infinite]),
        "[3, 2] Fp32([1.0, 0.7310586, 0.0, 0.0, 0.0, 0.7310586])"
    );
}

#[test]
fn labels_and_numbers_that_are_not_there() {
    let labels = Labels::from(["low", "high"].map(str::to_owned).to_vec());
    let lookup = |default: Option<&str>| Op::Lookup {
        labels: labels.clone(),
        default: default.map(str::to_owned),
    };
    let numbers = Tensor::vector(vec![1i64, 2, -1]);
    assert_eq!(
        told(&lookup(None), &[&numbers]),
        "element 1: expected a number from 0 to 1, got 2"
    );
    assert_eq!(
        lookup(Some("?")).apply(&[&numbers], true),
        Ok(texts(&["high", "?", "?"]))
    );
    let index = |default| Op::IndexOf {
        labels: labels.clone(),
        default,
    };
    let words = texts(&["high", "middle", "low"]);
    assert_eq!(
        told(&index(None), &[&words]),
        "element 1: expected one of 2 labels, got 'middle'"
    );
    assert_eq!(told(&index(Some(9)), &[&words]), "[3] Int64([1, 9, 0])");
    let hot = Op::OneHot { size: 2 };
    assert_eq!(
        told(&hot, &[&numbers]),
        "[3, 2] Fp32([0.0, 1.0, 0.0, 0.0, 0.0, 0.0])"
    );
    let broken = Tensor::vector(vec![vec![0xff_u8]]);
    assert_eq!(
        told(&Op::Lower, &[&broken]),
        "element 0: expected UTF-8, got '\u{fffd}'"
    );
    let both = Op::ConcatText {
        separator: String::new(),
    };
    assert_eq!(told(&both, &[&broken, &broken]), "[1] Bytes([[255, 255]])");
}

#[test]
fn shapes_that_differ_in_a_request_are_told() {
    let [two, three] = [2, 3].map(|n| Tensor::of(vec![1, n], vec![0f32; n]).unwrap());
    assert_eq!(
        told(&Op::Stack { axis: None }, &[&two, &three]),
        "value 1: expected shape [1, 2] as in the first, got shape [1, 3]"
    );
    assert_eq!(
        made(&Rule::Mean, &[Some(&two), None, Some(&three)]),
        "value 2: expected shape [1, 2] as in the first, got shape [1, 3]"
    );
    assert_eq!(
        told(&Op::Concat { axis: None }, &[&two, &three]),
        "[1, 5] Fp32([0.0, 0.0, 0.0, 0.0, 0.0])"
    );
    assert_eq!(
        told(
            &Op::Select {
                axis: None,
                which: Which::Index(2)
            },
            &[&two]
        ),
        "expected a place among 2 along axis 1, got 2"
    );
    assert_eq!(
        told(&Op::Reshape(vec![None, Some(2)]), &[&three]),
        "expected a multiple of 2 elements in a row, got shape [1, 3]"
    );
    assert_eq!(
        told(
            &Op::Reshape(vec![None, Some(2)]),
            &[&Tensor::of(vec![0, 4], Vec::<u8>::new()).unwrap()]
        ),
        "[0, 2, 2] Uint8([])"
    );
    let many = Tensor::of(vec![1 << 15], vec![0u8; 1 << 15]).unwrap();
    assert_eq!(
        told(&Op::OneHot { size: 1 << 15 }, &[&many]),
        "expected at most 268435456 elements, got shape [32768, 32768]"
    );
    assert_eq!(
        Op::Sigmoid.apply(&[], true).unwrap_err().to_string(),
        "expected one value, got 0"
    );
}

#[test]
fn those_that_are_there_share_the_weights() {
    let [a, b, c] = [1.0f32, 2.0, 4.0].map(|x| Tensor::vector(vec![x]));
    let of = [Some(&a), None, Some(&c)];
    assert_eq!(made(&Rule::Mean, &of), "[1] Fp32([2.5])");
    let weighted = |weights: [f64; 3]| Rule::Weighted {
        weights: weights.to_vec(),
    };
    assert_eq!(made(&weighted([3.0, 5.0, 1.0]), &of), "[1] Fp32([1.75])");
    assert_eq!(
        made(&weighted([0.0, 1.0, 0.0]), &of),
        "those that are there have weight 0"
    );
    assert_eq!(
        made(
            &weighted([0.0, 1.0, 0.0]),
            &[Some(&Tensor::vector(vec![NAN])), Some(&b), Some(&c)]
        ),
        "[1] Fp32([2.0])"
    );
    assert_eq!(made(&Rule::Median, &of), "[1] Fp32([2.5])");
    assert_eq!(
        made(&Rule::Max, &[None, Some(&b), Some(&a)]),
        "[1] Fp32([2.0])"
    );
    assert_eq!(
        made(&Rule::First, &[None, Some(&b), Some(&a)]),
        "[1] Fp32([2.0])"
    );
    assert_eq!(made(&Rule::Stack, &of), "stack of all: 1 are missing");
    assert_eq!(
        made(&Rule::Mean, &[None, None]),
        "expected at least one value, got none"
    );
    let largest = Tensor::vector(vec![f64::MAX]);
    assert_eq!(
        Rule::Median.apply(&[Some(&largest), Some(&largest)], true),
        Ok(largest.clone())
    );
}

#[test]
fn a_tie_is_what_the_earliest_says() {
    let voters = [vec![1u8, 1, 3], vec![2, 2, 2], vec![2, 3, 1], vec![1, 3, 3]].map(Tensor::vector);
    let of: Vec<_> = voters.iter().map(Some).collect();
    assert_eq!(
        made(&Rule::Vote { weights: None }, &of),
        "[3] Uint8([1, 3, 3])"
    );
    assert_eq!(
        made(&Rule::Vote { weights: None }, &[None, of[1], of[2], None]),
        "[3] Uint8([2, 2, 2])"
    );
    // 0.1 + 0.2 is more than 0.3 in doubles, but no majority.
    let weights = Some(vec![0.3, 0.1, 0.2, 0.0]);
    assert_eq!(made(&Rule::Vote { weights }, &of), "[3] Uint8([1, 1, 3])");
    let weights = Some(vec![0.3, 0.1, 0.3, 0.0]);
    assert_eq!(made(&Rule::Vote { weights }, &of), "[3] Uint8([2, 1, 3])");
    let words = [texts(&["no"]), texts(&["yes"]), texts(&["yes"])];
    let of: Vec<_> = words.iter().map(Some).collect();
    assert_eq!(
        Rule::Vote { weights: None }.apply(&of, true),
        Ok(texts(&["yes"]))
    );
    let truths = Values::Bool(vec![true]);
    let truths = Tensor::new(vec![1], truths).unwrap();
    let untrue = Tensor::vector(vec![false]);
    assert_eq!(
        made(&Rule::Max, &[Some(&untrue), Some(&truths)]),
        "[1] Bool([true])"
    );
    assert_eq!(
        made(&Rule::Min, &[Some(&truths), Some(&untrue)]),
        "[1] Bool([false])"
    );
}

#[test]
fn labels_are_found_by_text() {
    let labels = Labels::from((0..500).map(|n| format!("label {n}")).collect::<Vec<_>>());
    for (at, label) in labels.iter().enumerate() {
        assert_eq!(labels.find(label.as_bytes()), Some(at));
    }
    assert_eq!(labels.find(b"label 500"), None);
    assert_eq!(labels.find(b""), None);
    assert_eq!(labels.find(b"z"), None);
    assert_eq!(labels.twice(), None);
    let twice = Labels::from(["b", "a", "b"].map(str::to_owned).to_vec());
    assert_eq!(twice.twice(), Some("b"));
    assert_eq!(twice.find(b"b"), Some(0));
}
