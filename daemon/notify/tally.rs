//! What became of one webhook's deliveries: what metrics and `status` show of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Counts of one webhook.
#[derive(Debug, Default)]
pub(super) struct Tally {
    delivered: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
    trouble: Mutex<Option<Trouble>>,
}

/// What went wrong last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Wall time, in milliseconds since 1970.
    pub at: u64,
    /// What, without address and secret.
    pub what: String,
}

/// What is seen of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its place in the configuration, from 0.
    pub index: usize,
    /// Where it is posted to: scheme, host and port.
    pub to: String,
    /// Deliveries that wait, the one that is being tried among them.
    pub waiting: usize,
    /// Deliveries that were taken.
    pub delivered: u64,
    /// Deliveries that were given up.
    pub failed: u64,
    /// Records that were never tried: the queue was full.
    pub dropped: u64,
    /// What went wrong last; nothing where the last try did not.
    pub trouble: Option<Trouble>,
}

// === impl Tally ===

impl Tally {
    pub(super) fn delivered(&self) {
        self.delivered.fetch_add(1, Ordering::Relaxed);
        self.trouble(None);
    }

    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn trouble(&self, trouble: Option<Trouble>) {
        let mut last = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *last = trouble;
    }

    pub(super) fn show(&self, index: usize, to: String, waiting: usize) -> Shown {
        let last = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        Shown {
            index,
            to,
            waiting,
            delivered: self.delivered.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            trouble: last.clone(),
        }
    }
}
