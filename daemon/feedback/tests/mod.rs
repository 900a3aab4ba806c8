//! Feedback by example, through restarts, by many threads, and against what plain sums say.

mod bounds;
mod offline;
mod refused;
mod restart;
mod taken;
mod threads;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::Arm;
use impresario_pipelines::bucket::{Slot, Slots, Weight};
use impresario_pipelines::fleet::Now;
use impresario_pipelines::spec::bandit::{Algorithm, Bandit, Reward, RewardKind};
use impresario_pipelines::spec::experiment::{Better, By, Dimension, Experiment, Goal, GoalKind};
use impresario_pipelines::trial::{self, Trial, Unit};

use super::{
    About, Counts, Declared, Exposure, Feedback, Given, Limits, Refused, Request, Seen, Taken,
    Wants,
};
use crate::store::{Keep, Shelf};

/// How long feedback is waited for in these tests, in milliseconds.
const WITHIN: u64 = 60_000;

/// What a store keeps.
#[derive(Clone, Default)]
struct Kept(BTreeMap<(Shelf, String), String>);

impl Kept {
    fn keep(&mut self, changes: &[Keep]) {
        for Keep { shelf, key, text } in changes {
            let key = (*shelf, key.clone());
            match text {
                Some(text) => self.0.insert(key, text.clone()),
                None => self.0.remove(&key),
            };
        }
    }

    fn on(&self, shelf: Shelf) -> Vec<(String, String)> {
        let kept = self.0.iter().filter(|((on, _), _)| *on == shelf);
        kept.map(|((_, key), text)| (key.clone(), text.clone()))
            .collect()
    }
}

fn name() -> Name {
    Name::new("p").unwrap()
}

fn now(ms: u64) -> Now {
    Now {
        monotonic: ms,
        wall: 1_700_000_000_000 + ms,
    }
}

fn arm(name: &str, version: u64) -> Arm {
    Arm {
        name: Name::new(name).unwrap(),
        model: Name::new("m").unwrap(),
        version: VersionNumber::new(version).unwrap(),
    }
}

fn goal(metric: &str, kind: GoalKind, better: Better) -> Goal {
    Goal {
        metric: metric.to_owned(),
        kind,
        better,
        mde: 0.05,
    }
}

fn mean() -> GoalKind {
    GoalKind::Mean {
        cap: None,
        covariate: None,
    }
}

fn half() -> Weight {
    Weight::from_percent(50.0).unwrap()
}

/// Sales, what was spent, how much of what was labelled is right; times and errors as guardrails; two countries.
fn experiment() -> Experiment {
    let per = "labelled".to_owned();
    Experiment {
        arms: vec![(arm("a", 1), half()), (arm("b", 2), half())],
        seed: "seed".to_owned(),
        namespace: None,
        goals: vec![
            goal("sale", GoalKind::Binary, Better::Higher),
            goal("spent", mean(), Better::Higher),
            goal("right", GoalKind::Ratio { per }, Better::Higher),
        ],
        guardrails: vec![
            goal("latency", mean(), Better::Lower),
            goal("errors", GoalKind::Binary, Better::Lower),
        ],
        segments: vec![Dimension {
            name: "country".to_owned(),
            by: By::Header("x-country".to_owned()),
            values: vec!["de".to_owned(), "fr".to_owned()],
        }],
        alpha: 0.05,
        min_units: 100,
        feedback_within: Duration::from_millis(WITHIN),
    }
}

fn bandit() -> Bandit {
    Bandit {
        arms: vec![arm("a", 1), arm("b", 2)],
        seed: "seed".to_owned(),
        reward: Reward {
            metric: "click".to_owned(),
            kind: RewardKind::Binary,
        },
        algorithm: Algorithm::default(),
        floor: 0.01,
        period: Duration::from_secs(60),
        max_change: 0.1,
        half_life: None,
        reward_within: Duration::from_millis(WITHIN),
        safety: vec![
            goal("click", GoalKind::Binary, Better::Higher),
            goal("errors", GoalKind::Binary, Better::Lower),
        ],
    }
}

