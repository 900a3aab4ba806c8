//! Who names whom in a composite: told without knowing anything of what it calls. Types are the business of
//! [`compile`](super::compile()).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::expr::{Expression, Unfit};
use crate::spec::Composite;
use crate::spec::composite::{Node, OnError, Reference, Task};
use crate::spec::nearest;

use super::problem::{At, Problem};

mod cycles;
mod never;
mod rules;

/// Who names whom in a composite.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    /// The nodes' places in [`Composite::nodes`], each after all that it names.
    pub order: Vec<usize>,
    /// What each node names, by its place.
    pub edges: Vec<Vec<Edge>>,
}

/// One thing that a node names.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// What.
    pub of: Reference,
    /// What for.
    pub role: Role,
    /// Where it is written.
    pub at: At,
}

/// What something is named for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It is computed of.
    Value,
    /// An expression reads it.
    Condition,
    /// It may be taken.
    Branch,
    /// It is asked where the node fails.
    Fallback,
}

/// The one port of all nodes that ask nobody and choose among nobody.
pub(super) const OUTPUT: &str = "output";
/// What the request is called; no node is called so.
pub(super) const REQUEST: &str = "request";
/// What the parameters of a request are called in expressions; no input is called so.
const PARAMETERS: &str = "parameters";
/// The most names in a hint.
const SHOWN: usize = 20;

/// Checks all of a composite that can be checked without the contracts of what it calls.
///
/// # Errors
/// All that is wrong with it, in the order of the places.
pub fn outline(composite: &Composite) -> Result<Outline, Vec<Problem>> {
    let (outline, mut problems) = survey(composite);
    if problems.is_empty() {
        return Ok(outline);
    }
    problems.sort_by(|a, b| a.at.cmp(&b.at));
    Err(problems)
}

/// What is sound of a composite, and what is wrong with it. Nodes on a cycle, and those that name them, are not in the
/// order.
pub(super) fn survey(composite: &Composite) -> (Outline, Vec<Problem>) {
    let mut survey = Survey {
        composite,
        places: BTreeMap::new(),
        inputs: composite
            .inputs
            .iter()
            .map(|port| Arc::clone(&port.name))
            .collect(),
        meant: BTreeSet::new(),
        problems: Vec::new(),
    };
    survey.own_names();
    let mut edges = Vec::new();
    for node in &composite.nodes {
        edges.push(survey.edges(node));
    }
    survey.inputs.extend(requested(&edges));
    for edge in edges.iter().flatten() {
        survey.reference(&edge.of, &edge.at);
    }
    for (name, reference) in &composite.outputs {
        survey.reference(reference, &At::output(name));
    }
    for node in &composite.nodes {
        rules::check(composite, node, &mut survey.problems);
    }
    let order = survey.order(&edges);
    survey.unused(&edges);
    let outline = Outline { order, edges };
    never::check(composite, &outline, &survey.places, &mut survey.problems);
    (outline, survey.problems)
}

/// "did you mean", or all that there is.
pub(super) fn hint<'n>(word: &str, known: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(meant) = nearest(word, known.iter().copied()) {
        return Some(format!("did you mean '{meant}'?"));
    }
    let more = match known.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown = known.iter().take(SHOWN).copied().collect::<Vec<_>>();
    (!known.is_empty()).then(|| format!("known here: {}{more}", shown.join(", ")))
}

/// What is wrong with an expression, as a problem of where it is written.
pub(super) fn unfit(at: &At, unfit: Unfit) -> Problem {
    let message = format!("{}, at character {}", unfit.message, unfit.at + 1);
    Problem::new(at.clone(), unfit.code, message).hint(unfit.hint)
}

fn requested(edges: &[Vec<Edge>]) -> impl Iterator<Item = Arc<str>> {
    edges.iter().flatten().filter_map(|edge| match &edge.of {
        Reference::Request(name) => Some(Arc::clone(name)),
        Reference::Node { .. } => None,
    })
}

struct Survey<'c> {
    composite: &'c Composite,
    places: BTreeMap<&'c str, usize>,
    /// Inputs of the request that are stated or read.
    inputs: BTreeSet<Arc<str>>,
    /// Nodes that were perhaps meant by a name that there is not: they are not unused.
    meant: BTreeSet<&'c str>,
    problems: Vec<Problem>,
}

// === impl Survey ===

