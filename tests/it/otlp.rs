//! The export to an OpenTelemetry collector: a real one (PyPI's `rotel`), and what becomes of requests without one.
//!
//! A machine without Python or the package index fails the tests that need the collector, and says so.

#[path = "otlp/collector.rs"]
mod collector;

use std::io::Read;
use std::net::TcpListener;

use serde_json::{Value, json};

use impresario::grpc::proto::model_infer_request::InferInputTensor;
use impresario::grpc::proto::{InferTensorContents, ModelInferRequest};

use self::collector::Collector;
use crate::daemon::{Daemon, House, iris};
use crate::grpc::client::Client;
use crate::grpc::run;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// Two versions side by side, behind a version that always fails, and whose failures are covered.
const PIPELINES: &str = r#"
version = 1
[pipelines.both.policy]
type = "composite"
[pipelines.both.policy.nodes]
a = { model = "iris", version = 1, inputs = { X = "request.X" } }
b = { pipeline = "inner" }
vote = { ensemble = "mean", of = ["a.probabilities", "b.p"] }
[pipelines.both.policy.outputs]
p = "vote.output"

[pipelines.inner.policy]
type = "composite"
[pipelines.inner.policy.nodes]
deep = { model = "iris", version = 1, inputs = { X = "request.X" } }
[pipelines.inner.policy.outputs]
p = "deep.probabilities"
"#;

/// A house that exports all of it, quickly.
fn house(endpoint: &str, protocol: &str) -> House {
    let house = House::new();
    house.real("iris/1", "iris/1");
    let ports = "inputs = [{ name = \"X\", datatype = \"FP32\", shape = [-1, 4] }]";
    let broken = format!("behaviour = \"flaky\"\nevery = 1\n{ports}\n");
    house.fake("broken/1", &broken);
    house.write("pipelines/both.toml", PIPELINES);
    house.write(
        "impresario.toml",
        &format!(
            r#"
version = 1
[models]
repository = "models"
[store]
engine = "memory"
[pipelines]
files = ["pipelines/*.toml"]
[log]
access = 1.0
[otlp]
endpoint = "{endpoint}"
protocol = "{protocol}"
headers = {{ x-test-key = "hunter2" }}
sample = 0.0
queue = 512
batch = 64
interval = "20ms"
metrics_interval = "100ms"
timeout = "500ms"
[otlp.resource]
service = "tested"
environment = "it"
attributes = {{ "k8s.pod.name" = "pod-7" }}
"#
        ),
    );
    house
}

/// Asks as a caller whose trace is sampled, or not.
fn ask(daemon: &Daemon, name: &str, sampled: &str) -> ureq::http::Response<ureq::Body> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let body = json!({ "inputs": iris(&[5.1, 3.5, 1.4, 0.2]) });
    agent
        .post(format!("http://{}/v2/models/{name}/infer", daemon.http))
        .header("traceparent", format!("00-{TRACE}-{SPAN}-{sampled}"))
        .header("tracestate", "vendor=x")
        .header("x-request-id", format!("asked-{name}-{sampled}"))
        .send(body.to_string())
        .unwrap()
}

/// The same over gRPC; the place in the trace that the answer names.
fn ask_grpc(daemon: &Daemon, name: &str) -> String {
    let mut request = tonic::Request::new(ModelInferRequest {
        model_name: name.to_owned(),
        inputs: vec![InferInputTensor {
            name: "X".to_owned(),
            datatype: "FP32".to_owned(),
            shape: vec![1, 4],
            contents: Some(InferTensorContents {
                fp32_contents: vec![5.1, 3.5, 1.4, 0.2],
                ..InferTensorContents::default()
            }),
            ..InferInputTensor::default()
        }],
        ..ModelInferRequest::default()
    });
    let metadata = request.metadata_mut();
    let parent = format!("00-{TRACE}-{SPAN}-01");
    metadata.insert("traceparent", parent.parse().unwrap());
    metadata.insert("x-request-id", format!("called-{name}").parse().unwrap());
    let mut own = String::new();
    run(async {
        let answered = Client::connect(&daemon.grpc).await.infer(request).await;
        let metadata = match answered {
            Ok(answer) => answer.metadata().clone(),
            Err(status) => status.metadata().clone(),
        };
        let said = metadata.get("traceresponse").unwrap();
        said.to_str().unwrap().clone_into(&mut own);
    });
    own
}

/// The export's own count of a signal.
fn count(daemon: &Daemon, signal: &str, what: &str) -> u64 {
    let status = daemon.admin_get("/status").body;
    let exports = status["exports"].as_array().unwrap().clone();
    let mut exports = exports.into_iter();
    let export = exports.find(|export| export["signal"] == signal).unwrap();
    export[what].as_u64().unwrap()
}

/// Waits until a count is at least so high.
fn until(daemon: &Daemon, signal: &str, what: &str, least: u64) {
    let ask = |daemon: &Daemon| daemon.admin_get("/status");
    daemon.until(ask, |reply| {
        let exports = reply.body["exports"].as_array();
        let mut exports = exports.into_iter().flatten();
        let export = exports.find(|export: &&Value| export["signal"] == signal);
        export.is_some_and(|export| export[what].as_u64() >= Some(least))
    });
}

