//! A version that panics, hangs or fails harms its own callers only.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::daemon::{House, iris};

fn input(value: f64) -> Value {
    json!([{ "name": "x", "shape": [1, 1], "datatype": "FP32", "data": [value] }])
}

#[test]
fn a_panicking_version_beside_a_healthy_one_under_load() {
    let house = House::new();
    house.real("iris-linear/1", "iris-linear/1");
    house.fake("bomb/1", "behaviour = \"panicking\"\nmarker = 666\n");
    let daemon = house.serve();
    let (stop, healthy) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let reply = daemon.infer("iris-linear", iris(&[5.1, 3.5, 1.4, 0.2]));
                    assert_eq!(reply.status, 200, "the healthy one suffers: {reply:?}");
                    healthy.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        assert_eq!(daemon.infer("bomb", input(1.0)).output("x"), [1.0]);
        // Its caller is told at once, without what happened inside.
        let crashed = daemon.infer("bomb", input(666.0));
        assert_eq!(crashed.status, 500, "{crashed:?}");
        assert!(
            crashed.error().contains("crashed") && !crashed.error().contains("marker"),
            "{crashed:?}"
        );
        assert!(crashed.header("x-request-id").is_some(), "{crashed:?}");
        // It is built again by itself.
        daemon.until(|d| d.infer("bomb", input(2.0)), |r| r.status == 200);
        // Crash after crash it is left alone, and the status says why.
        let quarantined = daemon.until(
            |d| {
                let _crash = d.infer("bomb", input(666.0));
                d.version("bomb", 1)
            },
            |r| r.text.contains("quarantined"),
        );
        assert!(quarantined.text.contains("panicked"), "{quarantined:?}");
        let refused = daemon.infer("bomb", input(1.0));
        assert_eq!(refused.status, 503, "{refused:?}");
        assert!(refused.error().contains("quarantined"), "{refused:?}");
        // After each crash but the last one it was built again.
        let metrics = daemon.metrics();
        let restarts = "impresario_version_restarts_total{model=\"bomb\",version=\"1\"} 4\n";
        assert!(metrics.contains(restarts), "{metrics}");
        stop.store(true, Ordering::Relaxed);
    });
    assert!(healthy.load(Ordering::Relaxed) > 20);
    // An admin gives it another chance.
    let loaded = daemon.admin_post("/models/bomb/versions/1/load", &json!({}));
    assert_eq!(loaded.status, 200, "{loaded:?}");
    daemon.until(|d| d.infer("bomb", input(3.0)), |r| r.status == 200);
}

#[test]
fn a_hanging_version_is_given_up_after_its_timeout() {
    let house = House::new();
    house.fake("stuck/1", "behaviour = \"hanging\"\nmarker = 666\n");
    house.write(
        "models/stuck/1/model.toml",
        "version = 1\n[limits]\ntimeout = \"200ms\"\n",
    );
    let daemon = house.serve();
    assert_eq!(daemon.infer("stuck", input(1.0)).status, 200);
    let hung = daemon.infer("stuck", input(666.0));
    assert_eq!(hung.status, 504, "{hung:?}");
    assert!(hung.error().contains("200ms"), "{hung:?}");
    daemon.until(|d| d.infer("stuck", input(2.0)), |r| r.status == 200);
    assert!(daemon.log().contains("instance crashed"));
}

#[test]
fn who_waits_for_a_rebuild_that_fails_is_told_at_once() {
    let house = House::new();
    house.fake("bomb/1", "behaviour = \"panicking\"\nmarker = 666\n");
    // No other instance answers meanwhile.
    house.write("models/bomb/model.toml", "[limits]\ninstances = 1\n");
    let daemon = house.serve();
    assert_eq!(daemon.infer("bomb", input(1.0)).status, 200);
    house.write("models/bomb/1/model.toml", "broken");
    assert_eq!(daemon.infer("bomb", input(666.0)).status, 500);
    // Not a 504 after its whole time.
    let waiting = daemon.infer("bomb", input(2.0));
    assert_eq!(waiting.status, 503, "{waiting:?}");
}

#[test]
fn a_failing_version_fails_alone() {
    let house = House::new();
    house.fake("flaky/1", "behaviour = \"flaky\"\nevery = 2\n");
    let daemon = house.serve();
    let statuses: Vec<_> = (0..6)
        .map(|_| daemon.infer("flaky", input(1.0)).status)
        .collect();
    assert_eq!(
        statuses.iter().filter(|s| **s == 500).count(),
        3,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|s| **s == 200).count(),
        3,
        "{statuses:?}"
    );
    // Errors are not crashes: it stays ready.
    assert!(daemon.version("flaky", 1).text.contains("\"ready\""));
}

#[test]
fn a_full_queue_refuses_at_once() {
    let house = House::new();
    house.fake("slow/1", "behaviour = \"slow\"\ndelay = \"700ms\"\n");
    house.write(
        "models/slow/1/model.toml",
        "version = 1\n[limits]\nqueue = 1\n",
    );
    let daemon = house.serve();
    let statuses = thread::scope(|scope| {
        let callers: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| daemon.infer("slow", input(1.0))))
            .collect();
        callers
            .into_iter()
            .map(|caller| caller.join().unwrap())
            .collect::<Vec<_>>()
    });
    let refused: Vec<_> = statuses.iter().filter(|r| r.status == 503).collect();
    assert!(refused.len() >= 3, "{statuses:?}");
    assert!(
        refused.iter().all(|r| r.header("retry-after").is_some()),
        "{refused:?}"
    );
    assert!(statuses.iter().any(|r| r.status == 200), "{statuses:?}");
}
