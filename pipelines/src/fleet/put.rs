//! Making, replacing and removing a pipeline, and with it the course that its policy begins.

use std::sync::Arc;

use impresario_models::{Contract, Name};

use super::Fleet;
use super::command::Draft;
use super::course::Course;
use super::entry::{breaking, remembered};
use super::graphs::{self, composites, has_graphs};
use super::input::{By, Now};
use super::memory::{callable, recallable};
use super::rejection::Rejection;
use super::routing::{Change, Diff, Entry, Keep, Promise};
use crate::spec::Pipeline;
use crate::spec::document::Path;
use crate::table::{self, Standing, Unavailable};

/// A pipeline as it is to be.
pub(super) struct Asked {
    pub(super) pipeline: Pipeline,
    pub(super) promise: Promise,
    pub(super) origin: Origin,
}

/// Where a pipeline comes from that is asked for.
pub(super) enum Origin {
    /// Somebody wrote it: its versions are there and keep what was promised, or it is refused.
    Written,
    /// It was so before, moved by this. Whoever brings it back knows what was there, so that no promise is held against it.
    /// It is refused where it cannot be any more: a version or somebody that it calls is gone, a name has come to mean two
    /// things, or a graph to call itself.
    Past(Option<Arc<Course>>),
    /// A course came to its end. What that leaves is refused only where what was there before would be.
    Course,
}