fn over(protocol: &str) {
    let collector = Collector::start();
    let house = house(&collector.endpoint(protocol), protocol);
    let daemon = house.serve_config();
    let answer = ask(&daemon, "both", "01");
    assert_eq!(answer.status(), 200);
    let own = answer.headers()["traceresponse"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        own.starts_with(&format!("00-{TRACE}-")) && own.ends_with("-01"),
        "{own}"
    );
    let own = own.split('-').nth(2).unwrap();
    assert_ne!(own, SPAN);
    assert_eq!(ask(&daemon, "broken", "01").status(), 500);
    // What nobody samples is answered the same, and is not exported.
    let unsampled = ask(&daemon, "both", "00");
    assert!(
        unsampled.headers()["traceresponse"]
            .to_str()
            .unwrap()
            .ends_with("-00")
    );
    assert!(
        daemon
            .infer("both", iris(&[5.1, 3.5, 1.4, 0.2]))
            .header("traceresponse")
            .is_none()
    );
    for name in ["both", "broken"] {
        let own = ask_grpc(&daemon, name);
        assert!(
            own.starts_with(&format!("00-{TRACE}-")) && own.ends_with("-01"),
            "{own}"
        );
    }
    let explained = daemon.admin_get("/decisions/asked-both-01");
    assert_eq!(explained.body["trace"], TRACE, "{explained:?}");
    until(&daemon, "metrics", "exported", 1);
    daemon.signal("TERM");
    let log = house.path().join("log.jsonl");
    assert!(daemon.wait().success());
    let said = collector.said();
    let spans = collector::spans(&said);
    let of = |request: &str| {
        let id = format!("impresario.request.id: Str({request})");
        let mut found = spans.iter().filter(|span| span.says(&id));
        let root = found
            .next()
            .unwrap_or_else(|| panic!("no span of {request}:\n{said}"));
        assert!(found.next().is_none(), "two spans of {request}");
        root
    };
    let root = of("asked-both-01");
    assert_eq!((&*root.id, &*root.parent, &*root.trace), (own, SPAN, TRACE));
    assert_eq!(root.name, "POST /v2/models/{model}/infer");
    for line in [
        "Kind           : SPAN_KIND_SERVER",
        "TraceState     : vendor=x",
        "http.request.method: Str(POST)",
        "http.response.status_code: Int(200)",
        "impresario.pipeline: Str(both)",
        "impresario.outcome: Str(success)",
        "impresario.rows: Int(1)",
    ] {
        assert!(root.says(line), "{line}: {root:?}");
    }
    let within = |parent: &str, name: &str| {
        let mut found = spans
            .iter()
            .filter(|span| span.parent == parent && span.name == name);
        found
            .next()
            .unwrap_or_else(|| panic!("no {name} in {parent}:\n{said}"))
    };
    for station in ["receive", "decide", "decode", "encode"] {
        within(own, station);
    }
    let graph = within(own, "infer both/1");
    let called = within(&graph.id, "node a");
    assert!(called.says("impresario.model: Str(iris)"), "{called:?}");
    within(&called.id, "compute");
    // A composite that a node asks has its own calls.
    let inner = within(&graph.id, "node b");
    let deep = within(&inner.id, "node deep");
    within(&deep.id, "queue");
    within(&deep.id, "compute");
    let broken = of("asked-broken-01");
    assert!(
        broken.says("http.response.status_code: Int(500)"),
        "{broken:?}"
    );
    assert!(broken.says("error.type: Str("), "{broken:?}");
    assert!(!said.contains("asked-both-00: Str") && spans.iter().all(|span| span.trace == TRACE));
    assert!(!spans.iter().any(|span| span.says("Str(asked-both-00)")));
    let called = of("called-both");
    for line in [
        "rpc.system: Str(grpc)",
        "rpc.method: Str(ModelInfer)",
        "rpc.grpc.status_code: Int(0)",
        "impresario.outcome: Str(success)",
    ] {
        assert!(called.says(line), "{line}: {called:?}");
    }
    assert_eq!(called.name, "inference.GRPCInferenceService/ModelInfer");
    let broken = of("called-broken");
    assert!(broken.says("rpc.grpc.status_code: Int(13)"), "{broken:?}");
    // Metrics: what was counted, under OpenTelemetry's kinds.
    for name in [
        "impresario.requests",
        "impresario.request.duration",
        "impresario.node.duration",
        "impresario.otlp.items",
    ] {
        assert!(said.contains(name), "{name}:\n{said}");
    }
    // Logs: with the trace that they belong to, and who sent them.
    let records = collector::records(&said);
    let failed = records
        .iter()
        .filter(|record| record.says("Body: Str(request failed)"));
    let failed: Vec<_> = failed.collect();
    assert!(
        failed[0].says(&format!("Trace ID       : {TRACE}")),
        "{failed:?}"
    );
    assert!(failed[0].says("SEVERITY_NUMBER_ERROR"), "{failed:?}");
    assert!(
        records
            .iter()
            .any(|record| record.says("target: Str(impresario::access)"))
    );
    for line in [
        "service.name: Str(tested)",
        "deployment.environment.name: Str(it)",
        "k8s.pod.name: Str(pod-7)",
        "InstrumentationScope impresario",
    ] {
        assert!(said.contains(line), "{line}:\n{said}");
    }
    let log = std::fs::read_to_string(log).unwrap();
    assert!(!log.contains("hunter2") && !said.contains("hunter2"));
    let access = log
        .lines()
        .filter(|line| line.contains("\"target\":\"impresario::access\""));
    let access: Vec<Value> = access
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let line = access
        .iter()
        .find(|line| line["request"] == "asked-both-01")
        .unwrap();
    assert_eq!(
        (&line["trace_id"], &line["status"]),
        (&json!(TRACE), &json!(200))
    );
    assert_eq!(line["pipeline"], "both");
}

