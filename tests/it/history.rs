//! The history of metrics of the real binary: what was counted is there after `kill -9`, but for the window that was open,
//! and a daemon that is started twice in a window adds to it.

use serde_json::Value;

use crate::daemon::{Daemon, House, Reply, impresario, iris};

const ROW: [f64; 4] = [5.1, 3.5, 1.4, 0.2];

fn history(daemon: &Daemon, query: &str) -> Reply {
    daemon.admin_get(&format!("/metrics/history?{query}"))
}

fn series(body: &Value) -> &[Value] {
    body["series"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// The points of the only series.
fn points(reply: &Reply) -> Vec<Value> {
    let series = series(&reply.body);
    assert!(series.len() <= 1, "{reply:?}");
    let points = series
        .first()
        .map(|series| series["points"].as_array().unwrap().clone());
    points.unwrap_or_default()
}

fn requests(points: &[Value]) -> u64 {
    points
        .iter()
        .map(|point| point["requests"].as_u64().unwrap())
        .sum()
}

fn ask(daemon: &Daemon, times: u64) {
    for _ in 0..times {
        assert_eq!(daemon.infer("iris", iris(&ROW)).status, 200);
    }
}

#[test]
fn kill_9_loses_the_open_window_at_most_and_a_restart_goes_on_with_it() {
    let house = House::new();
    house.real("iris/1", "iris/1");
    let all = "pipeline=iris&since=1h&step=10s";

    let daemon = house.serve();
    ask(&daemon, 7);
    let first = points(&history(&daemon, all));
    assert_eq!(requests(&first), 7);
    // A second window begins when the first one is stored.
    let before = daemon.until(
        |daemon| {
            ask(daemon, 1);
            history(daemon, all)
        },
        |reply| {
            let points = points(reply);
            let closed = points.iter().filter(|point| point["open"] != true).count();
            closed >= 1 && closed < points.len()
        },
    );
    let before: Vec<_> = points(&before)
        .into_iter()
        .filter(|point| point["open"] != true)
        .collect();
    assert!(requests(&before) >= 7);
    assert!(before[0]["at"].as_u64().unwrap().is_multiple_of(10_000));
    assert_eq!(before[0]["outcomes"]["success"], before[0]["requests"]);
    assert!(before[0]["quantiles"]["0.99"].as_f64().unwrap() > 0.0);
    daemon.kill();

    let daemon = house.serve();
    let after = points(&history(&daemon, all));
    assert_eq!(
        after[..before.len()],
        before,
        "what was stored is as it was"
    );
    let stored = requests(&after);
    // One that is told to stop stores what was open; the next one adds to it.
    ask(&daemon, 5);
    daemon.signal("TERM");
    assert!(daemon.wait().success());
    let daemon = house.serve();
    assert_eq!(requests(&points(&history(&daemon, all))), stored + 5);
    ask(&daemon, 6);
    let whole = points(&history(&daemon, all));
    assert_eq!(requests(&whole), stored + 11);
    let starts: Vec<_> = whole.iter().map(|point| point["at"].as_u64()).collect();
    assert!(
        starts.is_sorted_by(|a, b| a < b),
        "each window is there once: {starts:?}"
    );
    // Longer steps say the same.
    let minutes = history(&daemon, "pipeline=iris&since=1h&step=1m");
    assert_eq!(requests(&points(&minutes)), stored + 11);
    let hours = history(&daemon, "pipeline=iris&since=30d&step=1h&quantiles=0,1");
    assert_eq!(requests(&points(&hours)), stored + 11);
    let shown = impresario()
        .args(["metrics", "iris", "--since", "10m", "--admin-url"])
        .arg(format!("http://{}", daemon.admin))
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown.contains(&format!("{} requests", stored + 11)),
        "{shown}"
    );
    assert!(
        shown.contains("steps of 10s") && shown.contains('█'),
        "{shown}"
    );
}

#[test]
fn versions_and_requests_that_found_none_are_told_apart() {
    let house = House::new();
    house.real("iris/2", "iris/2");
    house.write("models/broken/1/model.onnx", "nothing");
    let daemon = house.serve();
    ask(&daemon, 3);
    let by_number = daemon.post(
        "/v2/models/iris/versions/2/infer",
        &serde_json::json!({ "inputs": iris(&ROW) }),
    );
    assert_eq!(by_number.status, 200);
    assert_ne!(daemon.infer("broken", iris(&ROW)).status, 200);
    let named = |by: &str| -> Vec<String> {
        let reply = history(&daemon, &format!("by={by}"));
        assert_eq!(reply.status, 200, "{reply:?}");
        let name = |series: &Value| {
            let parts = ["pipeline", "variant", "model", "version"].map(|part| &series[part]);
            let parts = parts.iter().filter(|part| !part.is_null());
            let name: Vec<_> = parts
                .map(|part| part.to_string().replace('"', ""))
                .collect();
            let points = series["points"].as_array().unwrap();
            format!("{} {}", name.join(" "), requests(points))
        };
        series(&reply.body).iter().map(name).collect()
    };
    assert_eq!(named("pipeline"), ["broken 1", "iris 4"]);
    assert_eq!(
        named("variant"),
        ["broken 1", "iris direct 1", "iris standalone 3"]
    );
    assert_eq!(named("version"), ["broken 1", "iris iris 2 4"]);
}

#[test]
fn queries_that_cannot_be_meant_are_told_what_was_expected() {
    let house = House::new();
    let daemon = house.serve();
    for (query, says) in [
        ("pipeline=a%20b", "a b"),
        (
            "by=model",
            "by: expected pipeline, variant or version, got \"model\"",
        ),
        (
            "since=soon",
            "since: expected a duration such as 10s, 5m or 1h, got \"soon\"",
        ),
        ("since=0s", "since: expected a duration"),
        (
            "since=1h&from=5",
            "since: expected either from or since, not both, got \"1h\"",
        ),
        (
            "from=9&until=9",
            "from: expected a time before until, 9, got 9",
        ),
        (
            "from=-1",
            "from: expected milliseconds since 1970, before the year 10000, got \"-1\"",
        ),
        (
            "until=999999999999999",
            "until: expected milliseconds since 1970, before the year 10000, got \"999999999999999\"",
        ),
        (
            "step=quick",
            "step: expected a duration such as 10s, 5m or 1h, got \"quick\"",
        ),
        (
            "step=15s",
            "step: expected a multiple of 10s, such as 10s, 1m, 5m or 1h, got 15s",
        ),
        (
            "since=1d&step=10s",
            "step: 10s needs windows of 10s, which are kept for 6h; expected a multiple of 1m for a time that begins 1day ago",
        ),
        (
            "quantiles=0.5,2",
            "quantiles: expected numbers from 0 to 1, such as 0.5,0.99, got \"2\"",
        ),
        ("quantiles=", "quantiles: expected numbers from 0 to 1"),
        (
            "quantiles=0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0",
            "quantiles: expected at most 20 numbers, got \"21\"",
        ),
        ("spam=1", "spam"),
    ] {
        let reply = history(&daemon, query);
        let detail = reply.body["detail"].as_str().unwrap_or_default();
        assert_eq!(reply.status, 400, "{query}: {reply:?}");
        assert!(detail.contains(says), "{query}: {detail}");
    }
    // Nothing is wrong with asking for what is not there.
    let empty = history(&daemon, "pipeline=nobody");
    assert_eq!((empty.status, series(&empty.body).len()), (200, 0));
    drop(daemon);

    house.write(
        "impresario.toml",
        "version = 1\n[metrics]\nhistory = false\n",
    );
    let daemon = house.serve_config();
    let off = history(&daemon, "since=1h");
    assert_eq!(
        (off.status, &off.body["code"]),
        (404, &Value::from("no-history"))
    );
}
