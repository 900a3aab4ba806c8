//! The verbs, as a table: what they make of a bandit, and what refuses them.

use expect_test::{Expect, expect};

use super::super::{Learning, Reading, Readings, Sight, Verb, command, tick};
use super::{now, running, spec};
use crate::spec::bandit::Algorithm;

fn tell(learning: &Learning) -> String {
    let shares: Vec<_> = learning
        .slots
        .weights()
        .iter()
        .map(ToString::to_string)
        .collect();
    format!(
        "{} segment {} [{}]: {}",
        learning.word(),
        learning.segment,
        shares.join(", "),
        learning.why
    )
}

/// What is told one after the other; between verbs, a period ends in which 'b' looks best.
fn check(verbs: &[Verb], expect: Expect) {
    let spec = spec(3, Algorithm::EpsilonGreedy { epsilon: 0.0 });
    let mut learning = running(&spec);
    let mut told = vec![tell(&learning)];
    let reading = |share: f64| Reading {
        n: 100.0,
        mean: 0.1,
        chance: share,
        share,
        ..Reading::default()
    };
    let sight = Sight {
        waiting: None,
        elapsed: 10_000,
        readings: Some(Readings {
            arms: [0.0, 1.0, 0.0].map(reading).to_vec(),
            harms: Vec::new(),
            known: true,
        }),
    };
    for (second, verb) in (1..).zip(verbs) {
        match command(&learning, &spec, verb, now(second)) {
            Ok(step) => {
                learning = step.next;
                told.push(format!("{}: {}", step.action, tell(&learning)));
            }
            Err(refusal) => told.push(format!("refused: {refusal}")),
        }
        if let Some(step) = tick(&learning, &spec, &sight, now(second)) {
            learning = step.next;
            told.push(format!("{}: {}", step.action, tell(&learning)));
        }
    }
    expect.assert_eq(&(told.join("\n") + "\n"));
}

fn remove(arm: &str) -> Verb {
    Verb::RemoveArm {
        arm: arm.to_owned(),
        by: "ada".to_owned(),
        why: "it is rude".to_owned(),
    }
}

fn restore(arm: &str) -> Verb {
    let arm = arm.to_owned();
    Verb::RestoreArm { arm }
}

fn pause() -> Verb {
    let why = "a sale".to_owned();
    Verb::Pause { why }
}

#[test]
fn arms_leave_and_come_back_to_their_floor() {
    check(
        &[
            remove("c"),
            remove("c"),
            remove("a"),
            remove("z"),
            restore("b"),
            restore("c"),
        ],
        expect![[r#"
            running segment 1 [33.34 %, 33.33 %, 33.33 %]: all arms are ready: 'a' has 33.34 %, 'b' has 33.33 %, 'c' has 33.33 %
            bandit.remove_arm: running segment 2 [50.01 %, 49.99 %, 0 %]: ada removes 'c': it is rude
            bandit.reweigh: running segment 3 [30.02 %, 69.98 %, 0 %]: 'b' is the best with probability 1.000, at a mean reward of 0.1000; 'a' has 30.02 %, 'b' has 69.98 %, 'c' has 0 %
            refused: 'c' was removed by ada: it is rude
            bandit.reweigh: running segment 4 [10.03 %, 89.97 %, 0 %]: 'b' is the best with probability 1.000, at a mean reward of 0.1000; 'a' has 10.03 %, 'b' has 89.97 %, 'c' has 0 %
            refused: cannot remove 'a': it is the baseline, which the others are held against
            bandit.reweigh: running segment 5 [5 %, 95 %, 0 %]: 'b' is the best with probability 1.000, at a mean reward of 0.1000; 'a' has 5 %, 'b' has 95 %, 'c' has 0 %
            refused: unknown arm 'z'; there are a, b, c
            bandit.reweigh: running segment 5 [5 %, 95 %, 0 %]: 'b' is the best with probability 1.000, at a mean reward of 0.1000; 'a' has 5 %, 'b' has 95 %, 'c' has 0 %
            refused: 'b' was not removed
            bandit.reweigh: running segment 5 [5 %, 95 %, 0 %]: 'b' is the best with probability 1.000, at a mean reward of 0.1000; 'a' has 5 %, 'b' has 95 %, 'c' has 0 %
            bandit.restore_arm: running segment 6 [5 %, 90 %, 5 %]: 'c' is restored to its floor, 5 %
            bandit.reweigh: running segment 6 [5 %, 90 %, 5 %]: 'b' is the best with probability 1.000, at a mean reward of 0.1000; 'a' has 5 %, 'b' has 90 %, 'c' has 5 %
        "#]],
    );
}

#[test]
fn paused_the_shares_stay() {
    check(
        &[pause(), pause(), Verb::Resume, Verb::Resume],
        expect![[r#"
            running segment 1 [33.34 %, 33.33 %, 33.33 %]: all arms are ready: 'a' has 33.34 %, 'b' has 33.33 %, 'c' has 33.33 %
            bandit.pause: paused segment 1 [33.34 %, 33.33 %, 33.33 %]: paused: a sale; shares stay as they are
            refused: cannot pause a bandit that is paused
            bandit.resume: running segment 1 [33.34 %, 33.33 %, 33.33 %]: resumed; shares follow rewards again
            bandit.reweigh: running segment 2 [23.34 %, 53.32 %, 23.34 %]: 'b' is the best with probability 1.000, at a mean reward of 0.1000; 'a' has 23.34 %, 'b' has 53.32 %, 'c' has 23.34 %
            refused: cannot resume a bandit that is running
            bandit.reweigh: running segment 3 [13.35 %, 73.31 %, 13.34 %]: 'b' is the best with probability 1.000, at a mean reward of 0.1000; 'a' has 13.35 %, 'b' has 73.31 %, 'c' has 13.34 %
        "#]],
    );
}

#[test]
fn frozen_it_is_over() {
    check(
        &[Verb::FreezeBest, pause(), Verb::FreezeBest, pause()],
        expect![[r#"
            running segment 1 [33.34 %, 33.33 %, 33.33 %]: all arms are ready: 'a' has 33.34 %, 'b' has 33.33 %, 'c' has 33.33 %
            refused: no arm can be called the best: there are no rewards yet
            bandit.reweigh: running segment 2 [23.34 %, 53.32 %, 23.34 %]: 'b' is the best with probability 1.000, at a mean reward of 0.1000; 'a' has 23.34 %, 'b' has 53.32 %, 'c' has 23.34 %
            bandit.pause: paused segment 2 [23.34 %, 53.32 %, 23.34 %]: paused: a sale; shares stay as they are
            bandit.freeze: frozen segment 3 [0 %, 100 %, 0 %]: 'b' is likeliest the best and answers all
            refused: the bandit is over: 'b' took its place
        "#]],
    );
    check(
        &[Verb::FreezeExperiment, Verb::FreezeBest],
        expect![[r#"
            running segment 1 [33.34 %, 33.33 %, 33.33 %]: all arms are ready: 'a' has 33.34 %, 'b' has 33.33 %, 'c' has 33.33 %
            bandit.freeze: frozen segment 1 [33.34 %, 33.33 %, 33.33 %]: an experiment goes on: 'a' has 33.34 %, 'b' has 33.33 %, 'c' has 33.33 %
            refused: the bandit is over: an experiment took its place
        "#]],
    );
}
