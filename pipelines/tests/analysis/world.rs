//! A world that sends requests to two versions: days with a busy and a quiet time, incidents that both versions share,
//! and replicas that count and report on a timer.

use std::collections::{BTreeMap, HashSet};

use impresario_pipelines::analysis::{
    Class, Evidence, Readings, Samples, Source, Tally, Thresholds, read,
};
use impresario_pipelines::bucket::Weight;
use impresario_pipelines::spec::canary::{Analysis, Canary};

use crate::random::{Random, mix};

/// How the canary differs from the stable.
#[derive(Clone, Copy)]
pub(crate) struct Canaried {
    /// Its rate of errors, as a multiple.
    pub(crate) errors: f64,
    /// Its latency, as a multiple.
    pub(crate) latency: f64,
    /// The part of its outputs that moves to another decile.
    pub(crate) drift: f64,
}

/// Who asks.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Callers {
    /// Each request is assigned by itself.
    Anybody,
    /// So many users, each always assigned alike, one in twenty of them asking as often as all others together and
    /// failing ten times as often.
    Users(u64),
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) canary: Canaried,
    pub(crate) callers: Callers,
    pub(crate) errors: f64,
    pub(crate) incidents: bool,
    pub(crate) replicas: u64,
    /// Whether each request of a user counts, which is wrong.
    pub(crate) naive: bool,
    /// Requests at each of the weights.
    pub(crate) steps: Vec<(u16, u64)>,
    /// Requests between two looks.
    pub(crate) look: u64,
    pub(crate) analysis: Analysis,
}

/// How a rollout ended.
#[derive(Clone, Debug)]
pub(crate) struct End {
    /// The last reading.
    pub(crate) readings: Readings,
    /// Whether it was aborted.
    pub(crate) aborted: bool,
    /// Requests that the canary had answered.
    pub(crate) canary: u64,
}

/// One request's fate on either version.
struct Fate {
    failed: bool,
    latency: f64,
    output: f64,
}

/// One run of the world.
struct Run<'a> {
    world: &'a World,
    random: Random,
    evidence: Evidence,
    /// What each replica has counted in this segment, and what it last reported.
    counting: BTreeMap<u64, Tally>,
    /// Units of this segment that a replica has already counted.
    seen: HashSet<(u64, usize, u64)>,
    segment: u32,
    weight: u16,
    seed: u64,
    /// Requests so far.
    at: u64,
    samples: Samples,
    canary: u64,
}

impl Default for Canaried {
    fn default() -> Self {
        Self {
            errors: 1.0,
            latency: 1.0,
            drift: 0.0,
        }
    }
}

impl Default for World {
    /// Versions that are alike, a daily cycle and shared incidents, through the weights of a usual rollout.
    fn default() -> Self {
        Self {
            canary: Canaried::default(),
            callers: Callers::Anybody,
            errors: 0.01,
            incidents: true,
            replicas: 1,
            naive: false,
            steps: vec![(100, 12_000), (500, 8_000), (2_500, 5_000), (5_000, 5_000)],
            look: 500,
            analysis: Analysis::default(),
        }
    }
}

impl World {
    /// A rollout of a seed, stopped by the first evidence of harm.
    pub(crate) fn run(&self, seed: u64) -> End {
        let mut run = Run {
            world: self,
            random: Random::new(seed),
            evidence: Evidence::default(),
            counting: BTreeMap::new(),
            seen: HashSet::new(),
            segment: 0,
            weight: 0,
            seed: mix(seed ^ 0x5eed),
            at: 0,
            samples: Samples::default(),
            canary: 0,
        };
        run.go()
    }
}

