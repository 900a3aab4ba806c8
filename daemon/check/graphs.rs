//! The graphs of pipeline files, compiled against the contracts of those that they call: versions of the repository, and
//! other pipelines of the files.
//!
//! A graph is made once, when it is first asked for, by itself or by another that calls its pipeline.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use impresario_models::{Contract, Name, VersionNumber};
use impresario_pipelines::graph::{self, Answer, At, Graph, Trouble, Unknown};
use impresario_pipelines::spec::composite::{Callee, Task};
use impresario_pipelines::spec::{
    Compiled, Composite, Definition, Pipeline, Policy, Problem, VersionSelector, document,
};

use super::Models;
use super::members::has_graphs;
use super::shelf::Shelf;

/// All graphs of the files.
pub(super) struct Graphs<'p> {
    pub(super) compiled: Compiled,
    /// What the repository has; nothing where it cannot be read, which is told elsewhere.
    pub(super) models: Option<Models>,
    /// The pipelines that are written, but wrong: whoever calls one makes no mistake.
    pub(super) broken: BTreeSet<Name>,
    pub(super) shelf: Shelf<'p>,
    made: RefCell<BTreeMap<Place, Rc<Made>>>,
}

/// A graph's place in the files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) pipeline: Name,
    /// Its number, where it is not the policy's own.
    pub(super) number: Option<VersionNumber>,
}

/// What came of a graph.
#[derive(Default)]
pub(super) struct Made {
    /// The graph, where it compiles.
    pub(super) graph: Option<Arc<Graph>>,
    /// All that is wrong with it.
    problems: Vec<graph::Problem>,
}

/// Who answers a request to a name.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Who {
    Graph(Place),
    Version(Name, VersionNumber),
}

/// Looks contracts up for the graphs of a pipeline.
struct Asker<'a, 'p> {
    graphs: &'a Graphs<'p>,
    pipeline: &'a Name,
    /// Those that could not be loaded, and why.
    failed: RefCell<Vec<(Callee, String)>>,
}

/// The graphs of a pipeline, by their numbers; that of its policy first, without one.
pub(super) fn composites(
    pipeline: &Pipeline,
) -> impl Iterator<Item = (Option<VersionNumber>, &Arc<Composite>)> {
    let own = match pipeline.policy() {
        Policy::Composite(graph) => Some((None, graph)),
        Policy::Standalone { .. }
        | Policy::Canary(_)
        | Policy::Experiment(_)
        | Policy::Bandit(_) => None,
    };
    let graphs = pipeline.graphs().iter();
    own.into_iter()
        .chain(graphs.map(|(number, graph)| (Some(*number), graph)))
}

/// The nodes that call somebody, and whom.
fn calls(composite: &Composite) -> impl Iterator<Item = (&str, &Callee)> {
    composite.nodes.iter().filter_map(|node| match &node.task {
        Task::Call { callee, .. } => Some((&*node.name, callee)),
        Task::Ensemble { .. }
        | Task::Switch(_)
        | Task::Splitter { .. }
        | Task::Transform { .. }
        | Task::Map { .. } => None,
    })
}

// === impl Graphs ===

impl<'p> Graphs<'p> {
    pub(super) fn new(
        compiled: Compiled,
        models: Option<Models>,
        broken: BTreeSet<Name>,
        shelf: Shelf<'p>,
    ) -> Self {
        Self {
            compiled,
            models,
            broken,
            shelf,
            made: RefCell::default(),
        }
    }

    /// All that is wrong with the graphs of a pipeline.
    pub(super) fn problems(&self, name: &Name, definition: &Definition) -> Vec<Problem> {
        let places = composites(definition.pipeline()).map(|(number, _)| Place {
            pipeline: name.clone(),
            number,
        });
        places
            .flat_map(|place| self.problems_of(&place, definition))
            .collect()
    }

    /// All that is wrong with a graph.
    pub(super) fn problems_of(&self, place: &Place, definition: &Definition) -> Vec<Problem> {
        let base = place.base(definition);
        let made = self.made(place);
        let problems = made.problems.iter();
        problems
            .map(|problem| problem.placed(&base, definition))
            .collect()
    }

