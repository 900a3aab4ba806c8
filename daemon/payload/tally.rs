//! What became of the records: what metrics and `status` show.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Counts of the log.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) waiting: AtomicUsize,
    pub(super) held: AtomicUsize,
    written: AtomicU64,
    bytes: AtomicU64,
    shed: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
    trouble: Mutex<Option<Trouble>>,
}

/// What went wrong last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Wall time, in milliseconds since 1970.
    pub at: u64,
    /// What.
    pub what: String,
}

/// What is seen of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The folder of its files.
    pub folder: PathBuf,
    /// Records that wait to be written.
    pub waiting: usize,
    /// Records that were written.
    pub written: u64,
    /// Bytes that they took.
    pub bytes: u64,
    /// Those among them that were too large for their tensors.
    pub shed: u64,
    /// Records that found no room in the queue.
    pub dropped: u64,
    /// Records that could not be written.
    pub failed: u64,
    /// What went wrong last; nothing where the last try did not.
    pub trouble: Option<Trouble>,
}

// === impl Tally ===

impl Tally {
    pub(super) fn wrote(&self, records: u64, bytes: u64, shed: u64) {
        self.written.fetch_add(records, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.shed.fetch_add(shed, Ordering::Relaxed);
        self.trouble(None);
    }

    pub(super) fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn failed(&self, records: u64) {
        self.failed.fetch_add(records, Ordering::Relaxed);
    }

    pub(super) fn trouble(&self, trouble: Option<Trouble>) {
        let mut last = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *last = trouble;
    }

    pub(super) fn show(&self, folder: PathBuf) -> Shown {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        Shown {
            folder,
            waiting: self.waiting.load(Ordering::Relaxed),
            written: self.written.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            shed: self.shed.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            trouble: trouble.clone(),
        }
    }
}