#[test]
fn spans_records_and_metrics_arrive_over_grpc() {
    over("grpc");
}

#[test]
fn spans_records_and_metrics_arrive_over_http() {
    over("http");
}

#[test]
fn a_collector_may_come_later() {
    let (grpc, http) = collector::ports();
    let house = house(&format!("http://{grpc}"), "grpc");
    let daemon = house.serve_config();
    assert_eq!(ask(&daemon, "both", "01").status(), 200);
    let troubled = daemon.until(
        |daemon| daemon.admin_get("/status"),
        |reply| reply.body["exports"][0]["trouble"].is_string(),
    );
    assert_eq!(troubled.body["exports"][0]["signal"], "traces");
    let collector = Collector::at(&grpc, &http);
    until(&daemon, "traces", "exported", 10);
    daemon.signal("TERM");
    assert!(daemon.wait().success());
    let said = collector.said();
    assert!(
        said.contains("Str(asked-both-01)"),
        "what was made before it came:\n{said}"
    );
}

/// It takes connections and never answers.
#[test]
fn a_collector_that_hangs_is_noticed_by_nobody_but_the_counts() {
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", hanging.local_addr().unwrap());
    let reader = std::thread::spawn(move || {
        let mut held = Vec::new();
        for socket in hanging.incoming().take(3) {
            let mut socket = socket.unwrap();
            let mut first = [0; 1];
            let _begun = socket.read(&mut first);
            held.push(socket);
        }
        held
    });
    let house = house(&url, "http");
    let daemon = house.serve_config();
    let begun = impresario::clock::instant();
    for _ in 0..200 {
        assert_eq!(ask(&daemon, "both", "01").status(), 200);
    }
    let took = begun.elapsed();
    // Some 2,400 spans were made, and 512 may wait.
    until(&daemon, "traces", "dropped", 1);
    assert_eq!(count(&daemon, "traces", "exported"), 0);
    assert!(count(&daemon, "traces", "waiting") <= 512);
    assert!(
        took.as_secs() < 30,
        "{took:?}: requests waited for the collector"
    );
    daemon.signal("TERM");
    let begun = impresario::clock::instant();
    assert!(daemon.wait().success());
    let took = begun.elapsed();
    assert!(
        took.as_secs() < 20,
        "{took:?}: going down waited for the collector"
    );
    drop(reader);
}

#[test]
fn the_level_changes_at_run_time() {
    let house = House::new();
    house.real("iris/1", "iris/1");
    let daemon = house.serve();
    let before = daemon.admin_get("/log");
    assert_eq!(
        (&before.body["level"], &before.body["changeable"]),
        (&json!("info"), &json!(true))
    );
    let refused = |daemon: &Daemon| daemon.log().matches("request refused").count();
    daemon.infer("nobody", json!([]));
    assert_eq!(refused(&daemon), 0);
    let changed = daemon.admin_put(
        "/log",
        &json!({"level": "info,impresario=debug", "reason": "to see"}),
    );
    assert_eq!(
        (changed.status, &changed.body["before"]),
        (200, &json!("info"))
    );
    let audit = daemon.admin_get("/audit?action=log.level");
    assert_eq!(
        audit.body["records"][0]["reason"], "from 'info' to 'info,impresario=debug': to see",
        "{audit:?}"
    );
    daemon.infer("nobody", json!([]));
    assert_eq!(refused(&daemon), 1, "{}", daemon.log());
    assert!(
        daemon.log().contains("\"reason\":\"to see\""),
        "{}",
        daemon.log()
    );
    let wrong = daemon.admin_put("/log", &json!({"level": "info,impresario=debg"}));
    assert_eq!((wrong.status, &wrong.body["column"]), (422, &json!(17)));
    assert_eq!(wrong.body["hint"], "did you mean 'debug'?");
    assert_eq!(
        daemon.admin_get("/log").body["level"],
        "info,impresario=debug"
    );
    assert_eq!(daemon.admin_get("/log").body["configured"], "info");
}
