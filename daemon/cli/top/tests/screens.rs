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
    check(&state, 80, 24, expect![[""]]);
    keys(&mut state, "\n/fr");
    check(&state, 80, 24, expect![[""]]);
}

#[test]
fn a_wide_screen_tells_more() {
    let mut state = state();
    keys(&mut state, "s\nj");
    check(&state, 120, 40, expect![[""]]);
}

#[test]
fn a_daemon_that_is_away_is_told_and_what_was_seen_stays() {
    let none = State::new("http://127.0.0.1:8082", Duration::from_secs(2), false);
    check(&none, 80, 6, expect![[""]]);
    let mut away = state();
    away.take(Err("connect to http://127.0.0.1:8082: refused".to_owned()));
    check(&away, 80, 10, expect![[""]]);
}

#[test]
fn the_keys_are_told() {
    let mut state = state();
    keys(&mut state, "?");
    check(&state, 80, 24, expect![[""]]);
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
