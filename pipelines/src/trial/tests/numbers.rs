//! Reports against reference numbers (scipy, gbstats, confseq) and against sums over the raw values.

use super::super::report::{Decision, Role};
use super::super::{Record, Unit};
use super::{Dice, at, country, goal, now, running, seen, slot_of, spec};
use crate::spec::experiment::{Better, Experiment, GoalKind};
use crate::stats::moments::Adjustment;
use crate::stats::{Difference, Joint};

fn close(got: f64, expected: f64, within: f64) {
    assert!((got - expected).abs() <= within, "{got} is not {expected}");
}

/// Exposes so many requests to each arm of an even split and gives a value of 1 to so many.
fn fill(record: &mut Record, arms: [(u64, u64); 2], unit: Unit) {
    for (arm, (units, hits)) in arms.into_iter().enumerate() {
        for number in 0..units {
            let key = (unit == Unit::Key).then(|| number * 2 + arm as u64);
            let exposure = at(1, slot_of(arm, number), key);
            assert_eq!(record.expose(&exposure, now(0)), Some(arm));
            if number < hits {
                record.feed(&exposure, &[None], &[Some(1.0)]);
            }
        }
    }
}

#[test]
fn the_documented_example() {
    let spec = spec(&[50.0, 50.0], vec![goal("sale", GoalKind::Binary)]);
    let (trial, mut record) = running(&spec, Unit::Request);
    fill(&mut record, [(10_000, 120), (10_050, 165)], Unit::Request);
    let report = seen(&record, &spec, &trial);
    let contrast = &report.goals[0].contrasts[0];
    let absolute = contrast.absolute.unwrap();
    close(absolute.value, 0.004_417_9, 5e-8);
    close(absolute.fixed.low, 0.001_142_5, 5e-8);
    close(absolute.fixed.high, 0.007_693_3, 5e-8);
    close(contrast.p_fixed, 0.008_205, 5e-7);
    close(absolute.sequential.low, -0.000_808, 5e-7);
    close(absolute.sequential.high, 0.009_644, 5e-7);
    close(contrast.p_sequential, 0.193_44, 5e-6);
    close(contrast.chance_to_win, 0.995_90, 5e-6);
    assert_eq!(report.verdict.decision, Decision::KeepRunning);
    let base = report.goals[0].arms[0].unwrap();
    assert_eq!((base.fed, base.missing), (120, 9_880));
    close(base.design_effect, 1.0, 1e-12);
}

#[test]
fn the_sample_ratio_of_the_documented_example() {
    let spec = spec(&[50.0, 50.0], vec![goal("sale", GoalKind::Binary)]);
    let (trial, mut record) = running(&spec, Unit::Request);
    fill(&mut record, [(10_000, 0), (10_300, 0)], Unit::Request);
    let health = seen(&record, &spec, &trial).health;
    close(health.ratio.p_fixed, 0.035_24, 5e-6);
    close((-health.ratio.log_e).exp(), 0.394_19, 5e-6);
    assert!(!health.ratio.mismatch);
}

/// Where each slot has one key at most, keys and requests are the same units, and the clusters change nothing but the
/// degrees of freedom.
#[test]
fn one_request_per_key_is_one_unit_per_request() {
    let spec = spec(&[50.0, 50.0], vec![goal("sale", GoalKind::Binary)]);
    let arms = [(4_000, 400), (4_100, 500)];
    let report = |unit| {
        let (trial, mut record) = running(&spec, unit);
        fill(&mut record, arms, unit);
        seen(&record, &spec, &trial)
    };
    let (requests, keys) = (report(Unit::Request), report(Unit::Key));
    close(keys.arms[1].units, 4_100.0, 1e-6);
    let numbers = |report: &super::super::Report| report.goals[0].contrasts[0].absolute.unwrap();
    close(numbers(&keys).value, numbers(&requests).value, 1e-12);
    close(numbers(&keys).se / numbers(&requests).se, 1.0, 3e-4);
}

/// Means with what was known before, a ratio, and a capped mean, against sums over the raw values.
#[test]
fn moments_are_those_of_the_raw_values() {
    let covariate = Some("before".to_owned());
    let spec = spec(
        &[50.0, 50.0],
        vec![
            goal(
                "spent",
                GoalKind::Mean {
                    cap: None,
                    covariate,
                },
            ),
            goal(
                "spent",
                GoalKind::Mean {
                    cap: Some(12.0),
                    covariate: None,
                },
            ),
            goal(
                "right",
                GoalKind::Ratio {
                    per: "labelled".to_owned(),
                },
            ),
        ],
    );
    let (trial, mut record) = running(&spec, Unit::Request);
    assert_eq!(
        record.plan().metrics(),
        ["spent", "before", "right", "labelled"]
    );
    let mut dice = Dice(3);
    let mut raw: [[Joint; 3]; 2] = Default::default();
    for number in 0..6_000 {
        let arm = (number % 2) as usize;
        let before = 10.0 + 3.0 * dice.normal();
        let spent = before + dice.normal() + 0.1 * arm as f64;
        let labelled = f64::from(u8::from(dice.hit(0.5)));
        let right = labelled * f64::from(u8::from(dice.hit(0.8)));
        let exposure = at(1, slot_of(arm, number), None);
        record.expose(&exposure, now(0));
        // The feedback comes in two parts, and the first is corrected.
        let first = [Some(1.0), Some(before), None, None];
        let last = [Some(spent), Some(before), Some(right), Some(labelled)];
        record.feed(&exposure, &[None; 4], &first);
        record.feed(&exposure, &first, &last);
        raw[arm][0].push(spent, before);
        raw[arm][1].push(spent.min(12.0), 0.0);
        raw[arm][2].push(right, labelled);
    }
    let by = Adjustment::pooled(&[raw[0][0], raw[1][0]]);
    let plain = Adjustment::default();
    let arms = |goal: usize| match goal {
        0 => [0, 1].map(|arm: usize| raw[arm][0].adjusted_arm(&by)),
        1 => [0, 1].map(|arm: usize| raw[arm][1].adjusted_arm(&plain)),
        _ => [0, 1].map(|arm: usize| raw[arm][2].ratio_arm()),
    };
    let report = seen(&record, &spec, &trial);
    for goal in 0..3 {
        let [base, treat] = arms(goal);
        let expected = Difference::absolute(&base, &treat);
        let got = report.goals[goal].contrasts[0].absolute.unwrap();
        close(got.value, expected.value, 1e-9);
        close(got.se, expected.se, 1e-9);
    }
    // What was known before explains nine tenths of the variance.
    let unadjusted = Difference::absolute(
        &raw[0][0].adjusted_arm(&plain),
        &raw[1][0].adjusted_arm(&plain),
    );
    assert!(report.goals[0].contrasts[0].absolute.unwrap().se < 0.4 * unadjusted.se);
}

