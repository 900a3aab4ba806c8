//! Tables: requests against one contract, and what comes of each, a line a request.

use std::fmt::Write;
use std::num::NonZeroUsize;

use expect_test::{Expect, expect};
use impresario_models::contract::NonFinite;
use impresario_models::{Batching, Contract, DataType, Dim, Port};

use super::*;

mod binary;
mod requests;

const FREE: Dim = Dim::Free(None);

fn batched(inputs: Vec<Port>, outputs: Vec<Port>) -> Contract {
    Contract {
        inputs,
        outputs,
        batching: Batching::FirstAxis {
            max: NonZeroUsize::new(100),
        },
    }
}

/// One input `x` of a datatype, shape [-1, 2], and outputs `y` (FP32), `label` (BYTES), `h` (FP16).
fn contract(datatype: DataType) -> Contract {
    batched(
        vec![Port::new("x", datatype, vec![FREE, Dim::Fixed(2)])],
        vec![
            Port::new("y", DataType::Fp32, vec![FREE]),
            Port::new("label", DataType::Bytes, vec![FREE]),
            Port::new("h", DataType::Fp16, vec![FREE]),
        ],
    )
}

fn outcome(contract: &Contract, framing: Framing, body: &[u8]) -> String {
    let limits = Limits {
        max_elements: 1000,
        max_string: 50,
        ..Limits::default()
    };
    match decode(contract, framing, body, &limits) {
        Ok(decoded) => {
            let inputs = decoded.inputs.iter();
            let inputs: Vec<_> = inputs
                .map(|t| format!("{:?} {:?}", t.shape(), t.values()))
                .collect();
            let outputs = decoded.outputs.iter();
            let outputs: Vec<_> = outputs
                .map(|w| format!("{} {:?}", w.index, w.form))
                .collect();
            format!("{} -> {}", inputs.join("; "), outputs.join(", "))
        }
        Err(refusal) => refusal.to_string(),
    }
}

/// One line for each case: what was sent, cut where it is long, and its outcome.
fn table<'a>(
    cases: impl IntoIterator<Item = &'a str>,
    outcome: impl Fn(&str) -> String,
    expected: Expect,
) {
    let mut lines = String::new();
    for case in cases {
        let shown: String = case.chars().take(70).collect();
        writeln!(lines, "{}\n    {}", shown.trim_end(), outcome(case)).unwrap();
    }
    expected.assert_eq(&lines);
}

/// Data of one row of two elements for `x`, asking for `y` only.
fn data(datatype: DataType, cases: &[&str], expected: Expect) {
    data_of(&contract(datatype), cases, expected);
}

fn data_of(contract: &Contract, cases: &[&str], expected: Expect) {
    let datatype = contract.inputs[0].datatype;
    let outcome = |data: &str| {
        let body = format!(
            r#"{{"inputs":[{{"name":"x","shape":[1,2],"datatype":"{datatype}","data":{data}}}],"outputs":[{{"name":"y"}}]}}"#
        );
        outcome(contract, Framing::Json, body.as_bytes())
    };
    table(cases.iter().copied(), outcome, expected);
}

