//! The live snapshot: what requests, the admin API's GETs and metrics read, without a lock.
//!
//! Only the supervisor publishes. A snapshot never changes; a newer one takes its place.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::{ArcSwap, Guard};
use impresario_models::Name;
use impresario_pipelines::fleet::{Fleet, Report};
use impresario_pipelines::table::{RouteTable, TargetId};
use tokio::sync::watch;

use super::handle::Handle;
use crate::measure::Cell;
use crate::store::Token;

/// The published state. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Live(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    snapshot: ArcSwap<Snapshot>,
    serial: watch::Sender<u64>,
    accepting: AtomicBool,
}

/// Everything that can be read at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The fleet.
    pub fleet: Arc<Fleet>,
    /// What is not as desired, and why.
    pub report: Arc<Report>,
    /// Who answers whom.
    pub table: RouteTable,
    /// The tokens of the store.
    pub tokens: Arc<Vec<Token>>,
    /// The daemon goes down: nobody answers any more, and the table says nothing of what there is.
    pub stopping: bool,
    pub(super) handles: Vec<Arc<Handle>>,
    /// By pipeline, then by target: few targets each, so that a look costs one hash.
    pub(super) cells: HashMap<Name, Vec<(TargetId, Arc<Cell>)>>,
}

impl Live {
    /// Nothing published yet, not accepting.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            snapshot: ArcSwap::default(),
            serial: watch::Sender::new(0),
            accepting: AtomicBool::new(false),
        }))
    }

    /// The newest snapshot, for a short look.
    #[must_use]
    pub fn look(&self) -> Guard<Arc<Snapshot>> {
        self.0.snapshot.load()
    }

    /// The newest snapshot, to hold on to.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.snapshot.load_full()
    }

    /// Tells of each newer snapshot.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.serial.subscribe()
    }

    /// Waits until a newer snapshot makes the test true, and gives it.
    pub async fn until(&self, test: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let mut changes = self.changes();
        loop {
            let snapshot = self.snapshot();
            // A closed channel means that the daemon is going down: what there is is all there will be.
            if test(&snapshot) || changes.changed().await.is_err() {
                return snapshot;
            }
        }
    }

    /// Whether the daemon wants requests: it has looked at its repository, and it is not going down.
    #[must_use]
    pub fn accepting(&self) -> bool {
        self.0.accepting.load(Ordering::Acquire)
    }

    /// Says whether the daemon wants requests; readiness follows at once.
    pub fn accept(&self, accepting: bool) {
        self.0.accepting.store(accepting, Ordering::Release);
        // Who watches readiness watches the same as who watches snapshots.
        self.0.serial.send_modify(|serial| *serial += 1);
    }

    pub(super) fn publish(&self, snapshot: Snapshot) {
        self.0.snapshot.store(Arc::new(snapshot));
        self.0.serial.send_modify(|serial| *serial += 1);
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

impl Snapshot {
    /// The handle of a target of this snapshot's table.
    #[must_use]
    pub fn handle(&self, target: TargetId) -> &Arc<Handle> {
        &self.handles[target.index()]
    }

    /// The counters of a pipeline and a target.
    #[must_use]
    pub fn cell(&self, pipeline: &Name, target: TargetId) -> Option<&Arc<Cell>> {
        let cells = self.cells.get(pipeline)?;
        cells
            .iter()
            .find(|(id, _)| *id == target)
            .map(|(_, cell)| cell)
    }

    /// Every loaded version.
    pub fn handles(&self) -> impl Iterator<Item = &Arc<Handle>> {
        self.handles.iter()
    }
}
