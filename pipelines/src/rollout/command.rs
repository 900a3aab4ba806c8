//! `command`: a verb takes a rollout on, changes nothing because it was done already, or is refused.

use crate::fleet::Now;
use crate::spec::canary::{Canary, Step};

use super::begin::{begin, begun};
use super::phase::{Cause, Phase, Place, Stay};
use super::sentence::{span, weights};
use super::state::{Freeze, Rollout, Transition};
use super::verb::{Refusal, To, Verb};

/// A verb with all that it is judged by.
pub(super) struct Asked<'a> {
    pub(super) rollout: &'a Rollout,
    pub(super) spec: &'a Canary,
    pub(super) actor: &'a str,
    pub(super) now: Now,
}

pub(super) type Answer = Result<Option<Transition>, Refusal>;

/// Does what somebody asks for; nothing where it was done already.
///
/// # Errors
/// A [`Refusal`]; nothing was changed.
pub fn command(rollout: &Rollout, spec: &Canary, verb: &Verb, actor: &str, now: Now) -> Answer {
    if repeats(rollout, spec, verb) {
        return Ok(None);
    }
    verb.fits(&rollout.phase)?;
    let asked = Asked {
        rollout,
        spec,
        actor,
        now,
    };
    match verb {
        Verb::Pause => Ok(asked.pause()),
        Verb::Resume => Ok(asked.resume()),
        Verb::Promote { to, force } => asked.promote(*to, force.as_deref()),
        Verb::Skip => asked.skip(),
        Verb::Approve => Ok(asked.approve()),
        Verb::Reject(reason) => asked.end(Cause::Rejected, "rollout.reject", "rejected", reason),
        Verb::Abort(reason) => asked.end(Cause::Asked, "rollout.abort", "aborted", reason),
        Verb::Retry { id } => Ok(asked.retry(*id)),
        Verb::Undo => Ok(asked.undo()),
        Verb::SetWeight(weight) => asked.weigh(*weight),
        Verb::Freeze { until } => asked.freeze(*until),
        Verb::Unfreeze => Ok(asked.unfreeze()),
    }
}

/// Whether what is asked for is done already.
fn repeats(rollout: &Rollout, spec: &Canary, verb: &Verb) -> bool {
    let phase = &rollout.phase;
    match verb {
        Verb::Pause => matches!(phase, Phase::Paused { .. }),
        Verb::Resume => matches!(
            phase,
            Phase::Pending
                | Phase::Preparing
                | Phase::Shadow(Stay::Baking)
                | Phase::Step(Stay::Baking | Stay::AwaitingApproval)
        ),
        Verb::Promote { to: To::Full, .. } => {
            let done = matches!(phase, Phase::Promoting | Phase::Soaking | Phase::Succeeded);
            done || rollout.express
        }
        Verb::Promote {
            to: To::Step(step), ..
        } => phase.stay().is_some() && *step == rollout.step + 1,
        Verb::Approve => {
            let approval = matches!(rollout.current(spec), Some(Step::Approval));
            approval && *phase == Phase::Step(Stay::Baking)
        }
        Verb::Abort(_) => matches!(phase, Phase::Aborting(_) | Phase::RolledBack(_)),
        Verb::Reject(_) => matches!(
            phase,
            Phase::Aborting(Cause::Rejected) | Phase::RolledBack(Cause::Rejected)
        ),
        Verb::Undo => matches!(
            phase,
            Phase::Aborting(Cause::Undone) | Phase::RolledBack(Cause::Undone)
        ),
        Verb::SetWeight(weight) => phase.stay().is_some() && *weight == rollout.target,
        Verb::Unfreeze => rollout.is_active() && rollout.freeze.is_none(),
        Verb::Freeze { .. }
        | Verb::Promote { to: To::Next, .. }
        | Verb::Skip
        | Verb::Retry { .. } => false,
    }
}

// === impl Asked ===

