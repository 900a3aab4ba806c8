//! Graphs of whole numbers, by hand. A request has the inputs `id`, which tells rows apart, and `x`; what is called is
//! given the `id` first, and answers the ports `a` and `b`; everything else has the port `output`.

use std::sync::Arc;

use impresario_models::{Batching, Contract, DataType, Dim, Name, Port};
use serde_json::json;

use crate::bucket::{Slots, Weight};
use crate::combine::{Op, Rule};
use crate::expr::{Expression, Scope};
use crate::graph::{Branch, Condition, Feed, Graph, Node, NodeId, Work};
use crate::spec::Substitute;
use crate::spec::composite::{Callee, OnError, Reference};

/// A graph in the making.
pub(super) struct Make {
    batched: bool,
    inputs: Vec<Port>,
    nodes: Vec<Node>,
}

impl Make {
    pub(super) fn new(batched: bool) -> Self {
        Self {
            batched,
            inputs: vec![number("id", batched), number("x", batched)],
            nodes: Vec::new(),
        }
    }

    pub(super) fn call(&mut self, name: &str, of: &[&str]) -> &mut Node {
        let inputs: Vec<_> = [&["id"], of].concat();
        let ports = vec![number("a", self.batched), number("b", self.batched)];
        let contract = Contract {
            inputs: inputs
                .iter()
                .map(|name| number(name, self.batched))
                .collect(),
            outputs: ports.clone(),
            batching: batching(self.batched),
        };
        let work = Work::Call {
            callee: Callee::Pipeline(Name::new(name).unwrap()),
            inputs: inputs.iter().map(|of| self.feed(of)).collect(),
            contract: Arc::new(contract),
        };
        self.push(name, work, ports)
    }

    pub(super) fn ensemble(
        &mut self,
        name: &str,
        rule: Rule,
        of: &[&str],
        quorum: usize,
    ) -> &mut Node {
        let of = of.iter().map(|of| self.feed(of)).collect();
        self.one(name, Work::Ensemble { rule, of, quorum })
    }

    /// Cases are written `CONDITION: BRANCH`; the condition may be missing.
    pub(super) fn switch(&mut self, name: &str, cases: &[&str]) -> &mut Node {
        let case = |text: &&str| match text.split_once(": ") {
            Some((when, branch)) => (Some(self.condition(when)), self.branch(branch, 1)),
            None => (None, self.branch(text, 1)),
        };
        let cases = cases.iter().map(case).collect();
        self.one(name, Work::Switch(cases))
    }

    pub(super) fn splitter(&mut self, name: &str, arms: &[(&str, f64)]) -> &mut Node {
        let weights = arms
            .iter()
            .map(|(_, percent)| Weight::from_percent(*percent).unwrap());
        let slots = Slots::new(&weights.collect::<Vec<_>>()).unwrap();
        let arms = arms
            .iter()
            .map(|(branch, _)| self.branch(branch, 1))
            .collect();
        let seed = name.into();
        self.one(name, Work::Splitter { slots, seed, arms })
    }

    pub(super) fn map(&mut self, name: &str, text: &str) -> &mut Node {
        let work = Work::Map {
            expression: self.condition(text),
            datatype: Some(DataType::Int64),
        };
        self.one(name, work)
    }

    pub(super) fn clip(&mut self, name: &str, of: &str) -> &mut Node {
        let op = Op::Clip {
            low: Some(20.0),
            high: Some(70.0),
        };
        let of = vec![self.feed(of)];
        self.one(name, Work::Transform { op, of })
    }

    pub(super) fn when(&mut self, name: &str, text: &str) {
        let condition = self.condition(text);
        self.node(name).when = Some(condition);
    }

    pub(super) fn skip(&mut self, name: &str) {
        self.node(name).on_error = OnError::Skip;
    }

    /// What stands in is -1, and -2 in the second port.
    pub(super) fn default(&mut self, name: &str) {
        let batched = self.batched;
        let node = self.node(name);
        let ports = node.ports.iter().zip([-1, -2]);
        let values = ports.map(|(port, value)| {
            // A row where there are rows, else all of it.
            let value = if batched {
                json!(value)
            } else {
                json!([value])
            };
            (port.name.to_string(), value)
        });
        node.on_error = OnError::Default(Substitute(values.collect()));
    }

    pub(super) fn fallback(&mut self, name: &str, other: &str) {
        let ports = self.node(name).ports.len();
        let branch = self.branch(other, ports);
        self.node(name).on_error = OnError::Fallback(branch);
    }

    pub(super) fn graph(self, outputs: &[&str]) -> Arc<Graph> {
        let named = outputs.iter().map(|name| number(name, self.batched));
        Arc::new(Graph {
            outputs: outputs.iter().map(|of| self.feed(of)).collect(),
            contract: Arc::new(Contract {
                outputs: named.collect(),
                inputs: self.inputs,
                batching: batching(self.batched),
            }),
            nodes: self.nodes,
        })
    }

    pub(super) fn node(&mut self, name: &str) -> &mut Node {
        let at = self.there(name);
        &mut self.nodes[at]
    }

    fn one(&mut self, name: &str, work: Work) -> &mut Node {
        let ports = vec![number("output", self.batched)];
        self.push(name, work, ports)
    }

    fn push(&mut self, name: &str, work: Work, ports: Vec<Port>) -> &mut Node {
        self.nodes.push(Node {
            name: name.into(),
            work,
            ports,
            when: None,
            timeout: None,
            retry: None,
            on_error: OnError::Fail,
        });
        self.nodes.last_mut().unwrap()
    }

    fn there(&self, name: &str) -> usize {
        let at = self.nodes.iter().position(|node| &*node.name == name);
        at.unwrap_or_else(|| panic!("no node {name}"))
    }

    /// `id`, `x`, `NODE` or `NODE.PORT`.
    fn feed(&self, text: &str) -> Feed {
        if let Some(input) = self.inputs.iter().position(|port| &*port.name == text) {
            return Feed::Input(input);
        }
        let (name, port) = text.split_once('.').unwrap_or((text, ""));
        let at = self.there(name);
        let port = self.nodes[at].ports.iter().position(|p| &*p.name == port);
        Feed::Port(NodeId(at as u32), port.unwrap_or(0))
    }

    /// So many ports of a node, beginning with the one that is named, round and round.
    fn branch(&self, text: &str, ports: usize) -> Branch {
        let Feed::Port(node, port) = self.feed(text) else {
            panic!("{text} is no node")
        };
        let there = self.nodes[node.index()].ports.len();
        let ports = (0..ports).map(|at| (port + at) % there).collect();
        Branch { node, ports }
    }

    fn condition(&self, text: &str) -> Condition {
        let (expression, of) = Expression::check(text, self, self.batched).unwrap();
        Condition {
            expression: Arc::new(expression),
            of: of.iter().map(|of| self.feed(&read(of))).collect(),
        }
    }
}

impl Scope for Make {
    fn port(&self, reference: &Reference) -> Result<Port, (String, Option<String>)> {
        let _ = self.feed(&read(reference));
        Ok(number("output", self.batched))
    }
}

fn read(reference: &Reference) -> String {
    match reference {
        Reference::Request(name) => name.to_string(),
        Reference::Node { .. } => reference.to_string(),
    }
}

fn number(name: &str, batched: bool) -> Port {
    let axis = if batched {
        Dim::Free(None)
    } else {
        Dim::Fixed(1)
    };
    Port::new(name, DataType::Int64, vec![axis])
}

fn batching(batched: bool) -> Batching {
    if batched {
        Batching::FirstAxis { max: None }
    } else {
        Batching::None
    }
}
