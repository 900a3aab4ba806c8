//! What is posted, in which order, and what becomes of answers.

use hmac::{Hmac, Mac};
use serde_json::json;
use sha2::Sha256;

use super::*;

#[test]
fn a_delivery_says_what_happened_and_is_signed() {
    let (fleet, receiver) = (Fleet::new(), Receiver::new());
    let notifier = fleet.notifier(&[hook(&receiver.url, &["rollout.*"])], QUICK);
    fleet.happens(abort(1));
    let request = receiver.next();
    assert_eq!(
        request.json(),
        json!({
            "id": 1, "revision": 1, "at": "2023-11-14T22:13:20.124Z",
            "action": "rollout.abort", "actor": "impresario", "source": "daemon",
            "pipeline": "flowers",
            "phase": {"before": "baking", "after": "aborting"},
            "weights": {"before": [95.0, 5.0], "after": [100.0, 0.0]},
            "sentence": "aborted: 8 of 10 on the canary against <1 % stable",
            "reason": "aborted: 8 of 10 on the canary against <1 % stable",
            "numbers": {"canary.units": 10.0, "log-harm": 5.25},
            "changes": [{
                "pipeline": "flowers", "policy": null, "course": "rollout",
                "phase": {"before": "baking", "after": "aborting"},
                "weights": {"before": [95.0, 5.0], "after": [100.0, 0.0]},
            }],
        })
    );
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.headers["x-impresario-event"], "rollout.abort");
    assert_eq!(request.headers["x-impresario-delivery"].len(), 32);
    let signature = &request.headers["x-impresario-signature"];
    let (time, code) = signature
        .strip_prefix("t=")
        .and_then(|rest| rest.split_once(",v1="))
        .unwrap();
    let apart = crate::clock::wall_ms() / 1_000 - time.parse::<u64>().unwrap();
    assert!(apart < 600, "{signature}");
    let code: Vec<u8> = (0..code.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&code[at..at + 2], 16).unwrap())
        .collect();
    let verify = |key: &[u8], body: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(format!("{time}.{body}").as_bytes());
        mac.verify_slice(&code).is_ok()
    };
    assert!(verify(b"a secret of the tests", &request.body));
    assert!(!verify(b"another secret of them", &request.body));
    assert!(!verify(
        b"a secret of the tests",
        &request.body.replace('8', "9")
    ));
    request.answer("200 OK", "");
    stop(&notifier);
    let shown = &notifier.show()[0];
    assert_eq!((shown.delivered, shown.failed, shown.waiting), (1, 0, 0));
    assert_eq!(shown.trouble, None);
}

#[test]
fn what_fails_is_tried_again_and_the_order_is_kept() {
    let (fleet, receiver) = (Fleet::new(), Receiver::new());
    let notifier = fleet.notifier(&[hook(&receiver.url, &["rollout.*"])], QUICK);
    for seq in 1..=3 {
        fleet.happens(record(seq, "rollout.advance"));
    }
    let first = receiver.next();
    let (id, body) = (
        first.headers["x-impresario-delivery"].clone(),
        first.body.clone(),
    );
    first.answer("500 Internal Server Error", "");
    let second = receiver.next();
    assert_eq!(
        (&second.headers["x-impresario-delivery"], &second.body),
        (&id, &body)
    );
    second.hang_up();
    let third = receiver.next();
    assert_eq!(
        (&third.headers["x-impresario-delivery"], &third.body),
        (&id, &body)
    );
    third.answer("200 OK", "");
    let next = receiver.next();
    assert_eq!(next.seq(), 2);
    assert_ne!(next.headers["x-impresario-delivery"], id);
    next.answer("429 Too Many Requests", "retry-after: 3600");
    assert_eq!(receiver.take(2), [2, 3]);
    stop(&notifier);
    let shown = &notifier.show()[0];
    assert_eq!((shown.delivered, shown.failed), (3, 0));
    assert_eq!(shown.trouble, None, "the last try went well");
    assert_eq!(fleet.marks(), ["3"]);
}

#[test]
fn who_does_not_want_it_is_not_asked_again() {
    let (fleet, receiver) = (Fleet::new(), Receiver::new());
    let notifier = fleet.notifier(&[hook(&receiver.url, &["*"])], QUICK);
    for seq in 1..=3 {
        fleet.happens(record(seq, "pipeline.put"));
    }
    receiver.next().answer("410 Gone", "");
    receiver
        .next()
        .answer("302 Found", "location: http://127.0.0.1:1/");
    assert_eq!(receiver.take(1), [3]);
    stop(&notifier);
    let shown = &notifier.show()[0];
    assert_eq!((shown.delivered, shown.failed), (1, 2));
    assert_eq!(fleet.marks(), ["3"], "what was given up is settled");
}

#[test]
fn tries_end() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook/secret-path", closed.local_addr().unwrap());
    drop(closed);
    let (fleet, receiver) = (Fleet::new(), Receiver::new());
    let hooks = [hook(&url, &["*"]), hook(&receiver.url, &["*"])];
    let notifier = fleet.notifier(&hooks, QUICK);
    fleet.happens(record(1, "pipeline.put"));
    for _ in 0..QUICK.tries {
        receiver.next().answer("503 Service Unavailable", "");
    }
    fleet.happens(record(2, "pipeline.put"));
    assert_eq!(receiver.take(1), [2], "the next one gets its own tries");
    // The other webhook has a thread of its own, in no order with this one's.
    until(|| notifier.show()[0].failed > 0);
    stop(&notifier);
    let shown = notifier.show();
    assert_eq!((shown[1].delivered, shown[1].failed), (1, 1));
    let trouble = shown[0].trouble.as_ref().unwrap();
    assert_eq!(trouble.what, "connect or send: connection refused");
    // Its second delivery may have been left when the end came.
    assert!((1..=2).contains(&shown[0].failed), "{shown:?}");
}

#[test]
fn nothing_secret_is_shown() {
    let (fleet, receiver) = (Fleet::new(), Receiver::new());
    let hook = hook(&receiver.url, &["*"]);
    let notifier = fleet.notifier(std::slice::from_ref(&hook), QUICK);
    fleet.happens(record(1, "pipeline.put"));
    receiver.next().answer("404 Not Found", "");
    stop(&notifier);
    let shown = notifier.show();
    assert!(shown[0].trouble.is_some());
    for text in [
        format!("{hook:?} {}", hook.address),
        format!("{shown:?}"),
        format!("{notifier:?}"),
    ] {
        assert!(text.contains("http://127.0.0.1:"), "{text}");
        assert!(
            !text.contains("secret-path") && !text.contains("a secret"),
            "{text}"
        );
    }
}
