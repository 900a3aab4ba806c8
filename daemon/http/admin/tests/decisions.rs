//! Decisions explained, and what evidence looks like on the wire.

use std::time::Duration;

use impresario_pipelines::Variant;
use impresario_pipelines::analysis::{Class, Evidence, Source, Tally, read};
use impresario_pipelines::bucket::{Slot, Weight};
use impresario_pipelines::fleet::Revision;
use impresario_pipelines::spec::canary::Analysis;
use impresario_pipelines::table::Why;

use super::super::wire::EvidenceV1;
use super::*;
use crate::measure::Outcome;
use crate::serve::decisions::{Feedback, Record};
use crate::serve::{Rescue, Unit};

/// A request whose canary failed and whose stable answered.
fn record(id: &str) -> Record {
    Record {
        id: id.into(),
        pipeline: Name::new("front").unwrap(),
        revision: Revision(7),
        split: None,
        slot: Slot::new(42),
        unit: Some(Unit::of("ada")),
        variant: Variant::CANARY,
        arm: Some(1),
        why: Why::Slot,
        model: Name::new("pair").unwrap(),
        version: VersionNumber::ONE,
        queue: Duration::from_millis(2),
        compute: Duration::from_millis(3),
        total: Duration::from_millis(6),
        outcome: Outcome::Success,
        rescue: Some(Rescue {
            from: Variant::CANARY,
            why: "crashed",
        }),
        trace: None,
        trail: None,
        shadow: None,
        at_ms: 1_700_000_000_000,
        feedback: vec![Feedback {
            metric: "click".into(),
            value: 1.0,
            at_ms: 1_700_000_001_000,
        }],
    }
}

#[actix_web::test]
async fn a_decision_is_explained_as_long_as_it_is_kept() {
    let plane = plane().await;
    let path = "/admin/v1/decisions/r%2F1";
    assert_eq!(plane.get(path).await.code(), "404 unknown-decision");
    plane.fleet.serve().decisions().push(record("r/1"));
    let told = plane.get(path).await;
    assert_eq!(
        told.at("/sentence"),
        "variant 'canary', because the slot of its key, 42, belongs to it: 'canary' failed (crashed), and model 'pair' \
         version 1 answered in its place"
    );
    assert_eq!(
        (told.at("/revision"), told.at("/why")),
        (7.into(), "slot".into())
    );
    assert_eq!(told.at("/rescue/from"), "canary");
    assert_eq!(told.at("/total_ms"), 6.0);
    assert_eq!(told.at("/feedback/0/at"), "2023-11-14T22:13:21.000Z");
    assert!(
        !told.text.contains("ada"),
        "keys are not told: {}",
        told.text
    );
}

#[test]
fn evidence_is_shown_with_its_numbers_and_odds() {
    let mut evidence = Evidence::default();
    let weights = [90.0, 10.0].map(|percent| Weight::from_percent(percent).unwrap());
    evidence.open(0, &weights, true);
    let mut tally = Tally::default();
    for (arm, requests, errors) in [(0, 9_000, 45), (1, 1_000, 60)] {
        let counts = tally.arm_mut(arm);
        (counts.requests, counts.units) = (requests, requests);
        counts.events[Class::Exposure.index()] = requests;
        counts.events[Class::Errors.index()] = errors;
    }
    assert!(evidence.put(0, Source::default(), tally));
    let readings = read(&evidence, &Analysis::default(), 3.0, false);
    let shown = serde_json::to_value(EvidenceV1::of(&readings, 0.01)).unwrap();
    assert_eq!(shown["verdict"], "failed");
    assert_eq!(shown["harm"]["shown"], true);
    assert_eq!(shown["harm"]["bar_odds"], "100 to 1");
    assert_eq!(shown["harm"]["top"], "errors");
    let errors = &shown["guardrails"][0];
    assert_eq!(errors["metric"], "errors");
    assert_eq!(
        (&errors["events"]["canary"], &errors["of"]["stable"]),
        (&60.into(), &9_000.into())
    );
    assert_eq!(
        (&errors["rates"]["canary"], &errors["safe"]),
        (&0.06.into(), &false.into())
    );
    assert!(errors["ratio"]["low"].as_f64().unwrap() > 3.0, "{errors}");
    assert!(
        errors["sentence"]
            .as_str()
            .unwrap()
            .contains("harm is shown"),
        "{errors}"
    );
    // Nothing was late: what is not known has no number.
    let timeouts = &shown["guardrails"][1];
    assert_eq!(timeouts["ratio"]["high"], Value::Null, "{timeouts}");
}
