//! The verbs, as a table: what they make of an experiment, and what refuses them.

use expect_test::{Expect, expect};

use super::super::{Phase, Refusal, Sight, Trial, Verb, begin, command, tick};
use super::{goal, now, spec, weights};
use crate::spec::experiment::{Experiment, GoalKind};

fn three() -> Experiment {
    spec(&[50.0, 30.0, 20.0], vec![goal("sale", GoalKind::Binary)])
}

fn tell(trial: &Trial) -> String {
    let shares: Vec<_> = trial
        .slots
        .weights()
        .iter()
        .map(ToString::to_string)
        .collect();
    format!(
        "{} segment {} [{}]: {}",
        trial.word(),
        trial.segment,
        shares.join(", "),
        trial.why
    )
}

fn check(verbs: &[Verb], expect: Expect) {
    let spec = three();
    let mut trial = begin(7, &spec, now(0)).unwrap();
    let mut told = vec![tell(&trial)];
    let ready = Sight::default();
    for (second, verb) in (1..).zip(verbs) {
        if let Some(step) = tick(&trial, &spec, &ready, now(second)) {
            trial = step.next;
            told.push(format!("{}: {}", step.action, tell(&trial)));
        }
        match command(&trial, &spec, verb, now(second)) {
            Ok(step) => {
                trial = step.next;
                told.push(format!("{}: {}", step.action, tell(&trial)));
            }
            Err(refusal) => told.push(format!("refused: {refusal}")),
        }
    }
    expect.assert_eq(&(told.join("\n") + "\n"));
}

fn pause() -> Verb {
    Verb::Pause {
        why: "an incident".to_owned(),
    }
}

#[test]
fn paused_the_baseline_answers_and_the_weights_come_back() {
    check(
        &[
            pause(),
            pause(),
            Verb::SetWeights(weights(&[40.0, 40.0, 20.0])),
            Verb::Resume,
            Verb::Resume,
        ],
        expect![[r#"
            preparing segment 0 [100 %, 0 %, 0 %]: the arms' versions are made ready; the baseline answers all
            experiment.run: running segment 1 [50 %, 30 %, 20 %]: all 3 arms are ready and take their traffic
            experiment.pause: paused segment 2 [100 %, 0 %, 0 %]: paused: an incident; the baseline answers all
            refused: cannot pause an experiment that is paused
            experiment.set_weights: paused segment 2 [100 %, 0 %, 0 %]: weights are now 40 % / 40 % / 20 %; 10 % of all keys see another arm than before
            experiment.resume: preparing segment 2 [100 %, 0 %, 0 %]: resumed; the arms take their traffic when all are ready
            experiment.run: running segment 3 [40 %, 40 %, 20 %]: all 3 arms are ready and take their traffic
            refused: cannot resume an experiment that is running
        "#]],
    );
}

#[test]
fn ended_it_takes_no_verb() {
    let ship = |arm: &str| Verb::Ship {
        arm: arm.to_owned(),
        by: "ada".to_owned(),
    };
    check(
        &[ship("z"), ship("b"), pause(), ship("c")],
        expect![[r#"
        preparing segment 0 [100 %, 0 %, 0 %]: the arms' versions are made ready; the baseline answers all
        experiment.run: running segment 1 [50 %, 30 %, 20 %]: all 3 arms are ready and take their traffic
        refused: unknown arm 'z'; there are a, b, c
        experiment.ship: shipped segment 2 [0 %, 100 %, 0 %]: ada ships 'b': it answers all from now on
        refused: the experiment is over: 'b' was shipped
        refused: the experiment is over: 'b' was shipped
    "#]],
    );
    let stop = Verb::Stop {
        by: "ada".to_owned(),
        why: "the label was wrong".to_owned(),
    };
    check(
        &[stop, Verb::Resume],
        expect![[r#"
        preparing segment 0 [100 %, 0 %, 0 %]: the arms' versions are made ready; the baseline answers all
        experiment.run: running segment 1 [50 %, 30 %, 20 %]: all 3 arms are ready and take their traffic
        experiment.stop: stopped segment 2 [100 %, 0 %, 0 %]: stopped by ada: the label was wrong; the baseline answers all
        refused: the experiment is over: ada stopped it: the label was wrong
    "#]],
    );
}

#[test]
fn weights_move_as_few_slots_as_can_be_and_are_checked() {
    check(
        &[
            Verb::SetWeights(weights(&[50.0, 30.0])),
            Verb::SetWeights(weights(&[50.0, 30.0, 10.0])),
            Verb::SetWeights(weights(&[50.0, 30.0, 20.0])),
            Verb::SetWeights(weights(&[40.0, 30.0, 30.0])),
        ],
        expect![[r#"
            preparing segment 0 [100 %, 0 %, 0 %]: the arms' versions are made ready; the baseline answers all
            experiment.run: running segment 1 [50 %, 30 %, 20 %]: all 3 arms are ready and take their traffic
            refused: expected 3 weights, one for each arm, got 2
            refused: weights must sum to 100 %, got 90.00 %
            refused: the arms have these weights already
            experiment.set_weights: running segment 2 [40 %, 30 %, 30 %]: weights are now 40 % / 30 % / 30 %; 10 % of all keys see another arm than before
        "#]],
    );
}

#[test]
fn nothing_runs_before_all_arms_are_ready() {
    let spec = three();
    let trial = begin(7, &spec, now(0)).unwrap();
    let waiting = Sight {
        waiting: Some("model/2 is loading".to_owned()),
    };
    assert_eq!(tick(&trial, &spec, &waiting, now(1)), None);
    assert!((trial.slots.share(0) - 1.0).abs() < 1e-12);
    let step = tick(&trial, &spec, &Sight::default(), now(2)).unwrap();
    assert_eq!(step.next.phase, Phase::Running);
    assert_eq!(step.next.slots, step.next.split);
    assert_eq!(tick(&step.next, &spec, &Sight::default(), now(3)), None);
}

#[test]
fn there_is_room_for_eight_splits() {
    let spec = three();
    let mut trial = begin(7, &spec, now(0)).unwrap();
    for weight in 1..8 {
        let weight = f64::from(weight);
        let verb = Verb::SetWeights(weights(&[50.0, 50.0 - weight, weight]));
        trial = command(&trial, &spec, &verb, now(1)).unwrap().next;
    }
    let verb = Verb::SetWeights(weights(&[50.0, 25.0, 25.0]));
    assert_eq!(command(&trial, &spec, &verb, now(1)), Err(Refusal::Splits));
}
