//! Exemplars: of each coarse bucket of a cell the newest request whose trace is kept, so that a slow one can be looked up.
//!
//! Only requests of traces that are sampled come here; no other one touches any of it.

use std::sync::{Mutex, PoisonError, TryLockError};

use super::sketch;
use crate::trace::TraceId;

/// The coarse buckets, the one without an end included.
const PLACES: usize = (*sketch::COARSE.end() - *sketch::COARSE.start()) as usize + 2;

/// A request that can be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exemplar {
    /// The trace that it belongs to.
    pub trace: TraceId,
    /// What it took, in nanoseconds.
    pub nanos: u64,
    /// When it ended: wall time in milliseconds since 1970.
    pub at_ms: u64,
}

/// The newest of each coarse bucket.
#[derive(Debug, Default)]
pub(super) struct Exemplars([Mutex<Option<Exemplar>>; PLACES]);

// === impl Exemplars ===

impl Exemplars {
    /// Keeps one in the place of an older one. Where somebody else is at that place, theirs is as new, and nobody waits.
    pub(super) fn keep(&self, exemplar: Exemplar) {
        let mut kept = match self.0[sketch::coarse(exemplar.nanos)].try_lock() {
            Ok(kept) => kept,
            Err(TryLockError::Poisoned(kept)) => kept.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        if kept.is_none_or(|kept| kept.at_ms <= exemplar.at_ms) {
            *kept = Some(exemplar);
        }
    }

    /// Those that are kept, by coarse bucket.
    pub(super) fn read(&self) -> Vec<Option<Exemplar>> {
        let read = |kept: &Mutex<_>| *kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_each_bucket_is_kept() {
        let exemplars = Exemplars::default();
        let one = |byte: u8, nanos, at_ms| Exemplar {
            trace: TraceId::new([byte; 16]).unwrap(),
            nanos,
            at_ms,
        };
        exemplars.keep(one(1, 3_000_000, 10));
        exemplars.keep(one(2, 3_500_000, 11));
        exemplars.keep(one(3, 3_600_000, 9));
        exemplars.keep(one(4, 100_000_000_000, 9));
        exemplars.keep(one(5, 0, 9));
        let read = exemplars.read();
        let kept: Vec<_> = read.iter().flatten().map(|e| e.trace.bytes()[0]).collect();
        assert_eq!((kept, read.len()), (vec![5, 2, 4], PLACES));
        assert_eq!(read[PLACES - 1].map(|e| e.nanos), Some(100_000_000_000));
    }
}
