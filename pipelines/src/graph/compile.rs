//! A composite against the contracts of what it calls: every value gets a type, every name a place, and all that is wrong is
//! told at once.
//!
//! Types flow from the request through the nodes in their order. What has no type because something is wrong with it, or
//! because a contract is not known yet, silences what is made of it, so that a mistake is told once.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

use impresario_models::{Batching, Contract, Dim, Port};

use super::contracts::{Answer, Contracts, Trouble, Unknown};
use super::names::{self, Outline};
use super::problem::{At, Problem};
use super::shape::{Feed, Graph, NodeId};
use crate::spec::Composite;
use crate::spec::composite::{Callee, Task};
use types::{Axes, First};

mod branches;
mod expressions;
mod feeds;
mod inputs;
mod nodes;
mod types;

/// Compiles a composite against the contracts of what it calls.
///
/// It batches where all that it calls does and all inputs that are stated leave their first axis free.
///
/// # Errors
/// All that is wrong with it, in the order of the places; or, where nothing is, whose contracts it waits for.
pub fn compile(composite: &Composite, contracts: &dyn Contracts) -> Result<Graph, Trouble> {
    let (outline, problems) = names::survey(composite);
    let mut typing = Typing {
        composite,
        outline: &outline,
        contracts: Vec::new(),
        waiting: Vec::new(),
        rows: Rows::Unknown,
        axes: Axes::default(),
        inputs: Vec::new(),
        done: BTreeMap::new(),
        told: problems.iter().map(|p| p.at.clone()).collect(),
        problems,
    };
    typing.ask(contracts);
    typing.inputs();
    let mut nodes = Vec::new();
    for &place in &outline.order {
        nodes.push(typing.node(place));
    }
    let outputs = typing.outputs();
    let Typing {
        mut problems,
        waiting,
        inputs,
        axes,
        rows,
        ..
    } = typing;
    if !problems.is_empty() {
        problems.sort_by(|a, b| a.at.cmp(&b.at));
        return Err(Trouble::Wrong(problems));
    }
    if !waiting.is_empty() {
        return Err(Trouble::Waiting(waiting));
    }
    let sound = "nothing is wrong and all contracts are known, so that everything has a type";
    let mut nodes: Vec<_> = nodes.into_iter().collect::<Option<_>>().expect(sound);
    for port in nodes.iter_mut().flat_map(|node| &mut node.ports) {
        *port = axes.port(port);
    }
    for node in &mut nodes {
        Axes::rename(node.ports.iter_mut());
    }
    let ports = inputs.into_iter().map(|(_, port)| port);
    let ports: Vec<Port> = ports.collect::<Option<_>>().expect(sound);
    let mut inputs: Vec<Port> = ports.iter().map(|port| axes.port(port)).collect();
    let outputs: Vec<(Feed, Port)> = outputs.into_iter().collect::<Option<_>>().expect(sound);
    let (outputs, mut ports): (Vec<Feed>, Vec<Port>) = outputs
        .into_iter()
        .map(|(feed, port)| (feed, axes.port(&port)))
        .unzip();
    Axes::rename(inputs.iter_mut().chain(&mut ports));
    let contract = Contract {
        inputs,
        outputs: ports,
        batching: match rows {
            Rows::Batched { max } => Batching::FirstAxis { max },
            Rows::Whole { .. } | Rows::Unknown => Batching::None,
        },
    };
    Ok(Graph {
        nodes,
        outputs,
        contract: Arc::new(contract),
    })
}

/// Whether the first axis of every value is the rows.
#[derive(Clone, Debug)]
enum Rows {
    /// It is.
    Batched {
        /// The most rows of a request.
        max: Option<NonZeroUsize>,
    },
    /// It is not.
    Whole {
        /// Why, as a part of a sentence.
        why: String,
    },
    /// It is as far as is known, and not all contracts are.
    Unknown,
}

/// A composite whose values get their types.
struct Typing<'c> {
    composite: &'c Composite,
    outline: &'c Outline,
    /// What is called, by the place of the node that does; none where it is not known.
    contracts: Vec<Option<Arc<Contract>>>,
    waiting: Vec<Callee>,
    rows: Rows,
    axes: Axes,
    /// Inputs of the request; without a type where there is none.
    inputs: Vec<(Arc<str>, Option<Port>)>,
    /// Nodes that have been looked at.
    done: BTreeMap<&'c str, Done>,
    /// Where something is wrong already: nothing more is said there.
    told: BTreeSet<At>,
    problems: Vec<Problem>,
}

/// A node that has been looked at.
struct Done {
    id: NodeId,
    /// What it gives, where that is known.
    ports: Option<Vec<Port>>,
}

// === impl Rows ===

impl Rows {
    /// What comes of a check. Where it is not known whether there are rows, it fails only where it would fail either way.
    fn try_with<T, E>(&self, check: impl Fn(bool) -> Result<T, E>) -> Result<T, E> {
        match self {
            Self::Batched { .. } => check(true),
            Self::Whole { .. } => check(false),
            Self::Unknown => check(true).or_else(|error| check(false).map_err(|_| error)),
        }
    }
}

