//! What a restart leaves: all but the last second, and nothing twice.

use super::*;

/// What comes out of a store, in another process.
fn again(store: &Kept, declared: &Declared, ms: u64) -> Feedback {
    let feedback = Feedback::default();
    for shelf in [Shelf::Record, Shelf::Feedback] {
        feedback.restore(shelf, store.on(shelf));
    }
    feedback.courses(std::slice::from_ref(declared), now(ms));
    feedback
}

fn some_traffic(feedback: &Feedback, from: u64) {
    for number in from..from + 300 {
        let id = number.to_string();
        let mut seen = seen(&id, (number * 33 % 10_000) as u16, number);
        seen.dimensions[0] = (number % 3) as u8;
        expose(feedback, &id, &seen);
        if number % 2 == 0 {
            let value = (number % 7) as f64;
            take(feedback, by_id(&id, "spent", value, "a"), number);
        }
    }
}

#[test]
fn it_goes_on_where_it_was() {
    for unit in [Unit::Request, Unit::Key] {
        let declared = declared(unit);
        let before = fed(&declared);
        let mut store = Kept::default();
        some_traffic(&before, 0);
        store.keep(&before.changes(now(300)));
        some_traffic(&before, 300);
        store.keep(&before.changes(now(600)));
        assert_eq!(before.changes(now(600)), []);
        let after = again(&store, &declared, 700);
        assert_eq!(after.record(&name(), 7), before.record(&name(), 7));
        assert_eq!(counts(&after).remembered, 600);
        // What is as it was stored is not stored again.
        assert_eq!(after.changes(now(700)), []);
        // Replayed, by id and by token: nothing counts twice.
        for number in [0_u64, 302, 598] {
            let id = number.to_string();
            let value = (number % 7) as f64;
            assert_eq!(
                take(&after, by_id(&id, "spent", value, "a"), 700),
                Taken::Duplicate
            );
            let seen = seen(&id, (number * 33 % 10_000) as u16, number);
            let token = by_token(&id, seen, "spent", value, "a");
            assert_eq!(take(&after, token, 700), Taken::Duplicate);
        }
        assert_eq!(after.record(&name(), 7), before.record(&name(), 7));
        // New feedback on old requests continues their sums.
        for feedback in [&before, &after] {
            assert_eq!(
                take(feedback, by_id("4", "spent", 5.0, "b"), 800),
                Taken::Accepted
            );
            assert_eq!(
                take(feedback, by_id("5", "spent", 5.0, "b"), 800),
                Taken::Accepted
            );
        }
        assert_eq!(after.record(&name(), 7), before.record(&name(), 7));
        store.keep(&after.changes(now(900)));
        let third = again(&store, &declared, 900);
        assert_eq!(
            take(&third, by_id("5", "spent", 5.0, "b"), 900),
            Taken::Duplicate
        );
    }
}

#[test]
fn a_token_counts_after_the_last_second_was_lost() {
    let declared = declared(Unit::Request);
    let before = fed(&declared);
    let mut store = Kept::default();
    store.keep(&before.changes(now(0)));
    let seen = seen("r", 10, 1);
    expose(&before, "r", &seen);
    let after = again(&store, &declared, 2);
    assert_eq!(
        take(&after, by_id("r", "sale", 1.0, "a"), 3),
        Taken::Unknown
    );
    assert_eq!(
        take(&after, by_token("r", seen, "sale", 1.0, "a"), 3),
        Taken::Accepted
    );
    assert_eq!(
        arms(&after, 0)[0].0,
        0,
        "an arm without a request has no value"
    );
    let record = after.record(&name(), 7).unwrap();
    assert_eq!(record.foreign(), 0);
}

#[test]
fn rewards_go_on_with_the_propensities_of_their_time() {
    let declared = declared_bandit();
    let before = fed(&declared);
    let mut store = Kept::default();
    let old = seen("r", 10, 1);
    expose_as(&before, "r", &old, None, None);
    store.keep(&before.changes(now(10)));
    // The shares have moved since.
    let skewed = [80.0, 20.0].map(|percent| Weight::from_percent(percent).unwrap());
    let moved = Declared {
        segment: declared.segment + 1,
        slots: slots().reweigh(&skewed).unwrap(),
        ..declared.clone()
    };
    let after = again(&store, &moved, 20);
    before.courses(&[moved], now(20));
    for feedback in [&before, &after] {
        assert_eq!(
            take(feedback, by_token("q", old, "click", 1.0, "a"), 30),
            Taken::Accepted
        );
        assert_eq!(
            take(feedback, by_id("r", "click", 1.0, "a"), 30),
            Taken::Accepted
        );
    }
    let (before, after) = (
        before.rewards(&name(), 7, now(40)),
        after.rewards(&name(), 7, now(40)),
    );
    assert!(before.is_some());
    assert_eq!(before, after);
}

