//! What becomes of an event.

use super::*;

#[test]
fn an_event_counts_once_and_events_are_summed_up() {
    let feedback = fed(&declared(Unit::Request));
    expose(&feedback, "r", &seen("r", 10, 0));
    assert_eq!(
        take(&feedback, by_id("r", "spent", 2.0, "a"), 1),
        Taken::Accepted
    );
    assert_eq!(
        take(&feedback, by_id("r", "spent", 2.0, "a"), 2),
        Taken::Duplicate
    );
    // Another value is no other event.
    assert_eq!(
        take(&feedback, by_id("r", "spent", 9.0, "a"), 3),
        Taken::Duplicate
    );
    assert_eq!(
        take(&feedback, by_id("r", "spent", 3.0, "b"), 4),
        Taken::Accepted
    );
    // Of another metric it is another one, and so is one without an id.
    assert_eq!(
        take(&feedback, by_id("r", "sale", 1.0, "a"), 5),
        Taken::Accepted
    );
    assert_eq!(
        take(&feedback, by_id("r", "spent", 1.0, ""), 6),
        Taken::Accepted
    );
    assert_eq!(
        take(&feedback, by_id("r", "spent", 1.0, ""), 6),
        Taken::Duplicate
    );
    assert_eq!(arms(&feedback, 1), [(1, 6.0), (0, 0.0)]);
    assert_eq!(arms(&feedback, 0), [(1, 1.0), (0, 0.0)]);
    let counts = counts(&feedback);
    assert_eq!(
        (counts.exposed, counts.accepted, counts.duplicate),
        (1, 4, 3)
    );
}

#[test]
fn id_and_token_mean_the_same_request() {
    let feedback = fed(&declared(Unit::Request));
    let seen = seen("r", 10, 0);
    expose(&feedback, "r", &seen);
    assert_eq!(
        take(&feedback, by_id("r", "spent", 2.0, "a"), 1),
        Taken::Accepted
    );
    assert_eq!(
        take(&feedback, by_token("r", seen, "spent", 2.0, "a"), 2),
        Taken::Duplicate
    );
    assert_eq!(
        take(&feedback, by_token("r", seen, "spent", 4.0, "b"), 3),
        Taken::Accepted
    );
    assert_eq!(
        take(&feedback, by_id("r", "spent", 4.0, "b"), 4),
        Taken::Duplicate
    );
    assert_eq!(arms(&feedback, 1), [(1, 6.0), (0, 0.0)]);
}

#[test]
fn a_token_needs_no_memory_of_its_request() {
    let feedback = fed(&declared(Unit::Request));
    // Another replica gave the answer.
    let seen = seen("r", 6_000, 0);
    assert_eq!(
        take(&feedback, by_id("r", "sale", 1.0, "a"), 1),
        Taken::Unknown
    );
    assert_eq!(
        take(&feedback, by_token("r", seen, "sale", 1.0, "a"), 1),
        Taken::Accepted
    );
    assert_eq!(
        take(&feedback, by_token("r", seen, "sale", 1.0, "a"), 2),
        Taken::Duplicate
    );
    assert_eq!(counts(&feedback).exposed, 0);
    let foreign = Given {
        about: About::Token {
            course: 6,
            request: Request::of("r"),
            seen,
        },
        ..by_id("r", "sale", 1.0, "c")
    };
    assert_eq!(take(&feedback, foreign, 3), Taken::Unknown);
    let counts = counts(&feedback);
    assert_eq!(
        (counts.accepted, counts.duplicate, counts.unknown),
        (1, 1, 2)
    );
}

#[test]
fn what_comes_after_its_time_does_not_count() {
    let feedback = fed(&declared(Unit::Request));
    let seen = seen("r", 10, 0);
    expose(&feedback, "r", &seen);
    assert_eq!(
        take(&feedback, by_id("r", "sale", 1.0, "a"), WITHIN),
        Taken::Accepted
    );
    // One that came in time and comes again is told so.
    assert_eq!(
        take(&feedback, by_id("r", "sale", 1.0, "a"), WITHIN + 1),
        Taken::Duplicate
    );
    assert_eq!(
        take(&feedback, by_id("r", "sale", 1.0, "b"), WITHIN + 1),
        Taken::Late
    );
    assert_eq!(
        take(&feedback, by_token("q", seen, "sale", 1.0, "b"), WITHIN + 1),
        Taken::Late
    );
    assert_eq!(arms(&feedback, 0)[0].0, 1);
    // An hour later it is no longer known.
    feedback.changes(now(WITHIN + 3_600_001));
    assert_eq!(
        take(&feedback, by_id("r", "sale", 1.0, "b"), WITHIN + 3_600_001),
        Taken::Unknown
    );
    assert_eq!(counts(&feedback).remembered, 0);
}

