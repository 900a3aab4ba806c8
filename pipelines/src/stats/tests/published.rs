//! Against the numbers that were published with the design, to the digits that were.

use super::reference::close;
use crate::stats::contrast::{Arm, Difference};
use crate::stats::planning::{Goal, expected_requests};
use crate::stats::{Cell, bernoulli, dirichlet, evidence, fixed, sequential, srm};

#[test]
fn numbers_of_the_design() {
    let near = |ours: f64, theirs: f64, digits: i32| {
        let half = 0.5 * 10.0_f64.powi(-digits);
        assert!(
            (ours - theirs).abs() <= half * 1.001,
            "{ours} is not {theirs}"
        );
    };
    let (a, b) = (Arm::proportion(120, 10_000), Arm::proportion(165, 10_050));
    let difference = Difference::absolute(&a, &b);
    near(difference.value, 0.004_417_9, 7);
    let interval = fixed::interval(&difference, 0.05);
    near(interval.low, 0.001_142_5, 7);
    near(interval.high, 0.007_693_3, 7);
    near(fixed::p_value(&difference), 0.008_205, 6);
    let interval = sequential::interval(&difference, 0.05);
    near(interval.low, -0.000_808, 6);
    near(interval.high, 0.009_644, 6);
    near(sequential::p_value(&difference, 0.05), 0.193_44, 5);
    near(fixed::chance_to_win(&difference), 0.995_90, 5);

    let halves = [srm::Segment {
        counts: &[10_000, 10_300],
        shares: &[0.5, 0.5],
    }];
    near(srm::chi_squared(&halves), 0.035_24, 5);
    near(evidence::p_value(srm::log_e(&halves)), 0.394_19, 5);

    let cells = [Cell {
        rho: 0.1,
        canary: 30,
        stable: 110,
    }];
    let log_e = dirichlet::log_e_ratio(&cells, 1.0, dirichlet::FOR_RATES);
    near(evidence::p_value(log_e), 0.012_526_9, 7);
    let interval = dirichlet::ratio_interval(&cells, dirichlet::FOR_RATES, 0.05);
    near(interval.low.ln(), 0.090, 3);
    near(interval.high.ln(), 1.599, 3);

    let interval = bernoulli::interval(12, 1000, 0.05);
    near(interval.low, 0.004_03, 5);
    near(interval.high, 0.025_25, 5);
}

/// The planning table: base rate 1 %, threshold ln 20.
#[test]
fn plans_are_the_table() {
    let goals = [
        Goal::Detect {
            ratio: 3.0,
            margin: 1.0,
        },
        Goal::Prove { margin: 3.0 },
        Goal::Prove { margin: 1.5 },
        Goal::Prove { margin: 1.25 },
    ];
    for (weight, row) in [
        (0.01, [34e3, 44e3, 560e3, 2.2e6]),
        (0.05, [7.2e3, 9.8e3, 120e3, 470e3]),
        (0.25, [1.9e3, 3.1e3, 32e3, 120e3]),
    ] {
        for (goal, requests) in goals.into_iter().zip(row) {
            let ours = expected_requests(goal, weight, 0.01, 0.05).expect("it ends");
            // The table has two digits.
            close(&format!("{goal:?} at {weight}"), ours, requests, 0.03);
        }
    }
    let never = |goal, weight, base| expected_requests(goal, weight, base, 0.05).is_none();
    assert!(never(goals[1], 0.0, 0.01), "no canary");
    assert!(never(goals[1], 0.05, 0.0), "no events");
    assert!(
        never(Goal::Prove { margin: 1.0 }, 0.05, 0.01),
        "equal is not better"
    );
    let lower = Goal::Detect {
        ratio: 1.2,
        margin: 1.5,
    };
    assert!(never(lower, 0.05, 0.01), "within the margin");
}
