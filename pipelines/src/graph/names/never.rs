//! Outputs that can never be there, because a condition on the way to them never holds.
//!
//! Only conditions that read nothing of the request are judged, such as one that was switched off for a while.

use std::collections::BTreeMap;

use impresario_models::Port;

use crate::expr::{Expression, Outcome, Parameters, Scalar, Scope};
use crate::spec::Composite;
use crate::spec::composite::{Node, Reference, Task};

use super::super::problem::{At, Problem};
use super::{Outline, REQUEST, Role};

/// Tells outputs that can never be there, and cases that are never taken.
pub(super) fn check(
    composite: &Composite,
    outline: &Outline,
    places: &BTreeMap<&str, usize>,
    problems: &mut Vec<Problem>,
) {
    let mut never: BTreeMap<&str, &str> = BTreeMap::new();
    for &place in &outline.order {
        let node = &composite.nodes[place];
        if let Some(why) = why(node, outline, place, &never) {
            never.insert(&node.name, why);
        }
        if let Task::Switch(cases) = &node.task {
            let held = |when: &Option<_>| when.as_deref().and_then(constant) == Some(true);
            let first = cases.iter().position(|case| held(&case.when));
            if let Some(first) = first.filter(|first| first + 1 < cases.len()) {
                let message = format!(
                    "the condition of case {} of {} always holds, so that those after it are never taken",
                    first + 1,
                    cases.len()
                );
                let at = At::node(&node.name).key("switch").index(first).key("when");
                let hint = "let it read something, or let it be the last".to_owned();
                problems.push(Problem::new(at, "unreachable-case", message).hint(Some(hint)));
            }
        }
    }
    for (name, of) in &composite.outputs {
        let Reference::Node { node, .. } = of else {
            continue;
        };
        if let Some(why) = never.get(&**node)
            && places.contains_key(&**node)
        {
            let message = format!(
                "output '{name}' can never be there: node '{why}' is never asked, its condition does not hold for any request"
            );
            let hint = format!("change `when` of '{why}', or take the output out");
            let problem = Problem::new(At::output(name), "unreachable-output", message);
            problems.push(problem.hint(Some(hint)));
        }
    }
}

/// The node whose condition keeps this one from ever being there.
fn why<'c>(
    node: &'c Node,
    outline: &Outline,
    place: usize,
    never: &BTreeMap<&'c str, &'c str>,
) -> Option<&'c str> {
    if node.terms.when.as_deref().and_then(constant) == Some(false) {
        return Some(&node.name);
    }
    let lost = |of: &Reference| match of {
        Reference::Node { node, .. } => never.get(&**node).copied(),
        Reference::Request(_) => None,
    };
    let edges = || outline.edges[place].iter();
    let gone = |role: Role| {
        edges()
            .filter(move |e| e.role == role)
            .find_map(|e| lost(&e.of))
    };
    // What is absent has not failed: nothing stands in for it.
    let at = At::node(&node.name).key("when");
    if let Some(why) = edges().filter(|e| e.at == at).find_map(|e| lost(&e.of)) {
        return Some(why);
    }
    match &node.task {
        Task::Call { .. } | Task::Transform { .. } => gone(Role::Value),
        Task::Map { .. } => gone(Role::Condition),
        Task::Ensemble { rule, of, quorum } => {
            let there = of.iter().filter(|of| lost(of).is_none()).count();
            (there < quorum.unwrap_or(rule.quorum(of.len()))).then(|| gone(Role::Value))?
        }
        Task::Switch(cases) => {
            let mut why = None;
            for case in cases {
                if case.when.as_deref().and_then(constant) == Some(false) {
                    why = why.or(Some(&*node.name));
                    continue;
                }
                why = why.or(Some(*never.get(&*case.call)?));
            }
            why
        }
        Task::Splitter { arms, .. } => {
            let mut why = None;
            for (arm, _) in arms {
                why = why.or(Some(*never.get(&**arm)?));
            }
            why
        }
    }
}

/// What a condition that reads nothing of the request comes to.
fn constant(when: &str) -> Option<bool> {
    if when.contains(REQUEST) || !Expression::references(when).ok()?.is_empty() {
        return None;
    }
    let (expression, _) = Expression::check(when, &Nothing, false).ok()?;
    match expression.evaluate(&[], &Parameters::new(), None).ok()? {
        Outcome::One(Scalar::Bool(holds)) => Some(holds),
        Outcome::One(Scalar::Int(_) | Scalar::Float(_) | Scalar::Text(_)) | Outcome::Rows(_) => {
            None
        }
    }
}

/// Names that there are not.
struct Nothing;

impl Scope for Nothing {
    fn port(&self, reference: &Reference) -> Result<Port, (String, Option<String>)> {
        Err((format!("'{reference}' is not known here"), None))
    }
}