    /// What comes of a graph.
    pub(super) fn made(&self, place: &Place) -> Rc<Made> {
        let known = self.made.borrow().get(place).cloned();
        if let Some(made) = known {
            return made;
        }
        let composite = self.composite(place);
        let made = composite.map(|composite| self.make(&place.pipeline, composite));
        let made = Rc::new(made.unwrap_or_default());
        let mut all = self.made.borrow_mut();
        Rc::clone(all.entry(place.clone()).or_insert(made))
    }

    /// A graph as it is written.
    pub(super) fn composite(&self, place: &Place) -> Option<&Arc<Composite>> {
        let definition = self.compiled.pipelines().get(&place.pipeline)?;
        let mut graphs = composites(definition.pipeline());
        let found = graphs.find(|(number, _)| *number == place.number);
        found.map(|(_, composite)| composite)
    }

    fn make(&self, pipeline: &Name, composite: &Composite) -> Made {
        let asker = Asker {
            graphs: self,
            pipeline,
            failed: RefCell::default(),
        };
        let (graph, mut problems) = match graph::compile(composite, &asker) {
            Ok(graph) => (Some(Arc::new(graph)), Vec::new()),
            Err(Trouble::Wrong(problems)) => (None, problems),
            Err(Trouble::Waiting(_)) => (None, Vec::new()),
        };
        for (node, callee) in calls(composite) {
            self.explain(node, callee, &mut problems);
            let failed = asker.failed.borrow();
            if let Some((_, why)) = failed.iter().find(|(failed, _)| failed == callee) {
                problems.push(graph::Problem::new(
                    called(node, callee),
                    "load-failed",
                    why.clone(),
                ));
            }
        }
        problems.sort_by(|a, b| a.at.cmp(&b.at));
        Made { graph, problems }
    }

    /// Says what was perhaps meant where a node calls a pipeline as if it were a model.
    fn explain(&self, node: &str, callee: &Callee, problems: &mut [graph::Problem]) {
        let Callee::Model { model, .. } = callee else {
            return;
        };
        let at = called(node, callee);
        let problem = problems
            .iter_mut()
            .find(|problem| problem.at == at && problem.code == "unknown-model");
        if let Some(problem) = problem
            && self.compiled.pipelines().contains_key(model)
        {
            problem.hint = Some(format!(
                "'{model}' is a pipeline: write pipeline = \"{model}\""
            ));
        }
    }

    /// Who answers a request to a pipeline, or to a model where there is no pipeline of the name: of versions that share the
    /// traffic the one that callers rely on, the stable of a canary and the first arm of the others.
    pub(super) fn who(&self, name: &Name) -> Option<Who> {
        let Some(definition) = self.compiled.pipelines().get(name) else {
            return self.version(name, None);
        };
        let pipeline = definition.pipeline();
        let (model, version) = match pipeline.policy() {
            Policy::Composite(_) => return Some(Who::Graph(Place::of_policy(name))),
            Policy::Standalone { model, version } => match version {
                VersionSelector::Number(number) => (model, Some(*number)),
                VersionSelector::Latest => (model, None),
            },
            Policy::Canary(canary) => (&canary.model, Some(canary.stable)),
            Policy::Experiment(experiment) => {
                let (arm, _) = experiment.arms.first()?;
                (&arm.model, Some(arm.version))
            }
            Policy::Bandit(bandit) => {
                let arm = bandit.arms.first()?;
                (&arm.model, Some(arm.version))
            }
        };
        if model == name && has_graphs(definition) {
            let graphs = pipeline.graphs();
            let newest = graphs.keys().next_back().copied();
            let number = version.or(newest).filter(|v| graphs.contains_key(v))?;
            return Some(Who::Graph(Place {
                pipeline: name.clone(),
                number: Some(number),
            }));
        }
        self.version(model, version)
    }

    /// A version of the repository; the newest where none is named.
    pub(super) fn version(&self, model: &Name, version: Option<VersionNumber>) -> Option<Who> {
        let there = self.models.as_ref()?.get(model)?;
        let version = match version {
            Some(version) => there.get(&version),
            None => there.last(),
        };
        Some(Who::Version(model.clone(), *version?))
    }

