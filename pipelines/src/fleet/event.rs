//! Events: what happened to versions and to the repository moves the observed half of the fleet.

use std::sync::Arc;

use super::apply::Limits;
use super::input::{Event, Now};
use super::observed::{Phase, Reload, Seen, Stage};
use super::{Fleet, memory};

/// Takes in what happened. An event about a version that is not there is without effect.
pub(super) fn happened(fleet: &mut Fleet, event: Event, now: Now) {
    match &event {
        Event::Appeared {
            model,
            version,
            policy,
        }
        | Event::Changed {
            model,
            version,
            policy,
        } => {
            let known = fleet.observed.models.entry(model.clone()).or_default();
            known.policy = policy.clone();
            let seen = known
                .versions
                .entry(*version)
                .or_insert_with(Seen::discovered);
            // Files that were gone and are back may be other ones.
            let other = matches!(event, Event::Changed { .. }) || !seen.present;
            seen.present = true;
            match seen.phase {
                // Other files are a new chance.
                Phase::Failed | Phase::Quarantined if other => {
                    *seen = Seen::discovered();
                }
                Phase::Ready | Phase::Restarting { .. } | Phase::Loading(_) => {
                    seen.changed |= other;
                }
                Phase::Discovered | Phase::Draining | Phase::Unloaded if other => {
                    seen.stay.proven = None;
                }
                Phase::Discovered
                | Phase::Draining
                | Phase::Unloaded
                | Phase::Failed
                | Phase::Quarantined => {}
            }
            return;
        }
        _ => {}
    }
    let (model, version) = event.subject();
    let (model, limits) = (model.clone(), fleet.limits.clone());
    let Some(known) = fleet.observed.models.get_mut(&model) else {
        return;
    };
    match &event {
        Event::PolicyRead { policy, .. } => known.policy = policy.clone(),
        Event::ResidenceRead { residence, .. } => known.residence = *residence,
        _ => {}
    }
    let Some(version) = version else {
        return;
    };
    let Some(seen) = known.versions.get_mut(&version) else {
        return;
    };
    match event {
        Event::Appeared { .. }
        | Event::Changed { .. }
        | Event::PolicyRead { .. }
        | Event::ResidenceRead { .. } => {}
        Event::Weighed { bytes, .. } => {
            // What is in memory weighs what its load said.
            if seen.facts.is_none() {
                seen.stay.bytes = Some(bytes);
                memory::refuse_too_large(seen, &limits);
            }
        }
        Event::Used { at, .. } => seen.stay.used = seen.stay.used.max(at),
        Event::Demanded { until, .. } => memory::demanded(seen, until, &limits, now),
        Event::Vanished { .. } => {
            seen.present = false;
            if matches!(
                seen.phase,
                Phase::Discovered | Phase::Unloaded | Phase::Failed | Phase::Quarantined
            ) {
                known.versions.remove(&version);
            }
        }
        Event::LoadStarted { .. } => {
            match seen.phase {
                Phase::Discovered | Phase::Unloaded => {
                    seen.phase = Phase::Loading(Stage::Reading);
                    seen.stay.recalled += u64::from(seen.demanded(now.monotonic));
                }
                Phase::Restarting { until, .. } => {
                    let building = true;
                    seen.phase = Phase::Restarting { until, building };
                }
                Phase::Ready => seen.reload = Reload::Loading,
                Phase::Loading(_) | Phase::Quarantined | Phase::Draining | Phase::Failed => return,
            }
            // The files are read from now on: only a later change is one.
            seen.changed = false;
        }
        Event::LoadProgressed { stage, .. } => match seen.phase {
            Phase::Loading(_) => seen.phase = Phase::Loading(stage),
            Phase::Discovered
            | Phase::Ready
            | Phase::Restarting { .. }
            | Phase::Quarantined
            | Phase::Draining
            | Phase::Unloaded
            | Phase::Failed => {}
        },
        Event::Loaded { facts, .. } => {
            seen.reload = Reload::None;
            if seen.phase != Phase::Draining {
                seen.trouble = None;
                seen.phase = Phase::Ready;
                seen.stay.bytes = Some(facts.memory);
                seen.stay.since = now.monotonic;
                seen.stay.used = seen.stay.used.max(now.monotonic);
                seen.stay.demand = None;
                seen.stay.proven = Some(Arc::clone(&facts));
                seen.facts = Some(facts);
            }
        }
        Event::LoadFailed { reason, .. } => {
            match seen.phase {
                Phase::Ready => {
                    // The files are not the ones that serve.
                    seen.changed |= seen.reload == Reload::Loading;
                }
                Phase::Loading(_)
                | Phase::Restarting { .. }
                | Phase::Discovered
                | Phase::Unloaded => {
                    // Files that changed meanwhile are a new chance at once.
                    seen.phase = match seen.changed {
                        true => Phase::Discovered,
                        false => Phase::Failed,
                    };
                    seen.stay.returns &= seen.changed;
                    seen.changed = false;
                    seen.facts = None;
                    seen.stay.demand = None;
                    seen.stay.proven = None;
                }
                Phase::Quarantined | Phase::Draining | Phase::Failed => {}
            }
            seen.reload = Reload::None;
            seen.trouble = Some(reason);
            if !seen.present && matches!(seen.phase, Phase::Discovered | Phase::Failed) {
                known.versions.remove(&version);
            }
        }
        Event::Crashed { reason, .. } => {
            crashed(seen, reason, &limits, now);
            if !seen.present && seen.phase == Phase::Quarantined {
                known.versions.remove(&version);
            }
        }
        Event::UnloadStarted { .. } => {
            if seen.resident() {
                seen.phase = Phase::Draining;
                seen.stay.forget();
            }
        }
        Event::ParkStarted { .. } => {
            if seen.resident() && seen.phase != Phase::Draining {
                seen.phase = Phase::Draining;
                seen.stay.returns = true;
                seen.stay.parked += 1;
            }
        }
        Event::Drained { .. } => {
            if seen.phase == Phase::Draining {
                // A reload that was under way goes on alone; its end is told like that of any load.
                seen.phase = match seen.reload {
                    Reload::Loading => Phase::Loading(Stage::Reading),
                    Reload::None | Reload::Wanted => Phase::Unloaded,
                };
                seen.facts = None;
                // Files that changed have not been ready yet.
                if seen.changed {
                    seen.stay.proven = None;
                }
                seen.changed = false;
                seen.reload = Reload::None;
                memory::refuse_too_large(seen, &limits);
                if !seen.present && matches!(seen.phase, Phase::Unloaded | Phase::Failed) {
                    known.versions.remove(&version);
                }
            }
        }
    }
    if known.versions.is_empty() {
        fleet.observed.models.remove(&model);
    }
}

