//! What is shown, and what is said to requests that ask for nothing there is.

use super::*;

#[actix_web::test]
async fn the_whole_at_a_glance() {
    let plane = plane().await;
    let status = plane.get("/admin/v1/status").await.json();
    assert_eq!(status["ready"], true);
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    let models = status["models"].as_array().unwrap();
    let phases: Vec<_> = models
        .iter()
        .flat_map(|model| {
            let versions = model["versions"].as_array().unwrap().iter();
            versions.map(|v| {
                format!("{} {} {}", model["name"], v["version"], v["phase"]).replace('"', "")
            })
        })
        .collect();
    assert_eq!(phases, ["broken 1 failed", "pair 1 ready", "pair 2 ready"]);
    assert!(
        models[0]["versions"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("a hole in it")
    );
    assert_eq!(models[1]["versions"][1]["queue"], 0);
    let pipelines = status["pipelines"].as_array().unwrap();
    assert_eq!(pipelines[0]["serves"], Value::Null);
    assert_eq!(pipelines[0]["waits"][0]["code"], "nobody");
    assert_eq!(pipelines[1]["serves"]["version"], 2);
    assert_eq!(status["waits"][0]["subject"], "model broken version 1");
}

#[actix_web::test]
async fn models_versions_and_contracts() {
    let plane = plane().await;
    assert_eq!(
        plane
            .get("/admin/v1/models")
            .await
            .at("/models/1/versions/0/version"),
        1
    );
    assert_eq!(
        plane
            .get("/admin/v1/models/pair")
            .await
            .at("/version_policy"),
        "all"
    );
    let version = plane.get("/admin/v1/models/pair/versions/2").await.json();
    assert_eq!(version["contract"]["inputs"][0]["name"], "x");
    assert_eq!(version["contract"]["inputs"][0]["datatype"], "FP32");
    assert_eq!(
        version["contract"]["inputs"][0]["shape"],
        serde_json::json!([-1, 2])
    );
    assert!(version["limits"]["timeout_ms"].as_u64().unwrap() > 0);
    for (path, code) in [
        ("/admin/v1/models/nobody", "404 unknown-model"),
        ("/admin/v1/models/nobody/versions/1", "404 unknown-model"),
        ("/admin/v1/models/pair/versions/3", "404 unknown-version"),
        ("/admin/v1/models/pair/versions/0", "400 invalid-name"),
        ("/admin/v1/models/pair/versions/-1", "400 invalid-name"),
        (
            "/admin/v1/models/pair/versions/99999999999999999999",
            "400 invalid-name",
        ),
    ] {
        assert_eq!(plane.get(path).await.code(), code, "{path}");
    }
}

#[actix_web::test]
async fn odd_paths_names_and_queries_are_refused_in_words() {
    let plane = plane().await;
    for (method, path, code) in [
        ("GET", "/", "404 not-found"),
        ("GET", "/admin/v1", "404 not-found"),
        ("GET", "/admin/v2/status", "404 not-found"),
        ("GET", "/admin/v1/pipelines/a/b/c", "404 not-found"),
        ("GET", "/admin/v1/pipelines/%2e%2e", "400 invalid-name"),
        (
            "GET",
            "/admin/v1/pipelines/..%2f..%2fetc",
            "400 invalid-name",
        ),
        ("GET", "/admin/v1/pipelines/%ff%fe", "400 invalid-name"),
        ("GET", "/admin/v1/pipelines/%00", "400 invalid-name"),
        ("GET", "/admin/v1/pipelines/%E2%98%83", "400 invalid-name"),
        ("GET", "/admin/v1/pipelines/%zz", "400 invalid-name"),
        ("GET", "/admin/v1/pipelines/nobody", "404 unknown-pipeline"),
        (
            "GET",
            "/admin/v1/pipelines/nobody/revisions",
            "404 unknown-pipeline",
        ),
        (
            "GET",
            "/admin/v1/pipelines/pair/revisions/1",
            "404 unknown-revision",
        ),
        (
            "GET",
            "/admin/v1/pipelines/pair/revisions/x",
            "400 invalid-name",
        ),
        ("POST", "/admin/v1/models/nobody/load", "404 unknown-model"),
        (
            "POST",
            "/admin/v1/models/pair/load?wait=long",
            "400 invalid-query",
        ),
        (
            "POST",
            "/admin/v1/models/pair/load?wait=1h",
            "400 invalid-query",
        ),
        (
            "POST",
            "/admin/v1/models/pair/load?weight=1",
            "400 invalid-query",
        ),
        ("GET", "/admin/v1/audit?limit=0", "400 invalid-query"),
        ("GET", "/admin/v1/audit?limit=1001", "400 invalid-query"),
        ("GET", "/admin/v1/audit?name=a%20b", "400 invalid-name"),
        (
            "PUT",
            "/admin/v1/pipelines/x?dry_run=maybe",
            "400 invalid-query",
        ),
        ("POST", "/admin/v1/status", "405 method-not-allowed"),
        ("PATCH", "/admin/v1/pipelines/x", "405 method-not-allowed"),
        ("GET", "/admin/v1/reload", "405 method-not-allowed"),
        ("BREW", "/metrics", "405 method-not-allowed"),
    ] {
        assert_eq!(
            plane.ask(method, path, &[], "").await.code(),
            code,
            "{method} {path}"
        );
    }
    let patched = plane.ask("PATCH", "/admin/v1/pipelines/x", &[], "").await;
    assert_eq!(patched.header("allow"), Some("GET, PUT, DELETE, HEAD"));
    let head = plane.ask("HEAD", "/admin/v1/status", &[], "").await;
    assert_eq!(head.status, 200);
    let large = "x".repeat(2 << 20);
    let answer = plane.ask("PUT", "/admin/v1/pipelines/x", &[], &large).await;
    assert_eq!(answer.code(), "413 body-too-large");
    let reason = "x".repeat(1_001);
    let answer = plane
        .ask("POST", "/admin/v1/reload", &[("x-reason", &reason)], "")
        .await;
    assert_eq!(answer.code(), "400 bad-request");
}

#[actix_web::test]
async fn metrics_and_the_description_are_there() {
    let plane = plane().await;
    let metrics = plane.get("/metrics").await;
    assert_eq!(
        metrics.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let ready = "impresario_version_phase{model=\"pair\",version=\"2\",phase=\"ready\"} 1\n";
    assert!(metrics.text.contains(ready), "{}", metrics.text);
    assert!(!metrics.text.contains("nv_"));
    let triton = plane.get("/metrics?names=triton").await;
    let success = "nv_inference_request_success{model=\"pair\",version=\"2\"} 0\n";
    assert!(triton.text.contains(success), "{}", triton.text);
    for path in ["/metrics?names=kserve", "/metrics?name=triton"] {
        assert_eq!(plane.get(path).await.code(), "400 invalid-query", "{path}");
    }
    assert_eq!(
        plane.get("/admin/v1/openapi.json").await.at("/info/title"),
        "Impresario admin API"
    );
}