impl Asked<'_> {
    pub(super) fn turned(&self, next: Rollout, action: &'static str, why: String) -> Transition {
        let numbers = weights(self.rollout, &next);
        next.turned(action, why, numbers, self.now.wall)
    }

    fn pause(&self) -> Option<Transition> {
        let from = match &self.rollout.phase {
            Phase::Pending => Place::Pending,
            Phase::Preparing => Place::Preparing,
            Phase::Shadow(stay) => Place::Shadow(*stay),
            Phase::Step(stay) => Place::Step(*stay),
            Phase::FailedPrepare(_)
            | Phase::Promoting
            | Phase::Soaking
            | Phase::Succeeded
            | Phase::Paused { .. }
            | Phase::Aborting(_)
            | Phase::RolledBack(_)
            | Phase::Superseded { .. } => return None,
        };
        let mut next = self.rollout.clone();
        let by = self.actor.to_owned();
        next.phase = Phase::Paused { by, from };
        let why = format!(
            "paused by {}: the canary keeps {} of the traffic",
            self.actor,
            next.weight()
        );
        Some(self.turned(next, "rollout.pause", why))
    }

    fn resume(&self) -> Option<Transition> {
        let mut next = self.rollout.clone();
        let why = match &self.rollout.phase {
            Phase::Paused { from, .. } => {
                next.phase = (*from).into();
                format!("resumed by {}: {}", self.actor, next.progress(self.spec))
            }
            phase @ (Phase::Shadow(Stay::Held(_)) | Phase::Step(Stay::Held(_))) => {
                let clock = span(next.pulse.clock);
                next.enter(phase.with(self.fresh()));
                format!(
                    "resumed by {}: after {clock} the evidence gets as much time again",
                    self.actor
                )
            }
            Phase::Pending
            | Phase::Preparing
            | Phase::FailedPrepare(_)
            | Phase::Shadow(Stay::Baking | Stay::AwaitingApproval)
            | Phase::Step(Stay::Baking | Stay::AwaitingApproval)
            | Phase::Promoting
            | Phase::Soaking
            | Phase::Succeeded
            | Phase::Aborting(_)
            | Phase::RolledBack(_)
            | Phase::Superseded { .. } => return None,
        };
        Some(self.turned(next, "rollout.resume", why))
    }

    fn fresh(&self) -> Stay {
        self.rollout.current(self.spec).map_or(Stay::Baking, begun)
    }

    fn approve(&self) -> Option<Transition> {
        let mut next = self.rollout.clone();
        next.phase = Phase::Step(Stay::Baking);
        let why = format!("approved by {}", self.actor);
        Some(self.turned(next, "rollout.approve", why))
    }

    fn end(&self, cause: Cause, action: &'static str, word: &str, reason: &str) -> Answer {
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(Refusal::Reason);
        }
        let mut next = self.rollout.clone();
        next.abort(cause);
        let why = format!("{word} by {}: {reason}", self.actor);
        Ok(Some(self.turned(next, action, why)))
    }

    fn retry(&self, id: u64) -> Option<Transition> {
        let mut next = begin(id, self.spec, self.now);
        next.freeze.clone_from(&self.rollout.freeze);
        let why = format!("tried again by {}, with new evidence", self.actor);
        Some(self.turned(next, "rollout.retry", why))
    }

    fn undo(&self) -> Option<Transition> {
        let mut next = self.rollout.clone();
        next.abort(Cause::Undone);
        let why = format!(
            "undone by {}: version {} gets all of the traffic again",
            self.actor, self.spec.stable
        );
        Some(self.turned(next, "rollout.undo", why))
    }

    fn freeze(&self, until: Option<u64>) -> Answer {
        let now = self.now.wall;
        if let Some(until) = until
            && until <= now
        {
            return Err(Refusal::Past { until, now });
        }
        let by = self.actor.to_owned();
        if self
            .rollout
            .freeze
            .as_ref()
            .is_some_and(|old| old.until == until)
        {
            return Ok(None);
        }
        let mut next = self.rollout.clone();
        next.freeze = Some(Freeze { by, until });
        let why = match until {
            Some(until) => format!("frozen by {} for {}", self.actor, span(until - now)),
            None => format!("frozen by {} until it is taken back", self.actor),
        };
        Ok(Some(self.turned(next, "rollout.freeze", why)))
    }

    fn unfreeze(&self) -> Option<Transition> {
        let mut next = self.rollout.clone();
        next.freeze = None;
        let why = format!("unfrozen by {}", self.actor);
        Some(self.turned(next, "rollout.unfreeze", why))
    }
}
