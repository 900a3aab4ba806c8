//! `check`: the invariants of a fleet, asked after every step in tests and debug builds.

use std::fmt;

use super::course::Course;
use super::routing::Entry;
use super::{Fleet, Phase, Reload, graphs, members};
use crate::bucket::Weight;
use crate::learning;
use crate::rollout::{self, Rollout};
use crate::spec::Policy;
use crate::spec::composite::Callee;
use crate::trial;

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
    for (name, entry) in &routing.pipelines {
        for what in of_course(entry) {
            claim(false, format!("pipeline {name}: {what}"));
        }
        let began = entry.course.as_ref().map_or(0, |course| course.id());
        claim(
            began <= routing.revision.0,
            format!(
                "pipeline {name} has a course of revision {began} of {}",
                routing.revision
            ),
        );
    }
    for what in of_graphs(fleet) {
        claim(false, what);
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
    let graphs = fleet.observed.graphs.all();
    for (model, version, seen) in fleet.observed.all().chain(graphs) {
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

/// What should never be of graphs.
fn of_graphs(fleet: &Fleet) -> Vec<String> {
    let mut found = Vec::new();
    let mut claim = |holds: bool, what: String| {
        if !holds {
            found.push(what);
        }
    };
    let (routing, observed) = (&fleet.routing, &fleet.observed.graphs);
    for (name, entry) in &routing.pipelines {
        claim(
            graphs::ring(routing, name).is_none(),
            format!("pipeline {name} calls itself in the end"),
        );
        let stored = entry.graphs();
        if graphs::has_graphs(&entry.pipeline) {
            claim(
                graphs::composites(&entry.pipeline).next().is_some(),
                format!("pipeline {name} has a graph without a number"),
            );
        }
        for (version, graph) in &stored {
            let who = format!("version {version} of pipeline {name}");
            let pinned = graphs::calls(graph).all(|(_, callee)| match callee {
                Callee::Model { version, .. } => version.is_some(),
                Callee::Pipeline(_) => true,
            });
            let named = graph.model == *name && graph.version == Some(*version);
            claim(named, format!("{who} is of another name or number"));
            claim(pinned, format!("{who} does not pin what it calls"));
            let seen = fleet.observed.version(name.as_str(), *version);
            let Some(seen) = seen.filter(|_| observed.are_of(routing.revision)) else {
                claim(
                    !observed.are_of(routing.revision),
                    format!("{who} is not looked at"),
                );
                continue;
            };
            let facts = seen.facts.as_ref();
            claim(
                facts.is_none_or(|facts| facts.graph.is_some() && facts.memory == 0),
                format!("{who} is known as something else than a graph"),
            );
            let standing =
                graphs::stands(fleet, graph, facts.is_some(), entry.asks(name, *version));
            claim(
                seen.phase != Phase::Ready || standing == members::Standing::Answers,
                format!("{who} is ready, and {standing:?}"),
            );
            claim(
                (seen.waits.is_none()) == seen.serves(),
                format!(
                    "{who} is {} and waits for {:?}",
                    seen.phase.as_str(),
                    seen.waits
                ),
            );
        }
    }
    for (name, version, _) in observed.all() {
        let entry = routing.pipelines.get(name);
        let known = entry.is_some_and(|entry| entry.graphs().contains_key(&version));
        claim(
            known || !observed.are_of(routing.revision),
            format!("version {version} of pipeline {name} is seen, and nothing says what it is"),
        );
    }
    found
}

/// What should never be of a pipeline and what moves it.
fn of_course(entry: &Entry) -> Vec<String> {
    let mut found = Vec::new();
    let mut claim = |holds: bool, what: &str| {
        if !holds {
            found.push(what.to_owned());
        }
    };
    let (policy, course) = (entry.pipeline.policy(), entry.course.as_deref());
    let of_kind = matches!(
        (policy, course),
        (Policy::Standalone { .. } | Policy::Composite(_), None)
            | (Policy::Canary(_), Some(Course::Rollout(_)))
            | (Policy::Experiment(_), Some(Course::Trial(_)))
            | (Policy::Bandit(_), Some(Course::Learning(_)))
    );
    claim(of_kind, "its policy and its course are not of one kind");
    let Some(course) = course else {
        return found;
    };
    claim(course.id() > 0, "its course began with no revision");
    let weights = course.slots().weights();
    claim(
        weights.len() == entry.legs().len(),
        "it has not one share for each arm",
    );
    let sum: u32 = weights.iter().map(|w| u32::from(w.basis_points())).sum();
    claim(
        sum == u32::from(Weight::FULL.basis_points()),
        "its shares are not the whole",
    );
    let needs = entry.needs();
    let needed = |model, version| needs.contains(&(model, Some(version)));
    let primary = entry.primary();
    claim(
        needs.contains(&primary),
        "it does not need the version that answers for it",
    );
    for (arm, (_, model, version)) in entry.legs().into_iter().enumerate() {
        let shared = weights.get(arm).is_some_and(|w| *w > Weight::ZERO);
        claim(
            !shared || needed(model, version),
            "an arm has traffic and need not be there",
        );
    }
    match (policy, course) {
        (Policy::Canary(spec), Course::Rollout(rollout)) => {
            found.extend(rollout::check(rollout, spec));
            found.extend(of_rollout(rollout, needed(&spec.model, spec.stable)));
        }
        (Policy::Experiment(_), Course::Trial(trial)) => {
            let over = matches!(trial.phase, trial::Phase::Shipped { .. });
            let only = matches!(
                trial.phase,
                trial::Phase::Preparing | trial::Phase::Paused | trial::Phase::Stopped { .. }
            );
            if over {
                found.push("it was shipped, and is an experiment still".to_owned());
            }
            if only && weights.first() != Some(&Weight::FULL) {
                found.push("it does not run, and the baseline has not all of the traffic".into());
            }
        }
        (Policy::Bandit(_), Course::Learning(learning)) => {
            if let learning::Phase::Frozen(_) = learning.phase {
                found.push("it was frozen, and is a bandit still".to_owned());
            }
            let removed = learning.removed.keys();
            let shares = removed.filter_map(|arm| weights.get(*arm));
            if shares.into_iter().any(|weight| *weight > Weight::ZERO) {
                found.push("an arm that was removed has traffic".to_owned());
            }
        }
        _ => {}
    }
    found
}

/// What a rollout promises the pipeline, whatever its own room thinks of it.
fn of_rollout(rollout: &Rollout, stable: bool) -> Option<String> {
    use rollout::Phase;
    let weight = rollout.weight();
    let (holds, what) = match &rollout.phase {
        Phase::Aborting(_) | Phase::RolledBack(_) | Phase::FailedPrepare(_) => (
            weight == Weight::ZERO,
            "the canary was sent away and has traffic",
        ),
        Phase::Promoting | Phase::Soaking => (
            stable && weight == Weight::FULL,
            "the canary was promoted, and the stable is not kept in memory",
        ),
        Phase::Superseded { .. } => (false, "it was superseded and is there still"),
        Phase::Pending
        | Phase::Preparing
        | Phase::Shadow(_)
        | Phase::Step(_)
        | Phase::Succeeded
        | Phase::Paused { .. } => return None,
    };
    (!holds).then(|| format!("rollout {}: {what}", rollout.phase))
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
