//! Tables of examples against a model that answers what the test says.

use expect_test::{Expect, expect};

use super::*;
use crate::contract::{Batching, Dim, Port};
use crate::error::InferError;
use crate::tensor::DataType;

/// Takes `x` FP32 [-1] and answers with fixed tensors: `y`, and `label`.
struct Fixed(Contract, Vec<Tensor>);

impl Model for Fixed {
    fn contract(&self) -> &Contract {
        &self.0
    }

    fn infer(&self, _: Vec<Tensor>) -> Result<Vec<Tensor>, InferError> {
        Ok(self.1.clone())
    }
}

fn model(y: Tensor) -> Fixed {
    let port = |name: &str, datatype| Port::new(name, datatype, vec![Dim::Free(None)]);
    let contract = Contract {
        inputs: vec![port("x", DataType::Fp32)],
        outputs: vec![port("y", y.datatype()), port("label", DataType::Bytes)],
        batching: Batching::None,
    };
    Fixed(contract, vec![y, Tensor::vector(vec![b"cat".to_vec()])])
}

fn golden(outputs: &str, rest: &str) -> String {
    format!(
        r#"{{"cases":[{{"name":"a","inputs":[{{"name":"x","shape":[1],"datatype":"FP32","data":[1]}}],"outputs":[{outputs}]{rest}}}]}}"#
    )
}

fn check(y: Tensor, outputs: &str, rest: &str, expected: Expect) {
    let result = Golden::parse(&golden(outputs, rest)).map(|golden| run(&model(y), &golden));
    expected.assert_eq(&match result {
        Err(error) => error,
        Ok(Err(error)) => error.to_string(),
        Ok(Ok(cases)) => format!("{cases} reproduced"),
    });
}

