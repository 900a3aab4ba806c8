//! Dispatch: a decided request to its version, and what comes back; where that fails, to the version that covers it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use impresario_models::{Tensor, batch};
use impresario_pipelines::Priority;

use super::cache::Look;
use super::entry::{Counting, Leg};
use super::note::Note;
use super::rescue::{self, Rescue};
use super::{Answer, Entry, Origin, SOON, Serve, Terms, Token};
use crate::actors::Computed;
use crate::clock;
use crate::error::{Error, Load};
use crate::trace::Context;

/// The time of a request, and how urgent it is.
#[derive(Clone, Copy)]
pub(super) struct Time {
    pub(super) limit: Duration,
    pub(super) deadline: Instant,
    pub(super) priority: Priority,
    /// The trace of the request, where it belongs to one.
    pub(super) trace: Option<Context>,
}

impl Serve {
    /// Sends the inputs, in the contract's order and checked, to the version that was decided on, and awaits
    /// its answer for as long as the request may take since it arrived: the caller's limit, the pipeline's
    /// deadline or the daemon's timeout, whichever is shortest. Where the version fails and the pipeline has failures
    /// covered, the first arm of its split answers in what is left of that time. Where the time is over, or would be
    /// before the version comes to it, and the pipeline says what is answered then, that is the answer.
    ///
    /// # Errors
    /// Any [`Error`]; whatever it is, it is counted.
    pub async fn dispatch(
        &self,
        entry: &Entry,
        inputs: Vec<Tensor>,
        terms: Terms,
    ) -> Result<Answer, Error> {
        let begun = clock::instant();
        let (limit, deadline) = terms.span(entry.service.deadline, self.timeout);
        let priority = terms.priority.or(entry.service.priority);
        let time = Time {
            limit,
            deadline,
            priority: priority.unwrap_or_default(),
            trace: terms.trace,
        };
        let mut note = Note::new(entry, begun, terms.trace);
        if let Some(draft) = &mut note.draft {
            draft.asks(entry.contract(), &inputs, limit);
        }
        let rows = batch::rows(&inputs);
        let spare = entry.spare().map(|leg| (leg, inputs.clone()));
        let asked = self.ask(&entry.leg, entry, Some(&mut note), inputs, begun, &time);
        let result = match (asked.await, spare) {
            (Err(error), Some((leg, inputs))) => {
                // Boxed, as are a walk and a recall: few requests need them, and the future of each would have room for one.
                Box::pin(self.rescue(entry, leg, error, inputs, &time)).await
            }
            (result, _) => result,
        };
        if let Err(error) = &result
            && is_late(error)
            && let Some(answer) = entry.substitute(rows)
        {
            note.ended(&result);
            if let Some(draft) = &mut note.draft {
                draft.substituted();
            }
            return Ok(answer);
        }
        note.ended(&result);
        let mut answer = result?;
        answer.token = self.token(entry);
        Ok(answer)
    }

    /// Asks a version for an entry. What it does is evidence, and is shown to a shadow, where the note of the request that was
    /// decided so is given.
    async fn ask(
        &self,
        leg: &Leg,
        from: &Entry,
        note: Option<&mut Note<'_>>,
        inputs: Vec<Tensor>,
        begun: Instant,
        time: &Time,
    ) -> Result<Answer, Error> {
        let entry = note.as_ref().map(|note| note.entry);
        let handle = &leg.handle;
        // While a rollout is judged nothing comes out of the cache: the arm whose cache is warmer would look better.
        let judged = entry.is_some_and(Entry::is_evidence);
        let cached = handle.cache.as_ref().filter(|_| !judged);
        let looking = cached.map_or(begun, |_| clock::instant());
        let look = self.cache.look(cached, &inputs);
        let mut counting = Counting {
            leg,
            entry,
            begun,
            rows: batch::rows(&inputs),
            trace: time.trace,
            sample: None,
        };
        let place = match look {
            Look::Off => None,
            Look::Hit(outputs) => {
                leg.looked(|cell, took| cell.hit(took), looking);
                counting.hit();
                from.tell_hit(leg, begun);
                return Ok(leg.answer(outputs, Origin::Cache));
            }
            Look::Miss(place) => {
                leg.looked(|cell, took| cell.missed(took), looking);
                Some(place)
            }
        };
        let part = entry.and_then(|entry| entry.part.as_deref());
        let shot = part.and_then(|part| part.aim.as_ref()?.sample(&inputs, from.guide()));
        let shot = shot.map(Box::new);
        let (result, trail) = match handle.graph() {
            Some(graph) => {
                let members = leg.members.as_deref().unwrap_or_default();
                let walk = self.walk(graph, members, from.guide(), inputs, *time);
                let walked = Box::pin(walk).await;
                if let Some(nodes) = &handle.nodes {
                    walked.trail.count(nodes);
                }
                (walked.result, Some(Arc::new(walked.trail)))
            }
            None => (compute(leg, inputs, begun, time).await, None),
        };
        counting.ended(&result);
        from.tell(leg, begun, place.is_some(), &result, trail.as_ref());
        if let Some(note) = note {
            if let (Some(shot), Some(part)) = (shot, part) {
                note.shadowed = shot.answered(&result, part.id.as_deref());
            }
            note.trail.clone_from(&trail);
        }
        let Computed {
            outputs,
            queue,
            compute,
            ..
        } = result?;
        if let Some(place) = place {
            self.cache.keep(place, &outputs);
        }
        let origin = place.map_or(Origin::Computed, |_| Origin::Missed);
        Ok(Answer {
            queue,
            compute,
            trail,
            ..leg.answer(outputs, origin)
        })
    }

