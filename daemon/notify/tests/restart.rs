//! What a process did not post is posted by the next one.

use super::*;

/// One try now, the next one in ages.
const PATIENT: Pace = Pace {
    first: AGES,
    longest: AGES,
    patience: AGES,
    tries: 2,
    linger: AGES,
};

#[test]
fn what_was_not_taken_is_posted_after_a_restart() {
    let (fleet, receiver) = (Fleet::new(), Receiver::new());
    let hooks = [hook(&receiver.url, &["rollout.*"])];
    let notifier = fleet.notifier(&hooks, PATIENT);
    fleet.happens(record(1, "rollout.start"));
    fleet.happens(record(2, "rollout.advance"));
    assert_eq!(receiver.take(1), [1]);
    let failed = receiver.next();
    let id = failed.headers["x-impresario-delivery"].clone();
    failed.answer("500 Internal Server Error", "");
    fleet.happens(record(3, "model.load"));
    stop(&notifier);
    drop(notifier);
    assert_eq!(fleet.marks(), ["1"]);

    fleet.happens(record(4, "rollout.soak"));
    let notifier = fleet.notifier(&hooks, PATIENT);
    fleet.happens(record(5, "rollout.succeed"));
    let again = receiver.next();
    assert_eq!(again.seq(), 2);
    assert_eq!(
        again.headers["x-impresario-delivery"], id,
        "receivers know it again"
    );
    again.answer("200 OK", "");
    assert_eq!(receiver.take(2), [4, 5]);
    stop(&notifier);
    assert!(receiver.is_quiet());
    assert_eq!(fleet.marks(), ["5"]);
}

#[test]
fn a_new_webhook_begins_with_now_and_one_that_is_gone_is_forgotten() {
    let (fleet, old, new) = (Fleet::new(), Receiver::new(), Receiver::new());
    let notifier = fleet.notifier(&[hook(&old.url, &["*"])], PATIENT);
    fleet.happens(record(1, "pipeline.put"));
    assert_eq!(old.take(1), [1]);
    stop(&notifier);

    let notifier = fleet.notifier(&[hook(&new.url, &["*"])], PATIENT);
    fleet.happens(record(2, "pipeline.put"));
    assert_eq!(new.take(1), [2]);
    stop(&notifier);
    assert_eq!(fleet.marks(), ["2"]);
    fleet.happens(record(3, "pipeline.put"));

    // It comes back as a new one.
    let notifier = fleet.notifier(&[hook(&old.url, &["*"])], PATIENT);
    fleet.happens(record(4, "pipeline.put"));
    assert_eq!(old.take(1), [4]);
    stop(&notifier);
    assert!(old.is_quiet());
}

#[test]
fn what_is_made_up_for_is_bounded() {
    let (fleet, receiver) = (Fleet::new(), Receiver::new());
    let hooks = [hook(&receiver.url, &["*"])];
    stop(&fleet.notifier(&hooks, PATIENT));
    assert_eq!(fleet.marks(), ["0"]);
    for seq in 1..=1_200 {
        fleet.happens(record(seq, "pipeline.put"));
    }
    let notifier = fleet.notifier(&hooks, PATIENT);
    let first = receiver.next();
    assert_eq!(first.seq(), 201);
    assert_eq!(notifier.show()[0].waiting, 1_000);
    first.answer("200 OK", "");
    assert_eq!(receiver.take(999), (202..=1_200).collect::<Vec<_>>());
    stop(&notifier);
    assert_eq!(fleet.marks(), ["1200"]);
}

#[test]
fn a_mark_of_another_history_begins_with_now() {
    let (fleet, receiver) = (Fleet::new(), Receiver::new());
    let hooks = [hook(&receiver.url, &["*"])];
    stop(&fleet.notifier(&hooks, PATIENT));
    let key = fleet.store.kept(Shelf::Delivery).unwrap().remove(0).0;
    for nonsense in ["999", "many"] {
        let keep = crate::store::Keep {
            shelf: Shelf::Delivery,
            key: key.clone(),
            text: Some(nonsense.to_owned()),
        };
        fleet.store.keep(&[keep]).unwrap();
        stop(&fleet.notifier(&hooks, PATIENT));
        assert_eq!(fleet.marks(), ["0"], "{nonsense}");
    }
}

#[test]
fn what_waits_at_the_end_is_tried_once() {
    let (fleet, receiver) = (Fleet::new(), Receiver::new());
    let hooks = [hook(&receiver.url, &["*"])];
    let notifier = fleet.notifier(&hooks, PATIENT);
    for seq in 1..=3 {
        fleet.happens(record(seq, "pipeline.put"));
    }
    let held = receiver.next();
    let ending = {
        let notifier = notifier.clone();
        std::thread::spawn(move || stop(&notifier))
    };
    held.answer("200 OK", "");
    assert_eq!(receiver.take(1), [2]);
    receiver.next().answer("500 Internal Server Error", "");
    ending.join().unwrap();
    assert_eq!(fleet.marks(), ["2"]);

    // A receiver that answers nothing holds up nobody for longer than is said.
    let short = Pace {
        linger: Duration::from_millis(1),
        ..PATIENT
    };
    let notifier = fleet.notifier(&hooks, short);
    let held = receiver.next();
    stop(&notifier);
    assert_eq!(notifier.show()[0].waiting, 1);
    held.hang_up();
}
