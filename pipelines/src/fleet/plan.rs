//! `plan`: what is to be done, derived from what is desired and what is observed, and what waits for what.
//!
//! Asked twice it answers the same: an effect disappears only when its beginning or its result is applied.

use std::collections::BTreeSet;

use impresario_models::{Name, VersionNumber};

use super::memory::Room;
use super::observed::{Model, Phase, Reload, Seen};
use super::report::Report;
use super::{Fleet, Now, VersionPolicy};
use crate::table;

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Make a version ready, again where it serves already or crashed.
    Load {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
    },
    /// Let a version finish what it has and give back its memory.
    Unload {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
    },
    /// Let a version that is wanted finish what it has and give back its memory to others; its next request loads
    /// it again.
    Park {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
    },
    /// Ask again at this time, in monotonic milliseconds.
    Remind {
        /// When.
        at: u64,
    },
}

/// A version of a model.
pub(crate) type Key = (Name, VersionNumber);

/// What is to be done now, and what waits for what.
#[must_use]
pub fn plan(fleet: &Fleet, now: Now) -> (Vec<Effect>, Report) {
    let wanted = wanted(fleet);
    let routed = routed(fleet);
    let mut room = fleet
        .limits
        .budget
        .map(|budget| Room::of(fleet, budget, &wanted, &routed, now));
    let mut effects = Vec::new();
    let mut remind: Option<u64> = room.as_ref().and_then(|room| room.remind);
    let under_way = |(_, _, seen): &(&Name, VersionNumber, &Seen)| {
        matches!(
            seen.phase,
            Phase::Loading(_) | Phase::Restarting { building: true, .. }
        ) || seen.reload == Reload::Loading
    };
    let mut slots = fleet
        .limits
        .loading
        .max(1)
        .saturating_sub(fleet.observed.all().filter(under_way).count());
    if let Some(room) = &mut room {
        // The most urgent first, and only into memory that is free already.
        for (model, version) in std::mem::take(&mut room.loads) {
            let seen = fleet.observed.version(model.as_str(), version);
            let bytes = seen.map_or(0, Seen::bytes);
            if slots > 0 && bytes <= room.free {
                slots -= 1;
                room.free -= bytes;
                effects.push(Effect::Load { model, version });
            }
        }
    }
    for (model, version, seen) in fleet.observed.all() {
        let key = (model.clone(), version);
        let wished = wanted.contains(&key);
        let needed = wished || routed.contains(&key);
        let load = match seen.phase {
            Phase::Discovered | Phase::Unloaded => wished && seen.present && room.is_none(),
            Phase::Restarting {
                until,
                building: false,
            } => {
                if needed && until > now.monotonic {
                    remind = Some(remind.map_or(until, |r| r.min(until)));
                }
                needed && until <= now.monotonic
            }
            Phase::Ready => needed && seen.reload == Reload::Wanted,
            Phase::Restarting { building: true, .. }
            | Phase::Loading(_)
            | Phase::Quarantined
            | Phase::Draining
            | Phase::Failed => false,
        };
        if load && slots > 0 {
            slots -= 1;
            let model = model.clone();
            effects.push(Effect::Load { model, version });
            continue;
        }
        let resident = matches!(
            seen.phase,
            Phase::Ready
                | Phase::Restarting {
                    building: false,
                    ..
                }
        );
        let model = || model.clone();
        if resident && !needed {
            let model = model();
            effects.push(Effect::Unload { model, version });
        } else if resident && room.as_ref().is_some_and(|room| !room.chooses(&key)) {
            let model = model();
            effects.push(Effect::Park { model, version });
        }
    }
    effects.extend(remind.map(|at| Effect::Remind { at }));
    let waits = |key: &Key| room.as_ref().is_none_or(|room| room.chooses(key));
    (effects, Report::of(fleet, &wanted, waits, now))
}

/// The versions that are to be in memory: as the version policies say, over that what admins said, over that
/// what pipelines pin.
pub(super) fn wanted(fleet: &Fleet) -> BTreeSet<(Name, VersionNumber)> {
    let mut wanted = BTreeSet::new();
    for (name, model) in fleet.observed.stored() {
        let intent = fleet.routing.intents.get(name);
        if !intent.is_some_and(|i| i.unloaded) {
            wanted.extend(by_policy(model).into_iter().map(|v| (name.clone(), v)));
        }
        for (version, load) in intent.iter().flat_map(|i| &i.versions) {
            let present = model.versions.get(version).is_some_and(|seen| seen.present);
            match load {
                true if present => wanted.insert((name.clone(), *version)),
                true => false,
                false => wanted.remove(&(name.clone(), *version)),
            };
        }
    }
    for entry in fleet.routing.pipelines.values() {
        let pins = entry.members().into_iter();
        wanted.extend(pins.filter_map(|(model, version)| Some((model.clone(), version?))));
        let kept = entry.kept().into_iter();
        wanted.extend(kept.map(|(model, version)| (model.clone(), version)));
    }
    wanted
}

/// The versions that the policy names. "The newest n" counts only those that can be made ready, so that a
/// broken newest version leaves the one before it in service, after a restart too.
pub(crate) fn by_policy(model: &Model) -> Vec<VersionNumber> {
    let present = model.versions.iter().filter(|(_, seen)| seen.present);
    match &model.policy {
        VersionPolicy::All => present.map(|(v, _)| *v).collect(),
        VersionPolicy::Listed(list) => present
            .map(|(v, _)| *v)
            .filter(|v| list.contains(v))
            .collect(),
        VersionPolicy::Latest(n) => {
            let sound = present
                .filter(|(_, seen)| !matches!(seen.phase, Phase::Failed | Phase::Quarantined));
            sound.map(|(v, _)| *v).rev().take(*n).collect()
        }
    }
}

/// The versions that answer for some pipeline now.
fn routed(fleet: &Fleet) -> BTreeSet<(Name, VersionNumber)> {
    let explicit = fleet.routing.pipelines.keys();
    let names = explicit.chain(fleet.observed.models.keys());
    names
        .filter_map(|name| table::standing(fleet, name).serving())
        .collect()
}
