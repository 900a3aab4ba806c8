//! A walk: the state machine that takes one request through a graph. It calls nothing: it says what is to be called, and
//! is told what came of it.
//!
//! What is wanted runs backwards through the graph, from the outputs, and values run forwards. A node is begun for the
//! rows that are wanted of it once nobody can want more, so that one that several read is called once. Where two nodes wait
//! for each other so, as shared branches of two switches can, one of them goes ahead with the rows that are sure, and may
//! be called again for others. No node is ever called twice for a row.
//!
//! What nobody can want any more is dropped at once: values, nodes that were not begun, and calls, which are cancelled.

mod demand;
mod done;
mod end;
mod ensemble;
mod progress;
mod rows;
mod state;
mod step;
mod value;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use impresario_models::{Batching, Tensor};

use super::shape::{Feed, Graph, NodeId, Work};
use crate::expr::Parameters;
use crate::spec::composite::OnError;
use rows::Rows;
use state::{Attempt, Run, Stage, State};
use value::Part;

pub use done::{Cause, Done, Fate, Stop, Visit};
pub use step::{Call, Failed, Request, Step, Ticket};

/// A request on its way through a graph. `E` is the error of those who call.
#[derive(Debug)]
pub struct Walk<E> {
    graph: Arc<Graph>,
    /// The request's inputs, as long as somebody may want them.
    inputs: Vec<Option<Arc<Tensor>>>,
    parameters: Parameters,
    key: Option<Arc<str>>,
    draw: u64,
    /// All rows; one where the graph does not batch.
    all: Rows,
    batched: bool,
    states: Vec<State>,
    /// For each node, the rows that somebody waits for or may still want, as of the last look.
    live: Vec<Rows>,
    /// The same for the request's inputs.
    read: Vec<bool>,
    /// What is to be told next.
    queue: VecDeque<Queued>,
    /// How many tickets were given out.
    tickets: u32,
    /// How many of them nothing was heard of.
    open: usize,
    /// Whether something came in since the last look.
    stale: bool,
    end: End<E>,
}

/// A step that was not told yet.
#[derive(Debug)]
enum Queued {
    Call {
        ticket: Ticket,
        attempt: u32,
        inputs: Vec<Arc<Tensor>>,
        rows: usize,
    },
    Pause(Ticket, Duration),
    Cancel(Ticket),
}

#[derive(Debug)]
enum End<E> {
    Ahead,
    Reached(Result<Done, Stop<E>>),
    Told,
}

// === impl Walk ===

impl<E: fmt::Display> Walk<E> {
    /// A walk at its beginning. Nothing is computed before the first step is asked for.
    #[must_use]
    pub fn begin(graph: Arc<Graph>, request: Request) -> Self {
        let batched = matches!(graph.contract.batching, Batching::FirstAxis { .. });
        let rows = request
            .inputs
            .first()
            .and_then(|input| input.shape().first());
        let all = Rows::all(rows.copied().filter(|_| batched).unwrap_or(1));
        let nodes = (0..).map(NodeId).take(graph.nodes.len());
        let mut states: Vec<_> = nodes.map(State::new).collect();
        for feed in &graph.outputs {
            if let Feed::Port(node, _) = feed {
                states[node.index()].need.add(&all);
            }
        }
        Self {
            live: vec![Rows::none(); states.len()],
            read: vec![true; request.inputs.len()],
            inputs: request.inputs.into_iter().map(Arc::new).map(Some).collect(),
            parameters: request.parameters,
            key: request.key,
            draw: request.draw,
            all,
            batched,
            states,
            queue: VecDeque::new(),
            tickets: 0,
            open: 0,
            stale: true,
            end: End::Ahead,
            graph,
        }
    }

