//! What two answers come to, what keys do, and the screen at two sizes.

mod numbers;
mod screens;

use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::{Value, json};

use super::ask::Polled;
use super::keys::{Next, press};
use super::state::{Mode, State};
use super::view::View;

/// A daemon with a rollout, a version that failed, and one pipeline that nobody serves.
fn status() -> Value {
    let version = |number: u64, phase: &str, memory: Value, reason: Value| json!({"version": number, "phase": phase, "memory": memory, "reason": reason});
    let fine = |number| version(number, "ready", json!(3 << 20), Value::Null);
    json!({
        "version": "0.1.0", "uptime": 4_321.5, "ready": true, "revision": 12, "freeze": null,
        "models": [
            {"name": "fraud", "versions": [fine(3), fine(4)]},
            {"name": "iris", "versions": [
                version(1, "unloaded", Value::Null, Value::Null), fine(2),
                version(3, "failed", Value::Null, json!("golden example 2: output 'label' differs by 0.4")),
            ]},
        ],
        "pipelines": [
            {"name": "fraud", "revision": 9, "policy": "canary", "serves": {"model": "fraud", "version": 3}, "waits": [],
             "course": {"kind": "rollout", "phase": "baking", "active": true, "why": "the share of the canary rose to 5 %",
                        "waits": "1,204 of 5,000 requests", "variants": [
                            {"name": "stable", "model": "fraud", "version": 3, "weight": 95.0},
                            {"name": "canary", "model": "fraud", "version": 4, "weight": 5.0}]}},
            {"name": "iris", "revision": 0, "policy": "standalone", "serves": {"model": "iris", "version": 2}, "waits": [], "course": null},
            {"name": "lost", "revision": 4, "policy": "standalone", "serves": null, "course": null,
             "waits": [{"subject": "pipeline lost", "code": "unknown-model", "why": "there is no model 'gone'"}]},
        ],
        "waits": [],
    })
}

fn cell(
    pipeline: &str,
    variant: &str,
    version: u64,
    success: u64,
    failed: u64,
    buckets: Value,
) -> Value {
    json!({"pipeline": pipeline, "variant": variant, "model": pipeline, "version": version,
           "outcomes": {"success": success, "failed": failed, "refused": 1}, "rows": success, "executions": success,
           "request": {"count": success, "nanos": 1, "buckets": buckets}, "queue": {}, "compute": {}})
}

fn polled(at: u64, cells: Vec<Value>) -> Polled {
    let metrics = json!({"at": at, "started": 1_000, "cells": cells, "nodes": []});
    let rollout =
        json!({"name": "fraud", "phase": "baking", "progress": "step 2 of 5: analysis 'default'"});
    let event = |at: &str, action: &str, path: &str, reason: Value| json!({"at": at, "action": action, "actor": "ann", "reason": reason, "changes": [{"path": path}]});
    Polled {
        status: status(),
        metrics: serde_json::from_value(metrics).unwrap(),
        events: vec![
            event(
                "2026-11-29T01:02:03.456Z",
                "rollout.advance",
                "pipelines.fraud.course",
                Value::Null,
            ),
            event(
                "2026-11-29T01:00:00.000Z",
                "pipeline.put",
                "pipelines.fraud.policy",
                json!("version 4 has new features"),
            ),
        ],
        rollouts: vec![rollout],
    }
}

/// Two looks, two seconds apart.
fn looks() -> [Polled; 2] {
    let before = vec![
        cell("fraud", "stable", 3, 10_000, 2, json!([[-160, 10_000]])),
        cell("fraud", "canary", 4, 500, 1, json!([[-160, 500]])),
        cell("iris", "standalone", 2, 7, 0, json!([[-180, 7]])),
        cell("iris", "direct", 1, 4, 0, json!([[-180, 4]])),
    ];
    let after = vec![
        cell(
            "fraud",
            "stable",
            3,
            11_900,
            2,
            json!([[-160, 11_000], [-144, 900]]),
        ),
        cell(
            "fraud",
            "canary",
            4,
            590,
            11,
            json!([[-160, 590], [-80, 10]]),
        ),
        cell("iris", "standalone", 2, 8, 0, json!([[-180, 8]])),
        cell("iris", "direct", 1, 4, 0, json!([[-180, 4]])),
    ];
    [polled(61_000, before), polled(63_000, after)]
}

fn state() -> State {
    let mut state = State::new("http://127.0.0.1:8082", Duration::from_secs(2), false);
    for look in looks() {
        state.take(Ok(look));
    }
    state
}

fn keys(state: &mut State, text: &str) {
    for letter in text.chars() {
        let code = match letter {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '\u{8}' => KeyCode::Backspace,
            letter => KeyCode::Char(letter),
        };
        let next = press(state, KeyEvent::new(code, KeyModifiers::NONE));
        assert_eq!(next, Next::Stay, "{letter:?}");
    }
}