#[test]
fn quantiles_are_refused_with_too_few_values() {
    let mut goal = goal("latency", GoalKind::Quantile(0.99));
    goal.better = Better::Lower;
    let spec = spec(&[50.0, 50.0], vec![goal]);
    let (trial, mut record) = running(&spec, Unit::Request);
    let mut dice = Dice(4);
    let mut fill = |record: &mut Record, units: u64| {
        for number in 0..units {
            let arm = (number % 2) as usize;
            let exposure = at(1, slot_of(arm, number), None);
            record.expose(&exposure, now(0));
            let slow = if arm == 1 { 0.5 } else { 1.0 };
            record.feed(
                &exposure,
                &[None],
                &[Some(0.01 * slow * dice.normal().exp())],
            );
        }
    };
    fill(&mut record, 300);
    let early = seen(&record, &spec, &trial);
    let refused = early.goals[0].refused.as_deref();
    assert_eq!(
        refused,
        Some("150 values are too few for an interval of this quantile")
    );
    assert_eq!(early.verdict.decision, Decision::KeepRunning);
    fill(&mut record, 20_000);
    let late = seen(&record, &spec, &trial);
    assert_eq!(late.goals[0].refused, None);
    // The 99th percentile of exp(N(0, 1)) is exp(2.326).
    close(
        late.goals[0].arms[0].unwrap().value,
        0.01 * 2.326_f64.exp(),
        0.008,
    );
    assert_eq!(late.verdict.decision, Decision::Ship { arm: 1 });
}

fn guarded() -> Experiment {
    let mut spec = spec(&[50.0, 50.0], vec![goal("sale", GoalKind::Binary)]);
    let mut errors = goal("errors", GoalKind::Binary);
    errors.better = Better::Lower;
    spec.guardrails.push(errors);
    spec.segments.push(country());
    spec
}

#[test]
fn a_guardrail_forbids_what_the_goal_asks_for() {
    let spec = guarded();
    for (errors, decision) in [
        (0.01, Decision::Ship { arm: 1 }),
        (0.05, Decision::DoNotShip),
    ] {
        let (trial, mut record) = running(&spec, Unit::Request);
        let mut dice = Dice(5);
        for number in 0..20_000 {
            let arm = (number % 2) as usize;
            let exposure = at(1, slot_of(arm, number), None);
            record.expose(&exposure, now(0));
            let sale = dice.hit([0.1, 0.15][arm]);
            let error = dice.hit([0.01, errors][arm] * if arm == 1 { 0.9 } else { 1.0 });
            let values = [sale, error].map(|one| one.then_some(1.0));
            record.feed(&exposure, &[None; 2], &values);
        }
        let report = seen(&record, &spec, &trial);
        assert_eq!(report.verdict.decision, decision, "{}", report.verdict.why);
        assert_eq!(report.goals[1].role, Role::Guardrail);
    }
}

#[test]
fn declared_segments_are_told_apart() {
    let spec = guarded();
    let (trial, mut record) = running(&spec, Unit::Request);
    let mut dice = Dice(6);
    for number in 0..30_000 {
        let arm = (number % 2) as usize;
        let mut exposure = at(1, slot_of(arm, number), None);
        exposure.dimensions[0] = u8::from(dice.hit(0.5));
        record.expose(&exposure, now(0));
        // Better in France only.
        let rate = [0.1, [0.1, 0.16][usize::from(exposure.dimensions[0])]][arm];
        record.feed(
            &exposure,
            &[None; 2],
            &[dice.hit(rate).then_some(1.0), None],
        );
    }
    let report = seen(&record, &spec, &trial);
    let p = |part: usize| report.parts[part].contrasts[0].p_sequential;
    assert_eq!(report.parts[1].value.as_deref(), Some("fr"));
    assert!(p(0) > 0.05 && p(1) < 0.001, "{} {}", p(0), p(1));
    assert_eq!(report.parts[2].units, [0, 0]);
    assert!(report.parts[2].contrasts.is_empty());
}
