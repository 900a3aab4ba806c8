//! Progressive delivery on the real binary, under load, with real models: two versions of a classifier trained on different
//! digits, a broken one and a slow one. The models, the callers and what they post are those of the examples.
//!
//! Times are shortened to what a test can wait for; nothing is judged by time that passed.

#![allow(
    clippy::unwrap_used,
    reason = "in a test a panic is the answer; helpers of tests are not recognised as tests"
)]

mod bandit;
mod canary;
mod experiment;
mod restart;
mod shadow;
#[path = "../../examples/traffic/mod.rs"]
mod traffic;

use serde_json::{Value, json};

use crate::daemon::{Daemon, House, Reply, copy, root};
use traffic::{Crowd, crowd};

/// Callers at a time.
const CALLERS: usize = 3;

/// A house with the versions of an example, and a pipeline `postcode` as it is given.
fn house(example: &str, pipeline: &Value) -> House {
    let house = House::new();
    let models = root().join("examples").join(example).join("models");
    copy(&models, &house.models());
    let config = "version = 1\n[pipelines]\nfiles = [\"pipelines/*.json\"]\n";
    house.write("impresario.toml", config);
    let file = json!({ "version": 1, "pipelines": { "postcode": pipeline } });
    house.write("pipelines/postcode.json", &file.to_string());
    house
}

/// Version 1 of the digits answers all.
fn first() -> Value {
    json!({
        "deadline": "10s",
        "policy": { "type": "standalone", "model": "digits", "version": 1 },
    })
}

/// Callers of the pipeline who ask, and nothing beside.
fn callers(daemon: &Daemon) -> Crowd {
    let crowd = Crowd::start(&daemon.http, "postcode", CALLERS, crowd::Plain);
    until(|| crowd.look().answers() > 100);
    crowd
}

/// Looks until it is so. What callers do is not the daemon's to tell.
fn until(so: impl Fn() -> bool) {
    let end = impresario::clock::instant() + crate::daemon::PATIENCE;
    while !so() {
        assert!(impresario::clock::instant() < end, "it never came");
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
}

/// Waits until the rollout of the pipeline is as it should be; the rollout then.
fn rollout(daemon: &Daemon, right: impl Fn(&Value) -> bool) -> Value {
    let ask = |daemon: &Daemon| daemon.admin_get("/pipelines/postcode/rollout");
    let shown = |reply: &Reply| {
        assert_eq!(reply.status, 200, "{reply:?}");
        right(&reply.body)
    };
    daemon.until(ask, shown).body
}

/// Waits until the rollout has come to an end, good or bad.
fn ended(daemon: &Daemon) -> Value {
    rollout(daemon, |rollout| rollout["active"] == false)
}

/// The words of what the daemon did by itself, in order.
fn journal(daemon: &Daemon) -> Vec<String> {
    let audit = daemon.admin_get("/audit?limit=200");
    let records = audit.body["records"].as_array().unwrap().iter().rev();
    let own = records.filter(|record| record["actor"] == "impresario");
    own.map(|record| record["action"].as_str().unwrap().to_owned())
        .collect()
}
