//! Values, forwards through the graph: conditions are judged, values computed, inputs gathered for calls.

use std::sync::Arc;

use impresario_models::Tensor;

use super::done::{Absence, Cause};
use super::rows::Rows;
use super::state::{Run, Stage, State, Taken, Via};
use super::value::{Part, gather, pick};
use super::{Feed, Graph, NodeId, OnError, Walk, Work};
use crate::combine::{Fault, Op};
use crate::expr::{Outcome, Scalar};
use crate::graph::Condition;
use crate::graph::shape::Node;

/// What a condition comes to.
enum Judged {
    /// Something that it reads is not there yet.
    Waits,
    /// It holds for these rows, and for no other one.
    Holds(Rows),
    /// It cannot be evaluated.
    Faulty(Fault),
}

impl<E: std::fmt::Display> Walk<E> {
    /// Takes every run as far as it goes with what is there, each node after those that it reads.
    pub(super) fn progress(&mut self, graph: &Graph) {
        for at in 0..self.states.len() {
            if self.states[at].runs.is_empty() || !self.ahead() {
                continue;
            }
            let id = self.states[at].visit.node;
            let mut runs = std::mem::take(&mut self.states[at].runs);
            runs.retain_mut(|run| self.go_on(graph, id, run));
            self.states[at].runs = runs;
        }
        if self.ahead() {
            self.finish(graph);
        }
    }

    /// Takes a run as far as it goes. Tells whether it goes on another time.
    fn go_on(&mut self, graph: &Graph, id: NodeId, run: &mut Run) -> bool {
        let node = graph.node(id);
        while self.ahead() {
            if run.rows.is_empty() && run.ticket().is_none() {
                run.stage = Stage::Taking;
            }
            match (&run.stage, &node.when, &node.work) {
                (Stage::When, Some(when), _) => match self.judge(id, run, when) {
                    Judged::Waits => return true,
                    Judged::Faulty(fault) => self.fail_all(graph, id, run, Cause::Fault(fault)),
                    Judged::Holds(rows) => {
                        let gone = run.rows.minus(&rows);
                        self.states[id.index()].lack(&gone, Absence::Unmet);
                        run.rows = rows;
                        if !run.rows.is_empty() {
                            self.enter(graph, id, run);
                        }
                    }
                },
                (Stage::Case(case), _, Work::Switch(cases)) => {
                    let case = *case;
                    let Some((condition, branch)) = cases.get(case) else {
                        let rows = std::mem::take(&mut run.rows);
                        self.states[id.index()].lack(&rows, Absence::NoCase);
                        continue;
                    };
                    let judged = match condition {
                        Some(condition) => self.judge(id, run, condition),
                        None => Judged::Holds(run.rows.clone()),
                    };
                    match judged {
                        Judged::Waits => return true,
                        Judged::Faulty(fault) => self.fail_all(graph, id, run, Cause::Fault(fault)),
                        Judged::Holds(rows) => {
                            run.rows.remove(&rows);
                            if !rows.is_empty() {
                                self.take(id, run, Via::Case(case), branch, rows);
                            }
                            if !run.rows.is_empty() {
                                self.enter_case(graph, id, run, case + 1);
                            }
                        }
                    }
                }
                (Stage::Gather, _, Work::Ensemble { rule, of, quorum }) => {
                    if !self.join_members(graph, id, run, (rule, of, *quorum)) {
                        return true;
                    }
                }
                (Stage::Gather, _, work) => {
                    if !self.compute(graph, id, run, work) {
                        return true;
                    }
                }
                (Stage::Taking, ..) => {
                    run.taken.retain(|taken| !self.collect(id, node, taken));
                    return !run.taken.is_empty();
                }
                (Stage::Calling(_) | Stage::Resting(_), ..) => return true,
                (Stage::When | Stage::Case(_), ..) => self.enter(graph, id, run),
            }
        }
        true
    }

    /// Computes what a node works out, or has it called. Tells whether all was there.
    fn compute(&mut self, graph: &Graph, id: NodeId, run: &mut Run, work: &Work) -> bool {
        let of = match work {
            Work::Call { inputs: of, .. }
            | Work::Ensemble { of, .. }
            | Work::Transform { of, .. } => &of[..],
            Work::Map { expression, .. } => &expression.of[..],
            Work::Switch(_) | Work::Splitter { .. } => &[],
        };
        if !self.is_there(id, run, of) {
            return false;
        }
        if run.rows.is_empty() {
            return true;
        }
        let values: Result<Vec<_>, _> =
            of.iter().map(|feed| self.value(*feed, &run.rows)).collect();
        let computed = values.and_then(|values| match work {
            Work::Transform { op, .. } => {
                let values: Vec<&Tensor> = values.iter().map(|value| &**value).collect();
                op.apply(&values, self.batched).map(Some)
            }
            Work::Map {
                expression,
                datatype,
            } => {
                let outcome = self.evaluate(expression, &values, &run.rows)?;
                let value = outcome.into_tensor(self.batched.then(|| run.rows.count()));
                match datatype {
                    Some(datatype) if *datatype != value.datatype() => {
                        Op::Cast(*datatype).apply(&[&value], self.batched).map(Some)
                    }
                    _ => Ok(Some(value)),
                }
            }
            Work::Call { .. } | Work::Ensemble { .. } | Work::Switch(_) | Work::Splitter { .. } => {
                self.call(graph, id, run, 1, values);
                Ok(None)
            }
        });
        match computed {
            Ok(Some(value)) => {
                let rows = std::mem::take(&mut run.rows);
                self.states[id.index()].give(Part {
                    held: rows.clone(),
                    rows,
                    of: vec![Arc::new(value)],
                });
            }
            Ok(None) => {}
            Err(fault) => self.fail_all(graph, id, run, Cause::Fault(fault)),
        }
        true
    }

