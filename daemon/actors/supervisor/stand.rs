//! What the store is known to hold, so that it can be told what is new.

use std::time::Instant;

use impresario_pipelines::fleet::{Fleet, Routing};

use crate::clock;

/// What the store is known to hold. The fleet may be ahead of it: what protects callers does not wait for a disk.
pub(super) struct Stand {
    pub(super) routing: Routing,
    /// The newest record.
    pub(super) record: u64,
    /// When it was written.
    pub(super) at: Instant,
}

// === impl Stand ===

impl Stand {
    /// What a fleet that was just read or written leaves in the store.
    pub(super) fn of(fleet: &Fleet) -> Self {
        Self {
            routing: fleet.routing.clone(),
            record: fleet.history.last().map_or(0, |record| record.seq),
            at: clock::instant(),
        }
    }
}
