//! Walking a composite: what the walk of its graph says is to be called is called here, side by side, within one budget of
//! time. A call that nobody wants any more is dropped, and so is all that is under way when the walk's own caller leaves.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{AbortHandle, Abortable, Aborted};
use futures_util::stream::{FuturesUnordered, StreamExt};
use impresario_models::{Contract, Tensor};
use impresario_pipelines::expr::Parameters;
use impresario_pipelines::graph::{
    Call, Cause, Done, Failed, Graph, NodeId, Request, Step, Stop, Ticket, Walk, Work,
};
use impresario_pipelines::spec::composite::Callee;

use super::dispatch::Time;
use super::trail::{Called, Trail};
use super::{Answer, Asks, Entry, SOON, Serve, Terms, rescue};
use crate::actors::Computed;
use crate::clock;
use crate::error::{Error, Load, Node};
use crate::measure::Outcome;

/// What a graph goes by, beside its inputs.
#[derive(Clone, Debug, Default)]
pub struct Guide {
    /// What the request's decisions are kept under, those of pipelines that nodes ask too.
    pub(super) id: Option<Arc<str>>,
    /// Whose request it is, for splitters and for the pipelines that nodes ask.
    pub(super) key: Option<Arc<str>>,
    /// A uniform draw, for splitters where there is no key.
    pub(super) draw: u64,
    /// The parameters, for expressions.
    pub(super) parameters: Parameters,
    /// Nobody gets the answer: the pipelines that nodes ask learn nothing from it.
    pub(super) aside: bool,
}

impl Guide {
    /// For whom nobody waits: what is asked on the way learns nothing from it.
    pub(super) fn aside(mut self) -> Self {
        self.aside = true;
        self
    }
}

/// What a walk came to.
pub(super) struct Walked {
    pub(super) result: Result<Computed, Error>,
    pub(super) trail: Trail,
}

/// A walk under way.
struct Walking<'a> {
    serve: &'a Serve,
    graph: &'a Arc<Graph>,
    members: &'a [Option<Entry>],
    guide: &'a Guide,
    time: Time,
    begun: Instant,
    walk: Walk<Told>,
    calls: FuturesUnordered<Abortable<Pending<'a>>>,
    open: Vec<(Ticket, AbortHandle)>,
    called: Vec<Called>,
}

/// A call or pause under way. Boxed, as a node may ask a composite in turn.
type Pending<'a> = Pin<Box<dyn Future<Output = Heard> + Send + 'a>>;

/// What was heard of a ticket.
enum Heard {
    Rested(Ticket),
    Answered {
        ticket: Ticket,
        result: Result<Vec<Tensor>, Error>,
        called: Box<Called>,
    },
}

/// An error, told as callers may know it: the words of a walk go to them.
#[derive(Debug)]
struct Told(Error);

impl Serve {
    /// Walks a graph with inputs in the order of its contract, checked. What its nodes call is looked up but for `members`,
    /// which are held by the nodes' places.
    pub(super) async fn walk(
        &self,
        graph: &Arc<Graph>,
        members: &[Option<Entry>],
        guide: Guide,
        inputs: Vec<Tensor>,
        time: Time,
    ) -> Walked {
        let request = Request {
            inputs,
            parameters: guide.parameters.clone(),
            key: guide.key.clone(),
            draw: guide.draw,
        };
        let walking = Walking {
            serve: self,
            graph,
            members,
            guide: &guide,
            time,
            begun: clock::instant(),
            walk: Walk::begin(Arc::clone(graph), request),
            calls: FuturesUnordered::new(),
            open: Vec::new(),
            called: Vec::new(),
        };
        walking.run().await
    }

    /// Asks whom a node asks.
    async fn ask_callee(
        &self,
        (callee, member): (&Callee, Option<&Entry>),
        guide: &Guide,
        contract: &Arc<Contract>,
        inputs: Vec<Tensor>,
        terms: Terms,
        by: &mut Option<Entry>,
    ) -> Result<Answer, Error> {
        let asks = || Asks::of_node(guide);
        let mut entry = match (callee, member) {
            (_, Some(member)) => {
                member.handle().used(terms.arrived);
                member.clone()
            }
            (Callee::Model { model, version }, None) => {
                let version = version.map(|version| version.to_string());
                self.enter(model.as_str(), version.as_deref(), &asks(), terms)
                    .await?
            }
            // Whoever only looks on moves nobody's numbers.
            (Callee::Pipeline(name), None) if guide.aside => self.find(name.as_str(), None)?,
            (Callee::Pipeline(name), None) => {
                self.enter(name.as_str(), None, &asks(), terms).await?
            }
        };
        entry.says(
            guide
                .parameters
                .iter()
                .map(|(name, value)| (&**name, value.clone())),
        );
        let entry: &Entry = by.insert(entry);
        // The graph is made anew for what it takes now, or says why it cannot be.
        let unfit = || Error::Unavailable {
            why: format!("{callee} takes other inputs than the graph was made for"),
            retry_after: Some(SOON),
        };
        let inputs = rescue::fit(contract, entry.contract(), inputs).ok_or_else(unfit)?;
        let mut answer = self.dispatch(entry, inputs, terms).await?;
        arrange(contract, &mut answer)?;
        Ok(answer)
    }
}