/// The course of the experiment, as it runs: made once, as ten thousand slots take their time.
fn running() -> Trial {
    static RUNNING: LazyLock<Trial> = LazyLock::new(|| {
        let spec = experiment();
        let trial = trial::begin(7, &spec, now(0)).unwrap();
        let step = trial::tick(&trial, &spec, &trial::Sight::default(), now(0));
        step.unwrap().next
    });
    RUNNING.clone()
}

fn slots() -> Slots {
    running().slots
}

fn declared(unit: Unit) -> Declared {
    let trial = running();
    Declared {
        pipeline: name(),
        course: trial.id,
        segment: trial.segment,
        slots: trial.slots,
        wants: Wants::Experiment {
            spec: Arc::new(experiment()),
            unit,
        },
    }
}

fn declared_bandit() -> Declared {
    Declared {
        wants: Wants::Bandit(Arc::new(bandit())),
        ..declared(Unit::Request)
    }
}

fn fed(declared: &Declared) -> Feedback {
    bounded(declared, Limits::default())
}

fn bounded(declared: &Declared, limits: Limits) -> Feedback {
    let feedback = Feedback::new(limits);
    feedback.courses(std::slice::from_ref(declared), now(0));
    feedback
}

/// A request with this id, of a unit of its own, that fell into this slot.
fn seen(id: &str, slot: u16, ms: u64) -> Seen {
    let slot = Slot::new(slot).unwrap();
    Seen {
        segment: running().segment,
        arm: u8::try_from(slots().owner(slot)).unwrap(),
        slot,
        unit: Request::of(id).bits(),
        at: now(ms).wall,
        dimensions: [0; 8],
    }
}

fn expose(feedback: &Feedback, id: &str, seen: &Seen) {
    expose_as(feedback, id, seen, Some(0.25), Some(false));
}

fn expose_as(
    feedback: &Feedback,
    id: &str,
    seen: &Seen,
    seconds: Option<f64>,
    error: Option<bool>,
) {
    feedback.exposed(&Exposure {
        pipeline: &name(),
        course: 7,
        segment: seen.segment,
        slots: &slots(),
        arm: usize::from(seen.arm),
        slot: seen.slot,
        unit: seen.unit,
        request: Request::of(id),
        at: seen.at,
        dimensions: seen.dimensions,
        latency: seconds.map(Duration::from_secs_f64),
        error,
    });
}

fn by_id<'a>(id: &'a str, metric: &'a str, value: f64, event: &'a str) -> Given<'a> {
    Given {
        about: About::Request(id),
        metric,
        value,
        event,
    }
}

fn by_token<'a>(id: &str, seen: Seen, metric: &'a str, value: f64, event: &'a str) -> Given<'a> {
    Given {
        about: About::Token {
            course: 7,
            request: Request::of(id),
            seen,
        },
        metric,
        value,
        event,
    }
}

fn take(feedback: &Feedback, given: Given<'_>, ms: u64) -> Taken {
    take_all(feedback, &[given], ms).unwrap()[0]
}

fn take_all(feedback: &Feedback, given: &[Given<'_>], ms: u64) -> Result<Vec<Taken>, Refused> {
    feedback.take(&name(), given, now(ms))
}

fn counts(feedback: &Feedback) -> Counts {
    feedback.counts()[0].2
}

/// What the arms' requests gave to a goal: requests with feedback, and the mean.
fn arms(feedback: &Feedback, goal: usize) -> Vec<(u64, f64)> {
    let report = feedback.report(&name(), &running(), now(0)).unwrap();
    let arms = report.goals[goal].arms.iter();
    arms.map(|value| value.map_or((0, 0.0), |value| (value.fed, value.value)))
        .collect()
}

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

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }
}
