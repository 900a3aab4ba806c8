//! What holds for all rewards and all shares.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::super::{Learning, Rewards, Sight, limit, read, tick};
use super::{Dice, due, now, running, show, spec};
use crate::bucket::Slots;
use crate::spec::bandit::{Algorithm, Bandit};
use crate::spec::experiment::{Better, Goal, GoalKind};

const THOMPSON: Algorithm = Algorithm::Thompson { top_two: false };

fn guarded() -> Bandit {
    let mut spec = spec(3, THOMPSON);
    spec.safety.push(Goal {
        metric: "stars".to_owned(),
        kind: GoalKind::Ratio {
            per: "rated".to_owned(),
        },
        better: Better::Higher,
        mde: 0.1,
    });
    spec
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn shares_keep_their_floor_and_their_pace(
        wanted in proptest::collection::vec(0.0_f64..1.0, 2..12),
        least in 0.0_f64..1.0,
        max_change in 0.001_f64..1.0,
        removed in proptest::option::of(1_usize..12),
    ) {
        let arms = wanted.len();
        let least = least / arms as f64;
        let even = limit::weights(&vec![1.0; arms]);
        let mut slots = Slots::new(&even).unwrap();
        let mut active: BTreeSet<usize> = (0..arms).collect();
        let present = |slots: &Slots| slots.weights().iter().map(|w| w.share()).collect::<Vec<_>>();
        if let Some(arm) = removed.filter(|arm| *arm < arms && arms > 2) {
            let shares = limit::without(&present(&slots), arm);
            slots = slots.reweigh(&limit::weights(&shares)).unwrap();
            active.remove(&arm);
        }
        for round in 0..6 {
            let gone = (0..arms).find(|arm| !active.contains(arm));
            if let Some(arm) = gone.filter(|_| round == 4) {
                active.insert(arm);
                let shares = limit::with(&present(&slots), arm, &active, least);
                slots = slots.reweigh(&limit::weights(&shares)).unwrap();
            }
            let shares = limit::toward(&present(&slots), &wanted, &active, least, max_change);
            let next = slots.reweigh(&limit::weights(&shares)).unwrap();
            for arm in 0..arms {
                let (was, is) = (slots.share(arm), next.share(arm));
                prop_assert!((is - was).abs() <= max_change + 1e-9, "{was} to {is}");
                let floor = if active.contains(&arm) { limit::floor(least, active.len()) } else { 0.0 };
                prop_assert!(is >= floor - 1e-9, "{is} below {floor}");
                prop_assert!(active.contains(&arm) || is == 0.0);
            }
            slots = next;
        }
    }

    #[test]
    fn two_rewards_merge_to_what_one_would_be(
        events in proptest::collection::vec((0_usize..3, 0_u64..200_000, proptest::option::of(0_u64..70_000), any::<bool>()), 0..200),
    ) {
        let spec = guarded();
        let learning = running(&spec);
        let (mut whole, mut left, mut right) = (Rewards::new(&spec), Rewards::new(&spec), Rewards::new(&spec));
        for (arm, at, delay, first) in events {
            let mut shown = show(&learning, &mut Dice(at), now(at));
            (shown.arm, shown.propensity) = (arm, crate::bucket::Weight::new(2_500).unwrap());
            let part = if first { &mut left } else { &mut right };
            for rewards in [part, &mut whole] {
                rewards.expose(&shown);
                if let Some(delay) = delay {
                    let values = [Some(1.0), Some(3.0), Some(1.0)];
                    rewards.feed(&shown, now(at + delay), &[None; 3], &values);
                }
            }
        }
        left.merge(&right);
        prop_assert_eq!(&left, &whole);
        left.settle(now(220_000));
        let bytes = left.to_bytes();
        prop_assert!(bytes.len() < 20_000);
        prop_assert_eq!(Rewards::from_bytes(&spec, &bytes), Ok(left.clone()));
        prop_assert!(Rewards::from_bytes(&spec, &bytes[1..]).is_err());
        prop_assert!(Rewards::from_bytes(&spec, &bytes[..bytes.len() - 1]).is_err());
        // Where nothing is discounted, settling early or late is the same.
        right.settle(now(150_000));
        let (early, late) = (read(&left, &spec, &learning, now(900_000)), {
            whole.settle(now(220_000));
            read(&whole, &spec, &learning, now(900_000))
        });
        prop_assert_eq!(early, late);
    }
}

