//! A small world: a rollout, the traffic it has, and a script that drives both.
//!
//! A line of a script is a fact (`canary gone crashed too often`), a command (`ann: pause`) or time (`for 90s`). Time ticks
//! each second, or every five where it is long. What is printed: each transition with the weight after it, and what is
//! waited for where time passed without one.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use expect_test::Expect;
use impresario_models::{Name, VersionNumber};

use crate::analysis::{CANARY, Class, Evidence, STABLE, Source, Tally, Thresholds, Trip, read};
use crate::bucket::Weight;
use crate::fleet::Now;
use crate::rollout::*;
use crate::spec::canary::{Analysis, Canary, Gate, Guardrail, Inconclusive, Metric, Step, Window};

/// Thursday, 2026-01-01 00:00 UTC.
pub(super) const WALL: u64 = 1_767_225_600_000;

pub(super) struct World {
    pub(super) spec: Canary,
    pub(super) rollout: Rollout,
    pub(super) sight: Sight,
    pub(super) evidence: Evidence,
    pub(super) now: Now,
    tally: Tally,
    out: String,
}

/// Runs a script against a rollout with steps, and compares what was printed.
pub(super) fn story(steps: &str, script: &str, expect: Expect) {
    expect.assert_eq(&World::new(canary(steps)).run(script));
}

/// Guardrails on errors and on NaN; the usual levels; at least a minute and 100 units, at most an hour.
pub(super) fn analysis(on_inconclusive: Inconclusive) -> Analysis {
    let guard = |metric, ceiling| Guardrail {
        metric,
        weight: 0.5,
        margin: None,
        negligible: 0.01,
        ceiling,
    };
    Analysis {
        name: "quick".to_owned(),
        guardrails: vec![
            guard(Metric::Errors, Some(0.2)),
            guard(Metric::NonFinite, None),
        ],
        deadline: Duration::from_secs(3_600),
        on_inconclusive,
        ..Analysis::default()
    }
}

/// A canary with steps as they are written: `5 % | pause 10m | approval | analyze | analyze or abort | shadow`.
pub(super) fn canary(steps: &str) -> Canary {
    let steps = steps.split('|').map(str::trim);
    let steps = steps.map(|step| {
        let analyze = |or| Step::Analyze(Arc::new(analysis(or)));
        match step.split_once(' ').unwrap_or((step, "")) {
            ("shadow", "") => Step::Shadow(Arc::new(Gate::default())),
            ("approval", "") => Step::Approval,
            ("analyze", "") => analyze(Inconclusive::Hold),
            ("analyze", "or advance") => analyze(Inconclusive::Advance),
            ("analyze", "or abort") => analyze(Inconclusive::Abort),
            ("pause", time) => Step::Pause(humantime::parse_duration(time).unwrap()),
            (percent, "%") => Step::SetWeight {
                weight: weight(percent),
                reason: None,
            },
            other => panic!("no step: {other:?}"),
        }
    });
    Canary {
        model: Name::new("iris").unwrap(),
        stable: VersionNumber::new(1).unwrap(),
        canary: VersionNumber::new(2).unwrap(),
        steps: steps.collect(),
        rescue: true,
        soak: Canary::SOAK,
        prepare: Canary::PREPARE,
        unavailable: Canary::UNAVAILABLE,
        freeze: Vec::new(),
    }
}

pub(super) fn weight(percent: &str) -> Weight {
    Weight::from_percent(percent.parse().unwrap()).unwrap()
}

fn time(text: &str) -> u64 {
    humantime::parse_duration(text).unwrap().as_millis() as u64
}

fn standing(text: &str) -> Standing {
    match text.split_once(' ').unwrap_or((text, "")) {
        ("ready", "") => Standing::Ready,
        ("coming", why) => Standing::Coming(why.to_owned()),
        ("gone", why) => Standing::Gone(why.to_owned()),
        other => panic!("no standing: {other:?}"),
    }
}

