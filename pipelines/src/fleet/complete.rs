//! Completing what was written of a graph: the members that it pins, and its number. A revision then shows, and undo brings
//! back, exactly what ran.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use impresario_models::{Name, VersionNumber};

use super::command::Draft;
use super::graphs::{called, calls, composites, has_graphs};
use super::rejection::Rejection;
use super::routing::Entry;
use crate::spec::composite::{Callee, Task};
use crate::spec::{Composite, Pipeline, Policy};

/// A pipeline of a file: its name, its definition and its digest.
type Filed = (Name, Pipeline, String);

impl Draft<'_> {
    /// The pipeline with everything pinned and numbered in its graphs. What says the same as before is as it was before: no
    /// newer member is taken without a revision.
    pub(super) fn complete(
        &self,
        name: &Name,
        pipeline: Pipeline,
        old: Option<&Entry>,
    ) -> Result<Pipeline, Rejection> {
        if !has_graphs(&pipeline) {
            return Ok(pipeline);
        }
        let known = old.map(Entry::graphs).unwrap_or_default();
        let mut graphs = pipeline.graphs().clone();
        for (number, graph) in &mut graphs {
            let was = known.get(number).copied();
            *graph = self.completed(name, graph, Some(*number), was)?;
        }
        let policy = match pipeline.policy() {
            Policy::Composite(graph) => {
                let was = match (graph.version, old.map(|entry| entry.pipeline.policy())) {
                    (Some(number), _) => known.get(&number).copied(),
                    (None, Some(Policy::Composite(was))) => Some(was),
                    (None, _) => None,
                };
                let mut made = self.completed(name, graph, graph.version, was)?;
                let taken = |number: &VersionNumber| {
                    graphs.contains_key(number) || known.contains_key(number)
                };
                if made.version.is_none() {
                    let number = self.revision.0..;
                    let mut free = number.filter_map(VersionNumber::new);
                    Arc::make_mut(&mut made).version = free.find(|number| !taken(number));
                }
                let other = made.version.and_then(|number| graphs.remove(&number));
                if let (Some(version), Some(other)) = (made.version, other)
                    && other != made
                {
                    let name = name.clone();
                    return Err(Rejection::OtherGraph { name, version });
                }
                Policy::Composite(made)
            }
            other => other.clone(),
        };
        Ok(pipeline.with(policy).with_graphs(graphs))
    }

    /// A graph with its members pinned. A number stands for one graph, as long as the pipeline has it.
    fn completed(
        &self,
        name: &Name,
        graph: &Composite,
        number: Option<VersionNumber>,
        was: Option<&Arc<Composite>>,
    ) -> Result<Arc<Composite>, Rejection> {
        let mut made = graph.clone();
        made.model = name.clone();
        made.version = number;
        if let Some(was) = was {
            let mut same = made.clone();
            same.version = was.version;
            for (node, before) in same.nodes.iter_mut().zip(&was.nodes) {
                pin(&mut node.task, |model| Ok(pinned(&before.task, model)))?;
            }
            if same == **was {
                return Ok(Arc::clone(was));
            }
            if let Some(version) = number {
                let name = name.clone();
                return Err(Rejection::OtherGraph { name, version });
            }
        }
        for node in &mut made.nodes {
            pin(&mut node.task, |model| self.newest(name, model))?;
        }
        Ok(Arc::new(made))
    }

    /// The version that a member is pinned to about which nothing is said. That there is no such model is told with all else
    /// that is wrong, when the graph is compiled.
    fn newest(&self, name: &Name, model: &Name) -> Result<Option<VersionNumber>, Rejection> {
        self.is_model(name, model)?;
        let Some(known) = self.fleet.observed.models.get(model) else {
            return Ok(None);
        };
        let newest = known.newest().ok_or_else(|| Rejection::NoVersion {
            model: model.clone(),
        });
        newest.map(Some)
    }

    /// Refuses a name that stands for graphs of a pipeline: those are its own, others call the pipeline.
    pub(super) fn is_model(&self, name: &Name, model: &Name) -> Result<(), Rejection> {
        if model != name && self.fleet.observed.graphs.model(model.as_str()).is_none() {
            return Ok(());
        }
        Err(Rejection::NotAModel {
            name: name.clone(),
            model: model.clone(),
        })
    }

    /// Refuses versions of a policy that are not there.
    pub(super) fn all_known(
        &self,
        name: &Name,
        pipeline: &Pipeline,
        members: Vec<(&Name, Option<VersionNumber>)>,
    ) -> Result<(), Rejection> {
        let own: BTreeMap<_, _> = composites(pipeline).collect();
        for (model, version) in members {
            if model != name {
                self.is_model(name, model)?;
                self.known(model, version)?;
            } else if own.is_empty() {
                self.known(model, version)?;
            }
        }
        // What a course does not need any more may have left, but for graphs: they are in the same definition.
        let policy = pipeline.policy().members().into_iter();
        let shadow = pipeline.shadow();
        let shadow = shadow.map(|shadow| (&shadow.model, Some(shadow.version)));
        let graphs = policy.chain(shadow).filter(|(model, _)| *model == name);
        let mut graphs = graphs.filter_map(|(_, version)| version);
        match graphs.find(|version| !own.is_empty() && !own.contains_key(version)) {
            None => Ok(()),
            Some(version) => {
                let known: Vec<_> = own.keys().map(ToString::to_string).collect();
                Err(Rejection::UnknownVersion {
                    model: name.clone(),
                    version,
                    known: known.join(", "),
                })
            }
        }
    }

    /// Refuses a graph that calls whom there is not. Of one that somebody wrote just now, all that is wrong is told together
    /// when it is compiled.
    pub(super) fn callees_known(
        &self,
        name: &Name,
        graph: &Composite,
        compiled: bool,
    ) -> Result<(), Rejection> {
        for (_, callee) in calls(graph) {
            match callee {
                Callee::Model { model, .. } if compiled => self.is_model(name, model)?,
                Callee::Model { model, version } => {
                    self.is_model(name, model)?;
                    self.known(model, *version)?;
                }
                Callee::Pipeline(_) if compiled => {}
                Callee::Pipeline(name) => {
                    let there = self.fleet.routing.pipelines.contains_key(name)
                        || self.fleet.observed.models.contains_key(name);
                    if !there {
                        return Err(Rejection::UnknownPipeline { name: name.clone() });
                    }
                }
            }
        }
        Ok(())
    }

    /// Refuses graphs of a name that a model has: of the repository, or as another pipeline calls it.
    pub(super) fn unambiguous(&self, name: &Name, old: Option<&Entry>) -> Result<(), Rejection> {
        // One that came later is hidden, and stays so.
        if old.is_some_and(|entry| has_graphs(&entry.pipeline)) {
            return Ok(());
        }
        let others = self.fleet.routing.pipelines.iter();
        let mut named = others
            .filter(|(other, _)| *other != name)
            .flat_map(|(_, entry)| {
                let shadow = entry.pipeline.shadow().map(|shadow| &shadow.model);
                let members = entry.pipeline.policy().models().chain(shadow);
                let pins = entry.graphs().into_values().flat_map(super::graphs::pins);
                let all = members.chain(pins.map(|(model, _)| model));
                all.collect::<Vec<_>>()
            });
        if self.fleet.observed.models.contains_key(name) || named.any(|model| model == name) {
            return Err(Rejection::Ambiguous { name: name.clone() });
        }
        Ok(())
    }
}

