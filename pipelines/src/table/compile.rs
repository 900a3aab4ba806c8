//! Making a route table: everything that a request could ask of the fleet is looked up here, once.

use std::collections::BTreeSet;
use std::sync::Arc;

use impresario_models::{Name, VersionNumber};

use super::{Resolved, Route, RouteTable, Shadowing, Standing, Target, TargetId, Unavailable};
use crate::breaches::Breach;
use crate::fleet::{
    Course, Entry, Fleet, Keep, Promise, Seen, away, breaking, by_itself, callable, contract, fits,
    on_demand, recallable, remembered,
};
use crate::policy::{self, Leg, Split, Standalone};
use crate::spec::VersionSelector;
use crate::variant::Variant;

/// Makes the table of a fleet.
#[must_use]
pub fn compile(fleet: &Fleet) -> RouteTable {
    let mut table = RouteTable {
        revision: fleet.routing.revision,
        ..RouteTable::default()
    };
    let (parked, crowded) = away(fleet);
    let told = |mut why: Unavailable| {
        let key = why.version.map(|version| (why.model.clone(), version));
        why.on_demand &= key.as_ref().is_some_and(|key| parked.contains(key));
        if let Some((model, version)) = key.filter(|key| crowded.contains(key)) {
            why.passing = false;
            why.why = format!(
                "model '{model}' version {version} does not fit into memory beside the pinned versions \
                 (models.memory_budget)"
            );
        }
        why
    };
    let graphs = fleet.observed.graphs.all();
    for (model, version, seen) in fleet.observed.all().chain(graphs) {
        let to = match &seen.facts {
            Some(facts) if seen.serves() => {
                let id =
                    TargetId(u32::try_from(table.targets.len()).expect("fewer versions than 2^32"));
                table.targets.push(Target {
                    model: model.clone(),
                    version,
                    facts: Arc::clone(facts),
                });
                Ok(id)
            }
            _ => Err(told(Unavailable::phase(model, version, seen))),
        };
        let versions = table.versions.entry(model.clone()).or_default();
        versions.insert(version, Standalone { to });
    }
    let implicit = fleet.observed.models.keys();
    let names = fleet.routing.pipelines.keys().chain(implicit);
    for name in names {
        if table.routes.contains_key(name) {
            continue;
        }
        let entry = fleet.routing.pipelines.get(name);
        let course = entry.and_then(|entry| Some((entry, entry.course.as_deref()?)));
        let keeps = entry.is_some_and(|entry| entry.keep.is_some());
        let policy = match (standing(fleet, name), course) {
            // A course whose first version was not ready yet shares nothing.
            (Standing::Nobody(why), Some(_)) if keeps => {
                let to = Err(told(why));
                Resolved::Standalone(Standalone { to })
            }
            (Standing::Serving { .. } | Standing::Nobody(_), Some((entry, course))) => {
                let legs = entry.legs().into_iter().enumerate();
                let legs = legs.map(|(arm, (variant, model, version))| Leg {
                    to: match course.needs(arm) {
                        true => table.arm(fleet, entry, model, version),
                        false => Err(idle(course, &variant, model, version)),
                    },
                    variant,
                });
                Resolved::Split(Arc::new(Split::of(name, entry, course, legs.collect())))
            }
            (
                Standing::Serving { model, version }
                | Standing::Kept {
                    keep: Keep { model, version, .. },
                    ..
                },
                _,
            ) => {
                let to = table.pinned(&model, version);
                Resolved::Standalone(Standalone { to })
            }
            (Standing::Nobody(why), None) => {
                let to = Err(told(why));
                Resolved::Standalone(Standalone { to })
            }
        };
        let shadow = entry.and_then(Entry::shadow).map(|spec| Shadowing {
            to: table.pinned(&spec.model, spec.version),
            spec,
        });
        let route = Route {
            name: name.clone(),
            service: entry.map_or_else(Arc::default, |e| Arc::clone(e.pipeline.service())),
            policy,
            shadow,
        };
        table.routes.insert(name.clone(), route);
    }
    table
}

