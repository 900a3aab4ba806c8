//! Nodes of which one is taken: the ports that all of them share, and what stands in for one that fails.

use std::num::NonZeroUsize;
use std::sync::Arc;

use impresario_models::{Batching, Contract, Port};

use super::super::problem::At;
use super::super::shape::Branch;
use super::types::described;
use super::{Rows, Typing};
use crate::spec::Substitute;
use crate::spec::composite::{Node, OnError};

impl Typing<'_> {
    /// The ports of a node that takes one of some branches, and where they are in each.
    pub(super) fn shared(
        &mut self,
        branches: &[&Arc<str>],
        at: At,
    ) -> Option<(Vec<Port>, Vec<Branch>)> {
        if self.told.contains(&at) {
            return None;
        }
        let mut all: Vec<(Branch, &[Port])> = Vec::new();
        for branch in branches {
            let done = self.done.get(&***branch)?;
            let ports = Vec::new();
            all.push((
                Branch {
                    node: done.id,
                    ports,
                },
                done.ports.as_ref()?,
            ));
        }
        let mut shared = Vec::new();
        for port in all.first()?.1 {
            let mut joined = self.axes.port(port);
            let mut places = Vec::new();
            for (_, ports) in &all {
                let Some(place) = ports.iter().position(|p| p.name == port.name) else {
                    break;
                };
                let Ok(port) = self.axes.join(&joined, &ports[place]) else {
                    break;
                };
                joined = port;
                places.push(place);
            }
            if places.len() == all.len() {
                shared.push(joined);
                for ((branch, _), place) in all.iter_mut().zip(places) {
                    branch.ports.push(place);
                }
            }
        }
        if shared.is_empty() {
            let mut gives: Vec<String> = Vec::new();
            for (branch, (_, ports)) in branches.iter().zip(&all) {
                let one = format!("'{branch}' gives {}", self.list(ports));
                if !gives.contains(&one) {
                    gives.push(one);
                }
            }
            let message = format!(
                "expected a port of the same name and type in all branches, got none: {}",
                gives.join("; ")
            );
            let hint = "let a transform give each branch the same `output`".to_owned();
            self.tell(at, "no-shared-port", message, Some(hint));
            return None;
        }
        let branches = all.into_iter().map(|(branch, _)| branch).collect();
        Some((shared, branches))
    }

    /// What happens where a node fails. Its ports become what it gives or what stands in for it does.
    pub(super) fn on_error(
        &mut self,
        node: &Node,
        ports: &mut Option<Vec<Port>>,
    ) -> Option<OnError<Branch>> {
        let at = At::node(&node.name).key("on_error");
        match &node.terms.on_error {
            OnError::Fail => Some(OnError::Fail),
            OnError::Skip => Some(OnError::Skip),
            OnError::Default(substitute) => {
                self.default(substitute, ports.as_ref()?, at.key("default"))?;
                Some(OnError::Default(substitute.clone()))
            }
            OnError::Fallback(to) => {
                let ports = ports.as_mut()?;
                let branch = self.fallback(&node.name, ports, to, at.key("fallback"))?;
                Some(OnError::Fallback(branch))
            }
        }
    }

    fn default(&mut self, substitute: &Substitute, ports: &[Port], at: At) -> Option<()> {
        let contract = |batched| Contract {
            inputs: Vec::new(),
            outputs: ports.iter().map(|port| self.axes.port(port)).collect(),
            batching: match batched {
                true => Batching::FirstAxis {
                    max: None::<NonZeroUsize>,
                },
                false => Batching::None,
            },
        };
        let rows: &Rows = &self.rows;
        match rows.try_with(|batched| substitute.fill(&contract(batched), 1)) {
            Ok(_) => Some(()),
            Err(message) => {
                self.tell(at, "unfit-default", message, None);
                None
            }
        }
    }

    fn fallback(
        &mut self,
        name: &str,
        ports: &mut [Port],
        to: &Arc<str>,
        at: At,
    ) -> Option<Branch> {
        if self.told.contains(&at) {
            return None;
        }
        let done = self.done.get(&**to)?;
        let theirs = done.ports.as_ref()?;
        let mut branch = Branch {
            node: done.id,
            ports: Vec::new(),
        };
        let mut lacking = Vec::new();
        for port in ports.iter_mut() {
            let place = theirs.iter().position(|p| p.name == port.name);
            let joined = place.and_then(|place| {
                let joined = self.axes.join(port, &theirs[place]).ok()?;
                Some((place, joined))
            });
            match joined {
                Some((place, joined)) => {
                    branch.ports.push(place);
                    *port = joined;
                }
                None => lacking.push(port.clone()),
            }
        }
        if lacking.is_empty() {
            return Some(branch);
        }
        let message = format!(
            "expected of '{to}' what '{name}' gives, {}, got {}",
            self.list(&lacking),
            self.list(theirs)
        );
        let hint = "name a node that gives the same, or a transform of it".to_owned();
        self.tell(at, "unfit-fallback", message, Some(hint));
        None
    }

    fn list(&self, ports: &[Port]) -> String {
        let one = |port: &Port| format!("{} ({})", port.name, described(&self.axes.port(port)));
        match ports {
            [] => "nothing".to_owned(),
            ports => ports.iter().map(one).collect::<Vec<_>>().join(", "),
        }
    }
}
