//! The counters as JSON, after requests that were answered, found nobody, or went through a graph; and what scrapers get of
//! a canary and of requests that belong to a trace.

use super::*;
use crate::serve::{Asks, Terms};
use crate::trace::{Context, SpanId, TraceId};

async fn ask<Call: AsyncFn(TestRequest) -> ServiceResponse>(
    plane: &Plane<Call>,
    name: &str,
) -> bool {
    let input = Tensor::of(vec![1, 2], vec![1.0f32, 2.0]).unwrap();
    plane.fleet.infer(name, [("x", input)]).await.is_ok()
}

#[actix_web::test]
async fn counters_are_told_as_they_are() {
    let plane = plane().await;
    assert_eq!(plane.pin(1, &[]).await.status, 201);
    let graph = r#"{"policy":{"type":"composite","nodes":{"inner":{"model":"pair","version":2}},
        "outputs":{"y":"inner.y"}}}"#;
    let put = plane
        .ask("PUT", "/admin/v1/pipelines/graph", &[], graph)
        .await;
    assert_eq!(put.status, 201, "{}", put.text);
    let unused = plane.get("/admin/v1/metrics").await.json();
    for part in ["cells", "lost", "nodes"] {
        assert_eq!(unused[part], serde_json::json!([]), "{part}");
    }
    for _ in 0..3 {
        assert!(ask(&plane, "front").await);
    }
    assert!(ask(&plane, "graph").await);
    assert!(!ask(&plane, "broken").await);

    let all = plane.get("/admin/v1/metrics").await.json();
    let cell = |pipeline: &str| {
        let cells = all["cells"].as_array().unwrap();
        let mut found = cells.iter().filter(|cell| cell["pipeline"] == pipeline);
        let cell = found.next().unwrap().clone();
        assert_eq!(found.next(), None);
        cell
    };
    let front = cell("front");
    assert_eq!(front["variant"], "standalone");
    assert_eq!(
        (&front["model"], &front["version"]),
        (&"pair".into(), &1.into())
    );
    assert_eq!(front["outcomes"], serde_json::json!({"success": 3}));
    assert_eq!(
        (&front["rows"], &front["executions"]),
        (&3.into(), &3.into())
    );
    assert_eq!((&front["hits"], &front["misses"]), (&0.into(), &0.into()));
    assert_eq!(front["codec"]["buckets"], serde_json::json!([]));
    for sketch in ["request", "queue", "compute"] {
        let sketch = &front[sketch];
        assert_eq!(sketch["count"], 3);
        let buckets = sketch["buckets"].as_array().unwrap();
        let counts: u64 = buckets.iter().map(|pair| pair[1].as_u64().unwrap()).sum();
        assert_eq!(counts, 3);
        assert!(buckets.iter().all(|pair| pair[0].as_i64().unwrap() < 0));
    }
    assert!(front["request"]["nanos"].as_u64() >= front["compute"]["nanos"].as_u64());
    assert_eq!(
        all["lost"],
        serde_json::json!([{"pipeline": "broken", "outcomes": {"unavailable": 1}}])
    );
    assert_eq!(all["nodes"].as_array().unwrap().len(), 1);
    let node = &all["nodes"][0];
    assert_eq!(
        (&node["model"], &node["node"]),
        (&"graph".into(), &"inner".into())
    );
    assert_eq!(node["outcomes"], serde_json::json!({"success": 1}));
    assert_eq!(node["rows"], serde_json::json!({"answered": 1}));
    assert_eq!(node["took"]["count"], 1);
    assert!(all["at"].as_u64() >= all["started"].as_u64());

    let of_front = plane.get("/admin/v1/metrics?pipeline=front").await.json();
    assert_eq!(of_front["cells"].as_array().unwrap().len(), 1);
    assert_eq!(of_front["cells"][0]["outcomes"], front["outcomes"]);
    for part in ["lost", "nodes"] {
        assert_eq!(of_front[part], serde_json::json!([]), "{part}");
    }
    let of_graph = plane.get("/admin/v1/metrics?pipeline=graph").await;
    assert_eq!(of_graph.at("/nodes/0/node"), "inner");
    for (path, code) in [
        ("/admin/v1/metrics?pipeline=nobody", "404 unknown-pipeline"),
        ("/admin/v1/metrics?pipeline=a%20b", "400 invalid-name"),
        ("/admin/v1/metrics?model=pair", "400 invalid-query"),
    ] {
        assert_eq!(plane.get(path).await.code(), code, "{path}");
    }
}

