//! The newest decisions, in memory: what `explain` tells of a request, and what feedback is joined to.
//!
//! Decisions are kept of requests to pipelines that share them among versions or show them to a shadow. A push is a look
//! at one of a few locks and a move: nothing is searched, and what is oldest goes. Looking one up walks through one part
//! of them, from the newest.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::Variant;
use impresario_pipelines::bucket::{Slot, Weight};
use impresario_pipelines::fleet::Revision;
use impresario_pipelines::policy::Split;
use impresario_pipelines::table::Why;

use super::{Rescue, Trail, Unit};
use crate::measure::Outcome;
use crate::trace::TraceId;

/// How many are kept where nothing is said.
pub const NEWEST: usize = 10_000;

/// Locks that the decisions are spread over, by their ids.
const SHARDS: usize = 16;

/// Values of feedback that one decision takes.
const MAX_FEEDBACK: usize = 32;

/// The longest name of a metric, in bytes.
const MAX_METRIC: usize = 128;

/// The newest decisions. Cloning shares them.
#[derive(Clone)]
pub struct Decisions(Arc<Inner>);

struct Inner {
    shards: [Mutex<Shard>; SHARDS],
    /// The most decisions of a shard.
    room: usize,
    hasher: RandomState,
}

/// In the order in which they came, each with the hash of its id.
type Shard = VecDeque<(u64, Record)>;

/// Who answered a request, why, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The id of the request. Callers choose ids: of several with one id, the newest is meant.
    pub id: Box<str>,
    /// The pipeline that was asked.
    pub pipeline: Name,
    /// The fleet's state that it was decided on.
    pub revision: Revision,
    /// The split that decided, with its course, segment and weights; none where one version answers all.
    pub split: Option<Arc<Split>>,
    /// The slot, where one decided.
    pub slot: Option<Slot>,
    /// Whose request it is, as a hash.
    pub unit: Option<Unit>,
    /// The variant that was decided on.
    pub variant: Variant,
    /// The arm that it is evidence for.
    pub arm: Option<usize>,
    /// Why that one.
    pub why: Why,
    /// The model that answered, or was to.
    pub model: Name,
    /// Its version.
    pub version: VersionNumber,
    /// In the queue.
    pub queue: Duration,
    /// In the engine.
    pub compute: Duration,
    /// From the decision to the end.
    pub total: Duration,
    /// How it ended for the caller.
    pub outcome: Outcome,
    /// That another one answered than was decided on.
    pub rescue: Option<Rescue>,
    /// The way through its graph, where a composite answered or was to.
    pub trail: Option<Arc<Trail>>,
    /// The version that saw the request beside, and answered nobody.
    pub shadow: Option<(Name, VersionNumber)>,
    /// The trace that it belongs to, where it belongs to one.
    pub trace: Option<TraceId>,
    /// When it ended, in milliseconds since 1970.
    pub at_ms: u64,
    /// What was told of it since.
    pub feedback: Vec<Feedback>,
}

/// A value that was told of a request after its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Feedback {
    /// The metric.
    pub metric: Box<str>,
    /// The value.
    pub value: f64,
    /// When it came, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Why feedback is not kept beside its decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unattached {
    /// The decision is not kept (any more).
    #[error("no decision is kept under this request id; the newest {NEWEST} are")]
    Unknown,
    /// It has as many values as it takes.
    #[error("a decision takes at most {MAX_FEEDBACK} values of feedback")]
    Full,
    /// The metric's name is too long to be one.
    #[error("a metric's name has at most {MAX_METRIC} bytes")]
    Metric,
}

// === impl Decisions ===

impl Decisions {
    /// Keeps at most so many, or a few more: as many in each of 16 parts. With zero none is kept.
    #[must_use]
    pub fn new(newest: usize) -> Self {
        Self(Arc::new(Inner {
            shards: std::array::from_fn(|_| Mutex::default()),
            room: newest.div_ceil(SHARDS),
            hasher: RandomState::new(),
        }))
    }

    /// Keeps a decision.
    pub fn push(&self, record: Record) {
        if self.0.room == 0 {
            return;
        }
        let hash = self.0.hasher.hash_one(&record.id);
        let mut shard = self.shard(hash);
        let oldest = match shard.len() >= self.0.room {
            true => shard.pop_front(),
            false => None,
        };
        shard.push_back((hash, record));
        drop(shard);
        // It is freed when nobody waits for the lock any more.
        drop(oldest);
    }

