//! The board: what the analyst read last, for whoever asks. Nobody on a request's path does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use impresario_models::Name;
use impresario_pipelines::analysis::{Readings, Traffic};

/// What was read last, by pipeline. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<Posted>>);

/// What is on it.
#[derive(Debug, Default)]
struct Posted {
    notices: BTreeMap<Name, Notice>,
    stored: Option<u64>,
}

/// What was read of a rollout.
#[derive(Clone, Debug, Default)]
pub struct Notice {
    /// The revision that began it.
    pub course: u64,
    /// What the evidence says.
    pub readings: Option<Arc<Readings>>,
    /// The pipeline's traffic, as far as it was seen.
    pub traffic: Traffic,
}

// === impl Board ===

impl Board {
    /// What was read of a pipeline's rollout.
    #[must_use]
    pub fn of(&self, pipeline: &Name) -> Option<Notice> {
        self.lock().notices.get(pipeline).cloned()
    }

    /// Up to when evidence and feedback are in the store, in milliseconds since 1970: what came later is lost if the process
    /// is killed now. Nothing before any was looked at.
    #[must_use]
    pub fn stored_until(&self) -> Option<u64> {
        self.lock().stored
    }

    /// What came before this moment is in the store.
    pub(super) fn stored(&self, wall: u64) {
        self.lock().stored = Some(wall);
    }

    /// Puts up what was read of all.
    pub(super) fn put_up(&self, notices: BTreeMap<Name, Notice>) {
        self.lock().notices = notices;
    }

    fn lock(&self) -> MutexGuard<'_, Posted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
