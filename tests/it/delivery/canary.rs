//! Rollouts that earn their traffic, and such that do not.

use serde_json::{Value, json};

use super::{callers, ended, first, house, journal, rollout};
use crate::daemon::Daemon;

/// Begins a rollout to a version, in two steps.
fn begin(daemon: &Daemon, version: u64, rescue: bool) {
    let body = json!({
        "canary": version,
        "steps": [{ "set_weight": 10 }, { "analyze": "short" }, { "set_weight": 50 }, { "analyze": "short" }],
        "analyses": { "short": {
            "min_time": "1s",
            "min_units": 50,
            "guardrails": [
                { "metric": "errors", "weight": 0.5 },
                { "metric": "slower-than", "time": "10ms", "weight": 0.3 },
                { "metric": "non-finite", "weight": 0.2 },
            ],
        } },
        "rescue": rescue,
        "soak": "2s",
    });
    let begun = daemon.admin_post("/pipelines/postcode/rollout", &body);
    assert_eq!(begun.status, 201, "{begun:?}");
}

fn requests(rollout: &Value) -> u64 {
    rollout["evidence"]["requests"]["canary"]
        .as_u64()
        .unwrap_or_default()
}

#[test]
fn a_good_version_is_promoted_by_itself() {
    let house = house("canary", &first());
    let daemon = house.serve_config();
    let crowd = callers(&daemon);
    begin(&daemon, 2, true);
    let soaking = rollout(&daemon, |rollout| {
        rollout["phase"] == "soaking" || rollout["active"] == false
    });
    assert_eq!(soaking["phase"], "soaking", "{soaking}");
    // Undo would be one swap: the old version is in memory as long as the new one soaks.
    assert_eq!(daemon.version("digits", 1).body["phase"], "ready");
    let end = ended(&daemon);
    assert_eq!(end["phase"], "succeeded", "{end}");
    let seen = crowd.stop();
    assert_eq!(
        (seen.errors, seen.rescued),
        (0, 0),
        "{:?}",
        seen.first_error
    );
    assert!(
        seen.of("stable") > 0 && seen.of("canary") > 0,
        "{:?}",
        seen.variants.keys()
    );
    // The new version reads better, by what callers know and the daemon does not.
    let accuracy = |variant: &str| seen.variants[variant].accuracy();
    assert!(
        accuracy("canary") > accuracy("stable"),
        "{} {}",
        accuracy("canary"),
        accuracy("stable")
    );
    let walk = journal(&daemon);
    let at = |word: &str| {
        walk.iter()
            .position(|action| action == word)
            .unwrap_or_else(|| panic!("{word}: {walk:?}"))
    };
    let order = [
        "rollout.start",
        "rollout.advance",
        "rollout.promote",
        "rollout.soak",
        "rollout.succeed",
    ];
    let places = order.map(at);
    assert!(places.is_sorted(), "{walk:?}");
    assert_eq!(
        walk.iter()
            .filter(|action| *action == "rollout.advance")
            .count(),
        3,
        "{walk:?}"
    );
    let answer = daemon.admin_get("/pipelines/postcode");
    assert_eq!(answer.body["status"]["serves"]["version"], 2, "{answer:?}");
}

#[test]
fn a_broken_version_is_aborted_within_a_handful_of_requests_and_no_caller_notices() {
    let house = house("canary", &first());
    let daemon = house.serve_config();
    let crowd = callers(&daemon);
    crowd.take();
    begin(&daemon, 3, true);
    let end = ended(&daemon);
    assert_eq!(
        (&end["phase"], &end["weight"]),
        (&json!("rolled-back"), &json!(0.0)),
        "{end}"
    );
    let seen = crowd.stop();
    assert_eq!(
        seen.errors, 0,
        "a caller saw what rescue could cover: {:?}",
        seen.first_error
    );
    // Five failures among the first ten, or five in a row, or the evidence of the next second.
    let met = seen.rescued + seen.by("3");
    assert!(
        (5..=100).contains(&met),
        "{met} requests met the broken version"
    );
    assert!(seen.rescued >= 3, "{} were rescued", seen.rescued);
    assert!(end["why"].as_str().unwrap().contains("aborted"), "{end}");
    // Nobody gets it any more.
    let after = callers(&daemon).stop();
    assert_eq!((after.of("canary"), after.rescued, after.errors), (0, 0, 0));
}

#[test]
fn without_rescue_callers_see_the_failures_that_abort_it() {
    let house = house("canary", &first());
    let daemon = house.serve_config();
    let crowd = callers(&daemon);
    begin(&daemon, 3, false);
    let end = ended(&daemon);
    assert_eq!(end["phase"], "rolled-back", "{end}");
    let seen = crowd.stop();
    assert_eq!(seen.rescued, 0);
    assert!((3..=100).contains(&seen.errors), "{} errors", seen.errors);
    let error = seen.first_error.unwrap();
    assert!(
        error.starts_with("500: ") && error.contains("version 3 failed"),
        "{error}"
    );
}

#[test]
fn a_slow_version_is_aborted_by_the_evidence() {
    let house = house("canary", &first());
    let daemon = house.serve_config();
    let crowd = callers(&daemon);
    begin(&daemon, 4, true);
    let end = ended(&daemon);
    assert_eq!(end["phase"], "rolled-back", "{end}");
    assert!(
        end["why"].as_str().unwrap().contains("slower-than"),
        "{end}"
    );
    let seen = crowd.stop();
    assert_eq!(
        (seen.errors, seen.rescued),
        (0, 0),
        "{:?}",
        seen.first_error
    );
    let median = |variant: &str| seen.variants[variant].quantile(0.5);
    assert!(
        median("canary") > median("stable"),
        "{:?} {:?}",
        median("canary"),
        median("stable")
    );
    assert!(requests(&end) <= seen.of("canary"), "{end}");
}

#[test]
fn an_abort_is_one_request() {
    let house = house("canary", &first());
    let daemon = house.serve_config();
    let crowd = callers(&daemon);
    begin(&daemon, 2, true);
    rollout(&daemon, |rollout| {
        rollout["weight"] == 10.0 && requests(rollout) > 0
    });
    let body = json!({ "reason": "the press called" });
    let aborted = daemon.admin_post("/pipelines/postcode/rollout/abort", &body);
    assert_eq!(aborted.status, 200, "{aborted:?}");
    // What the answer says is in force: from now on nobody is sent to the canary.
    let end = rollout(&daemon, |_| true);
    assert_eq!(end["weight"], 0.0, "{end}");
    assert!(
        end["why"].as_str().unwrap().contains("the press called"),
        "{end}"
    );
    drop(crowd);
    let after = callers(&daemon).stop();
    assert_eq!((after.of("canary"), after.errors), (0, 0));
}
