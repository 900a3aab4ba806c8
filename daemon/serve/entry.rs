//! A request on its way through dispatch: what it found, and that it is counted once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use impresario_models::{Contract, Name, Tensor, VersionNumber};
use impresario_pipelines::Variant;
use impresario_pipelines::analysis::glance;
use impresario_pipelines::bucket::Slot;
use impresario_pipelines::expr::Scalar;
use impresario_pipelines::fleet::Revision;
use impresario_pipelines::policy::Split;
use impresario_pipelines::spec::Service;
use impresario_pipelines::table::{Decision, Why};
use impresario_pipelines::trial::record::DIMENSIONS;

use super::decisions::Decisions;
use super::keep::Keep;
use super::shadow::Aim;
use super::{Answer, Guide, Origin, Told, Unit};
use crate::actors::{Computed, Handle};
use crate::clock;
use crate::error::{Error, Node};
use crate::feedback::{Exposure, Feedback, Request, failed};
use crate::measure::{Cell, Ledger, Observation, Outcome, Sample, Times};
use crate::payload::Failure;
use crate::trace::Context;

/// A request that has found its pipeline: the contract to read its body with, and the version that was decided on,
/// so that no swap in between can lose it. It holds no other version in memory but the one that would rescue it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(super) leg: Leg,
    pub(super) pipeline: Name,
    pub(super) service: Arc<Service>,
    pub(super) decision: Choice,
    /// What is known of it beside, where its decision is kept.
    pub(super) part: Option<Box<Part>>,
    /// What a graph goes by, where one answers.
    pub(super) guide: Option<Box<Guide>>,
    /// What is kept of it for the payload log, where it is to be.
    pub(super) keep: Option<Box<Keep>>,
    /// Where it is told which versions are asked, where somebody watches.
    pub(super) told: Option<Told>,
}

/// What was decided for a request, beside the version.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) variant: Variant,
    /// The arm that the answer is evidence for; none where it is for none.
    pub(super) arm: Option<usize>,
    /// The slot that decided, where one did.
    pub(super) slot: Option<Slot>,
    pub(super) why: Why,
}

/// A version that a request may be sent to.
#[derive(Clone, Debug)]
pub(super) struct Leg {
    pub(super) handle: Arc<Handle>,
    /// Where it is a graph, those that it pins, by the places of the nodes: a graph that another one replaces goes on with
    /// them, and they leave memory after it.
    pub(super) members: Option<Arc<[Option<Entry>]>>,
    pub(super) cell: Option<Arc<Cell>>,
    pub(super) variant: Variant,
}

/// What a request has part in.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) revision: Revision,
    pub(super) split: Option<Arc<Split>>,
    /// The id that its decision is kept under; it is not kept without one.
    pub(super) id: Option<Box<str>>,
    pub(super) unit: Option<Unit>,
    /// Whether the unit is a key's, and not the request's own.
    pub(super) keyed: bool,
    /// Who answers where the one that was decided on fails.
    pub(super) spare: Option<Leg>,
    /// The way to who sees it and answers nobody.
    pub(super) aim: Option<Aim>,
    /// Where it is evidence, while somebody judges.
    pub(super) ledger: Option<Arc<Ledger>>,
    /// How feedback is told of it, where somebody learns from it.
    pub(super) lesson: Option<Lesson>,
    pub(super) decisions: Decisions,
}

/// How feedback is told of a request.
#[derive(Clone, Debug)]
pub(super) struct Lesson {
    pub(super) feedback: Feedback,
    /// What it is found by.
    pub(super) request: Request,
    /// Its value in each declared segment.
    pub(super) dimensions: [u8; DIMENSIONS],
}

impl Entry {
    /// The pipeline's name.
    #[must_use]
    pub fn pipeline(&self) -> &Name {
        &self.pipeline
    }

    /// What the request must fit.
    #[must_use]
    pub fn contract(&self) -> &Arc<Contract> {
        self.leg.contract()
    }

    /// The version that was decided on.
    #[must_use]
    pub(crate) fn handle(&self) -> &Arc<Handle> {
        &self.leg.handle
    }

