//! The live snapshot: what requests, the admin API's GETs and metrics read, without a lock.
//!
//! Only the supervisor publishes. A snapshot never changes; a newer one takes its place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use arc_swap::{ArcSwap, Guard};
use impresario_models::{ByName, Name, VersionNumber};
use impresario_pipelines::Variant;
use impresario_pipelines::fleet::{Fleet, Phase, Record, Report, Seen};
use impresario_pipelines::table::{RouteTable, TargetId};
use tokio::sync::{broadcast, watch};

use super::handle::Handle;
use super::recall::{Recalls, Waiting};
use crate::measure::{Cell, Ledger};
use crate::store::Token;

/// Records that a slow listener may be behind.
const TOLD: usize = 1_024;

/// The published state. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Live(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    snapshot: ArcSwap<Snapshot>,
    serial: watch::Sender<u64>,
    accepting: AtomicBool,
    recalls: Recalls,
    told: broadcast::Sender<Arc<Record>>,
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
    /// What rollouts are judged by, by pipeline.
    pub(super) ledgers: ByName<Arc<Ledger>>,
    /// By pipeline.
    pub(super) cells: ByName<Cells>,
}

/// The counters of a pipeline.
#[derive(Clone, Debug, Default)]
pub(super) struct Cells {
    /// By target and variant: few each, so that a look costs one hash.
    pub(super) of: Vec<(TargetId, Variant, Arc<Cell>)>,
    /// Of requests that found no version.
    pub(super) lost: Arc<Cell>,
}

impl Live {
    /// Nothing published yet, not accepting.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            snapshot: ArcSwap::default(),
            serial: watch::Sender::new(0),
            accepting: AtomicBool::new(false),
            recalls: Recalls::default(),
            told: broadcast::Sender::new(TOLD),
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

    /// Tells of each record once it is stored. Who reads too slowly misses the oldest.
    #[must_use]
    pub fn records(&self) -> broadcast::Receiver<Arc<Record>> {
        self.0.told.subscribe()
    }

    pub(super) fn tell(&self, record: &Arc<Record>) {
        // Nobody may be listening.
        let _heard: Result<usize, _> = self.0.told.send(Arc::clone(record));
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
            if test(&snapshot) {
                return snapshot;
            }
            // Who waits holds on to nothing that has to leave memory.
            drop(snapshot);
            // A closed channel means that the daemon is going down: what there is is all there will be.
            if changes.changed().await.is_err() {
                return self.snapshot();
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

    /// The most requests that may wait for parked versions.
    pub(crate) fn bound_recalls(&self, most: usize) {
        self.0.recalls.bound(most);
    }

    /// Requests that wait for parked versions now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.recalls.waiting()
    }

    /// A place among those who wait for parked versions.
    ///
    /// # Errors
    /// How many wait, when those are as many as may.
    pub(crate) fn wait_for_recall(&self) -> Result<Waiting<'_>, usize> {
        self.0.recalls.wait()
    }

    /// Asks for a parked version, for somebody who waits until then.
    pub(crate) fn recall(&self, model: &Name, version: VersionNumber, until: Instant) {
        self.0.recalls.ask(model, version, until);
    }

    pub(super) fn recalls(&self) -> &Recalls {
        &self.0.recalls
    }

    pub(super) fn publish(&self, snapshot: Snapshot) {
        self.0.snapshot.store(Arc::new(snapshot));
        self.0.serial.send_modify(|serial| *serial += 1);
    }
}

#[cfg(test)]
impl Live {
    /// A fleet that stays as it is, with the versions that another one holds in memory.
    pub(crate) fn fixed(held: &Snapshot, fleet: Fleet, ledgers: ByName<Arc<Ledger>>) -> Self {
        let table = impresario_pipelines::table::compile(&fleet);
        let of = |target: &impresario_pipelines::table::Target| {
            let same = |handle: &&Arc<Handle>| {
                handle.model == target.model && handle.version == target.version
            };
            held.handles.iter().find(same).map(Arc::clone)
        };
        let handles = table.targets().iter().filter_map(of).collect();
        let live = Self::new();
        live.publish(Snapshot {
            fleet: Arc::new(fleet),
            table,
            handles,
            ledgers,
            ..Snapshot::default()
        });
        live
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

    /// The counters of a pipeline and a target that answers as a variant.
    #[must_use]
    pub fn cell(&self, pipeline: &Name, target: TargetId, variant: &Variant) -> Option<&Arc<Cell>> {
        let mut cells = self.cells.get(pipeline)?.of.iter();
        let found = cells.find(|(id, known, _)| *id == target && known == variant);
        found.map(|(_, _, cell)| cell)
    }

    /// The counters of a pipeline's requests that find no version.
    #[must_use]
    pub fn lost(&self, pipeline: &str) -> Option<&Arc<Cell>> {
        self.cells.get(pipeline).map(|cells| &cells.lost)
    }

    /// What the rollout of a pipeline is judged by, where one is under way.
    #[must_use]
    pub fn ledger(&self, pipeline: &Name) -> Option<&Arc<Ledger>> {
        self.ledgers.get(pipeline)
    }

    /// Whether a parked version was asked for already, or is being loaded.
    pub(crate) fn is_coming(&self, model: &Name, version: VersionNumber) -> bool {
        let seen = self.fleet.observed.version(model.as_str(), version);
        seen.is_some_and(|seen| {
            seen.stay.demand.is_some() || matches!(seen.phase, Phase::Loading(_))
        })
    }

    /// The word for where a version is in its life: its phase, or that it is parked.
    #[must_use]
    pub fn phase(&self, model: &Name, version: VersionNumber, seen: &Seen) -> &'static str {
        let away = matches!(seen.phase, Phase::Discovered | Phase::Unloaded);
        match self.table.version(model.as_str(), version) {
            Some(Err(why)) if away && why.on_demand => "parked",
            _ => seen.phase.as_str(),
        }
    }

    /// Every loaded version.
    pub fn handles(&self) -> impl Iterator<Item = &Arc<Handle>> {
        self.handles.iter()
    }
}
