//! What Prometheus and its likes scrape: what the cells counted and what the fleet looks like, in three formats.
//!
//! Families are gathered once ([`families`]) and written by the format that is asked for. Names and values of labels come
//! from the fleet and its configuration, never from a request, so that the number of series is bounded by what is
//! configured. Who may read them is the admin plane's business.

mod cells;
mod courses;
mod family;
mod fleet;
mod format;
mod kept;
pub mod name;
mod process;
mod protobuf;
mod text;
mod triton;

use std::collections::BTreeMap;
use std::sync::Arc;

use impresario_models::Name;
use impresario_pipelines::analysis::Readings;
use impresario_pipelines::{learning, trial};

use crate::actors::Snapshot;
use crate::measure::{CommitTotals, Exemplar, GraphKey, Key, NodeTotals, Totals};
use crate::serve::Cache;
use crate::{notify, otlp, payload};

pub use format::{Format, Histograms};
pub use process::Process;

use family::Family;
use text::Dialect;

/// What is shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// What the cells have counted.
    pub cells: &'a [(Key, Totals)],
    /// Requests of theirs that can be looked up, by coarse bucket of what they took.
    pub exemplars: &'a BTreeMap<Key, Vec<Option<Exemplar>>>,
    /// What was counted of requests that found no version.
    pub lost: &'a [(Name, Totals)],
    /// What the nodes of graphs have counted.
    pub nodes: &'a [(GraphKey, Vec<NodeTotals>)],
    /// What the store was asked to make durable.
    pub commits: &'a CommitTotals,
    /// What is published.
    pub snapshot: &'a Snapshot,
    /// What is seen of pipelines whose shares somebody moves.
    pub courses: &'a [(Name, Seen)],
    /// Requests that wait for parked versions.
    pub waiting: usize,
    /// The response cache.
    pub cache: &'a Cache,
    /// The webhooks.
    pub webhooks: &'a [notify::Shown],
    /// The payload log, where it is on.
    pub payload: Option<&'a payload::Shown>,
    /// Requests that history has no place for, where it is kept.
    pub unkept: Option<u64>,
    /// What goes to a collector, by signal.
    pub exports: &'a [otlp::Shown],
    /// Whether the daemon wants requests.
    pub accepting: bool,
    /// What the system tells of the process.
    pub process: Process,
    /// When the process began, in milliseconds since 1970.
    pub started: u64,
}

/// What is seen of a pipeline whose shares somebody moves.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// What its rollout is judged by.
    pub readings: Option<Arc<Readings>>,
    /// What its experiment came to.
    pub trial: Option<trial::Report>,
    /// What its bandit did.
    pub learning: Option<learning::Report>,
}

/// Under whose names counters are shown beside ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// Nobody's.
    #[default]
    Own,
    /// Triton's, for dashboards that exist already.
    Triton,
}

/// The answer in a format.
#[must_use]
pub fn render(shown: &Shown<'_>, names: Names, format: Format, histograms: Histograms) -> Vec<u8> {
    let families = families(shown, names);
    match format {
        Format::Text => text::write(&families, Dialect::Prometheus).into_bytes(),
        Format::OpenMetrics => text::write(&families, Dialect::OpenMetrics).into_bytes(),
        Format::Protobuf => protobuf::write(&families, histograms),
    }
}

fn families(shown: &Shown<'_>, names: Names) -> Vec<Family> {
    let mut families = Vec::new();
    fleet::daemon(&mut families, shown);
    fleet::store(&mut families, shown.commits);
    fleet::versions(&mut families, shown.snapshot);
    fleet::memory(&mut families, shown);
    cells::put(&mut families, shown);
    cells::nodes(&mut families, shown.nodes);
    cells::cache(&mut families, shown);
    courses::put(&mut families, shown);
    fleet::webhooks(&mut families, shown.webhooks);
    kept::payload(&mut families, shown.payload);
    kept::history(&mut families, shown.unkept);
    kept::exports(&mut families, shown.exports);
    if names == Names::Triton {
        triton::put(&mut families, shown.cells);
    }
    families
}

#[cfg(test)]
mod tests;
