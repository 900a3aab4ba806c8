//! Seeded simulations: what is not there is not found, and what is there is.

use super::super::report::Decision;
use super::super::{Record, Trial, Unit, Verb, command};
use super::{Dice, at, goal, now, running, seen, spec, weights};
use crate::bucket::Slot;
use crate::spec::experiment::{Experiment, GoalKind};

/// Requests with a uniform slot; each succeeds at the rate of its arm.
fn requests(record: &mut Record, dice: &mut Dice, segment: u32, count: u64, rates: &[f64]) {
    for _ in 0..count {
        let slot = u64::from(Slot::from_draw(dice.next()).get());
        let exposure = at(segment, slot, None);
        let arm = record.expose(&exposure, now(0)).unwrap();
        if dice.hit(rates[arm]) {
            record.feed(&exposure, &[None], &[Some(1.0)]);
        }
    }
}

fn binary(percents: &[f64]) -> Experiment {
    spec(percents, vec![goal("sale", GoalKind::Binary)])
}

#[test]
fn arms_that_are_alike_are_rarely_told_apart_however_often_one_looks() {
    let spec = binary(&[50.0, 25.0, 25.0]);
    let (mut shipped, mut fixed) = (0, 0);
    for run in 0..100 {
        let (trial, mut record) = running(&spec, Unit::Request);
        let mut dice = Dice(1_000 + run);
        let (mut found, mut naive) = (false, false);
        for _ in 0..30 {
            requests(&mut record, &mut dice, 1, 300, &[0.1; 3]);
            let report = seen(&record, &spec, &trial);
            found |= matches!(report.verdict.decision, Decision::Ship { .. });
            naive |= report.goals[0]
                .contrasts
                .iter()
                .any(|one| one.p_fixed <= 0.05);
        }
        shipped += u32::from(found);
        fixed += u32::from(naive);
    }
    // α is 5 of them; ordinary tests find something in a third of the runs.
    assert!(shipped <= 5, "{shipped} of 100");
    assert!(fixed >= 25, "{fixed} of 100: the test could not fail");
}

#[test]
fn a_difference_is_found_and_the_right_arm_is_shipped() {
    let spec = binary(&[40.0, 30.0, 30.0]);
    for run in 0..20 {
        let (trial, mut record) = running(&spec, Unit::Request);
        requests(&mut record, &mut Dice(run), 1, 20_000, &[0.10, 0.10, 0.13]);
        let verdict = seen(&record, &spec, &trial).verdict;
        assert_eq!(
            verdict.decision,
            Decision::Ship { arm: 2 },
            "run {run}: {}",
            verdict.why
        );
    }
}

#[test]
fn no_gain_is_no_reason_to_ship() {
    let mut spec = binary(&[50.0, 50.0]);
    spec.goals[0].mde = 0.2;
    let (trial, mut record) = running(&spec, Unit::Request);
    requests(&mut record, &mut Dice(1), 1, 40_000, &[0.2, 0.2]);
    let verdict = seen(&record, &spec, &trial).verdict;
    assert_eq!(verdict.decision, Decision::DoNotShip, "{}", verdict.why);
}

#[test]
fn lost_units_make_it_invalid() {
    let spec = binary(&[50.0, 50.0]);
    let (trial, mut record) = running(&spec, Unit::Request);
    let mut dice = Dice(2);
    for _ in 0..60_000 {
        let slot = u64::from(Slot::from_draw(dice.next()).get());
        // One in twelve of the second arm's requests is never counted.
        if slot < 5_000 || !dice.hit(1.0 / 12.0) {
            record.expose(&at(1, slot, None), now(0));
        }
    }
    let report = seen(&record, &spec, &trial);
    assert_eq!(report.verdict.decision, Decision::Invalid);
    assert!(report.health.warnings[0].starts_with("the arms did not get the shares"));
}

/// Weights change while the rate triples.
fn changed(
    spec: &Experiment,
    unit: Unit,
    to: &[f64],
    mut traffic: impl FnMut(&mut Record, &Trial, f64),
) -> super::Report {
    let (mut trial, mut record) = running(spec, unit);
    traffic(&mut record, &trial, 0.05);
    let verb = Verb::SetWeights(weights(to));
    trial = command(&trial, spec, &verb, now(1)).unwrap().next;
    record.open(trial.segment, &trial.slots);
    traffic(&mut record, &trial, 0.15);
    seen(&record, spec, &trial)
}

