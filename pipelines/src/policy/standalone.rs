//! Standalone: one version of one model answers every request.

use impresario_models::{Contract, Name, VersionNumber};

use crate::breaches::Breach;
use crate::fleet::{
    Fleet, Intent, Model, Phase, Seen, breaking, by_policy, callable, fits, recallable, remembered,
    returns,
};
use crate::spec::VersionSelector;
use crate::table::{Standing, TargetId, Unavailable};

/// The policy as a route table holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Standalone {
    /// Who answers, or why nobody does.
    pub to: Result<TargetId, Unavailable>,
}

/// Which version would answer.
pub(crate) fn standing(
    fleet: &Fleet,
    model: &Name,
    version: VersionSelector,
    promise: Option<&Contract>,
) -> Standing {
    let Some(known) = fleet.observed.model(model.as_str()) else {
        return Standing::Nobody(Unavailable::no_model(model));
    };
    let stands = |version: VersionNumber, seen: &Seen| match (seen.serves(), broken(promise, seen))
    {
        (true, None) => Standing::Serving {
            model: model.clone(),
            version,
        },
        (_, Some(breach)) => Standing::Nobody(Unavailable::breaks(model, version, &breach)),
        (false, None) => Standing::Nobody(Unavailable::phase(model, version, seen)),
    };
    match version {
        VersionSelector::Number(version) => match known.versions.get(&version) {
            Some(seen) => stands(version, seen),
            None => Standing::Nobody(Unavailable::no_version(model, version)),
        },
        VersionSelector::Latest => match latest(fleet, model, known, promise) {
            Some((version, seen)) => stands(version, seen),
            None => Standing::Nobody(Unavailable::none_loaded(model)),
        },
    }
}

/// The parked version that "latest" means now: its next request loads it.
pub(crate) fn recalled(
    fleet: &Fleet,
    model: &Name,
    promise: Option<&Contract>,
) -> Option<VersionNumber> {
    let known = fleet.observed.model(model.as_str())?;
    let parked = |seen: &Seen| returns(seen, &fleet.limits);
    // Of most models none is, and that costs little to see.
    known.versions.values().find(|seen| parked(seen))?;
    let (version, seen) = latest(fleet, model, known, promise)?;
    parked(seen).then_some(version)
}

/// Which version "latest" means, of those that may answer or could.
fn latest<'a>(
    fleet: &Fleet,
    model: &Name,
    known: &'a Model,
    promise: Option<&Contract>,
) -> Option<(VersionNumber, &'a Seen)> {
    let intent = fleet.routing.intents.get(model);
    let newest_first = known.versions.iter().rev();
    let eligible: Vec<_> = newest_first
        .filter(|(v, seen)| wished(intent, **v, seen, fleet) && keeps(promise, seen))
        .collect();
    // Whichever other version is in memory, because somebody pins it or until its successor is ready,
    // answers only while none does that is to be there by itself.
    let named = by_policy(known);
    let told = |v: &VersionNumber| intent.is_some_and(|i| i.versions.contains_key(v));
    let serving = || eligible.iter().filter(|(_, seen)| seen.serves());
    // One that was parked for want of memory is meant as if it were there: its request loads it.
    let able = |seen: &Seen| seen.serves() || recallable(seen, &fleet.limits);
    let preferred = eligible
        .iter()
        .find(|(v, seen)| able(seen) && (told(v) || named.contains(v)));
    let loading = || {
        let mut eligible = eligible.iter();
        eligible.find(|(_, seen)| matches!(seen.phase, Phase::Loading(_)))
    };
    let newest = preferred.or_else(|| serving().next());
    // Where memory is bounded, a request waits: for one that is to be there, not for one on its way out.
    let coming = || {
        let mut eligible = eligible.iter().filter(|_| fleet.limits.budget.is_some());
        eligible.find(|(v, seen)| callable(seen) && (told(v) || named.contains(v)))
    };
    // Where none of those comes, it waits for one that was there before and is only parked: what a policy says of
    // versions that there are not takes nobody's answers away.
    let spare = || {
        let mut eligible = eligible.iter();
        eligible.find(|(_, seen)| returns(seen, &fleet.limits))
    };
    let called = || match (coming(), spare()) {
        (Some((_, seen)), Some(spare)) if !fits(fleet, model, seen) => Some(spare),
        (coming, spare) => coming.or(spare),
    };
    let found = newest.or_else(called).or_else(loading).or(eligible.first());
    found.map(|(version, seen)| (**version, *seen))
}

/// Whether "latest" may mean this version: its files are there and nobody asked to unload it.
fn wished(intent: Option<&Intent>, version: VersionNumber, seen: &Seen, fleet: &Fleet) -> bool {
    let left = intent.is_none_or(|intent| intent.leaves(version));
    // Where memory is bounded it may only be parked, and come back.
    let leaving = seen.phase == Phase::Draining && fleet.limits.budget.is_none();
    seen.present && left && !leaving
}

/// Whether a version gives what a pipeline promises. One that was not loaded yet is not known not to.
fn keeps(promise: Option<&Contract>, seen: &Seen) -> bool {
    broken(promise, seen).is_none()
}

/// The first thing in which a version does not give what a pipeline promises.
pub(crate) fn broken(promise: Option<&Contract>, seen: &Seen) -> Option<Breach> {
    breaking(promise?, remembered(seen)?).into_iter().next()
}
