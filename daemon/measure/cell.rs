//! The counters of one variant of a pipeline and the version that answers for it, in shards so that threads do not wait for
//! each other's cache lines. A shard is made when its first request comes: a version that nobody asks costs next to nothing.

use std::cell::Cell as ThreadCell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::exemplar::{Exemplar, Exemplars};
use super::sketch::{Counts, Sketch};
use crate::clock;
use crate::trace::TraceId;

/// Threads beyond this many share shards.
pub(super) const SHARDS: usize = 4;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answered.
    Success,
    /// The values could not be computed: the caller's fault.
    Refused,
    /// The queue was full.
    Overloaded,
    /// The version could not take requests.
    Unavailable,
    /// The client sent more than it may.
    Limited,
    /// The deadline passed.
    Expired,
    /// The caller left before the answer.
    Abandoned,
    /// The engine failed, or the version broke its contract.
    Failed,
    /// The instance panicked or hung.
    Crashed,
}

/// The counters of one variant and version.
#[derive(Debug, Default)]
pub struct Cell {
    shards: [OnceLock<Box<Shard>>; SHARDS],
    /// Made with the first request of a sampled trace.
    exemplars: OnceLock<Box<Exemplars>>,
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard {
    outcomes: [AtomicU64; Outcome::ALL.len()],
    rows: AtomicU64,
    executions: AtomicU64,
    last_ms: AtomicU64,
    answered_nanos: AtomicU64,
    hits: AtomicU64,
    hit_nanos: AtomicU64,
    misses: AtomicU64,
    miss_nanos: AtomicU64,
    request: Sketch,
    queue: Sketch,
    compute: Sketch,
    codec: Sketch,
}

/// What one request was like.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// How it ended.
    pub outcome: Outcome,
    /// Rows in it.
    pub rows: usize,
    /// From the decision to the answer.
    pub request: Duration,
    /// What its answer took, where there is one.
    pub times: Option<Times>,
    /// The trace that it belongs to, where that is sampled.
    pub trace: Option<TraceId>,
    /// Wall time in milliseconds since 1970.
    pub at_ms: u64,
}

/// What an answer took.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// In the queue.
    pub queue: Duration,
    /// In the engine, with all that was computed together.
    pub compute: Duration,
    /// Calls of the engine that it is charged with: of requests computed together, one is charged with the call.
    pub executions: u64,
}

/// What a cell has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    outcomes: [u64; Outcome::ALL.len()],
    /// Rows inferred.
    pub rows: u64,
    /// Calls of the engine.
    pub executions: u64,
    /// Wall time of the newest request, in milliseconds since 1970; zero where there was none.
    pub last_ms: u64,
    /// From the decision to the answer, of requests that were answered, in nanoseconds.
    pub answered_nanos: u64,
    /// Requests that the response cache answered; among the successes, not among the calls of the engine.
    pub hits: u64,
    /// Looking those answers up, in nanoseconds.
    pub hit_nanos: u64,
    /// Requests that the response cache was asked for and could not answer.
    pub misses: u64,
    /// Looking for those in vain, in nanoseconds.
    pub miss_nanos: u64,
    /// From the decision to the answer, of all requests.
    pub request: Counts,
    /// In the queue.
    pub queue: Counts,
    /// In the engine.
    pub compute: Counts,
    /// Reading the request and writing the answer, of requests that were answered.
    pub codec: Counts,
}

// === impl Outcome ===

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 9] = [
        Self::Success,
        Self::Refused,
        Self::Overloaded,
        Self::Unavailable,
        Self::Limited,
        Self::Expired,
        Self::Abandoned,
        Self::Failed,
        Self::Crashed,
    ];

    /// The word used as a metric's label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::Limited => "limited",
            Self::Expired => "expired",
            Self::Abandoned => "abandoned",
            Self::Failed => "failed",
            Self::Crashed => "crashed",
        }
    }
}

// === impl Sample ===

impl Sample {
    /// A request that ended before any version was asked.
    #[must_use]
    pub fn unasked(outcome: Outcome, since: Instant, trace: Option<TraceId>) -> Self {
        Self {
            outcome,
            rows: 0,
            request: since.elapsed(),
            times: None,
            trace,
            at_ms: clock::wall_ms(),
        }
    }

    /// A request of one row that was answered within a millisecond.
    #[cfg(test)]
    pub(crate) fn answered() -> Self {
        Self {
            outcome: Outcome::Success,
            rows: 1,
            request: Duration::from_millis(1),
            times: None,
            trace: None,
            at_ms: 1,
        }
    }
}

