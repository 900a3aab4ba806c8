//! Graphs as versions: pinned, stored, taken over by the next one, undone, and what is refused for their sake.

use std::thread;

use serde_json::{Value, json};

use super::policies::asked_until;
use super::{ECHO, SLOW, ask, composite, house, put, says, settled};
use crate::daemon::{Daemon, Reply};

fn pipeline(daemon: &Daemon, name: &str) -> Reply {
    daemon.admin_get(&format!("/pipelines/{name}"))
}

/// A graph that asks one version.
fn of(version: u64) -> Value {
    composite(
        &json!({ "a": { "model": "echo", "version": version } }),
        "a",
    )
}

fn delete(daemon: &Daemon, name: &str) -> Reply {
    let url = format!("http://{}/admin/v1/pipelines/{name}", daemon.admin);
    crate::daemon::reply(crate::daemon::agent().delete(url).call())
}

#[test]
fn a_graph_is_pinned_and_the_same_after_a_cut() {
    let house = house(&[("echo/1", ECHO), ("echo/2", ECHO)]);
    let daemon = house.serve();
    let written = composite(&json!({ "a": { "model": "echo" } }), "a");
    let dry = daemon.admin_put("/pipelines/p?dry_run=true", &written);
    assert_eq!(dry.body["report"]["dry_run"], true, "{dry:?}");
    assert_eq!(pipeline(&daemon, "p").status, 404);
    let made = put(&daemon, "p", &written);
    let before = pipeline(&daemon, "p").body;
    let policy = &before["spec"]["policy"];
    assert_eq!(
        policy["nodes"]["a"]["version"], 2,
        "the newest there was: {before}"
    );
    assert_eq!(
        (&policy["version"], &policy["model"]),
        (&made.body["revision"], &json!("p")),
        "{before}"
    );
    // Saying the same again, as it was written or as it is shown, changes nothing.
    for same in [&written, &before["spec"]] {
        let again = daemon.admin_put("/pipelines/p", same);
        assert_eq!(
            (again.status, &again.body["report"]["changed"]),
            (200, &json!(false)),
            "{again:?}"
        );
    }
    let dry = daemon.admin_put("/pipelines/p?dry_run=true", &of(1));
    assert_eq!(dry.body["report"]["changed"], true, "{dry:?}");
    assert_eq!(pipeline(&daemon, "p").body, before);
    // Neither does a newer version.
    house.fake("echo/3", super::X);
    daemon.until(
        |daemon| daemon.admin_get("/models/echo/versions/3"),
        |reply| reply.status == 200,
    );
    let version = policy["version"].to_string();
    let answer = ask(&daemon, "p", &[1.0]);
    assert_eq!(answer.body["parameters"]["nodes"], "a=echo/2", "{answer:?}");
    daemon.kill();
    let daemon = house.serve();
    settled(&daemon, "p");
    let answer = ask(&daemon, "p", &[1.0]);
    assert_eq!(
        answer.header("x-route-version"),
        Some(&*version),
        "{answer:?}"
    );
    assert_eq!(answer.body["parameters"]["nodes"], "a=echo/2", "{answer:?}");
    daemon.signal("TERM");
    assert_eq!(daemon.wait().code(), Some(0));
    let daemon = house.serve();
    let after = settled(&daemon, "p").body;
    assert_eq!(
        (&after["spec"], &after["revision"]),
        (&before["spec"], &before["revision"])
    );
    assert_eq!(
        ask(&daemon, "p", &[1.0]).header("x-route-version"),
        Some(&*version)
    );
}

#[test]
fn new_graphs_take_over_under_load_and_undo_brings_back_the_old_one_exactly() {
    let house = house(&[("echo/1", ECHO), ("echo/2", ECHO)]);
    let daemon = house.serve();
    put(&daemon, "p", &of(1));
    let first = pipeline(&daemon, "p").body["spec"].clone();
    let rounds = std::cell::Cell::new(0);
    asked_until(&daemon, "p", || {
        let round = rounds.get() + 1;
        rounds.set(round);
        put(&daemon, "p", &of(1 + round % 2));
        round >= 12
    });
    put(&daemon, "p", &of(2));
    let before = pipeline(&daemon, "p").body["spec"].clone();
    put(&daemon, "p", &of(1));
    let third = pipeline(&daemon, "p").body["spec"].clone();
    assert_ne!(
        third["policy"]["version"], first["policy"]["version"],
        "each is a version of its own"
    );
    let undone = daemon.admin_post("/pipelines/p/undo", &json!({}));
    assert_eq!(undone.status, 200, "{undone:?}");
    assert_eq!(settled(&daemon, "p").body["spec"], before);
    let answer = ask(&daemon, "p", &[1.0]);
    assert_eq!(
        answer.header("x-route-version"),
        Some(&*before["policy"]["version"].to_string())
    );
    assert_eq!(answer.body["parameters"]["nodes"], "a=echo/2", "{answer:?}");
}