    /// Takes over what another node gives, where that is known. Tells whether it is.
    fn collect(&mut self, id: NodeId, node: &Node, taken: &Taken) -> bool {
        let ports = match (taken.via, &node.work, &node.on_error) {
            (Via::Case(case), Work::Switch(cases), _) => &cases[case].1.ports[..],
            (Via::Arm(arm), Work::Splitter { arms, .. }, _) => &arms[arm].ports,
            (Via::Fallback, _, OnError::Fallback(branch)) => &branch.ports,
            _ => &[],
        };
        let [other, state] = self
            .states
            .get_disjoint_mut([taken.node.index(), id.index()])
            .expect("a node takes from one before it");
        if !other.settled(&taken.rows) {
            return false;
        }
        let gone = other.absent.both(&taken.rows);
        state.lack(&gone, Absence::Without(taken.node));
        for part in other
            .parts
            .iter()
            .filter(|part| part.rows.meets(&taken.rows))
        {
            let rows = part.rows.both(&taken.rows);
            if taken.via == Via::Fallback {
                state.visit.fell_back += rows.count();
            }
            state.give(Part {
                rows,
                held: part.held.clone(),
                of: ports
                    .iter()
                    .map(|port| Arc::clone(&part.of[*port]))
                    .collect(),
            });
        }
        true
    }

    fn judge(&mut self, id: NodeId, run: &mut Run, condition: &Condition) -> Judged {
        if !self.is_there(id, run, &condition.of) {
            return Judged::Waits;
        }
        if run.rows.is_empty() {
            return Judged::Holds(Rows::none());
        }
        let values = condition.of.iter();
        let values: Result<Vec<_>, _> = values.map(|feed| self.value(*feed, &run.rows)).collect();
        let outcome = values.and_then(|values| self.evaluate(condition, &values, &run.rows));
        let held = match outcome {
            Ok(Outcome::One(Scalar::Bool(true))) => Some(run.rows.clone()),
            Ok(Outcome::One(Scalar::Bool(false))) => Some(Rows::none()),
            Ok(Outcome::Rows(truths)) => truths.as_slice::<bool>().map(|truths| {
                let rows = run.rows.iter().zip(truths);
                rows.filter(|(_, held)| **held)
                    .map(|(row, _)| row)
                    .collect()
            }),
            Ok(Outcome::One(_)) => None,
            Err(fault) => return Judged::Faulty(fault),
        };
        held.map_or_else(
            || {
                let text = condition.expression.text();
                Judged::Faulty(Fault(format!(
                    "condition `{text}`: expected a truth, got another value"
                )))
            },
            Judged::Holds,
        )
    }

    fn evaluate(
        &self,
        condition: &Condition,
        values: &[Arc<Tensor>],
        rows: &Rows,
    ) -> Result<Outcome, Fault> {
        let values: Vec<&Tensor> = values.iter().map(|value| &**value).collect();
        let rows = self.batched.then(|| rows.count());
        condition
            .expression
            .evaluate(&values, &self.parameters, rows)
    }

    /// Leaves a run the rows that all it reads may be there for, and tells whether it is known what all of it gives.
    fn is_there(&mut self, id: NodeId, run: &mut Run, of: &[Feed]) -> bool {
        for feed in of {
            if let Feed::Port(other, _) = *feed
                && self.states[other.index()].absent.meets(&run.rows)
            {
                let gone = self.states[other.index()].absent.both(&run.rows);
                run.rows.remove(&gone);
                self.states[id.index()].lack(&gone, Absence::Without(other));
            }
        }
        let settled = |feed: &Feed| {
            self.state(*feed)
                .is_none_or(|other| other.settled(&run.rows))
        };
        of.iter().all(settled)
    }

    /// The state of a node that is read.
    pub(super) fn state(&self, feed: Feed) -> Option<&State> {
        match feed {
            Feed::Input(_) => None,
            Feed::Port(node, _) => Some(&self.states[node.index()]),
        }
    }

    /// A value for rows that it is there for.
    pub(super) fn value(&self, feed: Feed, rows: &Rows) -> Result<Arc<Tensor>, Fault> {
        match feed {
            Feed::Input(input) => {
                let input = self.inputs[input].as_ref();
                let input = input.expect("an input is kept while somebody may want it");
                Ok(pick(input, &self.all, rows))
            }
            Feed::Port(node, port) => gather(&self.states[node.index()].parts, port, rows),
        }
    }

    pub(super) fn fail_all(&mut self, graph: &Graph, id: NodeId, run: &mut Run, cause: Cause<E>) {
        let rows = std::mem::take(&mut run.rows);
        self.fail(graph, id, run, rows, cause);
    }
}
