//! Experiments: the report says what the callers' own log says, to the last user, and the verdict is shipped as one
//! revision.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::house;
use super::traffic::caller::By;
use super::traffic::{Answer, Caller, Crowd, Habits};
use crate::daemon::Daemon;

const REQUESTS: u64 = 2_400;

/// N*: at how many units the interval is tightest.
const TUNED_FOR: f64 = 5_000.0;

/// What callers know of an arm: its requests, and of them those whose digit was read right.
type Log = BTreeMap<String, (f64, f64)>;

/// Callers who tell of each digit whether it was read right.
#[derive(Clone, Default)]
struct Telling {
    log: Arc<Mutex<Log>>,
    one: Arc<Mutex<Option<Answer>>>,
}

impl Habits for Telling {
    fn answered(&self, caller: &Caller, n: u64, answer: &Answer) {
        assert!(answer.is_good(), "{answer:?}");
        let by = if n.is_multiple_of(2) {
            By::Token
        } else {
            By::Request
        };
        let right = f64::from(u8::from(answer.right));
        assert_eq!(caller.tell(answer, by, "read", right), Ok(true));
        if n.is_multiple_of(5) {
            // Told twice, by the other name: it counts once.
            let by = if n.is_multiple_of(2) {
                By::Request
            } else {
                By::Token
            };
            assert_eq!(caller.tell(answer, by, "read", right), Ok(false));
        }
        let mut log = self.log.lock().unwrap();
        let arm = log.entry(answer.variant.clone()).or_default();
        arm.0 += 1.0;
        arm.1 += right;
        drop(log);
        *self.one.lock().unwrap() = Some(answer.clone());
    }
}

fn experiment() -> Value {
    json!({
        "deadline": "10s",
        "policy": {
            "type": "experiment",
            "arms": [
                { "name": "old", "model": "digits", "version": 1, "weight": 50 },
                { "name": "new", "model": "digits", "version": 2, "weight": 50 },
            ],
            "goals": [{ "metric": "read", "kind": "binary" }],
            "min_units": 100,
        },
    })
}

/// The report once there is one: from then on all requests count, and feedback is taken.
fn gathered(daemon: &Daemon) -> Value {
    let shown = daemon.until(
        |daemon| daemon.admin_get("/pipelines/postcode/experiment"),
        // Until all arms are ready the baseline answers all, and nothing is counted.
        |reply| reply.body["course"]["phase"] == "running" && !reply.body["report"].is_null(),
    );
    shown.body["report"].clone()
}

/// The report once all that was told is in it.
fn report(daemon: &Daemon, requests: u64) -> Value {
    let whole = |body: &Value| {
        let arms = body["report"]["goals"][0]["arms"].as_array();
        let fed: u64 = arms
            .into_iter()
            .flatten()
            .filter_map(|arm| arm["fed"].as_u64())
            .sum();
        fed == requests
    };
    let shown = daemon.until(
        |daemon| daemon.admin_get("/pipelines/postcode/experiment"),
        |reply| whole(&reply.body),
    );
    shown.body["report"].clone()
}

/// Waits until all that is in the report now is in the store.
fn all_stored(daemon: &Daemon) {
    let of = |reply: &crate::daemon::Reply| {
        let stored = reply.body["stored_until"].as_str()?;
        humantime::parse_rfc3339(stored).ok()
    };
    let now = impresario::clock::wall();
    daemon.until(
        |daemon| daemon.admin_get("/pipelines/postcode/experiment"),
        |reply| of(reply).is_some_and(|stored| stored > now),
    );
}

fn close(what: &str, got: &Value, wanted: f64, within: f64) {
    let got = got
        .as_f64()
        .unwrap_or_else(|| panic!("{what} is not there"));
    assert!(
        (got - wanted).abs() <= within,
        "{what}: the report says {got}, the log {wanted}"
    );
}

