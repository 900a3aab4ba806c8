//! What the simulation remembers beside the fleet: each revision as it was, which undo brings back, and what a restart reads.

use impresario_models::Name;
use impresario_pipelines::bucket::{Slots, Weight};
use impresario_pipelines::fleet::{Course, Entry, Revision, Routing};
use impresario_pipelines::rollout;
use impresario_pipelines::spec::Pipeline;

use super::Sim;

/// A pipeline as it was: what undo is held against.
#[derive(Clone, PartialEq)]
pub(super) struct Was {
    pipeline: Pipeline,
    pub(super) slots: Option<Slots>,
}

impl Sim {
    /// Notes the state of a new revision, as the store does; and now and then how long things have been going on.
    pub(super) fn noted(&mut self, before: Revision) {
        let routing = &self.fleet.routing;
        if routing.revision != before {
            let was = |(name, entry): (&_, &Entry)| {
                let name: &Name = name;
                let slots = entry.course.as_ref().map(|course| course.slots().clone());
                let pipeline = entry.pipeline.clone();
                (name.clone(), Was { pipeline, slots })
            };
            let all = routing.pipelines.iter().map(was).collect();
            self.states.insert(routing.revision.0, all);
            for entry in routing.pipelines.values() {
                reads_back(&entry.pipeline);
                let course = entry.course.as_deref();
                let kind = course.map_or(entry.pipeline.policy().kind(), Course::kind);
                let phase = course.map_or("", Course::phase);
                self.gone.insert(format!("{kind} {phase}"));
                if !entry.pipeline.graphs().is_empty() {
                    self.gone.insert(format!("{kind} of graphs"));
                }
                if entry.keep.is_some() {
                    self.gone.insert(format!("{kind} kept"));
                }
            }
        }
        for (_, _, seen) in self.fleet.observed.graphs.all() {
            self.gone.insert(format!("graph {}", seen.phase.as_str()));
        }
        if self.fleet.routing.revision != before || self.below(5) == 0 {
            self.stored = self.fleet.routing.clone();
        }
    }

    /// What is read from the store after a restart: the newest revision, its clocks as they were written last.
    pub(super) fn read_back(&mut self) {
        let now = &self.fleet.routing;
        assert_eq!(self.stored.revision, now.revision);
        for (name, entry) in &self.stored.pipelines {
            let is = &now.pipelines[name];
            match (&entry.course, &is.course) {
                (Some(was), Some(is)) => {
                    assert!(beats_only(was, is));
                    self.gone.insert(format!("{} over a restart", is.kind()));
                }
                (was, is) => assert_eq!(was, is),
            }
        }
        let mut stored = Routing::clone(&self.stored);
        // The end of a keeping is stored at once, and so is what changes no revision.
        for (name, entry) in &mut stored.pipelines {
            entry.keep.clone_from(&now.pipelines[name].keep);
        }
        stored.freeze.clone_from(&now.freeze);
        stored.applied.clone_from(&now.applied);
        self.fleet.routing = stored;
    }

    /// A pipeline was taken back to a revision: it is what it was, and a rollout shares the traffic as it did.
    pub(super) fn is_as_at(&mut self, pipeline: &Name, to: Revision) {
        let known = self.states.range(..=to.0).next_back();
        let was = known.and_then(|(_, all)| all.get(pipeline)).cloned();
        let is = self.fleet.routing.pipelines.get(pipeline);
        let is = is.map(|entry| Was {
            pipeline: entry.pipeline.clone(),
            slots: entry.course.as_ref().map(|course| course.slots().clone()),
        });
        assert!(was == is, "{pipeline} is not what it was at {to}");
        let entry = self.fleet.routing.pipelines.get(pipeline);
        let course = entry.and_then(|entry| entry.course.as_deref());
        let shared = |course: &&Course| course.slots().weights()[0] < Weight::FULL;
        if let Some(course) = course.filter(shared) {
            self.gone
                .insert(format!("{} back at a revision", course.kind()));
        }
    }
}

/// Whether only clocks went on.
pub(super) fn beats_only(was: &Course, is: &Course) -> bool {
    match (was, is) {
        (Course::Rollout(was), Course::Rollout(is)) => {
            let mut was = was.clone();
            was.pulse = is.pulse.clone();
            was == *is
        }
        // A period that changes no share.
        (Course::Learning(was), Course::Learning(is)) => {
            let mut was = was.clone();
            (was.periods, was.since, was.best) = (is.periods, is.since, is.best);
            was.why.clone_from(&is.why);
            was == *is
        }
        _ => was == is,
    }
}

/// What is stored of a pipeline is what is read again.
fn reads_back(pipeline: &Pipeline) {
    let text = serde_json::to_string(pipeline).unwrap();
    let read: Result<Pipeline, _> = serde_json::from_str(&text);
    match read {
        Ok(read) => assert!(read == *pipeline, "{text}"),
        Err(error) => panic!("{text} is not read back: {error}"),
    }
}

/// Whether a change of a pipeline's course is one that undo brings back: the same place, or paused in it.
pub(super) fn brought_back(was: Option<&Course>, is: Option<&Course>) -> bool {
    match (was, is) {
        (None, None) => true,
        (Some(Course::Rollout(was)), Some(Course::Rollout(is))) => {
            let place = match (&was.phase, &is.phase) {
                (was, is) if was == is => true,
                (was, rollout::Phase::Paused { from, .. }) => *was == rollout::Phase::from(*from),
                _ => false,
            };
            place && was.slots == is.slots && was.step == is.step && was.target == is.target
        }
        (Some(Course::Trial(was)), Some(Course::Trial(is))) => {
            (&was.phase, &was.slots, &was.split) == (&is.phase, &is.slots, &is.split)
        }
        (Some(Course::Learning(was)), Some(Course::Learning(is))) => {
            (&was.phase, &was.slots, &was.split) == (&is.phase, &is.slots, &is.split)
        }
        _ => false,
    }
}
