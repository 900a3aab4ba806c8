//! A compiled graph: everything has a type.

use impresario_models::Batching;

use super::super::shape::{Branch, Condition, Feed, Graph, Node, Work};
use super::terms;
use super::{Drawing, Form, From, How, Read, Step};
use crate::spec::composite::OnError;

impl Drawing {
    /// A compiled graph under a title.
    #[must_use]
    pub fn compiled(title: &str, graph: &Graph) -> Self {
        let rows = match graph.contract.batching {
            Batching::FirstAxis { max: Some(max) } => format!("by row, at most {max} in a request"),
            Batching::FirstAxis { max: None } => "by row".to_owned(),
            Batching::None => "each request as a whole".to_owned(),
        };
        let outputs = graph.contract.outputs.iter().zip(&graph.outputs);
        let outputs = outputs.map(|(port, feed)| {
            let read = read(graph, *feed, How::Value(None));
            (terms::port(port), read)
        });
        Self {
            title: title.to_owned(),
            rows: Some(rows),
            inputs: graph.contract.inputs.iter().map(terms::port).collect(),
            nodes: graph.nodes.iter().map(|node| step(graph, node)).collect(),
            outputs: outputs.collect(),
        }
    }
}

fn step(graph: &Graph, node: &Node) -> Step {
    let mut reads = Vec::new();
    if let Some(when) = &node.when {
        condition(graph, when, &mut reads);
    }
    let all = |of: &[Feed]| -> Vec<Read> {
        of.iter()
            .map(|feed| read(graph, *feed, How::Value(None)))
            .collect()
    };
    let (form, what) = match &node.work {
        Work::Call {
            callee,
            inputs,
            contract,
        } => {
            for (port, feed) in contract.inputs.iter().zip(inputs) {
                let how = How::Value(Some(port.name.to_string()));
                reads.push(read(graph, *feed, how));
            }
            (Form::Call, callee.to_string())
        }
        Work::Ensemble { rule, of, quorum } => {
            reads.extend(all(of));
            (Form::Ensemble, terms::ensemble(rule, of.len(), *quorum))
        }
        Work::Switch(cases) => {
            for (when, to) in cases {
                let case = match when {
                    Some(when) => format!("when {}", when.expression.text()),
                    None => "otherwise".to_owned(),
                };
                reads.push(branch(graph, to, How::Branch(case)));
                if let Some(when) = when {
                    condition(graph, when, &mut reads);
                }
            }
            (Form::Choice, "switch".to_owned())
        }
        Work::Splitter { slots, arms, .. } => {
            for (to, weight) in arms.iter().zip(slots.weights()) {
                reads.push(branch(graph, to, How::Branch(weight.to_string())));
            }
            (Form::Choice, "splitter".to_owned())
        }
        Work::Transform { op, of } => {
            reads.extend(all(of));
            (Form::Formula, terms::transform(op))
        }
        Work::Map { expression, .. } => {
            let text = expression.expression.text();
            for feed in &expression.of {
                reads.push(read(graph, *feed, How::Value(None)));
            }
            (Form::Formula, format!("map {text}"))
        }
    };
    if let OnError::Fallback(to) = &node.on_error {
        reads.push(branch(graph, to, How::Fallback));
    }
    Step {
        name: node.name.to_string(),
        form,
        what,
        when: node
            .when
            .as_ref()
            .map(|when| when.expression.text().to_owned()),
        reads,
        gives: node.ports.iter().map(terms::port).collect(),
        terms: terms::terms(node.timeout, node.retry, &node.on_error),
    }
}

fn condition(graph: &Graph, condition: &Condition, reads: &mut Vec<Read>) {
    let feeds = condition.of.iter();
    reads.extend(feeds.map(|feed| read(graph, *feed, How::Condition)));
}

fn branch(graph: &Graph, to: &Branch, how: How) -> Read {
    Read {
        of: graph.node(to.node).name.to_string(),
        from: From::Node(to.node.index()),
        how,
    }
}

fn read(graph: &Graph, feed: Feed, how: How) -> Read {
    match feed {
        Feed::Input(place) => Read {
            of: format!("request.{}", graph.contract.inputs[place].name),
            from: From::Input(place),
            how,
        },
        Feed::Port(id, place) => {
            let node = graph.node(id);
            Read {
                of: format!("{}.{}", node.name, node.ports[place].name),
                from: From::Node(id.index()),
                how,
            }
        }
    }
}