/// Who answers for a pipeline, explicit or implicit.
#[must_use]
pub fn standing(fleet: &Fleet, name: &Name) -> Standing {
    let Some(entry) = fleet.routing.pipelines.get(name) else {
        return policy::standing(fleet, name, VersionSelector::Latest, None);
    };
    let asked = entry.standing(fleet);
    match (asked, &entry.keep) {
        // The successor is ready, and would break who calls.
        (Standing::Serving { model, version }, Some(keep))
            if let Some((kept, breach)) = broken(fleet, entry, keep, &model, version) =>
        {
            let waiting = Unavailable::breaks(&model, version, &breach);
            stays(keep, kept, waiting)
        }
        // One that is in memory for others takes over from nobody, while that one comes which is meant.
        (Standing::Serving { model, version }, Some(keep))
            if let Some(waiting) = stops_gap(fleet, entry, keep, &model, version) =>
        {
            let keep = keep.clone();
            Standing::Kept { keep, waiting }
        }
        // After a restart the successor may be ready before it is known again what callers rely on.
        (Standing::Serving { model, version }, Some(keep))
            if unjudged(fleet, entry, keep, &model, version) =>
        {
            let why = format!(
                "model '{model}' version {version} is ready, and it is not known yet whether it gives what callers of \
                 model '{}' version {} rely on, which is not ready",
                keep.model, keep.version
            );
            Standing::Nobody(Unavailable {
                passing: true,
                ..Unavailable::because(&model, version, why)
            })
        }
        (Standing::Nobody(waiting), Some(keep)) => {
            let seen = |model: &Name, version| fleet.observed.version(model.as_str(), version);
            let bounded = fleet.limits.budget.is_some();
            let asked = waiting.version.map(|v| (waiting.model.clone(), v));
            let comes = || {
                asked.is_some_and(|asked| {
                    !refused(fleet, entry, &asked.0, asked.1) && on_demand(fleet).contains(&asked)
                })
            };
            match seen(&keep.model, keep.version) {
                Some(kept) if kept.serves() => Standing::Kept {
                    keep: keep.clone(),
                    waiting,
                },
                _ if let Some(instead) = entry.instead(fleet) => instead,
                // Both are parked, or the one asked for is broken, too large or breaks callers: a request calls whichever
                // comes.
                Some(kept) if callable(kept) && bounded && !comes() => {
                    Standing::Nobody(Unavailable::phase(&keep.model, keep.version, kept))
                }
                _ => Standing::Nobody(waiting),
            }
        }
        (Standing::Nobody(waiting), None) => {
            entry.instead(fleet).unwrap_or(Standing::Nobody(waiting))
        }
        (asked, _) => asked,
    }
}

/// The version that answers for a pipeline, at once or after it was called back into memory as one of those that
/// are there [`on_demand`].
#[must_use]
pub fn answering(
    fleet: &Fleet,
    name: &Name,
    parked: &BTreeSet<(Name, VersionNumber)>,
) -> Option<(Name, VersionNumber)> {
    match standing(fleet, name) {
        Standing::Nobody(why) => {
            let version = why.version.filter(|_| why.on_demand)?;
            let seen = fleet.observed.version(why.model.as_str(), version)?;
            let key = (why.model, version);
            (seen.stay.proven.is_some() && parked.contains(&key)).then_some(key)
        }
        serving => serving.serving(),
    }
}

/// Whether a version is known not to get to answer for a pipeline: it breaks what it promises, or what its callers rely on.
pub(crate) fn refused(fleet: &Fleet, entry: &Entry, model: &Name, version: VersionNumber) -> bool {
    let seen = fleet.observed.version(model.as_str(), version);
    let promised = seen.and_then(|seen| policy::broken(entry.promised(), seen));
    let keep = entry.keep.as_ref();
    let kept = || keep.and_then(|keep| broken(fleet, entry, keep, model, version));
    promised.is_some() || kept().is_some()
}

/// The kept version goes on answering, at once or when a request calls it back, while another one waits for this.
fn stays(keep: &Keep, kept: &Seen, waiting: Unavailable) -> Standing {
    if kept.serves() {
        let keep = keep.clone();
        return Standing::Kept { keep, waiting };
    }
    let away = Unavailable::phase(&keep.model, keep.version, kept);
    let why = format!("{}, and {}", away.why, waiting.why);
    Standing::Nobody(Unavailable { why, ..away })
}

