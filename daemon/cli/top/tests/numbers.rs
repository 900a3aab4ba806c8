//! Rates, shares and durations, and what keys do to the state.

use super::super::metrics::Metrics;
use super::super::{once, rows};
use super::*;
use expect_test::expect;

fn names(state: &State) -> Vec<&str> {
    state
        .lines()
        .iter()
        .map(|line| line.name.as_str())
        .collect()
}

#[test]
fn rates_are_what_two_looks_differ_by() {
    let [before, after] = looks();
    let view = View::of(&after, Some(&before));
    assert_eq!(view.over, Some(2.0));
    let fraud = &view.pipelines[0];
    assert_eq!(fraud.traffic.rate, Some(1_000.0));
    assert_eq!(fraud.traffic.failing, Some(10.0 / 2_000.0));
    let [stable, canary] = &fraud.variants[..] else {
        panic!("{fraud:?}");
    };
    assert_eq!(
        (stable.traffic.rate, canary.traffic.rate),
        (Some(950.0), Some(50.0))
    );
    assert_eq!(canary.traffic.failing, Some(0.1));
    // Within the buckets of 1, 2 and 32 milliseconds.
    let near = |ms: Option<f64>, expected: f64| (ms.unwrap() / expected - 1.0).abs() < 0.01;
    assert!(
        near(stable.traffic.p50_ms, 1.0175) && near(stable.traffic.p99_ms, 2.038),
        "{stable:?}"
    );
    assert!(
        near(canary.traffic.p50_ms, 1.0005) && near(canary.traffic.p99_ms, 32.49),
        "{canary:?}"
    );
    // Who is asked directly and was not lately is not shown; who has a share is.
    assert_eq!(view.pipelines[1].variants.len(), 1);
    assert_eq!(view.pipelines[1].traffic.rate, Some(0.5));
    assert_eq!(view.pipelines[2].traffic.rate, Some(0.0));
}

#[test]
fn a_daemon_that_began_anew_has_no_rates_yet() {
    let [before, mut after] = looks();
    let metrics = after.metrics.as_mut().unwrap();
    metrics.started += 1;
    let view = View::of(&after, Some(&before));
    assert_eq!((view.over, view.traffic.rate), (None, None));
    assert!(once::text(&view).contains("the daemon began anew"));
    after.metrics = None;
    let view = View::of(&after, Some(&before));
    assert!(view.note.is_some() && once::text(&view).contains("no /admin/v1/metrics"));
    // Whatever else an answer has, or lacks, it is read.
    let odd =
        json!({"at": 1, "cells": [{"pipeline": "p", "model": "m", "version": 1, "more": []}]});
    assert_eq!(
        serde_json::from_value::<Metrics>(odd).unwrap().cells.len(),
        1
    );
    let nothing = View::of(&Polled::default(), None);
    assert_eq!((nothing.pipelines.len(), nothing.ready), (0, false));
}

#[test]
fn numbers_fit_their_columns() {
    let rates = [
        None,
        Some(0.0),
        Some(0.5),
        Some(9.999),
        Some(999.96),
        Some(123_456.7),
    ];
    assert_eq!(
        rates.map(rows::rate),
        ["-", "0", "0.50", "10.0", "1000", "123457"]
    );
    let shares = [
        None,
        Some(0.0),
        Some(0.00001),
        Some(0.0123),
        Some(0.5),
        Some(0.9999),
        Some(1.0),
    ];
    assert_eq!(
        shares.map(rows::failing),
        ["-", "0%", "<.01%", "1.23%", "50.0%", "100%", "100%"]
    );
    let times = [
        None,
        Some(0.0421),
        Some(0.9999),
        Some(9.996),
        Some(999.6),
        Some(12_345.0),
    ];
    assert_eq!(
        times.map(rows::millis),
        ["-", "42us", "1.00ms", "10ms", "1.0s", "12.3s"]
    );
    assert_eq!(
        [59, 61, 7_260, 180_000].map(rows::span),
        ["59s", "1m 1s", "2h 1m", "2d 2h"]
    );
    assert_eq!([5.0, 33.33, 0.5].map(rows::share), ["5%", "33.33%", "0.5%"]);
}

#[test]
fn keys_point_sort_filter_and_pause() {
    let mut state = state();
    assert_eq!(state.selected.as_deref(), Some("fraud"));
    keys(&mut state, "jj");
    assert_eq!(state.selected.as_deref(), Some("lost"));
    keys(&mut state, "jk");
    assert_eq!(state.selected.as_deref(), Some("iris"));
    keys(&mut state, "Gg\n");
    assert!(state.expanded.contains("fraud"));
    keys(&mut state, "\n");
    assert!(state.expanded.is_empty());
    assert_eq!(names(&state), ["fraud", "iris", "lost"]);
    keys(&mut state, "/LOS\n");
    assert_eq!(names(&state), ["lost"]);
    assert_eq!(
        (state.mode, state.selected.as_deref()),
        (Mode::Look, Some("lost"))
    );
    keys(&mut state, "/q\u{8}\u{8}\u{8}\u{8}");
    assert_eq!((state.mode, names(&state).len()), (Mode::Filter, 3));
    keys(&mut state, "q\u{1b}");
    assert_eq!((state.mode, names(&state).len()), (Mode::Look, 3));
    keys(&mut state, "s");
    assert_eq!(names(&state), ["fraud", "iris", "lost"]);
    keys(&mut state, "sss?x");
    assert_eq!(state.mode, Mode::Look);
    keys(&mut state, "p");
    state.take(Err("away".to_owned()));
    assert_eq!((state.paused, &state.trouble), (true, &None));
    keys(&mut state, "p");
    state.take(Err("away".to_owned()));
    assert_eq!(state.trouble.as_deref(), Some("away"));
    // What was seen stays.
    assert_eq!(names(&state).len(), 3);
    for (code, modifiers) in [
        (KeyCode::Char('q'), KeyModifiers::NONE),
        (KeyCode::Char('c'), KeyModifiers::CONTROL),
    ] {
        assert_eq!(
            press(&mut state, KeyEvent::new(code, modifiers)),
            Next::Leave
        );
    }
}

#[test]
fn once_is_plain_text() {
    let [before, after] = looks();
    expect![[r#"
        impresario 0.1.0, ready, up 1h 12m, revision 12, models 9.0 MiB
        1000 requests/s, 0.50% failing, p50 1.02ms, p99 2.04ms, over 2.0s

        PIPELINE  POLICY      PHASE          SPLIT          REQ/S  FAIL   P50     P99     WHY
        fraud     canary      baking         v3 95%, v4 5%  1000   0.50%  1.02ms  2.04ms  1,204 of 5,000 requests
          stable  -           ready          v3 95%         950.0  0%     1.02ms  2.04ms  -
          canary  -           ready          v4 5%          50.0   10.0%  1.00ms  32ms    -
        iris      standalone  serving        v2             0.50   0%     420us   429us   -
        lost      standalone  unknown-model  -              0      -      -       -       there is no model 'gone'

        COURSE  KIND     PHASE   WEIGHT  STEP                             WHY
        fraud   rollout  baking  5%      step 2 of 5: analysis 'default'  1,204 of 5,000 requests

        NOT READY  PHASE   WHY
        iris v3    failed  golden example 2: output 'label' differs by 0.4

        EVENT                     ACTION           BY   WHAT
        2026-11-29T01:02:03.456Z  rollout.advance  ann  fraud
        2026-11-29T01:00:00.000Z  pipeline.put     ann  fraud: version 4 has new features"#]].assert_eq(&once::text(&View::of(&after, Some(&before))));
}