#[test]
fn of_one_id_the_newest_is_meant_until_something_was_told_of_it() {
    let feedback = fed(&declared(Unit::Request));
    let (first, second) = (seen("r", 10, 0), seen("r", 6_000, 1));
    expose(&feedback, "r", &first);
    expose(&feedback, "r", &second);
    assert_eq!(
        take(&feedback, by_id("r", "spent", 1.0, "a"), 2),
        Taken::Accepted
    );
    assert_eq!(arms(&feedback, 1), [(0, 0.0), (1, 1.0)]);
    // The token of the first one still means the first one.
    assert_eq!(
        take(&feedback, by_token("r", first, "spent", 3.0, "a"), 3),
        Taken::Accepted
    );
    assert_eq!(
        take(&feedback, by_token("r", first, "spent", 3.0, "a"), 3),
        Taken::Duplicate
    );
    assert_eq!(arms(&feedback, 1), [(1, 3.0), (1, 1.0)]);
    // A request sent again cannot make an event count again.
    expose(&feedback, "r", &seen("r", 11, 4));
    assert_eq!(
        take(&feedback, by_id("r", "spent", 1.0, "a"), 5),
        Taken::Duplicate
    );
    assert_eq!(arms(&feedback, 1)[1], (1, 1.0));
    let counts = counts(&feedback);
    assert_eq!((counts.exposed, counts.reused), (3, 2));
}

#[test]
fn what_the_daemon_measures_counts_at_once() {
    let feedback = fed(&declared(Unit::Request));
    let requests = [
        ("r", 10, Some(0.5), Some(false)),
        ("s", 11, Some(1.5), Some(true)),
        // Somebody left, or the answer was kept: no word about the arm.
        ("t", 6_000, None, None),
    ];
    for (id, slot, seconds, error) in requests {
        expose_as(&feedback, id, &seen(id, slot, 0), seconds, error);
    }
    assert_eq!(arms(&feedback, 3), [(2, 1.0), (0, 0.0)]);
    assert_eq!(arms(&feedback, 4), [(2, 0.5), (0, 0.0)]);
    // Feedback of callers leaves that as it is.
    assert_eq!(
        take(&feedback, by_id("r", "spent", 8.0, "a"), 1),
        Taken::Accepted
    );
    assert_eq!(arms(&feedback, 3), [(2, 1.0), (0, 0.0)]);
    assert_eq!(arms(&feedback, 1)[0].1, 4.0);
}

#[test]
fn courses_come_and_go() {
    let feedback = fed(&declared(Unit::Request));
    expose(&feedback, "r", &seen("r", 10, 0));
    // Declared again, it goes on; no longer declared, it can be read and still takes feedback.
    feedback.courses(&[declared(Unit::Request)], now(1));
    feedback.courses(&[], now(2));
    assert_eq!(
        take(&feedback, by_id("r", "sale", 1.0, "a"), 3),
        Taken::Accepted
    );
    assert_eq!(arms(&feedback, 0)[0], (1, 1.0));
    let kept = feedback.changes(now(4));
    assert!(kept.iter().all(|keep| keep.text.is_some()) && !kept.is_empty());
    // The next one of its pipeline takes its place, and its parts leave the store.
    let next = Declared {
        course: 8,
        ..declared(Unit::Request)
    };
    feedback.courses(&[next], now(5));
    assert_eq!(feedback.record(&name(), 7), None);
    assert!(feedback.record(&name(), 8).is_some());
    assert_eq!(
        take(&feedback, by_id("r", "sale", 1.0, "b"), 6),
        Taken::Unknown
    );
    let mut store = Kept::default();
    store.keep(&kept);
    store.keep(&feedback.changes(now(7)));
    assert!(!store.0.is_empty());
    assert!(store.0.keys().all(|(_, key)| key.starts_with("p/8/")));
    // Where no other comes, it is forgotten after a week.
    feedback.courses(&[], now(8));
    feedback.courses(&[], now(8 + 7 * 24 * 3_600_000));
    assert!(feedback.counts().is_empty());
    store.keep(&feedback.changes(now(9)));
    assert!(store.0.is_empty());
    let refused = take_all(&feedback, &[by_id("r", "sale", 1.0, "b")], 10);
    assert_eq!(refused, Err(Refused::NoCourse { pipeline: name() }));
}

#[test]
fn rewards_are_those_of_one_book() {
    let feedback = fed(&declared_bandit());
    let spec = bandit();
    let mut plain = impresario_pipelines::learning::Rewards::new(&spec);
    assert_eq!(plain.metrics(), ["click", "click", "errors"]);
    for number in 0..500_u64 {
        let id = number.to_string();
        let seen = seen(&id, (number * 20) as u16, number);
        expose_as(&feedback, &id, &seen, None, Some(number % 5 == 0));
        let shown = impresario_pipelines::learning::Shown {
            arm: usize::from(seen.arm),
            propensity: half(),
            at: seen.at,
        };
        plain.expose(&shown);
        let error = Some(f64::from(u8::from(number % 5 == 0)));
        let before = [None, None, error];
        plain.feed(&shown, now(number), &[None; 3], &before);
        if number % 3 == 0 {
            let told = [by_id(&id, "click", 1.0, "a"), by_id(&id, "click", 1.0, "a")];
            let taken = take_all(&feedback, &told, number + 30).unwrap();
            assert_eq!(taken, [Taken::Accepted, Taken::Duplicate]);
            plain.feed(
                &shown,
                now(number + 30),
                &before,
                &[Some(1.0), Some(1.0), error],
            );
        }
    }
    let at = now(1_000);
    plain.settle(at);
    assert_eq!(feedback.rewards(&name(), 7, at), Some(plain));
    assert_eq!(feedback.record(&name(), 7), None);
}