#[test]
fn a_request_on_its_way_keeps_its_graph_and_all_that_it_pins() {
    let house = house(&[("echo/1", ECHO), ("echo/2", ECHO), ("slow/1", SLOW)]);
    let daemon = house.serve();
    let nodes = json!({
        "first": { "model": "slow" },
        "second": { "model": "slow", "inputs": { "x": "first" } },
        "last": { "model": "echo", "version": 1, "inputs": { "x": "second" } },
    });
    put(&daemon, "p", &composite(&nodes, "last"));
    let version = pipeline(&daemon, "p").body["spec"]["policy"]["version"].to_string();
    thread::scope(|scope| {
        let caller = scope.spawn(|| ask(&daemon, "p", &[7.0]));
        daemon.until_busy("slow", 1);
        put(&daemon, "p", &of(2));
        assert_ne!(
            ask(&daemon, "p", &[1.0]).header("x-route-version"),
            Some(&*version)
        );
        let reply = caller.join().unwrap();
        assert_eq!(reply.output("x"), [7.0], "{reply:?}");
        assert_eq!(
            reply.header("x-route-version"),
            Some(&*version),
            "{reply:?}"
        );
        assert_eq!(
            reply.header("x-route-nodes"),
            Some("first=slow/1, second=slow/1, last=echo/1")
        );
    });
    // Nobody needs it any more.
    daemon.until(
        |daemon| daemon.version("echo", 1),
        |version| version.body["phase"] == "unloaded",
    );
}

