//! What is sent, and what is said when nothing comes back.

use serde_json::json;

use super::*;

#[test]
fn addresses_are_checked_before_anything_is_sent() {
    for good in [
        "http://127.0.0.1:8082",
        "http://localhost:1/",
        "http://[::1]:8082",
    ] {
        assert!(Client::new(Plane::Admin, good, None).is_ok(), "{good}");
    }
    for (bad, why) in [
        ("127.0.0.1:8082", "no scheme"),
        ("https://x", "plain http"),
        ("ftp://x", "scheme"),
        ("http://", "host"),
        ("http:///", "host"),
        ("http://user@x", "host"),
    ] {
        let error = Client::new(Plane::Admin, bad, None)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn parts_of_paths_and_queries_are_encoded() {
    assert_eq!(encoded("iris-2.1_x~"), "iris-2.1_x~");
    assert_eq!(encoded("../a b?&#é"), "..%2Fa%20b%3F%26%23%C3%A9");
    let client = Client::new(Plane::Admin, "http://h:1/", None).unwrap();
    let ask = Ask::get("/x")
        .query("actor", Some("a&b"))
        .query("no", None::<u64>)
        .query("limit", Some(3));
    assert_eq!(client.url(&ask), "http://h:1/x?actor=a%26b&limit=3");
}

#[test]
fn nobody_there_is_said_with_the_remedy() {
    // A port that was just free: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let client = Client::new(Plane::Admin, &format!("http://127.0.0.1:{port}"), None).unwrap();
    let error = client.ask(Ask::get("/")).unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert!(error.to_string().contains("impresario serve"), "{error}");
}

#[test]
fn refusals_are_shown_whole() {
    let shown = |document| {
        Refusal {
            status: 422,
            document,
        }
        .to_string()
    };
    assert_eq!(
        shown(json!({"code": "in-use", "detail": "it is needed"})),
        "it is needed [in-use]"
    );
    assert_eq!(shown(json!({"error": "bad shape"})), "bad shape");
    let problems = json!({"code": "invalid-pipeline", "title": "The pipeline has problems", "detail": "x", "problems": [
        {"severity": "error", "code": "unknown-field", "path": "pipelines.a.x", "message": "unknown", "line": 1, "column": 2, "hint": "y?"}
    ]});
    assert_eq!(
        shown(problems),
        "The pipeline has problems\n  error[unknown-field] line 1, column 2 pipelines.a.x: unknown (hint: y?) \
         [invalid-pipeline]"
    );
}
