//! What became of what was to be exported: what metrics and `status` show of it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::settings::Signal;

/// Counts of one signal.
#[derive(Debug, Default)]
pub(super) struct Tally {
    exported: AtomicU64,
    rejected: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
    trouble: Mutex<Option<String>>,
}

/// What is seen of one signal's export. Items are spans, log records or metric points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The signal.
    pub signal: Signal,
    /// Items that wait.
    pub waiting: usize,
    /// Items that the collector took.
    pub exported: u64,
    /// Items of taken batches that it did not keep.
    pub rejected: u64,
    /// Items that were given up: refused, or tried for too long.
    pub failed: u64,
    /// Items that were never tried: the queue was full.
    pub dropped: u64,
    /// What went wrong last; nothing where the last try did not.
    pub trouble: Option<String>,
}

// === impl Tally ===

impl Tally {
    pub(super) fn taken(&self, items: u64, rejected: u64) {
        let rejected = rejected.min(items);
        self.exported.fetch_add(items - rejected, Relaxed);
        self.rejected.fetch_add(rejected, Relaxed);
    }

    pub(super) fn failed(&self, items: u64) {
        self.failed.fetch_add(items, Relaxed);
    }

    pub(super) fn dropped(&self, items: u64) {
        self.dropped.fetch_add(items, Relaxed);
    }

    pub(super) fn trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    pub(super) fn show(&self, signal: Signal, waiting: usize) -> Shown {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        Shown {
            signal,
            waiting,
            exported: self.exported.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            failed: self.failed.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            trouble: trouble.clone(),
        }
    }
}
