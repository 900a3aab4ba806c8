//! What holds for a node by itself: how many it takes, how many must be there, which case may go without a condition.

use crate::bucket::Slots;
use crate::spec::Composite;
use crate::spec::composite::{Callee, Node, OnError, Task};

use super::super::problem::{At, Problem};

/// Tells what is wrong with a node, whatever the others are.
pub(super) fn check(composite: &Composite, node: &Node, problems: &mut Vec<Problem>) {
    let at = At::node(&node.name);
    let mut tell = |at: At, code, message: String, hint: Option<&str>| {
        problems.push(Problem::new(at, code, message).hint(hint.map(str::to_owned)));
    };
    match &node.task {
        Task::Call { callee, .. } => {
            if own(composite, callee) {
                let key = match callee {
                    Callee::Model { .. } => "model",
                    Callee::Pipeline(_) => "pipeline",
                };
                let message = format!("{callee} is this composite itself");
                let hint = Some("call another one, or another version");
                tell(at.clone().key(key), "recursion", message, hint);
            }
        }
        Task::Ensemble { rule, of, quorum } => {
            let members = of.len();
            if members == 0 {
                let message = "expected one member at least, got none".to_owned();
                let hint = Some("name what it is made of, such as of = [\"NODE.PORT\"]");
                tell(at.clone().key("of"), "no-members", message, hint);
            } else if let Some(quorum) = *quorum {
                let at = at.clone().key("quorum");
                if !(1..=members).contains(&quorum) {
                    let message =
                        format!("expected a quorum from 1 to {members}, the members, got {quorum}");
                    tell(at, "out-of-range", message, None);
                } else if rule.of_all() && quorum < members {
                    let rule = rule.name();
                    let message = format!(
                        "expected a quorum of {members}, got {quorum}: '{rule}' needs all its members"
                    );
                    let hint = Some("leave the quorum out, or choose another ensemble");
                    tell(at, "out-of-range", message, hint);
                }
            }
        }
        Task::Transform { op, of } => {
            let name = op.name();
            let expected = match op.of_several() {
                true => of.is_empty().then_some("one value at least"),
                false => (of.len() != 1).then_some("one value"),
            };
            if let Some(expected) = expected {
                let message = format!("expected {expected} for '{name}', got {}", of.len());
                tell(at.clone().key("of"), "wrong-count", message, None);
            }
        }
        Task::Switch(cases) => {
            let at = at.clone().key("switch");
            if cases.is_empty() {
                let message = "expected one case at least, got none".to_owned();
                tell(at, "no-cases", message, None);
            } else if let Some(open) = cases[..cases.len() - 1]
                .iter()
                .position(|case| case.when.is_none())
            {
                let message = format!(
                    "case {} of {} has no condition, so that those after it are never taken",
                    open + 1,
                    cases.len()
                );
                let hint = Some("give it a `when`, or let it be the last");
                tell(at.index(open), "unreachable-case", message, hint);
            }
        }
        Task::Splitter { arms, .. } => {
            let weights: Vec<_> = arms.iter().map(|(_, weight)| *weight).collect();
            if let Err(error) = Slots::new(&weights) {
                let at = at.clone().key("splitter");
                tell(at, "invalid-weights", error.to_string(), None);
            }
        }
        Task::Map { .. } => {}
    }
    if let OnError::Fallback(to) = &node.terms.on_error
        && *to == node.name
    {
        let message = format!("node '{to}' cannot stand in for itself");
        let hint = Some("name another node, or let it be asked again by `retry`");
        let at = at.key("on_error").key("fallback");
        tell(at, "fallback-to-itself", message, hint);
    }
}

/// Whether a composite calls itself. A version of its model that has another number is another graph, or a trained model.
fn own(composite: &Composite, callee: &Callee) -> bool {
    match callee {
        Callee::Pipeline(name) => *name == composite.model,
        Callee::Model { model, version } => {
            *model == composite.model && version.is_some() && *version == composite.version
        }
    }
}
