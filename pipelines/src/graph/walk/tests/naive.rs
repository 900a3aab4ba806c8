//! The evaluator to agree with: row by row, each value by a plain recursion, everything that a node reads before the node.
//! It knows no order of answers, and so not what a walk that breaks off has seen of it; it says what may be seen.

use std::collections::{BTreeMap, BTreeSet};

use impresario_models::{Batching, Tensor};

use super::draw::Script;
use crate::combine::Rule;
use crate::expr::{Outcome, Parameters, Scalar};
use crate::graph::{Branch, Condition, Feed, Graph, NodeId, Work};
use crate::spec::composite::OnError;

/// What a node gives for a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// These numbers, one for each port.
    Is(Vec<i64>),
    /// Nothing: it is skipped.
    Absent,
    /// It fails, or something does that it cannot do without, and the request with it.
    Broken,
}

/// What a condition comes to for a row.
enum Truth {
    True,
    False,
    Fault,
    Unknown(Value),
}

pub(super) struct Naive<'a> {
    pub(super) graph: &'a Graph,
    pub(super) scripts: &'a [Script],
    /// For each row, `id` and `x`.
    pub(super) rows: &'a [[i64; 2]],
    pub(super) parameters: &'a Parameters,
    pub(super) key: &'a str,
    /// The nodes that the request may fail by.
    pub(super) failures: BTreeSet<NodeId>,
    /// The calls that may be made, by node and row.
    pub(super) calls: BTreeSet<(NodeId, usize)>,
    /// What is known already: each node is evaluated once a row.
    pub(super) known: BTreeMap<(NodeId, usize), Value>,
}

