//! Filters, lines, and a level that is changed.

use std::sync::{Arc, Mutex};

use expect_test::{Expect, expect};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{Layer, Registry, reload};

use super::*;

/// Keeps the lines of all records, with a time that does not pass.
struct Kept {
    shape: Shape,
    lines: Arc<Mutex<Vec<String>>>,
}

impl<S: Subscriber> Layer<S> for Kept {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let lines = Lines { shape: self.shape };
        let line = lines.line(event, 1_700_000_000_123_456_789);
        self.lines.lock().unwrap().push(line);
    }
}

fn lines(shape: Shape, log: impl FnOnce()) -> String {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Kept {
        shape,
        lines: Arc::clone(&lines),
    };
    tracing::subscriber::with_default(Registry::default().with(kept), log);
    let lines = lines.lock().unwrap();
    for line in lines.iter() {
        let _object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
    lines.join("\n").replace(env!("CARGO_PKG_VERSION"), "V")
}

fn logs() {
    tracing::info!(
        target: "impresario::access",
        request = "r-1",
        protocol = "http",
        method = "POST",
        path = "/v2/models/iris/infer",
        pipeline = "iris",
        version = Some("2"),
        status = 200u64,
        outcome = "success",
        code = None::<&str>,
        duration_ns = 1_250u64,
        trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
        "request"
    );
    tracing::error!(outcome = "failed", error = %"a \"quoted\"\nline\u{1}", took = ?std::time::Duration::from_millis(3), share = f64::NAN, "it {}", "broke");
    tracing::warn!(
        level = 3i64,
        target = "moon",
        done = true,
        "names that are taken"
    );
}

fn check(shape: Shape, expected: &Expect) {
    expected.assert_eq(&lines(shape, logs));
}

#[test]
fn lines_of_plain_json() {
    check(
        Shape::Plain,
        &expect![[r#"
        {"timestamp":"2023-11-14T22:13:20.123456Z","level":"INFO","message":"request","target":"impresario::access","service":"impresario","service_version":"V","request":"r-1","protocol":"http","method":"POST","path":"/v2/models/iris/infer","pipeline":"iris","version":"2","status":200,"outcome":"success","duration_ns":1250,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}
        {"timestamp":"2023-11-14T22:13:20.123456Z","level":"ERROR","message":"it broke","target":"impresario::telemetry::tests","service":"impresario","service_version":"V","outcome":"failed","error":"a \"quoted\"\nline\u0001","took":"3ms","share":"NaN"}
        {"timestamp":"2023-11-14T22:13:20.123456Z","level":"WARN","message":"names that are taken","target":"impresario::telemetry::tests","service":"impresario","service_version":"V","impresario.level":3,"impresario.target":"moon","done":true}"#]],
    );
}

#[test]
fn lines_of_the_elastic_common_schema() {
    check(
        Shape::Ecs,
        &expect![[r#"
        {"@timestamp":"2023-11-14T22:13:20.123456Z","log.level":"info","message":"request","ecs.version":"8.11.0","log.logger":"impresario::access","service.name":"impresario","service.version":"V","event.dataset":"impresario.access","http.request.id":"r-1","network.protocol":"http","http.request.method":"POST","url.path":"/v2/models/iris/infer","impresario.pipeline":"iris","impresario.version":"2","http.response.status_code":200,"impresario.outcome":"success","event.outcome":"success","event.duration":1250,"trace.id":"4bf92f3577b34da6a3ce929d0e0e4736"}
        {"@timestamp":"2023-11-14T22:13:20.123456Z","log.level":"error","message":"it broke","ecs.version":"8.11.0","log.logger":"impresario::telemetry::tests","service.name":"impresario","service.version":"V","event.dataset":"impresario.log","impresario.outcome":"failed","event.outcome":"failure","error.message":"a \"quoted\"\nline\u0001","impresario.took":"3ms","impresario.share":"NaN"}
        {"@timestamp":"2023-11-14T22:13:20.123456Z","log.level":"warn","message":"names that are taken","ecs.version":"8.11.0","log.logger":"impresario::telemetry::tests","service.name":"impresario","service.version":"V","event.dataset":"impresario.log","impresario.level":3,"impresario.target":"moon","impresario.done":true}"#]],
    );
}

#[test]
fn filters_are_read_strictly_and_say_where() {
    for good in [
        "info",
        "off",
        "info,impresario::actors=debug",
        " warn , impresario=trace ",
        "impresario=DEBUG",
        "trace,ureq=trace",
    ] {
        assert!(filter(good).is_ok(), "{good}");
    }
    let wrong = |text: &str| {
        let error = filter(text).unwrap_err();
        format!("{}: {error} ({})", error.column(), error.hint())
    };
    let said = [
        "inof",
        "info,impresario=debg",
        "info, impresario::actors",
        "info,,warn",
        "info,a[=debug",
        "info,$a=debug",
        " [request{id=a.*}]=debug",
        "info,ureq_proto::client=trace",
        "ureq::util=trace",
        "",
        "  ",
    ]
    .map(wrong);
    expect![[r#"
        1: expected one of off, error, warn, info, debug, trace, got 'inof' (did you mean 'info'?)
        17: expected one of off, error, warn, info, debug, trace, got 'debg' (did you mean 'debug'?)
        7: expected one of off, error, warn, info, debug, trace, got 'impresario::actors' (for one target, write target=level)
        6: expected one of off, error, warn, info, debug, trace, got '' (for one target, write target=level)
        6: expected a log filter such as 'info' or 'info,impresario::actors=debug', got 'a[=debug': there are no spans to ask for (for one target, write target=level)
        6: expected a log filter such as 'info' or 'info,impresario::actors=debug', got '$a=debug': invalid filter directive (for one target, write target=level)
        2: expected a log filter such as 'info' or 'info,impresario::actors=debug', got '[request{id=a.*}]=debug': there are no spans to ask for (for one target, write target=level)
        6: expected a log filter such as 'info' or 'info,impresario::actors=debug', got 'ureq_proto::client=trace': ureq_proto is never logged: it tells secrets (for one target, write target=level)
        1: expected a log filter such as 'info' or 'info,impresario::actors=debug', got 'ureq::util=trace': ureq::util is never logged: it tells secrets (for one target, write target=level)
        1: expected a log filter such as 'info', got an empty one (for one target, write target=level)
        1: expected a log filter such as 'info', got an empty one (for one target, write target=level)"#]].assert_eq(&said.join("\n"));
    assert!(matches!(
        filter(&"a=info,".repeat(1_000)),
        Err(FilterError::Long(7_000))
    ));
}

#[test]
fn what_tells_secrets_is_never_logged() {
    for text in ["trace", "trace,ureq=trace", "off,ureq=trace"] {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Kept {
            shape: Shape::Plain,
            lines: Arc::clone(&lines),
        };
        let subscriber = Registry::default().with(filter(text).unwrap()).with(kept);
        tracing::subscriber::with_default(subscriber, || {
            tracing::trace!(target: "ureq_proto::util", "authorization: Bearer hunter2");
            tracing::error!(target: "ureq::util", "/hunter2");
            tracing::trace!(target: "ureq::run", "seen");
        });
        let lines = lines.lock().unwrap();
        assert_eq!(lines.len(), 1, "{text}: {lines:?}");
        assert!(lines[0].contains("seen"), "{text}: {lines:?}");
    }
}

#[test]
fn a_level_is_changed_and_who_did_it_is_always_logged() {
    let (layer, handle) = reload::Layer::new(filter("error").unwrap());
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Kept {
        shape: Shape::Plain,
        lines: Arc::clone(&lines),
    };
    let logging = Logging::new("error", handle);
    let subscriber = Registry::default().with(layer).with(kept);
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!("hidden");
        assert_eq!(
            logging.set("info", "ada", Some("to see")),
            Ok("error".to_owned())
        );
        tracing::info!("seen");
        assert_eq!(logging.set("off", "bob", None), Ok("info".to_owned()));
        tracing::error!("hidden too");
        // Neither of the two lets the line through.
        assert_eq!(logging.set("error", "cid", None), Ok("off".to_owned()));
        tracing::warn!("hidden as well");
        let refused = logging.set("inof", "eve", None);
        assert!(matches!(
            refused,
            Err(NotSet::Filter(FilterError::Level { .. }))
        ));
    });
    assert_eq!(
        (logging.level().as_str(), logging.configured()),
        ("error", "error")
    );
    let lines = lines.lock().unwrap();
    let said = |line: &str, what: &str| line.contains(what);
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(said(&lines[0], "\"actor\":\"ada\"") && said(&lines[0], "\"reason\":\"to see\""));
    assert!(said(&lines[1], "\"seen\""));
    assert!(said(&lines[2], "\"actor\":\"bob\"") && said(&lines[2], "\"after\":\"off\""));
    assert!(said(&lines[3], "\"actor\":\"cid\"") && said(&lines[3], "\"before\":\"off\""));
}

#[test]
fn a_process_that_logs_by_itself_is_left_alone() {
    let logging = Logging::foreign("info");
    assert!(!logging.changes());
    assert_eq!(logging.set("debug", "ada", None), Err(NotSet::Foreign));
    assert_eq!(logging.level(), "info");
}
