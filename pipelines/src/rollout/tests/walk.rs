//! A random walk over verbs, sights, jumps of the wall clock and restarts, with every invariant asked after each step.
//!
//! `SEED=17 cargo test -p impresario-pipelines --lib rollout::tests::walk` runs one seed again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::world::{World, canary, weight};
use crate::analysis::{Harm, Readings, Thresholds, Trip, Verdict};
use crate::bucket::{Slots, Weight};
use crate::rollout::*;
use crate::spec::canary::Step;

const SEEDS: u64 = 240;
const STEPS: usize = 300;

const SPECS: [&str; 6] = [
    "shadow | 5 % | pause 20s | analyze | approval | 50 % | analyze",
    "5 % | analyze | 25 % | analyze or advance | 50 % | analyze or abort",
    "1 % | pause 5s | 10 % | pause 5s",
    "shadow | approval | 5 % | analyze",
    "approval | 10 % | analyze or advance | approval",
    "50 % | pause 10s | 20 % | analyze",
];

/// The diagram: which phase a tick leads to from which.
const TICKS: &[(&str, &str)] = &[
    ("pending", "preparing"),
    ("preparing", "failed-prepare"),
    ("preparing", "shadow"),
    ("preparing", "baking"),
    ("preparing", "awaiting-approval"),
    ("preparing", "promoting"),
    ("shadow", "shadow"),
    ("shadow", "held"),
    ("shadow", "baking"),
    ("shadow", "awaiting-approval"),
    ("shadow", "aborting"),
    ("baking", "baking"),
    ("baking", "held"),
    ("baking", "awaiting-approval"),
    ("baking", "promoting"),
    ("baking", "aborting"),
    ("held", "held"),
    ("held", "shadow"),
    ("held", "baking"),
    ("held", "awaiting-approval"),
    ("held", "promoting"),
    ("held", "aborting"),
    ("awaiting-approval", "awaiting-approval"),
    ("awaiting-approval", "held"),
    ("awaiting-approval", "aborting"),
    ("paused", "paused"),
    ("paused", "aborting"),
    ("promoting", "soaking"),
    ("promoting", "aborting"),
    ("soaking", "succeeded"),
    ("soaking", "aborting"),
    ("aborting", "rolled-back"),
];

struct Walk {
    seed: u64,
    random: u64,
    world: World,
    log: Vec<String>,
    seen: BTreeSet<(String, String)>,
}

#[test]
fn no_walk_leaves_the_diagram() {
    let seeds = match std::env::var("SEED") {
        Ok(seed) => {
            let seed = seed.parse().unwrap();
            seed..=seed
        }
        Err(_) => 1..=SEEDS,
    };
    let all = seeds.end() - seeds.start() + 1 == SEEDS;
    let mut seen = BTreeSet::new();
    for seed in seeds {
        let mut walk = Walk::new(seed);
        for _ in 0..STEPS {
            walk.act();
        }
        seen.append(&mut walk.seen);
    }
    let drawn = TICKS
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
    // Each way of the diagram was gone, or the walk shows nothing.
    let missed: Vec<_> = drawn.filter(|way| !seen.contains(way)).collect();
    assert!(!all || missed.is_empty(), "never gone: {missed:?}");
}

