//! Bandits: the shares follow what callers tell, and one command ends it.

use serde_json::json;

use super::house;
use super::traffic::caller::By;
use super::traffic::{Answer, Caller, Crowd, Habits};

/// Callers who tell of each digit whether it was read right.
struct Telling;

impl Habits for Telling {
    fn answered(&self, caller: &Caller, _: u64, answer: &Answer) {
        if answer.is_good() {
            let right = f64::from(u8::from(answer.right));
            let _taken = caller.tell(answer, By::Token, "read", right);
        }
    }
}

#[test]
fn shares_follow_what_callers_tell() {
    let pipeline = json!({
        "deadline": "10s",
        "policy": {
            "type": "bandit",
            "arms": [
                { "name": "some", "model": "digits", "version": 1 },
                { "name": "few", "model": "digits", "version": 2 },
                { "name": "all", "model": "digits", "version": 3 },
            ],
            "reward": { "metric": "read" },
            "period": "1s",
            "max_change": 0.3,
            "floor": 0.05,
        },
    });
    let house = house("bandit", &pipeline);
    let daemon = house.serve_config();
    let crowd = Crowd::start(&daemon.http, "postcode", super::CALLERS, Telling);
    let arm = |body: &serde_json::Value, at: usize, field: &str| {
        body["report"]["arms"][at][field].as_f64()
    };
    let found = daemon.until(
        |daemon| daemon.admin_get("/pipelines/postcode/bandit"),
        |reply| arm(&reply.body, 2, "weight") >= Some(89.0),
    );
    // The rates that were learnt are those of the models: 0.68, 0.43 and 0.97 of the digits.
    for (at, rate, within) in [(0, 0.68, 0.15), (1, 0.43, 0.15), (2, 0.97, 0.03)] {
        let mean = arm(&found.body, at, "mean").unwrap();
        assert!((mean - rate).abs() < within, "arm {at}: {mean}");
    }
    let report = &found.body["report"];
    assert!(
        report["regret"].as_f64() < report["regret_even"].as_f64(),
        "{report}"
    );
    // The floor holds: the others are still asked now and then.
    assert!(
        arm(&found.body, 0, "weight") >= Some(5.0) && arm(&found.body, 1, "weight") >= Some(5.0),
        "{report}"
    );
    let body = json!({ "as": "best", "reason": "found" });
    let frozen = daemon.admin_post("/pipelines/postcode/bandit/freeze", &body);
    assert_eq!(frozen.status, 200, "{frozen:?}");
    let pipeline = daemon.admin_get("/pipelines/postcode");
    let policy = &pipeline.body["spec"]["policy"];
    assert_eq!(
        (&policy["type"], &policy["version"]),
        (&json!("standalone"), &json!(3)),
        "{policy}"
    );
    let seen = crowd.stop();
    assert_eq!(seen.errors, 0, "{:?}", seen.first_error);
}
