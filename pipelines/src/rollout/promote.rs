//! Verbs that go further than the evidence does, and what stands in their way.

use crate::bucket::Weight;

use super::command::{Answer, Asked};
use super::phase::{Hold, Phase};
use super::verb::{Refusal, To};

impl Asked<'_> {
    pub(super) fn promote(&self, to: To, force: Option<&str>) -> Answer {
        let force = match force.map(str::trim) {
            Some("") => return Err(Refusal::Reason),
            force => force,
        };
        let (here, steps) = (self.rollout.step, self.spec.steps.len());
        let unready = self.rollout.phase.stay().is_none();
        let target = match to {
            To::Full => steps,
            To::Next if unready => return Err(self.only_in_full()),
            To::Step(_) if unready => return Err(self.only_in_full()),
            To::Next => here + 1,
            To::Step(step) if (1..=steps).contains(&step) => step - 1,
            To::Step(step) => return Err(Refusal::UnknownStep { step, steps }),
        };
        if target < here && force.is_none() {
            let (from, to) = (here + 1, target + 1);
            return Err(Refusal::Backwards { from, to });
        }
        if target > here {
            self.may_advance(force, to == To::Full)?;
        }
        let mut next = self.rollout.clone();
        let because = force.map(|reason| format!(", by force: {reason}"));
        let because = because.unwrap_or_default();
        if to == To::Full {
            next.forced = force.map(ToOwned::to_owned);
        }
        let actor = self.actor;
        let why = match to {
            To::Full if unready => {
                next.express = true;
                format!(
                    "promoted in full by {actor}{because}: the canary gets all of the traffic once it is ready"
                )
            }
            To::Full => {
                next.promote(self.spec);
                let left = steps - here;
                format!("promoted in full by {actor}{because}: {left} of {steps} steps were left")
            }
            To::Next | To::Step(_) => {
                next.go(self.spec, target);
                format!("promoted by {actor}{because}: {}", next.progress(self.spec))
            }
        };
        Ok(Some(self.turned(next, "rollout.promote", why)))
    }

    fn only_in_full(&self) -> Refusal {
        Refusal::Phase {
            phase: self.rollout.phase.to_string(),
            possible: "promoted in full".to_owned(),
            asked: "promoted to a step",
        }
    }

    /// Whether it may go on where nobody waits for the evidence.
    fn may_advance(&self, force: Option<&str>, full: bool) -> Result<(), Refusal> {
        let rollout = self.rollout;
        // Before it was ready once, it is awaited.
        if rollout.pulse.away > 0 && !matches!(rollout.phase, Phase::Pending | Phase::Preparing) {
            return Err(Refusal::Away);
        }
        if let Some(doubt) = rollout.doubt()
            && !(full && force.is_some())
        {
            return Err(Refusal::Doubt { doubt });
        }
        match self.frozen() {
            Some(why) if force.is_none() => Err(Refusal::Frozen { why }),
            Some(_) | None => Ok(()),
        }
    }

    fn frozen(&self) -> Option<String> {
        let own = self.rollout.frozen(self.spec, self.now.wall);
        own.or_else(|| self.rollout.pulse.frozen.clone())
    }

    pub(super) fn skip(&self) -> Answer {
        self.may_advance(None, false)?;
        let mut next = self.rollout.clone();
        let was = self.rollout.progress(self.spec);
        match self.rollout.phase == Phase::Soaking {
            true => next.enter(Phase::Succeeded),
            false => next.go(self.spec, self.rollout.step + 1),
        }
        let why = format!("{} left {was}: {}", self.actor, next.progress(self.spec));
        Ok(Some(self.turned(next, "rollout.skip", why)))
    }

    pub(super) fn weigh(&self, weight: Weight) -> Answer {
        if weight == Weight::FULL {
            return Err(Refusal::Weight { weight });
        }
        if weight > self.rollout.target {
            if let Some(doubt) = self.rollout.doubt() {
                return Err(Refusal::Doubt { doubt });
            }
            if let Some(why) = self.frozen() {
                return Err(Refusal::Frozen { why });
            }
        }
        let was = self.rollout.target;
        let mut next = self.rollout.clone();
        next.target = weight;
        next.settle();
        let away = match next.phase.held() {
            Some(Hold::Unavailable) => ", once it is back",
            Some(Hold::NoData | Hold::Inconclusive | Hold::Srm | Hold::SharedIncident) | None => "",
        };
        let why = format!(
            "{} gave the canary {weight} of the traffic instead of {was}{away}",
            self.actor
        );
        Ok(Some(self.turned(next, "rollout.set-weight", why)))
    }
}
