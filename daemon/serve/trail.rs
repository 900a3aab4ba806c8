//! The trail of a request through a graph: what each node had to do with it, whom it asked and how long that took. It is
//! told with the answer in a few words, and by `explain` in all of them.

use std::sync::Arc;
use std::time::Duration;

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::Variant;
use impresario_pipelines::graph::{Fate, Graph, NodeId, Visit};

use crate::measure::{Fared, Nodes, Outcome};

/// The longest text of one kind that is told with an answer, in bytes: it has to fit a header, and is ASCII for that.
const MOST: usize = 2_048;

/// What may befall the rows of a node that is worth a word with the answer.
const BEFELL: [Fared; 3] = [Fared::Skipped, Fared::FellBack, Fared::Defaulted];

/// The way of a request through a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Trail {
    /// The graph.
    pub graph: Arc<Graph>,
    /// What each node had to do with it, in the order of the nodes.
    pub visits: Vec<Visit>,
    /// The calls, in the order in which they ended.
    pub calls: Vec<Called>,
}

/// One call of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Called {
    /// The node.
    pub node: NodeId,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// How many rows it was for.
    pub rows: usize,
    /// Who answered, or was to, and as which variant; nobody where none was found.
    pub by: Option<(Name, VersionNumber, Variant)>,
    /// From the beginning of the walk.
    pub began: Duration,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// In the queue.
    pub queue: Duration,
    /// In the engine.
    pub compute: Duration,
    /// Why it failed, as callers may know it.
    pub failure: Option<String>,
    /// The word for that.
    pub word: Option<&'static str>,
    /// The trail of a composite that it asked.
    pub within: Option<Arc<Trail>>,
}

// === impl Trail ===

impl Trail {
    /// What an answer says of the way that it came: names and texts, for parameters and headers.
    #[must_use]
    pub fn said(&self) -> Vec<(&'static str, String)> {
        let nodes = self.list(|visit| visit.answered > 0, |v| self.who(v));
        let mut said = Vec::new();
        said.extend((!nodes.is_empty()).then_some(("nodes", nodes)));
        let name = |visit: &Visit| self.graph.node(visit.node).name.to_string();
        for fared in BEFELL {
            let list = self.list(|visit| rows(visit, fared) > 0, name);
            said.extend((!list.is_empty()).then_some((fared.as_str(), list)));
        }
        let missing = self.list(
            |visit| !visit.missing.is_empty(),
            |visit| {
                let members = visit.missing.iter();
                let members = members.map(|member| &*self.graph.node(*member).name);
                let members: Vec<&str> = members.collect();
                format!("{}: {}", name(visit), members.join(" "))
            },
        );
        said.extend((!missing.is_empty()).then_some(("missing", missing)));
        said
    }

    /// A node, and who answered for it.
    fn who(&self, visit: &Visit) -> String {
        let name = &self.graph.node(visit.node).name;
        let calls = self.calls.iter().rev();
        let mut calls = calls.filter(|call| call.node == visit.node && call.failure.is_none());
        match calls.next().and_then(|call| call.by.as_ref()) {
            Some((model, version, _)) => format!("{name}={model}/{version}"),
            None => name.to_string(),
        }
    }

    fn list(&self, which: impl Fn(&Visit) -> bool, text: impl Fn(&Visit) -> String) -> String {
        let mut list = String::new();
        for visit in self.visits.iter().filter(|visit| which(visit)) {
            let text = text(visit);
            if list.len() + text.len() > MOST {
                list.push_str(", ...");
                break;
            }
            if !list.is_empty() {
                list.push_str(", ");
            }
            list.push_str(&text);
        }
        list
    }

    /// Counts what each node had to do with it.
    pub(super) fn count(&self, nodes: &Nodes) {
        for call in &self.calls {
            nodes.called(call.node.index(), call.outcome, call.took);
        }
        for visit in &self.visits {
            for fared in Fared::ALL {
                nodes.fared(visit.node.index(), fared, rows(visit, fared));
            }
        }
    }

    /// The names of the nodes that gave something, in the order of the graph.
    pub fn path(&self) -> impl Iterator<Item = &str> {
        let took_part = |visit: &&Visit| {
            visit.answered + visit.fell_back + visit.defaulted > 0 && visit.fate != Fate::NotNeeded
        };
        let visits = self.visits.iter().filter(took_part);
        visits.map(|visit| &*self.graph.node(visit.node).name)
    }
}

/// How many rows of a node fared so.
fn rows(visit: &Visit, fared: Fared) -> usize {
    match fared {
        Fared::Answered => visit.answered,
        Fared::Skipped => visit.skipped,
        Fared::FellBack => visit.fell_back,
        Fared::Defaulted => visit.defaulted,
    }
}
