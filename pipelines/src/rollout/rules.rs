//! The rules of a tick, in their order: the first that says anything wins.
//!
//! What protects comes before what advances. The first protective rule of all, that a frozen rollout does not advance, is
//! no ruling but a bar ([`Case::bar`]): what aborts acts all the same, and the rest waits behind [`barred`].

use crate::analysis::{CANARY, STABLE, Thresholds, Trip};

use super::advance::{deadline, enough, proven, shadow, timed};
use super::case::Case;
use super::figures::{compared, harm as harm_words};
use super::phase::{Cause, Hold};
use super::sentence::{Count, Odds, Percent, millis, span};
use super::sight::Standing;
use super::state::MISMATCH;
use super::tick::GRACE;

/// What a rule says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ruling {
    /// Nothing: the next rule is asked.
    Pass,
    /// Nothing happens, for this reason.
    Wait(String),
    /// It ends.
    Abort(Cause, String),
    /// It does not go on until something changes.
    Hold(Hold, String),
    /// What held it is over.
    Release(String),
    /// What is slow is frozen.
    Measure(Thresholds),
    /// It goes on.
    Advance(String),
}

/// All rules, in their order.
pub(super) const RULES: [fn(&Case<'_>) -> Ruling; 14] = [
    unavailable,
    trip,
    violations,
    harm,
    ceiling,
    mismatch,
    measure,
    release,
    barred,
    timed,
    shadow,
    enough,
    proven,
    deadline,
];

/// Answers that broke the contract, at the most: one may be an accident of what was asked.
const VIOLATIONS: u64 = 3;

// === what protects ===

/// A canary that is not there has no traffic, and is not waited for forever. After the promotion the stable is still in
/// memory, and takes over at once.
fn unavailable(case: &Case<'_>) -> Ruling {
    let Some(why) = case.sight.canary.trouble() else {
        return Ruling::Pass;
    };
    let away = case.rollout.pulse.away;
    let gone = matches!(case.sight.canary, Standing::Gone(_));
    let over = away >= millis(case.spec.unavailable);
    if case.rollout.phase.stay().is_none() {
        return match (gone || over) && case.sight.stable == Standing::Ready {
            true => Ruling::Abort(
                Cause::Unavailable,
                format!("the canary is not there: {why}"),
            ),
            false => Ruling::Pass,
        };
    }
    if over {
        let away = span(away);
        return Ruling::Abort(
            Cause::Unavailable,
            format!("the canary was away for {away}: {why}"),
        );
    }
    match gone || away >= GRACE {
        true => case.hold(Hold::Unavailable, || {
            format!("the canary is not there and gets no traffic until it is back: {why}")
        }),
        false => Ruling::Pass,
    }
}

/// Hard failures in a row.
fn trip(case: &Case<'_>) -> Ruling {
    let errors = || {
        let readings = case.sight.readings.as_ref();
        let errors = readings.and_then(|r| r.guardrails.first());
        errors
            .map(|r| format!(" ({})", compared(r)))
            .unwrap_or_default()
    };
    match case.sight.trip {
        Trip::No => Ruling::Pass,
        Trip::Canary => Ruling::Abort(
            Cause::Trip,
            format!(
                "the canary fails again and again while the stable is healthy{}",
                errors()
            ),
        ),
        Trip::Both => case.hold(Hold::SharedIncident, || {
            format!(
                "both versions fail, so the canary is not to blame{}",
                errors()
            )
        }),
    }
}

/// Answers of the canary that broke the contract, and more often than the stable's.
fn violations(case: &Case<'_>) -> Ruling {
    let Some(readings) = case.evidence() else {
        return Ruling::Pass;
    };
    let [stable, canary] = [STABLE, CANARY].map(|arm| {
        let of = readings.requests[arm].max(1);
        readings.violations[arm] as f64 / of as f64
    });
    let broken = readings.violations[CANARY];
    match broken > VIOLATIONS && canary > stable {
        true => Ruling::Abort(
            Cause::Violations,
            format!(
                "{} answers of the canary broke the contract ({} of its requests, limit {VIOLATIONS}) against {} of the stable's",
                Count(broken),
                Percent(canary),
                Count(readings.violations[STABLE]),
            ),
        ),
        false => Ruling::Pass,
    }
}

/// The weighted evidence of harm.
fn harm(case: &Case<'_>) -> Ruling {
    match case.evidence() {
        Some(readings) if readings.harm.shown() => {
            let mut why = harm_words(readings);
            if readings.log_srm >= MISMATCH.ln() {
                why += "; the arms do not get the shares that they should either";
            }
            Ruling::Abort(Cause::Harm, why)
        }
        Some(_) | None => Ruling::Pass,
    }
}

/// A rate that is too high, whatever the stable's is.
fn ceiling(case: &Case<'_>) -> Ruling {
    let mut guardrails = case.evidence().into_iter().flat_map(|r| &r.guardrails);
    let found = guardrails.find_map(|reading| Some((reading, reading.broken?)));
    match found {
        Some((reading, breach)) => Ruling::Abort(
            Cause::Ceiling,
            format!(
                "{}, at least {} where {} is the ceiling",
                compared(reading),
                Percent(breach.lower),
                Percent(breach.ceiling)
            ),
        ),
        None => Ruling::Pass,
    }
}

/// Arms that do not get their shares: whatever was measured cannot be trusted, and nobody is blamed.
fn mismatch(case: &Case<'_>) -> Ruling {
    match case.evidence() {
        Some(readings) if readings.log_srm >= MISMATCH.ln() => case.hold(Hold::Srm, || {
            format!(
                "the arms do not get the shares that they should: {} requests on the canary and {} on the stable at {} of the traffic, evidence {} (limit {})",
                Count(readings.requests[CANARY]),
                Count(readings.requests[STABLE]),
                case.rollout.weight(),
                Odds(readings.log_srm),
                Count(MISMATCH as u64),
            )
        }),
        Some(_) | None => Ruling::Pass,
    }
}

// === what is in between ===

/// What is slow is frozen once, before anything is judged by it.
fn measure(case: &Case<'_>) -> Ruling {
    match (&case.sight.thresholds, &case.rollout.thresholds) {
        (Some(thresholds), None) if case.rollout.phase.stay().is_some() => {
            Ruling::Measure(thresholds.clone())
        }
        (Some(_), None) | (Some(_), Some(_)) | (None, _) => Ruling::Pass,
    }
}

/// What held it may be over. A mismatch of the sample ratio stays what it was: evidence that was once so strong is not
/// taken back by what comes later.
fn release(case: &Case<'_>) -> Ruling {
    match case.rollout.phase.held() {
        Some(Hold::Unavailable) if case.sight.canary == Standing::Ready => Ruling::Release(
            format!("the canary is back after {}", span(case.before.pulse.away)),
        ),
        Some(Hold::SharedIncident) if case.sight.trip == Trip::No => {
            Ruling::Release("the versions do not fail any more".to_owned())
        }
        Some(
            Hold::Unavailable
            | Hold::SharedIncident
            | Hold::Srm
            | Hold::Inconclusive
            | Hold::NoData,
        )
        | None => Ruling::Pass,
    }
}

/// Nothing advances that is paused, frozen, held, or misses a version.
fn barred(case: &Case<'_>) -> Ruling {
    if let Some(bar) = &case.bar {
        return Ruling::Wait(bar.clone());
    }
    match case.rollout.phase.held() {
        Some(hold @ (Hold::Srm | Hold::SharedIncident | Hold::Unavailable)) => {
            Ruling::Wait(hold.until().to_owned())
        }
        // Evidence that came late is evidence.
        Some(Hold::Inconclusive | Hold::NoData) | None => Ruling::Pass,
    }
}
