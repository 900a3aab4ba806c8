//! A walk that is told as a story: what it asks for, in words, and what it is told.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use impresario_models::Tensor;

use crate::expr::Scalar;
use crate::graph::{Done, Failed, Graph, Request, Step, Stop, Ticket, Walk};

pub(super) struct Story {
    graph: Arc<Graph>,
    walk: Walk<String>,
    /// What nothing was told of yet.
    out: BTreeMap<String, Ticket>,
}

impl Story {
    /// A request of rows with these `x`, and the parameter `tier`.
    pub(super) fn of(graph: &Arc<Graph>, xs: &[i64]) -> Self {
        Self::with(graph, xs, Some("u1"), 0)
    }

    pub(super) fn with(graph: &Arc<Graph>, xs: &[i64], key: Option<&str>, draw: u64) -> Self {
        let tier = Scalar::Text("gold".into());
        let request = Request {
            inputs: vec![
                Tensor::vector((100..).take(xs.len()).collect()),
                Tensor::vector(xs.to_vec()),
            ],
            parameters: [("tier".into(), tier)].into(),
            key: key.map(Arc::from),
            draw,
        };
        Self {
            graph: Arc::clone(graph),
            walk: Walk::begin(Arc::clone(graph), request),
            out: BTreeMap::new(),
        }
    }

    /// What is to be done now, in the order of the names: calls with the last of their inputs.
    pub(super) fn steps(&mut self) -> String {
        let mut told = Vec::new();
        while let Some(step) = self.walk.next_step() {
            let name = |ticket: Ticket| self.graph.node(ticket.node()).name.to_string();
            told.push(match step {
                Step::Call(call) => {
                    let name = name(call.ticket);
                    assert!(self.out.insert(name.clone(), call.ticket).is_none());
                    let last = call.inputs.last().unwrap().as_slice::<i64>().unwrap();
                    assert_eq!(last.len(), call.rows);
                    let again = (call.attempt > 1).then(|| format!(" again ({})", call.attempt));
                    format!("{name}{} {last:?}", again.unwrap_or_default())
                }
                Step::Pause { ticket, length } => {
                    self.out.insert(name(ticket), ticket);
                    format!("{} rests {length:?}", name(ticket))
                }
                Step::Cancel(ticket) => {
                    assert_eq!(self.out.remove(&name(ticket)), Some(ticket));
                    format!("{} cancelled", name(ticket))
                }
            });
        }
        let waiting: Vec<_> = self.walk.waiting().collect();
        assert_eq!(waiting.len(), self.out.len());
        assert!(self.out.values().all(|ticket| waiting.contains(ticket)));
        told.sort();
        told.join(", ")
    }

    /// A call is answered: these in port `a`, ten times as much in `b`. Tells what is to be done then.
    pub(super) fn answer(&mut self, name: &str, values: &[i64]) -> String {
        let ticket = self.out.remove(name).unwrap();
        let tens = values.iter().map(|value| value * 10).collect();
        let outputs = vec![Tensor::vector(values.to_vec()), Tensor::vector(tens)];
        self.walk.answered(ticket, Ok(outputs));
        self.steps()
    }

    pub(super) fn error(&mut self, name: &str, error: &str, retryable: bool) -> String {
        let ticket = self.out.remove(name).unwrap();
        let error = error.to_owned();
        self.walk.answered(ticket, Err(Failed { error, retryable }));
        self.steps()
    }

    pub(super) fn rested(&mut self, name: &str) -> String {
        let ticket = self.out.remove(name).unwrap();
        self.walk.rested(ticket);
        self.steps()
    }

    pub(super) fn end(&mut self) -> Result<Done, Stop<String>> {
        let end = self.walk.finished().expect("the walk is over");
        assert_eq!(self.steps(), "");
        assert!(self.out.is_empty() && self.walk.finished().is_none());
        end
    }

    /// The first output of a walk that went well.
    pub(super) fn output(&mut self) -> Vec<i64> {
        let done = self.end().map_err(|stop| stop.to_string()).unwrap();
        done.outputs[0].as_slice().unwrap().to_vec()
    }

    /// What a walk broke off on.
    pub(super) fn stop(&mut self) -> String {
        self.end().unwrap_err().to_string()
    }

    pub(super) fn goes_on(&mut self) -> bool {
        self.walk.finished().is_none()
    }

    /// What each node had to do with it so far.
    pub(super) fn visits(&self) -> String {
        let mut text = String::new();
        for visit in self.walk.visits() {
            let name = |id| &self.graph.node(id).name;
            write!(text, "{}: {}", name(visit.node), visit.fate).unwrap();
            for (what, count) in [
                ("rows", visit.rows),
                ("skipped", visit.skipped),
                ("fell back", visit.fell_back),
                ("defaulted", visit.defaulted),
                ("attempts", visit.attempts as usize),
            ] {
                if count > 0 {
                    write!(text, ", {what} {count}").unwrap();
                }
            }
            for (node, rows) in visit.took {
                write!(text, ", {rows} of {}", name(node)).unwrap();
            }
            for node in visit.missing {
                write!(text, ", without {}", name(node)).unwrap();
            }
            if let Some(failure) = visit.failure {
                write!(text, ", for '{failure}'").unwrap();
            }
            text.push('\n');
        }
        text
    }
}
