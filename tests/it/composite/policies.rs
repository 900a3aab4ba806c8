//! Policies and graphs: those of pipelines that nodes call, and those whose arms are graphs.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::{ECHO, FAILING, ask, ask_with, composite, counted, explained, graph, house, node, put};
use crate::daemon::{Daemon, Reply};

/// Graphs of one node each.
fn graphs(members: [(&str, u64); 2]) -> Value {
    let [one, two] = members.map(|(model, version)| {
        graph(&json!({ "a": { "model": model, "version": version } }), "a")
    });
    json!({ "1": one, "2": two })
}

/// One of the graphs answers all.
fn first(graphs: &Value) -> Value {
    json!({ "policy": { "type": "standalone", "model": "p", "version": 1 }, "graphs": graphs })
}

fn rollout(daemon: &Daemon, pipeline: &str) -> Reply {
    daemon.admin_get(&format!("/pipelines/{pipeline}/rollout"))
}

fn begin(daemon: &Daemon, pipeline: &str, steps: &Value) {
    let mut body = json!({ "canary": 2, "steps": steps, "rescue": true, "soak": "1s" });
    if steps[1]["analyze"] == "short" {
        body["analyses"] = json!({ "short": {
            "min_time": "1s",
            "min_units": 50,
            "guardrails": [{ "metric": "errors", "negligible": 0.2 }],
        } });
    }
    let begun = daemon.admin_post(&format!("/pipelines/{pipeline}/rollout"), &body);
    assert_eq!(begun.status, 201, "{begun:?}");
}

