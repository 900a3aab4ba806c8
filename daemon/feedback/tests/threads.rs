//! Many threads at once: every exposure and every event is counted, once.

use std::thread;

use super::*;

const THREADS: u64 = 8;
const EACH: u64 = 2_000;

#[test]
fn nothing_is_lost_between_threads() {
    let declared = declared(Unit::Request);
    let limits = Limits {
        per_second: 1_000_000,
        ..Limits::default()
    };
    let feedback = bounded(&declared, limits);
    let keeper = feedback.clone();
    let mut store = Kept::default();
    let workers: Vec<_> = (0..THREADS)
        .map(|thread| {
            let feedback = feedback.clone();
            thread::spawn(move || {
                let slots = slots();
                let mut accepted = 0_u64;
                for number in 0..EACH {
                    let id = format!("{thread}-{number}");
                    let slot = Slot::new(((thread * EACH + number) * 7 % 10_000) as u16).unwrap();
                    feedback.exposed(&Exposure {
                        pipeline: &name(),
                        course: 7,
                        segment: 1,
                        slots: &slots,
                        arm: slots.owner(slot),
                        slot,
                        unit: number,
                        request: Request::of(&id),
                        at: now(number).wall,
                        dimensions: [0; 8],
                        latency: Some(Duration::from_secs(1)),
                        error: Some(number % 4 == 0),
                    });
                    // Own requests, and events that all threads tell of the same requests.
                    let shared = format!("0-{}", number / 2);
                    let given = [
                        by_id(&id, "spent", 2.0, &id),
                        by_id(&shared, "right", 1.0, "once"),
                        by_id(&shared, "labelled", 1.0, &id),
                    ];
                    let now = Now {
                        monotonic: 0,
                        ..now(number)
                    };
                    let taken = feedback.take(&name(), &given, now).unwrap();
                    accepted += taken
                        .iter()
                        .filter(|taken| **taken == Taken::Accepted)
                        .count() as u64;
                }
                accepted
            })
        })
        .collect();
    // Somebody keeps it all the while.
    while workers.iter().any(|worker| !worker.is_finished()) {
        store.keep(&keeper.changes(now(EACH)));
        thread::yield_now();
    }
    let accepted: u64 = workers
        .into_iter()
        .map(|worker| worker.join().unwrap())
        .sum();
    let counts = counts(&feedback);
    let requests = THREADS * EACH;
    assert_eq!((counts.exposed, counts.remembered), (requests, requests));
    assert_eq!(counts.accepted, accepted);
    let all = counts.accepted + counts.duplicate + counts.unknown + counts.full;
    assert_eq!(all, 3 * requests);
    let report = feedback.report(&name(), &running(), now(EACH)).unwrap();
    let of_arms: Vec<u64> = report.arms.iter().map(|arm| arm.requests).collect();
    assert_eq!(of_arms.iter().sum::<u64>(), requests);
    let sum = |goal: usize| -> f64 {
        let values = report.goals[goal].arms.iter().zip(&of_arms);
        values
            .map(|(value, requests)| value.unwrap().value * *requests as f64)
            .sum()
    };
    assert!((sum(1) - 2.0 * requests as f64).abs() < 1e-6, "{}", sum(1));
    assert!((sum(4) - 0.25 * requests as f64).abs() < 1e-6, "{}", sum(4));
    store.keep(&keeper.changes(now(EACH)));
    let after = Feedback::default();
    for shelf in [Shelf::Record, Shelf::Feedback] {
        after.restore(shelf, store.on(shelf));
    }
    after.courses(&[declared], now(EACH));
    assert_eq!(after.record(&name(), 7), feedback.record(&name(), 7));
    assert_eq!(super::counts(&after).remembered, requests);
}