impl World {
    pub(super) fn new(spec: Canary) -> Self {
        let now = Now {
            monotonic: 0,
            wall: WALL,
        };
        let rollout = begin(7, &spec, now);
        Self {
            sight: Sight {
                turn: rollout.turn,
                canary: Standing::Ready,
                stable: Standing::Ready,
                trip: Trip::No,
                readings: None,
                shadow: None,
                frozen: None,
                thresholds: None,
                elapsed: 1_000,
            },
            rollout,
            spec,
            evidence: Evidence::default(),
            now,
            tally: Tally::default(),
            out: String::new(),
        }
    }

    /// Runs a script and returns what was printed.
    pub(super) fn run(mut self, script: &str) -> String {
        self.play(script);
        self.out
    }

    pub(super) fn play(&mut self, script: &str) {
        let lines = script.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty()) {
            let _ = writeln!(self.out, "> {line}");
            self.line(line);
        }
    }

    fn line(&mut self, line: &str) {
        if let Some((actor, verb)) = line.split_once(": ") {
            return self.command(actor, &verb_of(verb, self.now.wall));
        }
        match line.split_once(' ').unwrap_or((line, "")) {
            ("for", text) => self.pass(time(text)),
            ("canary", text) => self.sight.canary = standing(text),
            ("stable", text) => self.sight.stable = standing(text),
            ("trip", "no") => self.sight.trip = Trip::No,
            ("trip", "canary") => self.sight.trip = Trip::Canary,
            ("trip", "both") => self.sight.trip = Trip::Both,
            ("count", text) => self.count(text),
            ("shadow", text) => {
                let (pairs, agreement) = text.split_once(' ').unwrap();
                self.sight.shadow = Some(Shadowing {
                    pairs: pairs.parse().unwrap(),
                    agreement: agreement.parse().unwrap(),
                });
            }
            ("slow", "known") => {
                self.sight.thresholds = Some(Thresholds {
                    slow_ns: [2_000_000, 5_000_000, 9_000_000],
                    slower_than_ns: None,
                    deciles: None,
                });
            }
            ("daemon", "thawed") => self.sight.frozen = None,
            ("daemon", why) => self.sight.frozen = Some(why.to_owned()),
            ("window", text) => {
                let window = Window::Once {
                    from: self.now.wall,
                    to: self.now.wall + time(text),
                };
                self.spec.freeze.push(window);
            }
            ("clock", text) => {
                let jump = time(&text[1..]);
                self.now.wall = match text.starts_with('+') {
                    true => self.now.wall + jump,
                    false => self.now.wall - jump,
                };
            }
            ("supersede", by) => {
                let by = by.parse().unwrap();
                let turn = supersede(&self.rollout, by, self.now);
                self.turn(turn.unwrap());
            }
            ("show", "") => {
                let (rollout, spec) = (&self.rollout, &self.spec);
                let (stable, canary) = rollout.needs();
                let _ = writeln!(
                    self.out,
                    "  {} at {}, segment {}, baked {}, needs stable {stable}, canary {canary}",
                    rollout.progress(spec),
                    rollout.weight(),
                    rollout.segment,
                    humantime::format_duration(Duration::from_millis(rollout.pulse.baked)),
                );
            }
            other => panic!("no line: {other:?}"),
        }
    }

    pub(super) fn command(&mut self, actor: &str, verb: &Verb) {
        match command(&self.rollout, &self.spec, verb, actor, self.now) {
            Ok(Some(turn)) => self.turn(turn),
            Ok(None) => self.out.push_str("  no change\n"),
            Err(refusal) => {
                let _ = writeln!(self.out, "  refused[{}]: {refusal}", refusal.code());
            }
        }
    }

    /// So much time, seen in ticks.
    fn pass(&mut self, millis: u64) {
        let pace = if millis > 600_000 { 5_000 } else { 1_000 };
        let mut turns = 0;
        for _ in 0..millis / pace {
            turns += u32::from(self.tick(pace));
        }
        if let Some(waits) = self.rollout.waits()
            && turns == 0
        {
            let _ = writeln!(self.out, "  waits: {waits}");
        }
    }

    /// One look; whether anything came of it.
    pub(super) fn tick(&mut self, elapsed: u64) -> bool {
        self.now.monotonic += elapsed;
        self.now.wall += elapsed;
        self.sight.elapsed = elapsed;
        self.sight.turn = self.rollout.turn;
        match tick(&self.rollout, &self.spec, &self.sight, self.now) {
            Tick::Quiet(next) => {
                self.rollout = next;
                assert_eq!(check(&self.rollout, &self.spec), [""; 0]);
                false
            }
            Tick::Turn(turn) => {
                self.turn(turn);
                true
            }
        }
    }

    fn turn(&mut self, turn: Transition) {
        let Transition {
            next,
            action,
            why,
            numbers,
        } = turn;
        assert_eq!(
            next.turn,
            match action {
                "rollout.retry" => 1,
                _ => self.rollout.turn + 1,
            }
        );
        assert_eq!(next.why, why);
        assert!(numbers.iter().all(|(_, number)| number.is_finite()));
        if next.segment != self.rollout.segment {
            self.tally = Tally::default();
        }
        self.rollout = next;
        assert_eq!(check(&self.rollout, &self.spec), [""; 0]);
        let _ = writeln!(
            self.out,
            "  {:6} {:17} {action}: {why}",
            self.rollout.weight().to_string(),
            self.rollout.phase().as_str(),
        );
    }

    /// `canary 240 12 stable 4760 3`: requests and errors; `violations 5` adds to the canary's.
    fn count(&mut self, text: &str) {
        let words: Vec<_> = text.split(' ').collect();
        let number = |at: usize| words.get(at).map_or(0, |w| w.parse().unwrap());
        for (arm, at) in [(CANARY, 0), (STABLE, 3)] {
            assert_eq!(words[at], ["stable", "canary"][arm]);
            let counts = self.tally.arm_mut(arm);
            counts.requests += number(at + 1);
            counts.units += number(at + 1);
            counts.events[Class::Exposure.index()] += number(at + 1);
            counts.events[Class::Errors.index()] += number(at + 2);
        }
        if words.get(6) == Some(&"violations") {
            self.tally.arm_mut(CANARY).events[Class::Violations.index()] += number(7);
        }
        let segment = self.rollout.segment;
        let weights = self.rollout.slots.weights();
        let measured = self.rollout.thresholds.is_some();
        self.evidence.open(segment, weights, measured);
        assert!(
            self.evidence
                .put(segment, Source::default(), self.tally.clone())
        );
        let (analysis, margin) = self.rollout.analysis(&self.spec);
        self.sight.readings = Some(read(&self.evidence, &analysis, margin, false));
    }
}

