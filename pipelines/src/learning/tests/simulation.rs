//! Seeded simulations: what is better gets the traffic, what was better loses it, and what does harm goes.

use super::super::{Learning, Rewards, report, tick};
use super::{Dice, due, now, running, show, spec};
use crate::spec::bandit::{Algorithm, Bandit, RewardKind};
use crate::spec::experiment::{Better, Goal, GoalKind};

const REQUESTS: u64 = 400;

const ALGORITHMS: [Algorithm; 4] = [
    Algorithm::Thompson { top_two: false },
    Algorithm::Thompson { top_two: true },
    Algorithm::Ucb1,
    Algorithm::EpsilonGreedy { epsilon: 0.1 },
];

/// What a run cost against always showing the best, and what even shares would have cost.
struct Cost {
    regret: f64,
    even: f64,
    learning: Learning,
    rewards: Rewards,
}

/// So many periods of requests; `rates` tells each arm's chance of a reward, which comes a second later.
fn run(spec: &Bandit, seed: u64, periods: u64, rates: impl Fn(u64) -> Vec<f64>) -> Cost {
    let (mut learning, mut rewards) = (running(spec), Rewards::new(spec));
    let mut dice = Dice(seed);
    let (mut regret, mut even) = (0.0, 0.0);
    for period in 0..periods {
        let rates = rates(period);
        let best = rates.iter().copied().fold(0.0, f64::max);
        let mean = rates.iter().sum::<f64>() / rates.len() as f64;
        for request in 0..REQUESTS {
            let at = now(period * 10_000 + request * 10);
            let shown = show(&learning, &mut dice, at);
            rewards.expose(&shown);
            let reward = dice.hit(rates[shown.arm]).then_some(1.0);
            let then = now(period * 10_000 + request * 10 + 1_000);
            rewards.feed(&shown, then, &[None], &[reward]);
            regret += best - rates[shown.arm];
            even += best - mean;
        }
        let end = now((period + 1) * 10_000);
        rewards.settle(end);
        if let Some(step) = tick(&learning, spec, &due(&rewards, spec, &learning, end), end) {
            limits(spec, &learning, &step.next);
            learning = step.next;
        }
    }
    Cost {
        regret,
        even,
        learning,
        rewards,
    }
}

/// Floor and limit hold, to the slot.
fn limits(spec: &Bandit, before: &Learning, after: &Learning) {
    let weights = after.split.weights();
    let sum: u32 = weights
        .iter()
        .map(|weight| u32::from(weight.basis_points()))
        .sum();
    assert_eq!(sum, 10_000);
    for (arm, weight) in weights.iter().enumerate() {
        let removed = after.removed.contains_key(&arm);
        assert!(
            removed || weight.share() >= spec.floor - 1e-9,
            "{arm}: {weight}"
        );
        let change = (weight.share() - before.share(arm)).abs();
        let same = before.removed == after.removed;
        assert!(!same || change <= spec.max_change + 1e-9, "{arm}: {change}");
    }
}

#[test]
fn each_algorithm_costs_less_than_even_shares() {
    let rates = vec![0.05, 0.08, 0.20];
    for algorithm in ALGORITHMS {
        let spec = spec(3, algorithm);
        let (mut regret, mut even) = (0.0, 0.0);
        for seed in 0..4 {
            let cost = run(&spec, seed, 30, |_| rates.clone());
            regret += cost.regret;
            even += cost.even;
        }
        // Two arms at their floor of 5 % cost about an eighth by themselves; top-two goes on trying the second.
        let bar = match algorithm {
            Algorithm::Thompson { top_two: true } => 0.8,
            Algorithm::Ucb1 => 0.6,
            Algorithm::Thompson { top_two: false } | Algorithm::EpsilonGreedy { .. } => 0.4,
        };
        assert!(
            regret < bar * even,
            "{algorithm:?}: {regret:.0} against {even:.0}"
        );
    }
}

#[test]
fn a_report_tells_what_it_cost() {
    let spec = spec(3, ALGORITHMS[0]);
    let cost = run(&spec, 1, 30, |_| vec![0.05, 0.05, 0.12]);
    let report = report(&cost.rewards, &spec, &cost.learning, now(300_000));
    assert_eq!(report.periods, 30);
    assert!(
        (report.regret - cost.regret).abs() < 0.25 * cost.regret,
        "{} {}",
        report.regret,
        cost.regret
    );
    assert!((report.regret_even - cost.even).abs() < 0.25 * cost.even);
    assert!(report.arms[2].chance > 0.99 && report.arms[2].weight.share() > 0.85);
    assert_eq!(
        report.arms.iter().map(|arm| arm.shown).sum::<u64>(),
        30 * REQUESTS
    );
}

#[test]
fn what_was_better_is_forgotten_by_half_lives() {
    let rates = |period: u64| {
        if period < 30 {
            vec![0.05, 0.15]
        } else {
            vec![0.15, 0.05]
        }
    };
    let remembering = spec(2, ALGORITHMS[0]);
    let mut forgetting = remembering.clone();
    forgetting.half_life = Some(std::time::Duration::from_secs(60));
    let (mut kept, mut halved) = (0.0, 0.0);
    for seed in 0..4 {
        kept += run(&remembering, seed, 60, rates).regret;
        halved += run(&forgetting, seed, 60, rates).regret;
    }
    assert!(halved < 0.7 * kept, "{halved:.0} against {kept:.0}");
}

