//! `check`: the invariants of a rollout, asked after every step in tests and by the fleet's own check.

use crate::bucket::Weight;
use crate::spec::canary::{Canary, Step};

use super::phase::{Hold, Phase, Place, Stay};
use super::state::Rollout;

/// Everything that should never be.
#[must_use]
pub fn check(rollout: &Rollout, spec: &Canary) -> Vec<String> {
    let mut found = Vec::new();
    let mut claim = |holds: bool, what: String| {
        if !holds {
            found.push(format!("rollout {} {}: {what}", rollout.id, rollout.phase));
        }
    };
    let (step, steps) = (rollout.step, spec.steps.len());
    let weights = rollout.slots.weights();
    claim(weights.len() == 2, format!("it has {} arms", weights.len()));
    let sum: u32 = weights.iter().map(|w| u32::from(w.basis_points())).sum();
    claim(
        sum == 10_000,
        format!("its weights sum to {sum} hundredths of a per cent"),
    );
    let weight = rollout.weight();
    let due = due(rollout);
    claim(
        weight == due,
        format!("the canary has {weight} of the traffic, expected {due}"),
    );
    let place = match &rollout.phase {
        Phase::Pending
        | Phase::Preparing
        | Phase::FailedPrepare(_)
        | Phase::Paused {
            from: Place::Pending | Place::Preparing,
            ..
        } => step == 0,
        Phase::Shadow(stay)
        | Phase::Paused {
            from: Place::Shadow(stay),
            ..
        } => {
            let gate = matches!(spec.steps.first(), Some(Step::Shadow(_)));
            step == 0 && gate && *stay != Stay::AwaitingApproval
        }
        Phase::Step(stay)
        | Phase::Paused {
            from: Place::Step(stay),
            ..
        } => match spec.steps.get(step) {
            Some(Step::Approval) => true,
            Some(Step::SetWeight { .. } | Step::Pause(_) | Step::Analyze(_)) => {
                *stay != Stay::AwaitingApproval
            }
            Some(Step::Shadow(_)) | None => false,
        },
        Phase::Promoting | Phase::Soaking | Phase::Succeeded => step == steps,
        Phase::Aborting(_) | Phase::RolledBack(_) | Phase::Superseded { .. } => step <= steps,
    };
    claim(place, format!("it is in step {} of {steps}", step + 1));
    let ready = match &rollout.phase {
        Phase::Pending
        | Phase::Preparing
        | Phase::Paused {
            from: Place::Pending | Place::Preparing,
            ..
        } => false,
        Phase::FailedPrepare(_)
        | Phase::Shadow(_)
        | Phase::Step(_)
        | Phase::Promoting
        | Phase::Soaking
        | Phase::Succeeded
        | Phase::Paused {
            from: Place::Shadow(_) | Place::Step(_),
            ..
        }
        | Phase::Aborting(_)
        | Phase::RolledBack(_)
        | Phase::Superseded { .. } => true,
    };
    claim(
        !(ready && rollout.express),
        "it still waits to be promoted".to_owned(),
    );
    claim(!rollout.why.is_empty(), "it does not say why".to_owned());
    let pulse = &rollout.pulse;
    claim(
        pulse.log_harm.is_finite() && pulse.log_srm.is_finite(),
        "its evidence is no number".to_owned(),
    );
    let (stable, canary) = rollout.needs();
    claim(
        canary || weight == Weight::ZERO,
        "the canary has traffic and need not be there".to_owned(),
    );
    claim(
        stable || weight == Weight::FULL,
        "the stable has traffic and need not be there".to_owned(),
    );
    found
}

/// The weight that the canary must have.
fn due(rollout: &Rollout) -> Weight {
    let in_step = |stay: &Stay| match stay {
        Stay::Held(Hold::Unavailable) => Weight::ZERO,
        Stay::Held(Hold::NoData | Hold::Inconclusive | Hold::Srm | Hold::SharedIncident)
        | Stay::Baking
        | Stay::AwaitingApproval => rollout.target,
    };
    match &rollout.phase {
        Phase::Step(stay)
        | Phase::Paused {
            from: Place::Step(stay),
            ..
        } => in_step(stay),
        Phase::Promoting | Phase::Soaking | Phase::Succeeded => Weight::FULL,
        Phase::Pending
        | Phase::Preparing
        | Phase::FailedPrepare(_)
        | Phase::Shadow(_)
        | Phase::Paused {
            from: Place::Pending | Place::Preparing | Place::Shadow(_),
            ..
        }
        | Phase::Aborting(_)
        | Phase::RolledBack(_)
        | Phase::Superseded { .. } => Weight::ZERO,
    }
}
