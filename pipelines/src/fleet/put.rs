//! Making, replacing and removing a pipeline, and with it the course that its policy begins.

use std::sync::Arc;

use impresario_models::Name;

use super::command::Draft;
use super::course::Course;
use super::entry::{breaking, contract};
use super::input::{By, Now, Rejection};
use super::routing::{Change, Diff, Entry, Keep, Promise};
use crate::spec::Pipeline;
use crate::table;

/// A pipeline as it is to be.
pub(super) struct Asked {
    pub(super) pipeline: Pipeline,
    pub(super) promise: Promise,
    /// What moved it when it was so before; a pipeline that is new begins a course of its own.
    pub(super) course: Option<Arc<Course>>,
}

impl From<Pipeline> for Asked {
    fn from(pipeline: Pipeline) -> Self {
        Self {
            pipeline,
            promise: Promise::Kept,
            course: None,
        }
    }
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
                self.fleet.routing.pipelines.remove(&name);
                self.differ(&name, before, None, was, None);
            }
            return Ok(());
        };
        let pipeline = asked.pipeline;
        for (model, version) in pipeline.policy().members() {
            self.known(model, version)?;
        }
        if let Some(shadow) = pipeline.shadow() {
            self.known(&shadow.model, Some(shadow.version))?;
        }
        let same_policy = before
            .as_ref()
            .is_some_and(|before| before.policy() == pipeline.policy());
        let course = match asked.course {
            // What ended stays as it was; what was under way goes on when somebody says so.
            Some(course) if Some(&course) != was.as_ref() => {
                let policy = pipeline.policy();
                let back = course.brought_back(policy, self.revision.0, by.actor.as_str(), now);
                Some(Arc::new(back))
            }
            Some(course) => Some(course),
            None if same_policy && was.is_some() => was.clone(),
            None => Course::begin(self.revision.0, pipeline.policy(), now).map(Arc::new),
        };
        let promised = old.as_ref().map(|entry| entry.promise);
        if before.as_ref() == Some(&pipeline) && course == was && promised == Some(asked.promise) {
            return Ok(());
        }
        if asked.promise == Promise::Kept {
            self.keeps_promise(&name, &pipeline)?;
        }
        // Whoever answers now goes on until the new choice is ready.
        let parked = table::on_demand(self.fleet);
        let keep = table::answering(self.fleet, &name, &parked);
        let keep = keep.map(|(model, version)| Keep { model, version });
        let entry = Entry {
            keep,
            course: course.clone(),
            promise: asked.promise,
            ..Entry::new(pipeline.clone(), self.revision, by.source)
        };
        self.fleet.routing.pipelines.insert(name.clone(), entry);
        self.differ(&name, before, Some(pipeline), was, course);
        Ok(())
    }

    /// Notes what became different of a pipeline.
    fn differ(
        &mut self,
        name: &Name,
        before: Option<Pipeline>,
        after: Option<Pipeline>,
        was: Option<Arc<Course>>,
        is: Option<Arc<Course>>,
    ) {
        let pipeline = Change::Pipeline { before, after };
        let course = (was != is).then_some(Change::Course {
            before: was,
            after: is,
        });
        let changes = std::iter::once(pipeline).chain(course);
        self.diffs.extend(changes.map(|change| Diff {
            name: name.clone(),
            change,
        }));
    }

    /// Refuses versions that are known to break what the pipeline's callers rely on.
    fn keeps_promise(&self, name: &Name, pipeline: &Pipeline) -> Result<(), Rejection> {
        let fleet = &*self.fleet;
        let own = pipeline.contract().map(AsRef::as_ref);
        let answering = table::answering(fleet, name, &table::on_demand(fleet));
        let seen = |(model, version): &(Name, _)| fleet.observed.version(model.as_str(), *version);
        let relied = own.or_else(|| contract(seen(answering.as_ref()?)?));
        // Nobody has called a pipeline that was not there.
        let called = own.is_some() || fleet.routing.pipelines.contains_key(name);
        let Some(old) = relied.filter(|_| called) else {
            return Ok(());
        };
        for (model, version) in pipeline.policy().members() {
            let known = fleet.observed.models.get(model);
            let version = version.or_else(|| known?.newest_serving());
            let Some(version) = version else { continue };
            let new = fleet.observed.version(model.as_str(), version);
            let Some(new) = new.and_then(contract) else {
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
