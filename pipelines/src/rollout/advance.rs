//! The rules that advance: time, approval, the shadow's gate, evidence, and the deadline of evidence.

use crate::spec::canary::{Gate, Inconclusive, Step};

use super::case::Case;
use super::figures::unproven;
use super::phase::{Cause, Hold, Phase, Stay};
use super::rules::Ruling;
use super::sentence::{Count, Percent, millis, span};
use super::sight::Shadowing;

/// What needs no evidence: a new weight that is in force, time, and an approval.
pub(super) fn timed(case: &Case<'_>) -> Ruling {
    let clock = case.rollout.pulse.clock;
    match case.rollout.phase {
        Phase::Promoting => {
            return Ruling::Advance(format!(
                "version {} has all of the traffic; version {} stays in memory for {}",
                case.spec.canary,
                case.spec.stable,
                span(millis(case.spec.soak))
            ));
        }
        Phase::Soaking => {
            let soak = millis(case.spec.soak);
            return match clock >= soak {
                true => Ruling::Advance(format!(
                    "version {} soaked for {}",
                    case.spec.canary,
                    span(soak)
                )),
                false => Ruling::Wait(format!("soaking for another {}", span(soak - clock))),
            };
        }
        _ => {}
    }
    match case.rollout.current(case.spec) {
        Some(Step::SetWeight { weight, .. }) => {
            Ruling::Advance(format!("the canary has {weight} of the traffic"))
        }
        Some(Step::Pause(time)) => {
            let time = millis(*time);
            match clock >= time {
                true => Ruling::Advance(format!("the pause of {} is over", span(time))),
                false => Ruling::Wait(format!("pausing for another {}", span(time - clock))),
            }
        }
        Some(Step::Approval) => match case.rollout.phase.stay() {
            Some(Stay::Baking) => Ruling::Advance("it was approved".to_owned()),
            Some(Stay::AwaitingApproval | Stay::Held(_)) | None => {
                Ruling::Wait("somebody has to approve it, or to reject it".to_owned())
            }
        },
        Some(Step::Shadow(_) | Step::Analyze(_)) | None => Ruling::Pass,
    }
}

/// The gate before the first callers.
pub(super) fn shadow(case: &Case<'_>) -> Ruling {
    let Some(Step::Shadow(gate)) = case.rollout.current(case.spec) else {
        return Ruling::Pass;
    };
    let Gate {
        pairs, agreement, ..
    } = **gate;
    let none = Shadowing {
        pairs: 0,
        agreement: 0.0,
    };
    let seen = case.sight.shadow.unwrap_or(none);
    let shown = match seen.pairs {
        0 => format!("no pair of {} was compared", Count(pairs)),
        _ => format!(
            "{} of {} pairs were compared, {} agree where {} must",
            Count(seen.pairs),
            Count(pairs),
            Percent(seen.agreement),
            Percent(agreement)
        ),
    };
    let late = case.rollout.pulse.clock >= millis(gate.deadline);
    match (seen.pairs >= pairs, late) {
        (true, _) if seen.agreement >= agreement && seen.pairs > 0 => Ruling::Advance(shown),
        (true, true) => case.hold(Hold::Inconclusive, || shown),
        (false, true) => case.hold(Hold::NoData, || shown),
        (_, false) => Ruling::Wait(shown),
    }
}

/// Nothing is concluded before its time, or from a handful.
pub(super) fn enough(case: &Case<'_>) -> Ruling {
    let Some(analysis) = case.analyzed() else {
        return Ruling::Pass;
    };
    let clock = case.rollout.pulse.clock;
    let shortest = millis(analysis.min_time);
    match clock {
        _ if clock < shortest => Ruling::Wait(format!(
            "analysis '{}' takes another {} at the least",
            analysis.name,
            span(shortest - clock)
        )),
        _ if !case.counted(analysis) && clock < millis(analysis.deadline) => {
            Ruling::Wait(case.few(analysis))
        }
        _ => Ruling::Pass,
    }
}

/// Every guardrail is proven safe.
pub(super) fn proven(case: &Case<'_>) -> Ruling {
    match (case.analyzed(), &case.sight.readings) {
        (Some(analysis), Some(readings)) if case.counted(analysis) && readings.safe() => {
            Ruling::Advance(readings.sentence())
        }
        (Some(_) | None, Some(_) | None) => Ruling::Pass,
    }
}

/// The evidence takes too long. Without data nothing advances, whatever was asked for.
pub(super) fn deadline(case: &Case<'_>) -> Ruling {
    let Some(analysis) = case.analyzed() else {
        return Ruling::Pass;
    };
    let clock = case.rollout.pulse.clock;
    let counted = case.counted(analysis);
    let shown = || match &case.sight.readings {
        Some(readings) if counted => unproven(readings, analysis.beta),
        Some(_) | None => case.few(analysis),
    };
    if clock < millis(analysis.deadline) {
        return Ruling::Wait(shown());
    }
    let passed = || format!("the deadline passed after {}: {}", span(clock), shown());
    match (analysis.on_inconclusive, counted) {
        (Inconclusive::Abort, _) => Ruling::Abort(Cause::Inconclusive, passed()),
        (Inconclusive::Advance, true) => Ruling::Advance(passed()),
        (Inconclusive::Hold, true) => case.hold(Hold::Inconclusive, passed),
        (Inconclusive::Advance | Inconclusive::Hold, false) => case.hold(Hold::NoData, passed),
    }
}