impl<'c> Survey<'c> {
    fn tell(&mut self, at: At, code: &'static str, message: String, hint: Option<String>) {
        self.problems
            .push(Problem::new(at, code, message).hint(hint));
    }

    /// Names that the composite gives: each once, and none that means something else.
    fn own_names(&mut self) {
        for (place, node) in self.composite.nodes.iter().enumerate() {
            if *node.name == *REQUEST {
                let message = format!("a node cannot be called '{REQUEST}': that is the request");
                let hint = Some("give the node another name".to_owned());
                self.tell(At::node(&node.name), "ambiguous-name", message, hint);
            }
            if self.places.contains_key(&*node.name) {
                let message = format!("there are two nodes '{}'", node.name);
                let hint = Some("give one of them another name".to_owned());
                self.tell(At::node(&node.name), "duplicate-name", message, hint);
                continue;
            }
            self.places.insert(&node.name, place);
        }
        let mut seen = BTreeSet::new();
        for (place, port) in self.composite.inputs.iter().enumerate() {
            let at = At::default().key("inputs").index(place).key("name");
            if !seen.insert(&port.name) {
                let message = format!("there are two inputs '{}'", port.name);
                let hint = Some("keep one of the two".to_owned());
                self.tell(at.clone(), "duplicate-name", message, hint);
            }
            self.not_parameters(&port.name, &at);
        }
        let mut seen = BTreeSet::new();
        for (name, _) in &self.composite.outputs {
            if !seen.insert(name) {
                let message = format!("there are two outputs '{name}'");
                let hint = Some("keep one of the two".to_owned());
                self.tell(At::output(name), "duplicate-name", message, hint);
            }
        }
        if self.composite.outputs.is_empty() {
            let message = "expected an output at least, got none".to_owned();
            let hint = Some("name what goes out, such as probability = \"NODE.PORT\"".to_owned());
            self.tell(At::default().key("outputs"), "no-outputs", message, hint);
        }
    }

    /// All that a node names, expressions that can be read included.
    fn edges(&mut self, node: &'c Node) -> Vec<Edge> {
        let at = At::node(&node.name);
        let mut edges = Vec::new();
        let mut add = |of: Reference, role, at: At| edges.push(Edge { of, role, at });
        let taken = |name: &Arc<str>| Reference::Node {
            node: Arc::clone(name),
            port: None,
        };
        let mut expressions: Vec<(&Arc<str>, At)> = Vec::new();
        match &node.task {
            Task::Call { inputs, .. } => {
                for (port, of) in inputs {
                    add(of.clone(), Role::Value, at.clone().key("inputs").key(port));
                }
            }
            Task::Ensemble { of, .. } | Task::Transform { of, .. } => {
                for (place, of) in of.iter().enumerate() {
                    add(of.clone(), Role::Value, at.clone().key("of").index(place));
                }
            }
            Task::Switch(cases) => {
                for (place, case) in cases.iter().enumerate() {
                    let at = at.clone().key("switch").index(place);
                    if let Some(when) = &case.when {
                        expressions.push((when, at.clone().key("when")));
                    }
                    let key = case.when.as_ref().map_or("else", |_| "call");
                    add(taken(&case.call), Role::Branch, at.key(key));
                }
            }
            Task::Splitter { arms, .. } => {
                for (place, (arm, _)) in arms.iter().enumerate() {
                    let at = at.clone().key("splitter").index(place).key("call");
                    add(taken(arm), Role::Branch, at);
                }
            }
            Task::Map { expression, .. } => expressions.push((expression, at.clone().key("map"))),
        }
        if let Some(when) = &node.terms.when {
            expressions.push((when, at.clone().key("when")));
        }
        match &node.terms.on_error {
            OnError::Fallback(to) if *to != node.name => {
                let at = at.key("on_error").key("fallback");
                add(taken(to), Role::Fallback, at);
            }
            OnError::Fallback(_) | OnError::Fail | OnError::Skip | OnError::Default(_) => {}
        }
        for (text, at) in expressions {
            match Expression::references(text) {
                Ok(read) => {
                    for of in read {
                        add(of, Role::Condition, at.clone());
                    }
                }
                Err(all) => self
                    .problems
                    .extend(all.into_iter().map(|one| unfit(&at, one))),
            }
        }
        edges
    }

