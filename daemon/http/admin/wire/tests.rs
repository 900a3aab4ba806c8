//! The shapes, by tables.

use serde_json::{Value, json};

use super::*;

mod written;

#[test]
fn differences_are_named_place_by_place() {
    let shown = |before: Value, after: Value| -> Vec<String> {
        let list = differences("p", &before, &after);
        list.iter()
            .map(|d| format!("{}: {} -> {}", d.path, d.before, d.after))
            .collect()
    };
    let old = json!({"policy": {"type": "standalone", "model": "iris", "version": 1}});
    let new =
        json!({"deadline": "1s", "policy": {"type": "standalone", "model": "iris", "version": 2}});
    assert_eq!(
        shown(old.clone(), new.clone()),
        ["p.deadline: null -> \"1s\"", "p.policy.version: 1 -> 2"]
    );
    assert_eq!(shown(old.clone(), old.clone()), Vec::<String>::new());
    assert_eq!(shown(Value::Null, json!(1)), ["p: null -> 1"]);
    assert_eq!(shown(json!([1, 2]), json!([1])), ["p: [1,2] -> [1]"]);
    assert_eq!(
        shown(json!({"a": 1}), Value::Null),
        ["p: {\"a\":1} -> null"]
    );
}

#[test]
fn times_are_written_whatever_they_are() {
    assert_eq!(time(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(time(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
    assert_eq!(time(u64::MAX), "9999-12-31T23:59:59.999Z");
}