#[test]
fn a_request_on_its_way_is_answered_while_the_daemon_goes_down() {
    let house = house(&[("echo/1", ECHO), ("slow/1", SLOW)]);
    let daemon = house.serve();
    put(&daemon, "inner", &of(1));
    let nodes = json!({
        "first": { "model": "slow" },
        "then": { "pipeline": "inner", "inputs": { "x": "first" } },
        "last": { "model": "echo", "inputs": { "x": "then" } },
    });
    put(&daemon, "p", &composite(&nodes, "last"));
    thread::scope(|scope| {
        let caller = scope.spawn(|| ask(&daemon, "p", &[7.0]));
        daemon.until_busy("slow", 1);
        daemon.signal("TERM");
        let reply = caller.join().unwrap();
        assert_eq!(
            (reply.status, reply.output("x")),
            (200, vec![7.0]),
            "{reply:?}"
        );
    });
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn what_a_graph_needs_stays_and_rings_are_refused() {
    let house = house(&[("echo/1", ECHO), ("echo/2", ECHO)]);
    let daemon = house.serve();
    put(&daemon, "p", &of(1));
    put(
        &daemon,
        "caller",
        &composite(&json!({ "n": { "pipeline": "p" } }), "n"),
    );
    let unload = || daemon.admin_post("/models/echo/versions/1/unload", &json!({}));
    says(&unload(), 409, &["model 'echo' version 1", "pipeline 'p'"]);
    let repository = daemon.post("/v2/repository/models/echo/unload", &json!({}));
    says(&repository, 400, &["'echo' version 1", "'p'"]);
    says(
        &delete(&daemon, "p"),
        409,
        &["pipeline 'p'", "pipeline 'caller'"],
    );
    let before = (
        pipeline(&daemon, "p").body,
        pipeline(&daemon, "caller").body,
    );
    let ring = composite(&json!({ "n": { "pipeline": "caller" } }), "n");
    says(
        &daemon.admin_put("/pipelines/p", &ring),
        422,
        &["p → caller → p"],
    );
    let own = composite(&json!({ "n": { "pipeline": "p" } }), "n");
    says(&daemon.admin_put("/pipelines/p", &own), 422, &["p → p"]);
    assert_eq!(
        (
            pipeline(&daemon, "p").body,
            pipeline(&daemon, "caller").body
        ),
        before
    );
    // What is let go of in the right order goes.
    assert_eq!(delete(&daemon, "caller").status, 200);
    assert_eq!(delete(&daemon, "p").status, 200);
    assert_eq!(ask(&daemon, "p", &[1.0]).status, 404);
    assert_eq!(unload().status, 200);
}

#[test]
fn all_that_is_wrong_is_told_at_once_and_nothing_is_half_applied() {
    let house = house(&[("echo/1", ECHO)]);
    house.write(
        "models/wide/1/fake.toml",
        "inputs = [{ name = \"y\", datatype = \"INT64\", shape = [-1, 3] }]\n",
    );
    let daemon = house.serve();
    put(&daemon, "p", &of(1));
    daemon.until(
        |daemon| daemon.get("/v2/models/wide/ready"),
        |reply| reply.status == 200,
    );
    let before = pipeline(&daemon, "p").body;
    let nodes = json!({
        "a": { "model": "ecko" },
        "b": { "model": "echo", "version": 7 },
        "c": { "model": "echo", "inputs": { "x": "w.z" } },
        "d": { "model": "echo", "inputs": { "x": "w" } },
        "w": { "model": "wide", "inputs": { "y": "request.ids" } },
        "e": { "model": "echo", "when": "request.parameters.tier +" },
        "f": { "ensemble": "mean", "of": ["a", "b", "c", "d", "e", "g"] },
        "unused": { "model": "echo" },
    });
    let broken = composite(&nodes, "ff");
    let refused = daemon.admin_put("/pipelines/p", &broken);
    assert_eq!(refused.status, 422, "{refused:?}");
    let problems = refused.body["problems"].as_array().unwrap();
    let told: Vec<String> = problems
        .iter()
        .map(|problem| {
            let of = |part: &str| problem[part].as_str().unwrap_or_default().to_owned();
            format!("{} {} {}", of("path"), of("message"), of("hint"))
        })
        .collect();
    let at = |path: &str, parts: &[&str]| {
        let there = told
            .iter()
            .any(|told| told.contains(path) && parts.iter().all(|part| told.contains(part)));
        assert!(there, "{path} with {parts:?} in {told:#?}");
    };
    at("nodes.a.model", &["ecko", "echo"]);
    at("nodes.b.version", &["7"]);
    at("nodes.e.when", &[]);
    at("nodes.f.of[5]", &["'g'"]);
    at("outputs.x", &["'ff'", "f"]);
    assert_eq!(pipeline(&daemon, "p").body, before);
    assert_eq!(
        ask(&daemon, "p", &[1.0]).body["parameters"]["nodes"],
        "a=echo/1"
    );
    // Nobody is half made either.
    assert_eq!(daemon.admin_put("/pipelines/q", &broken).status, 422);
    assert_eq!(pipeline(&daemon, "q").status, 404);
}

#[test]
fn files_of_graphs_are_edited_and_reloaded() {
    let house = house(&[("echo/1", ECHO), ("echo/2", ECHO)]);
    house.write(
        "impresario.toml",
        "version = 1\n[pipelines]\nfiles = [\"pipelines/*.toml\", \"pipelines/*.yaml\"]\n",
    );
    let toml = |version: u64| {
        format!(
            "version = 1\n[pipelines.one.policy]\ntype = \"composite\"\n[pipelines.one.policy.nodes.a]\nmodel = \"echo\"\nversion = {version}\n[pipelines.one.policy.outputs]\nx = \"a\"\n"
        )
    };
    let yaml = |version: u64| {
        format!(
            "version: 1\npipelines:\n  two:\n    policy:\n      type: composite\n      nodes:\n        a: {{ model: echo, version: {version} }}\n      outputs: {{ x: a }}\n"
        )
    };
    house.write("pipelines/one.toml", &toml(1));
    house.write("pipelines/two.yaml", &yaml(1));
    let daemon = house.serve_config();
    let nodes = |name: &str, version: u64| {
        let nodes = format!("a=echo/{version}");
        daemon.until(
            |daemon| ask(daemon, name, &[1.0]),
            |reply| reply.body["parameters"]["nodes"] == *nodes,
        );
    };
    nodes("one", 1);
    nodes("two", 1);
    house.write("pipelines/one.toml", &toml(2));
    house.write("pipelines/two.yaml", &yaml(2));
    let reloaded = daemon.admin_post("/reload", &json!({}));
    assert_eq!(reloaded.status, 200, "{reloaded:?}");
    nodes("one", 2);
    nodes("two", 2);
    let before = (pipeline(&daemon, "one").body, pipeline(&daemon, "two").body);
    // One good and one bad: neither is applied.
    house.write("pipelines/one.toml", &toml(1));
    house.write("pipelines/two.yaml", &yaml(9));
    let refused = daemon.admin_post("/reload", &json!({}));
    assert!((400..500).contains(&refused.status), "{refused:?}");
    says(&refused, refused.status, &["two", "version", "9"]);
    assert_eq!(
        (pipeline(&daemon, "one").body, pipeline(&daemon, "two").body),
        before
    );
    nodes("one", 2);
}