/// Puts the outputs of an answer into the order of the contract that the graph was made for.
fn arrange(contract: &Arc<Contract>, answer: &mut Answer) -> Result<(), Error> {
    let given = &answer.facts.contract;
    if Arc::ptr_eq(given, contract) || given.outputs == contract.outputs {
        return Ok(());
    }
    let arranged = contract.outputs.iter().map(|port| {
        let place = given.output(&port.name);
        let tensor = place.and_then(|place| answer.outputs.get(place));
        tensor.cloned().ok_or_else(|| Error::Broke {
            model: answer.model.clone(),
            version: answer.version,
            what: format!("output '{}' is missing, which a graph reads", port.name),
        })
    });
    answer.outputs = arranged.collect::<Result<_, _>>()?;
    Ok(())
}

// === impl Walking ===

impl<'a> Walking<'a> {
    async fn run(mut self) -> Walked {
        loop {
            while let Some(step) = self.walk.next_step() {
                self.begin(step);
            }
            if let Some(end) = self.walk.finished() {
                return self.ended(end);
            }
            let next = self.calls.next();
            let heard = tokio::time::timeout_at(self.time.deadline.into(), next).await;
            match heard {
                Ok(Some(Ok(Heard::Answered {
                    ticket,
                    result: Err(error),
                    called,
                }))) if self.is_over(&error) => {
                    self.called.push(*called);
                    let limit = self.time.limit;
                    return self.expired(Some((ticket.node(), of_all(error, limit))));
                }
                Ok(Some(Ok(heard))) => self.hear(heard),
                Ok(Some(Err(Aborted))) => {}
                // A walk that waits for nothing has ended, so there was something to hear.
                Ok(None) | Err(_) => return self.expired(None),
            }
        }
    }

    /// Whether a call ended as late as the whole request: what its node has for its own failures is no remedy then. Both
    /// clocks may ring first.
    fn is_over(&self, error: &Error) -> bool {
        matches!(error.root(), Error::Expired { .. }) && clock::instant() >= self.time.deadline
    }