    /// The pipelines that the graphs of one call.
    fn called_by(&self, name: &Name) -> Vec<&Name> {
        let Some(definition) = self.compiled.pipelines().get(name) else {
            return Vec::new();
        };
        let graphs = composites(definition.pipeline());
        let callees = graphs.flat_map(|(_, graph)| calls(graph));
        let pipelines = callees.filter_map(|(_, callee)| match callee {
            Callee::Pipeline(name) => Some(name),
            Callee::Model { .. } => None,
        });
        pipelines.collect()
    }

    /// The pipelines on the way from one to another, both included, where graphs lead there.
    fn way(&self, from: &Name, to: &Name) -> Option<Vec<Name>> {
        let mut passed = BTreeSet::from([from]);
        let mut ways = vec![vec![from]];
        while let Some(way) = ways.pop() {
            let last = way.last()?;
            if *last == to {
                return Some(way.into_iter().cloned().collect());
            }
            for next in self.called_by(last) {
                if passed.insert(next) {
                    let mut longer = way.clone();
                    longer.push(next);
                    ways.push(longer);
                }
            }
        }
        None
    }
}

fn called(node: &str, callee: &Callee) -> At {
    At::node(node).key(match callee {
        Callee::Model { .. } => Unknown::Model.word(),
        Callee::Pipeline(_) => Unknown::Pipeline.word(),
    })
}

// === impl Place ===

impl Place {
    pub(super) fn of_policy(pipeline: &Name) -> Self {
        Self {
            pipeline: pipeline.clone(),
            number: None,
        }
    }

    /// The path of the graph in its file.
    fn base(&self, definition: &Definition) -> document::Path {
        match self.number {
            Some(number) => definition.path().key("graphs").key(&number.to_string()),
            None => definition.path().key("policy"),
        }
    }
}

// === impl Asker ===

impl graph::Contracts for Asker<'_, '_> {
    fn contract(&self, callee: &Callee) -> Answer {
        match callee {
            Callee::Model { model, version } => self.model(callee, model, *version),
            Callee::Pipeline(name) => self.pipeline(callee, name),
        }
    }
}

impl Asker<'_, '_> {
    fn model(&self, callee: &Callee, model: &Name, version: Option<VersionNumber>) -> Answer {
        let Some(models) = &self.graphs.models else {
            return Answer::NotYet;
        };
        let Some(there) = models.get(model) else {
            return Answer::Unknown {
                what: Unknown::Model,
                known: models.keys().map(ToString::to_string).collect(),
            };
        };
        match self.graphs.version(model, version) {
            Some(who) => self.of(callee, &who),
            None => Answer::Unknown {
                what: Unknown::Version,
                known: there.iter().map(ToString::to_string).collect(),
            },
        }
    }

    fn pipeline(&self, callee: &Callee, name: &Name) -> Answer {
        if let Some(way) = self.graphs.way(name, self.pipeline) {
            return Answer::Around(way);
        }
        let pipelines = self.graphs.compiled.pipelines();
        let own = pipelines
            .get(name)
            .and_then(|found| found.pipeline().contract());
        if let Some(contract) = own {
            return Answer::Known(Arc::clone(contract));
        }
        if let Some(who) = self.graphs.who(name) {
            return self.of(callee, &who);
        }
        let models = self.graphs.models.as_ref();
        if pipelines.contains_key(name)
            || self.graphs.broken.contains(name)
            || models.is_none_or(|models| models.contains_key(name))
        {
            // Something is wrong with it, and it is told there.
            return Answer::NotYet;
        }
        let models = models.into_iter().flat_map(BTreeMap::keys);
        let names = pipelines.keys().chain(&self.graphs.broken).chain(models);
        Answer::Unknown {
            what: Unknown::Pipeline,
            known: names.map(ToString::to_string).collect(),
        }
    }

    fn of(&self, callee: &Callee, who: &Who) -> Answer {
        let contract: Option<Arc<Contract>> = match who {
            Who::Graph(place) => {
                let made = self.graphs.made(place);
                made.graph.as_ref().map(|graph| Arc::clone(&graph.contract))
            }
            Who::Version(model, version) => match self.graphs.shelf.contract(model, *version) {
                Ok(contract) => Some(contract),
                Err(why) => {
                    let why = format!("model '{model}' version {version} cannot be loaded: {why}");
                    self.failed.borrow_mut().push((callee.clone(), why));
                    None
                }
            },
        };
        contract.map_or(Answer::NotYet, Answer::Known)
    }
}