    /// Lets the first arm answer for one that failed, where that is its fault, there is time, and the inputs fit it.
    async fn rescue(
        &self,
        entry: &Entry,
        leg: &Leg,
        error: Error,
        inputs: Vec<Tensor>,
        time: &Time,
    ) -> Result<Answer, Error> {
        let begun = clock::instant();
        let why = rescue::reason(&error).filter(|_| begun < time.deadline);
        let Some(why) = why else {
            return Err(error);
        };
        let Some(inputs) = rescue::fit(entry.contract(), leg.contract(), inputs) else {
            return Err(error);
        };
        tracing::debug!(
            pipeline = %entry.pipeline(),
            variant = %entry.leg.variant,
            error = %crate::error::causes(&error),
            "another version answers for one that failed"
        );
        let from = entry.leg.variant.clone();
        match self.ask(leg, entry, None, inputs, begun, time).await {
            Ok(answer) => Ok(Answer {
                rescue: Some(Rescue { from, why }),
                ..answer
            }),
            // What is too late may still have a substitute.
            Err(late) if is_late(&late) => Err(late),
            Err(_) => Err(error),
        }
    }

    /// What the caller may send with feedback: a token where the split learns from it, and the answer is its arm's own.
    fn token(&self, entry: &Entry) -> Option<String> {
        let part = entry.part.as_ref()?;
        let split = part.split.as_ref()?;
        let lesson = part.lesson.as_ref()?;
        Some(self.secret.as_ref()?.sign(&Token {
            pipeline: entry.pipeline.clone(),
            course: split.course,
            segment: split.segment,
            arm: u8::try_from(entry.decision.arm?).ok()?,
            slot: entry.decision.slot?,
            unit: part.unit?,
            request: lesson.request,
            dimensions: lesson.dimensions,
            at_ms: clock::wall_ms(),
        }))
    }
}

/// Lets the instances of a version compute, in their own time or here.
async fn compute(
    leg: &Leg,
    inputs: Vec<Tensor>,
    begun: Instant,
    time: &Time,
) -> Result<Computed, Error> {
    let &Time {
        limit, deadline, ..
    } = time;
    let handle = &leg.handle;
    // A version that is away was waited for until the time was over.
    if begun >= deadline || handle.is_away() {
        return Err(Error::Expired { limit });
    }
    let inputs = match handle.compute_here(inputs) {
        Ok(result) => return result,
        Err(inputs) => inputs,
    };
    let answer = handle.send(inputs, time.priority, deadline, limit)?;
    match tokio::time::timeout_at(deadline.into(), answer).await {
        Ok(Ok(computed)) => computed,
        // The worker went without a word: the version is gone, or its rebuild refused the queue.
        Ok(Err(_)) => Err(handle.unavailable(Some(SOON))),
        Err(_) => Err(Error::Expired { limit }),
    }
}

/// Whether the time is over, or would be before the version comes to the request.
fn is_late(error: &Error) -> bool {
    matches!(
        error.root(),
        Error::Expired { .. }
            | Error::Overloaded {
                load: Load::Late { .. },
                ..
            }
    )
}