    /// Something that can be done now, side by side with all that was told before; nothing where something must be heard
    /// first. Whoever walks asks until there is nothing, then whether the walk has [`finished`](Self::finished).
    pub fn next_step(&mut self) -> Option<Step> {
        self.advance();
        Some(match self.queue.pop_front()? {
            Queued::Pause(ticket, length) => Step::Pause { ticket, length },
            Queued::Cancel(ticket) => Step::Cancel(ticket),
            Queued::Call {
                ticket,
                attempt,
                inputs,
                rows,
            } => {
                self.states[ticket.node.index()].visit.attempts += 1;
                Step::Call(Call {
                    ticket,
                    node: ticket.node,
                    attempt,
                    inputs: inputs.into_iter().map(Arc::unwrap_or_clone).collect(),
                    rows,
                })
            }
        })
    }

    /// Tells what came of a call: its outputs in the order of the callee's contract, or why there are none. What is told
    /// of a ticket that was cancelled, or told of before, is not heard.
    pub fn answered(&mut self, ticket: Ticket, result: Result<Vec<Tensor>, Failed<E>>) {
        let calling = |run: &Run| matches!(&run.stage, Stage::Calling(a) if a.ticket == ticket);
        let Some((mut run, attempt)) = self.settle(ticket, calling) else {
            return;
        };
        let graph = Arc::clone(&self.graph);
        let node = graph.node(ticket.node);
        let cause = match result {
            Ok(outputs) => match self.fits(&graph, ticket.node, &outputs, run.rows.count()) {
                Ok(()) => {
                    self.states[ticket.node.index()].give(Part {
                        held: run.rows.clone(),
                        rows: run.rows,
                        of: outputs.into_iter().map(Arc::new).collect(),
                    });
                    return;
                }
                Err(what) => Cause::Unfit(what),
            },
            Err(failed) => match &node.retry {
                Some(retry) if failed.retryable && attempt.number < retry.attempts => {
                    let doubled = 2_u32.saturating_pow(attempt.number - 1);
                    let attempt = Attempt {
                        ticket: self.ticket(ticket.node),
                        ..attempt
                    };
                    let length = retry.backoff.saturating_mul(doubled);
                    self.queue.push_back(Queued::Pause(attempt.ticket, length));
                    run.stage = Stage::Resting(attempt);
                    self.states[ticket.node.index()].runs.push(run);
                    return;
                }
                _ => Cause::Failed(failed.error),
            },
        };
        let rows = std::mem::take(&mut run.rows);
        self.fail(&graph, ticket.node, &mut run, rows, cause);
        if !run.taken.is_empty() {
            run.stage = Stage::Taking;
            self.states[ticket.node.index()].runs.push(run);
        }
    }

    /// Tells that a pause is over. What is told of a ticket that was cancelled is not heard.
    pub fn rested(&mut self, ticket: Ticket) {
        let resting = |run: &Run| matches!(&run.stage, Stage::Resting(a) if a.ticket == ticket);
        if let Some((mut run, attempt)) = self.settle(ticket, resting) {
            let graph = Arc::clone(&self.graph);
            let number = attempt.number + 1;
            self.call(&graph, ticket.node, &mut run, number, attempt.inputs);
            self.states[ticket.node.index()].runs.push(run);
        }
    }

    /// How the walk ended, once. Steps that are left then are all cancellations.
    pub fn finished(&mut self) -> Option<Result<Done, Stop<E>>> {
        self.advance();
        match std::mem::replace(&mut self.end, End::Told) {
            End::Reached(result) => Some(result),
            End::Ahead => {
                self.end = End::Ahead;
                None
            }
            End::Told => None,
        }
    }

    /// The calls and pauses that nothing was heard of yet, in no order: what a walk hangs on whose time is over.
    pub fn waiting(&self) -> impl Iterator<Item = Ticket> {
        let runs = self.states.iter().flat_map(|state| &state.runs);
        runs.filter_map(Run::ticket)
    }

    /// What each node had to do with the request so far, in the order of the nodes.
    #[must_use]
    pub fn visits(&self) -> Vec<Visit> {
        self.states.iter().map(|state| state.visit(false)).collect()
    }

