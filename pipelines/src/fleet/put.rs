//! Making, replacing and removing a pipeline, and with it the course that its policy begins.

use std::sync::Arc;

use impresario_models::Name;

use super::command::Draft;
use super::course::Course;
use super::entry::{breaking, contract};
use super::input::{By, Now, Rejection};
use super::routing::{Change, Diff, Entry, Keep, Promise};
use crate::spec::Pipeline;
use crate::table::{self, Standing};

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
    /// It was so before, moved by this. Whoever brings it back knows what was there, and is not refused but for a version
    /// that is gone.
    Past(Option<Arc<Course>>),
    /// A course came to its end.
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
                self.fleet.routing.pipelines.remove(&name);
                self.differ(&name, (before, None), (was, None), now);
            }
            return Ok(());
        };
        let pipeline = asked.pipeline;
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
        let members = match moved {
            true => entry.needs(),
            false => pipeline.policy().members(),
        };
        let shadow = pipeline.shadow();
        let shadow = shadow.map(|shadow| (&shadow.model, Some(shadow.version)));
        for (model, version) in members.into_iter().chain(shadow) {
            self.known(model, version)?;
        }
        if promise == Promise::Kept && matches!(asked.origin, Origin::Written) {
            self.keeps_promise(&name, &entry)?;
        }
        // Whoever answers now goes on until the new choice is ready.
        let parked = table::on_demand(self.fleet);
        let keep = table::answering(self.fleet, &name, &parked);
        let keep = keep.map(|(model, version)| Keep { model, version });
        let entry = Entry { keep, ..entry };
        self.fleet.routing.pipelines.insert(name.clone(), entry);
        self.differ(&name, (before, Some(pipeline)), (was, course), now);
        Ok(())
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

    /// Refuses versions that are known to break what the pipeline's callers rely on.
    fn keeps_promise(&self, name: &Name, entry: &Entry) -> Result<(), Rejection> {
        let fleet = &*self.fleet;
        let own = entry.promised();
        let answering = table::answering(fleet, name, &table::on_demand(fleet));
        let seen = |(model, version): &(Name, _)| fleet.observed.version(model.as_str(), *version);
        let relied = own.or_else(|| contract(seen(answering.as_ref()?)?));
        // Nobody has called a pipeline that was not there.
        let called = own.is_some() || fleet.routing.pipelines.contains_key(name);
        let Some(old) = relied.filter(|_| called) else {
            return Ok(());
        };
        for (model, version) in entry.pipeline.policy().members() {
            let known = fleet.observed.models.get(model);
            // Of "latest", the one that would answer: it passes over those that break what the pipeline itself promises.
            let latest = || match entry.standing(fleet) {
                Standing::Serving { version, .. } => Some(version),
                Standing::Kept { .. } | Standing::Nobody(_) => known?.newest_serving(),
            };
            let Some(version) = version.or_else(latest) else {
                continue;
            };
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