#[test]
fn numbers_are_exact_or_refused() {
    use DataType::{Fp32, Fp64, Int8, Int32, Int64, Uint8, Uint64};
    data(
        Int32,
        &[
            "[1, -2]",
            "[[1.0, 1e3]]",
            "[1, 1.5]",
            "[1, 1099511627776]",
            "[1e400, 1]",
            "[null, 1]",
            r#"["1", 1]"#,
            "[1, true]",
            "[1, {}]",
        ],
        expect![[r#"
            [1, -2]
                [1, 2] Int32([1, -2]) -> 0 Json
            [[1.0, 1e3]]
                [1, 2] Int32([1, 1000]) -> 0 Json
            [1, 1.5]
                input 'x': expected whole numbers from -2147483648 to 2147483647 (INT32), got 1.5 at element 1
            [1, 1099511627776]
                input 'x': expected whole numbers from -2147483648 to 2147483647 (INT32), got 1099511627776 at element 1
            [1e400, 1]
                input 'x': expected whole numbers from -2147483648 to 2147483647 (INT32), got 1e400 at element 0
            [null, 1]
                input 'x': expected whole numbers from -2147483648 to 2147483647 (INT32), got null at element 0
            ["1", 1]
                input 'x': expected whole numbers from -2147483648 to 2147483647 (INT32), got "1" at element 0
            [1, true]
                input 'x': expected whole numbers from -2147483648 to 2147483647 (INT32), got true at element 1
            [1, {}]
                input 'x': expected whole numbers from -2147483648 to 2147483647 (INT32), got {} at element 1
        "#]],
    );
    data(
        Int8,
        &["[-129, 127]", "[-128, 127]"],
        expect![[r#"
        [-129, 127]
            input 'x': expected whole numbers from -128 to 127 (INT8), got -129 at element 0
        [-128, 127]
            [1, 2] Int8([-128, 127]) -> 0 Json
    "#]],
    );
    data(
        Uint8,
        &["[-1, 1]", "[-0, 255]"],
        expect![[r#"
        [-1, 1]
            input 'x': expected whole numbers from 0 to 255 (UINT8), got -1 at element 0
        [-0, 255]
            [1, 2] Uint8([0, 255]) -> 0 Json
    "#]],
    );
    let wide = "[-9223372036854775808, 9223372036854775807]";
    data(
        Int64,
        &[wide, "[1, 9223372036854775808]"],
        expect![[r#"
        [-9223372036854775808, 9223372036854775807]
            [1, 2] Int64([-9223372036854775808, 9223372036854775807]) -> 0 Json
        [1, 9223372036854775808]
            input 'x': expected whole numbers from -9223372036854775808 to 9223372036854775807 (INT64), got 9223372036854775808 at element 1
    "#]],
    );
    let wide = "[18446744073709551615, 18446744073709551616]";
    data(
        Uint64,
        &[wide],
        expect![[r#"
        [18446744073709551615, 18446744073709551616]
            input 'x': expected whole numbers from 0 to 18446744073709551615 (UINT64), got 18446744073709551616 at element 1
    "#]],
    );
    let odd = r#"["1.5", 1]"#;
    let named = r#"[NaN, "-Infinity"]"#;
    data(
        Fp32,
        &["[0.1, 16777217]", "[1, 3.5e38]", "[1, null]", named, odd],
        expect![[r#"
            [0.1, 16777217]
                [1, 2] Fp32([0.1, 16777216.0]) -> 0 Json
            [1, 3.5e38]
                input 'x': expected numbers within FP32, got 3.5e38 at element 1
            [1, null]
                input 'x': expected numbers within FP32, got null at element 1
            [NaN, "-Infinity"]
                [1, 2] Fp32([NaN, -inf]) -> 0 Json
            ["1.5", 1]
                input 'x': expected numbers within FP32, got "1.5" at element 0
        "#]],
    );
    data(
        Fp64,
        &["[1e308, 1e309]", "[4.9e-324, -0.0]"],
        expect![[r#"
        [1e308, 1e309]
            input 'x': expected numbers within FP64, got 1e309 at element 1
        [4.9e-324, -0.0]
            [1, 2] Fp64([5e-324, -0.0]) -> 0 Json
    "#]],
    );
}

#[test]
fn other_datatypes_are_as_strict() {
    data(
        DataType::Fp16,
        &["[1, 2]"],
        expect![[r#"
        [1, 2]
            input 'x': expected FP16 as binary data (binary_data_size), never as JSON, got 'data'
    "#]],
    );
    data(
        DataType::Bool,
        &["[true, false]", "[true, 0]"],
        expect![[r#"
        [true, false]
            [1, 2] Bool([true, false]) -> 0 Json
        [true, 0]
            input 'x': expected true or false (BOOL), got 0 at element 1
    "#]],
    );
    let long = format!(r#"["a", "{}"]"#, "b".repeat(51));
    data(
        DataType::Bytes,
        &[
            r#"["a\u00e9\n", ""]"#,
            r#"["a", 1]"#,
            &long,
            r#"["a", "\x"]"#,
        ],
        expect![[r#"
            ["a\u00e9\n", ""]
                [1, 2] Bytes([[97, 195, 169, 10], []]) -> 0 Json
            ["a", 1]
                input 'x': expected strings (BYTES), got 1 at element 1
            ["a", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]
                input 'x', element 1: expected at most 50 bytes in one string, got 51; the limit is 'max_string' under [server.limits]
            ["a", "\x"]
                request is not valid JSON: expected a value, got "\"\\x\"]}],\"outputs\":[{" at byte 69
        "#]],
    );
}

#[test]
fn nesting_is_flat_or_the_shapes() {
    data(
        DataType::Int32,
        &[
            "[[1, 2]]",
            "[[1], [2]]",
            "[[1, 2], [3]]",
            "[[1, 2], 3]",
            "[1, [2]]",
            "[[[1, 2]]]",
            "[1, 2, 3]",
            "[]",
            "5",
            "null",
            "[1, 2",
            "[1 2]",
            "[1, ]",
            "[01, 2]",
            &"[".repeat(100_000),
        ],
        expect![[r#"
            [[1, 2]]
                [1, 2] Int32([1, 2]) -> 0 Json
            [[1], [2]]
                input 'x': expected 'data' flat, or nested as shape [1, 2], got nested as [2, 1]
            [[1, 2], [3]]
                input 'x': expected arrays nested alike, of equal sizes, got one of 2 and one of 1 side by side at element 3
            [[1, 2], 3]
                input 'x': expected arrays nested alike, of equal sizes, got an element beside an array at element 2
            [1, [2]]
                input 'x': expected arrays nested alike, of equal sizes, got an array beside an element at element 1
            [[[1, 2]]]
                input 'x': expected 'data' flat, or nested as shape [1, 2], got nested as [1, 1, 2]
            [1, 2, 3]
                input 'x': expected 2 elements for shape [1, 2], got 3 elements
            []
                input 'x': expected 2 elements for shape [1, 2], got 0 elements
            5
                input 'x': expected 2 elements for shape [1, 2], got 1 elements
            null
                input 'x': expected 'data' as an array, got null
            [1, 2
                request is not valid JSON: expected ',' or ']', got "}],\"outputs\":[{\"name" at byte 68
            [1 2]
                request is not valid JSON: expected ',' or ']', got "2]}],\"outputs\":[{\"na" at byte 66
            [1, ]
                request is not valid JSON: expected a value, got "]}],\"outputs\":[{\"nam" at byte 67
            [01, 2]
                request is not valid JSON: expected a value, got "01, 2]}],\"outputs\":[" at byte 64
            [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
                input 'x': expected arrays nested alike, of equal sizes, got arrays nested deeper than 32 at element 0
        "#]],
    );
}

#[test]
fn the_contract_is_checked_too() {
    let mut strict = contract(DataType::Fp32);
    strict.inputs[0].non_finite = NonFinite::Forbidden;
    strict.inputs[0].range = Some((0.0, 10.0));
    data_of(
        &strict,
        &["[1, NaN]", "[1, 11]", "[1, 10]"],
        expect![[r#"
        [1, NaN]
            input 'x': expected finite numbers, got NaN at element 1
        [1, 11]
            input 'x': expected numbers from 0 to 10, got 11 at element 1
        [1, 10]
            [1, 2] Fp32([1.0, 10.0]) -> 0 Json
    "#]],
    );
}

#[test]
fn inputs_are_counted() {
    let x = |name: &str| format!(r#"{{"name":"{name}","shape":[0],"datatype":"INT32","data":[]}}"#);
    let ports = ["a", "b"].map(|name| Port::new(name, DataType::Int32, vec![FREE]));
    let contract = batched(ports.to_vec(), vec![]);
    let body = format!(r#"{{"inputs":[{},{}]}}"#, x("a"), x("b"));
    let decode = |max_inputs| {
        let limits = Limits {
            max_inputs,
            ..Limits::default()
        };
        decode(&contract, Framing::Json, body.as_bytes(), &limits).map(drop)
    };
    assert_eq!(decode(2), Ok(()));
    expect!["request: expected at most 1 inputs, got more; the limit is 'max_inputs' under [server.limits]"]
        .assert_eq(&decode(1).unwrap_err().to_string());
}