impl Naive<'_> {
    pub(super) fn feed(&mut self, feed: Feed, row: usize) -> Value {
        match feed {
            Feed::Input(input) => Value::Is(vec![self.rows[row][input]]),
            Feed::Port(node, port) => match self.node(node, row) {
                Value::Is(values) => Value::Is(vec![values[port]]),
                other => other,
            },
        }
    }

    fn node(&mut self, id: NodeId, row: usize) -> Value {
        if let Some(value) = self.known.get(&(id, row)) {
            return value.clone();
        }
        let graph = self.graph;
        let when = graph.node(id).when.as_ref();
        let value = match when.map_or(Truth::True, |when| self.truth(when, row)) {
            Truth::True => self.work(id, row),
            Truth::False => Value::Absent,
            Truth::Fault => self.failed(id, row),
            Truth::Unknown(value) => value,
        };
        self.known.insert((id, row), value.clone());
        value
    }

    fn work(&mut self, id: NodeId, row: usize) -> Value {
        let graph = self.graph;
        match &graph.node(id).work {
            Work::Call { inputs, .. } => match self.all(inputs, row) {
                Ok(values) => {
                    self.calls.insert((id, row));
                    let script = self.scripts[id.index()];
                    match script.fails(graph.node(id)) {
                        false => Value::Is(script.outputs(id, &values)),
                        true => self.failed(id, row),
                    }
                }
                Err(value) => value,
            },
            Work::Ensemble { rule, of, quorum } => {
                let members: Vec<_> = of.iter().map(|of| self.feed(*of, row)).collect();
                self.ensemble(id, row, rule, members, *quorum)
            }
            Work::Switch(cases) => {
                for (when, branch) in cases {
                    match when
                        .as_ref()
                        .map_or(Truth::True, |when| self.truth(when, row))
                    {
                        Truth::True => return self.branch(branch, row),
                        Truth::False => {}
                        Truth::Fault => return self.failed(id, row),
                        Truth::Unknown(value) => return value,
                    }
                }
                Value::Absent
            }
            Work::Splitter { slots, seed, arms } => {
                self.branch(&arms[slots.owner(crate::bucket::slot(seed, self.key))], row)
            }
            // The only transform here.
            Work::Transform { of, .. } => match self.all(of, row) {
                Ok(values) => Value::Is(vec![values[0].clamp(20, 70)]),
                Err(value) => value,
            },
            Work::Map { expression, .. } => match self.all(&expression.of, row) {
                Ok(values) => match self.evaluate(expression, &values) {
                    Some(Outcome::One(Scalar::Int(number))) => Value::Is(vec![number]),
                    Some(Outcome::Rows(tensor)) => {
                        Value::Is(tensor.as_slice::<i64>().expect("whole numbers").to_vec())
                    }
                    Some(Outcome::One(_)) => panic!("{expression:?} is no number"),
                    None => self.failed(id, row),
                },
                Err(value) => value,
            },
        }
    }

    fn ensemble(
        &mut self,
        id: NodeId,
        row: usize,
        rule: &Rule,
        members: Vec<Value>,
        quorum: usize,
    ) -> Value {
        let absent = members.iter().filter(|m| **m == Value::Absent).count();
        if members.len() - absent < quorum {
            return self.failed(id, row);
        }
        let broken = members.contains(&Value::Broken);
        let numbers: Vec<i64> = members
            .iter()
            .filter_map(|member| match member {
                Value::Is(values) => Some(values[0]),
                Value::Absent | Value::Broken => None,
            })
            .collect();
        let first = members.iter().find(|member| **member != Value::Absent);
        match (rule, first) {
            // The first can do without those behind it.
            (Rule::First, Some(Value::Is(first))) if numbers.len() >= quorum => {
                Value::Is(first.clone())
            }
            _ if broken => Value::Broken,
            (Rule::Max, _) => Value::Is(vec![*numbers.iter().max().expect("a quorum")]),
            (Rule::Min, _) => Value::Is(vec![*numbers.iter().min().expect("a quorum")]),
            _ => panic!("no such ensemble here: {rule:?}"),
        }
    }

    fn failed(&mut self, id: NodeId, row: usize) -> Value {
        let graph = self.graph;
        match &graph.node(id).on_error {
            OnError::Fail => {
                self.failures.insert(id);
                Value::Broken
            }
            OnError::Skip => Value::Absent,
            OnError::Default(_) => Value::Is(vec![-1, -2]),
            OnError::Fallback(branch) => self.branch(branch, row),
        }
    }

    fn branch(&mut self, branch: &Branch, row: usize) -> Value {
        match self.node(branch.node, row) {
            Value::Is(values) => Value::Is(branch.ports.iter().map(|port| values[*port]).collect()),
            other => other,
        }
    }

    /// All values, or what is there without them.
    fn all(&mut self, of: &[Feed], row: usize) -> Result<Vec<i64>, Value> {
        let values: Vec<_> = of.iter().map(|of| self.feed(*of, row)).collect();
        if values.contains(&Value::Absent) {
            return Err(Value::Absent);
        }
        let values = values.into_iter().map(|value| match value {
            Value::Is(values) => Ok(values[0]),
            other => Err(other),
        });
        values.collect()
    }

    fn truth(&mut self, condition: &Condition, row: usize) -> Truth {
        let values = match self.all(&condition.of, row) {
            Ok(values) => values,
            Err(value) => return Truth::Unknown(value),
        };
        let truth = match self.evaluate(condition, &values) {
            None => return Truth::Fault,
            Some(Outcome::One(Scalar::Bool(truth))) => truth,
            Some(Outcome::Rows(truths)) => truths.as_slice::<bool>().expect("truths")[0],
            Some(Outcome::One(_)) => panic!("{condition:?} is no truth"),
        };
        if truth { Truth::True } else { Truth::False }
    }

    fn evaluate(&self, condition: &Condition, values: &[i64]) -> Option<Outcome> {
        let batched = matches!(self.graph.contract.batching, Batching::FirstAxis { .. });
        let values: Vec<_> = values
            .iter()
            .map(|value| Tensor::vector(vec![*value]))
            .collect();
        let values: Vec<_> = values.iter().collect();
        let expression = &condition.expression;
        let rows = batched.then_some(1);
        expression.evaluate(&values, self.parameters, rows).ok()
    }
}
