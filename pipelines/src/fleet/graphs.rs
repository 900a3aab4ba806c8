//! Graphs as versions: what is seen of the composites of pipelines, each of them a version of a model of its pipeline's name.
//!
//! It is derived from the routing and from what is seen of those that the graphs call, and never stored. Nothing of a graph
//! is loaded, parked or weighed; what it pins is, like any other version.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use impresario_models::{Name, VersionNumber};

use super::members::{Contracts, Known, Standing};
use super::observed::{Facts, Model, Phase, Residence, Seen, VersionPolicy};
use super::plan::Key;
use super::routing::{Entry, Routing};
use super::{Fleet, Revision};
use crate::graph::{self, Graph, Problem, Trouble};
use crate::spec::composite::{Callee, Node, OnError, Task};
use crate::spec::{Composite, Pipeline, Policy};

/// The engine that runs graphs, as it is shown.
const ENGINE: &str = "graph";
/// What a graph waits for that calls pipelines whose types it has not seen.
const UNTYPED: &str =
    "some of those that it calls were not in memory yet, so that their types are not known";

/// What is seen of the graphs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graphs {
    /// By pipeline.
    models: BTreeMap<Name, Model>,
    /// What each of them was made of.
    made: BTreeMap<Name, BTreeMap<VersionNumber, Made>>,
    /// By model, the pipelines whose graphs hang on it, each after those that it calls: what happens to a model changes
    /// nothing for others.
    hanging: Arc<BTreeMap<Name, Vec<Name>>>,
    /// The revision whose graphs they are.
    of: Option<Revision>,
}

/// What a graph was made of.
#[derive(Clone, Debug, PartialEq)]
struct Made {
    spec: Arc<Composite>,
    /// What is known of those that it calls. What is not in memory now is expected to be what it was.
    contracts: Contracts,
}

/// Looks at the graphs again for which something may have changed: all of them where that is the routing, else those that hang
/// on the model that an event was about.
pub(super) fn settle(fleet: &mut Fleet, about: Option<&Name>) {
    let graphs = &fleet.observed.graphs;
    let current = graphs.of == Some(fleet.routing.revision);
    if let Some(model) = about.filter(|_| current) {
        let hanging = Arc::clone(&graphs.hanging);
        for name in hanging.get(model).into_iter().flatten() {
            let before = fleet.observed.graphs.take(name);
            look_at(fleet, name, &before);
        }
        return;
    }
    let before = std::mem::take(&mut fleet.observed.graphs);
    let names = callees_first(&fleet.routing);
    fleet.observed.graphs.of = Some(fleet.routing.revision);
    fleet.observed.graphs.hanging = Arc::new(hanging(&fleet.routing, &names));
    for name in &names {
        look_at(fleet, name, &before);
    }
}

/// Looks at the graphs of a pipeline, after those that it calls.
fn look_at(fleet: &mut Fleet, name: &Name, before: &Graphs) {
    let entry = &fleet.routing.pipelines[name];
    let graphs = entry.graphs().into_iter();
    let looked = graphs.map(|(version, spec)| {
        let was = before.known(name, version, spec);
        let contracts = Known::contracts(fleet, spec, was.map(|(made, _)| &made.contracts));
        let spec = Arc::clone(spec);
        let made = Made { spec, contracts };
        let seen = look(fleet, &made, was, entry.asks(name, version));
        ((version, made), (version, seen))
    });
    let (made, versions): (BTreeMap<_, _>, BTreeMap<_, _>) = looked.unzip();
    let model = Model {
        // Of "latest", any of them may be meant.
        policy: VersionPolicy::All,
        residence: Residence::Parkable,
        versions,
    };
    fleet.observed.graphs.models.insert(name.clone(), model);
    fleet.observed.graphs.made.insert(name.clone(), made);
}

/// All that is wrong with a composite, as far as is known of those that it calls.
pub(super) fn problems(fleet: &Fleet, spec: &Composite) -> Vec<Problem> {
    let contracts = &Known::contracts(fleet, spec, None);
    match graph::compile(spec, &Known { fleet, contracts }) {
        Ok(_) | Err(Trouble::Waiting(_)) => Vec::new(),
        Err(Trouble::Wrong(problems)) => problems,
    }
}

/// What is seen of a graph now, given what was seen of it before.
fn look(fleet: &Fleet, made: &Made, was: Option<(&Made, &Seen)>, parkable: bool) -> Seen {
    let Made { spec, contracts } = made;
    let was = was.filter(|(was, _)| was.contracts == *contracts);
    let (facts, wrong) = match was.and_then(|(_, seen)| seen.facts.as_ref()) {
        Some(facts) => (Some(Arc::clone(facts)), None),
        None => match graph::compile(spec, &Known { fleet, contracts }) {
            Ok(graph) => (Some(Arc::new(facts(spec, graph))), None),
            Err(Trouble::Waiting(_)) => (None, None),
            Err(Trouble::Wrong(problems)) => (None, Some(list(&problems))),
        },
    };
    let standing = stands(fleet, spec, facts.is_some(), parkable);
    let standing = wrong
        .into_iter()
        .map(Standing::Gone)
        .fold(standing, Standing::worse);
    let mut seen = Seen {
        facts,
        ..Seen::discovered()
    };
    match standing {
        Standing::Answers => seen.phase = Phase::Ready,
        Standing::Restarts {
            until,
            building,
            why,
        } => {
            seen.phase = Phase::Restarting { until, building };
            seen.trouble = Some(why);
        }
        Standing::Waits(why) => seen.waits = Some(why),
        Standing::Gone(why) => {
            seen.phase = Phase::Failed;
            seen.trouble = Some(why.clone());
            seen.waits = Some(why);
        }
    }
    seen
}

