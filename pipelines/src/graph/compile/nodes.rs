//! What each node does, with the type of what it gives.

use std::sync::Arc;

use impresario_models::{Contract, DataType, Dim, Port};

use super::super::names;
use super::super::problem::At;
use super::super::shape::{Feed, Node, NodeId, Work};
use super::types::{Axes, typed};
use super::{Done, Typing};
use crate::bucket::Slots;
use crate::combine::{Misfit, Op};
use crate::spec::composite::{Callee, Node as Written, Reference, Task};

impl<'c> Typing<'c> {
    /// Looks at a node, after all that it names. Nothing comes of one in which something is wrong or not known.
    pub(super) fn node(&mut self, place: usize) -> Option<Node> {
        let composite = self.composite;
        let written = &composite.nodes[place];
        let (mut ports, work) = self.work(place, written);
        let when = match &written.terms.when {
            None => Some(None),
            Some(when) => self
                .condition(when, &At::node(&written.name).key("when"))
                .map(Some),
        };
        let on_error = self.on_error(written, &mut ports);
        let id = u32::try_from(self.done.len()).expect("a document has fewer nodes than 2^32");
        let done = Done {
            id: NodeId(id),
            ports: ports.clone(),
        };
        self.done.insert(&written.name, done);
        Some(Node {
            name: Arc::clone(&written.name),
            work: work?,
            ports: ports?,
            when: when?,
            timeout: written.terms.timeout,
            retry: written.terms.retry,
            on_error: on_error?,
        })
    }

    /// What a node gives is known even where something is wrong with what it reads.
    fn work(&mut self, place: usize, node: &'c Written) -> (Option<Vec<Port>>, Option<Work>) {
        let at = At::node(&node.name);
        match &node.task {
            Task::Call { callee, inputs } => self.call(place, node, callee, inputs),
            Task::Ensemble { rule, of, quorum } => {
                let quorum = quorum.unwrap_or(rule.quorum(of.len()));
                self.computed(
                    of,
                    &at,
                    "ensemble",
                    |ports, batched| rule.output(ports, batched),
                    |of| Work::Ensemble {
                        rule: rule.clone(),
                        of,
                        quorum,
                    },
                )
            }
            Task::Transform { op, of } => self.computed(
                of,
                &at,
                "transform",
                |ports, batched| op.output(ports, batched),
                |of| Work::Transform { op: op.clone(), of },
            ),
            Task::Switch(cases) => {
                let mut conditions = Vec::new();
                for (place, case) in cases.iter().enumerate() {
                    let at = at.clone().key("switch").index(place).key("when");
                    conditions.push(match &case.when {
                        None => Some(None),
                        Some(when) => self.condition(when, &at).map(Some),
                    });
                }
                let names: Vec<_> = cases.iter().map(|case| &case.call).collect();
                let Some((ports, branches)) = self.shared(&names, at.key("switch")) else {
                    return (None, None);
                };
                let cases = conditions.into_iter().zip(branches);
                let cases = cases.map(|(when, branch)| Some((when?, branch)));
                (Some(ports), cases.collect::<Option<_>>().map(Work::Switch))
            }
            Task::Splitter { arms, seed } => {
                let names: Vec<_> = arms.iter().map(|(arm, _)| arm).collect();
                let Some((ports, arms_)) = self.shared(&names, at.key("splitter")) else {
                    return (None, None);
                };
                let weights: Vec<_> = arms.iter().map(|(_, weight)| *weight).collect();
                let work = Slots::new(&weights).ok().map(|slots| Work::Splitter {
                    slots,
                    seed: Arc::clone(seed),
                    arms: arms_,
                });
                (Some(ports), work)
            }
            Task::Map {
                expression,
                datatype,
            } => self.map(expression, *datatype, &at),
        }
    }