fn crashed(seen: &mut Seen, reason: String, limits: &Limits, now: Now) {
    match seen.phase {
        // Several instances may report the same fall; only a version that answers can fall.
        Phase::Ready => {}
        Phase::Restarting { .. }
        | Phase::Discovered
        | Phase::Loading(_)
        | Phase::Quarantined
        | Phase::Draining
        | Phase::Unloaded
        | Phase::Failed => return,
    }
    // A version that hangs crashes once in its timeout at most: a shorter memory would forgive each hang.
    let timeout = seen.facts.as_ref().map_or(0, |facts| facts.timeout);
    let memory = limits.crash_memory.max(timeout.saturating_mul(2));
    let last = seen.crashes.last();
    if last.is_some_and(|last| now.monotonic.saturating_sub(*last) > memory) {
        seen.crashes.clear();
    }
    seen.crashes.push(now.monotonic);
    let forgotten = seen.crashes.len().saturating_sub(limits.crashes.max(1));
    seen.crashes.drain(..forgotten);
    seen.trouble = Some(reason);
    let building = seen.reload == Reload::Loading;
    seen.reload = Reload::None;
    if building {
        // A reload is under way: it is the rebuild, and with other files a chance even after many crashes.
        seen.restarts += 1;
        let until = now.monotonic;
        seen.phase = Phase::Restarting { until, building };
        return;
    }
    if seen.crashes.len() >= limits.crashes {
        seen.phase = Phase::Quarantined;
        return;
    }
    seen.restarts += 1;
    let doublings = u32::try_from(seen.crashes.len() - 1).unwrap_or(u32::MAX);
    let wait = limits
        .backoff_initial
        .saturating_mul(2u64.saturating_pow(doublings));
    seen.phase = Phase::Restarting {
        until: now.monotonic.saturating_add(wait.min(limits.backoff_max)),
        building,
    };
}
