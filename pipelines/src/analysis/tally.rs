//! What was counted in one segment by one replica since it began: integers that add up in any order.

use crate::stats::Sketch;

use super::class::Class;
use super::outputs::BINS;

/// The counts of one segment, by the arm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// In the order of the arms; arms that are not there have counted nothing.
    pub arms: Vec<Counts>,
}

/// The counts of one arm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Requests that are evidence: answered, failed or expired.
    pub requests: u64,
    /// Units that they came from; in a split by request, the requests.
    pub units: u64,
    /// Events, by the place of their class; in a sticky split, units with such an event.
    pub events: [u64; Class::COUNT],
    /// Answers by the bin of their first output; in a sticky split, units with such an answer.
    pub bins: [u64; BINS],
    /// How long the requests took, in nanoseconds: to be shown, never to decide by.
    pub latency: Sketch,
}

// === impl Tally ===

impl Tally {
    /// The counts of an arm, which may be none.
    #[must_use]
    pub fn arm(&self, arm: usize) -> Option<&Counts> {
        self.arms.get(arm)
    }

    /// The counts of an arm, to be added to.
    pub fn arm_mut(&mut self, arm: usize) -> &mut Counts {
        if self.arms.len() <= arm {
            self.arms.resize_with(arm + 1, Counts::default);
        }
        &mut self.arms[arm]
    }

    /// Adds what another one has counted.
    pub fn add(&mut self, other: &Self) {
        for (arm, counts) in other.arms.iter().enumerate() {
            self.arm_mut(arm).add(counts);
        }
    }

    /// How much was counted: of two tallies of one source, the larger one is the later one.
    #[must_use]
    pub fn size(&self) -> u64 {
        let sizes = self
            .arms
            .iter()
            .map(|counts| counts.requests.saturating_add(counts.of(Class::Exposure)));
        sizes.fold(0, u64::saturating_add)
    }
}

// === impl Counts ===

impl Counts {
    /// Events of a class.
    #[must_use]
    pub fn of(&self, class: Class) -> u64 {
        self.events[class.index()]
    }

    /// Adds what another one has counted.
    pub fn add(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.units = self.units.saturating_add(other.units);
        for (mine, theirs) in self.events.iter_mut().zip(&other.events) {
            *mine = mine.saturating_add(*theirs);
        }
        for (mine, theirs) in self.bins.iter_mut().zip(&other.bins) {
            *mine = mine.saturating_add(*theirs);
        }
        self.latency.merge(&other.latency);
    }
}
