//! A compiled graph. Every place in it is one that exists, and every value has a type.

use std::sync::Arc;

use impresario_models::{Contract, DataType, Name, Port, VersionNumber};

use crate::bucket::Slots;
use crate::combine::{Op, Rule};
use crate::expr::Expression;
use crate::spec::composite::{Callee, OnError, Retry};

/// A composite, compiled against the contracts of what it calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// The nodes; each reads, takes and falls back on only those before it.
    pub nodes: Vec<Node>,
    /// What goes out, in the order of the contract's outputs.
    pub outputs: Vec<Feed>,
    /// What it takes and gives as a whole. Where it batches, the first axis of every value in the graph is the rows, and a
    /// switch may send rows different ways; where it does not, every request goes one way as a whole.
    pub contract: Arc<Contract>,
}

/// A node's place in [`Graph::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// One step of a compiled graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: Arc<str>,
    /// What it does.
    pub work: Work,
    /// What it gives.
    pub ports: Vec<Port>,
    /// What must hold for it to be asked.
    pub when: Option<Condition>,
    /// How long one attempt may take.
    pub timeout: Option<std::time::Duration>,
    /// Whether it is asked again where it fails.
    pub retry: Option<Retry>,
    /// What happens where it fails for good; a fallback has all its ports, perhaps in other places.
    pub on_error: OnError<Branch>,
}

/// What a node does.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// Asks a model or a pipeline.
    Call {
        /// Whom.
        callee: Callee,
        /// Its inputs, in the order of `contract`.
        inputs: Vec<Feed>,
        /// What is expected of it.
        contract: Arc<Contract>,
    },
    /// Makes one output of several.
    Ensemble {
        /// How.
        rule: Rule,
        /// Of what.
        of: Vec<Feed>,
        /// How many of them must be there.
        quorum: usize,
    },
    /// Takes the outputs of the first node whose condition holds, row by row where conditions tell rows apart. Where none
    /// holds and there is no last case without one, the node is skipped. The ports of all are alike, in this node's order:
    /// the places of a case's ports are beside it.
    Switch(Vec<(Option<Condition>, Branch)>),
    /// Takes the outputs of one node by the request's slot.
    Splitter {
        /// Who owns which slot, as `arms` counts them.
        slots: Slots,
        /// What keys are hashed with.
        seed: Arc<str>,
        /// The nodes.
        arms: Vec<Branch>,
    },
    /// Computes a value of others.
    Transform {
        /// How.
        op: Op,
        /// Of what.
        of: Vec<Feed>,
    },
    /// Computes a value a row.
    Map {
        /// How.
        expression: Condition,
        /// The datatype that it is cast to, as [`Op::Cast`] does it.
        datatype: Option<DataType>,
    },
}

/// A node that may be taken, and which of its ports are the taker's.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// The node.
    pub node: NodeId,
    /// For each port of the taker, the place of that port among the node's.
    pub ports: Vec<usize>,
}

/// An expression, and where what it reads comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The expression; its variables are in the order of `of`.
    pub expression: Arc<Expression>,
    /// What it reads.
    pub of: Vec<Feed>,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feed {
    /// An input of the request, by its place in the contract.
    Input(usize),
    /// An output of a node, by its place among its ports.
    Port(NodeId, usize),
}

// === impl NodeId ===

impl NodeId {
    /// The place.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

// === impl Graph ===

impl Graph {
    /// A node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The versions that it pins, each once.
    #[must_use]
    pub fn pins(&self) -> Vec<(Name, VersionNumber)> {
        let mut pins: Vec<_> = self
            .callees()
            .filter_map(|callee| match callee {
                Callee::Model { model, version } => Some((model.clone(), (*version)?)),
                Callee::Pipeline(_) => None,
            })
            .collect();
        pins.sort();
        pins.dedup();
        pins
    }

    /// Whom it calls, in the order of the nodes.
    pub fn callees(&self) -> impl Iterator<Item = &Callee> {
        self.nodes.iter().filter_map(|node| match &node.work {
            Work::Call { callee, .. } => Some(callee),
            Work::Ensemble { .. }
            | Work::Switch(_)
            | Work::Splitter { .. }
            | Work::Transform { .. }
            | Work::Map { .. } => None,
        })
    }
}
