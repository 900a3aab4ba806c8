//! Bandits by example, by property, and by seeded simulation.

mod course;
mod evidence;
mod simulation;

use std::time::Duration;

use impresario_models::{Name, VersionNumber};

use super::{Learning, Rewards, Shown, Sight, begin, read, tick};
use crate::bucket::Slot;
use crate::fleet::Now;
use crate::spec::bandit::{Algorithm, Bandit, Reward, RewardKind};
use crate::variant::Arm;

/// Random numbers from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn hit(&mut self, p: f64) -> bool {
        self.part() < p
    }
}

/// Arms a, b, c…
fn spec(arms: usize, algorithm: Algorithm) -> Bandit {
    let arm = |(name, version): (&&str, u64)| Arm {
        name: Name::new(name).unwrap(),
        model: Name::new("model").unwrap(),
        version: VersionNumber::new(version).unwrap(),
    };
    Bandit {
        arms: ["a", "b", "c", "d"]
            .iter()
            .zip(1..)
            .take(arms)
            .map(arm)
            .collect(),
        seed: "seed".to_owned(),
        reward: Reward {
            metric: "click".to_owned(),
            kind: RewardKind::Binary,
        },
        algorithm,
        floor: 0.05,
        period: Duration::from_secs(10),
        max_change: 0.2,
        half_life: None,
        reward_within: Duration::from_secs(60),
        safety: Vec::new(),
    }
}

fn now(millis: u64) -> Now {
    Now {
        monotonic: millis,
        wall: 1_700_000_000_000 + millis,
    }
}

fn running(spec: &Bandit) -> Learning {
    let learning = begin(7, spec, now(0)).unwrap();
    tick(&learning, spec, &Sight::default(), now(0))
        .unwrap()
        .next
}

/// A request that falls to an arm.
fn show(learning: &Learning, dice: &mut Dice, at: Now) -> Shown {
    let arm = learning.slots.owner(Slot::from_draw(dice.next()));
    Shown {
        arm,
        propensity: learning.slots.weights()[arm],
        at: at.wall,
    }
}

/// The sight at the end of a period.
fn due(rewards: &Rewards, spec: &Bandit, learning: &Learning, at: Now) -> Sight {
    Sight {
        waiting: None,
        elapsed: 10_000,
        readings: Some(read(rewards, spec, learning, at)),
    }
}