    /// The decision on a request.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Record> {
        let hash = self.0.hasher.hash_one(id);
        let shard = self.shard(hash);
        let newest = shard.iter().rev();
        let mut same = newest.filter(|(known, record)| *known == hash && *record.id == *id);
        same.next().map(|(_, record)| record.clone())
    }

    /// Keeps a value beside the decision that it is about. Whether it was told before is not asked here.
    ///
    /// # Errors
    /// [`Unattached`]; nothing was kept.
    pub fn attach(&self, id: &str, metric: &str, value: f64, at_ms: u64) -> Result<(), Unattached> {
        if metric.len() > MAX_METRIC {
            return Err(Unattached::Metric);
        }
        let hash = self.0.hasher.hash_one(id);
        let mut shard = self.shard(hash);
        let newest = shard.iter_mut().rev();
        let mut same = newest.filter(|(known, record)| *known == hash && *record.id == *id);
        let (_, record) = same.next().ok_or(Unattached::Unknown)?;
        if record.feedback.len() >= MAX_FEEDBACK {
            return Err(Unattached::Full);
        }
        record.feedback.push(Feedback {
            metric: metric.into(),
            value,
            at_ms,
        });
        Ok(())
    }

    /// The newest decisions of a pipeline, or of all, newest first.
    #[must_use]
    pub fn newest(&self, pipeline: Option<&Name>, most: usize) -> Vec<Record> {
        let mut all: Vec<Record> = Vec::new();
        for shard in &self.0.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let newest = shard.iter().rev().map(|(_, record)| record);
            let asked =
                newest.filter(|record| pipeline.is_none_or(|name| *name == record.pipeline));
            all.extend(asked.take(most).cloned());
        }
        all.sort_by_key(|record| std::cmp::Reverse(record.at_ms));
        all.truncate(most);
        all
    }

    /// How many are kept now.
    #[must_use]
    pub fn len(&self) -> usize {
        let shards = self.0.shards.iter();
        shards
            .map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len())
            .sum()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        // The table's own bits: the lower ones tell ids of one shard apart.
        let shard = &self.0.shards[(hash >> 60) as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Decisions {
    fn default() -> Self {
        Self::new(NEWEST)
    }
}

impl fmt::Debug for Decisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decisions")
            .field("len", &self.len())
            .field("room", &(self.0.room * SHARDS))
            .finish()
    }
}

// === impl Record ===

impl Record {
    /// The weights that it was decided with, in the order of the arms.
    #[must_use]
    pub fn weights(&self) -> &[Weight] {
        let split = self.split.as_deref();
        split.map_or(&[], |split| split.slots.weights())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str, at_ms: u64) -> Record {
        Record {
            id: id.into(),
            pipeline: Name::new("p").unwrap(),
            revision: Revision(3),
            split: None,
            slot: Slot::new(7),
            unit: Some(Unit::of(id)),
            variant: Variant::CANARY,
            arm: Some(1),
            why: Why::Slot,
            model: Name::new("m").unwrap(),
            version: VersionNumber::ONE,
            queue: Duration::ZERO,
            compute: Duration::ZERO,
            total: Duration::from_millis(1),
            outcome: Outcome::Success,
            rescue: None,
            trail: None,
            shadow: None,
            trace: None,
            at_ms,
            feedback: Vec::new(),
        }
    }

    #[test]
    fn the_newest_stay_and_no_more() {
        let decisions = Decisions::new(160);
        for at in 0..10_000 {
            decisions.push(record(&format!("r{at}"), at));
        }
        assert_eq!(decisions.len(), 160);
        assert_eq!(
            decisions.get("r9999").map(|record| record.at_ms),
            Some(9_999)
        );
        assert_eq!(decisions.get("r0"), None);
        let newest = decisions.newest(None, 3);
        let ids: Vec<_> = newest.iter().map(|record| &*record.id).collect();
        assert_eq!(ids, ["r9999", "r9998", "r9997"]);
        assert!(decisions.newest(Name::new("q").ok().as_ref(), 3).is_empty());
        let none = Decisions::new(0);
        none.push(record("a", 0));
        assert!(none.is_empty());
    }

    #[test]
    fn of_one_id_the_newest_is_meant_and_feedback_is_bounded() {
        let decisions = Decisions::default();
        decisions.push(record("a", 1));
        decisions.push(record("a", 2));
        assert_eq!(
            decisions.attach("b", "clicks", 1.0, 3),
            Err(Unattached::Unknown)
        );
        let long = "m".repeat(MAX_METRIC + 1);
        assert_eq!(
            decisions.attach("a", &long, 1.0, 3),
            Err(Unattached::Metric)
        );
        for _ in 0..MAX_FEEDBACK {
            assert_eq!(decisions.attach("a", "clicks", 0.5, 3), Ok(()));
        }
        assert_eq!(
            decisions.attach("a", "clicks", 1.0, 3),
            Err(Unattached::Full)
        );
        let kept = decisions.get("a").unwrap();
        assert_eq!((kept.at_ms, kept.feedback.len()), (2, MAX_FEEDBACK));
        let first = &kept.feedback[0];
        assert_eq!(
            (&*first.metric, first.value, first.at_ms),
            ("clicks", 0.5, 3)
        );
    }
}