/// Pins what a node calls, where it calls a model about whose version nothing is said.
fn pin(
    task: &mut Task,
    to: impl FnOnce(&Name) -> Result<Option<VersionNumber>, Rejection>,
) -> Result<(), Rejection> {
    if let Task::Call {
        callee: Callee::Model {
            model,
            version: version @ None,
        },
        ..
    } = task
    {
        *version = to(model)?;
    }
    Ok(())
}

/// The version of a model that a node pins.
fn pinned(task: &Task, asked: &Name) -> Option<VersionNumber> {
    match task {
        Task::Call {
            callee: Callee::Model { model, version },
            ..
        } if model == asked => *version,
        _ => None,
    }
}

/// The pipelines of files, each after those of them that its graphs call.
///
/// # Errors
/// [`Rejection::Ring`] where they call each other.
pub(super) fn callees_first(pipelines: Vec<Filed>) -> Result<Vec<Filed>, Rejection> {
    let mut left: BTreeMap<usize, BTreeSet<Name>> = BTreeMap::new();
    let names: BTreeSet<Name> = pipelines.iter().map(|(name, ..)| name.clone()).collect();
    for (at, (_, pipeline, _)) in pipelines.iter().enumerate() {
        let own = match pipeline.policy() {
            Policy::Composite(graph) => Some(graph),
            _ => None,
        };
        let graphs = pipeline.graphs().values().chain(own);
        let called = graphs.flat_map(called).filter(|name| names.contains(*name));
        left.insert(at, called.cloned().collect());
    }
    let mut order = Vec::new();
    // The first whose callees are done is next; those that call nobody keep their order.
    while let Some(at) = left
        .iter()
        .find(|(_, calls)| calls.is_empty())
        .map(|(at, _)| *at)
    {
        left.remove(&at);
        let name = &pipelines[at].0;
        for calls in left.values_mut() {
            calls.remove(name);
        }
        order.push(at);
    }
    if let Some((at, _)) = left.first_key_value() {
        return Err(Rejection::Ring {
            ring: around(&pipelines, &left, *at),
        });
    }
    let mut pipelines: Vec<_> = pipelines.into_iter().map(Some).collect();
    let take = |at: usize| pipelines.get_mut(at).and_then(Option::take);
    Ok(order.into_iter().filter_map(take).collect())
}

/// A ring among pipelines each of which calls another one of them.
fn around(pipelines: &[Filed], left: &BTreeMap<usize, BTreeSet<Name>>, from: usize) -> Vec<Name> {
    let mut path: Vec<Name> = vec![pipelines[from].0.clone()];
    loop {
        let last = path.last().expect("a path begins somewhere");
        let at = left.keys().find(|at| pipelines[**at].0 == *last);
        let next = at.and_then(|at| left[at].first());
        let Some(next) = next.cloned() else {
            return path;
        };
        let back = path.iter().position(|name| *name == next);
        path.push(next);
        if let Some(from) = back {
            return path.split_off(from);
        }
    }
}
