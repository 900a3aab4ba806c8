//! What is counted of feedback itself, for metrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::given::Taken;

/// What was counted for a course since it was declared in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that were given to arms.
    pub exposed: u64,
    /// Requests that are remembered now.
    pub remembered: u64,
    /// Requests that were forgotten before their time: there were too many.
    pub dropped: u64,
    /// Requests whose id another one has, whose feedback is the other one's.
    pub reused: u64,
    /// Events that were taken.
    pub accepted: u64,
    /// Events that came again.
    pub duplicate: u64,
    /// Events that came too late.
    pub late: u64,
    /// Events of requests that are not known.
    pub unknown: u64,
    /// Events of requests that have as many as they take.
    pub full: u64,
    /// Posts that were refused.
    pub refused: u64,
}

/// What is counted when feedback comes.
#[derive(Debug, Default)]
pub(super) struct Counters {
    taken: [AtomicU64; Taken::ALL.len()],
    refused: AtomicU64,
}

// === impl Counters ===

impl Counters {
    pub(super) fn count(&self, taken: Taken) {
        self.taken[taken as usize].fetch_add(1, Relaxed);
    }

    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub(super) fn fill(&self, counts: &mut Counts) {
        let taken = |taken: Taken| self.taken[taken as usize].load(Relaxed);
        counts.accepted = taken(Taken::Accepted);
        counts.duplicate = taken(Taken::Duplicate);
        counts.late = taken(Taken::Late);
        counts.unknown = taken(Taken::Unknown);
        counts.full = taken(Taken::Full);
        counts.refused = self.refused.load(Relaxed);
    }
}
