//! The note of a decision while its request is under way: it is kept once, whatever becomes of the request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use impresario_models::{Name, VersionNumber};

use super::decisions::Record;
use super::keep::{Draft, Ending};
use super::shadow::Aim;
use super::{Answer, Entry, Rescue, Trail};
use crate::clock;
use crate::error::Error;
use crate::measure::Outcome;
use crate::trace::Context;

/// Keeps the decision when it is dropped; a caller who leaves drops it too.
pub(super) struct Note<'a> {
    pub(super) entry: &'a Entry,
    begun: Instant,
    trace: Option<Context>,
    pub(super) outcome: Outcome,
    queue: Duration,
    compute: Duration,
    /// Who answered; the one that was decided on where nobody did.
    by: Option<(Name, VersionNumber)>,
    rescue: Option<Rescue>,
    /// The way through a graph, where one answered or was to.
    pub(super) trail: Option<Arc<Trail>>,
    /// A shadow sees it.
    pub(super) shadowed: bool,
    /// What the payload log is told, where it is.
    pub(super) draft: Option<Box<Draft<'a>>>,
}

// === impl Note ===

impl<'a> Note<'a> {
    pub(super) fn new(entry: &'a Entry, begun: Instant, trace: Option<Context>) -> Self {
        Self {
            entry,
            begun,
            trace,
            outcome: Outcome::Abandoned,
            queue: Duration::ZERO,
            compute: Duration::ZERO,
            by: None,
            rescue: None,
            trail: None,
            shadowed: false,
            draft: entry.keep.as_deref().map(|keep| Box::new(Draft::new(keep))),
        }
    }

    /// What the caller gets.
    pub(super) fn ended(&mut self, result: &Result<Answer, Error>) {
        if let Some(draft) = &mut self.draft {
            draft.ended(result);
        }
        match result {
            Ok(answer) => {
                self.outcome = Outcome::Success;
                (self.queue, self.compute) = (answer.queue, answer.compute);
                self.rescue.clone_from(&answer.rescue);
                if answer.rescue.is_some() {
                    self.by = Some((answer.model.clone(), answer.version));
                }
            }
            Err(error) => self.outcome = error.code().outcome,
        }
    }
}

impl Note<'_> {
    /// Tells the payload log.
    fn log(&mut self) {
        let Some(draft) = self.draft.take() else {
            return;
        };
        let trail = self.trail.as_ref();
        draft.end(
            self.entry,
            Ending {
                by: self.by(),
                outcome: self.outcome,
                queue: self.queue,
                compute: self.compute,
                total: self.begun.elapsed(),
                trail: trail.map_or_else(Vec::new, |trail| trail.said()),
                trace: self.trace.map(|context| context.trace),
            },
        );
    }

    /// Who answered, or was to.
    fn by(&self) -> (Name, VersionNumber) {
        let handle = self.entry.handle();
        let chosen = || (handle.model.clone(), handle.version);
        self.by.clone().unwrap_or_else(chosen)
    }
}

impl Drop for Note<'_> {
    fn drop(&mut self) {
        self.log();
        let Some(part) = &self.entry.part else { return };
        let Some(id) = &part.id else { return };
        let decision = &self.entry.decision;
        let (model, version) = self.by();
        part.decisions.push(Record {
            id: id.clone(),
            pipeline: self.entry.pipeline.clone(),
            revision: part.revision,
            split: part.split.clone(),
            slot: decision.slot,
            unit: part.unit,
            variant: decision.variant.clone(),
            arm: decision.arm,
            why: decision.why,
            model,
            version,
            queue: self.queue,
            compute: self.compute,
            total: self.begun.elapsed(),
            outcome: self.outcome,
            rescue: self.rescue.take(),
            trail: self.trail.take(),
            shadow: part.aim.as_ref().filter(|_| self.shadowed).map(Aim::shadow),
            trace: self.trace.map(|context| context.trace),
            at_ms: clock::wall_ms(),
            feedback: Vec::new(),
        });
    }
}