/// Whether those that a graph calls can answer: the first of the worst of them decides. Where one cannot for which the graph
/// has a remedy, the graph answers all the same, unless its contract was never known.
pub(super) fn stands(fleet: &Fleet, spec: &Composite, compiled: bool, parkable: bool) -> Standing {
    let calls = calls(spec).filter(|(node, _)| !compiled || node.terms.on_error == OnError::Fail);
    let each = calls.map(|(node, callee)| {
        let told = |why: String| format!("node '{}' calls {callee}, which {why}", node.name);
        Standing::of(fleet, callee, parkable && compiled).told(told)
    });
    let worst = each.fold(Standing::Answers, Standing::worse);
    match compiled {
        true => worst,
        false => worst.worse(Standing::Waits(UNTYPED.to_owned())),
    }
}

/// The versions that a graph waits for which nobody can call before it is ready: they come by themselves.
pub(super) fn awaited(fleet: &Fleet, name: &Name, entry: &Entry) -> Vec<Key> {
    let graphs = &fleet.observed.graphs;
    let made = graphs.made.get(name).into_iter().flatten();
    let waiting = made.filter(|(version, _)| {
        let seen = fleet.observed.version(name.as_str(), **version);
        entry.asks(name, **version) && !seen.is_some_and(Seen::serves)
    });
    let calls = waiting.flat_map(|(_, made)| calls(&made.spec).map(move |call| (made, call)));
    let awaited = calls.filter_map(|(made, (_, callee))| {
        let (model, version) = match callee {
            Callee::Model { model, version } => (model, *version),
            Callee::Pipeline(name) => match fleet.routing.pipelines.get(name) {
                Some(entry) => entry.primary(),
                None => (name, None),
            },
        };
        let there = fleet.observed.models.get(model)?;
        let version = version.or_else(|| there.newest())?;
        // One that is known comes when it is called.
        let comes =
            there.versions.get(&version)?.stay.proven.is_some() && made.contracts.knows(callee);
        (!comes).then(|| (model.clone(), version))
    });
    awaited.collect()
}

fn facts(spec: &Composite, graph: Graph) -> Facts {
    Facts {
        contract: Arc::clone(&graph.contract),
        engine: ENGINE.to_owned(),
        digest: digest(spec),
        memory: 0,
        timeout: 0,
        instances: 0,
        load_ms: 0,
        golden: 0,
        graph: Some(Arc::new(graph)),
    }
}

/// SHA-256 of the canonical JSON of a graph, in hexadecimal.
fn digest(spec: &Composite) -> String {
    Pipeline::new(Policy::Composite(Arc::new(spec.clone()))).digest()
}

/// All problems in a line.
pub(super) fn list<P: ToString>(problems: &[P]) -> String {
    let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
    all.join("; ")
}

// === what a composite names ===

/// The graphs of a pipeline by their numbers, that of its policy included.
pub(super) fn composites(
    pipeline: &Pipeline,
) -> impl Iterator<Item = (VersionNumber, &Arc<Composite>)> {
    let own = match pipeline.policy() {
        Policy::Composite(graph) => Some(graph),
        Policy::Standalone { .. }
        | Policy::Canary(_)
        | Policy::Experiment(_)
        | Policy::Bandit(_) => None,
    };
    let own = own.and_then(|graph| Some((graph.version?, graph)));
    let graphs = pipeline.graphs().iter();
    graphs.map(|(version, graph)| (*version, graph)).chain(own)
}

/// Whether versions of a pipeline's own name are graphs.
pub(super) fn has_graphs(pipeline: &Pipeline) -> bool {
    matches!(pipeline.policy(), Policy::Composite(_)) || !pipeline.graphs().is_empty()
}

/// The nodes that call somebody, and whom.
pub(super) fn calls(spec: &Composite) -> impl Iterator<Item = (&Node, &Callee)> {
    spec.nodes.iter().filter_map(|node| match &node.task {
        Task::Call { callee, .. } => Some((node, callee)),
        Task::Ensemble { .. }
        | Task::Switch(_)
        | Task::Splitter { .. }
        | Task::Transform { .. }
        | Task::Map { .. } => None,
    })
}

/// The versions that a graph pins.
pub(super) fn pins(spec: &Arc<Composite>) -> impl Iterator<Item = (&Name, VersionNumber)> {
    calls(spec).filter_map(|(_, callee)| match callee {
        Callee::Model { model, version } => Some((model, (*version)?)),
        Callee::Pipeline(_) => None,
    })
}

