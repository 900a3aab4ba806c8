//! Counters and latency histograms, written once per request and merged when read.
//!
//! A cell belongs to one pipeline and one version. Its name comes from the route table, never from a request, so
//! the number of cells is bounded by what is configured. Rendering is the business of `http/metrics`.

mod cell;
mod histogram;
mod ledger;
mod ledgers;

pub use cell::{Cell, Outcome, Sample, Times, Totals};
pub use histogram::{BOUNDS, Counts, Histogram};
pub use ledger::{Hook, Ledger, Observation, Terms};
pub use ledgers::{Ledgers, Opened};

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use impresario_models::{Name, VersionNumber};

/// What a cell counts for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The pipeline that was asked.
    pub pipeline: Name,
    /// The model that answered.
    pub model: Name,
    /// The version that answered.
    pub version: VersionNumber,
}

/// All cells. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Measure {
    // Locked when a route table is published and when metrics are read, never by a request.
    cells: Arc<Mutex<BTreeMap<Key, Arc<Cell>>>>,
}

impl Measure {
    /// The cell of a key, made where there is none.
    #[must_use]
    pub fn cell(&self, key: Key) -> Arc<Cell> {
        Arc::clone(self.lock().entry(key).or_default())
    }

    /// What every cell has counted.
    #[must_use]
    pub fn read(&self) -> Vec<(Key, Totals)> {
        self.lock()
            .iter()
            .map(|(key, cell)| (key.clone(), cell.totals()))
            .collect()
    }

    /// What the cells of one pipeline have counted.
    #[must_use]
    pub fn read_of(&self, pipeline: &Name) -> Vec<(Key, Totals)> {
        let cells = self.lock();
        let of_pipeline = cells.iter().filter(|(key, _)| key.pipeline == *pipeline);
        of_pipeline
            .map(|(key, cell)| (key.clone(), cell.totals()))
            .collect()
    }

    /// Forgets the cells of versions that are gone and that no route holds, so that the cells stay bounded.
    pub fn retain(&self, keep: impl Fn(&Key) -> bool) {
        self.lock()
            .retain(|key, cell| Arc::strong_count(cell) > 1 || keep(key));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Key, Arc<Cell>>> {
        self.cells
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