/// Holds a report against the log: the paper's formulas, not the product's code.
fn agrees(report: &Value, log: &Log) {
    let goal = &report["goals"][0];
    let contrast = &goal["contrasts"][0];
    let [old, new] = ["old", "new"].map(|arm| log[arm]);
    for (at, (requests, right)) in [old, new].into_iter().enumerate() {
        close("requests", &report["arms"][at]["requests"], requests, 0.0);
        close("share", &goal["arms"][at]["value"], right / requests, 1e-12);
    }
    let share = |(requests, right): (f64, f64)| right / requests;
    let variance = |arm: (f64, f64)| share(arm) * (1.0 - share(arm)) / arm.0;
    let (value, se) = (
        share(new) - share(old),
        (variance(old) + variance(new)).sqrt(),
    );
    let n = old.0 + new.0;
    let alpha: f64 = 0.05;
    let two = -2.0 * alpha.ln();
    let r2 = (two + (1.0 + two).ln()) / TUNED_FOR;
    let grown = n * r2 + 1.0;
    let half = se * n.sqrt() * (2.0 * grown / (n * n * r2) * (grown.sqrt() / alpha).ln()).sqrt();
    let log_e = r2 * value * value * n / (2.0 * se * se * grown) - grown.sqrt().ln();
    let absolute = &contrast["absolute"];
    close("difference", &absolute["value"], value, 1e-12);
    // A variance by n and one by n - 1 are that far apart.
    close("standard error", &absolute["se"], se, se * 1e-3);
    close(
        "from",
        &absolute["interval"]["low"],
        value - half,
        half * 1e-3,
    );
    close(
        "to",
        &absolute["interval"]["high"],
        value + half,
        half * 1e-3,
    );
    close(
        "evidence",
        &contrast["evidence"]["log"],
        log_e,
        log_e * 5e-3,
    );
    close("p", &contrast["p"], (-log_e).exp().min(1.0), 1e-3);
    // A difference of fifteen in a hundred in so many requests is one.
    assert!(log_e > 20_f64.ln() && value > 0.0, "{log_e} {value}");
    assert_eq!(
        (&report["verdict"], &report["ship"]),
        (&json!("ship"), &json!("new")),
        "{report}"
    );
}

#[test]
fn the_verdict_is_that_of_the_callers_log_and_survives_a_cut() {
    let house = house("canary", &experiment());
    let daemon = house.serve_config();
    gathered(&daemon);
    let telling = Telling::default();
    let crowd = Crowd::bounded(
        &daemon.http,
        "postcode",
        super::CALLERS,
        REQUESTS,
        telling.clone(),
    );
    let seen = crowd.finish();
    assert_eq!(
        (seen.errors, seen.answers()),
        (0, REQUESTS),
        "{:?}",
        seen.first_error
    );
    let log = telling.log.lock().unwrap().clone();
    let before = report(&daemon, REQUESTS);
    agrees(&before, &log);
    all_stored(&daemon);
    let token = telling.one.lock().unwrap().clone().unwrap();
    daemon.kill();

    let daemon = house.serve_config();
    let after = &gathered(&daemon);
    let requests = |report: &Value| -> u64 {
        let arms = report["arms"].as_array().unwrap().iter();
        arms.filter_map(|arm| arm["requests"].as_u64()).sum()
    };
    // What the daemon said is stored is there to the last request.
    assert_eq!(requests(after), requests(&before));
    agrees(after, &log);
    // A token of before the cut is taken, and its event known.
    let caller = Caller::new(&daemon.http, "postcode");
    assert_eq!(caller.tell(&token, By::Token, "read", 1.0), Ok(false));

    let body = json!({ "arm": "new", "reason": "it reads better" });
    let shipped = daemon.admin_post("/pipelines/postcode/experiment/ship", &body);
    assert_eq!(shipped.status, 200, "{shipped:?}");
    let pipeline = daemon.admin_get("/pipelines/postcode");
    let policy = &pipeline.body["spec"]["policy"];
    assert_eq!(
        (&policy["type"], &policy["version"]),
        (&json!("standalone"), &json!(2)),
        "{policy}"
    );
    let undone = daemon.admin_post("/pipelines/postcode/undo", &json!({}));
    assert_eq!(undone.status, 200, "{undone:?}");
    let pipeline = daemon.admin_get("/pipelines/postcode");
    assert_eq!(pipeline.body["spec"]["policy"]["type"], "experiment");
}