#[test]
fn what_is_kept_is_bounded() {
    let mut spec = spec(2, THOMPSON);
    spec.half_life = Some(Duration::from_secs(3_600));
    spec.reward_within = Duration::from_secs(7 * 86_400);
    let (learning, mut rewards) = (running(&spec), Rewards::new(&spec));
    let mut dice = Dice(1);
    for minute in 0..20_000 {
        let at = now(minute * 60_000);
        let shown = show(&learning, &mut dice, at);
        rewards.expose(&shown);
        rewards.feed(&shown, at, &[None], &[Some(1.0)]);
        rewards.settle(at);
    }
    assert!(
        rewards.to_bytes().len() < 80_000,
        "{}",
        rewards.to_bytes().len()
    );
    // A half-life of an hour leaves some ninety of a request a minute.
    let n: f64 = read(&rewards, &spec, &learning, now(20_000 * 60_000))
        .arms
        .iter()
        .map(|arm| arm.n)
        .sum();
    assert!((n - 86.6).abs() < 2.0, "{n}");
}

fn trained() -> (Bandit, Learning, Rewards) {
    let spec = guarded();
    let (learning, mut rewards) = (running(&spec), Rewards::new(&spec));
    let mut dice = Dice(3);
    for request in 0..3_000 {
        let shown = show(&learning, &mut dice, now(request));
        rewards.expose(&shown);
        let reward = dice.hit([0.1, 0.1, 0.2][shown.arm]).then_some(1.0);
        rewards.feed(&shown, now(request), &[None; 3], &[reward, None, None]);
    }
    (spec, learning, rewards)
}

#[test]
fn the_same_rewards_make_the_same_shares() {
    let (spec, learning, rewards) = trained();
    let sight = due(&rewards, &spec, &learning, now(10_000));
    let step = tick(&learning, &spec, &sight, now(10_000)).unwrap();
    let restored = Rewards::from_bytes(&spec, &rewards.to_bytes()).unwrap();
    let again = due(&restored, &spec, &learning, now(10_000));
    assert_eq!(tick(&learning, &spec, &again, now(10_000)).unwrap(), step);
    assert_eq!(step.next.best, Some(2));
    assert!((step.next.share(2) - learning.share(2) - spec.max_change).abs() < 2e-4);
}

#[test]
fn a_period_is_waited_for() {
    let (spec, learning, rewards) = trained();
    let early = Sight {
        elapsed: 9_999,
        ..due(&rewards, &spec, &learning, now(9_999))
    };
    assert_eq!(tick(&learning, &spec, &early, now(9_999)), None);
    let empty = due(&Rewards::new(&spec), &spec, &learning, now(10_000));
    let step = tick(&learning, &spec, &empty, now(10_000)).unwrap();
    assert_eq!(
        (step.next.periods, step.next.segment),
        (1, learning.segment)
    );
    assert_eq!(step.next.split, learning.split);
}

#[test]
fn top_two_gives_half_to_the_second() {
    let spec = spec(3, Algorithm::Thompson { top_two: true });
    let (_, learning, rewards) = trained();
    let mut only = Rewards::new(&spec);
    only.arms.clone_from(&rewards.arms);
    only.delays.clone_from(&rewards.delays);
    let readings = read(&only, &spec, &learning, now(10_000));
    assert!(readings.arms[2].chance > 0.999);
    assert!(
        (readings.arms[2].share - 0.5).abs() < 0.01,
        "{:?}",
        readings.arms
    );
    let sum: f64 = readings.arms.iter().map(|arm| arm.share).sum();
    assert!((sum - 1.0).abs() < 1e-12);
}
