//! `plan`: what is to be done, derived from what is desired and what is observed, and what waits for what.
//!
//! Asked twice it answers the same: an effect disappears only when its beginning or its result is applied.

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::ops::Deref;

use impresario_models::{Name, VersionNumber};

use super::memory::Room;
use super::observed::{Model, Phase, Reload, Seen};
use super::report::Report;
use super::{Fleet, Now, VersionPolicy};
use crate::{policy, table};

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
    // Asked for what is not wanted and where memory is bounded, and not cheap.
    let routed = LazyCell::new(|| routed(fleet));
    let mut room = room(fleet, &wanted, &routed, now);
    let wished = |key: &Key| wanted.contains(key);
    let needed = |key: &Key| wished(key) || routed.contains(key);
    let places = places(fleet);
    let urgent = urgent(fleet, places, room.as_mut());
    let places = places - urgent.len();
    let due = due(fleet, room.as_ref(), wished, needed, now);
    let mut due = due.take(places).peekable();
    let mut effects: Vec<_> = urgent.into_iter().map(Effect::load).collect();
    let mut remind: Option<u64> = room.as_ref().and_then(|room| room.remind);
    for (model, version, seen) in fleet.observed.all() {
        let (until, resident) = match seen.phase {
            Phase::Ready => (None, true),
            Phase::Restarting {
                until,
                building: false,
            } => (Some(until), true),
            Phase::Discovered
            | Phase::Unloaded
            | Phase::Restarting { building: true, .. }
            | Phase::Loading(_)
            | Phase::Quarantined
            | Phase::Draining
            | Phase::Failed => (None, false),
        };
        let key = (model.clone(), version);
        if let Some(key) = due.next_if_eq(&key) {
            effects.push(Effect::load(key));
            continue;
        }
        if !resident {
            continue;
        }
        if !needed(&key) {
            let model = model.clone();
            effects.push(Effect::Unload { model, version });
            continue;
        }
        if let Some(until) = until.filter(|until| *until > now.monotonic) {
            remind = Some(remind.map_or(until, |r| r.min(until)));
        }
        if room.as_ref().is_some_and(|room| !room.chooses(&key)) {
            let model = model.clone();
            effects.push(Effect::Park { model, version });
        }
    }
    effects.extend(remind.map(|at| Effect::Remind { at }));
    let waits = |key: &Key| room.as_ref().is_none_or(|room| room.chooses(key));
    (effects, Report::of(fleet, &wanted, waits, now))
}

/// The loads of [`plan`] alone, without its price: they take the places of loads that ended. Nothing is said of what waits,
/// and where memory is not bounded only those are looked at whose turn it may be.
#[must_use]
pub fn loads(fleet: &Fleet, now: Now) -> Vec<(Name, VersionNumber)> {
    let places = places(fleet);
    if places == 0 {
        return Vec::new();
    }
    let routed = LazyCell::new(|| routed(fleet));
    if fleet.limits.budget.is_some() {
        let wanted = wanted(fleet);
        let mut room = room(fleet, &wanted, &routed, now);
        let wished = |key: &Key| wanted.contains(key);
        let needed = |key: &Key| wished(key) || routed.contains(key);
        let mut loads = urgent(fleet, places, room.as_mut());
        let left = places - loads.len();
        loads.extend(due(fleet, room.as_ref(), wished, needed, now).take(left));
        return loads;
    }
    let pins: LazyCell<BTreeSet<Key>, _> = LazyCell::new(|| pins(fleet).collect());
    let wished = |key: &Key| {
        let (name, version) = key;
        let model = fleet.observed.models.get(name);
        model.is_some_and(|model| by_itself(fleet, name, model).contains(version))
            || pins.contains(key)
    };
    let needed = |key: &Key| wished(key) || routed.contains(key);
    due(fleet, None, wished, needed, now).take(places).collect()
}

/// Where memory is bounded, as many of those that are to be in it as there are places for: the most urgent first, and only
/// into memory that is free already.
fn urgent(fleet: &Fleet, places: usize, room: Option<&mut Room>) -> Vec<Key> {
    let mut urgent = Vec::new();
    let Some(room) = room else {
        return urgent;
    };
    for (model, version) in std::mem::take(&mut room.loads) {
        let seen = fleet.observed.version(model.as_str(), version);
        let bytes = seen.map_or(0, Seen::bytes);
        if urgent.len() < places && bytes <= room.free {
            room.free -= bytes;
            urgent.push((model, version));
        }
    }
    urgent
}