/// A verb as it is written in a script.
fn verb_of(text: &str, now: u64) -> Verb {
    let (text, force) = match text.split_once(" by force ") {
        Some((text, reason)) => (text, Some(reason.to_owned())),
        None => match text.strip_suffix(" by force") {
            Some(text) => (text, Some(String::new())),
            None => (text, None),
        },
    };
    match text.split_once(' ').unwrap_or((text, "")) {
        ("pause", "") => Verb::Pause,
        ("resume", "") => Verb::Resume,
        ("promote", to) => Verb::Promote {
            to: match to {
                "" => To::Next,
                "full" => To::Full,
                step => To::Step(step.parse().unwrap()),
            },
            force,
        },
        ("skip", "") => Verb::Skip,
        ("approve", "") => Verb::Approve,
        ("reject", why) => Verb::Reject(why.to_owned()),
        ("abort", why) => Verb::Abort(why.to_owned()),
        ("retry", id) => Verb::Retry {
            id: id.parse().unwrap(),
        },
        ("undo", "") => Verb::Undo,
        ("set-weight", percent) => Verb::SetWeight(weight(percent)),
        ("freeze", "") => Verb::Freeze { until: None },
        ("freeze", span) => Verb::Freeze {
            until: Some(now + time(span)),
        },
        ("unfreeze", "") => Verb::Unfreeze,
        other => panic!("no verb: {other:?}"),
    }
}
