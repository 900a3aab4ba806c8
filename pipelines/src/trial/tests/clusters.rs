//! Standard errors where keys are the units, against the plain jackknife: each slot left out of everything in turn.

use super::super::{Unit, Verb, command};
use super::{Dice, at, goal, now, running, seen, spec, weights};
use crate::spec::experiment::GoalKind;

/// What one slot gave in one span: its number, its arm, its sum, and its requests.
struct Row {
    slot: u64,
    arm: usize,
    sum: f64,
    requests: f64,
}

/// The difference of ratios, each span by its part, without one slot.
fn difference(spans: &[(f64, Vec<Row>)], without: Option<u64>) -> f64 {
    let ratio = |rows: &[Row], arm: usize| {
        let rows = rows
            .iter()
            .filter(|row| row.arm == arm && Some(row.slot) != without);
        let (y, n) = rows.fold((0.0, 0.0), |(y, n), row| (y + row.sum, n + row.requests));
        y / n
    };
    let each = spans
        .iter()
        .map(|(part, rows)| part * (ratio(rows, 1) - ratio(rows, 0)));
    each.sum()
}

#[test]
fn a_slot_that_moved_is_in_both_arms() {
    let per = "requests".to_owned();
    let spec = spec(&[50.0, 50.0], vec![goal("stars", GoalKind::Ratio { per })]);
    let (mut trial, mut record) = running(&spec, Unit::Key);
    let mut spans = Vec::new();
    for span in 0..2 {
        let mut rows = Vec::new();
        for slot in (0..10_000).step_by(100) {
            // A taste for each slot, strong beside what differs from request to request.
            let mut own = Dice(slot);
            let taste = 5.0 * own.normal();
            let mut row = Row {
                slot,
                arm: 0,
                sum: 0.0,
                requests: 0.0,
            };
            let mut dice = Dice(slot * 2 + span);
            for _ in 0..1 + own.next() % 9 {
                let exposure = at(trial.segment, slot, Some(slot));
                row.arm = record.expose(&exposure, now(0)).unwrap();
                let stars = taste + dice.normal();
                record.feed(&exposure, &[None; 2], &[Some(stars), Some(1.0)]);
                row.sum += stars;
                row.requests += 1.0;
            }
            rows.push(row);
        }
        // As many keys in each span, so each counts by half.
        spans.push((0.5, rows));
        if span == 0 {
            let verb = Verb::SetWeights(weights(&[10.0, 90.0]));
            trial = command(&trial, &spec, &verb, now(1)).unwrap().next;
            record.open(trial.segment, &trial.slots);
        }
    }
    let whole = difference(&spans, None);
    let slots = (0..10_000).step_by(100);
    let parts = slots.map(|slot| (difference(&spans, Some(slot)) - whole).powi(2));
    let expected = (0.99 * parts.sum::<f64>()).sqrt();
    let numbers = seen(&record, &spec, &trial).goals[0].contrasts[0]
        .absolute
        .unwrap();
    assert!((numbers.value - whole).abs() < 1e-9);
    // The arms count their clusters each by itself, which is a per cent.
    assert!(
        (numbers.se / expected - 1.0).abs() < 0.02,
        "{} {expected}",
        numbers.se
    );
}
