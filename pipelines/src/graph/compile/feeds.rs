//! Where a value comes from, and of what type it is.

use impresario_models::Port;

use super::super::names;
use super::super::problem::At;
use super::super::shape::Feed;
use super::Typing;
use super::types::described;
use crate::spec::composite::{Reference, Task};

impl Typing<'_> {
    /// The place and the type of what is read; nothing where it has none, which is told here where it was not before.
    pub(super) fn feed(&mut self, of: &Reference, at: &At) -> Option<(Feed, Port)> {
        if self.told.contains(at) {
            return None;
        }
        let (node, port) = match of {
            Reference::Request(name) => {
                let place = self.inputs.iter().position(|(input, _)| input == name)?;
                let port = self.inputs[place].1.as_ref()?;
                return Some((Feed::Input(place), self.axes.port(port)));
            }
            Reference::Node { node, port } => (node, port),
        };
        let done = self.done.get(&**node)?;
        let (id, ports) = (done.id, done.ports.as_ref()?);
        let place = match (port, ports.len()) {
            (None, 1) => Some(0),
            (None, _) => {
                let (code, message) = match ports.is_empty() {
                    true => ("unknown-port", format!("node '{node}' gives nothing")),
                    false => (
                        "ambiguous-port",
                        format!(
                            "expected one port, got node '{node}', which has {}",
                            ports.len()
                        ),
                    ),
                };
                let choices: Vec<String> = ports
                    .iter()
                    .map(|port| format!("'{node}.{}'", port.name))
                    .collect();
                let hint = choices
                    .split_last()
                    .map(|(last, before)| format!("write {} or {last}", before.join(", ")));
                self.tell(at.clone(), code, message, hint);
                return None;
            }
            (Some(name), _) => ports.iter().position(|port| port.name == *name),
        };
        match (place, port) {
            (Some(place), _) => Some((Feed::Port(id, place), self.axes.port(&ports[place]))),
            (None, port) => {
                let port = port.as_deref().unwrap_or_default();
                let message = self.lack(node, port);
                let known = self.done[&**node].ports.iter().flatten();
                let hint = names::hint(port, known.map(|port| &*port.name));
                self.tell(at.clone(), "unknown-port", message, hint);
                None
            }
        }
    }

    /// Why a node does not have a port.
    fn lack(&self, node: &str, port: &str) -> String {
        let place = self.composite.nodes.iter().position(|n| *n.name == *node);
        let branches: Vec<&str> = match place.map(|place| &self.composite.nodes[place].task) {
            Some(Task::Switch(cases)) => cases.iter().map(|case| &*case.call).collect(),
            Some(Task::Splitter { arms, .. }) => arms.iter().map(|(arm, _)| &**arm).collect(),
            _ => return format!("node '{node}' has no port '{port}'"),
        };
        let mut seen = Vec::new();
        for branch in branches {
            let ports = self.done.get(branch).and_then(|done| done.ports.as_ref());
            let found = ports.into_iter().flatten().find(|p| *p.name == *port);
            let gives = match found {
                Some(port) => format!("'{branch}' gives {}", described(&self.axes.port(port))),
                None => format!("'{branch}' does not have it"),
            };
            if !seen.contains(&gives) {
                seen.push(gives);
            }
        }
        format!(
            "node '{node}' has no port '{port}' that all its branches share: {}",
            seen.join(", ")
        )
    }
}
