//! Plans against the design's table.

use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use impresario_models::VersionNumber;

use crate::analysis::{Traffic, plan};
use crate::bucket::Weight;
use crate::spec::canary::{Analysis, Canary, Guardrail, Metric, Step};

fn version(number: u64) -> VersionNumber {
    VersionNumber::new(number).unwrap()
}

fn canary(steps: Vec<Step>) -> Canary {
    Canary {
        model: "fraud".parse().unwrap(),
        stable: version(1),
        canary: version(2),
        steps,
        rescue: true,
        soak: Duration::ZERO,
        prepare: Duration::from_secs(60),
        unavailable: Duration::from_secs(60),
        freeze: Vec::new(),
    }
}

fn weight(percent: f64) -> Step {
    Step::SetWeight {
        weight: Weight::from_percent(percent).unwrap(),
        reason: None,
    }
}

/// Errors alone, at the threshold of the design's table.
fn errors(margin: f64, negligible: f64) -> Step {
    Step::Analyze(Arc::new(Analysis {
        alpha: 0.05,
        beta: 0.05,
        min_units: 0,
        guardrails: vec![Guardrail {
            metric: Metric::Errors,
            weight: 1.0,
            margin: Some(margin),
            negligible,
            ceiling: None,
        }],
        ..Analysis::default()
    }))
}

#[test]
fn a_plan_is_the_designs_table() {
    let traffic = Traffic {
        per_second: 100.0,
        errors: 0.01,
        ..Traffic::default()
    };
    for (percent, detect, prove) in [
        (1.0, 34e3, [(3.0, 44e3), (1.5, 560e3), (1.25, 2.2e6)]),
        (5.0, 7.2e3, [(3.0, 9.8e3), (1.5, 120e3), (1.25, 470e3)]),
        (25.0, 1.9e3, [(3.0, 3.1e3), (1.5, 32e3), (1.25, 120e3)]),
    ] {
        let mut steps = vec![weight(percent)];
        steps.extend(prove.map(|(margin, _)| errors(margin, 0.0)));
        let plan = plan(&canary(steps), &traffic);
        for (need, (_, requests)) in plan.needs.iter().zip(prove) {
            let wait = need.waits[0];
            for (got, expected) in [(wait.detect, detect), (wait.prove, requests)] {
                let ratio = got.unwrap() / expected;
                // The table's numbers are means of runs, the plan's are of counts exactly as expected.
                assert!(
                    (0.75..1.5).contains(&ratio),
                    "{percent} %: {got:?}, not {expected}"
                );
            }
        }
    }
}

#[test]
fn a_rate_that_is_negligible_is_shown_sooner() {
    let traffic = Traffic {
        per_second: 100.0,
        ..Traffic::default()
    };
    let steps = vec![weight(50.0), errors(3.0, 0.01), errors(3.0, 0.0)];
    let plan = plan(&canary(steps), &traffic);
    let requests = plan.needs[0].requests.unwrap();
    assert!((1_000.0..3_000.0).contains(&requests), "{requests}");
    expect!["errors can never be shown to be safe: the stable's rate is 0, and nothing says which rate is negligible"]
        .assert_eq(plan.needs[1].warning.as_deref().unwrap());
    assert_eq!(plan.time(), None);
}

#[test]
fn steps_that_never_conclude_are_warned_of() {
    let steps = || {
        let analysis = Step::Analyze(Arc::new(Analysis::default()));
        vec![
            analysis.clone(),
            weight(1.0),
            analysis.clone(),
            weight(50.0),
            analysis.clone(),
            weight(100.0),
            analysis,
        ]
    };
    let warnings = |per_second| {
        let traffic = Traffic {
            per_second,
            errors: 0.001,
            ..Traffic::default()
        };
        let plan = plan(&canary(steps()), &traffic);
        let lines: Vec<_> = plan
            .warnings()
            .map(|(step, warning)| format!("{step}: {warning}\n"))
            .collect();
        lines.concat()
    };
    expect![[r#"
        0: at 0 % one of the versions has no traffic, so nothing can be compared
        2: at 1 % and 0.1 requests per second errors needs about 73216 requests, 203.4 h; the deadline is 24.0 h
        6: at 100 % one of the versions has no traffic, so nothing can be compared
    "#]]
    .assert_eq(&warnings(0.1));
    expect![[r#"
        0: at 0 % one of the versions has no traffic, so nothing can be compared
        6: at 100 % one of the versions has no traffic, so nothing can be compared
    "#]]
    .assert_eq(&warnings(200.0));
    expect![[r#"
        0: at 0 % one of the versions has no traffic, so nothing can be compared
        2: there is no traffic, so there is no evidence
        4: there is no traffic, so there is no evidence
        6: at 100 % one of the versions has no traffic, so nothing can be compared
    "#]]
    .assert_eq(&warnings(0.0));
}