#[test]
fn changed_weights_are_neither_a_mismatch_nor_a_difference() {
    for run in 0..10 {
        let mut dice = Dice(100 + run);
        let report = changed(
            &binary(&[90.0, 10.0]),
            Unit::Request,
            &[50.0, 50.0],
            |record, trial, rate| {
                requests(record, &mut dice, trial.segment, 15_000, &[rate, rate]);
            },
        );
        let ratio = report.health.ratio;
        assert!(
            !ratio.mismatch && ratio.p_fixed > 0.001,
            "run {run}: {ratio:?}"
        );
        let contrast = &report.goals[0].contrasts[0];
        assert!(contrast.p_sequential > 0.05, "run {run}: {contrast:?}");
        // Pooled, the arm would have looked better by a third.
        let pooled = |arm: usize| report.goals[0].arms[arm].unwrap().value;
        assert!(pooled(1) > 1.2 * pooled(0));
    }
}

/// Requests of users of whom few make many, each with a taste of their own; `crowd` tells populations apart.
fn users(record: &mut Record, dice: &mut Dice, (segment, crowd): (u32, u64), requests: u64) {
    for _ in 0..requests {
        // One in five requests is of one of 60 heavy users, the others of 3,000 light ones.
        let user = if dice.hit(0.2) {
            dice.next() % 60
        } else {
            60 + dice.next() % 3_000
        };
        let mut own = Dice(user * 1_000_003 + crowd);
        let (slot, taste) = (own.next() % 10_000, own.normal());
        let exposure = at(segment, slot, Some(user));
        record.expose(&exposure, now(0));
        let stars = 1.0 + taste + dice.normal();
        record.feed(&exposure, &[None; 2], &[Some(stars), Some(1.0)]);
    }
}

fn stars(percents: &[f64]) -> Experiment {
    let per = "requests".to_owned();
    spec(percents, vec![goal("stars", GoalKind::Ratio { per })])
}

#[test]
fn heavy_users_are_no_evidence() {
    let spec = stars(&[50.0, 50.0]);
    let (mut found, mut naive) = (0, 0);
    for crowd in 0..40 {
        let (trial, mut record) = running(&spec, Unit::Key);
        let mut dice = Dice(crowd);
        let (mut once, mut naively) = (false, false);
        for _ in 0..6 {
            users(&mut record, &mut dice, (1, crowd), 500);
            let report = seen(&record, &spec, &trial);
            let contrast = &report.goals[0].contrasts[0];
            once |= contrast.p_sequential <= 0.05;
            // As if every request were a unit, and one looked once.
            let effect = report.goals[0].arms[0].unwrap().design_effect;
            let numbers = contrast.absolute.unwrap();
            naively |= (numbers.value / numbers.se).abs() * effect.sqrt() > 1.96;
        }
        found += u32::from(once);
        naive += u32::from(naively);
    }
    assert!(found <= 2, "{found} of 40");
    assert!(naive >= 10, "{naive} of 40: the test could not fail");
}

/// The standard errors are right though keys come again in both spans, and some in the other arm.
#[test]
fn keys_whose_slots_move_are_no_evidence_either() {
    let (mut squares, runs) = (0.0, 60);
    for crowd in 0..runs {
        let mut dice = Dice(crowd);
        let report = changed(
            &stars(&[90.0, 10.0]),
            Unit::Key,
            &[10.0, 90.0],
            |record, trial, _| {
                users(record, &mut dice, (trial.segment, crowd), 2_000);
            },
        );
        assert!(!report.health.ratio.mismatch);
        assert!(report.health.twice > 100.0, "{}", report.health.twice);
        let numbers = report.goals[0].contrasts[0].absolute.unwrap();
        squares += (numbers.value / numbers.se).powi(2);
    }
    // Each is about χ² with one degree of freedom: their mean is 1 ± 0.18.
    let mean = squares / runs as f64;
    assert!((0.55..1.55).contains(&mean), "{mean}");
}
