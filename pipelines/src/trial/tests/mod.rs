//! Experiments by example, by reference numbers, and by seeded simulation.

mod clusters;
mod course;
mod evidence;
mod numbers;
mod simulation;

use std::time::Duration;

use impresario_models::{Name, VersionNumber};

use super::record::DIMENSIONS;
use super::{Exposure, Record, Report, Trial, Unit, begin, report};
use crate::bucket::{Slot, Weight};
use crate::fleet::Now;
use crate::spec::experiment::{Better, By, Dimension, Experiment, Goal, GoalKind};
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

    /// Standard normal, by Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.part()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.part()).cos()
    }
}

fn arm(name: &str, version: u64) -> Arm {
    Arm {
        name: Name::new(name).unwrap(),
        model: Name::new("model").unwrap(),
        version: VersionNumber::new(version).unwrap(),
    }
}

fn goal(metric: &str, kind: GoalKind) -> Goal {
    Goal {
        metric: metric.to_owned(),
        kind,
        better: Better::Higher,
        mde: 0.05,
    }
}

fn weights(percents: &[f64]) -> Vec<Weight> {
    let weights = percents
        .iter()
        .map(|percent| Weight::from_percent(*percent));
    weights.collect::<Result<_, _>>().unwrap()
}

/// Arms a, b, c… with these weights and goals.
fn spec(percents: &[f64], goals: Vec<Goal>) -> Experiment {
    let names = ["a", "b", "c", "d"].iter().zip(1..);
    let arms = names.zip(weights(percents));
    Experiment {
        arms: arms
            .map(|((name, version), weight)| (arm(name, version), weight))
            .collect(),
        seed: "seed".to_owned(),
        namespace: None,
        goals,
        guardrails: Vec::new(),
        segments: Vec::new(),
        alpha: 0.05,
        min_units: 100,
        feedback_within: Duration::from_secs(60),
    }
}

fn country() -> Dimension {
    Dimension {
        name: "country".to_owned(),
        by: By::Header("x-country".to_owned()),
        values: vec!["de".to_owned(), "fr".to_owned()],
    }
}

fn at(segment: u32, slot: u64, unit: Option<u64>) -> Exposure {
    Exposure {
        segment,
        slot: Slot::new(u16::try_from(slot % 10_000).unwrap()).unwrap(),
        unit,
        dimensions: [0; DIMENSIONS],
    }
}

fn now(seconds: u64) -> Now {
    Now {
        monotonic: seconds * 1000,
        wall: 1_700_000_000_000 + seconds * 1000,
    }
}

/// An experiment that runs, and its record with that segment open.
fn running(spec: &Experiment, unit: Unit) -> (Trial, Record) {
    let trial = begin(7, spec, now(0)).unwrap();
    let step = super::tick(&trial, spec, &super::Sight::default(), now(0)).unwrap();
    let mut record = Record::new(spec, unit);
    record.open(step.next.segment, &step.next.slots);
    (step.next, record)
}

/// A slot of an arm of an even split into two.
fn slot_of(arm: usize, number: u64) -> u64 {
    5_000 * arm as u64 + number % 5_000
}

fn seen(record: &Record, spec: &Experiment, trial: &Trial) -> Report {
    report(record, spec, trial, now(1000))
}