    fn call(
        &mut self,
        place: usize,
        node: &Written,
        callee: &Callee,
        written: &[(Arc<str>, Reference)],
    ) -> (Option<Vec<Port>>, Option<Work>) {
        let at = At::node(&node.name).key("inputs");
        let Some(contract) = self.contracts[place].clone() else {
            return (None, None);
        };
        for (name, _) in written {
            if contract.input(name).is_none() {
                let message = format!("{callee} has no input '{name}'");
                let hint = names::hint(name, contract.inputs.iter().map(|port| &*port.name));
                self.tell(at.clone().key(name), "unknown-port", message, hint);
            }
        }
        let first = self.first(contract.batching);
        let mut inputs = Vec::new();
        for port in &contract.inputs {
            let at = at.clone().key(&port.name);
            let of = match written.iter().find(|(name, _)| *name == port.name) {
                Some((_, of)) => of.clone(),
                None => Reference::Request(Arc::clone(&port.name)),
            };
            let fed = self.feed(&of, &at);
            let wanted = Axes::scoped(&node.name, port, first);
            inputs.push(fed.and_then(|(feed, given)| {
                let before = self.axes.port(&wanted);
                let fits = self.axes.fit(&given, &wanted);
                let fits = fits.and_then(|()| few_enough(&contract, &given));
                let Err(misfit) = fits else {
                    return Some(feed);
                };
                let message = format!(
                    "expected {} for input '{}' of {callee}, got {} of '{of}'",
                    misfit.expected, port.name, misfit.got
                );
                let hint = remedy(&given, &wanted, before != wanted);
                self.tell(at, "type-mismatch", message, hint);
                None
            }));
        }
        let outputs = contract.outputs.iter();
        let ports = outputs.map(|port| Axes::scoped(&node.name, port, first));
        let work = inputs
            .into_iter()
            .collect::<Option<_>>()
            .map(|inputs| Work::Call {
                callee: callee.clone(),
                inputs,
                contract: Arc::clone(&contract),
            });
        (Some(ports.collect()), work)
    }

    /// A node that computes one value of some.
    fn computed(
        &mut self,
        of: &[Reference],
        at: &At,
        kind: &str,
        output: impl Fn(&[&Port], bool) -> Result<Port, Misfit>,
        work: impl FnOnce(Vec<Feed>) -> Work,
    ) -> (Option<Vec<Port>>, Option<Work>) {
        let at = at.clone();
        let list = at.clone().key("of");
        let fed: Vec<_> = (0..)
            .zip(of)
            .map(|(place, of)| self.feed(of, &list.clone().index(place)))
            .collect();
        let Some(fed) = fed.into_iter().collect::<Option<Vec<_>>>() else {
            return (None, None);
        };
        if self.told.contains(&list) {
            return (None, None);
        }
        let ports: Vec<&Port> = fed.iter().map(|(_, port)| port).collect();
        match self.rows.try_with(|batched| output(&ports, batched)) {
            Ok(port) => {
                let of = fed.iter().map(|(feed, _)| *feed).collect();
                (Some(vec![port]), Some(work(of)))
            }
            Err(misfit) => {
                let source = |place: usize| {
                    of.get(place)
                        .map_or_else(String::new, |of| format!(" of '{of}'"))
                };
                let (at, whose) = match misfit.at {
                    Some(place) => (list.index(place), source(place)),
                    None => (at.key(kind), String::new()),
                };
                let message = format!("{misfit}{whose}");
                self.tell(at, "type-mismatch", message, misfit.hint);
                (None, None)
            }
        }
    }

    fn map(
        &mut self,
        text: &str,
        datatype: Option<DataType>,
        at: &At,
    ) -> (Option<Vec<Port>>, Option<Work>) {
        let Some(expression) = self.expression(text, &at.clone().key("map")) else {
            return (None, None);
        };
        let mut port = expression.expression.port();
        if let Some(datatype) = datatype {
            let op = Op::Cast(datatype);
            let cast = |batched| op.output(&[&port], batched);
            match self.rows.try_with(cast) {
                Ok(cast) => port = cast,
                Err(misfit) => {
                    let at = at.clone().key("as");
                    self.tell(at, "type-mismatch", misfit.to_string(), misfit.hint);
                    return (None, None);
                }
            }
        }
        let work = Work::Map {
            expression,
            datatype,
        };
        (Some(vec![port]), Some(work))
    }
}

/// Whether a callee that batches takes so many rows, where it is known how many there are.
fn few_enough(contract: &Contract, given: &Port) -> Result<(), Misfit> {
    match (contract.max_rows(), given.shape.first()) {
        (Some(max), Some(Dim::Fixed(rows))) if *rows > max => Err(Misfit {
            at: None,
            expected: format!("at most {max} rows"),
            got: format!("{rows} rows"),
            hint: None,
        }),
        _ => Ok(()),
    }
}

/// What to do about a value that does not fit.
fn remedy(given: &Port, wanted: &Port, unified: bool) -> Option<String> {
    if given.datatype != wanted.datatype {
        let to = wanted.datatype;
        return Some(format!(
            "let a node come between: transform = \"cast\", to = \"{to}\""
        ));
    }
    unified.then(|| {
        format!(
            "the contract says {} and one name for axes that have one size",
            typed(wanted)
        )
    })
}