#[test]
fn numbers_are_learnt_from_too() {
    // Of two arms, top-two gives half to each, whatever they achieve.
    let others = ALGORITHMS.into_iter().filter(|one| *one != ALGORITHMS[1]);
    for algorithm in others {
        let mut spec = spec(2, algorithm);
        spec.reward.kind = RewardKind::Number;
        let (mut learning, mut rewards) = (running(&spec), Rewards::new(&spec));
        let mut dice = Dice(5);
        for period in 0..20 {
            for request in 0..REQUESTS {
                let at = now(period * 10_000 + request);
                let shown = show(&learning, &mut dice, at);
                rewards.expose(&shown);
                // Below zero, and far from 1: revenue after costs.
                let value = [-40.0, -30.0][shown.arm] + 60.0 * (dice.part() - 0.5);
                rewards.feed(&shown, at, &[None], &[Some(value)]);
            }
            let end = now((period + 1) * 10_000);
            learning = tick(&learning, &spec, &due(&rewards, &spec, &learning, end), end)
                .unwrap()
                .next;
        }
        assert!(
            learning.share(1) > 0.7,
            "{algorithm:?}: {}",
            learning.share(1)
        );
    }
}

/// Rewards take 20 seconds on average. Without regard to that, an arm whose exposures are younger looks worse.
#[test]
fn rewards_that_may_still_come_are_no_failures() {
    let mut spec = spec(2, ALGORITHMS[0]);
    spec.reward_within = std::time::Duration::from_secs(120);
    let (learning, mut rewards) = (running(&spec), Rewards::new(&spec));
    let mut dice = Dice(9);
    let mut coming = Vec::new();
    let (mut shown_late, mut came_late) = (0.0, 0.0);
    for request in 0..60_000_u64 {
        let at = now(request * 5);
        // The second arm is shown in the last thirty seconds only.
        let mut shown = show(&learning, &mut dice, at);
        shown.arm = usize::from(request > 54_000 && dice.hit(0.5));
        rewards.expose(&shown);
        let delay = (-(1.0 - dice.part()).ln() * 20_000.0) as u64;
        if dice.hit(0.3) && delay < 120_000 {
            coming.push((request * 5 + delay, shown));
        }
        shown_late += shown.arm as f64;
    }
    let end = 300_000;
    for (when, shown) in coming.into_iter().filter(|(when, _)| *when <= end) {
        rewards.feed(&shown, now(when), &[None], &[Some(1.0)]);
        came_late += shown.arm as f64;
    }
    rewards.settle(now(end));
    let readings = super::super::read(&rewards, &spec, &learning, now(end));
    let naive = came_late / shown_late;
    assert!(naive < 0.2, "{naive}: the test could not fail");
    for arm in [0, 1] {
        let mean = readings.arms[arm].mean;
        assert!((mean - 0.3).abs() < 0.03, "arm {arm}: {mean}");
    }
}

fn careful(algorithm: Algorithm) -> Bandit {
    let mut spec = spec(3, algorithm);
    spec.safety.push(Goal {
        metric: "errors".to_owned(),
        kind: GoalKind::Binary,
        better: Better::Lower,
        mde: 0.5,
    });
    spec
}

/// Errors at these rates, which grow by a factor half-way, when shares have followed rewards.
fn with_errors(spec: &Bandit, seed: u64, errors: [f64; 3], factor: f64) -> Learning {
    let (mut learning, mut rewards) = (running(spec), Rewards::new(spec));
    assert_eq!(rewards.metrics(), ["click", "errors"]);
    let mut dice = Dice(seed);
    for period in 0..20 {
        for request in 0..1_000 {
            let at = now(period * 10_000 + request);
            let shown = show(&learning, &mut dice, at);
            rewards.expose(&shown);
            let hour = if period < 10 { 1.0 } else { factor };
            // The best arm has the most traffic in the worse hours.
            let reward = dice.hit([0.05, 0.05, 0.15][shown.arm]).then_some(1.0);
            let error = dice.hit(hour * errors[shown.arm]).then_some(1.0);
            rewards.feed(&shown, at, &[None, None], &[reward, error]);
        }
        let end = now((period + 1) * 10_000);
        if let Some(step) = tick(&learning, spec, &due(&rewards, spec, &learning, end), end) {
            limits(spec, &learning, &step.next);
            learning = step.next;
        }
    }
    learning
}

#[test]
fn what_does_harm_is_removed_though_it_earns_most() {
    let spec = careful(ALGORITHMS[0]);
    for seed in 0..5 {
        let learning = with_errors(&spec, seed, [0.05, 0.05, 0.25], 2.0);
        let removal = &learning.removed[&2];
        assert_eq!(removal.by, "impresario");
        assert!(removal.why.starts_with("'errors' is 0."), "{}", removal.why);
        assert_eq!(learning.removed.len(), 1);
        assert!(learning.share(2) == 0.0 && learning.best != Some(2));
    }
}

#[test]
fn what_does_no_harm_stays_and_safety_favours_none() {
    let mut spec = careful(ALGORITHMS[0]);
    // Uncorrected, the best arm has four tenths more errors than the baseline.
    spec.safety[0].mde = 0.05;
    for seed in 0..10 {
        let learning = with_errors(&spec, seed, [0.05, 0.02, 0.05], 6.0);
        assert!(
            learning.removed.is_empty(),
            "seed {seed}: {:?}",
            learning.removed
        );
        assert!(learning.share(2) > 0.8, "seed {seed}");
    }
}