impl Draft<'_> {
    pub(super) fn put(
        &mut self,
        name: Name,
        asked: Option<Asked>,
        by: &By,
        now: Now,
    ) -> Result<(), Rejection> {
        let old = self.fleet.routing.pipelines.get(&name).cloned();
        let before = old.as_ref().map(|entry| entry.pipeline.clone());
        let was = old.as_ref().and_then(|entry| entry.course.clone());
        let Some(asked) = asked else {
            if before.is_some() {
                self.remove(&name)?;
                self.differ(&name, (before, None), (was, None), now);
            }
            return Ok(());
        };
        let written = matches!(asked.origin, Origin::Written);
        let pipeline = match written {
            true => self.complete(&name, asked.pipeline, old.as_ref())?,
            false => asked.pipeline,
        };
        let same_policy = before
            .as_ref()
            .is_some_and(|before| before.policy() == pipeline.policy());
        let begun = || Course::begin(self.revision.0, pipeline.policy(), now).map(Arc::new);
        let course = match &asked.origin {
            Origin::Past(Some(course)) if was.as_ref().is_some_and(|was| was.is_at(course)) => {
                was.clone()
            }
            // What ended stays as it was; what was under way goes on when somebody says so.
            Origin::Past(Some(course)) => {
                let policy = pipeline.policy();
                let back = course.brought_back(policy, self.revision.0, by.actor.as_str(), now);
                Some(Arc::new(back))
            }
            Origin::Past(None) | Origin::Written | Origin::Course
                if same_policy && was.is_some() =>
            {
                was.clone()
            }
            Origin::Past(None) | Origin::Written | Origin::Course => begun(),
        };
        let same = before.as_ref() == Some(&pipeline) && course == was;
        let promised = old.as_ref().map(|entry| entry.promise);
        let promise = match (&asked.origin, promised) {
            // The same definition is not insisted on because it was in another place.
            (Origin::Past(_), Some(promised)) if before.as_ref() == Some(&pipeline) => promised,
            // What was promised goes on when an arm is shipped.
            (Origin::Course, Some(promised)) => promised,
            _ => asked.promise,
        };
        if same && promised == Some(promise) {
            return Ok(());
        }
        let entry = Entry {
            course: course.clone(),
            promise,
            ..Entry::new(pipeline.clone(), self.revision, by.source)
        };
        // What a course does not need any more may have left.
        let moved = was.is_some() && course == was || matches!(asked.origin, Origin::Past(Some(_)));
        let shadow = pipeline.shadow();
        let shadow = shadow.map(|shadow| (&shadow.model, Some(shadow.version)));
        let members = match moved {
            true => entry.needs(),
            false => pipeline.policy().members(),
        };
        let members = members.into_iter().chain(shadow).collect();
        self.all_known(&name, &pipeline, members)?;
        let known = old.as_ref().map(Entry::graphs).unwrap_or_default();
        for (version, graph) in composites(&pipeline) {
            let compiled = written && !known.contains_key(&version);
            if compiled || !moved || entry.asks(&name, version) {
                self.callees_known(&name, graph, compiled)?;
            }
        }
        if has_graphs(&pipeline) {
            self.unambiguous(&name, old.as_ref())?;
        } else if !known.is_empty() && names(&pipeline, &name) {
            // As long as its graphs answer, the name stands for them, and hides the model that is meant.
            return Err(Rejection::Ambiguous { name });
        }
        let relied = self.relied_on(&name, &entry);
        // Whoever answers now goes on until the new choice is ready.
        let parked = table::on_demand(self.fleet);
        let keep = table::answering(self.fleet, &name, &parked);
        let keep = keep.map(|(model, version)| {
            let graph = known.get(&version).filter(|graph| graph.model == model);
            let graph = graph.map(|graph| Arc::clone(graph));
            Keep {
                model,
                version,
                graph,
            }
        });
        // Or whoever is to answer until the choice before is ready, and comes.
        let entry = Entry {
            keep: keep.or_else(|| self.still_kept(old.as_ref()?)),
            ..entry
        };
        self.fleet
            .routing
            .pipelines
            .insert(name.clone(), entry.clone());
        if let Some(ring) = graphs::ring(&self.fleet.routing, &name) {
            return Err(Rejection::Ring { ring });
        }
        graphs::settle(self.fleet, None);
        if written {
            self.fits(&name, &pipeline, old.as_ref())?;
        }
        if let Some(relied) = relied.filter(|_| written && promise == Promise::Kept) {
            self.keeps_promise(&name, &entry, &relied)?;
        }
        self.differ(&name, (before, Some(pipeline)), (was, course), now);
        Ok(())
    }

    /// The version that a pipeline keeps, where it answers or can.
    fn still_kept(&self, entry: &Entry) -> Option<Keep> {
        let keep = entry.keep.as_ref()?;
        let seen = self
            .fleet
            .observed
            .version(keep.model.as_str(), keep.version)?;
        (seen.serves() || callable(seen)).then(|| keep.clone())
    }

    /// Notes what became different of a pipeline. A rollout under way that others take the place of has an end of its own.
    fn differ(
        &mut self,
        name: &Name,
        (before, after): (Option<Pipeline>, Option<Pipeline>),
        (was, is): (Option<Arc<Course>>, Option<Arc<Course>>),
        now: Now,
    ) {
        let mut changes = vec![Change::Pipeline { before, after }];
        let id = |course: &Option<Arc<Course>>| course.as_ref().map(|course| course.id());
        let ended = was.as_ref().filter(|_| id(&was) != id(&is));
        let ended = ended.and_then(|course| course.superseded(self.revision.0, now));
        let last = match ended.map(Arc::new) {
            Some(ended) => {
                let (before, after) = (was, Some(Arc::clone(&ended)));
                changes.push(Change::Course { before, after });
                Some(ended)
            }
            None => was,
        };
        if last != is {
            let (before, after) = (last, is);
            changes.push(Change::Course { before, after });
        }
        self.diffs.extend(changes.into_iter().map(|change| Diff {
            name: name.clone(),
            change,
        }));
    }

    /// Removes a pipeline, unless graphs that call it would have nobody to answer them.
    fn remove(&mut self, name: &Name) -> Result<(), Rejection> {
        let answered = |fleet: &Fleet, name: &Name| {
            let parked = table::on_demand(fleet);
            table::answering(fleet, name, &parked).is_some()
        };
        let routing = &self.fleet.routing;
        let callers: Vec<Name> = graphs::callers(routing, name).cloned().collect();
        let of = |caller: Name| (answered(self.fleet, &caller), caller);
        let callers: Vec<(bool, Name)> = callers.into_iter().map(of).collect();
        self.fleet.routing.pipelines.remove(name);
        graphs::settle(self.fleet, None);
        let fleet = &*self.fleet;
        let left = |(was, caller): &(bool, Name)| {
            !answered(fleet, name) || *was && !answered(fleet, caller)
        };
        match callers.into_iter().find(left) {
            Some((_, by)) => Err(Rejection::Called {
                name: name.clone(),
                by,
            }),
            None => Ok(()),
        }
    }

    /// Refuses new graphs that do not fit together, or not with those that they call.
    fn fits(&self, name: &Name, pipeline: &Pipeline, old: Option<&Entry>) -> Result<(), Rejection> {
        let known = old.map(Entry::graphs).unwrap_or_default();
        let new = composites(pipeline).filter(|(version, _)| !known.contains_key(version));
        let problems = new.flat_map(|(version, graph)| {
            // A file has many pipelines.
            let root = Path::default().key("pipelines").key(name.as_str());
            let base = match pipeline.graphs().contains_key(&version) {
                true => root.key("graphs").key(&version.to_string()),
                false => root.key("policy"),
            };
            let found = graphs::problems(self.fleet, graph).into_iter();
            found.map(move |problem| problem.within(&base))
        });
        let problems: Vec<_> = problems.collect();
        if problems.is_empty() {
            return Ok(());
        }
        Err(Rejection::Graph {
            name: name.clone(),
            problems,
        })
    }

    /// What callers of a pipeline rely on before it is changed.
    fn relied_on(&self, name: &Name, entry: &Entry) -> Option<Arc<Contract>> {
        let fleet = &*self.fleet;
        let own = entry.pipeline.contract();
        if let Some(own) = own.filter(|_| entry.promise == Promise::Kept) {
            return Some(Arc::clone(own));
        }
        // Nobody has called a pipeline that was not there, unless a graph called the model.
        let routing = &fleet.routing;
        if !routing.pipelines.contains_key(name) && graphs::callers(routing, name).next().is_none()
        {
            return None;
        }
        let (model, version) = table::answering(fleet, name, &table::on_demand(fleet))?;
        let seen = fleet.observed.version(model.as_str(), version)?;
        remembered(seen).cloned()
    }

    /// Refuses versions that are known to break what the pipeline's callers rely on.
    fn keeps_promise(&self, name: &Name, entry: &Entry, old: &Contract) -> Result<(), Rejection> {
        let fleet = &*self.fleet;
        for (model, version) in entry.pipeline.policy().members() {
            let known = fleet.observed.model(model.as_str());
            // Of "latest", the one that would answer: it passes over those that break what the pipeline itself promises.
            let latest = || match entry.standing(fleet) {
                Standing::Serving { version, .. } => Some(version),
                // It answers when it is called back.
                Standing::Nobody(Unavailable {
                    version: Some(version),
                    ..
                }) if let Some(seen) = known?.versions.get(&version)
                    && recallable(seen, &fleet.limits) =>
                {
                    Some(version)
                }
                Standing::Kept { .. } | Standing::Nobody(_) => known?.newest_serving(),
            };
            let Some(version) = version.or_else(latest) else {
                continue;
            };
            let new = fleet.observed.version(model.as_str(), version);
            let Some(new) = new.and_then(remembered) else {
                continue;
            };
            let breaches = breaking(old, new);
            if !breaches.is_empty() {
                return Err(Rejection::Breaks {
                    name: name.clone(),
                    model: model.clone(),
                    version,
                    breaches,
                });
            }
        }
        Ok(())
    }
}

/// Whether a definition names a model.
fn names(pipeline: &Pipeline, name: &Name) -> bool {
    let shadow = pipeline.shadow().map(|shadow| &shadow.model);
    let mut models = pipeline.policy().models().chain(shadow);
    models.any(|model| model == name)
}
