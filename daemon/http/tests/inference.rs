//! Inference: JSON and binary, outputs, errors, limits, compression, counters.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};

use super::*;

const ONE: &str =
    r#"{"id":"7","inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[0.1,2]}]}"#;

fn post(path: &str, body: impl Into<web::Bytes>) -> TestRequest {
    TestRequest::post().uri(path).set_payload(body)
}

#[actix_web::test]
async fn requests_are_answered_as_they_ask() {
    let (fleet, service) = serve().await;
    let json = r#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}}],"parameters":{"binary_data_output":true}}"#;
    let data: Vec<u8> = [1f32, 2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let mixed = [json.as_bytes(), &data].concat();
    let length = "inference-header-content-length";
    let answers = [
        post("/v2/models/pair/infer", ONE),
        post("/v2/models/pair/versions/1/infer/", ONE),
        post("/v2/models/pair/infer", mixed).insert_header((length, json.len())),
        post("/v2/models/pair/infer", data).insert_header((length, 0)),
    ];
    let mut lines = String::new();
    for request in answers {
        lines += &ask(&service, request).await;
        lines += "\n";
    }
    expect![[r#"
        200
        content-type: application/json
        x-route-variant: standalone
        x-route-version: 2
        {"model_name":"pair","model_version":"2","id":"7","outputs":[{"name":"y","datatype":"FP32","shape":[1,2],"data":[0.1,2.0]},{"name":"label","datatype":"BYTES","shape":[1],"data":["v2"]}]}

        200
        content-type: application/json
        x-route-variant: direct
        x-route-version: 1
        {"model_name":"pair","model_version":"1","id":"7","outputs":[{"name":"y","datatype":"FP32","shape":[1,2],"data":[0.1,2.0]},{"name":"label","datatype":"BYTES","shape":[1],"data":["v1"]}]}

        200
        content-type: application/octet-stream
        inference-header-content-length: 218
        x-route-variant: standalone
        x-route-version: 2
        b"{\"model_name\":\"pair\",\"model_version\":\"2\",\"outputs\":[{\"name\":\"y\",\"datatype\":\"FP32\",\"shape\":[1,2],\"parameters\":{\"binary_data_size\":8}},{\"name\":\"label\",\"datatype\":\"BYTES\",\"shape\":[1],\"parameters\":{\"binary_data_size\":6}}]}\0\0\x80?\0\0\0@\x02\0\0\0v2"

        200
        content-type: application/octet-stream
        inference-header-content-length: 218
        x-route-variant: standalone
        x-route-version: 2
        b"{\"model_name\":\"pair\",\"model_version\":\"2\",\"outputs\":[{\"name\":\"y\",\"datatype\":\"FP32\",\"shape\":[1,2],\"parameters\":{\"binary_data_size\":8}},{\"name\":\"label\",\"datatype\":\"BYTES\",\"shape\":[1],\"parameters\":{\"binary_data_size\":6}}]}\0\0\x80?\0\0\0@\x02\0\0\0v2"

    "#]].assert_eq(&lines);
    fleet.stop().await;
}

#[actix_web::test]
async fn a_wrong_request_says_what_is_wrong() {
    let (fleet, service) = serve().await;
    let length = "inference-header-content-length";
    let requests = [
        post("/v2/models/pair/infer", ""),
        post("/v2/models/pears/infer", ONE),
        post("/v2/models/pair/versions/9/infer", ONE),
        post(
            "/v2/models/pair/infer",
            ONE.replace("[0.1,2]", "[0.1,null]"),
        ),
        post(
            "/v2/models/pair/infer",
            ONE.replace("[1,2]", "[9223372036854775807,2]"),
        ),
        post("/v2/models/pair/infer", ONE).insert_header((length, "many")),
        post("/v2/models/pair/infer", ONE).insert_header(("content-encoding", "br")),
        post("/v2/models/pair/infer", ONE).insert_header(("content-encoding", "gzip")),
        post("/v2/models/pair/infer", ONE).insert_header(("x-request-timeout", "soon")),
        post("/v2/models/pair/infer", " ".repeat((1 << 20) + 1)),
        post("/v2/models/half/infer", ONE),
        post("/v2/models/broken/infer", ONE),
        post("/v2/models/infer", ONE),
    ];
    let mut lines = String::new();
    for request in requests {
        lines += &ask(&service, request).await;
        lines += "\n";
    }
    expect![[r#"
        400
        content-type: application/json
        {"error":"request: expected a JSON object, got an empty body"}

        404
        content-type: application/json
        {"error":"Request for unknown model: 'pears' is not found"}

        404
        content-type: application/json
        {"error":"Request for unknown model: 'pair' version 9 is not found"}

        400
        content-type: application/json
        {"error":"input 'x': expected numbers within FP32, got null at element 1"}

        400
        content-type: application/json
        {"error":"input 'x': expected 18446744073709551614 elements for shape [9223372036854775807, 2], got 2 elements"}

        400
        content-type: application/json
        {"error":"header Inference-Header-Content-Length: expected a number of bytes, got 'many'"}

        415
        content-type: application/json
        {"error":"header Content-Encoding: expected gzip, deflate or identity, got 'br'"}

        400
        content-type: application/json
        {"error":"body: expected gzip data, got invalid gzip header"}

        400
        content-type: application/json
        {"error":"header x-request-timeout: expected a duration such as 250ms or 2s, got 'soon'"}

        413
        content-type: application/json
        {"error":"body: expected at most 1048576 bytes, got 1048577; the limit is 'max_body' under [server.limits]"}

        400
        content-type: application/json
        {"error":"input 'x': expected datatype FP16, got FP32"}

        500
        content-type: application/json
        {"error":"model 'broken' version 1 failed; the log has more under request id (id)"}

        405
        content-type: application/json
        allow: GET
        {"error":"path '/v2/models/infer': expected method GET, got POST"}

    "#]].assert_eq(&lines);
    fleet.stop().await;
}

#[actix_web::test]
async fn half_floats_and_bytes_need_binary_outputs() {
    let (fleet, service) = serve().await;
    let request = |outputs: &str| {
        let json = format!(
            r#"{{"inputs":[{{"name":"x","shape":[1,2],"datatype":"FP16","parameters":{{"binary_data_size":4}}}}],"outputs":[{outputs}]}}"#
        );
        let body = [json.as_bytes(), &[0, 0x3c, 0, 0x40]].concat();
        let header = ("inference-header-content-length", json.len());
        post("/v2/models/half/infer", body).insert_header(header)
    };
    let mut lines = String::new();
    for outputs in [
        r#"{"name":"y"}"#,
        r#"{"name":"label"}"#,
        r#"{"name":"y","parameters":{"binary_data":true}}"#,
    ] {
        lines += &ask(&service, request(outputs)).await;
    }
    expect![[r#"
        400
        content-type: application/json
        {"error":"output 'y': expected parameter 'binary_data' true, as FP16 never travels as JSON, got a request for JSON"}
        400
        content-type: application/json
        {"error":"output 'label': expected parameter 'binary_data' true, as its bytes are not UTF-8 text, got a request for JSON"}
        200
        content-type: application/octet-stream
        inference-header-content-length: 134
        x-route-variant: standalone
        x-route-version: 1
        b"{\"model_name\":\"half\",\"model_version\":\"1\",\"outputs\":[{\"name\":\"y\",\"datatype\":\"FP16\",\"shape\":[1,2],\"parameters\":{\"binary_data_size\":4}}]}\0<\0@"
    "#]].assert_eq(&lines);
    fleet.stop().await;
}

#[actix_web::test]
async fn compressed_requests_and_answers() {
    let (fleet, service) = serve().await;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(ONE.as_bytes()).unwrap();
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::fast());
    deflate.write_all(ONE.as_bytes()).unwrap();
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    bomb.write_all(&vec![b' '; 3 << 20]).unwrap();
    let encoded = |coding: &str, body: Vec<u8>| {
        post("/v2/models/pair/infer", body).insert_header(("content-encoding", coding))
    };
    let mut lines = String::new();
    for request in [
        encoded("gzip", gzip.finish().unwrap()),
        encoded("deflate", deflate.finish().unwrap()),
        encoded("gzip", bomb.finish().unwrap()),
    ] {
        lines += &ask(&service, request).await;
    }
    expect![[r#"
        200
        content-type: application/json
        x-route-variant: standalone
        x-route-version: 2
        {"model_name":"pair","model_version":"2","id":"7","outputs":[{"name":"y","datatype":"FP32","shape":[1,2],"data":[0.1,2.0]},{"name":"label","datatype":"BYTES","shape":[1],"data":["v2"]}]}
        200
        content-type: application/json
        x-route-variant: standalone
        x-route-version: 2
        {"model_name":"pair","model_version":"2","id":"7","outputs":[{"name":"y","datatype":"FP32","shape":[1,2],"data":[0.1,2.0]},{"name":"label","datatype":"BYTES","shape":[1],"data":["v2"]}]}
        413
        content-type: application/json
        {"error":"inflated body: expected at most 2097152 bytes, got more; the limit is 'max_inflated' under [server.limits]"}
    "#]].assert_eq(&lines);

    // A small request can have a large answer: rows of zeros, written as JSON, asked for compressed.
    let rows = 8000;
    let json = format!(
        r#"{{"inputs":[{{"name":"x","shape":[{rows},2],"datatype":"FP32","parameters":{{"binary_data_size":{}}}}}]}}"#,
        rows * 8
    );
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(json.as_bytes()).unwrap();
    gzip.write_all(&vec![0; rows * 8]).unwrap();
    let large = gzip.finish().unwrap();
    let mut answers = Vec::new();
    for accepted in ["identity", "gzip", "deflate"] {
        let request = encoded("gzip", large.clone())
            .insert_header(("inference-header-content-length", json.len()))
            .insert_header(("accept-encoding", accepted));
        let answer = service(request).await;
        let coding = answer.headers().get("content-encoding").cloned();
        let body = to_bytes(answer.into_body()).await.unwrap();
        let mut plain = String::new();
        match coding.as_ref().map(|coding| coding.to_str().unwrap()) {
            None => plain = String::from_utf8(body.to_vec()).unwrap(),
            Some("gzip") => drop(
                GzDecoder::new(&body[..])
                    .read_to_string(&mut plain)
                    .unwrap(),
            ),
            Some("deflate") => drop(
                ZlibDecoder::new(&body[..])
                    .read_to_string(&mut plain)
                    .unwrap(),
            ),
            Some(other) => panic!("{other} was not asked for"),
        }
        assert_eq!(coding.is_some(), accepted != "identity");
        answers.push(plain);
    }
    assert!(answers[0].len() > 64 << 10);
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    fleet.stop().await;
}

#[actix_web::test]
async fn counters_move() {
    let (fleet, service) = serve().await;
    for body in [ONE, ONE, ONE, "{}"] {
        ask(&service, post("/v2/models/pair/infer", body)).await;
    }
    ask(&service, post("/v2/models/pair/versions/1/infer", ONE)).await;
    let mut lines = String::new();
    for path in [
        "/v2/models/pair/stats",
        "/v2/models/pair/versions/1/stats",
        "/v2/models/stats",
    ] {
        let answer = ask(&service, TestRequest::get().uri(path)).await;
        let body = answer.lines().last().unwrap();
        let stats: serde_json::Value = serde_json::from_str(body).unwrap();
        for row in stats["model_stats"].as_array().unwrap() {
            let counted = &row["inference_stats"];
            lines += &format!(
                "{path}: {} {} rows {} runs {} ok {} failed {}\n",
                row["name"],
                row["version"],
                row["inference_count"],
                row["execution_count"],
                counted["success"]["count"],
                counted["fail"]["count"],
            );
            let busy = counted["success"]["count"] != 0;
            assert_eq!(counted["compute_infer"]["ns"].as_u64().unwrap() > 0, busy);
            assert_eq!(counted["success"]["ns"].as_u64().unwrap() > 0, busy);
            assert_eq!(row["last_inference"].as_u64().unwrap() > 0, busy);
        }
    }
    expect![[r#"
        /v2/models/pair/stats: "pair" "1" rows 1 runs 1 ok 1 failed 0
        /v2/models/pair/stats: "pair" "2" rows 3 runs 3 ok 3 failed 1
        /v2/models/pair/versions/1/stats: "pair" "1" rows 1 runs 1 ok 1 failed 0
        /v2/models/stats: "broken" "1" rows 0 runs 0 ok 0 failed 0
        /v2/models/stats: "half" "1" rows 0 runs 0 ok 0 failed 0
        /v2/models/stats: "pair" "1" rows 1 runs 1 ok 1 failed 0
        /v2/models/stats: "pair" "2" rows 3 runs 3 ok 3 failed 1
    "#]]
    .assert_eq(&lines);
    fleet.stop().await;
}

#[actix_web::test]
async fn large_requests_are_answered_like_small_ones() {
    let (fleet, service) = serve().await;
    let rows = 20_000;
    let numbers: Vec<_> = (0..rows * 2).map(|i| format!("{i}.5e0")).collect();
    let body = ONE
        .replace("[0.1,2]", &format!("[{}]", numbers.join(",")))
        .replace("[1,2]", &format!("[{rows},2]"));
    assert!(body.len() > 256 << 10);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(body.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    assert!(gzip.len() > 16 << 10);
    let path = "/v2/models/pair/infer";
    let encoding = ("content-encoding", "gzip");
    for request in [
        post(path, body.clone()),
        post(path, gzip).insert_header(encoding),
    ] {
        let answer = service(request).await;
        assert_eq!(answer.status(), 200);
        let body = to_bytes(answer.into_body()).await.unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let data = answer["outputs"][0]["data"].as_array().unwrap();
        let right = |(i, v): (usize, &serde_json::Value)| v.as_f64() == Some(i as f64 + 0.5);
        assert!(data.len() == rows * 2 && data.iter().enumerate().all(right));
    }
    let broken = ask(&service, post(path, body.replace("39999.5e0", "true"))).await;
    assert!(broken.contains("got true at element 39999"), "{broken}");
    fleet.stop().await;
}
