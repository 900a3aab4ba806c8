//! What is refused, with what was expected and got; nothing of it is taken.

use expect_test::{Expect, expect};

use super::*;
use crate::feedback::{MAX_EVENTS, MAX_TEXT};

fn check(given: &[Given<'_>], expected: Expect) {
    let feedback = fed(&declared(Unit::Request));
    expose(&feedback, "r", &seen("r", 10, 0));
    let refused = take_all(&feedback, given, 1).unwrap_err();
    expected.assert_eq(&refused.to_string());
    assert_eq!(refused.retry_after(), None);
    let counts = counts(&feedback);
    assert_eq!((counts.accepted, counts.refused), (0, 1));
    assert_eq!(arms(&feedback, 1)[0], (0, 0.0));
}

#[test]
fn what_is_wrong_is_told() {
    let good = by_id("r", "spent", 1.0, "a");
    check(
        &[good, by_id("r", "sales", 1.0, "a")],
        expect![
            "event 1: metric: expected one of the metrics 'sale', 'spent', 'right', 'labelled', got 'sales'"
        ],
    );
    check(
        &[by_id("r", "latency", 1.0, "a")],
        expect![
            "event 0: metric: expected one of the metrics 'sale', 'spent', 'right', 'labelled', got 'latency'"
        ],
    );
    check(
        &[good, good, by_id("r", "sale", 0.5, "a")],
        expect!["event 2: value: expected 0 or 1, as 'sale' happens or not, got 0.5"],
    );
    check(
        &[by_id("r", "spent", f64::INFINITY, "a")],
        expect!["event 0: value: expected a finite number, got inf"],
    );
    check(
        &[by_id("r", "sale", f64::NAN, "a")],
        expect!["event 0: value: expected 0 or 1, as 'sale' happens or not, got NaN"],
    );
    let long = "x".repeat(MAX_TEXT + 1);
    check(
        &[by_id(&long, "spent", 1.0, "a")],
        expect!["event 0: request_id: expected at most 256 bytes, got 257"],
    );
    check(
        &[by_id("r", "spent", 1.0, &long)],
        expect!["event 0: event_id: expected at most 256 bytes, got 257"],
    );
    check(&[], expect!["expected 1 to 1000 events, got 0"]);
    check(
        &vec![good; MAX_EVENTS + 1],
        expect!["expected 1 to 1000 events, got 1001"],
    );
}

#[test]
fn a_flood_is_refused_until_it_ebbs() {
    let limits = Limits {
        per_second: 500,
        ..Limits::default()
    };
    let feedback = bounded(&declared(Unit::Request), limits);
    let given = vec![by_id("nobody", "sale", 1.0, "a"); MAX_EVENTS];
    assert!(take_all(&feedback, &given, 0).is_ok());
    let refused = take_all(&feedback, &given[..10], 0).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "pipeline 'p' takes 500 events of feedback in a second; more came than that"
    );
    assert_eq!(refused.retry_after(), Some(Duration::from_millis(20)));
    assert!(take_all(&feedback, &given[..10], 20).is_ok());
    let counts = counts(&feedback);
    assert_eq!((counts.unknown, counts.refused), (1_010, 1));
}

#[test]
fn pipelines_that_learn_nothing_take_nothing() {
    let feedback = Feedback::default();
    let refused = take_all(&feedback, &[by_id("r", "sale", 1.0, "a")], 0).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "pipeline 'p' takes no feedback: it runs no experiment and no bandit"
    );
    // Of an experiment that asks for nothing but what is measured here, no metric can be told.
    let mut spec = experiment();
    spec.goals = std::mem::take(&mut spec.guardrails);
    let wants = Wants::Experiment {
        spec: Arc::new(spec),
        unit: Unit::Request,
    };
    let feedback = fed(&Declared {
        wants,
        ..declared(Unit::Request)
    });
    let refused = take_all(&feedback, &[by_id("r", "sale", 1.0, "a")], 0).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "event 0: metric: expected no metric: all are measured here, got 'sale'"
    );
}