#[actix_web::test]
async fn a_canary_is_shown_with_its_phase_its_weight_and_its_evidence() {
    let plane = plane().await;
    let canary = r#"{"policy":{"type":"canary","model":"pair","stable":1,"canary":2,
        "steps":[{"set_weight":30},{"pause":"approval"}]}}"#;
    let put = plane
        .ask("PUT", "/admin/v1/pipelines/front", &[], canary)
        .await;
    assert_eq!(put.status, 201, "{}", put.text);
    let baking = |snapshot: &crate::actors::Snapshot| {
        let entry = snapshot.fleet.routing.pipelines.values().next();
        let weights = entry.and_then(|entry| Some(entry.course.as_deref()?.slots().share(1)));
        weights == Some(0.3)
    };
    plane.fleet.live().until(baking).await;
    for _ in 0..40 {
        assert!(ask(&plane, "front").await);
    }
    let metrics = plane.get("/metrics").await.text;
    for line in [
        "impresario_variant_weight{pipeline=\"front\",variant=\"stable\"} 0.7",
        "impresario_variant_weight{pipeline=\"front\",variant=\"canary\"} 0.3",
        "impresario_rollout_steps{pipeline=\"front\"} 2",
        "impresario_rollout_phase{pipeline=\"front\",phase=\"rolled-back\"} 0",
    ] {
        assert!(metrics.contains(&format!("{line}\n")), "{line}\n{metrics}");
    }
    let one = metrics
        .lines()
        .filter(|line| line.starts_with("impresario_rollout_phase{") && line.ends_with(" 1"));
    assert_eq!(one.count(), 1, "{metrics}");
    let answered = |variant: &str| -> u64 {
        let start = format!("impresario_requests_total{{pipeline=\"front\",variant=\"{variant}\"");
        let line = metrics
            .lines()
            .find(|line| line.starts_with(&start) && line.contains("\"success\""));
        let (_, count) = line.unwrap().rsplit_once(' ').unwrap();
        count.parse().unwrap()
    };
    assert_eq!(answered("stable") + answered("canary"), 40);
}

#[actix_web::test]
async fn a_request_of_a_sampled_trace_is_an_exemplar() {
    let plane = plane().await;
    let serve = plane.fleet.serve();
    for (byte, sampled) in [(0xaa, true), (0xbb, false)] {
        let terms = Terms {
            trace: Some(Context {
                trace: TraceId::new([byte; 16]).unwrap(),
                span: SpanId::fresh(),
                sampled,
            }),
            ..Terms::now()
        };
        let asks = Asks::default();
        let entry = serve.enter("pair", None, &asks, Terms::now()).await;
        let input = Tensor::of(vec![1, 2], vec![1.0f32, 2.0]).unwrap();
        let answer = serve.dispatch(&entry.unwrap(), vec![input], terms).await;
        assert!(answer.is_ok());
    }
    let accept = [("accept", "application/openmetrics-text; version=1.0.0")];
    let open = plane.ask("GET", "/metrics", &accept, "").await;
    assert_eq!(
        open.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert_eq!(open.header("vary"), Some("accept"));
    assert!(open.text.ends_with("# EOF\n"));
    let id = "aa".repeat(16);
    assert_eq!(
        open.text
            .matches(&format!("# {{trace_id=\"{id}\"}} "))
            .count(),
        1
    );
    assert!(!open.text.contains(&"bb".repeat(16)));
    assert!(!plane.get("/metrics").await.text.contains(&id));
}
