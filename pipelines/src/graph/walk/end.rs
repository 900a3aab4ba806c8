//! Ends: what becomes of a node that failed, and of the walk when all outputs are there or one never will be.

use std::fmt;
use std::sync::Arc;

use impresario_models::{Contract, Dim, Port, Tensor, Values};

use super::done::{Absence, Cause, Done, Stop};
use super::rows::Rows;
use super::state::{Run, Taken, Via};
use super::value::Part;
use super::{End, Feed, Graph, NodeId, OnError, Walk};
use crate::combine::Fault;

impl<E: fmt::Display> Walk<E> {
    /// Some rows of a node failed for good.
    pub(super) fn fail(
        &mut self,
        graph: &Graph,
        id: NodeId,
        run: &mut Run,
        rows: Rows,
        cause: Cause<E>,
    ) {
        let node = graph.node(id);
        if node.on_error == OnError::Fail {
            return self.stop(graph, id, cause);
        }
        let text: Arc<str> = cause.to_string().into();
        let state = &mut self.states[id.index()];
        state.visit.failure.get_or_insert_with(|| Arc::clone(&text));
        match &node.on_error {
            OnError::Fail => {}
            OnError::Skip => state.lack(&rows, Absence::Failed(text)),
            OnError::Default(substitute) => {
                let contract = Contract {
                    inputs: Vec::new(),
                    outputs: node.ports.clone(),
                    batching: graph.contract.batching,
                };
                match substitute.fill(&contract, rows.count()) {
                    Ok(outputs) => {
                        state.visit.defaulted += rows.count();
                        state.give(Part {
                            held: rows.clone(),
                            rows,
                            of: outputs.into_iter().map(Arc::new).collect(),
                        });
                    }
                    Err(what) => self.stop(graph, id, Cause::Unfit(what)),
                }
            }
            OnError::Fallback(branch) => {
                self.states[branch.node.index()].need.add(&rows);
                run.taken.push(Taken {
                    node: branch.node,
                    via: Via::Fallback,
                    rows,
                });
            }
        }
    }

    pub(super) fn stop(&mut self, graph: &Graph, id: NodeId, cause: Cause<E>) {
        // Only the first failure counts; the others would have been cancelled.
        if self.ahead() {
            let states = self.states.iter().enumerate();
            self.end = End::Reached(Err(Stop {
                node: id,
                name: Arc::clone(&graph.node(id).name),
                cause,
                visits: states
                    .map(|(at, state)| state.visit(at == id.index()))
                    .collect(),
            }));
        }
    }

    /// Nothing is under way, nothing can be begun, and the outputs are not there: a mistake in the walk or in the order of
    /// the graph's nodes. Nobody shall wait for it.
    pub(super) fn stand_still(&mut self, graph: &Graph) {
        debug_assert!(false, "a walk came to a standstill: {:?}", self.visits());
        let unsettled = |feed: &&Feed| self.state(**feed).is_some_and(|s| !s.settled(&self.all));
        if let Some(Feed::Port(id, _)) = graph.outputs.iter().find(unsettled) {
            let fault = Fault("the walk came to a standstill before it".to_owned());
            self.stop(graph, *id, Cause::Fault(fault));
        }
    }

    /// Ends the walk where all outputs are there, or one can never be.
    pub(super) fn finish(&mut self, graph: &Graph) {
        let mut settled = true;
        for (feed, port) in graph.outputs.iter().zip(&graph.contract.outputs) {
            let Feed::Port(id, _) = *feed else { continue };
            let state = &self.states[id.index()];
            if state.absent.meets(&self.all) {
                let cause = Cause::Absent {
                    output: Arc::clone(&port.name),
                    why: self.why(graph, id, &self.all),
                };
                return self.stop(graph, id, cause);
            }
            settled &= state.settled(&self.all);
        }
        if !settled {
            return;
        }
        let mut outputs = Vec::with_capacity(graph.outputs.len());
        for (feed, port) in graph.outputs.iter().zip(&graph.contract.outputs) {
            let value = if self.all.is_empty() {
                Ok(Arc::new(without_rows(port)))
            } else {
                self.value(*feed, &self.all)
            };
            match (value, feed) {
                (Ok(value), _) => outputs.push(value),
                (Err(fault), Feed::Port(id, _)) => {
                    return self.stop(graph, *id, Cause::Fault(fault));
                }
                (Err(_), Feed::Input(_)) => unreachable!("an input is one part"),
            }
        }
        let visits = self.visits();
        self.inputs.clear();
        self.states.iter_mut().for_each(|state| state.parts.clear());
        self.end = End::Reached(Ok(Done {
            outputs: outputs.into_iter().map(Arc::unwrap_or_clone).collect(),
            visits,
        }));
    }

    /// Why a node is not there for some of these rows.
    pub(super) fn why(&self, graph: &Graph, id: NodeId, rows: &Rows) -> String {
        let lacks = &self.states[id.index()].lacks;
        match lacks.iter().find(|(lacking, _)| lacking.meets(rows)) {
            None => "it was not waited for".to_owned(),
            Some((_, Absence::Unmet)) => "its `when` does not hold".to_owned(),
            Some((_, Absence::NoCase)) => "none of its cases holds".to_owned(),
            Some((_, Absence::Failed(text))) => text.to_string(),
            Some((lacking, Absence::Without(other))) => {
                let why = self.why(graph, *other, &lacking.both(rows));
                format!("'{}' is missing: {why}", graph.node(*other).name)
            }
        }
    }
}

/// A value of no rows.
fn without_rows(port: &Port) -> Tensor {
    let mut shape = port.shape.iter().map(|dim| match dim {
        Dim::Fixed(size) => *size,
        Dim::Free(_) => 0,
    });
    shape.next();
    let shape = std::iter::once(0).chain(shape).collect();
    Tensor::new(shape, Values::with_capacity(port.datatype, 0)).expect("no rows hold no elements")
}
