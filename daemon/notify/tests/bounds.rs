//! Floods and gaps.

use std::collections::VecDeque;

use tokio::sync::watch;

use super::listener::{Ear, Listener};
use super::queue::{self, Pushed, Queue};
use super::tally::Tally;
use super::*;

#[test]
fn a_flood_drops_the_oldest_and_counts_them() {
    let (fleet, slow, sentinel) = (Fleet::new(), Receiver::new(), Receiver::new());
    let hooks = [
        hook(&slow.url, &["rollout.*"]),
        hook(&sentinel.url, &["fleet.*"]),
    ];
    let notifier = fleet.notifier(&hooks, QUICK);
    fleet.happens(record(1, "rollout.advance"));
    let held = slow.next();
    for seq in 2..=301 {
        fleet.happens(record(seq, "rollout.advance"));
    }
    // Records are taken to the queues in their order: when this one arrives, the flood has.
    fleet.happens(record(302, "fleet.freeze"));
    assert_eq!(sentinel.take(1), [302]);
    let shown = &notifier.show()[0];
    assert_eq!((shown.dropped, shown.waiting), (300 - 256, 256 + 1));
    held.answer("200 OK", "");
    assert_eq!(slow.take(256), (46..=301).collect::<Vec<_>>());
    stop(&notifier);
    assert_eq!(notifier.show()[0].delivered, 257);
    assert_eq!(notifier.show()[1].dropped, 0);
}

#[test]
fn a_burst_of_drops_is_one_burst() {
    let queue = Queue::new(VecDeque::new());
    let push = || queue.push(Arc::new(record(1, "pipeline.put")));
    for _ in 0..queue::MOST {
        assert_eq!(push(), Pushed::Fits);
    }
    assert_eq!(push(), Pushed::Spilled { first: true });
    queue.take();
    assert_eq!(push(), Pushed::Fits);
    assert_eq!(
        push(),
        Pushed::Spilled { first: false },
        "there was no room to spare"
    );
    for _ in 0..queue::MOST {
        queue.take();
    }
    for _ in 0..queue::MOST {
        assert_eq!(push(), Pushed::Fits);
    }
    assert_eq!(push(), Pushed::Spilled { first: true });
}

#[test]
fn a_listener_that_was_too_slow_reads_what_it_missed() {
    let fleet = Fleet::new();
    let (told, records) = broadcast::channel(4);
    for seq in 1..=50 {
        let action = if seq % 2 == 0 {
            "rollout.advance"
        } else {
            "model.load"
        };
        let record = Arc::new(record(seq, action));
        fleet.keep(Arc::clone(&record));
        told.send(record).unwrap();
    }
    drop(told);
    let ear = Ear {
        index: 0,
        hook: hook("http://127.0.0.1:1/", &["rollout.*"]),
        queue: Arc::new(Queue::new(VecDeque::new())),
        tally: Arc::new(Tally::default()),
    };
    let queue = Arc::clone(&ear.queue);
    let end = watch::Sender::new(());
    let listener = Listener {
        records,
        ears: vec![ear],
        store: fleet.store,
        newest: 10,
        end: end.subscribe(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(listener.listen());
    let taken: Vec<u64> = std::iter::from_fn(|| queue.take())
        .map(|record| record.seq)
        .collect();
    assert_eq!(taken, (12..=50).step_by(2).collect::<Vec<_>>());
}
