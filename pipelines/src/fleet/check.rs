//! `check`: the invariants of a fleet, asked after every step in tests and debug builds.

use std::fmt;

use super::{Fleet, Phase, Reload};

/// An invariant that does not hold: a fault of ours, whatever the input was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

/// Everything that should never be.
#[must_use]
pub fn check(fleet: &Fleet) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut claim = |holds: bool, what: String| {
        if !holds {
            found.push(Violation(what));
        }
    };
    let routing = &fleet.routing;
    for (name, entry) in &routing.pipelines {
        claim(
            entry.revision <= routing.revision && entry.revision.0 > 0,
            format!(
                "pipeline {name} is of revision {} of {}",
                entry.revision, routing.revision
            ),
        );
    }
    for (name, intent) in &routing.intents {
        claim(
            !intent.is_default(),
            format!("the intent of {name} says nothing"),
        );
    }
    for pair in fleet.history.windows(2) {
        claim(
            pair[0].seq + 1 == pair[1].seq && pair[0].revision <= pair[1].revision,
            format!("record {} follows record {}", pair[1].seq, pair[0].seq),
        );
    }
    if let Some(last) = fleet.history.last() {
        claim(
            last.revision == routing.revision,
            format!(
                "the newest record is of revision {} of {}",
                last.revision, routing.revision
            ),
        );
    }
    claim(
        fleet.history.len() <= fleet.limits.history.max(1),
        format!("{} records are kept", fleet.history.len()),
    );
    for (model, version, seen) in fleet.observed.all() {
        let who = format!(
            "model {model} version {version} in phase {}",
            seen.phase.as_str()
        );
        let loaded = matches!(seen.phase, Phase::Ready | Phase::Restarting { .. });
        claim(
            !loaded || seen.facts.is_some(),
            format!("{who} has no contract"),
        );
        claim(
            seen.reload == Reload::None || matches!(seen.phase, Phase::Ready | Phase::Draining),
            format!("{who} is loaded again"),
        );
        claim(
            seen.crashes.len() <= fleet.limits.crashes.max(1),
            format!("{who} remembers {} crashes", seen.crashes.len()),
        );
        claim(
            seen.trouble.is_some() || !matches!(seen.phase, Phase::Failed | Phase::Quarantined),
            format!("{who} has no reason"),
        );
    }
    found
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
