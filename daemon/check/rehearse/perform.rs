//! A request to a pipeline of the files, performed at once and in one thread. No time is kept: a node's `timeout` never
//! passes, and a pause before another attempt is none. Where versions share the traffic, the one answers that callers rely
//! on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use impresario_models::loader::panic_message;
use impresario_models::{Contract, InferError, Name, Tensor, VersionNumber};
use impresario_pipelines::graph::{Call, Failed, Graph, Request, Step, Visit, Walk, Work};
use impresario_pipelines::spec::Test;
use impresario_pipelines::spec::composite::Callee;

use super::super::graphs::{Graphs, Place, Who};

/// What is drawn for splitters where a test has no key: tests come out the same every time.
const DRAW: u64 = 0;

/// A test on its way.
pub(super) struct Performance<'a> {
    pub(super) graphs: &'a Graphs<'a>,
    pub(super) test: &'a Test,
}

/// An answer.
pub(super) struct Performed {
    /// The contract of who answered.
    contract: Arc<Contract>,
    /// The outputs in its order.
    pub(super) outputs: Vec<Tensor>,
    /// The graph, if one answered, and what its nodes had to do with it.
    pub(super) way: Option<(Arc<Graph>, Vec<Visit>)>,
}

// === impl Performance ===

impl Performance<'_> {
    /// What somebody takes and gives.
    ///
    /// # Errors
    /// Why that is not known.
    pub(super) fn contract(&self, who: &Who) -> Result<Arc<Contract>, String> {
        match who {
            Who::Graph(place) => Ok(Arc::clone(&self.graph(place)?.contract)),
            Who::Version(model, version) => {
                let contract = self.graphs.shelf.contract(model, *version);
                contract.map_err(|why| not_loaded(model, *version, &why))
            }
        }
    }

    /// Asks somebody.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(super) fn of<'n>(
        &self,
        who: &Who,
        inputs: impl Iterator<Item = (&'n str, Tensor)>,
    ) -> Result<Performed, Failed<String>> {
        match who {
            Who::Graph(place) => {
                let graph = self.graph(place).map_err(for_good)?;
                let inputs = graph.contract.arrange(inputs);
                let inputs = inputs.map_err(|mismatch| for_good(mismatch.to_string()))?;
                self.walk(graph, inputs)
            }
            Who::Version(model, version) => self.infer(model, *version, inputs),
        }
    }

    fn graph(&self, place: &Place) -> Result<Arc<Graph>, String> {
        let graph = self.graphs.made(place).graph.clone();
        graph.ok_or_else(|| {
            format!(
                "the graph of pipeline '{}' does not compile",
                place.pipeline
            )
        })
    }

    fn infer<'n>(
        &self,
        model: &Name,
        version: VersionNumber,
        inputs: impl Iterator<Item = (&'n str, Tensor)>,
    ) -> Result<Performed, Failed<String>> {
        let loaded = self.graphs.shelf.ready(model, version);
        let loaded = loaded.map_err(|why| for_good(not_loaded(model, version, &why)))?;
        let contract = loaded.contract;
        let inputs = contract.arrange(inputs);
        let inputs = inputs.map_err(|mismatch| for_good(mismatch.to_string()))?;
        let failed = |what: &dyn std::fmt::Display, retryable| Failed {
            error: format!("model '{model}' version {version}: {what}"),
            retryable,
        };
        // What it left half done is dropped with it.
        let inferred = catch_unwind(AssertUnwindSafe(|| loaded.model.infer(inputs)));
        let outputs = match inferred {
            Ok(Ok(outputs)) => outputs,
            Ok(Err(error)) => {
                let retryable = matches!(error, InferError::Failed { .. });
                return Err(failed(&error, retryable));
            }
            Err(panic) => {
                let what = format!("it panicked: {}", panic_message(&*panic));
                return Err(failed(&what, true));
            }
        };
        contract
            .check_outputs(&outputs)
            .map_err(|mismatch| failed(&InferError::Output(mismatch), false))?;
        Ok(Performed {
            contract,
            outputs,
            way: None,
        })
    }

    fn walk(&self, graph: Arc<Graph>, inputs: Vec<Tensor>) -> Result<Performed, Failed<String>> {
        let request = Request {
            inputs,
            parameters: self.test.parameters.clone(),
            key: self.test.key.as_deref().map(Arc::from),
            draw: DRAW,
        };
        let mut walk = Walk::begin(Arc::clone(&graph), request);
        loop {
            while let Some(step) = walk.next_step() {
                match step {
                    Step::Call(call) => {
                        let ticket = call.ticket;
                        walk.answered(ticket, self.call(&graph, call));
                    }
                    Step::Pause { ticket, .. } => walk.rested(ticket),
                    Step::Cancel(_) => {}
                }
            }
            match walk.finished() {
                Some(Ok(done)) => {
                    return Ok(Performed {
                        contract: Arc::clone(&graph.contract),
                        outputs: done.outputs,
                        way: Some((graph, done.visits)),
                    });
                }
                Some(Err(stop)) => {
                    return Err(Failed {
                        error: stop.to_string(),
                        retryable: true,
                    });
                }
                None => {}
            }
        }
    }

    /// Asks whom a node asks. The outputs are in the order that the graph expects.
    fn call(&self, graph: &Graph, call: Call) -> Result<Vec<Tensor>, Failed<String>> {
        let Work::Call {
            callee, contract, ..
        } = &graph.node(call.node).work
        else {
            return Err(for_good("it calls nobody".to_owned()));
        };
        let who = match callee {
            Callee::Model { model, version } => self.graphs.version(model, *version),
            Callee::Pipeline(name) => self.graphs.who(name),
        };
        let who = who.ok_or_else(|| for_good(format!("{callee} is not there")))?;
        let names = contract.inputs.iter().map(|port| &*port.name);
        let performed = self.of(&who, names.zip(call.inputs))?;
        let outputs = contract.outputs.iter().map(|port| {
            let place = performed.contract.output(&port.name);
            let output = place.and_then(|place| performed.outputs.get(place));
            let missing = || for_good(format!("{callee} has no output '{}'", port.name));
            output.cloned().ok_or_else(missing)
        });
        outputs.collect()
    }
}

fn not_loaded(model: &Name, version: VersionNumber, why: &str) -> String {
    format!("model '{model}' version {version} cannot be loaded: {why}")
}

fn for_good(error: String) -> Failed<String> {
    Failed {
        error,
        retryable: false,
    }
}