// === impl Typing ===

impl Typing<'_> {
    fn tell(&mut self, at: At, code: &'static str, message: String, hint: Option<String>) {
        self.told.insert(at.clone());
        self.problems
            .push(Problem::new(at, code, message).hint(hint));
    }

    /// Whether some contract is not known, for whatever reason.
    fn unsure(&self) -> bool {
        let nodes = self.composite.nodes.iter().zip(&self.contracts);
        let mut calls = nodes.filter(|(node, _)| matches!(node.task, Task::Call { .. }));
        calls.any(|(_, contract)| contract.is_none())
    }

    /// Asks for the contracts of all that is called.
    fn ask(&mut self, contracts: &dyn Contracts) {
        for node in &self.composite.nodes {
            let Task::Call { callee, .. } = &node.task else {
                self.contracts.push(None);
                continue;
            };
            let at = At::node(&node.name);
            let at = match callee {
                Callee::Model { .. } => at.key(Unknown::Model.word()),
                Callee::Pipeline(_) => at.key(Unknown::Pipeline.word()),
            };
            if self.told.contains(&at) {
                self.contracts.push(None);
                continue;
            }
            let known = match contracts.contract(callee) {
                Answer::Known(contract) => Some(contract),
                Answer::NotYet => {
                    if !self.waiting.contains(callee) {
                        self.waiting.push(callee.clone());
                    }
                    None
                }
                Answer::Unknown { what, known } => {
                    self.unknown(callee, what, &known, At::node(&node.name));
                    None
                }
                Answer::Around(way) => {
                    let way: Vec<&str> = way.iter().map(|name| name.as_str()).collect();
                    let message =
                        format!("{callee} calls this composite in turn: {}", way.join(" → "));
                    let hint = "let one of them call something else".to_owned();
                    self.tell(at, "recursion", message, Some(hint));
                    None
                }
            };
            self.contracts.push(known);
        }
    }

    fn unknown(&mut self, callee: &Callee, what: Unknown, known: &[String], at: At) {
        let (name, version) = match callee {
            Callee::Model { model, version } => (model, *version),
            Callee::Pipeline(name) => (name, None),
        };
        let (code, message) = match what {
            Unknown::Model => ("unknown-model", format!("there is no model '{name}'")),
            Unknown::Pipeline => ("unknown-pipeline", format!("there is no pipeline '{name}'")),
            Unknown::Version => (
                "unknown-version",
                match version {
                    Some(version) => format!("model '{name}' has no version {version}"),
                    None => format!("model '{name}' has no version"),
                },
            ),
        };
        let hint = match what {
            Unknown::Model | Unknown::Pipeline => {
                names::hint(name.as_str(), known.iter().map(String::as_str))
            }
            Unknown::Version => {
                (!known.is_empty()).then(|| format!("versions there are: {}", known.join(", ")))
            }
        };
        self.tell(at.key(what.word()), code, message, hint);
    }

    /// Whether the first axis of every value is the rows, by what is called and what is stated.
    fn decide(&self) -> Rows {
        if let Some(port) = self
            .composite
            .inputs
            .iter()
            .find(|port| !matches!(port.shape.first(), Some(Dim::Free(_))))
        {
            let why = format!("input '{}' is stated without a free first axis", port.name);
            return Rows::Whole { why };
        }
        let mut most: Option<NonZeroUsize> = None;
        for (node, contract) in self.composite.nodes.iter().zip(&self.contracts) {
            let (Task::Call { callee, .. }, Some(contract)) = (&node.task, contract) else {
                continue;
            };
            match contract.batching {
                Batching::None => {
                    let why = format!("node '{}' calls {callee}, which does not batch", node.name);
                    return Rows::Whole { why };
                }
                Batching::FirstAxis { max } => {
                    most = most.into_iter().chain(max).min();
                }
            }
        }
        if self.unsure() {
            return Rows::Unknown;
        }
        match self.inputs.is_empty() {
            true => Rows::Whole {
                why: "it takes no input".to_owned(),
            },
            false => Rows::Batched { max: most },
        }
    }

    /// What the first axis of a contract's ports is in this graph.
    fn first(&self, batching: Batching) -> First {
        match (&self.rows, batching) {
            (Rows::Batched { .. } | Rows::Unknown, _) => First::Rows,
            (Rows::Whole { .. }, Batching::FirstAxis { .. }) => First::Alike,
            (Rows::Whole { .. }, Batching::None) => First::Own,
        }
    }

    /// What goes out.
    fn outputs(&mut self) -> Vec<Option<(Feed, Port)>> {
        let mut outputs = Vec::new();
        for (name, of) in &self.composite.outputs {
            let fed = self.feed(of, &At::output(name));
            outputs.push(fed.map(|(feed, mut port)| {
                port.name = Arc::clone(name);
                (feed, port)
            }));
        }
        outputs
    }
}
