//! The inputs of the request: stated, or inferred from the models that read them as they are.

use std::collections::BTreeSet;
use std::sync::Arc;

use impresario_models::Port;

use super::super::names::{REQUEST, Role};
use super::super::problem::At;
use super::types::{Axes, First};
use super::{Rows, Typing};
use crate::spec::composite::{Reference, Task};
use crate::spec::nearest;

/// What a call expects of an input.
struct Want<'c> {
    input: Arc<str>,
    node: &'c str,
    at: At,
    port: Port,
}

impl<'c> Typing<'c> {
    /// Finds the inputs and their types, and whether there are rows.
    pub(super) fn inputs(&mut self) {
        let mut read: BTreeSet<Arc<str>> = self.wanted().map(|(name, ..)| name).collect();
        let edges = self.outline.edges.iter().flatten().map(|edge| &edge.of);
        let outputs = self.composite.outputs.iter().map(|(_, of)| of);
        for of in edges.chain(outputs) {
            if let Reference::Request(name) = of {
                read.insert(Arc::clone(name));
            }
        }
        let stated = self.composite.inputs.iter().map(|port| &port.name);
        let stated: Vec<Arc<str>> = stated.map(Arc::clone).collect();
        let others = read.iter().filter(|name| !stated.contains(name));
        let names: Vec<Arc<str>> = stated.iter().chain(others).map(Arc::clone).collect();
        self.inputs = names.into_iter().map(|name| (name, None)).collect();
        self.rows = self.decide();
        let wants = self.wants();
        for place in 0..self.inputs.len() {
            self.inputs[place].1 = match self.composite.inputs.get(place) {
                Some(port) => {
                    let first = match self.rows {
                        Rows::Batched { .. } | Rows::Unknown => First::Rows,
                        Rows::Whole { .. } => First::Own,
                    };
                    Some(Axes::scoped(REQUEST, port, first))
                }
                None => self.infer(&Arc::clone(&self.inputs[place].0), &wants),
            };
        }
        if !self.unsure() {
            self.untold(&read);
        }
    }

    /// What each call reads of the request: the input, the place of the node, and the place of the port.
    fn wanted(&self) -> impl Iterator<Item = (Arc<str>, usize, usize)> {
        let nodes = self.composite.nodes.iter().zip(&self.contracts).enumerate();
        nodes.flat_map(|(place, (node, contract))| {
            let ports = contract.iter().flat_map(|contract| &contract.inputs);
            ports.enumerate().filter_map(move |(port_place, port)| {
                let Task::Call { inputs, .. } = &node.task else {
                    return None;
                };
                match inputs.iter().find(|(name, _)| *name == port.name) {
                    None => Some((Arc::clone(&port.name), place, port_place)),
                    Some((_, Reference::Request(name))) => {
                        Some((Arc::clone(name), place, port_place))
                    }
                    Some((_, Reference::Node { .. })) => None,
                }
            })
        })
    }

    fn wants(&self) -> Vec<Want<'c>> {
        let want = |(input, place, port_place): (Arc<str>, usize, usize)| {
            let node = &self.composite.nodes[place];
            let contract = self.contracts[place].as_ref()?;
            let port = &contract.inputs[port_place];
            Some(Want {
                input,
                node: &node.name,
                at: At::node(&node.name).key("inputs").key(&port.name),
                port: Axes::scoped(&node.name, port, self.first(contract.batching)),
            })
        };
        self.wanted().filter_map(want).collect()
    }

    /// The type that fits all calls that read an input.
    fn infer(&mut self, name: &Arc<str>, wants: &[Want<'_>]) -> Option<Port> {
        let mut found: Option<(Port, &str)> = None;
        for want in wants.iter().filter(|want| want.input == *name) {
            let Some((port, first)) = found else {
                let port = Port {
                    name: Arc::clone(name),
                    ..want.port.clone()
                };
                found = Some((port, want.node));
                continue;
            };
            match self.axes.meet(&port, &want.port) {
                Ok(port) => found = Some((port, first)),
                Err(misfit) => {
                    let message = format!(
                        "expected {} for '{REQUEST}.{name}', as node '{first}' reads it, got {}",
                        misfit.expected, misfit.got
                    );
                    let hint = "read another input here, or let a transform come between";
                    let at = want.at.clone();
                    self.tell(at, "type-mismatch", message, Some(hint.to_owned()));
                    return None;
                }
            }
        }
        found.map(|(port, _)| port)
    }

    /// Tells inputs that have no type, and stated ones that nobody reads.
    fn untold(&mut self, read: &BTreeSet<Arc<str>>) {
        let all: Vec<(Arc<str>, bool)> = self
            .inputs
            .iter()
            .map(|(name, port)| (Arc::clone(name), port.is_some()))
            .collect();
        let wanted: BTreeSet<Arc<str>> = self.wanted().map(|(name, ..)| name).collect();
        for (place, (name, typed)) in all.iter().enumerate() {
            let known = || {
                all.iter()
                    .filter(|(_, typed)| *typed)
                    .map(|(known, _)| &**known)
            };
            if place < self.composite.inputs.len() {
                if !read.contains(name) {
                    let at = At::default().key("inputs").index(place);
                    let others = read
                        .iter()
                        .map(|name| &**name)
                        .filter(|n| !known().any(|k| k == *n));
                    let hint = match nearest(name, others) {
                        Some(meant) => format!("'{REQUEST}.{meant}' is read: is it meant?"),
                        None => "read it, or take it out".to_owned(),
                    };
                    let message = format!("nobody reads input '{name}'");
                    self.tell(at, "unused-input", message, Some(hint));
                }
            } else if !typed && !wanted.contains(name) {
                let Some(at) = self.reader(name) else {
                    continue;
                };
                let message = format!(
                    "nothing says what type '{REQUEST}.{name}' has: it is not stated, and no model reads it as it is"
                );
                let hint = match nearest(name, known()) {
                    Some(meant) => format!("did you mean '{REQUEST}.{meant}'?"),
                    None => format!(
                        "state it, such as inputs = [{{ name = \"{name}\", datatype = \"FP32\", shape = [-1, 4] }}]"
                    ),
                };
                self.tell(at, "untyped-input", message, Some(hint));
            }
        }
    }

    /// Where an input is read first.
    fn reader(&self, name: &str) -> Option<At> {
        let is_it = |of: &Reference| matches!(of, Reference::Request(input) if **input == *name);
        let mut edges = self.outline.edges.iter().flatten();
        let edge = edges.find(|edge| edge.role != Role::Branch && is_it(&edge.of));
        let mut outputs = self.composite.outputs.iter();
        edge.map(|edge| edge.at.clone())
            .or_else(|| Some(At::output(&outputs.find(|(_, of)| is_it(of))?.0)))
    }
}