    /// Begins what the walk asks for.
    fn begin(&mut self, step: Step) {
        let (ticket, pending) = match step {
            Step::Cancel(ticket) => {
                self.forget(ticket, AbortHandle::abort);
                return;
            }
            Step::Pause { ticket, length } => {
                let left = self.time.deadline;
                let until = clock::instant()
                    .checked_add(length)
                    .map_or(left, |at| at.min(left));
                let pause = async move {
                    tokio::time::sleep_until(until.into()).await;
                    Heard::Rested(ticket)
                };
                (ticket, Box::pin(pause) as Pending<'a>)
            }
            Step::Call(call) => (call.ticket, self.call(call)),
        };
        let (handle, registration) = AbortHandle::new_pair();
        self.open.push((ticket, handle));
        self.calls.push(Abortable::new(pending, registration));
    }

    fn call(&self, call: Call) -> Pending<'a> {
        let (serve, guide, begun, time) = (self.serve, self.guide, self.begun, self.time);
        let member = self.members.get(call.node.index()).and_then(Option::as_ref);
        let node = self.graph.node(call.node);
        let Work::Call {
            callee, contract, ..
        } = &node.work
        else {
            unreachable!("only nodes that call are called");
        };
        let began = clock::instant();
        let left = time.deadline.saturating_duration_since(began);
        let limit = node.timeout.map_or(left, |timeout| timeout.min(left));
        let terms = Terms {
            arrived: began,
            limit: Some(limit),
            priority: Some(time.priority),
            trace: time.trace,
        };
        Box::pin(async move {
            let mut entry = None;
            let asked = serve.ask_callee(
                (callee, member),
                guide,
                contract,
                call.inputs,
                terms,
                &mut entry,
            );
            // Waiting for a parked version ends with the node's time too.
            let asked = tokio::time::timeout_at((began + limit).into(), asked).await;
            let asked = asked.unwrap_or(Err(Error::Expired { limit }));
            let by = match (&asked, &entry) {
                (Ok(answer), _) => {
                    Some((answer.model.clone(), answer.version, answer.variant.clone()))
                }
                (Err(_), Some(entry)) => Some(entry.who()),
                (Err(_), None) => None,
            };
            let times = asked.as_ref().map(|answer| (answer.queue, answer.compute));
            let (queue, compute) = times.unwrap_or_default();
            let called = Box::new(Called {
                node: call.node,
                attempt: call.attempt,
                rows: call.rows,
                by,
                began: began - begun,
                took: began.elapsed(),
                outcome: match &asked {
                    Ok(_) => Outcome::Success,
                    Err(error) => error.code().outcome,
                },
                queue,
                compute,
                failure: asked.as_ref().err().map(Error::message),
                word: asked.as_ref().err().map(|error| error.code().word),
                within: asked.as_ref().ok().and_then(|answer| answer.trail.clone()),
            });
            Heard::Answered {
                ticket: call.ticket,
                result: asked.map(|answer| answer.outputs),
                called,
            }
        })
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Rested(ticket) => {
                self.forget(ticket, |_| ());
                self.walk.rested(ticket);
            }
            Heard::Answered {
                ticket,
                result,
                called,
            } => {
                self.forget(ticket, |_| ());
                self.called.push(*called);
                self.walk.answered(
                    ticket,
                    result.map_err(|error| Failed {
                        retryable: is_worth_another_try(&error),
                        error: Told(error),
                    }),
                );
            }
        }
    }

    fn forget(&mut self, ticket: Ticket, last: impl FnOnce(&AbortHandle)) {
        let place = self.open.iter().position(|(open, _)| *open == ticket);
        if let Some(place) = place {
            let (_, handle) = self.open.swap_remove(place);
            last(&handle);
        }
    }

    fn ended(self, end: Result<Done, Stop<Told>>) -> Walked {
        let elapsed = self.begun.elapsed();
        let (result, visits) = match end {
            Ok(done) => {
                let computed = Computed {
                    outputs: done.outputs,
                    queue: Duration::ZERO,
                    compute: elapsed,
                    executions: 1,
                };
                (Ok(computed), done.visits)
            }
            Err(stop) => {
                let why = match stop.cause {
                    Cause::Failed(Told(error)) => Node::Call(Box::new(error)),
                    Cause::Unfit(what) => Node::Unfit(what),
                    Cause::Fault(fault) => Node::Values(fault.to_string()),
                    absent @ (Cause::Quorum { .. } | Cause::Absent { .. }) => {
                        Node::Absent(absent.to_string())
                    }
                };
                let node = stop.name;
                (Err(Error::Node { node, why }), stop.visits)
            }
        };
        Walked {
            result,
            trail: Trail {
                graph: Arc::clone(self.graph),
                visits,
                calls: self.called,
            },
        }
    }

    /// The time is over: the node that was heard of last is named, or else the first of those that are waited for.
    fn expired(self, heard: Option<(NodeId, Error)>) -> Walked {
        let limit = self.time.limit;
        let waiting = || {
            let first = self.walk.waiting().map(Ticket::node).min()?;
            Some((first, Error::Expired { limit }))
        };
        let error = match heard.or_else(waiting) {
            Some((node, expired)) => Error::Node {
                node: Arc::clone(&self.graph.node(node).name),
                why: Node::Call(Box::new(expired)),
            },
            None => Error::Expired { limit },
        };
        Walked {
            result: Err(error),
            trail: Trail {
                graph: Arc::clone(self.graph),
                visits: self.walk.visits(),
                calls: self.called,
            },
        }
    }
}

/// That the time is over, told of the whole of it and not of what was left for a call.
fn of_all(error: Error, limit: Duration) -> Error {
    match error {
        Error::Expired { .. } => Error::Expired { limit },
        Error::Node {
            node,
            why: Node::Call(cause),
        } => Error::Node {
            node,
            why: Node::Call(Box::new(of_all(*cause, limit))),
        },
        other => other,
    }
}

/// Whether a node may be asked again after this: it may pass by itself, and the caller is not at fault.
fn is_worth_another_try(error: &Error) -> bool {
    match error.root() {
        Error::Overloaded { load, .. } => !matches!(load, Load::Late { .. }),
        Error::Unavailable { .. }
        | Error::Failed { .. }
        | Error::Crashed { .. }
        | Error::Hung { .. }
        | Error::Expired { .. } => true,
        Error::Node { why, .. } => match why {
            Node::Absent(_) => true,
            Node::Call(_) | Node::Unfit(_) | Node::Values(_) => false,
        },
        Error::UnknownModel { .. }
        | Error::UnknownVersion { .. }
        | Error::Contract(_)
        | Error::Refused { .. }
        | Error::RateLimited { .. }
        | Error::Key { .. }
        | Error::Variant { .. }
        | Error::Broke { .. } => false,
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message())
    }
}
