//! The request's JSON: members, shapes, outputs and broken texts.

use super::*;

/// Whole JSON bodies, with an INT32 input.
fn bodies(cases: &[&str], expected: Expect) {
    let contract = contract(DataType::Int32);
    let outcome = |body: &str| outcome(&contract, Framing::Json, body.as_bytes());
    table(cases.iter().copied(), outcome, expected);
}

/// What stands in `inputs`, with an INT32 input and asking for `y` only.
fn inputs(cases: &[&str], expected: Expect) {
    let contract = contract(DataType::Int32);
    let outcome = |members: &str| {
        let body = format!(r#"{{"inputs":[{members}],"outputs":[{{"name":"y"}}]}}"#);
        outcome(&contract, Framing::Json, body.as_bytes())
    };
    table(cases.iter().copied(), outcome, expected);
}

#[test]
fn members_come_in_any_order_and_once() {
    let x = r#"{"name":"x","shape":[1,2],"datatype":"INT32","data":[1,2]}"#;
    inputs(
        &[
            r#"{"data":[[7,8]],"datatype":"INT32","shape":[1,2],"name":"x"}"#,
            r#"{"data":[1,"a"],"datatype":"INT32","shape":[1,2],"name":"x"}"#,
            r#"{"data":[NaN,"]"],"datatype":"INT32","shape":[1,2],"name":"x"}"#,
            r#"{"data":[1,[2}],"datatype":"INT32","shape":[1,2],"name":"x"}"#,
            r#"{"data":[1,2],"name":"x","datatype":"FP32","shape":[1,2]}"#,
            r#"{"name":"x","shape":[0,2],"datatype":"INT32","data":[]}"#,
            r#"{"shape":[1,2],"datatype":"INT32","data":[1,2]}"#,
            r#"{"name":"x","datatype":"INT32","data":[1,2]}"#,
            r#"{"name":"x","shape":[1,2],"data":[1,2]}"#,
            r#"{"name":"x","shape":[1,2],"datatype":"INT32"}"#,
            r#"{"name":"x","name":"x","shape":[1,2],"datatype":"INT32"}"#,
            r#"{"name":"x","shape":[1,2],"datatype":"FP8","data":[1,2]}"#,
            r#"{"name":"x","shape":[1,2],"datatype":7,"data":[1,2]}"#,
            r#"{"name":"z","shape":[1,2],"datatype":"INT32","data":[1,2]}"#,
            r#"{"name":7}"#,
            "7",
            "",
            &format!("{x},{x}"),
        ],
        expect![[r#"
            {"data":[[7,8]],"datatype":"INT32","shape":[1,2],"name":"x"}
                [1, 2] Int32([7, 8]) -> 0 Json
            {"data":[1,"a"],"datatype":"INT32","shape":[1,2],"name":"x"}
                input 'x': expected whole numbers from -2147483648 to 2147483647 (INT32), got "a" at element 1
            {"data":[NaN,"]"],"datatype":"INT32","shape":[1,2],"name":"x"}
                request is not valid JSON: expected a value, got "NaN,\"]\"]" at byte 20
            {"data":[1,[2}],"datatype":"INT32","shape":[1,2],"name":"x"}
                inputs[0]: expected member 'name', got none
            {"data":[1,2],"name":"x","datatype":"FP32","shape":[1,2]}
                input 'x': expected datatype INT32, got FP32
            {"name":"x","shape":[0,2],"datatype":"INT32","data":[]}
                [0, 2] Int32([]) -> 0 Json
            {"shape":[1,2],"datatype":"INT32","data":[1,2]}
                inputs[0]: expected member 'name', got none
            {"name":"x","datatype":"INT32","data":[1,2]}
                input 'x': expected member 'shape', got none
            {"name":"x","shape":[1,2],"data":[1,2]}
                input 'x': expected member 'datatype', got none
            {"name":"x","shape":[1,2],"datatype":"INT32"}
                input 'x': expected 'data' or parameter 'binary_data_size', got neither
            {"name":"x","name":"x","shape":[1,2],"datatype":"INT32"}
                input 'x': expected member 'name' once, got it twice
            {"name":"x","shape":[1,2],"datatype":"FP8","data":[1,2]}
                input 'x', datatype: expected one of BOOL, UINT8, UINT16, UINT32, UINT64, INT8, INT16, INT32, INT64, FP16, BF16, FP32, FP64, BYTES, got 'FP8'
            {"name":"x","shape":[1,2],"datatype":7,"data":[1,2]}
                input 'x', datatype: expected a string, got 7
            {"name":"z","shape":[1,2],"datatype":"INT32","data":[1,2]}
                unexpected input 'z': expected 'x'
            {"name":7}
                inputs[0], name: expected a string, got 7
            7
                inputs[0]: expected an object, got 7

                input 'x' is missing: expected 'x'
            {"name":"x","shape":[1,2],"datatype":"INT32","data":[1,2]},{"name":"x"
                input 'x' is given more than once
        "#]],
    );
}

#[test]
fn shapes_are_checked_before_elements() {
    let contract = contract(DataType::Int32);
    let outcome = |shape: &str| {
        let body = format!(
            r#"{{"inputs":[{{"name":"x","shape":{shape},"datatype":"INT32","data":[1,2]}}]}}"#
        );
        outcome(&contract, Framing::Json, body.as_bytes())
    };
    let cases = [
        "[2,1]",
        "[2]",
        "[2,2]",
        "[-1,2]",
        "[1.5,2]",
        r#"["1",2]"#,
        "2",
        "[18446744073709551616,2]",
        "[9223372036854775807,2]",
        "[9223372036854775808,2]",
        "[501,2]",
        "[9223372036854775807,4]",
    ];
    table(
        cases,
        outcome,
        expect![[r#"
            [2,1]
                input 'x': expected shape [-1, 2], got [2, 1]
            [2]
                input 'x': expected shape [-1, 2], got [2]
            [2,2]
                input 'x': expected 4 elements for shape [2, 2], got 2 elements
            [-1,2]
                input 'x', shape: expected whole numbers from 0, got -1 at axis 0
            [1.5,2]
                input 'x', shape: expected whole numbers from 0, got 1.5 at axis 0
            ["1",2]
                input 'x', shape: expected whole numbers from 0, got "1" at axis 0
            2
                input 'x', shape: expected an array, got 2
            [18446744073709551616,2]
                input 'x', shape: expected whole numbers from 0, got 18446744073709551616 at axis 0
            [9223372036854775807,2]
                input 'x': expected 18446744073709551614 elements for shape [9223372036854775807, 2], got 2 elements
            [9223372036854775808,2]
                input 'x': expected a shape whose elements can be counted, got [9223372036854775808, 2]
            [501,2]
                input 'x': expected 1002 elements for shape [501, 2], got 2 elements
            [9223372036854775807,4]
                input 'x': expected shape [-1, 2], got [9223372036854775807, 4]
        "#]],
    );
}

#[test]
fn requests_that_are_not_json_objects() {
    bodies(
        &[
            "",
            "   ",
            "[]",
            "{",
            "{}",
            "{\"inputs\":{}}",
            "{\"inputs\":[]} x",
            "{\"inputs\":[]",
            "{inputs:[]}",
            "{\"inputs\":[],}",
            r#"{"id":7,"inputs":[]}"#,
            r#"{"id":"\ud800","inputs":[]}"#,
            r#"{"inputs":[],"inputs":[]}"#,
            r#"{"parameters":{"a":[1]},"inputs":[]}"#,
            &format!(r#"{{"id":"{}","inputs":[]}}"#, "i".repeat(51)),
        ],
        expect![[r#"

                request: expected a JSON object, got an empty body
   
                request is not valid JSON: expected a value, got the end of the text at byte 3
            []
                request: expected a JSON object, got []
            {
                request is not valid JSON: expected a key, got the end of the text at byte 1
            {}
                request: expected member 'inputs' with 1 inputs, got none
            {"inputs":{}}
                inputs: expected an array, got {}
            {"inputs":[]} x
                request is not valid JSON: expected the end of the request, got "x" at byte 14
            {"inputs":[]
                request is not valid JSON: expected ',' or '}', got the end of the text at byte 12
            {inputs:[]}
                request is not valid JSON: expected a key, got "inputs:[]}" at byte 1
            {"inputs":[],}
                request is not valid JSON: expected a key, got "}" at byte 13
            {"id":7,"inputs":[]}
                id: expected a string, got 7
            {"id":"\ud800","inputs":[]}
                request is not valid JSON: expected a string, got "\"\\ud800\",\"inputs\":[]" at byte 6
            {"inputs":[],"inputs":[]}
                request: expected member 'inputs' once, got it twice
            {"parameters":{"a":[1]},"inputs":[]}
                request, parameter 'a': expected a string, a number or a boolean, got [1]
            {"id":"iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii","inputs":[
                id: expected at most 50 bytes in one string, got 51; the limit is 'max_string' under [server.limits]
        "#]],
    );
    let latin = outcome(&contract(DataType::Int32), Framing::Json, b"\xff\xfe{}");
    expect![[r#"request is not valid JSON: expected a value, got "��{}" at byte 0"#]]
        .assert_eq(&latin);
}

#[test]
fn outputs_come_in_the_models_order() {
    let contract = contract(DataType::Int32);
    let outcome = |rest: &str| {
        let body = format!(
            r#"{{"inputs":[{{"name":"x","shape":[1,2],"datatype":"INT32","data":[1,2]}}]{rest}}}"#
        );
        outcome(&contract, Framing::Json, body.as_bytes())
    };
    let cases = [
        "",
        r#","parameters":{"binary_data_output":true}"#,
        r#","outputs":[],"parameters":{"binary_data_output":true}"#,
        r#","outputs":[{"name":"label"},{"name":"y","parameters":{"binary_data":true}}]"#,
        r#","outputs":[{"name":"h","parameters":{"binary_data":true}},{"name":"y"}]"#,
        r#","parameters":{"binary_data_output":true},"outputs":[{"name":"y","parameters":{"binary_data":false}},{"name":"h"}]"#,
        r#","outputs":[{"name":"z"}]"#,
        r#","outputs":[{"name":"y"},{"name":"y"}]"#,
        r#","outputs":[{}]"#,
        r#","outputs":["y"]"#,
        r#","outputs":[{"name":"y","parameters":{"classification":3}}]"#,
        r#","outputs":[{"name":"y","parameters":{"binary_data":1}}]"#,
        r#","outputs":null,"id":null,"parameters":null"#,
    ];
    table(
        cases,
        outcome,
        expect![[r#"

            output 'h': expected parameter 'binary_data' true, as FP16 never travels as JSON, got a request for JSON
        ,"parameters":{"binary_data_output":true}
            [1, 2] Int32([1, 2]) -> 0 Binary, 1 Binary, 2 Binary
        ,"outputs":[],"parameters":{"binary_data_output":true}
            [1, 2] Int32([1, 2]) -> 0 Binary, 1 Binary, 2 Binary
        ,"outputs":[{"name":"label"},{"name":"y","parameters":{"binary_data":t
            [1, 2] Int32([1, 2]) -> 0 Binary, 1 Json
        ,"outputs":[{"name":"h","parameters":{"binary_data":true}},{"name":"y"
            [1, 2] Int32([1, 2]) -> 0 Json, 2 Binary
        ,"parameters":{"binary_data_output":true},"outputs":[{"name":"y","para
            [1, 2] Int32([1, 2]) -> 0 Json, 2 Binary
        ,"outputs":[{"name":"z"}]
            unexpected output 'z': expected 'y', 'label', 'h'
        ,"outputs":[{"name":"y"},{"name":"y"}]
            output 'y': expected it once in 'outputs', got it twice
        ,"outputs":[{}]
            outputs[0]: expected member 'name', got none
        ,"outputs":["y"]
            outputs[0]: expected an object, got "y"
        ,"outputs":[{"name":"y","parameters":{"classification":3}}]
            output 'y': expected parameter 'binary_data' or none, got parameter 'classification', which is not supported
        ,"outputs":[{"name":"y","parameters":{"binary_data":1}}]
            parameter 'binary_data': expected true or false, got 1
        ,"outputs":null,"id":null,"parameters":null
            output 'h': expected parameter 'binary_data' true, as FP16 never travels as JSON, got a request for JSON
    "#]],
    );
}
