//! The screen, drawn into memory.

use expect_test::{Expect, expect};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::draw::draw;
use super::*;

/// The texts of a screen, with a bar at the end of each line.
fn drawn(state: &State, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(state, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for y in 0..height {
        for x in 0..width {
            text.push_str(buffer[(x, y)].symbol());
        }
        text.push_str("|\n");
    }
    text
}

fn check(state: &State, width: u16, height: u16, expected: Expect) {
    expected.assert_eq(&drawn(state, width, height));
}

#[test]
fn eighty_columns_hold_it_all() {
    let mut state = state();
    check(
        &state,
        80,
        24,
        expect![[r#"
            impresario 0.1.0  ready  up 1h 12m  revision 12  models 9.0 MiB                 |
            1000 requests/s  0.50% failing  p50 1.02ms  p99 2.04ms  over 2.0s               |
             3 pipelines by name ───────────────────────────────────────────────────────────|
              PIPELINE         PHASE            SPLIT             REQ/S   FAIL    P50    P99|
            > fraud            baking           v3 95%, v4 5%      1000  0.50% 1.02ms 2.04ms|
              iris             serving          v2                 0.50     0%  420us  429us|
              lost             unknown-model    -                     0      -      -      -|
                                                                                            |
                                                                                            |
                                                                                            |
                                                                                            |
                                                                                            |
            fraud (canary): 1,204 of 5,000 requests                                         |
             1 under way ─────────────────────────────────── 1 not ready ───────────────────|
            fraud: rollout baking, 5%, step 2 of 5: analys… iris v3 failed: golden example …|
              1,204 of 5,000 requests                                                       |
                                                                                            |
             newest events ─────────────────────────────────────────────────────────────────|
            01:02:03 rollout.advance    fraud (by ann)                                      |
            01:00:00 pipeline.put       fraud: version 4 has new features (by ann)          |
                                                                                            |
                                                                                            |
                                                                                            |
            q leave  enter variants  s sort  / filter  p pause  ? help                      |
        "#]],
    );
    keys(&mut state, "\n/fr");
    check(
        &state,
        80,
        24,
        expect![[r#"
            impresario 0.1.0  ready  up 1h 12m  revision 12  models 9.0 MiB                 |
            1000 requests/s  0.50% failing  p50 1.02ms  p99 2.04ms  over 2.0s               |
             1 pipeline by name, with 'fr' ─────────────────────────────────────────────────|
              PIPELINE         PHASE            SPLIT             REQ/S   FAIL    P50    P99|
            > fraud            baking           v3 95%, v4 5%      1000  0.50% 1.02ms 2.04ms|
                stable         ready            v3 95%            950.0     0% 1.02ms 2.04ms|
                canary         ready            v4 5%              50.0  10.0% 1.00ms   32ms|
                                                                                            |
                                                                                            |
                                                                                            |
                                                                                            |
                                                                                            |
            fraud (canary): 1,204 of 5,000 requests                                         |
             1 under way ─────────────────────────────────── 1 not ready ───────────────────|
            fraud: rollout baking, 5%, step 2 of 5: analys… iris v3 failed: golden example …|
              1,204 of 5,000 requests                                                       |
                                                                                            |
             newest events ─────────────────────────────────────────────────────────────────|
            01:02:03 rollout.advance    fraud (by ann)                                      |
            01:00:00 pipeline.put       fraud: version 4 has new features (by ann)          |
                                                                                            |
                                                                                            |
                                                                                            |
            /fr_  enter: keep it  esc: show all                                             |
        "#]],
    );
}

#[test]
fn a_wide_screen_tells_more() {
    let mut state = state();
    keys(&mut state, "s\nj");
    check(
        &state,
        120,
        40,
        expect![[r#"
            impresario 0.1.0  ready  up 1h 12m  revision 12  models 9.0 MiB                                                         |
            1000 requests/s  0.50% failing  p50 1.02ms  p99 2.04ms  over 2.0s                                                       |
             3 pipelines by requests ───────────────────────────────────────────────────────────────────────────────────────────────|
              PIPELINE                          POLICY      PHASE            SPLIT                        REQ/S   FAIL    P50    P99|
              fraud                             canary      baking           v3 95%, v4 5%                 1000  0.50% 1.02ms 2.04ms|
                stable                                      ready            v3 95%                       950.0     0% 1.02ms 2.04ms|
                canary                                      ready            v4 5%                         50.0  10.0% 1.00ms   32ms|
            > iris                              standalone  serving          v2                            0.50     0%  420us  429us|
              lost                              standalone  unknown-model    -                                0      -      -      -|
                                                                                                                                    |
                                                                                                                                    |
                                                                                                                                    |
                                                                                                                                    |
                                                                                                                                    |
                                                                                                                                    |
                                                                                                                                    |
                                                                                                                                    |
                                                                                                                                    |
                                                                                                                                    |
                                                                                                                                    |
            iris (standalone): nothing is waited for                                                                                |
             1 under way ─────────────────────────────────────────────────────────── 1 not ready ───────────────────────────────────|
            fraud: rollout baking, 5%, step 2 of 5: analysis 'default'              iris v3 failed: golden example 2: output 'label…|
              1,204 of 5,000 requests                                                                                               |
                                                                                                                                    |
                                                                                                                                    |
                                                                                                                                    |
                                                                                                                                    |
                                                                                                                                    |
             newest events ─────────────────────────────────────────────────────────────────────────────────────────────────────────|
            01:02:03 rollout.advance    fraud (by ann)                                                                              |
            01:00:00 pipeline.put       fraud: version 4 has new features (by ann)                                                  |
                                                                                                                                    |
                                                                                                                                    |
                                                                                                                                    |
                                                                                                                                    |
                                                                                                                                    |
                                                                                                                                    |
                                                                                                                                    |
            q leave  enter variants  s sort  / filter  p pause  ? help                                                              |
        "#]],
    );
}

#[test]
fn a_daemon_that_is_away_is_told_and_what_was_seen_stays() {
    let none = State::new("http://127.0.0.1:8082", Duration::from_secs(2), false);
    check(
        &none,
        80,
        6,
        expect![[r#"
        impresario                                                                      |
                                                                                        |
        ────────────────────────────────────────────────────────────────────────────────|
        asking http://127.0.0.1:8082                                                    |
                                                                                        |
                                                                                        |
    "#]],
    );
    let mut away = state();
    away.take(Err("connect to http://127.0.0.1:8082: refused".to_owned()));
    check(
        &away,
        80,
        10,
        expect![[r#"
            impresario 0.1.0  ready  up 1h 12m  revision 12  models 9.0 MiB                 |
            asked again every 2s: connect to http://127.0.0.1:8082: refused                 |
             3 pipelines by name ───────────────────────────────────────────────────────────|
              PIPELINE         PHASE            SPLIT             REQ/S   FAIL    P50    P99|
            > fraud            baking           v3 95%, v4 5%      1000  0.50% 1.02ms 2.04ms|
              iris             serving          v2                 0.50     0%  420us  429us|
              lost             unknown-model    -                     0      -      -      -|
                                                                                            |
            fraud (canary): 1,204 of 5,000 requests                                         |
            q leave  enter variants  s sort  / filter  p pause  ? help                      |
        "#]],
    );
}

#[test]
fn the_keys_are_told() {
    let mut state = state();
    keys(&mut state, "?");
    check(
        &state,
        80,
        24,
        expect![[r#"
            impresario 0.1.0  ready  up 1h 12m  revision 12  models 9.0 MiB                 |
            1000 requests/s  0.50% failing  p50 1.02ms  p99 2.04ms  over 2.0s               |
             3 pipelines by name ───────────────────────────────────────────────────────────|
              PIPELINE         PHASE            SPLIT             REQ/S   FAIL    P50    P99|
            > fraud            baking           v3 95%, v4 5%      1000  0.50% 1.02ms 2.04ms|
              iris             serving          v2                 0.50     0%  420us  429us|
              lost    ┌ keys ────────────────────────────────────────────────────┐  -      -|
                      │ up, k / down, j     point at another pipeline            │          |
                      │ page up, page down  ten at a time                        │          |
                      │ g / G               the first, the last                  │          |
                      │ enter, space        its variants and versions            │          |
                      │ s                   sort: name, requests, failures, p99  │          |
            fraud (can│ /                   show only what has these letters     │          |
             1 under w│ esc                 show all again                       │──────────|
            fraud: rol│ p                   pause: nothing moves until p again   │ example …|
              1,204 of│ ?                   this                                 │          |
                      │ q, ctrl-c           leave                                │          |
             newest ev└──────────────────────────────────────────────────────────┘──────────|
            01:02:03 rollout.advance    fraud (by ann)                                      |
            01:00:00 pipeline.put       fraud: version 4 has new features (by ann)          |
                                                                                            |
                                                                                            |
                                                                                            |
            q leave  enter variants  s sort  / filter  p pause  ? help                      |
        "#]],
    );
}

#[test]
fn every_size_is_drawn_and_nothing_needs_colours() {
    let mut state = state();
    keys(&mut state, "\nj\nj\n");
    for width in [0, 1, 5, 20, 39, 80, 100, 150, 300] {
        for height in [0, 1, 2, 3, 5, 17, 18, 60] {
            drawn(&state, width, height);
        }
    }
    let mono = drawn(&state, 100, 30);
    state.colours = true;
    assert_eq!(mono, drawn(&state, 100, 30));
}

#[test]
fn what_is_pointed_at_is_in_sight() {
    let mut state = State::new("http://127.0.0.1:8082", Duration::from_secs(2), false);
    let [mut before, _] = looks();
    let line = before.status["pipelines"][0].clone();
    let named = (0..200).map(|at| {
        let mut line = line.clone();
        line["name"] = json!(format!("pipeline-{at:03}"));
        line
    });
    before.status["pipelines"] = named.collect();
    state.take(Ok(before));
    for _ in 0..150 {
        keys(&mut state, "j");
    }
    keys(&mut state, "\n");
    let text = drawn(&state, 80, 24);
    assert!(
        text.contains("> pipeline-150") && text.contains("  canary"),
        "{text}"
    );
}