impl Drop for Walk {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let from = self.log.len().saturating_sub(30);
            let last = self.log[from..].join("\n");
            eprintln!("seed {}: the last steps were\n{last}", self.seed);
        }
    }
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut spec = canary(SPECS[seed as usize % SPECS.len()]);
        for step in &mut spec.steps {
            if let Step::Analyze(analysis) = step {
                Arc::make_mut(analysis).deadline = Duration::from_secs(120);
            }
        }
        spec.soak = Duration::from_secs(60);
        Self {
            seed,
            random: seed,
            world: World::new(spec),
            log: Vec::new(),
            seen: BTreeSet::new(),
        }
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn act(&mut self) {
        match self.below(100) {
            0..60 => self.tick(),
            60..78 => self.look(),
            78..96 => self.ask(),
            96..98 => self.world.now.wall = self.next() % 4_000_000_000_000,
            _ => self.restart(),
        }
    }

    /// What is seen changes.
    fn look(&mut self) {
        let why = || "a reason".to_owned();
        let choice = self.below(22);
        let sight = &mut self.world.sight;
        match choice {
            0..6 => sight.canary = Standing::Ready,
            6 => sight.canary = Standing::Coming(why()),
            7 => sight.canary = Standing::Gone(why()),
            8..10 => sight.stable = Standing::Ready,
            10 => sight.stable = Standing::Coming(why()),
            11..13 => sight.trip = Trip::No,
            13 => sight.trip = Trip::Both,
            14 => {
                // Rare, as it ends everything.
                sight.trip = Trip::No;
                if self.below(4) == 0 {
                    self.world.sight.trip = Trip::Canary;
                }
            }
            15 => sight.frozen = sight.frozen.is_none().then(why),
            16 => {
                sight.thresholds = Some(Thresholds {
                    slow_ns: [1, 2, 3],
                    slower_than_ns: None,
                    deciles: None,
                });
            }
            17 => {
                let agreement = if self.below(2) == 0 { 1.0 } else { 0.5 };
                let pairs = self.below(1_000);
                self.world.sight.shadow = Some(Shadowing { pairs, agreement });
            }
            _ => {
                let readings = self.readings();
                self.world.sight.readings = readings;
            }
        }
    }

    fn readings(&mut self) -> Option<Readings> {
        let units = [self.below(400), self.below(400)];
        let verdict = match self.below(3) {
            0 => Verdict::Running,
            _ => Verdict::Successful,
        };
        let log_e = match self.below(12) {
            0 => f64::INFINITY,
            1 => 3.0,
            _ => -1.0,
        };
        let log_srm = if self.below(15) == 0 { 9.0 } else { 0.0 };
        let violations = if self.below(20) == 0 { 5 } else { 0 };
        let readings = Readings {
            guardrails: Vec::new(),
            harm: Harm {
                log_e,
                bar: 100_f64.ln(),
                top: None,
            },
            log_srm,
            units,
            requests: units,
            violations: [0, violations],
            verdict,
        };
        (self.below(6) > 0).then_some(readings)
    }

    fn tick(&mut self) {
        let elapsed = [1_000, 4_000, 5_000, 60_000][self.below(4) as usize];
        let times = [1, 1, 5, 40][self.below(4) as usize];
        for _ in 0..times {
            self.look_once(elapsed);
        }
    }

    fn look_once(&mut self, elapsed: u64) {
        let before = self.world.rollout.clone();
        let spec = self.world.spec.clone();
        let same = before
            .freeze
            .as_ref()
            .is_none_or(|freeze| freeze.until.is_none());
        let mut sight = self.world.sight.clone();
        sight.turn = before.turn;
        sight.elapsed = elapsed;
        let mut jumped = self.world.now;
        jumped.wall = self.next() % 4_000_000_000_000;
        let elsewhere = tick(&before, &spec, &sight, jumped);
        let turned = self.world.tick(elapsed);
        let after = self.world.rollout.clone();
        if turned {
            self.log
                .push(format!("tick: {:?}: {}", after.phase, after.why));
        }
        // The wall clock decides nothing but the end of a freeze.
        if same {
            let mut there = match elsewhere {
                Tick::Quiet(next) => next,
                Tick::Turn(turn) => turn.next,
            };
            there.since = after.since;
            assert_eq!(there, after);
        }
        let (from, to) = (before.phase.as_str(), after.phase.as_str());
        assert!(
            !turned || TICKS.contains(&(from, to)),
            "a tick led from {from} to {to}"
        );
        assert!(turned || before.phase == after.phase);
        assert!(before.is_active() || before == after, "{from} was left");
        if turned {
            self.seen.insert((from.to_owned(), to.to_owned()));
        }
        if let (Some(was), Some(is)) = (before.phase.held(), after.phase.held()) {
            assert!(is >= was, "{was:?} gave way to {is:?}");
        }
        self.moved(&before, &after);
        self.advanced(&before, &after, &sight);
    }

    /// What holds between any two states of one rollout.
    fn moved(&self, before: &Rollout, after: &Rollout) {
        assert!(
            before.pulse.baked <= after.pulse.baked,
            "bake time was lost"
        );
        let counts = before.slots != after.slots || before.thresholds != after.thresholds;
        assert_eq!(
            after.segment != before.segment,
            counts,
            "segments follow the weights"
        );
        assert!(after.segment >= before.segment);
        if matches!(after.phase, Phase::Promoting | Phase::Soaking) {
            assert_eq!(after.needs(), (true, true));
        }
        let sum: u32 = after
            .slots
            .weights()
            .iter()
            .map(|w| u32::from(w.basis_points()))
            .sum();
        assert_eq!(sum, 10_000);
        let over = matches!(
            after.phase,
            Phase::Aborting(_)
                | Phase::RolledBack(_)
                | Phase::FailedPrepare(_)
                | Phase::Superseded { .. }
        );
        assert!(!over || after.weight() == Weight::ZERO);
    }

    /// What a tick may advance on.
    fn advanced(&self, before: &Rollout, after: &Rollout, sight: &Sight) {
        assert!(after.step >= before.step, "a completed step came again");
        if after.step == before.step {
            return;
        }
        let spec = &self.world.spec;
        let whole = after.step == spec.steps.len();
        assert!(after.step == before.step + 1 || (before.express && whole));
        assert!(before.stay_is_free(), "it advanced from {:?}", before.phase);
        assert_eq!(
            (&sight.canary, &sight.stable),
            (&Standing::Ready, &Standing::Ready)
        );
        if before.forced.is_some() {
            return;
        }
        let frozen = before.frozen(spec, self.world.now.wall);
        assert_eq!((&sight.frozen, frozen), (&None, None));
        let readings = sight.readings.as_ref();
        if !before.express {
            assert!(readings.is_none_or(|r| !r.harm.shown() && r.log_srm < 1_000_f64.ln()));
        }
        if let Some(Step::Analyze(analysis)) = before.current(spec)
            && before.phase.stay().is_some()
        {
            let units = readings.map_or([0; 2], |r| r.units);
            assert!(
                units.iter().all(|n| *n >= analysis.min_units),
                "no data is no success"
            );
        }
    }

    fn ask(&mut self) {
        let reason = || "a reason".to_owned();
        let force = (self.below(3) == 0).then(reason);
        let verb = match self.below(30) {
            0..3 => Verb::Pause,
            3..7 => Verb::Resume,
            7..11 => {
                let step = self.below(9) as usize;
                let to = [To::Next, To::Step(step), To::Full][self.below(3) as usize];
                Verb::Promote { to, force }
            }
            11..13 => Verb::Skip,
            13..17 => Verb::Approve,
            17 => Verb::Reject(reason()),
            18 => Verb::Abort(reason()),
            19..22 => Verb::Retry { id: self.next() },
            22 => Verb::Undo,
            23..25 => Verb::SetWeight(weight(["0", "3", "30", "100"][self.below(4) as usize])),
            25 => Verb::Freeze { until: None },
            26 => Verb::Freeze {
                until: Some(self.world.now.wall + self.below(100_000)),
            },
            27..29 => Verb::Unfreeze,
            _ => return self.supersede(),
        };
        let before = self.world.rollout.clone();
        self.world.command("ann", &verb);
        let after = self.world.rollout.clone();
        if before == after {
            return;
        }
        self.log.push(format!(
            "{}: {:?}: {}",
            verb.as_str(),
            after.phase,
            after.why
        ));
        match &verb {
            Verb::Retry { id } => {
                assert_eq!((after.id, &after.phase), (*id, &Phase::Pending));
                return;
            }
            Verb::Undo => assert!(matches!(
                before.phase,
                Phase::Promoting | Phase::Soaking | Phase::Succeeded
            )),
            _ => assert!(
                before.is_active(),
                "{} left {:?}",
                verb.as_str(),
                before.phase
            ),
        }
        self.moved(&before, &after);
        // What is done is not done twice.
        if !matches!(
            verb,
            Verb::Skip | Verb::Resume | Verb::Promote { to: To::Next, .. }
        ) {
            let again = command(&after, &self.world.spec, &verb, "bob", self.world.now);
            assert_eq!(again, Ok(None), "{} again", verb.as_str());
        }
    }

    fn supersede(&mut self) {
        if self.below(5) > 0 {
            return;
        }
        let before = &self.world.rollout;
        let turn = supersede(before, 99, self.world.now);
        assert_eq!(turn.is_some(), before.is_active());
        if let Some(turn) = turn {
            self.moved(before, &turn.next);
            assert_eq!(check(&turn.next, &self.world.spec), [""; 0]);
            // The walk goes on with the one before: nothing leads out of here.
            self.log.push("superseded, and taken back".to_owned());
        }
    }

    /// The state is read again, and nothing is in memory yet.
    fn restart(&mut self) {
        let rollout = &mut self.world.rollout;
        rollout.slots = Slots::from_runs(2, rollout.slots.runs()).unwrap();
        self.world.sight.canary = Standing::Coming("loading".to_owned());
        self.world.sight.trip = Trip::No;
        self.world.sight.readings = None;
        self.log.push("restart".to_owned());
        let before = self.world.rollout.clone();
        // The first look after a restart changes no weight, whatever there is in memory.
        self.look_once(1_000);
        if self.world.rollout.phase.stay().is_some() && before.pulse.away < 5_000 {
            assert_eq!(self.world.rollout.weight(), before.weight());
        }
    }
}

trait Free {
    fn stay_is_free(&self) -> bool;
}

impl Free for Rollout {
    /// Whether it may go on from here by itself.
    fn stay_is_free(&self) -> bool {
        match &self.phase {
            Phase::Preparing => true,
            Phase::Shadow(stay) | Phase::Step(stay) => match stay {
                Stay::Baking | Stay::Held(Hold::NoData | Hold::Inconclusive) => true,
                Stay::AwaitingApproval
                | Stay::Held(Hold::Srm | Hold::SharedIncident | Hold::Unavailable) => false,
            },
            _ => false,
        }
    }
}
