//! `impresario top --once` against a running daemon: what a script reads.

use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;

use crate::daemon::{House, impresario, iris};

fn top(admin: &str, more: &[&str]) -> Output {
    let mut command = impresario();
    command.args([
        "--admin-url",
        &format!("http://{admin}"),
        "top",
        "--once",
        "--interval",
        "1s",
    ]);
    command.args(more).output().unwrap()
}

/// Ends the traffic when it is dropped: a scope waits for its threads also where a test has failed in it.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn once_tells_what_happened_over_its_interval() {
    let house = House::new();
    house.real("iris/1", "iris/1");
    house.fake("bad/1", "load = { outcome = \"fail\" }\n");
    let daemon = house.serve();
    let stop = AtomicBool::new(false);
    let (json, text) = thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                daemon.infer("iris", iris(&[5.1, 3.5, 1.4, 0.2]));
            }
        });
        let _stop = Stop(&stop);
        (
            top(&daemon.admin, &["--output", "json"]),
            top(&daemon.admin, &[]),
        )
    });
    assert!(
        json.status.success() && text.status.success(),
        "{json:?}\n{text:?}"
    );
    let view: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        (&view["ready"], &view["waits"][0]["model"]),
        (&true.into(), &"bad".into()),
        "{view}"
    );
    let pipelines = view["pipelines"].as_array().unwrap();
    let line = pipelines
        .iter()
        .find(|line| line["name"] == "iris")
        .unwrap();
    assert_eq!(
        (&line["phase"], &line["variants"][0]["version"]),
        (&"serving".into(), &1.into())
    );
    assert!(view["note"].is_null(), "{view}");
    assert!(line["rate"].as_f64().unwrap() > 1.0, "{line}");
    assert_eq!(line["failing"], 0.0);
    let (p50, p99) = (
        line["p50_ms"].as_f64().unwrap(),
        line["p99_ms"].as_f64().unwrap(),
    );
    assert!(p50 > 0.001 && p50 <= p99 && p99 < 60_000.0, "{line}");
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.starts_with("impresario 0.1.0, ready, up ") && text.contains("requests/s"),
        "{text}"
    );
    assert!(
        text.contains("NOT READY") && text.contains("bad v1"),
        "{text}"
    );
}

#[test]
fn nobody_at_home_and_no_terminal_have_their_codes() {
    let away = top("127.0.0.1:9", &[]);
    assert_eq!(away.status.code(), Some(5), "{away:?}");
    let piped = impresario().arg("top").output().unwrap();
    assert_eq!(piped.status.code(), Some(2), "{piped:?}");
    assert!(String::from_utf8_lossy(&piped.stderr).contains("--once"));
}
