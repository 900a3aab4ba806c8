//! What is gathered about the arms of an experiment: sums that merge, bounded whatever the traffic.
//!
//! Requests come here as exposures, and their feedback as what each metric's values summed up to before and after it:
//! whoever joins the two keeps those sums, and so the moments of a request's values are exact. Where a request is the
//! unit, an arm's moments are all there is. Where units are keys, the 10,000 slots are clusters of units, and each keeps
//! its own sums. What it all says is the business of `report`.

mod chunk;
mod plan;
mod stored;
mod stretch;
mod tally;

use std::collections::BTreeMap;

use crate::bucket::{Slot, Slots};
use crate::fleet::Now;
use crate::spec::experiment::Experiment;

pub(super) use chunk::{Chunk, keys};
pub use plan::Plan;
pub(crate) use plan::{Pair, Take};
pub use stored::{Damaged, Key, NoKey};
pub(super) use stretch::Stretch;
pub(super) use tally::{SCALE, Tally};

/// How many declared segments a request can belong to.
pub const DIMENSIONS: usize = 8;

/// What the traffic is split by, and so what the statistics count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Every request by itself.
    Request,
    /// A key, such as a user's.
    Key,
}

/// A request that was given to an arm. Forced variants are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// The course's segment at that time.
    pub segment: u32,
    /// Where it fell: by its key, or by a draw.
    pub slot: Slot,
    /// A hash of its key, where there is one.
    pub unit: Option<u64>,
    /// Its value in each declared segment, by [`Plan::dimensions`].
    pub dimensions: [u8; DIMENSIONS],
}

/// The evidence of one experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    plan: Plan,
    /// Which stretch a segment belongs to; none where only one arm had traffic.
    segments: BTreeMap<u32, Option<usize>>,
    /// Spans with one split. Those of one split are one, so that a pause makes no new one.
    stretches: Vec<Stretch>,
    /// The first and the last exposure, in milliseconds since 1970.
    span: Option<(u64, u64)>,
    /// Feedback and exposures of segments that are not known.
    foreign: u64,
}

// === impl Record ===

impl Record {
    /// Nothing gathered yet.
    #[must_use]
    pub fn new(spec: &Experiment, unit: Unit) -> Self {
        Self {
            plan: Plan::new(spec, unit),
            segments: BTreeMap::new(),
            stretches: Vec::new(),
            span: None,
            foreign: 0,
        }
    }

    /// What is gathered, and how.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// A segment of the course and who owns which slot in it; before anything is counted there. Again is no harm.
    pub fn open(&mut self, segment: u32, slots: &Slots) {
        if self.segments.contains_key(&segment) {
            return;
        }
        let sharing = slots.weights().iter().filter(|w| w.share() > 0.0);
        if sharing.count() < 2 {
            self.segments.insert(segment, None);
            return;
        }
        let known = self.stretches.iter().position(|one| one.slots == *slots);
        let index = known.unwrap_or(self.stretches.len());
        if known.is_none() {
            let stretch = Stretch::new(&self.plan, slots.clone());
            self.stretches.push(stretch);
        }
        self.segments.insert(segment, Some(index));
    }

    /// Counts an exposure; says which arm it was.
    pub fn expose(&mut self, at: &Exposure, now: Now) -> Option<usize> {
        let Some(index) = self.locate(at) else {
            self.foreign += u64::from(!self.segments.contains_key(&at.segment));
            return None;
        };
        let stretch = self.stretches.get_mut(index)?;
        let span = self.span.get_or_insert((now.wall, now.wall));
        *span = (span.0.min(now.wall), span.1.max(now.wall));
        Some(stretch.expose(&self.plan, at))
    }

    /// Counts feedback on a request: what its values of each metric ([`Plan::metrics`]) summed up to before and after.
    /// What is no finite number is none.
    pub fn feed(&mut self, at: &Exposure, before: &[Option<f64>], after: &[Option<f64>]) {
        match self.locate(at) {
            Some(index) => {
                if let Some(stretch) = self.stretches.get_mut(index) {
                    stretch.feed(&self.plan, at, before, after);
                }
            }
            None => self.foreign += u64::from(!self.segments.contains_key(&at.segment)),
        }
    }

    /// Adds what was gathered elsewhere about the same experiment.
    pub fn merge(&mut self, other: &Self) {
        for (segment, index) in &other.segments {
            match index.and_then(|index| other.stretches.get(index)) {
                Some(stretch) => self.open(*segment, &stretch.slots),
                None => {
                    self.segments.entry(*segment).or_insert(None);
                }
            }
        }
        for theirs in &other.stretches {
            let mine = self.stretches.iter_mut();
            for mine in mine.filter(|mine| mine.slots == theirs.slots) {
                mine.merge(theirs);
            }
        }
        self.span = match (self.span, other.span) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (one, other) => one.or(other),
        };
        self.foreign += other.foreign;
    }

    /// Exposures and feedback whose segment is not known.
    #[must_use]
    pub fn foreign(&self) -> u64 {
        self.foreign
    }

    /// The first and the last exposure, in milliseconds since 1970.
    #[must_use]
    pub fn span(&self) -> Option<(u64, u64)> {
        self.span
    }

    /// Spans with one split.
    pub(super) fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// The segments of a stretch.
    pub(super) fn segments_of(&self, stretch: usize) -> Vec<u32> {
        let all = self.segments.iter();
        let of = all.filter(|(_, index)| **index == Some(stretch));
        of.map(|(segment, _)| *segment).collect()
    }

    fn locate(&self, at: &Exposure) -> Option<usize> {
        self.segments.get(&at.segment).copied().flatten()
    }
}
