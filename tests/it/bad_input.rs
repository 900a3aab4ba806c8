//! Rubbish over HTTP: always a 4xx that names what, expected and got; never a 500, never a panic.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::daemon::{Daemon, House, agent, iris, reply};

/// A request body and what its error must name.
const JSON: &[(&str, &str, &[&str])] = &[
    ("not json", "{", &[]),
    ("a list", "[]", &[]),
    ("no inputs", "{}", &["inputs"]),
    ("empty inputs", r#"{"inputs":[]}"#, &["X"]),
    (
        "unknown input",
        r#"{"inputs":[{"name":"Y","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}]}"#,
        &["Y", "X"],
    ),
    (
        "twice",
        r#"{"inputs":[{"name":"X","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]},{"name":"X","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}]}"#,
        &["X"],
    ),
    (
        "datatype",
        r#"{"inputs":[{"name":"X","shape":[1,4],"datatype":"INT64","data":[1,2,3,4]}]}"#,
        &["X", "FP32", "INT64"],
    ),
    (
        "no such datatype",
        r#"{"inputs":[{"name":"X","shape":[1,4],"datatype":"FP8","data":[1,2,3,4]}]}"#,
        &["FP8"],
    ),
    (
        "rank",
        r#"{"inputs":[{"name":"X","shape":[4],"datatype":"FP32","data":[1,2,3,4]}]}"#,
        &["X", "[-1, 4]", "[4]"],
    ),
    (
        "axis",
        r#"{"inputs":[{"name":"X","shape":[1,5],"datatype":"FP32","data":[1,2,3,4,5]}]}"#,
        &["X", "[-1, 4]", "[1, 5]"],
    ),
    (
        "negative",
        r#"{"inputs":[{"name":"X","shape":[-1,4],"datatype":"FP32","data":[1,2,3,4]}]}"#,
        &["-1"],
    ),
    (
        "huge",
        r#"{"inputs":[{"name":"X","shape":[9223372036854775807,4],"datatype":"FP32","data":[1,2,3,4]}]}"#,
        &["X"],
    ),
    (
        "beyond",
        r#"{"inputs":[{"name":"X","shape":[99999999999999999999,4],"datatype":"FP32","data":[1,2,3,4]}]}"#,
        &[],
    ),
    (
        "too few",
        r#"{"inputs":[{"name":"X","shape":[1,4],"datatype":"FP32","data":[1,2,3]}]}"#,
        &["X", "4", "3"],
    ),
    (
        "too many",
        r#"{"inputs":[{"name":"X","shape":[1,4],"datatype":"FP32","data":[1,2,3,4,5]}]}"#,
        &["X", "4"],
    ),
    (
        "text",
        r#"{"inputs":[{"name":"X","shape":[1,4],"datatype":"FP32","data":["1",2,3,4]}]}"#,
        &["X"],
    ),
    (
        "null",
        r#"{"inputs":[{"name":"X","shape":[1,4],"datatype":"FP32","data":[null,2,3,4]}]}"#,
        &["X", "null"],
    ),
    (
        "true",
        r#"{"inputs":[{"name":"X","shape":[1,4],"datatype":"FP32","data":[true,2,3,4]}]}"#,
        &["X"],
    ),
    (
        "overflow",
        r#"{"inputs":[{"name":"X","shape":[1,4],"datatype":"FP32","data":[1e400,2,3,4]}]}"#,
        &["X", "1e400"],
    ),
    (
        "ragged",
        r#"{"inputs":[{"name":"X","shape":[2,4],"datatype":"FP32","data":[[1,2,3],[4,5,6,7,8]]}]}"#,
        &["X"],
    ),
    (
        "unknown output",
        r#"{"inputs":[{"name":"X","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}],"outputs":[{"name":"nope"}]}"#,
        &["nope", "probabilities"],
    ),
];

fn assert_refused(what: &str, got: &crate::daemon::Reply, named: &[&str]) {
    assert!((400..500).contains(&got.status), "{what}: {got:?}");
    assert_eq!(
        got.header("content-type"),
        Some("application/json"),
        "{what}: {got:?}"
    );
    assert!(!got.error().is_empty(), "{what}: {got:?}");
    for name in named {
        assert!(
            got.error().contains(name),
            "{what}: {:?} is not named in {:?}",
            name,
            got.error()
        );
    }
}

fn assert_alive(daemon: &Daemon) {
    assert_eq!(
        daemon
            .infer("iris-linear", iris(&[5.1, 3.5, 1.4, 0.2]))
            .status,
        200,
        "{}",
        daemon.log()
    );
    assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
}

#[test]
fn json_that_does_not_fit() {
    let house = House::new();
    house.real("iris-linear/1", "iris-linear/1");
    let daemon = house.serve();
    for (what, body, named) in JSON {
        let got = daemon.post_text("/v2/models/iris-linear/infer", body);
        assert_refused(what, &got, named);
        assert_eq!(got.status, 400, "{what}: {got:?}");
    }
    assert_alive(&daemon);
}

#[test]
fn numbers_that_do_not_fit_an_int32() {
    let house = House::new();
    house.fake(
        "echo/1",
        "inputs = [{ name = \"n\", datatype = \"INT32\", shape = [-1] }]\n",
    );
    let daemon = house.serve();
    for (number, shown) in [
        ("1.5", "1.5"),
        ("1099511627776", "1099511627776"),
        ("1e400", "1e400"),
        ("null", "null"),
    ] {
        let body = format!(
            r#"{{"inputs":[{{"name":"n","shape":[2],"datatype":"INT32","data":[7,{number}]}}]}}"#
        );
        let got = daemon.post_text("/v2/models/echo/infer", &body);
        assert_refused(number, &got, &["n", "INT32", shown]);
    }
    let body = json!([{ "name": "n", "shape": [2], "datatype": "INT32", "data": [-2147483648, 2147483647] }]);
    assert_eq!(
        daemon.infer("echo", body).output("n"),
        [-2147483648.0, 2147483647.0]
    );
}

#[test]
fn names_that_are_none() {
    let house = House::new();
    house.real("iris-linear/1", "iris-linear/1");
    let daemon = house.serve();
    let body = json!({ "inputs": iris(&[5.1, 3.5, 1.4, 0.2]) });
    for name in [
        "nope",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "%00",
        "iris%20linear",
        "%E2%98%83",
        "iris-linear%2f..",
        "%ff",
        "iris-linear/versions/0",
        "iris-linear/versions/99",
        "iris-linear/versions/x",
        "iris-linear/versions/1e9",
        "iris-linear/versions/18446744073709551616",
    ] {
        let got = daemon.post(&format!("/v2/models/{name}/infer"), &body);
        assert_refused(name, &got, &[]);
    }
    let unknown = daemon.post("/v2/models/nope/infer", &body);
    assert_eq!(
        (unknown.status, unknown.error()),
        (404, "Request for unknown model: 'nope' is not found")
    );
    for path in [
        "/",
        "/v2/models//infer",
        "/v2/nothing",
        "/v2/models/iris-linear/nothing",
    ] {
        let got = daemon.post(path, &body);
        assert!((400..500).contains(&got.status), "{path}: {got:?}");
    }
    assert_alive(&daemon);
}

/// Sends bytes as they are and reads what comes until the daemon closes or has answered.
fn raw(daemon: &Daemon, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(&daemon.http).unwrap();
    stream
        .set_read_timeout(Some(crate::daemon::PATIENCE))
        .unwrap();
    stream.write_all(request).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _until_it_closes = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn binary_that_lies() {
    let house = House::new();
    house.real("iris-linear/1", "iris-linear/1");
    let daemon = house.serve();
    let post = |header: &str, size: i64, bytes: usize| {
        let json = format!(
            r#"{{"inputs":[{{"name":"X","shape":[1,4],"datatype":"FP32","parameters":{{"binary_data_size":{size}}}}}]}}"#
        );
        let mut body = json.clone().into_bytes();
        body.extend(std::iter::repeat_n(0u8, bytes));
        let length = if header == "right" {
            json.len().to_string()
        } else {
            header.to_owned()
        };
        let request = agent().post(format!(
            "http://{}/v2/models/iris-linear/infer",
            daemon.http
        ));
        reply(
            request
                .header("Inference-Header-Content-Length", length)
                .send(&body[..]),
        )
    };
    assert_eq!(post("right", 16, 16).status, 200);
    for (what, header, size, bytes) in [
        ("truncated", "right", 16, 15),
        ("oversized", "right", 16, 17),
        ("another size", "right", 12, 12),
        ("none", "right", 16, 0),
        ("negative", "right", -16, 16),
        ("huge", "right", i64::MAX, 16),
        ("header beyond the body", "99999", 16, 16),
        ("header negative", "-1", 16, 16),
        ("header no number", "abc", 16, 16),
        ("header too short", "10", 16, 16),
    ] {
        assert_refused(what, &post(header, size, bytes), &[]);
    }
    assert_alive(&daemon);
}

#[test]
fn bodies_that_are_too_much() {
    let house = House::new();
    house.real("iris-linear/1", "iris-linear/1");
    house.write(
        "impresario.toml",
        "version = 1\n[server.limits]\nmax_body = \"64KiB\"\nmax_inflated = \"256KiB\"\n",
    );
    let daemon = house.serve_config();
    let giant = format!(r#"{{"id":"{}","inputs":[]}}"#, "x".repeat(100_000));
    let got = daemon.post_text("/v2/models/iris-linear/infer", &giant);
    assert_eq!(got.status, 413, "{got:?}");
    assert!(got.error().contains("max_body"), "{got:?}");
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![b' '; 20_000_000]).unwrap();
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 64 * 1024);
    for (coding, body) in [
        ("gzip", &bomb[..]),
        ("gzip", b"no gzip"),
        ("deflate", b"no deflate"),
        ("br", b"x"),
    ] {
        let request = agent().post(format!(
            "http://{}/v2/models/iris-linear/infer",
            daemon.http
        ));
        let got = reply(request.header("Content-Encoding", coding).send(body));
        assert!((400..500).contains(&got.status), "{coding}: {got:?}");
        assert!(!got.error().is_empty(), "{coding}: {got:?}");
    }
    // A request that is no HTTP at all, and one that ends in the middle.
    let answer = raw(&daemon, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    assert!(!answer.contains(" 500 "), "{answer}");
    let answer = raw(&daemon, b"POST /v2/models/iris-linear/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{\"inp");
    assert!(!answer.contains(" 500 "), "{answer}");
    assert_alive(&daemon);
}

#[test]
fn rubbish_for_the_admin() {
    let house = House::new();
    house.real("iris/1", "iris/1");
    let daemon = house.serve();
    for (path, body, named) in [
        ("/pipelines/x", json!({}), "policy"),
        ("/pipelines/x", json!([1]), ""),
        (
            "/pipelines/x",
            json!({ "policy": { "type": "standalon", "model": "iris" } }),
            "standalone",
        ),
        (
            "/pipelines/x",
            json!({ "policy": { "type": "standalone", "model": "irys" } }),
            "irys",
        ),
        (
            "/pipelines/x",
            json!({ "policy": { "type": "standalone", "model": "iris", "version": 9 } }),
            "9",
        ),
        (
            "/pipelines/x",
            json!({ "policy": { "type": "standalone", "model": "iris", "version": 0 } }),
            "version",
        ),
        (
            "/pipelines/x",
            json!({ "policy": { "type": "standalone", "model": "iris", "verson": 1 } }),
            "verson",
        ),
        (
            "/pipelines/x",
            json!({ "policy": { "type": "standalone", "model": "iris" }, "deadline": "soon" }),
            "deadline",
        ),
        (
            "/pipelines/..%2fx",
            json!({ "policy": { "type": "standalone", "model": "iris" } }),
            "",
        ),
    ] {
        let got = daemon.admin_put(path, &body);
        assert!((400..500).contains(&got.status), "{body}: {got:?}");
        assert!(
            got.header("content-type")
                .unwrap()
                .starts_with("application/problem+json"),
            "{got:?}"
        );
        assert!(
            got.text.contains(named),
            "{body}: {named} is not named in {got:?}"
        );
    }
    // Nothing was half done.
    assert_eq!(daemon.admin_get("/pipelines/x").status, 404);
    assert!(!daemon.admin_get("/audit").text.contains("pipeline.put"));
}
