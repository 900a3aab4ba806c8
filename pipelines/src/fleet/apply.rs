//! `apply`: the fleet and one input make the next fleet, or a rejection.

use std::collections::BTreeSet;

use impresario_models::Name;

use super::Fleet;
use super::command::Draft;
use super::event::happened;
use super::graphs;
use super::input::{Event, Input, Now};
use super::rejection::Rejection;
use super::steer::judged;
use crate::table::{self, Standing};

/// The rules of loading, restarting and remembering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Loads at a time; at least 1.
    pub loading: usize,
    /// Wait before the first restart, in milliseconds; it doubles with each further crash.
    pub backoff_initial: u64,
    /// The longest wait before a restart, in milliseconds.
    pub backoff_max: u64,
    /// Crashes that lead to quarantine.
    pub crashes: usize,
    /// Quiet time after which earlier crashes are forgotten, in milliseconds.
    pub crash_memory: u64,
    /// Records kept for history and undo; at least 1, as the newest one numbers the next.
    pub history: usize,
    /// Bytes that all versions in memory may take; any where nothing is said.
    pub budget: Option<u64>,
    /// How long a version that became ready is not parked, in milliseconds: those who waited for it get in.
    pub stay: u64,
}

/// Applies one input.
///
/// What was seen of a course is never refused: where it moves on, that is a revision with a record.
///
/// # Errors
/// A [`Rejection`] for a command that cannot be done; events are never refused, an event about a version that
/// is not there is without effect.
pub fn apply(fleet: &Fleet, input: Input, now: Now) -> Result<Fleet, Rejection> {
    let mut next = fleet.clone();
    match input {
        Input::Command(command, by) => Draft::new(&mut next).command(command, by, now)?,
        Input::Event(event) => {
            take_in(&mut next, event, now);
            return Ok(next);
        }
        Input::Judged(seen) => judged(&mut next, seen, now),
    }
    settle(&mut next, None);
    Ok(next)
}

/// Looks at the graphs of a routing that was just read from a store, or taken back to what is stored: nothing may happen that
/// would make the fleet look at them.
pub fn settled(fleet: &mut Fleet) {
    graphs::settle(fleet, None);
}

/// Takes in what happened, in place: events are never refused, and a thousand of them copy no fleet.
pub fn take_in(fleet: &mut Fleet, event: Event, now: Now) {
    let about = event.subject().0.clone();
    happened(fleet, event, now);
    settle(fleet, Some(&about));
}

/// Looks at the graphs again, and ends what has come to its end: a kept version steps down once its successor is ready.
fn settle(fleet: &mut Fleet, about: Option<&Name>) {
    graphs::settle(fleet, about);
    while end_keeps(fleet) {
        graphs::settle(fleet, None);
    }
}

/// Lets kept versions step down whose successor is ready; says whether graphs may notice.
fn end_keeps(fleet: &mut Fleet) -> bool {
    let kept = fleet
        .routing
        .pipelines
        .iter()
        .filter(|(_, entry)| entry.keep.is_some());
    let done: BTreeSet<Name> = kept
        .filter(|(name, entry)| {
            let ready = matches!(entry.standing(fleet), Standing::Serving { .. });
            ready && matches!(table::standing(fleet, name), Standing::Serving { .. })
        })
        .map(|(name, _)| name.clone())
        .collect();
    let noticed = !done.is_empty() && fleet.observed.graphs.names().next().is_some();
    for name in done {
        if let Some(entry) = fleet.routing.pipelines.get_mut(&name) {
            entry.keep = None;
        }
    }
    noticed
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            loading: 2,
            backoff_initial: 100,
            backoff_max: 30_000,
            crashes: 5,
            crash_memory: 60_000,
            history: 1_000,
            budget: None,
            stay: 250,
        }
    }
}
