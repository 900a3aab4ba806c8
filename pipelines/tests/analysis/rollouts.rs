//! Rollouts that must not be aborted, and rollouts that must.

use impresario_pipelines::analysis::Verdict;
use impresario_pipelines::spec::canary::{Analysis, Guardrail, Metric};

use crate::world::{Callers, Canaried, End, World};

/// How many of each CI runs.
const FEW: u64 = 20;

/// The log evidence of shares that are not those asked for: beyond it a rollout is held.
const MISMATCH: f64 = 6.9;

fn run(world: &World) -> Vec<End> {
    let seeds = std::env::var("SEEDS").map_or(FEW, |seeds| seeds.parse().unwrap());
    (0..seeds).map(|seed| world.run(seed)).collect()
}

/// All that can be guarded, each with the same weight.
fn everything() -> Analysis {
    let metrics = [
        Metric::Errors,
        Metric::Slow90,
        Metric::Slow99,
        Metric::Outputs,
    ];
    Analysis {
        guardrails: metrics
            .map(|metric| Guardrail {
                metric,
                weight: 1.0,
                margin: None,
                // Next to no slow request is what a specification that says nothing asks for; errors are all compared.
                negligible: match metric {
                    Metric::Slow90 | Metric::Slow99 => Guardrail::NEGLIGIBLE,
                    _ => 0.0,
                },
                ceiling: None,
            })
            .into(),
        ..Analysis::default()
    }
}

fn aborted(ends: &[End]) -> f64 {
    let aborted = ends.iter().filter(|end| end.aborted).count();
    aborted as f64 / ends.len() as f64
}

fn median(ends: &[End]) -> u64 {
    let mut requests: Vec<_> = ends.iter().map(|end| end.canary).collect();
    requests.sort_unstable();
    requests[requests.len() / 2]
}

fn report(what: &str, ends: &[End]) {
    println!(
        "{what}: {:.2} % of {} aborted, after a median of {} canary requests; {:.1} % successful",
        100.0 * aborted(ends),
        ends.len(),
        median(ends),
        100.0
            * ends
                .iter()
                .filter(|end| end.readings.verdict == Verdict::Successful)
                .count() as f64
            / ends.len() as f64,
    );
}

#[test]
fn versions_that_are_alike_are_not_aborted() {
    let world = World {
        analysis: everything(),
        ..World::default()
    };
    let ends = run(&world);
    report("alike", &ends);
    assert!(aborted(&ends) <= 0.015);
    assert!(ends.iter().all(|end| end.readings.log_srm < MISMATCH));
}

/// Evidence must not only be slow to abort: with enough of it the first step is passed.
#[test]
fn a_version_that_is_no_worse_passes() {
    let world = World {
        steps: vec![(5_000, 16_000)],
        analysis: everything(),
        ..World::default()
    };
    let ends = run(&world);
    report("alike, at half of the traffic", &ends);
    // Where the thresholds were frozen in an incident so few requests are slow by them that some rollouts wait longer.
    let passed = ends.iter().filter(|end| end.readings.safe()).count();
    assert!(passed as f64 >= 0.85 * ends.len() as f64);
}

#[test]
fn threefold_errors_are_aborted() {
    let world = World {
        canary: Canaried {
            errors: 3.0,
            ..Canaried::default()
        },
        analysis: everything(),
        ..World::default()
    };
    let ends = run(&world);
    report("threefold errors", &ends);
    assert!(ends.iter().all(|end| end.aborted));
    assert!(
        ends.iter()
            .all(|end| end.readings.harm.top == Some(Metric::Errors))
    );
}

#[test]
fn a_slower_version_is_aborted_and_a_load_swing_is_not() {
    let world = World {
        canary: Canaried {
            latency: 2.0,
            ..Canaried::default()
        },
        analysis: everything(),
        ..World::default()
    };
    let ends = run(&world);
    report("twice as slow", &ends);
    // In one of some hundred the thresholds were frozen in the middle of an incident, and nothing is slow by them.
    assert!(aborted(&ends) >= 0.99);
    let top = |end: &End| match end.readings.harm.top {
        Some(metric) => matches!(metric, Metric::Slow90 | Metric::Slow99),
        None => !end.aborted,
    };
    assert!(ends.iter().all(top));
}

#[test]
fn drifting_outputs_are_aborted() {
    let world = World {
        canary: Canaried {
            drift: 0.3,
            ..Canaried::default()
        },
        analysis: everything(),
        ..World::default()
    };
    let ends = run(&world);
    report("three in ten outputs moved", &ends);
    assert!(ends.iter().all(|end| end.aborted));
    assert!(
        ends.iter()
            .all(|end| end.readings.harm.top == Some(Metric::Outputs))
    );
}

#[test]
fn heavy_users_do_not_abort_a_sticky_rollout() {
    let world = World {
        callers: Callers::Users(400),
        analysis: everything(),
        ..World::default()
    };
    let ends = run(&world);
    report("sticky, alike", &ends);
    assert!(aborted(&ends) <= 0.03);
    assert!(ends.iter().all(|end| end.readings.log_srm < MISMATCH));
}

/// That the users above are heavy enough to be a trap: what they do to evidence that counts every request of theirs.
#[test]
fn heavy_users_would_abort_if_each_request_counted() {
    let world = World {
        callers: Callers::Users(400),
        naive: true,
        analysis: everything(),
        ..World::default()
    };
    let ends = run(&world);
    report("sticky, alike, every request counted", &ends);
    assert!(aborted(&ends) >= 0.2);
}

#[test]
fn threefold_errors_abort_a_sticky_rollout() {
    let world = World {
        callers: Callers::Users(20_000),
        canary: Canaried {
            errors: 3.0,
            ..Canaried::default()
        },
        analysis: everything(),
        ..World::default()
    };
    let ends = run(&world);
    report("sticky, threefold errors", &ends);
    assert!(aborted(&ends) >= 0.8);
}

#[test]
fn replicas_that_report_on_a_timer_do_not_abort() {
    let world = World {
        replicas: 4,
        analysis: everything(),
        ..World::default()
    };
    let ends = run(&world);
    report("four replicas, alike", &ends);
    assert!(aborted(&ends) <= 0.015);
}
