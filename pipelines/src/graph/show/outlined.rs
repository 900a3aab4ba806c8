//! A composite whose contracts are not known: names without types, and no inputs but those that are written.

use std::collections::BTreeSet;

use super::super::names::{Outline, Role};
use super::terms;
use super::{Drawing, Form, From, How, Read, Step, Value};
use crate::spec::Composite;
use crate::spec::composite::{Node, Reference, Task};

impl Drawing {
    /// A composite under a title, as far as it is known without the contracts of what it calls.
    #[must_use]
    pub fn outlined(title: &str, composite: &Composite, outline: &Outline) -> Self {
        let places = Places::of(composite, outline);
        let stated = composite.inputs.iter().map(terms::port);
        let others = places.inputs[composite.inputs.len()..].iter();
        let others = others.map(|name| Value {
            name: (*name).to_owned(),
            of: None,
        });
        let outputs = composite.outputs.iter().filter_map(|(name, of)| {
            let output = Value {
                name: name.to_string(),
                of: None,
            };
            Some((output, places.read(of, How::Value(None))?))
        });
        let steps = outline
            .order
            .iter()
            .map(|&place| step(composite, outline, place, &places));
        Self {
            title: title.to_owned(),
            rows: None,
            inputs: stated.chain(others).collect(),
            nodes: steps.collect(),
            outputs: outputs.collect(),
        }
    }
}

/// Where inputs and nodes are drawn.
struct Places<'c> {
    inputs: Vec<&'c str>,
    nodes: Vec<&'c str>,
}

fn step(composite: &Composite, outline: &Outline, place: usize, places: &Places<'_>) -> Step {
    let node: &Node = &composite.nodes[place];
    let (form, what) = match &node.task {
        Task::Call { callee, .. } => (Form::Call, callee.to_string()),
        Task::Ensemble { rule, of, quorum } => {
            let quorum = quorum.unwrap_or(of.len());
            (Form::Ensemble, terms::ensemble(rule, of.len(), quorum))
        }
        Task::Switch(_) => (Form::Choice, "switch".to_owned()),
        Task::Splitter { .. } => (Form::Choice, "splitter".to_owned()),
        Task::Transform { op, .. } => (Form::Formula, terms::transform(op)),
        Task::Map { expression, .. } => (Form::Formula, format!("map {expression}")),
    };
    let mut cases: Vec<String> = match &node.task {
        Task::Switch(cases) => {
            let case = |when: &Option<_>| match when {
                Some(when) => format!("when {when}"),
                None => "otherwise".to_owned(),
            };
            cases.iter().map(|one| case(&one.when)).collect()
        }
        Task::Splitter { arms, .. } => arms.iter().map(|(_, weight)| weight.to_string()).collect(),
        Task::Call { .. } | Task::Ensemble { .. } | Task::Transform { .. } | Task::Map { .. } => {
            Vec::new()
        }
    };
    cases.reverse();
    let mapped = matches!(node.task, Task::Map { .. });
    let inputs: Vec<&str> = match &node.task {
        Task::Call { inputs, .. } => inputs.iter().map(|(name, _)| &**name).collect(),
        _ => Vec::new(),
    };
    let mut inputs = inputs.into_iter();
    let reads = outline.edges[place].iter().filter_map(|edge| {
        let how = match edge.role {
            Role::Value => How::Value(inputs.next().map(str::to_owned)),
            Role::Condition if mapped => How::Value(None),
            Role::Condition => How::Condition,
            Role::Branch => How::Branch(cases.pop()?),
            Role::Fallback => How::Fallback,
        };
        places.read(&edge.of, how)
    });
    Step {
        name: node.name.to_string(),
        form,
        what,
        when: node.terms.when.as_deref().map(str::to_owned),
        reads: reads.collect(),
        gives: Vec::new(),
        terms: terms::terms(node.terms.timeout, node.terms.retry, &node.terms.on_error),
    }
}

// === impl Places ===

impl<'c> Places<'c> {
    fn of(composite: &'c Composite, outline: &'c Outline) -> Self {
        let edges = outline.edges.iter().flatten().map(|edge| &edge.of);
        let outputs = composite.outputs.iter().map(|(_, of)| of);
        let read: BTreeSet<&str> = edges
            .chain(outputs)
            .filter_map(|of| match of {
                Reference::Request(name) => Some(&**name),
                Reference::Node { .. } => None,
            })
            .collect();
        let mut inputs: Vec<&str> = composite.inputs.iter().map(|port| &*port.name).collect();
        let others: Vec<&str> = read.into_iter().filter(|n| !inputs.contains(n)).collect();
        inputs.extend(others);
        let order = outline.order.iter();
        Self {
            inputs,
            nodes: order.map(|&place| &*composite.nodes[place].name).collect(),
        }
    }

    fn read(&self, of: &Reference, how: How) -> Option<Read> {
        let find = |names: &[&str], name: &str| names.iter().position(|known| *known == name);
        let from = match of {
            Reference::Request(name) => From::Input(find(&self.inputs, name)?),
            Reference::Node { node, .. } => From::Node(find(&self.nodes, node)?),
        };
        Some(Read {
            of: of.to_string(),
            from,
            how,
        })
    }
}