    /// Does all that can be done now.
    fn advance(&mut self) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        let graph = Arc::clone(&self.graph);
        loop {
            if self.ahead() {
                self.progress(&graph);
            }
            if !self.ahead() {
                return self.cancel_all();
            }
            if self.look_back(&graph) || (self.open == 0 && self.go_ahead(&graph)) {
                continue;
            }
            if self.open == 0 {
                self.stand_still(&graph);
                continue;
            }
            return;
        }
    }

    fn ahead(&self) -> bool {
        matches!(self.end, End::Ahead)
    }

    fn cancel_all(&mut self) {
        for at in 0..self.states.len() {
            for run in std::mem::take(&mut self.states[at].runs) {
                self.cancel(&run);
            }
        }
    }

    /// Nobody wants a run any more. A call that was not told yet is not told at all.
    fn cancel(&mut self, run: &Run) {
        let Some(ticket) = run.ticket() else { return };
        self.open -= 1;
        let length = self.queue.len();
        self.queue.retain(|queued| queued.ticket() != ticket);
        if self.queue.len() == length {
            self.queue.push_back(Queued::Cancel(ticket));
        }
    }

    /// The run that a ticket is out for, which something was heard of now.
    fn settle(&mut self, ticket: Ticket, is: impl Fn(&Run) -> bool) -> Option<(Run, Attempt)> {
        let runs = &mut self.states.get_mut(ticket.node.index())?.runs;
        let Some(at) = runs.iter().position(is) else {
            // Cancelled, which need not be told any more.
            self.queue.retain(|queued| queued.ticket() != ticket);
            return None;
        };
        let mut run = runs.swap_remove(at);
        self.open -= 1;
        self.stale = true;
        match std::mem::replace(&mut run.stage, Stage::Taking) {
            Stage::Calling(attempt) | Stage::Resting(attempt) => Some((run, attempt)),
            Stage::When | Stage::Case(_) | Stage::Gather | Stage::Taking => None,
        }
    }

    fn ticket(&mut self, node: NodeId) -> Ticket {
        self.tickets += 1;
        self.open += 1;
        let number = self.tickets;
        Ticket { node, number }
    }

    /// Whether an answer is what is expected of whom a node calls.
    fn fits(
        &self,
        graph: &Graph,
        id: NodeId,
        outputs: &[Tensor],
        rows: usize,
    ) -> Result<(), String> {
        let Work::Call { contract, .. } = &graph.node(id).work else {
            return Ok(());
        };
        let checked = contract.check_outputs(outputs);
        checked.map_err(|mismatch| mismatch.to_string())?;
        for (tensor, port) in outputs.iter().zip(&contract.outputs) {
            let got = tensor.shape().first().copied();
            if self.batched && got != Some(rows) {
                let shape = tensor.shape();
                return Err(format!(
                    "output '{}': expected {rows} rows, got shape {shape:?}",
                    port.name
                ));
            }
        }
        Ok(())
    }

    /// Has a node called.
    fn call(
        &mut self,
        graph: &Graph,
        id: NodeId,
        run: &mut Run,
        number: u32,
        inputs: Vec<Arc<Tensor>>,
    ) {
        let ticket = self.ticket(id);
        let attempts = graph.node(id).retry.map_or(1, |retry| retry.attempts);
        let kept = if number < attempts {
            inputs.clone()
        } else {
            Vec::new()
        };
        self.queue.push_back(Queued::Call {
            ticket,
            attempt: number,
            inputs,
            rows: run.rows.count(),
        });
        run.stage = Stage::Calling(Attempt {
            ticket,
            number,
            inputs: kept,
        });
    }
}

// === impl Queued ===

impl Queued {
    fn ticket(&self) -> Ticket {
        match self {
            Self::Call { ticket, .. } | Self::Pause(ticket, _) | Self::Cancel(ticket) => *ticket,
        }
    }
}

#[cfg(test)]
mod tests;