// === impl Cell ===

impl Cell {
    /// Counts one look into the response cache that found the answer.
    pub fn hit(&self, took: Duration) {
        let shard = self.shard();
        shard.hits.fetch_add(1, Relaxed);
        shard.hit_nanos.fetch_add(nanos(took), Relaxed);
    }

    /// Counts one look into the response cache in vain.
    pub fn missed(&self, took: Duration) {
        let shard = self.shard();
        shard.misses.fetch_add(1, Relaxed);
        shard.miss_nanos.fetch_add(nanos(took), Relaxed);
    }

    /// Counts one request.
    pub fn record(&self, sample: Sample) {
        let shard = self.shard();
        shard.outcomes[sample.outcome as usize].fetch_add(1, Relaxed);
        shard.request.record(sample.request);
        shard.last_ms.fetch_max(sample.at_ms, Relaxed);
        if let Some(times) = sample.times {
            shard.queue.record(times.queue);
            shard.compute.record(times.compute);
            shard.executions.fetch_add(times.executions, Relaxed);
            shard.rows.fetch_add(sample.rows as u64, Relaxed);
        }
        if sample.outcome == Outcome::Success {
            let nanos = nanos(sample.request);
            shard.answered_nanos.fetch_add(nanos, Relaxed);
        }
        if let Some(trace) = sample.trace {
            self.exemplars.get_or_init(Box::default).keep(Exemplar {
                trace,
                nanos: nanos(sample.request),
                at_ms: sample.at_ms,
            });
        }
    }

    /// Counts what it took to read a request and to write its answer.
    pub fn coded(&self, took: Duration) {
        self.shard().codec.record(took);
    }

    /// What was counted so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for shard in self.shards.iter().filter_map(OnceLock::get) {
            for (outcome, total) in shard.outcomes.iter().zip(&mut totals.outcomes) {
                *total += outcome.load(Relaxed);
            }
            totals.rows += shard.rows.load(Relaxed);
            totals.executions += shard.executions.load(Relaxed);
            totals.last_ms = totals.last_ms.max(shard.last_ms.load(Relaxed));
            totals.answered_nanos += shard.answered_nanos.load(Relaxed);
            totals.hits += shard.hits.load(Relaxed);
            totals.hit_nanos += shard.hit_nanos.load(Relaxed);
            totals.misses += shard.misses.load(Relaxed);
            totals.miss_nanos += shard.miss_nanos.load(Relaxed);
            shard.request.add_to(&mut totals.request);
            shard.queue.add_to(&mut totals.queue);
            shard.compute.add_to(&mut totals.compute);
            shard.codec.add_to(&mut totals.codec);
        }
        totals
    }

    /// Requests of sampled traces, by coarse bucket of what they took; nothing where there were none.
    #[must_use]
    pub fn exemplars(&self) -> Option<Vec<Option<Exemplar>>> {
        Some(self.exemplars.get()?.read())
    }

    /// Whether nobody was ever counted.
    #[must_use]
    pub fn is_unused(&self) -> bool {
        self.shards.iter().all(|shard| shard.get().is_none())
    }

    fn shard(&self) -> &Shard {
        self.shards[shard()].get_or_init(Box::default)
    }
}

// === impl Totals ===

impl Totals {
    /// Requests that ended so.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize]
    }

    /// Adds what another cell has counted.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.outcomes.iter_mut().zip(other.outcomes) {
            *mine += theirs;
        }
        self.rows += other.rows;
        self.executions += other.executions;
        self.last_ms = self.last_ms.max(other.last_ms);
        self.answered_nanos += other.answered_nanos;
        self.hits += other.hits;
        self.hit_nanos += other.hit_nanos;
        self.misses += other.misses;
        self.miss_nanos += other.miss_nanos;
        self.request.add(&other.request);
        self.queue.add(&other.queue);
        self.compute.add(&other.compute);
        self.codec.add(&other.codec);
    }

    /// All requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.outcomes.iter().sum()
    }
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The shard of this thread.
pub(super) fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: ThreadCell<Option<usize>> = const { ThreadCell::new(None) };
    }
    MINE.with(|mine| {
        let shard = mine
            .get()
            .unwrap_or_else(|| NEXT.fetch_add(1, Relaxed) % SHARDS);
        mine.set(Some(shard));
        shard
    })
}
