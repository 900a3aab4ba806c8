//! Records: what merging, storing and moving slots do to them.

use proptest::prelude::*;

use super::super::Verb;
use super::super::record::{Key, Plan};
use super::super::{Record, Unit, command};
use super::{at, country, goal, now, running, seen, spec, weights};
use crate::spec::experiment::{Experiment, GoalKind};

fn rich() -> Experiment {
    let covariate = Some("before".to_owned());
    let mut spec = spec(
        &[50.0, 50.0],
        vec![
            goal("sale", GoalKind::Binary),
            goal(
                "spent",
                GoalKind::Mean {
                    cap: None,
                    covariate,
                },
            ),
            goal(
                "right",
                GoalKind::Ratio {
                    per: "labelled".to_owned(),
                },
            ),
            goal("latency", GoalKind::Quantile(0.5)),
        ],
    );
    spec.segments.push(country());
    spec
}

/// What one request did: its key, its part of the traffic, and its feedback.
type Event = (u64, u8, [Option<u8>; 6]);

fn event() -> impl Strategy<Value = Event> {
    let value = || proptest::option::of(0_u8..4);
    (
        0_u64..400,
        0_u8..4,
        [value(), value(), value(), value(), value(), value()],
    )
}

fn count(record: &mut Record, (key, place, values): &Event) {
    let mut exposure = at(1, key * 97, Some(*key));
    exposure.dimensions[0] = *place;
    record.expose(&exposure, now(*key));
    let values = values.map(|value| value.map(f64::from));
    record.feed(&exposure, &[None; 6], &values);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whole numbers are summed exactly, whatever the order. A key's first value is another one elsewhere, so each of
    /// the two sees its own keys.
    #[test]
    fn two_records_merge_to_what_one_would_be(
        events in proptest::collection::vec(event(), 0..300),
        requests in any::<bool>(),
    ) {
        let unit = if requests { Unit::Request } else { Unit::Key };
        let spec = rich();
        let (_, mut whole) = running(&spec, unit);
        let (_, mut left) = running(&spec, unit);
        let (_, mut right) = running(&spec, unit);
        for event in &events {
            count(&mut whole, event);
            // Slots are shared out, as a key's requests may not be.
            count(if event.0 % 2 == 0 { &mut left } else { &mut right }, event);
        }
        left.merge(&right);
        prop_assert_eq!(&left, &whole);
        let parts = left.changes();
        prop_assert_eq!(Record::restore(&spec, unit, parts), Ok(whole));
        prop_assert_eq!(left.changes(), vec![]);
    }
}

#[test]
fn only_what_changed_is_stored_again() {
    let spec = rich();
    let (_, mut record) = running(&spec, Unit::Key);
    count(&mut record, &(1, 0, [Some(1); 6]));
    count(&mut record, &(70, 0, [Some(1); 6]));
    let keys = |record: &mut Record| {
        let parts = record.changes();
        let largest = parts.iter().map(|(_, bytes)| bytes.len()).max();
        assert!(largest.unwrap_or(0) < 12_000, "a part is some kilobytes");
        parts
            .into_iter()
            .map(|(key, _)| key.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        keys(&mut record),
        ["sums/0", "chunk/0/0", "chunk/0/67", "head"]
    );
    count(&mut record, &(1, 0, [Some(1); 6]));
    assert_eq!(keys(&mut record), ["sums/0", "chunk/0/0", "head"]);
    record.spoil();
    assert_eq!(keys(&mut record).len(), 4);
    for text in ["sums/0", "chunk/0/67", "head"] {
        assert_eq!(text.parse::<Key>().unwrap().to_string(), text);
    }
    assert!("chunk/0".parse::<Key>().is_err());
}

#[test]
fn damaged_parts_are_refused() {
    let spec = rich();
    let (_, mut record) = running(&spec, Unit::Key);
    count(&mut record, &(1, 0, [Some(1); 6]));
    let parts = record.changes();
    let mut short = parts.clone();
    short[1].1.pop();
    let what = Record::restore(&spec, Unit::Key, short)
        .unwrap_err()
        .to_string();
    assert_eq!(
        what,
        "part 'chunk/0/0' of the evidence is damaged or of another experiment: it is too short"
    );
    let lost = parts
        .iter()
        .filter(|(key, _)| *key == Key::Head)
        .cloned()
        .collect();
    let what = Record::restore(&spec, Unit::Key, lost).unwrap_err().what;
    assert_eq!(what, "a segment's sums are missing");
    let mut other = spec.clone();
    other.goals.pop();
    assert!(Record::restore(&other, Unit::Key, parts.clone()).is_err());
    // Of an experiment by requests there are no slots.
    assert!(Record::restore(&spec, Unit::Request, parts).is_err());
}

#[test]
fn a_pause_opens_no_new_stretch_and_moved_keys_are_told() {
    let spec = spec(&[50.0, 50.0], vec![goal("sale", GoalKind::Binary)]);
    let (mut trial, mut record) = running(&spec, Unit::Key);
    let verbs = [
        Verb::Pause {
            why: "a test".to_owned(),
        },
        Verb::Resume,
        Verb::SetWeights(weights(&[60.0, 40.0])),
    ];
    for key in 0..1_000 {
        record.expose(&at(trial.segment, key * 10, Some(key)), now(0));
    }
    for verb in verbs {
        trial = command(&trial, &spec, &verb, now(1)).unwrap().next;
        if let Some(step) = super::super::tick(&trial, &spec, &Default::default(), now(1)) {
            trial = step.next;
        }
        record.open(trial.segment, &trial.slots);
        for key in 0..1_000 {
            record.expose(&at(trial.segment, key * 10, Some(key)), now(1));
        }
    }
    let report = seen(&record, &spec, &trial);
    let spans: Vec<_> = report
        .health
        .spans
        .iter()
        .map(|span| &span.segments[..])
        .collect();
    assert_eq!(spans, [&[1, 3][..], &[4][..]]);
    // A tenth of the slots changed hands, and every key came again.
    assert!(
        (report.health.twice - 100.0).abs() < 1.0,
        "{}",
        report.health.twice
    );
    assert_eq!(
        report.health.warnings,
        ["about 100 keys met more than one arm, because weights changed"]
    );
    assert_eq!(record.foreign(), 0);
    assert_eq!(record.expose(&at(9, 0, None), now(1)), None);
    assert_eq!(record.foreign(), 1);
}

#[test]
fn values_that_were_not_declared_are_one() {
    let country = country();
    let place = |value| Plan::place(&country, value);
    assert_eq!(
        [
            place(Some("de")),
            place(Some("fr")),
            place(Some("it")),
            place(None)
        ],
        [0, 1, 2, 2]
    );
}