/// What callers of a kept version would break on, were its successor to answer them, and that version: it answers, or is
/// parked and comes when they call it.
fn broken<'a>(
    fleet: &'a Fleet,
    entry: &Entry,
    keep: &Keep,
    model: &Name,
    version: VersionNumber,
) -> Option<(&'a Seen, Breach)> {
    let seen = |model: &Name, version| fleet.observed.version(model.as_str(), version);
    let kept = seen(&keep.model, keep.version)?;
    let same = (&keep.model, keep.version) == (model, version);
    let answers = kept.serves() || recallable(kept, &fleet.limits);
    if entry.promise == Promise::Waived || same || !answers {
        return None;
    }
    let old = entry.pipeline.contract().or_else(|| remembered(kept))?;
    let new = remembered(seen(model, version)?)?;
    let breach = breaking(old, new).into_iter().next()?;
    Some((kept, breach))
}

/// Why the version does not answer yet that is to be in memory by itself, where the newest one is asked for, and one that is
/// there for others would take over from the kept one only until it comes.
fn stops_gap(
    fleet: &Fleet,
    entry: &Entry,
    keep: &Keep,
    model: &Name,
    version: VersionNumber,
) -> Option<Unavailable> {
    let (_, None) = entry.primary() else {
        return None;
    };
    let kept = fleet.observed.version(keep.model.as_str(), keep.version)?;
    let known = fleet.observed.models.get(model)?;
    let expected = by_itself(fleet, model, known);
    if !kept.serves() || expected.contains(&version) {
        return None;
    }
    let mut newest_first = known
        .versions
        .iter()
        .rev()
        .filter(|(v, _)| expected.contains(v));
    // One that has no room, or that breaks callers, never comes to answer.
    let comes = |(v, seen): &(&VersionNumber, &Seen)| {
        callable(seen) && fits(fleet, model, seen) && !refused(fleet, entry, model, **v)
    };
    let (coming, seen) = newest_first.find(comes)?;
    Some(Unavailable::phase(model, *coming, seen))
}

/// Whether a successor is ready while it is not known what callers of the kept version rely on, but will be. Where memory
/// is bounded that may never come to memory beside it.
fn unjudged(
    fleet: &Fleet,
    entry: &Entry,
    keep: &Keep,
    model: &Name,
    version: VersionNumber,
) -> bool {
    let own = entry.pipeline.contract().is_some();
    let same = (&keep.model, keep.version) == (model, version);
    let kept = fleet.observed.version(keep.model.as_str(), keep.version);
    let comes = kept.is_some_and(|kept| contract(kept).is_none() && callable(kept));
    let bounded = fleet.limits.budget.is_some();
    entry.promise == Promise::Kept && !own && !same && comes && !bounded
}

/// Why an arm answers nobody that its course does not need now.
fn idle(course: &Course, variant: &Variant, model: &Name, version: VersionNumber) -> Unavailable {
    let (kind, phase) = (course.kind(), course.phase());
    let why = format!("variant '{variant}' takes no part: the {kind} is {phase}");
    Unavailable::because(model, version, why)
}

// === impl RouteTable ===

impl RouteTable {
    /// A version that answers for an arm, or why it does not.
    fn arm(
        &self,
        fleet: &Fleet,
        entry: &Entry,
        model: &Name,
        version: VersionNumber,
    ) -> Result<TargetId, Unavailable> {
        let seen = fleet.observed.version(model.as_str(), version);
        match seen.and_then(|seen| policy::broken(entry.promised(), seen)) {
            Some(breach) => Err(Unavailable::breaks(model, version, &breach)),
            None => self.pinned(model, version),
        }
    }

    /// A version that is pinned, or why it cannot answer.
    fn pinned(&self, model: &Name, version: VersionNumber) -> Result<TargetId, Unavailable> {
        let versions = self.versions.get(model);
        let found = versions.and_then(|versions| versions.get(&version));
        let none = || Err(Unavailable::no_version(model, version));
        found.map_or_else(none, |one| one.to.clone())
    }
}
