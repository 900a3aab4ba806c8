//! A line: read back exactly, without what is hidden, and never too long.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use expect_test::{Expect, expect};
use half::{bf16, f16};
use impresario_models::Values;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::codec::properties::tensor;
use crate::codec::{self, Framing, Label, Limits};
use crate::payload::encode::{BASE64, encode};

fn line(record: &Record, redact: &[Field], most: usize) -> String {
    let (line, _) = encode(&mut record.clone(), redact, most);
    String::from_utf8(line).unwrap()
}

fn check(record: &Record, redact: &[&str], expected: Expect) {
    let redact: Vec<Field> = redact.iter().map(|text| text.parse().unwrap()).collect();
    let line = line(record, &redact, usize::MAX);
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["v"], 1);
    expected.assert_eq(&line);
}

fn parameters(text: &str) -> Parameters {
    let body = format!(r#"{{"inputs":[],"parameters":{text}}}"#);
    let contract = contract(&[]);
    let decoded = codec::decode(
        &contract,
        Framing::Json,
        body.as_bytes(),
        &Limits::default(),
    );
    decoded.unwrap().parameters
}

/// The tensors of a list, by the codec where they are JSON and by their binary data where they are not.
fn read(list: &Value, contract: &Contract) -> Vec<Values> {
    let limits = Limits::default();
    let read = |(written, port): (&Value, &Port)| {
        let shape: Vec<usize> = serde_json::from_value(written["shape"].clone()).unwrap();
        let count = shape.iter().product();
        if written["encoding"] == BASE64 {
            let bytes = BASE64_STANDARD
                .decode(written["data"].as_str().unwrap())
                .unwrap();
            let label = Label::Input(&port.name);
            return codec::binary::read(&bytes, port.datatype, count, &limits, label).unwrap();
        }
        let one = Contract {
            inputs: vec![port.clone()],
            outputs: Vec::new(),
            batching: Batching::None,
        };
        let body = serde_json::json!({"inputs": [written]}).to_string();
        let decoded = codec::decode(&one, Framing::Json, body.as_bytes(), &limits).unwrap();
        decoded.inputs[0].values().clone()
    };
    let list = list.as_array().unwrap();
    list.iter().zip(&contract.inputs).map(read).collect()
}

proptest! {
    #[test]
    fn what_is_written_reads_back_exactly(tensors in vec(tensor(), 0..4)) {
        let record = record("r", &tensors);
        let value: Value = serde_json::from_str(&line(&record, &[], usize::MAX)).unwrap();
        let contract = contract(&tensors);
        for list in [&value["request"]["inputs"], &value["outputs"]] {
            let read = read(list, &contract);
            prop_assert_eq!(read.len(), tensors.len());
            for (tensor, values) in tensors.iter().zip(read) {
                // As text, so that NaN is NaN and -0 is not 0.
                prop_assert_eq!(format!("{:?}", tensor.values()), format!("{values:?}"));
            }
        }
        prop_assert!(!line(&record, &[], usize::MAX).contains('\n'));
    }

    #[test]
    fn a_request_of_json_is_one_that_the_protocol_takes(numbers in vec(any::<f32>(), 0..9), text in ".*") {
        let tensors = [Tensor::vector(numbers), Tensor::vector(vec![text.into_bytes()])];
        let record = record("r", &tensors);
        let value: Value = serde_json::from_str(&line(&record, &[], usize::MAX)).unwrap();
        let body = value["request"].to_string();
        let contract = contract(&tensors);
        let decoded = codec::decode(&contract, Framing::Json, body.as_bytes(), &Limits::default()).unwrap();
        prop_assert_eq!(format!("{:?}", decoded.inputs), format!("{tensors:?}"));
    }

    #[test]
    fn no_line_is_longer_than_it_may_be(tensors in vec(tensor(), 0..4), texts in vec(".{0,900}", 0..9), most in 4_096usize..9_000) {
        let named = texts.iter().enumerate().map(|(at, text)| {
            (format!("p{at}"), crate::codec::Parameter::Text(text.clone()))
        });
        let record = Record {
            parameters: named.collect(),
            failure: Some(Failure { code: "failed", message: "\u{1}".repeat(2_000) }),
            trail: vec![("nodes", "n".repeat(2_000))],
            outcome: Outcome::Failed,
            ..record("r", &tensors)
        };
        let whole = line(&record, &[], usize::MAX).len();
        let line = line(&record, &[], most);
        let value: Value = serde_json::from_str(&line).unwrap();
        prop_assert!(line.len() <= most || value["left_out"].as_str().unwrap().contains("trail"));
        prop_assert!(line.len() < 12_000);
        prop_assert_eq!(value["left_out"].is_null(), whole <= most);
    }
}

#[test]
fn a_record_tells_what_was_asked_decided_and_answered() {
    let x = Tensor::of(vec![1, 2], vec![0.1f32, -0.0]).unwrap();
    let half = Tensor::vector(vec![f16::ONE, f16::from_f32(-2.0)]);
    let odd = Tensor::vector(vec![b"\xff".to_vec(), b"a".to_vec()]);
    let whole = record("r-1", &[x.clone(), half, odd]);
    check(
        &whole,
        &[],
        expect![[
            r#"{"v":1,"at":"2026-11-29T00:48:31.123Z","id":"r-1","pipeline":"front","revision":7,"variant":"canary","arm":1,"why":"slot","model":"m","version":"1","unit":"00000000000000000000000000000abc","outcome":"success","queue_ms":0.005,"compute_ms":1.5,"total_ms":1.75,"deadline_ms":250.0,"request":{"inputs":[{"name":"a","datatype":"FP32","shape":[1,2],"data":[0.1,-0.0]},{"name":"b","datatype":"FP16","shape":[2],"encoding":"base64 of little-endian binary data","data":"ADwAwA=="},{"name":"c","datatype":"BYTES","shape":[2],"encoding":"base64 of little-endian binary data","data":"AQAAAP8BAAAAYQ=="}],"outputs":[{"name":"a"},{"name":"b","parameters":{"binary_data":true}},{"name":"c"}]},"outputs":[{"name":"a","datatype":"FP32","shape":[1,2],"data":[0.1,-0.0]},{"name":"b","datatype":"FP16","shape":[2],"encoding":"base64 of little-endian binary data","data":"ADwAwA=="},{"name":"c","datatype":"BYTES","shape":[2],"encoding":"base64 of little-endian binary data","data":"AQAAAP8BAAAAYQ=="}]}"#
        ]],
    );
    let asked = Record {
        parameters: parameters(
            r#"{"tier":"gold","limit":18446744073709551615,"binary_data_output":true}"#,
        ),
        wanted: Some(["b".into()].into()),
        unit: None,
        limit: None,
        cache: Some("miss"),
        trail: vec![("nodes", "first=m/1".to_owned())],
        rescue: Some(Covered {
            variant: Variant::CANARY,
            why: "failed",
            model: Name::new("m").unwrap(),
            version: VersionNumber::new(2).unwrap(),
        }),
        ..record("r-2", &[x.clone(), Tensor::vector(vec![bf16::ONE])])
    };
    check(
        &asked,
        &[],
        expect![[
            r#"{"v":1,"at":"2026-11-29T00:48:31.123Z","id":"r-2","pipeline":"front","revision":7,"variant":"canary","arm":1,"why":"slot","model":"m","version":"1","outcome":"success","rescue":{"from":"canary","why":"failed","model":"m","version":"2"},"cache":"miss","queue_ms":0.005,"compute_ms":1.5,"total_ms":1.75,"trail":{"nodes":"first=m/1"},"request":{"parameters":{"limit":18446744073709551615,"tier":"gold"},"inputs":[{"name":"a","datatype":"FP32","shape":[1,2],"data":[0.1,-0.0]},{"name":"b","datatype":"BF16","shape":[1],"encoding":"base64 of little-endian binary data","data":"gD8="}],"outputs":[{"name":"b","parameters":{"binary_data":true}}]},"outputs":[{"name":"b","datatype":"BF16","shape":[1],"encoding":"base64 of little-endian binary data","data":"gD8="}]}"#
        ]],
    );
    let failed = Record {
        outcome: Outcome::Failed,
        failure: Some(Failure {
            code: "failed",
            message: "model 'm' version 1 failed".to_owned(),
        }),
        outputs: None,
        ..record("r-3", &[x])
    };
    check(
        &failed,
        &[],
        expect![[
            r#"{"v":1,"at":"2026-11-29T00:48:31.123Z","id":"r-3","pipeline":"front","revision":7,"variant":"canary","arm":1,"why":"slot","model":"m","version":"1","unit":"00000000000000000000000000000abc","outcome":"failed","error":{"code":"failed","message":"model 'm' version 1 failed"},"queue_ms":0.005,"compute_ms":1.5,"total_ms":1.75,"deadline_ms":250.0,"request":{"inputs":[{"name":"a","datatype":"FP32","shape":[1,2],"data":[0.1,-0.0]}]}}"#
        ]],
    );
}

#[test]
fn parameters_count_and_those_that_were_not_kept_are_told_of() {
    let large = "p".repeat(5_000);
    let whole = Record {
        parameters: Parameters::text("tier", &large),
        failure: Some(Failure {
            code: "failed",
            message: "m".repeat(300),
        }),
        ..record("r", &[Tensor::vector(vec![424_242i64])])
    };
    assert!((5_300..6_000).contains(&whole.bytes()), "{}", whole.bytes());
    let without = Record {
        parameters: Parameters::default(),
        unparametered: true,
        ..whole.clone()
    };
    assert!(without.bytes() < 500, "{}", without.bytes());
    // What is not kept reads as what is kept and found too large: nothing of it is there, and the record says so.
    let (shed, was_shed) = encode(&mut without.clone(), &[], 4_096);
    assert!(was_shed);
    let shed = String::from_utf8(shed).unwrap();
    assert_eq!(shed, line(&whole, &[], 4_096));
    let value: Value = serde_json::from_str(&shed).unwrap();
    let told = value["left_out"].as_str().unwrap();
    assert!(told.contains("parameters"), "{told}");
    assert!(value["request"]["parameters"].is_null(), "{shed}");
    assert!(!shed.contains("424242"), "{shed}");
}

#[test]
fn what_is_redacted_is_nowhere_in_the_line() {
    let secret = Tensor::vector(vec![424_242i64]);
    let open = Tensor::vector(vec![1i64]);
    let refused = Record {
        outcome: Outcome::Refused,
        failure: Some(Failure {
            code: "invalid",
            message: "input 'a': expected less, got 424242".to_owned(),
        }),
        parameters: parameters(r#"{"user":"424242","tier":"gold"}"#),
        ..record("424242", &[secret, open])
    };
    let by_key = Record {
        hidden: vec![
            Field::Id,
            Field::Input("*".into()),
            Field::Output("a".into()),
            Field::Parameter("user".into()),
        ],
        ..refused.clone()
    };
    let by_settings = ["input:a", "output:a", "parameter:user"];
    check(
        &Record {
            id: None,
            ..refused.clone()
        },
        &by_settings,
        expect![[
            r#"{"v":1,"at":"2026-11-29T00:48:31.123Z","id":null,"pipeline":"front","revision":7,"variant":"canary","arm":1,"why":"slot","model":"m","version":"1","unit":"00000000000000000000000000000abc","outcome":"refused","error":{"code":"invalid","message":"withheld, as it may repeat what is redacted"},"queue_ms":0.005,"compute_ms":1.5,"total_ms":1.75,"deadline_ms":250.0,"redacted":["input:a","output:a","parameter:user"],"request":{"parameters":{"tier":"gold"},"inputs":[{"name":"a","datatype":"INT64","shape":[1],"redacted":true},{"name":"b","datatype":"INT64","shape":[1],"data":[1]}]},"outputs":[{"name":"a","datatype":"INT64","shape":[1],"redacted":true},{"name":"b","datatype":"INT64","shape":[1],"data":[1]}]}"#
        ]],
    );
    for (record, redact) in [
        (
            &Record {
                id: None,
                ..refused.clone()
            },
            &by_settings[..],
        ),
        (&by_key, &[]),
        (&by_key, &["input:*"]),
    ] {
        let redact: Vec<Field> = redact.iter().map(|text| text.parse().unwrap()).collect();
        let line = line(record, &redact, usize::MAX);
        assert!(!line.contains("424242"), "{line}");
        assert!(line.contains("gold"), "{line}");
    }
    assert!(line(&refused, &[], usize::MAX).contains("got 424242"));
}

#[test]
fn fields_are_named_by_their_kind() {
    for text in ["input:x", "output:*", "parameter:a:b"] {
        assert_eq!(text.parse::<Field>().unwrap().to_string(), text);
    }
    for text in ["x", "header:x", "input:", ":x", "id", ""] {
        assert!(text.parse::<Field>().is_err(), "{text}");
    }
}