impl Run<'_> {
    fn go(&mut self) -> End {
        let world = self.world;
        // Frozen from the stable before the canary meets a caller.
        self.open(0);
        (0..1_000).for_each(|_| self.request());
        self.evidence.thresholds = Thresholds::freeze(self.samples.clone(), None);
        assert!(self.evidence.thresholds.is_some());
        let mut margins = Canary::MARGINS.iter();
        let mut readings = None;
        for (weight, requests) in &world.steps {
            self.open(*weight);
            let margin = margins.next().copied().unwrap_or(1.25);
            for at in 1..=*requests {
                self.request();
                if at % world.look == 0 {
                    let now = self.look(margin);
                    self.evidence.note(&now);
                    if now.harm.shown() {
                        return self.end(now, true);
                    }
                    readings = Some(now);
                }
            }
        }
        self.end(readings.unwrap(), false)
    }

    fn end(&self, readings: Readings, aborted: bool) -> End {
        End {
            readings,
            aborted,
            canary: self.canary,
        }
    }

    fn open(&mut self, weight: u16) {
        self.report(u64::MAX);
        self.counting.clear();
        self.seen.clear();
        self.segment += 1;
        self.weight = weight;
        let weights = [10_000 - weight, weight].map(|points| Weight::new(points).unwrap());
        let measured = self.evidence.thresholds.is_some();
        self.evidence.open(self.segment, &weights, measured);
    }

    /// Replicas report in turn, so that a look sees some of them late; all of them at the last moment.
    fn report(&mut self, turn: u64) {
        for (replica, tally) in &self.counting {
            if turn == u64::MAX || self.world.replicas == 1 || turn % 2 == replica % 2 {
                let source = Source {
                    replica: *replica,
                    boot: 1,
                };
                assert!(self.evidence.put(self.segment, source, tally.clone()));
            }
        }
    }

    fn look(&mut self, margin: f64) -> Readings {
        self.report(self.at / self.world.look);
        let sticky = self.world.callers != Callers::Anybody && !self.world.naive;
        read(&self.evidence, &self.world.analysis, margin, sticky)
    }

    fn request(&mut self) {
        self.at += 1;
        let unit = match self.world.callers {
            Callers::Anybody => None,
            Callers::Users(users) => Some(match self.random.chance(0.5) {
                true => self.random.below(users / 20),
                false => self.random.below(users),
            }),
        };
        let slot = match unit {
            Some(unit) => mix(self.seed ^ unit) % 10_000,
            None => self.random.below(10_000),
        };
        // The canary takes the highest slots, so that it keeps its users as it grows.
        let arm = usize::from(slot >= 10_000 - u64::from(self.weight));
        let fate = self.fate(arm, unit);
        if self.evidence.thresholds.is_none() {
            self.samples.latencies.push(fate.latency as u64);
            self.samples.values.push(fate.output);
        }
        self.canary += arm as u64;
        let replica = self.random.below(self.world.replicas);
        self.count(replica, arm, unit, &fate);
    }

    fn fate(&mut self, arm: usize, unit: Option<u64>) -> Fate {
        let random = &mut self.random;
        // A day is 10,000 requests; at its busiest all takes three times as long and fails three times as often.
        let day = (self.at as f64 * std::f64::consts::TAU / 10_000.0).sin();
        let load = 2.0 + day;
        // One request in twenty falls into an incident of 200 that both versions share.
        let incident = self.world.incidents && mix(self.seed ^ (self.at / 200)).is_multiple_of(20);
        let users = match self.world.callers {
            Callers::Users(users) => users,
            Callers::Anybody => 0,
        };
        let heavy = unit.is_some_and(|unit| unit < users / 20);
        let (errors, latency, drift) = match arm {
            0 => (1.0, 1.0, 0.0),
            _ => {
                let canary = self.world.canary;
                (canary.errors, canary.latency, canary.drift)
            }
        };
        let mut errors = self.world.errors * errors * load / 2.0;
        errors *= if heavy { 10.0 } else { 1.0 };
        errors *= if incident { 10.0 } else { 1.0 };
        let slow = if incident { 5.0 } else { 1.0 };
        let output = random.part();
        Fate {
            failed: random.chance(errors),
            latency: 1e7 * latency * load * slow * (1.0 + random.wait()),
            // What drifts falls into the lowest decile.
            output: if random.chance(drift) { 0.0 } else { output },
        }
    }

    fn count(&mut self, replica: u64, arm: usize, unit: Option<u64>, fate: &Fate) {
        let unit = unit.filter(|_| !self.world.naive);
        let seen = &mut self.seen;
        let mut first = |class: usize| unit.is_none_or(|unit| seen.insert((replica, class, unit)));
        let counts = self.counting.entry(replica).or_default().arm_mut(arm);
        let mut event = |class: Class, happened: bool| {
            if happened && first(class.index()) {
                counts.events[class.index()] += 1;
            }
        };
        event(Class::Exposure, true);
        event(Class::Errors, fate.failed);
        counts.requests += 1;
        if let Some(thresholds) = &self.evidence.thresholds {
            let slow = [Class::Slow50, Class::Slow90, Class::Slow99];
            for (class, ns) in slow.into_iter().zip(thresholds.slow_ns) {
                event(class, fate.latency as u64 > ns);
            }
            let bin = usize::from(thresholds.decile(fate.output).unwrap());
            if first(Class::COUNT + 1 + bin) {
                counts.bins[bin] += 1;
            }
        }
        counts.units += u64::from(first(Class::COUNT));
    }
}