/// An output `y` of FP32 values.
fn y(data: &str, n: usize) -> String {
    format!(r#"{{"name":"y","shape":[{n}],"datatype":"FP32","data":{data}}}"#)
}

#[test]
fn numbers_may_be_off_by_the_tolerance() {
    let fp32 = |v: &[f32]| Tensor::vector(v.to_vec());
    check(
        fp32(&[1.0, 100.0]),
        &y("[1.00015, 100.009]", 2),
        "",
        expect!["1 reproduced"],
    );
    check(
        fp32(&[1.0, 100.0]),
        &y("[1.0, 100.02]", 2),
        "",
        expect![
            "golden example 'a': output 'y': element 1: expected 100.02, got 100, off by 2.000e-2 where the tolerance allows 1.010e-2"
        ],
    );
    check(
        fp32(&[1.0, 100.0]),
        &y("[1.1, 100.2]", 2),
        "",
        expect![
            "golden example 'a': output 'y': element 1: expected 100.2, got 100, off by 2.000e-1 where the tolerance allows 1.012e-2; 1 more beyond the tolerance"
        ],
    );
    check(
        fp32(&[1.0, 100.0]),
        &y("[1.1, 100.2]", 2),
        r#","tolerance":0.1"#,
        expect!["1 reproduced"],
    );
    check(
        fp32(&[1.0]),
        &y("[1.0000001]", 1),
        r#","tolerance":0"#,
        expect![
            "golden example 'a': output 'y': element 0: expected 1.0000001, got 1, off by 1.192e-7 where the tolerance allows 0.000e0"
        ],
    );
    check(
        fp32(&[f32::NAN]),
        &y("[1]", 1),
        "",
        expect!["golden example 'a': output 'y': element 0: expected 1, got NaN"],
    );
    check(
        fp32(&[f32::INFINITY]),
        &y("[3e38]", 1),
        r#","tolerance":1"#,
        expect![
            "golden example 'a': output 'y': element 0: expected 300000000000000000000000000000000000000, got inf"
        ],
    );
    check(
        fp32(&[f32::NAN, 1.0]),
        &y("[null, 1]", 2),
        r#","nan_as_null":true"#,
        expect!["1 reproduced"],
    );
    check(
        fp32(&[0.0]),
        &y("[null]", 1),
        r#","nan_as_null":true"#,
        expect!["golden example 'a': output 'y': element 0: expected NaN, got 0"],
    );
    check(
        fp32(&[0.0]),
        &y("[null]", 1),
        "",
        expect!["case 'a': output 'y': element 0: expected FP32, got null"],
    );
}

#[test]
fn everything_else_must_be_equal() {
    let int = || Tensor::vector(vec![1i64, 2]);
    let out =
        |data: &str| format!(r#"{{"name":"y","shape":[2],"datatype":"INT64","data":{data}}}"#);
    check(
        int(),
        &out("[1, 2]"),
        r#","tolerance":9"#,
        expect!["1 reproduced"],
    );
    check(
        int(),
        &out("[1, 3]"),
        r#","tolerance":9"#,
        expect!["golden example 'a': output 'y': element 1: expected 3, got 2"],
    );
    check(
        int(),
        &y("[1, 2]", 2),
        "",
        expect!["golden example 'a': output 'y': expected datatype FP32, got INT64"],
    );
    check(
        int(),
        r#"{"name":"y","shape":[1],"datatype":"INT64","data":[1]}"#,
        "",
        expect!["golden example 'a': output 'y': expected shape [1], got [2]"],
    );
    let label = |text: &str| {
        format!(r#"{{"name":"label","shape":[1],"datatype":"BYTES","data":["{text}"]}}"#)
    };
    check(int(), &label("cat"), "", expect!["1 reproduced"]);
    check(
        int(),
        &label("dog"),
        "",
        expect!["golden example 'a': output 'label': element 0: expected 'dog', got 'cat'"],
    );
}

#[test]
fn what_is_wrong_with_an_example_is_said() {
    let one = || Tensor::vector(vec![1f32]);
    check(
        one(),
        "",
        "",
        expect!["case 'a': expected at least one output, found none"],
    );
    check(
        one(),
        r#"{"name":"z","shape":[1],"datatype":"FP32","data":[1]}"#,
        "",
        expect!["golden example 'a': unexpected output 'z': expected 'y', 'label'"],
    );
    check(
        one(),
        r#"{"name":"y","shape":[1],"datatype":"INT32","data":[1.5]}"#,
        "",
        expect!["case 'a': output 'y': element 0: expected INT32, got 1.5"],
    );
    check(
        one(),
        r#"{"name":"y","shape":[1],"datatype":"FP8","data":[1]}"#,
        "",
        expect![
            "unknown variant `FP8`, expected one of `BOOL`, `UINT8`, `UINT16`, `UINT32`, `UINT64`, `INT8`, `INT16`, `INT32`, `INT64`, `FP16`, `BF16`, `FP32`, `FP64`, `BYTES` at line 1 column 138"
        ],
    );
    check(
        one(),
        &y("[1]", 1),
        r#","tolerance":-1"#,
        expect!["case 'a': tolerance: expected a number from 0, got -1"],
    );
    check(
        one(),
        &y("[1]", 1),
        r#","tolerence":1"#,
        expect![
            "unknown field `tolerence`, expected one of `name`, `inputs`, `outputs`, `tolerance`, `nan_as_null` at line 1 column 164"
        ],
    );
    // An example of another model.
    let other = golden(&y("[1]", 1), "").replace("\"name\":\"x\"", "\"name\":\"X\"");
    let error = run(&model(one()), &Golden::parse(&other).unwrap()).unwrap_err();
    expect!["golden example 'a': unexpected input 'X': expected 'x'"].assert_eq(&error.to_string());
    assert!(Golden::parse("").is_err());
    assert!(Golden::parse("{\"cases\":{}}").is_err());
    assert_eq!(
        Golden::parse("{\"cases\":[]}"),
        Ok(Golden { cases: vec![] })
    );
    let many = format!(
        "{{\"cases\":[{}]}}",
        vec![r#"{"name":"","inputs":[],"outputs":[]}"#; 1001].join(",")
    );
    expect!["expected at most 1000 cases, found 1001"]
        .assert_eq(&Golden::parse(&many).unwrap_err());
}
