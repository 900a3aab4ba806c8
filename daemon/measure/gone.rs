//! What is read of all cells by who reads them again and again: the cells that are there, and what those have counted in the
//! end that went since. So nothing is missed when a version goes between two readings.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use impresario_models::Name;

use super::{Cell, Key, Measure, lock};

/// Cells that went and that nobody has asked for yet, at most: far more than go between two readings.
const MOST: usize = 10_000;

/// Cells that went.
#[derive(Debug, Default)]
pub(super) struct Gone {
    wanted: AtomicBool,
    cells: Mutex<Went>,
}

#[derive(Debug, Default)]
struct Went {
    cells: Vec<(Key, Arc<Cell>)>,
    lost: Vec<(Name, Arc<Cell>)>,
}

/// All cells. Those that went stand before those that are there, in the order in which they went; nobody writes into them.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Cells of versions that went, then those that are there.
    pub cells: Vec<(Key, Arc<Cell>)>,
    /// Cells of pipelines that went, then those that are there.
    pub lost: Vec<(Name, Arc<Cell>)>,
    /// How many of each are of those that went.
    pub gone: (usize, usize),
}

// === impl Gone ===

impl Gone {
    pub(super) fn cell(&self, key: &Key, cell: &Arc<Cell>) {
        let mut went = lock(&self.cells);
        if self.wanted.load(Relaxed) && went.cells.len() < MOST && !cell.is_unused() {
            went.cells.push((key.clone(), Arc::clone(cell)));
        }
    }

    pub(super) fn lost(&self, name: &Name, cell: &Arc<Cell>) {
        let mut went = lock(&self.cells);
        if self.wanted.load(Relaxed) && went.lost.len() < MOST && !cell.is_unused() {
            went.lost.push((name.clone(), Arc::clone(cell)));
        }
    }
}

// === impl Measure ===

impl Measure {
    /// From now on what went is kept until [`Self::take_survey`] asks for it.
    pub fn keep_gone(&self) {
        self.0.gone.wanted.store(true, Relaxed);
    }

    /// Nobody asks for what went any more: what there is of it is forgotten, and no more is kept.
    pub fn forget_gone(&self) {
        // Under the lock, so that nobody adds to it who found it wanted before.
        let mut went = lock(&self.0.gone.cells);
        self.0.gone.wanted.store(false, Relaxed);
        *went = Went::default();
    }

    /// All cells, those that went once more the next time.
    #[must_use]
    pub fn survey(&self) -> Survey {
        // In the order in which cells go, so that each is met once.
        let (cells, lost) = (lock(&self.0.cells), lock(&self.0.lost));
        let went = lock(&self.0.gone.cells);
        let mut survey = Survey {
            cells: went.cells.clone(),
            lost: went.lost.clone(),
            gone: (went.cells.len(), went.lost.len()),
        };
        let used = cells.iter().filter(|(_, cell)| !cell.is_unused());
        survey
            .cells
            .extend(used.map(|(key, cell)| (key.clone(), Arc::clone(cell))));
        let used = lost.iter().filter(|(_, cell)| !cell.is_unused());
        survey
            .lost
            .extend(used.map(|(name, cell)| (name.clone(), Arc::clone(cell))));
        survey
    }

    /// All cells; those that went are forgotten.
    #[must_use]
    pub fn take_survey(&self) -> Survey {
        let survey = self.survey();
        let mut went = lock(&self.0.gone.cells);
        // What went meanwhile is behind those; there are fewer only where they were forgotten meanwhile.
        let cells = survey.gone.0.min(went.cells.len());
        went.cells.drain(..cells);
        let lost = survey.gone.1.min(went.lost.len());
        went.lost.drain(..lost);
        survey
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Sample;

    #[test]
    fn what_goes_is_kept_only_while_somebody_asks_for_it() {
        let measure = Measure::default();
        let goes = || {
            let name = Name::new("p").unwrap();
            measure.lost(&name).record(Sample::answered());
            measure.retain(|_| false, |_| false, |_| false);
            measure.survey().gone
        };
        assert_eq!(goes(), (0, 0));
        measure.keep_gone();
        assert_eq!(goes(), (0, 1));
        assert_eq!(goes(), (0, 2));
        measure.forget_gone();
        assert_eq!(measure.survey().gone, (0, 0));
        assert_eq!(goes(), (0, 0));
    }
}
