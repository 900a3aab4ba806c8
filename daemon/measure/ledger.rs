//! The ledger of one segment of a course: what every request of it was, counted on the request's path without a lock.
//!
//! A ledger counts and knows the trip wire, for nothing else must be known at once. What counts mean is the business of
//! `analysis`; a rollout that goes on to another segment gets another ledger.

mod firsts;
mod samples;
mod wire;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use impresario_pipelines::analysis::{
    BINS, Class, Counts, Glance, Output, STABLE, Samples, Tally, Thresholds, Trip,
};
use impresario_pipelines::stats::{Sketch, sketch};

use super::cell::{Outcome, SHARDS, nanos, shard};
use firsts::{First, Firsts};
use samples::Reservoir;
use wire::Wire;

/// What a ledger counts for.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The course's id.
    pub course: u64,
    /// The course's segment.
    pub segment: u32,
    /// How many arms there are.
    pub arms: usize,
    /// What is slow, and where numbers belong, once that is frozen; until then the stable is sampled.
    pub thresholds: Option<Thresholds>,
    /// Whether units are assigned, so that only a unit's first event of a class counts.
    pub sticky: bool,
}

/// What one request was like, as evidence.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    /// How it ended on the arm that it was assigned to, whoever rescued it.
    pub outcome: Outcome,
    /// How long the engine took; where there is no answer, from the decision to the end.
    pub latency: Duration,
    /// What its answer was like, where there is one.
    pub glance: Glance,
    /// Whether its answer broke the contract.
    pub violation: bool,
}

/// Who hears of an arm that was stopped.
pub type Hook = Box<dyn Fn(usize) + Send + Sync>;

/// The ledger.
pub struct Ledger {
    terms: Terms,
    shards: [Shard; SHARDS],
    /// Which units had which event; in a sticky split only.
    firsts: Option<Firsts>,
    /// The stable's first requests, until thresholds are frozen.
    samples: Option<Reservoir>,
    wire: Wire,
    hook: Hook,
}

#[repr(align(128))]
struct Shard {
    arms: Box<[Counters]>,
}

/// The counters of one arm.
struct Counters {
    requests: AtomicU64,
    units: AtomicU64,
    events: [AtomicU64; Class::COUNT],
    bins: [AtomicU64; BINS],
    latency: Box<[AtomicU64]>,
}

// === impl Ledger ===

impl Ledger {
    /// An empty ledger. The hook is called on the path of the request that touches the wire: it must not wait.
    #[must_use]
    pub fn new(terms: Terms, hook: Hook) -> Self {
        let shard = |_| Shard {
            arms: (0..terms.arms).map(|_| Counters::default()).collect(),
        };
        Self {
            shards: std::array::from_fn(shard),
            firsts: terms.sticky.then(Firsts::default),
            samples: terms.thresholds.is_none().then(Reservoir::default),
            wire: Wire::new(terms.arms),
            hook,
            terms,
        }
    }

    /// The id of the course that it counts for.
    #[must_use]
    pub fn course(&self) -> u64 {
        self.terms.course
    }

    /// The segment that it counts for.
    #[must_use]
    pub fn segment(&self) -> u32 {
        self.terms.segment
    }

    /// Whether an arm was stopped because it fails in a row: from then on the stable answers for it.
    #[must_use]
    pub fn tripped(&self, arm: usize) -> bool {
        self.wire.tripped(arm)
    }

    /// What the wire says of an arm now.
    #[must_use]
    pub fn trip(&self, arm: usize) -> Trip {
        self.wire.trip(arm)
    }

    /// Counts that a request, of a unit or of its own, was assigned to an arm: when that is decided, so that requests
    /// which take longer on one arm do not look as if it had got fewer.
    pub fn expose(&self, arm: usize, unit: Option<u64>) {
        let Some(counters) = self.counters(arm) else {
            return;
        };
        if self.first(First::Class(Class::Exposure), unit) {
            counters.count(Class::Exposure);
        }
    }