    /// Notes the parameters of the request, which the expressions of a graph may read.
    pub fn says<'a>(&mut self, parameters: impl Iterator<Item = (&'a str, Scalar)>) {
        if let Some(guide) = &mut self.guide {
            let named = parameters.map(|(name, value)| (name.into(), value));
            guide.parameters = named.collect();
        }
    }

    /// What a graph goes by.
    pub(super) fn guide(&self) -> Guide {
        self.guide.as_deref().cloned().unwrap_or_default()
    }

    /// Who was decided on.
    pub(super) fn who(&self) -> (Name, VersionNumber, Variant) {
        let handle = &self.leg.handle;
        let variant = self.leg.variant.clone();
        (handle.model.clone(), handle.version, variant)
    }

    /// Notes which outputs are asked for, by their places in the contract: no version that lacks one of them comes to the
    /// rescue. Who asks for all takes all that the other one has.
    pub fn wants(&mut self, outputs: impl ExactSizeIterator<Item = usize> + Clone) {
        let contract = self.leg.contract();
        if let Some(keep) = &mut self.keep {
            keep.wants(contract, outputs.clone());
        }
        let Some(part) = &mut self.part else { return };
        let Some(spare) = &part.spare else { return };
        if Arc::ptr_eq(contract, spare.contract()) || outputs.len() >= contract.outputs.len() {
            return;
        }
        let mut names = outputs.filter_map(|index| contract.outputs.get(index));
        if !names.all(|port| spare.contract().output(&port.name).is_some()) {
            part.spare = None;
        }
    }

    /// What was asked for, in the answer's contract: by the name of each output, where another version than the one that
    /// was decided on has answered. Whoever asked for all gets all that it has, in the form of the first.
    #[must_use]
    pub fn wanted<F: Copy>(&self, answer: &Answer, wanted: Vec<(usize, F)>) -> Vec<(usize, F)> {
        let (asked, given) = (self.contract(), &answer.facts.contract);
        if Arc::ptr_eq(asked, given) {
            return wanted;
        }
        let all = wanted.len() >= asked.outputs.len();
        let first = wanted.first().map(|(_, form)| *form);
        let outputs = given.outputs.iter().enumerate();
        let form = |(index, port): (usize, &impresario_models::Port)| {
            let place = asked.output(&port.name);
            let same = wanted.iter().find(|(index, _)| Some(*index) == place);
            let form = same.map(|(_, form)| *form);
            Some((index, form.or(first.filter(|_| all))?))
        };
        outputs.filter_map(form).collect()
    }

    /// Counts a request that did not come as far as dispatch: its body did not fit the contract. Why is told where it is
    /// kept, as its caller may know it.
    pub fn refused(&self, since: Instant, trace: Option<Context>, why: impl FnOnce() -> Failure) {
        self.ended(Outcome::Refused, since, trace);
        let mut note = super::note::Note::new(self, since, trace);
        note.outcome = Outcome::Refused;
        if let Some(draft) = &mut note.draft {
            draft.refused(why());
        }
    }

    /// Counts what it took to read the request and to write its answer.
    pub fn coded(&self, took: Duration) {
        if let Some(cell) = &self.leg.cell {
            cell.coded(took);
        }
    }

    /// Counts a request that ended before dispatch.
    pub(super) fn ended(&self, outcome: Outcome, since: Instant, trace: Option<Context>) {
        let trace = trace.and_then(Context::kept);
        self.leg.count(Sample::unasked(outcome, since, trace));
    }

    /// Writes down what became of the request on the arm that it was assigned to, whoever rescues it.
    fn saw(&self, outcome: Outcome, latency: Duration, violation: bool, outputs: &[Tensor]) {
        if let Some(part) = &self.part
            && let (Some(arm), Some(ledger)) = (self.decision.arm, &part.ledger)
        {
            let seen = Observation {
                outcome,
                latency,
                glance: glance(outputs),
                violation,
            };
            ledger.record(arm, part.evidence(), &seen);
        }
    }

    /// Tells feedback what became of the request on the arm that it was assigned to, whoever rescues it.
    fn learn(&self, outcome: Outcome, latency: Option<Duration>) {
        let (Some(arm), Some(slot), Some(part)) =
            (self.decision.arm, self.decision.slot, &self.part)
        else {
            return;
        };
        if let (Some(split), Some(unit), Some(lesson)) = (&part.split, part.unit, &part.lesson) {
            lesson.feedback.exposed(&Exposure {
                pipeline: &self.pipeline,
                course: split.course,
                segment: split.segment,
                slots: &split.slots,
                arm,
                slot,
                unit: unit.short(),
                request: lesson.request,
                at: clock::wall_ms(),
                dimensions: lesson.dimensions,
                latency,
                error: failed(outcome),
            });
        }
    }

    /// Whether somebody judges an arm by what becomes of it.
    pub(super) fn is_evidence(&self) -> bool {
        let part = self.part.as_ref();
        self.decision.arm.is_some() && part.is_some_and(|part| part.ledger.is_some())
    }

    /// Who answers where the one that was decided on fails.
    pub(super) fn spare(&self) -> Option<&Leg> {
        self.part.as_ref()?.spare.as_ref()
    }

    /// What is answered in place of outputs that come too late, where the pipeline says what.
    pub(super) fn substitute(&self, rows: usize) -> Option<Answer> {
        let substitute = self.service.on_deadline.as_ref()?;
        match substitute.outputs(self.contract(), rows) {
            Ok(outputs) => Some(self.leg.answer(outputs, Origin::Substitute)),
            Err(what) => {
                tracing::warn!(pipeline = %self.pipeline, what, "the substitute does not fit what the version answers");
                None
            }
        }
    }
}

