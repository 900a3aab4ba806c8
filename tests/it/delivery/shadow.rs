//! Shadows: what the report says is what anybody can count, and no caller notices.

use serde_json::{Value, json};

use super::traffic::{Caller, Crowd, crowd};
use super::{first, house};
use crate::daemon::Daemon;

/// Puts a version beside the one that answers; it sees all that is asked.
fn beside(daemon: &Daemon, version: u64) {
    let mut pipeline = first();
    pipeline["shadow"] = json!({
        "model": "digits", "version": version,
        "sample": 1, "noise": 1, "queue": 1000, "examples": 3,
    });
    let put = daemon.admin_put("/pipelines/postcode", &pipeline);
    assert_eq!(put.status, 200, "{put:?}");
    daemon.until(
        |daemon| daemon.version("digits", version),
        |version| version.body["phase"] == "ready",
    );
}

/// The report once so many pairs were compared.
fn compared(daemon: &Daemon, pairs: u64) -> Value {
    let shadow = daemon.until(
        |daemon| daemon.admin_get("/pipelines/postcode/shadow"),
        |shadow| shadow.body["beside"][0]["report"]["coverage"]["compared"].as_u64() >= Some(pairs),
    );
    shadow.body["beside"][0]["report"].clone()
}

#[test]
fn the_report_says_what_anybody_can_count() {
    let house = house("canary", &first());
    let daemon = house.serve_config();
    beside(&daemon, 2);
    let seen = Crowd::bounded(&daemon.http, "postcode", 1, 300, crowd::Plain).finish();
    assert_eq!(
        (seen.errors, seen.answers()),
        (0, 300),
        "{:?}",
        seen.first_error
    );
    let report = compared(&daemon, 300);
    // The same digits, asked of each version by its number.
    let labels = |version: u64| -> Vec<bool> {
        let caller = Caller::new(&daemon.http, &format!("digits/versions/{version}"));
        (0..300)
            .map(|digit| caller.ask(digit, None).right)
            .collect()
    };
    let (one, two) = (labels(1), labels(2));
    // Where one is right and the other is not, they differ; where both are wrong, they may.
    let sure = one.iter().zip(&two).filter(|(one, two)| one != two).count() as u64;
    let both = one
        .iter()
        .zip(&two)
        .filter(|(one, two)| !**one && !**two)
        .count() as u64;
    let rate = &report["agreement"];
    let differ = rate["pairs"].as_u64().unwrap() - rate["agree"].as_u64().unwrap();
    assert_eq!(rate["pairs"], 300, "{rate}");
    assert!(
        (sure..=sure + both).contains(&differ),
        "{differ} of {sure} to {}",
        sure + both
    );
    assert_eq!(report["noise"]["share"], 1.0, "{report}");
    assert_eq!(report["finding"], "differs", "{report}");
    assert_eq!(report["errors"]["shadow"], 0, "{report}");
    let examples = report["examples"].as_array().unwrap();
    // As many as are asked for of each kind, the worst kind first.
    let labels = examples.iter().filter(|example| example["kind"] == "label");
    assert_eq!(labels.count(), 3, "{examples:?}");
    assert_eq!(examples[0]["kind"], "label", "{examples:?}");
}

#[test]
fn nobody_notices_a_broken_shadow() {
    let house = house("canary", &first());
    let daemon = house.serve_config();
    beside(&daemon, 3);
    let seen = Crowd::bounded(&daemon.http, "postcode", 2, 300, crowd::Plain).finish();
    assert_eq!(
        (seen.errors, seen.answers()),
        (0, 300),
        "{:?}",
        seen.first_error
    );
    assert_eq!(seen.of("standalone"), 300, "{:?}", seen.variants.keys());
    let report = compared(&daemon, 300);
    assert_eq!(report["finding"], "fails", "{report}");
    // 181 of these digits are more than the version can take.
    assert_eq!(report["errors"]["shadow"], 181, "{report}");
    assert_eq!(report["errors"]["answering"], 0, "{report}");
}
