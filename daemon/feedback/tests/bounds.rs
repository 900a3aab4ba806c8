//! What is remembered is bounded, in memory and in the store, and what was forgotten cannot count twice.

use super::*;
use crate::feedback::joins::MAX_EVENTS;

fn tight() -> Limits {
    Limits {
        requests: 1_600,
        told: 800,
        events: 1_600,
        per_second: 1_000_000,
    }
}

#[test]
fn the_oldest_leave_and_are_counted() {
    let feedback = bounded(&declared(Unit::Request), tight());
    for number in 0..10_000_u64 {
        let id = number.to_string();
        expose(&feedback, &id, &seen(&id, number as u16, number));
    }
    let counts = counts(&feedback);
    assert_eq!(counts.exposed, 10_000);
    assert_eq!(counts.remembered + counts.dropped, 10_000);
    assert_eq!(counts.remembered, 1_600);
    assert_eq!(
        take(&feedback, by_id("0", "sale", 1.0, "a"), 1),
        Taken::Unknown
    );
    assert_eq!(
        take(&feedback, by_id("9999", "sale", 1.0, "a"), 1),
        Taken::Accepted
    );
    // Who has left can still be told of by its token: nothing was told of it.
    let token = by_token("0", seen("0", 0, 0), "sale", 1.0, "a");
    assert_eq!(take(&feedback, token, 1), Taken::Accepted);
}

#[test]
fn what_was_told_and_forgotten_does_not_count_again() {
    let feedback = bounded(&declared(Unit::Request), tight());
    let mut store = Kept::default();
    let token = |number: u64| {
        let id = number.to_string();
        by_token(&id, seen(&id, number as u16, number), "spent", 1.0, "a")
    };
    for (id, slot) in [("one", 10), ("other", 6_000)] {
        expose(&feedback, id, &seen(id, slot, 0));
    }
    for number in 0..5_000_u64 {
        assert_eq!(take(&feedback, token(number), number), Taken::Accepted);
    }
    store.keep(&feedback.changes(now(5_000)));
    assert_eq!(counts(&feedback).remembered, 802);
    let again = |feedback: &Feedback| {
        for number in 0..5_000 {
            let taken = take(feedback, token(number), 5_001);
            assert!(
                matches!(taken, Taken::Late | Taken::Duplicate),
                "{number}: {taken:?}"
            );
        }
    };
    again(&feedback);
    let fed: u64 = arms(&feedback, 1).iter().map(|arm| arm.0).sum();
    assert_eq!(fed, 5_000);
    // Nor after a restart.
    let feedback = Feedback::new(tight());
    for shelf in [Shelf::Record, Shelf::Feedback] {
        feedback.restore(shelf, store.on(shelf));
    }
    feedback.courses(&[declared(Unit::Request)], now(5_000));
    again(&feedback);
}

#[test]
fn a_request_takes_so_many_events() {
    let feedback = fed(&declared(Unit::Request));
    expose(&feedback, "r", &seen("r", 10, 0));
    for number in 0..MAX_EVENTS {
        let event = number.to_string();
        assert_eq!(
            take(&feedback, by_id("r", "spent", 1.0, &event), 1),
            Taken::Accepted
        );
    }
    assert_eq!(
        take(&feedback, by_id("r", "spent", 1.0, "more"), 1),
        Taken::Full
    );
    assert_eq!(
        take(&feedback, by_id("r", "spent", 1.0, "0"), 1),
        Taken::Duplicate
    );
    assert_eq!(arms(&feedback, 1)[0].1, MAX_EVENTS as f64);
    assert_eq!(counts(&feedback).full, 1);
}

#[test]
fn events_are_bounded_over_all_requests() {
    let feedback = bounded(&declared(Unit::Request), tight());
    let mut events = 0;
    for number in 0..400_u64 {
        let id = number.to_string();
        expose(&feedback, &id, &seen(&id, number as u16, number));
        for event in 0..MAX_EVENTS {
            let event = event.to_string();
            let taken = take(&feedback, by_id(&id, "spent", 1.0, &event), number);
            events += u64::from(taken == Taken::Accepted);
        }
    }
    assert_eq!(events, 400 * MAX_EVENTS as u64);
    // 100 events in each of 16 parts.
    let counts = counts(&feedback);
    assert!(
        counts.remembered <= 1_600 / MAX_EVENTS as u64 + 16,
        "{counts:?}"
    );
}

/// Minutes of traffic with feedback, a store that is asked once a second: it holds no more than a few times what is
/// remembered, and nothing when all is over.
#[test]
fn the_store_holds_no_more_than_is_remembered_a_few_times_over() {
    let feedback = bounded(&declared(Unit::Request), tight());
    let mut store = Kept::default();
    let mut dice = Dice(3);
    let mut most = 0;
    for second in 0..100_u64 {
        for _ in 0..100 {
            let number = second * 100 + dice.below(100);
            let id = number.to_string();
            expose(
                &feedback,
                &id,
                &seen(&id, (number % 10_000) as u16, second * 1_000),
            );
            let old = number.saturating_sub(dice.below(1_000)).to_string();
            let event = dice.below(3).to_string();
            feedback
                .take(
                    &name(),
                    &[by_id(&old, "spent", 1.0, &event)],
                    now(second * 1_000),
                )
                .unwrap();
        }
        let changes = feedback.changes(now(second * 1_000));
        assert!(
            changes
                .iter()
                .all(|keep| keep.text.as_ref().is_none_or(|t| t.len() < 256 << 10))
        );
        store.keep(&changes);
        let bytes = store
            .on(Shelf::Feedback)
            .iter()
            .map(|(_, text)| text.len())
            .sum();
        most = most.max(bytes);
    }
    // A request is 100 to 150 bytes here; at most 2,400 are remembered, and 8,000 rows may wait for moving.
    assert!(most < 10_400 * 4 * 150, "{most}");
    assert!(most > 50_000, "{most}");
    let over = 100_000 + WITHIN + 3_600_001;
    store.keep(&feedback.changes(now(over)));
    let left: Vec<_> = store
        .on(Shelf::Feedback)
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    assert_eq!(left, ["p/7/head"]);
}

#[test]
fn where_nobody_keeps_anything_nothing_piles_up() {
    let feedback = bounded(&declared(Unit::Request), tight());
    for number in 0..20_000_u64 {
        let id = number.to_string();
        expose(&feedback, &id, &seen(&id, (number % 10_000) as u16, number));
    }
    let changes = feedback.changes(now(20_000));
    let requests = changes
        .iter()
        .filter(|keep| keep.key.contains("/requests/"));
    assert_eq!(requests.count(), 2, "1,600 requests are two batches");
}
