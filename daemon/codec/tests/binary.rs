//! Binary data: sizes, strings, raw bodies and the header that frames them.

use super::*;

#[test]
fn binary_sizes_are_exact() {
    // Members of the input, then how many bytes of JSON are declared more or less, then bytes that follow.
    let contract = contract(DataType::Int32);
    let outcome = |case: &str| {
        let [members, length, bytes] = case.split('|').collect::<Vec<_>>()[..] else {
            panic!("three parts: {case}");
        };
        let json = format!(
            r#"{{"inputs":[{{"name":"x","shape":[1,2],"datatype":"INT32",{members}}}],"outputs":[{{"name":"y"}}]}}"#
        );
        let tail = [1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0];
        let tail = &tail[..bytes.trim().parse().unwrap()];
        let framing = match length.trim() {
            "none" => Framing::Json,
            more => Framing::Mixed(json.len().saturating_add_signed(more.parse().unwrap())),
        };
        outcome(&contract, framing, &[json.as_bytes(), tail].concat())
    };
    let cases = [
        r#""parameters":{"binary_data_size":8} | 0 | 8"#,
        r#""parameters":{"binary_data_size":8} | 0 | 7"#,
        r#""parameters":{"binary_data_size":8} | 0 | 9"#,
        r#""parameters":{"binary_data_size":7} | 0 | 7"#,
        r#""parameters":{"binary_data_size":-8} | 0 | 8"#,
        r#""parameters":{"binary_data_size":18446744073709551615} | 0 | 8"#,
        r#""parameters":{"binary_data_size":8} | 9 | 8"#,
        r#""parameters":{"binary_data_size":8} | -9 | 8"#,
        r#""parameters":{"binary_data_size":8} | none | 0"#,
        r#""parameters":{"binary_data_size":8},"data":[1,2] | 0 | 8"#,
        r#""data":[1,2] | 0 | 8"#,
        r#""parameters":{"shared_memory_region":"r"} | 0 | 0"#,
    ];
    table(
        cases,
        outcome,
        expect![[r#"
        "parameters":{"binary_data_size":8} | 0 | 8
            [1, 2] Int32([1, -2]) -> 0 Json
        "parameters":{"binary_data_size":8} | 0 | 7
            input 'x': expected 8 bytes of binary data (binary_data_size), got 7 bytes left in the body
        "parameters":{"binary_data_size":8} | 0 | 9
            binary data: expected 8 bytes, as binary_data_size of the inputs says, got 9 bytes
        "parameters":{"binary_data_size":7} | 0 | 7
            input 'x': expected 8 bytes of binary data for 2 elements of INT32, got 7 bytes
        "parameters":{"binary_data_size":-8} | 0 | 8
            parameter 'binary_data_size': expected a whole number from 0, got -8
        "parameters":{"binary_data_size":18446744073709551615} | 0 | 8
            input 'x': expected 18446744073709551615 bytes of binary data (binary_data_size), got 8 bytes left in the body
        "parameters":{"binary_data_size":8} | 9 | 8
            header Inference-Header-Content-Length: expected at most the body's 128 bytes, got 129
        "parameters":{"binary_data_size":8} | -9 | 8
            request is not valid JSON: expected a string, got "\"nam" at byte 107
        "parameters":{"binary_data_size":8} | none | 0
            input 'x': expected 8 bytes of binary data (binary_data_size), got none: header Inference-Header-Content-Length is missing
        "parameters":{"binary_data_size":8},"data":[1,2] | 0 | 8
            input 'x': expected either 'data' or parameter 'binary_data_size', got both
        "data":[1,2] | 0 | 8
            binary data: expected 0 bytes, as binary_data_size of the inputs says, got 8 bytes
        "parameters":{"shared_memory_region":"r"} | 0 | 0
            input 'x': expected 'data' or binary data, got parameter 'shared_memory_region', which is not supported
    "#]],
    );
}

#[test]
fn binary_strings_and_bools() {
    let outcome = |datatype: DataType, tail: &[u8]| {
        let json = format!(
            r#"{{"inputs":[{{"name":"x","shape":[1,2],"datatype":"{datatype}","parameters":{{"binary_data_size":{}}}}}],"outputs":[{{"name":"y"}}]}}"#,
            tail.len()
        );
        let framing = Framing::Mixed(json.len());
        outcome(
            &contract(datatype),
            framing,
            &[json.as_bytes(), tail].concat(),
        )
    };
    let mut lines = String::new();
    for tail in [
        &b"\x02\0\0\0a\xff\0\0\0\0"[..],
        b"\x02\0\0\0a",
        b"\x02\0\0\0a\xff\xff\xff\xff\xff",
        b"\x02\0\0\0a\xff\x04\0\0\0abc",
        b"\x00\0\0\0\0\0\0\0z",
    ] {
        writeln!(lines, "{}", outcome(DataType::Bytes, tail)).unwrap();
    }
    for tail in [[0, 1], [1, 2]] {
        writeln!(lines, "{}", outcome(DataType::Bool, &tail)).unwrap();
    }
    expect![[r#"
        [1, 2] Bytes([[97, 255], []]) -> 0 Json
        input 'x': expected 2 elements of BYTES, each with a length of 4 bytes before it, got 5 bytes of binary data
        input 'x', element 1: expected at most 50 bytes in one string, got 4294967295; the limit is 'max_string' under [server.limits]
        input 'x': expected 4 bytes, got 3 bytes left at element 1
        input 'x': expected 2 elements, got 1 bytes more
        [1, 2] Bool([false, true]) -> 0 Json
        input 'x': expected bytes of 0 or 1 (BOOL), got 2 at element 1
    "#]].assert_eq(&lines);
}

#[test]
fn raw_bodies_take_their_shape_from_their_length() {
    let three = [FREE, Dim::Fixed(3)];
    let cases: [(DataType, &[Dim], &[u8]); 10] = [
        (DataType::Uint8, &three, &[1, 2, 3]),
        (DataType::Uint8, &three, &[1, 2]),
        (
            DataType::Int16,
            &[FREE, FREE, Dim::Fixed(2)],
            &[1, 0, 2, 0, 3, 0, 4, 0],
        ),
        (DataType::Int16, &[FREE, FREE], &[1, 0, 2]),
        (DataType::Int16, &[FREE, FREE, FREE], &[1, 0]),
        (DataType::Bytes, &[FREE], b"hello"),
        (DataType::Bytes, &three, b"hello"),
        (DataType::Bytes, &[FREE], &[b'x'; 51]),
        (DataType::Fp32, &[FREE, Dim::Fixed(0)], &[1, 2, 3, 4]),
        (
            DataType::Fp64,
            &[FREE, Dim::Fixed(usize::MAX), FREE],
            &[1, 2, 3, 4],
        ),
    ];
    let mut lines = String::new();
    for (datatype, shape, body) in cases {
        let ports = vec![Port::new("x", datatype, shape.to_vec())];
        let outputs = vec![Port::new("y", DataType::Fp32, vec![FREE])];
        let outcome = outcome(&batched(ports, outputs), Framing::Raw, body);
        writeln!(lines, "{outcome}").unwrap();
    }
    let two = vec![Port::new("x", DataType::Bytes, vec![FREE]); 2];
    writeln!(
        lines,
        "{}",
        outcome(&batched(two, vec![]), Framing::Raw, b"")
    )
    .unwrap();
    expect![[r#"
        [1, 3] Uint8([1, 2, 3]) -> 0 Binary
        input 'x': expected 3 bytes of binary data for 3 elements of UINT8, got 2 bytes
        [1, 2, 2] Int16([1, 2, 3, 4]) -> 0 Binary
        input 'x': expected 2 bytes of binary data for 1 elements of INT16, got 3 bytes
        raw binary request: expected an input with at most one free axis beside the batch, got input 'x' with more
        [1] Bytes([[104, 101, 108, 108, 111]]) -> 0 Binary
        input 'x': expected one element of BYTES, got shape [1, 3] does not hold 1 elements
        input 'x': expected at most 50 bytes in one string, got 51; the limit is 'max_string' under [server.limits]
        input 'x': expected 0 bytes of binary data for 0 elements of FP32, got 4 bytes
        input 'x': expected 18446744073709551615 bytes of binary data for 18446744073709551615 elements of FP64, got 4 bytes
        raw binary request: expected a model with one input, got a model with 2
    "#]].assert_eq(&lines);
}

#[test]
fn framing_is_a_whole_number_of_bytes() {
    let outcome = |value: &str| match Framing::from_header(Some(value.as_bytes())) {
        Ok(framing) => format!("{framing:?}"),
        Err(refusal) => refusal.to_string(),
    };
    let cases = ["0", "17", "-1", "+1", "", "é", "99999999999999999999999"];
    table(
        cases,
        outcome,
        expect![[r#"
        0
            Raw
        17
            Mixed(17)
        -1
            header Inference-Header-Content-Length: expected a number of bytes, got '-1'
        +1
            header Inference-Header-Content-Length: expected a number of bytes, got '+1'

            header Inference-Header-Content-Length: expected a number of bytes, got ''
        é
            header Inference-Header-Content-Length: expected a number of bytes, got 'é'
        99999999999999999999999
            header Inference-Header-Content-Length: expected a number of bytes, got '99999999999999999999999'
    "#]],
    );
    assert_eq!(Framing::from_header(None), Ok(Framing::Json));
}