/// All others that may be loaded now, by name: those that are not in memory, unless there is only so much room, and those that
/// are built or loaded again.
fn due(
    fleet: &Fleet,
    room: Option<&Room>,
    wished: impl Fn(&Key) -> bool,
    needed: impl Fn(&Key) -> bool,
    now: Now,
) -> impl Iterator<Item = Key> {
    fleet
        .observed
        .all()
        .filter_map(move |(model, version, seen)| {
            let key = || (model.clone(), version);
            let due = match seen.phase {
                Phase::Discovered | Phase::Unloaded => {
                    seen.present && room.is_none() && wished(&key())
                }
                Phase::Restarting {
                    until,
                    building: false,
                } => until <= now.monotonic && needed(&key()),
                Phase::Ready => seen.reload == Reload::Wanted && needed(&key()),
                Phase::Restarting { building: true, .. }
                | Phase::Loading(_)
                | Phase::Quarantined
                | Phase::Draining
                | Phase::Failed => false,
            };
            due.then(key)
        })
}

/// Loads that may begin beside those under way.
fn places(fleet: &Fleet) -> usize {
    let under_way = |(_, _, seen): &(&Name, VersionNumber, &Seen)| {
        matches!(
            seen.phase,
            Phase::Loading(_) | Phase::Restarting { building: true, .. }
        ) || seen.reload == Reload::Loading
    };
    let under_way = fleet.observed.all().filter(under_way).count();
    fleet.limits.loading.max(1).saturating_sub(under_way)
}

fn room(
    fleet: &Fleet,
    wanted: &BTreeSet<Key>,
    routed: &impl Deref<Target = BTreeSet<Key>>,
    now: Now,
) -> Option<Room> {
    let budget = fleet.limits.budget?;
    Some(Room::of(fleet, budget, wanted, routed, now))
}

/// The versions that are to be in memory, those that are parked included: what is meant to be there, and where nothing of
/// that can answer for a model, the version that did before. It is parked, and would be out of reach otherwise.
pub(super) fn wanted(fleet: &Fleet) -> BTreeSet<Key> {
    let mut wanted = meant(fleet);
    if fleet.limits.budget.is_some() {
        wanted.extend(recalled(fleet));
    }
    wanted
}

/// The parked versions that the names call which ask for the newest one.
fn recalled(fleet: &Fleet) -> impl Iterator<Item = Key> {
    let routed = &fleet.routing.pipelines;
    let implicit = fleet.observed.stored();
    let implicit = implicit.filter(|(name, _)| !routed.contains_key(*name));
    let implicit = implicit.map(|(name, _)| (name, None));
    let explicit = routed.values().filter_map(|entry| match entry.primary() {
        (model, None) => Some((model, entry.promised())),
        (_, Some(_)) => None,
    });
    implicit.chain(explicit).filter_map(|(model, promise)| {
        let version = policy::recalled(fleet, model, promise)?;
        Some((model.clone(), version))
    })
}

/// What is meant to be in memory: as the version policies say, over that what admins said, over that what pipelines pin.
pub(super) fn meant(fleet: &Fleet) -> BTreeSet<Key> {
    let models = fleet.observed.stored();
    let each = models.flat_map(|(name, model)| {
        let versions = by_itself(fleet, name, model).into_iter();
        versions.map(|version| (name.clone(), version))
    });
    each.chain(pins(fleet)).collect()
}

/// The versions of a model that are to be in memory whoever calls them.
pub(crate) fn by_itself(fleet: &Fleet, name: &Name, model: &Model) -> Vec<VersionNumber> {
    let Some(intent) = fleet.routing.intents.get(name) else {
        return by_policy(model);
    };
    let mut wished = match intent.unloaded {
        true => Vec::new(),
        false => by_policy(model),
    };
    for (version, load) in &intent.versions {
        let present = model.versions.get(version).is_some_and(|seen| seen.present);
        match load {
            true if present => wished.push(*version),
            true => {}
            false => wished.retain(|wished| wished != version),
        }
    }
    wished
}

/// The versions that pipelines ask for by their numbers.
fn pins(fleet: &Fleet) -> impl Iterator<Item = Key> {
    let entries = fleet.routing.pipelines.values();
    entries.flat_map(|entry| {
        let pins = entry.members().into_iter();
        let pins = pins.filter_map(|(model, version)| Some((model, version?)));
        let kept = entry.kept().into_iter();
        let all = pins.chain(kept);
        all.map(|(model, version)| (model.clone(), version))
    })
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

// === impl Effect ===

impl Effect {
    fn load((model, version): Key) -> Self {
        Self::Load { model, version }
    }
}