    /// That what is named is there, as far as that is known without contracts.
    fn reference(&mut self, of: &Reference, at: &At) {
        let (node, port) = match of {
            Reference::Request(name) => return self.not_parameters(name, at),
            Reference::Node { node, port } => (node, port),
        };
        let Some(&place) = self.places.get(&**node) else {
            let names = self.places.keys().copied();
            let near = nearest(node, names.clone());
            self.meant.extend(near);
            let hint = match self.inputs.contains(&**node) {
                true => Some(format!("did you mean '{REQUEST}.{node}'?")),
                false => hint(node, names),
            };
            let message = format!("there is no node '{node}'");
            return self.tell(at.clone(), "unknown-node", message, hint);
        };
        let found = &self.composite.nodes[place];
        if let Some(port) = port
            && joins(&found.task)
            && **port != *OUTPUT
        {
            let message = format!("node '{node}' has no port '{port}': expected '{OUTPUT}'");
            let hint = Some(format!("write '{node}.{OUTPUT}' or '{node}'"));
            self.tell(at.clone(), "unknown-port", message, hint);
        }
    }

    fn not_parameters(&mut self, input: &str, at: &At) {
        if input == PARAMETERS {
            let message = format!(
                "an input cannot be called '{PARAMETERS}': '{REQUEST}.{PARAMETERS}' is what the request says beside its \
                 inputs"
            );
            let hint = Some("give the input another name".to_owned());
            self.tell(at.clone(), "ambiguous-name", message, hint);
        }
    }

    /// The nodes, each after those that it names; every cycle is told.
    fn order(&mut self, edges: &[Vec<Edge>]) -> Vec<usize> {
        let next = |place: usize| -> Vec<(usize, &Edge)> {
            let edges = edges[place].iter();
            let named = edges.filter_map(|edge| Some((self.place(&edge.of)?, edge)));
            named.collect()
        };
        let next: Vec<Vec<(usize, &Edge)>> = (0..edges.len()).map(next).collect();
        for way in cycles::find(&next) {
            let names: Vec<&str> = way.iter().map(|edge| self.name(edge.0)).collect();
            let message = match names[..] {
                [one] => format!("node '{one}' waits for itself"),
                _ => format!(
                    "these nodes wait for each other: {} → {}",
                    names.join(" → "),
                    names[0]
                ),
            };
            let hint = "let one of them read something else".to_owned();
            let at = way[0].1.at.clone();
            self.tell(at, "cycle", message, Some(hint));
        }
        cycles::order(&next, |place| self.name(place))
    }

    /// Nodes that nothing goes out of.
    fn unused(&mut self, edges: &[Vec<Edge>]) {
        let outputs = self.composite.outputs.iter();
        let named = outputs.filter_map(|(_, of)| self.place(of));
        let meant = self.meant.iter().filter_map(|name| self.places.get(name));
        let mut left: Vec<usize> = named.chain(meant.copied()).collect();
        let mut used = BTreeSet::new();
        while let Some(place) = left.pop() {
            if used.insert(place) {
                left.extend(edges[place].iter().filter_map(|edge| self.place(&edge.of)));
            }
        }
        for (&name, &place) in &self.places.clone() {
            if used.contains(&place) {
                continue;
            }
            let readers = (0..edges.len()).filter(|&reader| {
                let mut named = edges[reader].iter();
                reader != place && named.any(|edge| self.place(&edge.of) == Some(place))
            });
            let readers: Vec<String> = readers.map(|r| format!("'{}'", self.name(r))).collect();
            let message = match readers.len() {
                0 => format!("nobody reads node '{name}', and no output is made of it"),
                _ => format!(
                    "no output is made of node '{name}', nor of who reads it: {}",
                    readers.join(", ")
                ),
            };
            let hint = format!("read '{name}' somewhere, or take it out");
            self.tell(At::node(name), "unused-node", message, Some(hint));
        }
    }

    fn place(&self, of: &Reference) -> Option<usize> {
        match of {
            Reference::Node { node, .. } => self.places.get(&**node).copied(),
            Reference::Request(_) => None,
        }
    }

    fn name(&self, place: usize) -> &'c str {
        &self.composite.nodes[place].name
    }
}

/// Whether a node has one port, [`OUTPUT`], whatever the contracts say.
pub(super) fn joins(task: &Task) -> bool {
    match task {
        Task::Ensemble { .. } | Task::Transform { .. } | Task::Map { .. } => true,
        Task::Call { .. } | Task::Switch(_) | Task::Splitter { .. } => false,
    }
}
