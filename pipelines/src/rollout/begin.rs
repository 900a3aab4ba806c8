//! How a rollout begins, goes into a step, and ends.

use crate::bucket::{Slots, Weight};
use crate::fleet::Now;
use crate::spec::canary::{Canary, Step};

use super::phase::{Cause, Phase, Stay};
use super::state::{Pulse, Rollout, Transition};

/// A rollout that begins with a revision. The stable has all of the traffic.
#[must_use]
pub fn begin(id: u64, spec: &Canary, now: Now) -> Rollout {
    let slots = Slots::new(&[Weight::FULL, Weight::ZERO]);
    Rollout {
        id,
        phase: Phase::Pending,
        step: 0,
        slots: slots.expect("the whole and nothing sum to the whole"),
        target: Weight::ZERO,
        segment: 0,
        turn: 0,
        thresholds: None,
        freeze: None,
        express: false,
        forced: None,
        since: now.wall,
        why: format!(
            "version {} is to take the place of version {} in {} steps",
            spec.canary,
            spec.stable,
            spec.steps.len()
        ),
        pulse: Pulse::default(),
    }
}

/// Ends a rollout because another definition of its pipeline takes its place; nothing for one that has ended.
#[must_use]
pub fn supersede(rollout: &Rollout, by: u64, now: Now) -> Option<Transition> {
    if !rollout.is_active() {
        return None;
    }
    let mut next = rollout.clone();
    next.take_back(Phase::Superseded { by });
    let why = format!(
        "revision {by} took the place of the rollout, which {}",
        rollout.phase
    );
    Some(next.turned("rollout.supersede", why, Vec::new(), now.wall))
}

impl Rollout {
    /// Goes to a step, by way of those that are passed; past the last one it is promoted.
    pub(super) fn go(&mut self, spec: &Canary, to: usize) {
        let Some(step) = spec.steps.get(to) else {
            return self.promote(spec);
        };
        // A weight that somebody set holds until a step sets another one; going back asks for what was.
        let set = |steps: &[Step]| steps.iter().rev().find_map(Step::weight);
        self.target = match to > self.step {
            true => set(&spec.steps[self.step + 1..=to]).unwrap_or(self.target),
            false => set(&spec.steps[..=to]).unwrap_or_default(),
        };
        self.step = to;
        self.enter(match step {
            Step::Shadow(_) => Phase::Shadow(Stay::Baking),
            Step::SetWeight { .. } | Step::Pause(_) | Step::Analyze(_) | Step::Approval => {
                Phase::Step(begun(step))
            }
        });
        self.settle();
    }

    /// Gives the canary all of the traffic.
    pub(super) fn promote(&mut self, spec: &Canary) {
        self.step = spec.steps.len();
        self.target = Weight::FULL;
        self.express = false;
        self.enter(Phase::Promoting);
        self.settle();
    }

    /// Takes everything from the canary, for a cause.
    pub(super) fn abort(&mut self, cause: Cause) {
        self.take_back(Phase::Aborting(cause));
    }

    /// Takes everything from the canary.
    pub(super) fn take_back(&mut self, phase: Phase) {
        self.target = Weight::ZERO;
        self.express = false;
        self.enter(phase);
        self.settle();
    }
}

/// What a step does first.
pub(super) fn begun(step: &Step) -> Stay {
    match step {
        Step::Approval => Stay::AwaitingApproval,
        Step::Shadow(_) | Step::SetWeight { .. } | Step::Pause(_) | Step::Analyze(_) => {
            Stay::Baking
        }
    }
}