    /// Counts how a request ended. Those that are nobody's fault are no evidence. Answers from the cache must not be
    /// recorded: a new version's cache is cold, and that is no harm.
    pub fn record(&self, arm: usize, unit: Option<u64>, seen: &Observation) {
        let Some(counters) = self.counters(arm) else {
            return;
        };
        let failed = match seen.outcome {
            Outcome::Success => Some(false),
            Outcome::Failed | Outcome::Crashed | Outcome::Unavailable => Some(true),
            // It may still have succeeded, for all that is known.
            Outcome::Expired => None,
            Outcome::Refused | Outcome::Overloaded | Outcome::Limited | Outcome::Abandoned => {
                return;
            }
        };
        let ns = nanos(seen.latency);
        counters.requests.fetch_add(1, Relaxed);
        counters.latency[sketch::bucket(ns)].fetch_add(1, Relaxed);
        if self.firsts.is_some() && self.first(First::Unit, unit) {
            counters.units.fetch_add(1, Relaxed);
        }
        let event = |class: Class, happened: bool| {
            if happened && self.first(First::Class(class), unit) {
                counters.count(class);
            }
        };
        event(Class::Errors, failed == Some(true));
        event(Class::Timeouts, failed.is_none());
        event(Class::Violations, seen.violation);
        event(Class::NonFinite, seen.glance.non_finite);
        if let Some(thresholds) = &self.terms.thresholds {
            let [half, ninety, ninety_nine] = thresholds.slow_ns;
            event(Class::Slow50, ns > half);
            event(Class::Slow90, ns > ninety);
            event(Class::Slow99, ns > ninety_nine);
            event(
                Class::SlowerThan,
                thresholds.slower_than_ns.is_some_and(|slow| ns > slow),
            );
            if let Some(bin) = bin(thresholds, seen.glance.output)
                && self.first(First::Bin(bin), unit)
            {
                counters.bins[usize::from(bin)].fetch_add(1, Relaxed);
            }
        } else if arm == STABLE
            && failed == Some(false)
            && let Some(samples) = &self.samples
        {
            samples.take(ns, seen.glance.output);
        }
        if let Some(failed) = failed
            && self.wire.ended(arm, failed)
        {
            (self.hook)(arm);
        }
    }

    /// What was counted since it began.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for arm in 0..self.terms.arms {
            let sum = tally.arm_mut(arm);
            for shard in &self.shards {
                sum.add(&shard.arms[arm].counts());
            }
            sum.units = match &self.firsts {
                Some(firsts) => firsts.uncrowded(sum.units),
                None => sum.requests,
            };
        }
        tally
    }

    /// What the stable showed so far, for thresholds to be frozen from; nothing once they are.
    #[must_use]
    pub fn samples(&self) -> Samples {
        let samples = self.samples.as_ref();
        samples.map(Reservoir::samples).unwrap_or_default()
    }

    /// The counters of an arm; an arm that there is not is counted by nobody.
    fn counters(&self, arm: usize) -> Option<&Counters> {
        self.shards[shard()].arms.get(arm)
    }

    /// Whether it is the unit's first of its kind. A request of no unit, or in a split by request, is its own unit.
    fn first(&self, what: First, unit: Option<u64>) -> bool {
        match (&self.firsts, unit) {
            (Some(firsts), Some(unit)) => firsts.first(what, unit),
            (None, _) | (_, None) => true,
        }
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("terms", &self.terms)
            .finish_non_exhaustive()
    }
}

// === impl Counters ===

impl Counters {
    fn count(&self, class: Class) {
        self.events[class.index()].fetch_add(1, Relaxed);
    }

    fn counts(&self) -> Counts {
        let load = |counter: &AtomicU64| counter.load(Relaxed);
        Counts {
            requests: load(&self.requests),
            units: load(&self.units),
            events: self.events.each_ref().map(load),
            bins: self.bins.each_ref().map(load),
            latency: Sketch::from_counts(self.latency.iter().map(load)),
        }
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            requests: AtomicU64::default(),
            units: AtomicU64::default(),
            events: Default::default(),
            bins: Default::default(),
            latency: (0..sketch::BUCKETS).map(|_| AtomicU64::default()).collect(),
        }
    }
}

fn bin(thresholds: &Thresholds, output: Output) -> Option<u8> {
    let bin = match output {
        Output::None => None,
        Output::Bin(bin) => Some(bin),
        Output::Value(value) => thresholds.decile(value),
    };
    bin.filter(|bin| usize::from(*bin) < BINS)
}

#[cfg(test)]
mod tests;
