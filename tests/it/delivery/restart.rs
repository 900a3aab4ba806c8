//! `kill -9` in the middle of a step: the rollout goes on where it was.

use serde_json::{Value, json};

use super::{Crowd, callers, crowd, ended, first, house, journal, rollout};

/// What must be the same after the cut.
fn place(rollout: &Value) -> [&Value; 6] {
    ["id", "phase", "step", "weight", "segment", "thresholds"].map(|field| &rollout[field])
}

#[test]
fn a_rollout_goes_on_where_it_was() {
    let house = house("canary", &first());
    let daemon = house.serve_config();
    let crowd = callers(&daemon);
    let body = json!({
        "canary": 2,
        "steps": [{ "set_weight": 10 }, { "analyze": "short" }, { "set_weight": 40 }, { "analyze": "long" }],
        "analyses": {
            "short": { "min_time": "1s", "min_units": 50, "guardrails": [{ "metric": "errors" }] },
            "long": { "min_time": "6s", "min_units": 50, "guardrails": [{ "metric": "errors" }] },
        },
        "soak": "1s",
    });
    let begun = daemon.admin_post("/pipelines/postcode/rollout", &body);
    assert_eq!(begun.status, 201, "{begun:?}");
    let canary = |rollout: &Value| {
        rollout["evidence"]["requests"]["canary"]
            .as_u64()
            .unwrap_or_default()
    };
    // Well in the step: some of its time and evidence lie behind it, and were kept.
    let before = rollout(&daemon, |rollout| {
        let phase = rollout["clocks"]["phase"].as_f64().unwrap_or_default();
        rollout["step"] == 4 && (2.0..5.0).contains(&phase) && canary(rollout) > 100
    });
    let walk = journal(&daemon);
    drop(crowd);
    daemon.kill();

    let daemon = house.serve_config();
    let after = rollout(&daemon, |rollout| !rollout["evidence"].is_null());
    assert_eq!(place(&before), place(&after));
    // No time is given for nothing: the clocks stood still meanwhile.
    let clock = |rollout: &Value| rollout["clocks"]["baked"].as_f64().unwrap();
    assert!(
        clock(&after) < clock(&before) + 5.0,
        "{} {}",
        clock(&before),
        clock(&after)
    );
    // The last second of evidence may be lost, and nothing else.
    assert!(
        canary(&after) * 2 > canary(&before),
        "{} {}",
        canary(&before),
        canary(&after)
    );

    let crowd = Crowd::start(&daemon.http, "postcode", super::CALLERS, crowd::Plain);
    let end = ended(&daemon);
    assert_eq!(end["phase"], "succeeded", "{end}");
    let seen = crowd.stop();
    assert_eq!(seen.errors, 0, "{:?}", seen.first_error);
    // No step came twice.
    let whole = journal(&daemon);
    assert_eq!(whole[..walk.len()], walk[..], "{whole:?}");
    for (word, times) in [
        ("rollout.start", 1),
        ("rollout.advance", 3),
        ("rollout.promote", 1),
        ("rollout.succeed", 1),
    ] {
        let found = whole.iter().filter(|action| *action == word).count();
        assert_eq!(found, times, "{word}: {whole:?}");
    }
}