/// Callers of a pipeline who ask until it is as it should be. Nobody sees anything but their own answer; how many were rescued.
pub(super) fn asked_until(daemon: &Daemon, pipeline: &str, so: impl Fn() -> bool) -> usize {
    let (stop, rescued) = (AtomicBool::new(false), AtomicUsize::new(0));
    let failed = Mutex::new(None);
    thread::scope(|scope| {
        for caller in 0..2_i32 {
            let (stop, rescued, failed) = (&stop, &rescued, &failed);
            scope.spawn(move || {
                for n in 0.. {
                    let value = f64::from(caller * 1_000_000 + n);
                    let reply = ask(daemon, pipeline, &[value]);
                    if reply.status != 200 || reply.output("x") != [value] {
                        *failed.lock().unwrap() = Some(reply);
                        return;
                    }
                    if reply.header("x-route-rescue").is_some() {
                        rescued.fetch_add(1, Ordering::Relaxed);
                    }
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        let end = impresario::clock::instant() + crate::daemon::PATIENCE;
        while !so() && failed.lock().unwrap().is_none() && impresario::clock::instant() < end {
            thread::park_timeout(std::time::Duration::from_millis(10));
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(failed.lock().unwrap().is_none(), "{failed:?}");
    assert!(so(), "it never came: {:?}", rollout(daemon, pipeline));
    rescued.into_inner()
}

#[test]
fn a_new_graph_earns_its_traffic_and_undo_brings_the_old_one_back() {
    let house = house(&[("echo/1", ECHO), ("echo/2", ECHO)]);
    let daemon = house.serve();
    let before = first(&graphs([("echo", 1), ("echo", 2)]));
    put(&daemon, "p", &before);
    assert_eq!(
        ask(&daemon, "p", &[1.0]).body["parameters"]["nodes"],
        "a=echo/1"
    );
    let stored = daemon.admin_get("/pipelines/p").body["spec"].clone();
    begin(
        &daemon,
        "p",
        &json!([{ "set_weight": 50 }, { "analyze": "short" }]),
    );
    asked_until(&daemon, "p", || {
        rollout(&daemon, "p").body["phase"] == "succeeded"
    });
    let reply = ask(&daemon, "p", &[1.0]);
    assert_eq!(reply.body["parameters"]["nodes"], "a=echo/2", "{reply:?}");
    assert_eq!(reply.header("x-route-version"), Some("2"), "{reply:?}");
    let undone = daemon.admin_post("/pipelines/p/undo", &json!({}));
    assert_eq!(undone.status, 200, "{undone:?}");
    let again = daemon.until(
        |daemon| ask(daemon, "p", &[1.0]),
        |reply| reply.header("x-route-version") == Some("1"),
    );
    assert_eq!(again.body["parameters"]["nodes"], "a=echo/1", "{again:?}");
    assert_eq!(daemon.admin_get("/pipelines/p").body["spec"], stored);
}

#[test]
fn a_new_graph_whose_node_fails_is_aborted_and_no_caller_notices() {
    let house = house(&[("echo/1", ECHO), ("failing/1", FAILING)]);
    let daemon = house.serve();
    put(&daemon, "p", &first(&graphs([("echo", 1), ("failing", 1)])));
    begin(
        &daemon,
        "p",
        &json!([{ "set_weight": 50 }, { "analyze": "short" }]),
    );
    let rescued = asked_until(&daemon, "p", || {
        rollout(&daemon, "p").body["active"] == false
    });
    let end = rollout(&daemon, "p").body;
    assert_eq!(end["phase"], "rolled-back", "{end}");
    assert!((3..100).contains(&rescued), "{rescued}: {end}");
    assert_eq!(
        ask(&daemon, "p", &[1.0]).header("x-route-version"),
        Some("1")
    );
}

#[test]
fn a_canary_within_a_graph_counts_and_the_node_says_who_answered() {
    let house = house(&[("echo/1", ECHO), ("echo/2", ECHO)]);
    let daemon = house.serve();
    // Its units are whose the requests are, as those of the graph that asks it.
    let inner = json!({
        "policy": { "type": "standalone", "model": "echo", "version": 1 },
        "key": { "header": "x-user" },
    });
    put(&daemon, "inner", &inner);
    put(
        &daemon,
        "outer",
        &composite(&json!({ "n": { "pipeline": "inner" } }), "n"),
    );
    begin(
        &daemon,
        "inner",
        &json!([{ "set_weight": 50 }, { "pause": "1h" }]),
    );
    daemon.until(
        |daemon| rollout(daemon, "inner"),
        |rollout| rollout.body["weight"] == 50.0,
    );
    let mut seen = BTreeSet::new();
    for n in 0..40 {
        let id = format!("r{n}");
        let user = format!("user-{n}");
        let headers = [("x-request-id", &*id), ("x-route-key", &*user)];
        let reply = ask_with(&daemon, "outer", &[f64::from(n)], &headers, &json!({}));
        assert_eq!(reply.output("x"), [f64::from(n)], "{reply:?}");
        let told = explained(&daemon, &id);
        assert_eq!(told["pipeline"], "outer", "{told}");
        let call = &node(&told, "n")["calls"][0];
        let by = (call["variant"].clone(), call["answered"]["version"].clone());
        let version = by.1.clone();
        assert_eq!(
            reply.body["parameters"]["nodes"],
            format!("n=echo/{version}"),
            "{reply:?}"
        );
        seen.insert(format!("{} {version}", by.0));
        // Whoever asks again has the same.
        let again = ask_with(&daemon, "outer", &[1.0], &headers[1..], &json!({}));
        assert_eq!(
            again.body["parameters"]["nodes"],
            reply.body["parameters"]["nodes"]
        );
    }
    assert_eq!(
        seen,
        ["\"canary\" 2", "\"stable\" 1"].map(str::to_owned).into()
    );
    let sum = |rollout: &Reply, of: &str| {
        let of = &rollout.body["evidence"][of];
        of["stable"].as_u64().unwrap_or_default() + of["canary"].as_u64().unwrap_or_default()
    };
    let counted = daemon.until(
        |daemon| rollout(daemon, "inner"),
        |rollout| sum(rollout, "requests") == 80,
    );
    assert_eq!(sum(&counted, "units"), 40, "{counted:?}");
}

fn experiment(arms: &Value, goal: &str) -> Value {
    json!({
        "policy": {
            "type": "experiment",
            "arms": arms,
            "goals": [{ "metric": goal, "kind": "binary" }],
        },
    })
}

/// The requests that an experiment counts, over all arms.
fn exposures(daemon: &Daemon, pipeline: &str, wanted: u64) -> Reply {
    daemon.until(
        |daemon| daemon.admin_get(&format!("/pipelines/{pipeline}/experiment")),
        |reply| {
            let arms = reply.body["report"]["arms"].as_array();
            let of = |arm: &Value| arm["requests"].as_u64();
            let sum: Option<u64> = arms.and_then(|arms| arms.iter().map(of).sum());
            reply.body["course"]["phase"] == "running" && sum == Some(wanted)
        },
    )
}

#[test]
fn an_experiment_over_two_graphs_and_one_within_a_graph() {
    let house = house(&[("echo/1", ECHO), ("echo/2", ECHO)]);
    let daemon = house.serve();
    let arms = |model: &str| {
        json!([
            { "name": "old", "model": model, "version": 1, "weight": 50 },
            { "name": "new", "model": model, "version": 2, "weight": 50 },
        ])
    };
    let mut own = experiment(&arms("p"), "read");
    own["graphs"] = graphs([("echo", 1), ("echo", 2)]);
    put(&daemon, "p", &own);
    put(&daemon, "inner", &experiment(&arms("echo"), "read"));
    put(
        &daemon,
        "outer",
        &composite(&json!({ "n": { "pipeline": "inner" } }), "n"),
    );
    for name in ["p", "inner"] {
        exposures(&daemon, name, 0);
    }
    let mut seen = BTreeSet::new();
    for n in 0..40 {
        let (user, id) = (format!("user-{n}"), format!("r{n}"));
        let headers = [("x-route-key", &*user), ("x-request-id", &*id)];
        let reply = ask_with(&daemon, "p", &[f64::from(n)], &headers, &json!({}));
        assert_eq!(reply.output("x"), [f64::from(n)], "{reply:?}");
        let of = |reply: &Reply| {
            let by = (
                reply.header("x-route-variant").unwrap(),
                reply.header("x-route-version").unwrap(),
            );
            format!("{} {} {}", by.0, by.1, reply.body["parameters"]["nodes"])
        };
        assert_eq!(
            of(&ask_with(&daemon, "p", &[1.0], &headers[..1], &json!({}))),
            of(&reply)
        );
        seen.insert(of(&reply));
        assert_eq!(
            ask_with(&daemon, "outer", &[1.0], &headers, &json!({})).status,
            200
        );
    }
    let both = ["old 1 \"a=echo/1\"", "new 2 \"a=echo/2\""];
    assert_eq!(seen, both.map(str::to_owned).into());
    exposures(&daemon, "p", 80);
    // Whom a node asks learns of it as of any other caller, and feedback finds it by the id of the whole request.
    exposures(&daemon, "inner", 40);
    let event = json!({ "request_id": "r3", "metric": "read", "value": 1.0 });
    let told = daemon.post("/pipelines/inner/feedback", &event);
    assert_eq!(
        (told.status, &told.body["accepted"]),
        (202, &json!(1)),
        "{told:?}"
    );
}

#[test]
fn a_graph_is_shadowed_by_its_next_version_and_learns_nothing() {
    let house = house(&[("echo/1", ECHO), ("echo/2", ECHO)]);
    let daemon = house.serve();
    let mut pipeline = first(&graphs([("echo", 1), ("echo", 2)]));
    pipeline["shadow"] = json!({ "model": "p", "version": 2, "sample": 1, "queue": 1000 });
    put(&daemon, "p", &pipeline);
    for n in 0..60 {
        let reply = ask(&daemon, "p", &[f64::from(n)]);
        assert_eq!(
            (reply.output("x"), reply.header("x-route-version")),
            (vec![f64::from(n)], Some("1")),
            "{reply:?}"
        );
    }
    let coverage =
        |shadow: &Reply| shadow.body["beside"][0]["report"]["coverage"]["compared"].as_u64();
    let shadow = daemon.until(
        |daemon| daemon.admin_get("/pipelines/p/shadow"),
        |shadow| coverage(shadow) == Some(60),
    );
    let report = &shadow.body["beside"][0]["report"];
    assert_eq!(
        (&report["agreement"]["share"], &report["errors"]["shadow"]),
        (&json!(1.0), &json!(0)),
        "{report}"
    );
    assert_eq!(counted(&daemon, "p", "p/1", "success"), 60);
    assert_eq!(counted(&daemon, "p", "p/2", "success"), 0);
}
