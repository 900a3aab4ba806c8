//! How a walk ended: what came out or what it broke on, and what each node had to do with it.

use std::fmt;
use std::sync::Arc;

use impresario_models::Tensor;

use crate::combine::Fault;
use crate::graph::NodeId;

/// A walk that came to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// What the graph gives, in the order of its contract.
    pub outputs: Vec<Tensor>,
    /// What each node had to do with it, in the order of the nodes.
    pub visits: Vec<Visit>,
}

/// A walk that broke off.
#[derive(Clone, Debug, PartialEq)]
pub struct Stop<E> {
    /// The node that it broke off at.
    pub node: NodeId,
    /// Its name.
    pub name: Arc<str>,
    /// Why.
    pub cause: Cause<E>,
    /// What each node had to do with it, in the order of the nodes.
    pub visits: Vec<Visit>,
}

/// Why a node failed.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause<E> {
    /// What it calls failed, the last time that it was asked.
    Failed(E),
    /// What it calls answered something else than is expected of it.
    Unfit(String),
    /// It computes something, and that cannot be computed of these values.
    Fault(Fault),
    /// Too few members of an ensemble are there.
    Quorum {
        /// How many there are, in the row with the fewest.
        present: usize,
        /// How many there must be.
        quorum: usize,
        /// The names of those that are missing, and why.
        missing: Vec<(Arc<str>, String)>,
    },
    /// It was skipped, and an output of the graph needs it.
    Absent {
        /// The output.
        output: Arc<str>,
        /// Why it was skipped.
        why: String,
    },
}

/// What a node had to do with a request. Numbers are rows; a graph that does not batch has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The node.
    pub node: NodeId,
    /// What became of it; of most rows, where rows fared differently the first of [`Fate`] that befell one.
    pub fate: Fate,
    /// The rows that it was begun for; none where it was not needed.
    pub rows: usize,
    /// The rows that it gave something for, its own or what it took from a branch.
    pub answered: usize,
    /// The rows that it was skipped for.
    pub skipped: usize,
    /// The rows that its fallback gave something for.
    pub fell_back: usize,
    /// The rows that its default was used for.
    pub defaulted: usize,
    /// How often it was called.
    pub attempts: u32,
    /// The nodes whose outputs a switch or splitter took, with the rows.
    pub took: Vec<(NodeId, usize)>,
    /// The members that an ensemble was without, in some row at least.
    pub missing: Vec<NodeId>,
    /// Why it failed for good, where it did; for an ensemble that went on without members it stays empty.
    pub failure: Option<Arc<str>>,
}

/// What became of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// The request failed by it.
    Failed,
    /// Its fallback stands in for it.
    FellBack,
    /// Its default stands in for it.
    Defaulted,
    /// It gave something.
    Answered,
    /// It was skipped: its `when` did not hold, it failed and may, or something that it reads was skipped.
    Skipped,
    /// It was begun, and then nobody wanted it any more.
    Cancelled,
    /// Nobody wanted it.
    NotNeeded,
}

/// Why a node is not there for some rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Absence {
    /// Its `when` does not hold.
    Unmet,
    /// No case of the switch holds.
    NoCase,
    /// It failed, and may.
    Failed(Arc<str>),
    /// It reads or takes this node, which is not there.
    Without(NodeId),
}

// === impl Cause ===

impl<E: fmt::Display> fmt::Display for Cause<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Unfit(what) => write!(f, "unfit answer: {what}"),
            Self::Fault(fault) => fault.fmt(f),
            Self::Quorum {
                present,
                quorum,
                missing,
            } => {
                write!(
                    f,
                    "expected {quorum} members at least, got {present}; missing are "
                )?;
                for (at, (name, why)) in missing.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}'{name}' ({why})")?;
                }
                Ok(())
            }
            Self::Absent { output, why } => {
                write!(f, "skipped, and output '{output}' needs it: {why}")
            }
        }
    }
}

// === impl Stop ===

impl<E: fmt::Display> fmt::Display for Stop<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node '{}': {}", self.name, self.cause)
    }
}

// === impl Fate ===

impl Fate {
    /// Its word, for responses and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::FellBack => "fell back",
            Self::Defaulted => "defaulted",
            Self::Answered => "answered",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::NotNeeded => "not needed",
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
