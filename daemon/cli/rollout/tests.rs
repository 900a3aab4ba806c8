//! What an on-call engineer sees.

use expect_test::expect;
use serde_json::{Value, json};

use super::*;

/// A rollout that is baking in its second step.
fn rollout() -> Value {
    json!({
        "name": "front", "revision": 7, "phase": "held", "detail": "inconclusive", "active": true,
        "model": "iris", "stable": 3, "canary": 4, "weight": 5.0, "target": 5.0, "step": 2,
        "progress": "step 2 of 3: analysis 'default'",
        "steps": [
            {"number": 1, "kind": "set-weight", "what": "5 % of the traffic", "mark": "done"},
            {"number": 2, "kind": "analyze", "what": "analysis 'default'", "mark": "current"},
            {"number": 3, "kind": "approval", "what": "approval", "mark": "ahead"},
        ],
        "waits": "held until the evidence is conclusive, or somebody decides",
        "why": "the evidence took longer than 1d", "since": "2026-03-01T10:00:00.000Z",
        "frozen": null, "doubt": null, "forced": null, "plan": null,
        "clocks": {"running": true, "phase": 3_600.0, "baked": 7_200.0, "away": 0.0},
        "evidence": {
            "harm": {"log": 2.3, "odds": "10 to 1", "bar": 4.605_17, "bar_odds": "100 to 1", "shown": false},
            "sample_ratio": {"log": 0.0, "odds": "1.0 to 1"},
            "units": {"stable": 9_000, "canary": 1_000},
            "guardrails": [{
                "metric": "errors", "events": {"stable": 45, "canary": 9}, "of": {"stable": 9_000, "canary": 1_000},
                "rates": {"stable": 0.005, "canary": 0.009}, "harm": {"log": 2.3, "odds": "10 to 1"},
                "safe": false, "ground": null, "broken_ceiling": null, "sentence": "errors: 9 of 1000",
            }],
        },
        "verbs": ["promote", "abort"],
    })
}

#[test]
fn a_status_is_one_screen_with_all_that_is_needed() {
    expect![[r#"
        front: version 4 of iris against 3: held (inconclusive), step 2 of 3: analysis 'default', 5 % of the traffic
        why       the evidence took longer than 1d
        since     2026-03-01T10:00:00.000Z
        waits for held until the evidence is conclusive, or somebody decides
        clock     1h here, 2h in all steps

          [x]  1  5 % of the traffic
          [>]  2  analysis 'default'
          [ ]  3  approval

        GUARDRAIL  STABLE              CANARY             HARM                  SAFE
        errors     45 of 9000 (0.5 %)  9 of 1000 (0.9 %)  [#####.....] 10 to 1  not yet

        harm      [#####.....] 10 to 1, aborts at 100 to 1
        shares    1.0 to 1, trusted below 1,000 to 1
        units     9000 on the stable, 1000 on the canary

        now: impresario rollout promote|abort front"#]]
    .assert_eq(&shown::status(&rollout()));
}

#[test]
fn what_is_not_known_yet_is_left_out() {
    let mut rollout = rollout();
    (rollout["phase"], rollout["progress"]) = ("preparing".into(), "preparing".into());
    rollout["detail"] = Value::Null;
    let guardrail = &mut rollout["evidence"]["guardrails"][0];
    guardrail["events"]["canary"] = 0.into();
    guardrail["of"]["canary"] = 0.into();
    guardrail["rates"]["canary"] = Value::Null;
    let text = shown::status(&rollout);
    let headline = "front: version 4 of iris against 3: preparing, 5 % of the traffic\n";
    assert!(text.starts_with(headline), "{text}");
    assert!(text.contains("0 of 0 "), "{text}");
    assert!(!text.contains("()"), "{text}");
}

#[test]
fn an_explanation_tells_what_happened_and_on_which_numbers() {
    let entry = json!({
        "at": "2026-03-01T10:00:00.000Z", "action": "rollout.hold", "sentence": "too little traffic",
        "numbers": [{"name": "harm", "value": 2.5}, {"name": "odd", "value": null}],
    });
    let told = shown::explanation(&json!({"rollout": rollout(), "journal": [entry]}));
    for part in [
        "\nevidence\n  errors: 9 of 1000\n",
        "\n  2026-03-01T10:00:00.000Z  rollout.hold  too little traffic\n      harm 2.5",
    ] {
        assert!(told.contains(part), "{told}");
    }
    assert!(!told.contains("odd"), "{told}");
}

#[test]
fn a_watch_ends_with_the_rollout() {
    let ended = |phase: &str| watch::ended(&json!({"phase": phase}));
    assert_eq!(ended("succeeded"), Some(Exit::Done));
    for phase in ["rolled-back", "failed-prepare", "superseded"] {
        assert_eq!(ended(phase), Some(Exit::Failed), "{phase}");
    }
    for phase in ["pending", "baking", "held", "soaking", "paused", "aborting"] {
        assert_eq!(ended(phase), None, "{phase}");
    }
}

#[test]
fn a_plan_says_what_never_ends() {
    let step = |number: u32, kind: &str, requests: Value, seconds: Value| {
        json!({
            "number": number, "kind": kind, "what": kind, "weight": 1.0, "requests": requests, "seconds": seconds,
            "waits": [{"metric": "errors", "prove": 10.0}, {"metric": "timeouts", "prove": null}],
        })
    };
    let plan = json!({
        "name": "front", "traffic": {"source": "stated", "per_second": 50.0}, "seconds": null,
        "steps": [
            step(1, "analyze", json!(20_200.0), json!(404.0)),
            step(2, "analyze", Value::Null, Value::Null),
            step(3, "approval", Value::Null, Value::Null),
        ],
        "warnings": ["step 2: timeouts can never be shown to be safe"],
    });
    expect![[r#"
        front: at 50 requests per second (stated)

        STEP  WHAT      WEIGHT  REQUESTS  TIME            SLOWEST
        1     analyze   1 %     20.2 k    6m 44s          timeouts
        2     analyze   1 %     never     -               timeouts
        3     approval  1 %     -         until approved  timeouts
        warning: step 2: timeouts can never be shown to be safe"#]]
    .assert_eq(&plan::shown(&plan));
}

#[test]
fn flags_go_before_the_file() {
    let file = std::env::temp_dir().join(format!("impresario-canary-{}.toml", std::process::id()));
    std::fs::write(
        &file,
        "canary = 2\nsoak = '1m'\nsteps = [{ set_weight = 5 }]\n",
    )
    .unwrap();
    let args = |canary| CanaryArgs {
        canary,
        stable: Some(1),
        file: Some(file.clone()),
    };
    let read = |version| Value::Object(canary(args(version)).unwrap());
    assert_eq!(
        read(Some(4)),
        json!({"canary": 4, "stable": 1, "soak": "1m", "steps": [{"set_weight": 5}]})
    );
    assert_eq!(read(None)["canary"], 2);
    std::fs::write(&file, "canary = = 2").unwrap();
    assert_eq!(canary(args(None)).unwrap_err().exit, Exit::Failed);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(canary(args(None)).unwrap_err().exit, Exit::Usage);
}