/// The pipelines that a graph calls.
pub(super) fn called(spec: &Arc<Composite>) -> impl Iterator<Item = &Name> {
    calls(spec).filter_map(|(_, callee)| match callee {
        Callee::Pipeline(name) => Some(name),
        Callee::Model { .. } => None,
    })
}

fn called_by(entry: &Entry) -> Vec<&Name> {
    entry.graphs().into_values().flat_map(called).collect()
}

/// The pipelines whose graphs call one.
pub(super) fn callers<'a>(routing: &'a Routing, name: &'a Name) -> impl Iterator<Item = &'a Name> {
    let entries = routing.pipelines.iter();
    let calling = entries.filter(move |(_, entry)| called_by(entry).contains(&name));
    calling.map(|(caller, _)| caller)
}

/// The pipelines on the way from one back to itself, both ends included, where its graphs lead there.
pub(super) fn ring(routing: &Routing, name: &Name) -> Option<Vec<Name>> {
    fn way<'a>(
        routing: &'a Routing,
        path: &mut Vec<&'a Name>,
        passed: &mut BTreeSet<&'a Name>,
    ) -> bool {
        let Some(entry) = path.last().and_then(|last| routing.pipelines.get(*last)) else {
            return false;
        };
        for next in called_by(entry) {
            path.push(next);
            let back = next == path[0];
            if back || passed.insert(next) && way(routing, path, passed) {
                return true;
            }
            path.pop();
        }
        false
    }
    let mut path = vec![name];
    way(routing, &mut path, &mut BTreeSet::new()).then(|| path.into_iter().cloned().collect())
}

/// The pipelines that have graphs, each after those that it calls.
fn callees_first(routing: &Routing) -> Vec<Name> {
    fn visit<'a>(
        routing: &'a Routing,
        name: &'a Name,
        passed: &mut BTreeSet<&'a Name>,
        order: &mut Vec<Name>,
    ) {
        let Some(entry) = routing.pipelines.get(name) else {
            return;
        };
        let graphs = entry.graphs();
        if graphs.is_empty() || !passed.insert(name) {
            return;
        }
        for next in graphs.into_values().flat_map(called) {
            visit(routing, next, passed, order);
        }
        order.push(name.clone());
    }
    let (mut passed, mut order) = (BTreeSet::new(), Vec::new());
    for name in routing.pipelines.keys() {
        visit(routing, name, &mut passed, &mut order);
    }
    order
}

/// By model of the repository, the pipelines that hang on it, in their order.
fn hanging(routing: &Routing, names: &[Name]) -> BTreeMap<Name, Vec<Name>> {
    let mut hanging: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for name in names {
        for model in watched(routing, name) {
            hanging.entry(model).or_default().push(name.clone());
        }
    }
    hanging
}

/// The models of the repository that a pipeline and all whom it calls hang on.
fn watched(routing: &Routing, name: &Name) -> BTreeSet<Name> {
    let mut watched = BTreeSet::new();
    let mut passed = BTreeSet::new();
    let mut left = vec![name];
    while let Some(name) = left.pop() {
        if !passed.insert(name) {
            continue;
        }
        let Some(entry) = routing.pipelines.get(name) else {
            watched.insert(name.clone());
            continue;
        };
        let members = entry.pipeline.policy().members().into_iter();
        let members = members.flat_map(|member| entry.resolved(member));
        watched.extend(members.map(|(model, _)| model.clone()));
        watched.extend(entry.kept().into_iter().map(|(model, _)| model.clone()));
        for graph in entry.graphs().into_values() {
            watched.extend(pins(graph).map(|(model, _)| model.clone()));
            left.extend(called(graph));
        }
    }
    watched
}

// === impl Graphs ===

impl Graphs {
    /// The model that a pipeline's graphs are versions of.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.get(name)
    }

    /// The pipelines that have graphs.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.models.keys()
    }

    /// Every graph.
    pub fn all(&self) -> impl Iterator<Item = (&Name, VersionNumber, &Seen)> {
        self.models.iter().flat_map(|(name, model)| model.all(name))
    }

    /// Whether they are those of a revision.
    pub(super) fn are_of(&self, revision: Revision) -> bool {
        self.of == Some(revision)
    }

    /// Takes out what was seen of a pipeline's graphs, to look at them again.
    fn take(&mut self, name: &Name) -> Self {
        Self {
            models: self.models.remove_entry(name).into_iter().collect(),
            made: self.made.remove_entry(name).into_iter().collect(),
            ..Self::default()
        }
    }

    /// What was seen of a graph that was made of this.
    fn known(
        &self,
        name: &Name,
        version: VersionNumber,
        spec: &Arc<Composite>,
    ) -> Option<(&Made, &Seen)> {
        let was = self.made.get(name)?.get(&version)?;
        let same = Arc::ptr_eq(&was.spec, spec) || was.spec == *spec;
        let seen = self.models.get(name)?.versions.get(&version)?;
        same.then_some((was, seen))
    }
}