#[test]
fn what_is_damaged_is_left_out_and_the_rest_goes_on() {
    let declared = declared(Unit::Key);
    let before = fed(&declared);
    let mut store = Kept::default();
    for number in [2_u16, 300] {
        let id = number.to_string();
        expose(&before, &id, &seen(&id, number * 33, 2));
        assert_eq!(
            take(&before, by_id(&id, "spent", 2.0, "a"), 2),
            Taken::Accepted
        );
        store.keep(&before.changes(now(300)));
    }
    let damages: [fn(&str) -> String; 6] = [
        |_| String::new(),
        |_| "{}".to_owned(),
        |text| text.replace("\"v\":1", "\"v\":2"),
        |text| text[..text.len() / 2].to_owned(),
        |_| "{\"v\":1,\"bytes\":\"AAAA\"}".to_owned(),
        |_| "{\"v\":1,\"bytes\":\"?\"}".to_owned(),
    ];
    for key in store.0.keys() {
        for damage in damages {
            let mut damaged = store.clone();
            let text = damaged.0.get_mut(key).unwrap();
            *text = damage(text);
            let after = again(&damaged, &declared, 600);
            // Whatever is missing, nothing counts twice.
            let token = by_token("2", seen("2", 66, 2), "spent", 2.0, "a");
            let taken = take(&after, token, 600);
            assert!(
                matches!(taken, Taken::Duplicate | Taken::Late),
                "{key:?}: {taken:?}"
            );
            some_traffic(&after, 600);
            assert_eq!(counts(&after).exposed, 300, "{key:?}");
            // It stores itself anew, and what is damaged is there no more.
            damaged.keep(&after.changes(now(700)));
            let third = again(&damaged, &declared, 700);
            let record = third.record(&name(), 7);
            assert_eq!(record, after.record(&name(), 7), "{key:?}");
            assert_eq!(third.changes(now(700)), [], "{key:?}");
        }
    }
}

#[test]
fn what_belongs_to_nobody_is_removed() {
    let mut store = Kept::default();
    for key in [
        "q/7/head",
        "p/6/requests/0000000001",
        "p/x/head",
        "",
        "p",
        "../7/head",
        "p/7/odd",
    ] {
        let key = (Shelf::Feedback, key.to_owned());
        store
            .0
            .insert(key, "{\"v\":1,\"horizons\":[],\"weights\":{}}".to_owned());
    }
    let feedback = again(&store, &declared(Unit::Request), 0);
    store.keep(&feedback.changes(now(0)));
    let left: Vec<_> = store
        .on(Shelf::Feedback)
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    assert_eq!(left, ["p/7/head"]);
}

#[test]
fn what_could_not_be_kept_is_given_out_again() {
    let declared = declared(Unit::Key);
    let feedback = fed(&declared);
    let mut store = Kept::default();
    some_traffic(&feedback, 0);
    store.keep(&feedback.changes(now(300)));
    some_traffic(&feedback, 300);
    // The store has no room.
    let lost = feedback.changes(now(600));
    assert!(!lost.is_empty());
    feedback.spoil();
    store.keep(&feedback.changes(now(601)));
    let after = again(&store, &declared, 700);
    assert_eq!(after.record(&name(), 7), feedback.record(&name(), 7));
    assert_eq!(counts(&after).remembered, 600);
    // Removals too.
    let next = Declared {
        course: 8,
        ..declared.clone()
    };
    feedback.courses(&[next], now(800));
    feedback.changes(now(800));
    feedback.spoil();
    store.keep(&feedback.changes(now(801)));
    assert!(!store.0.is_empty());
    assert!(store.0.keys().all(|(_, key)| key.starts_with("p/8/")));
}
