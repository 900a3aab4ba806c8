//! The counters of the nodes of a graph: what was asked of each of them, how it ended and how long it took.
//!
//! A graph is a version, so its nodes are counted under its model and number, whichever pipeline was asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::cell::Outcome;
use super::sketch::{Counts, Sketch};

/// The counters of all nodes of a graph, in the order of its nodes.
#[derive(Debug)]
pub struct Nodes {
    all: Box<[Node]>,
}

#[derive(Debug)]
struct Node {
    name: Arc<str>,
    calls: [AtomicU64; Outcome::ALL.len()],
    rows: [AtomicU64; Fared::ALL.len()],
    took: Sketch,
}

/// How the rows of a node fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fared {
    /// It gave something for them.
    Answered,
    /// It was skipped for them.
    Skipped,
    /// Its fallback stood in for it.
    FellBack,
    /// Its default stood in for it.
    Defaulted,
}

/// What was counted of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeTotals {
    /// Its name.
    pub name: Arc<str>,
    calls: [u64; Outcome::ALL.len()],
    rows: [u64; Fared::ALL.len()],
    /// How long its calls took, each attempt for itself; nothing of nodes that call nobody.
    pub took: Counts,
}

// === impl Nodes ===

impl Nodes {
    /// Nothing counted, for nodes of these names.
    #[must_use]
    pub fn new(names: impl IntoIterator<Item = Arc<str>>) -> Self {
        let node = |name| Node {
            name,
            calls: Default::default(),
            rows: Default::default(),
            took: Sketch::default(),
        };
        Self {
            all: names.into_iter().map(node).collect(),
        }
    }

    /// Whether it is for nodes of these names.
    pub(super) fn is_of(&self, names: impl Iterator<Item = Arc<str>>) -> bool {
        self.all.iter().map(|node| &node.name).cloned().eq(names)
    }

    /// Counts one call of the node at a place.
    pub fn called(&self, place: usize, outcome: Outcome, took: Duration) {
        if let Some(node) = self.all.get(place) {
            node.calls[outcome as usize].fetch_add(1, Relaxed);
            node.took.record(took);
        }
    }

    /// Counts how rows of the node at a place fared.
    pub fn fared(&self, place: usize, fared: Fared, rows: usize) {
        if let Some(node) = self.all.get(place)
            && rows > 0
        {
            node.rows[fared as usize].fetch_add(rows as u64, Relaxed);
        }
    }

    /// What was counted so far, in the order of the nodes.
    #[must_use]
    pub fn totals(&self) -> Vec<NodeTotals> {
        let read = |node: &Node| {
            let mut took = Counts::default();
            node.took.add_to(&mut took);
            NodeTotals {
                name: Arc::clone(&node.name),
                calls: node.calls.each_ref().map(|count| count.load(Relaxed)),
                rows: node.rows.each_ref().map(|count| count.load(Relaxed)),
                took,
            }
        };
        self.all.iter().map(read).collect()
    }
}

// === impl NodeTotals ===

impl NodeTotals {
    /// Calls that ended so.
    #[must_use]
    pub fn calls(&self, outcome: Outcome) -> u64 {
        self.calls[outcome as usize]
    }

    /// Rows that fared so.
    #[must_use]
    pub fn rows(&self, fared: Fared) -> u64 {
        self.rows[fared as usize]
    }
}

// === impl Fared ===

impl Fared {
    /// Every way.
    pub const ALL: [Self; 4] = [
        Self::Answered,
        Self::Skipped,
        Self::FellBack,
        Self::Defaulted,
    ];

    /// The word used as a metric's label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Skipped => "skipped",
            Self::FellBack => "fell_back",
            Self::Defaulted => "defaulted",
        }
    }
}
