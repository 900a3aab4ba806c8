//! Counters and latency sketches, written once per request and merged when read.
//!
//! A cell belongs to one pipeline, one of its variants and the version that answers for it. Its names come from the route
//! table, never from a request, so the number of cells is bounded by what is configured. Rendering is the business of
//! `http/metrics`, keeping of `history`.

mod cell;
mod exemplar;
mod gone;
mod ledger;
mod ledgers;
mod node;
pub mod sketch;

pub use cell::{Cell, Outcome, Sample, Times, Totals};
pub use exemplar::Exemplar;
pub use gone::Survey;
pub use ledger::{Hook, Ledger, Observation, Terms};
pub use ledgers::{Ledgers, Opened};
pub use node::{Fared, NodeTotals, Nodes};
pub use sketch::{Counts, Sketch};

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::Variant;
use impresario_pipelines::graph::Graph;

use crate::clock;

/// What a cell counts for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The pipeline that was asked.
    pub pipeline: Name,
    /// As what the version answered.
    pub variant: Variant,
    /// The model that answered.
    pub model: Name,
    /// The version that answered.
    pub version: VersionNumber,
}

/// A graph, as its nodes are counted: the version that it is.
pub type GraphKey = (Name, VersionNumber);

/// Everything that is counted. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Measure(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    // Locked when a route table is published and when metrics are read, never by a request.
    cells: Mutex<BTreeMap<Key, Arc<Cell>>>,
    lost: Mutex<BTreeMap<Name, Arc<Cell>>>,
    graphs: Mutex<BTreeMap<GraphKey, Arc<Nodes>>>,
    commits: Commits,
    gone: gone::Gone,
    cost: Cost,
}

/// Whether requests are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Cost {
    #[default]
    Counted,
    /// They are not, so that what it costs can be measured.
    Spared,
}

/// What the store was asked to make durable.
#[derive(Debug, Default)]
struct Commits {
    took: Sketch,
    failed: AtomicU64,
}

/// What was counted of commits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitTotals {
    /// How long they took, those that failed too.
    pub took: Counts,
    /// How many failed.
    pub failed: u64,
}

impl Measure {
    /// Counters that no request is to find: what is served with them shows what counting costs.
    #[must_use]
    pub fn off() -> Self {
        Self(Arc::new(Inner {
            cost: Cost::Spared,
            ..Inner::default()
        }))
    }

    /// Whether requests are to find their counters.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.cost == Cost::Counted
    }

    /// The cell of a key, made where there is none.
    #[must_use]
    pub fn cell(&self, key: Key) -> Arc<Cell> {
        Arc::clone(lock(&self.0.cells).entry(key).or_default())
    }

    /// The cell of a pipeline's requests that found no version to answer them, made where there is none.
    #[must_use]
    pub fn lost(&self, pipeline: &Name) -> Arc<Cell> {
        Arc::clone(lock(&self.0.lost).entry(pipeline.clone()).or_default())
    }

    /// The counters of a graph's nodes, made where there are none for nodes of these names.
    #[must_use]
    pub fn nodes(&self, key: GraphKey, graph: &Graph) -> Arc<Nodes> {
        let names = || graph.nodes.iter().map(|node| Arc::clone(&node.name));
        let mut graphs = lock(&self.0.graphs);
        let known = graphs.get(&key).filter(|known| known.is_of(names()));
        if let Some(known) = known {
            return Arc::clone(known);
        }
        let made = Arc::new(Nodes::new(names()));
        graphs.insert(key, Arc::clone(&made));
        made
    }

    /// Makes one commit of the store, and counts it.
    pub fn commit<T, E>(&self, commit: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let begun = clock::instant();
        let done = commit();
        self.committed(begun.elapsed(), done.is_ok());
        done
    }

    pub(crate) fn committed(&self, took: Duration, durable: bool) {
        self.0.commits.took.record(took);
        self.0
            .commits
            .failed
            .fetch_add(u64::from(!durable), Relaxed);
    }

    /// What every cell has counted.
    #[must_use]
    pub fn read(&self) -> Vec<(Key, Totals)> {
        totals(self.held(|_| true))
    }

    /// Requests that can be looked up, of those cells that have any: by coarse bucket of what they took.
    #[must_use]
    pub fn read_exemplars(&self) -> BTreeMap<Key, Vec<Option<Exemplar>>> {
        let cells = lock(&self.0.cells);
        let some = |(key, cell): (&Key, &Arc<Cell>)| Some((key.clone(), cell.exemplars()?));
        cells.iter().filter_map(some).collect()
    }

    /// What the cells of one pipeline have counted.
    #[must_use]
    pub fn read_of(&self, pipeline: &Name) -> Vec<(Key, Totals)> {
        totals(self.held(|key| key.pipeline == *pipeline))
    }

    /// Some cells, to be read without the lock: who publishes a route table waits for it.
    fn held(&self, of: impl Fn(&Key) -> bool) -> Vec<(Key, Arc<Cell>)> {
        let cells = lock(&self.0.cells);
        let some = cells.iter().filter(|(key, _)| of(key));
        some.map(|(key, cell)| (key.clone(), Arc::clone(cell)))
            .collect()
    }

    /// What was counted of requests that found no version, for pipelines that had such.
    #[must_use]
    pub fn read_lost(&self) -> Vec<(Name, Totals)> {
        let lost = lock(&self.0.lost);
        let some = lost.iter().filter(|(_, cell)| !cell.is_unused());
        some.map(|(name, cell)| (name.clone(), cell.totals()))
            .collect()
    }

    /// What was counted of the nodes of every graph.
    #[must_use]
    pub fn read_nodes(&self) -> Vec<(GraphKey, Vec<NodeTotals>)> {
        let graphs = lock(&self.0.graphs);
        let read = |(key, nodes): (&GraphKey, &Arc<Nodes>)| (key.clone(), nodes.totals());
        graphs.iter().map(read).collect()
    }

    /// What was counted of commits.
    #[must_use]
    pub fn read_commits(&self) -> CommitTotals {
        let mut took = Counts::default();
        self.0.commits.took.add_to(&mut took);
        let failed = self.0.commits.failed.load(Relaxed);
        CommitTotals { took, failed }
    }

    /// Forgets what is counted for versions and pipelines that are gone and that no route holds, so that it stays bounded.
    pub fn retain(
        &self,
        version: impl Fn(&Key) -> bool,
        pipeline: impl Fn(&Name) -> bool,
        graph: impl Fn(&GraphKey) -> bool,
    ) {
        fn held<T>(counted: &Arc<T>) -> bool {
            Arc::strong_count(counted) > 1
        }
        lock(&self.0.cells).retain(|key, cell| {
            let stays = held(cell) || version(key);
            if !stays {
                self.0.gone.cell(key, cell);
            }
            stays
        });
        lock(&self.0.lost).retain(|name, cell| {
            let stays = held(cell) || pipeline(name);
            if !stays {
                self.0.gone.lost(name, cell);
            }
            stays
        });
        lock(&self.0.graphs).retain(|key, nodes| held(nodes) || graph(key));
    }
}

fn totals(cells: Vec<(Key, Arc<Cell>)>) -> Vec<(Key, Totals)> {
    let read = |(key, cell): (Key, Arc<Cell>)| (key, cell.totals());
    cells.into_iter().map(read).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