// === impl Choice ===

impl From<Decision> for Choice {
    fn from(decision: Decision) -> Self {
        let Decision {
            variant,
            arm,
            slot,
            why,
            ..
        } = decision;
        Self {
            variant,
            arm,
            slot,
            why,
        }
    }
}

// === impl Part ===

impl Part {
    /// Whether a version that may see the request beside the one that was decided on is a graph.
    pub(super) fn walks(&self) -> bool {
        let spare = self.spare.as_ref();
        let spare = spare.is_some_and(|leg| leg.handle.graph().is_some());
        spare || self.aim.as_ref().is_some_and(Aim::walks)
    }

    /// The unit as evidence knows it; without a key each request is one of its own.
    pub(super) fn evidence(&self) -> Option<u64> {
        let unit = self.unit.filter(|_| self.keyed)?;
        Some(unit.bits() as u64)
    }
}

// === impl Leg ===

impl Leg {
    pub(super) fn contract(&self) -> &Arc<Contract> {
        &self.handle.facts.contract
    }

    pub(super) fn answer(&self, outputs: Vec<Tensor>, origin: Origin) -> Answer {
        let handle = &self.handle;
        Answer {
            outputs,
            variant: self.variant.clone(),
            model: handle.model.clone(),
            version: handle.version,
            facts: Arc::clone(&handle.facts),
            queue: Duration::ZERO,
            compute: Duration::ZERO,
            origin,
            rescue: None,
            trail: None,
            token: None,
        }
    }

    /// Counts a look into the cache that began then.
    pub(super) fn looked(&self, count: impl Fn(&Cell, Duration), since: Instant) {
        if let Some(cell) = &self.cell {
            count(cell, since.elapsed());
        }
    }

    pub(super) fn count(&self, sample: Sample) {
        if let Some(cell) = &self.cell {
            cell.record(sample);
        }
    }
}

/// Counts a request to a version once, when its result is known or when its caller leaves before (the future is
/// dropped), and tells who keeps the evidence.
pub(super) struct Counting<'a> {
    pub(super) leg: &'a Leg,
    /// The request whose evidence it is; a rescue is none.
    pub(super) entry: Option<&'a Entry>,
    pub(super) begun: Instant,
    pub(super) rows: usize,
    pub(super) trace: Option<Context>,
    pub(super) sample: Option<(Outcome, Option<Times>)>,
}

impl Counting<'_> {
    /// The cache had the answer. That is no evidence: it is quick because somebody else waited, and a new version whose
    /// cache is still empty is not worse for that.
    pub(super) fn hit(&mut self) {
        self.sample = Some((Outcome::Success, None));
    }

    pub(super) fn ended(&mut self, result: &Result<Computed, Error>) {
        self.sample = Some(match result {
            Ok(computed) => {
                let times = Times {
                    queue: computed.queue,
                    compute: computed.compute,
                    executions: computed.executions,
                };
                // What waits for a thread, or to be joined, depends on how much traffic an arm has: a version that gets
                // little wakes its threads each time, and would be found slow for that. The engine's time is its own.
                let latency = computed.compute;
                self.tell(Outcome::Success, latency, false, &computed.outputs);
                (Outcome::Success, Some(times))
            }
            Err(error) => {
                let outcome = error.code().outcome;
                let broke = matches!(
                    error.root(),
                    Error::Broke { .. }
                        | Error::Node {
                            why: Node::Unfit(_),
                            ..
                        }
                );
                self.tell(outcome, self.begun.elapsed(), broke, &[]);
                (outcome, None)
            }
        });
    }

    fn tell(&self, outcome: Outcome, latency: Duration, violation: bool, outputs: &[Tensor]) {
        if let Some(entry) = self.entry {
            entry.saw(outcome, latency, violation, outputs);
        }
    }
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        let request = self.begun.elapsed();
        let (outcome, times) = self.sample.unwrap_or_else(|| {
            self.tell(Outcome::Abandoned, request, false, &[]);
            (Outcome::Abandoned, None)
        });
        if let Some(entry) = self.entry {
            // What comes out of the cache is quick because somebody else waited.
            entry.learn(outcome, times.as_ref().map(|_| request));
        }
        self.leg.count(Sample {
            outcome,
            rows: self.rows,
            request,
            times,
            trace: self.trace.and_then(Context::kept),
            at_ms: clock::wall_ms(),
        });
    }
}
