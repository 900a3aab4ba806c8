//! Memory where it is bounded: which of the versions that are wanted are in it, and which are parked.
//!
//! A parked version is not in memory but can be asked: its next request loads it again, and waits. Everything is
//! derived from what is wanted and seen; nothing is remembered of who was chosen before. Bytes are what a load said
//! that it takes, before that what the files let expect. Loading and unloading are the daemon's.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use impresario_models::{Name, VersionNumber};

use super::apply::Limits;
use super::observed::{Demand, Model, Phase, Reload, Residence, Seen};
use super::plan::{self, Key, wanted};
use super::{Fleet, Now, graphs};
use crate::{rollout, table};

/// How long a version that was used keeps its place before an arm that nobody calls, in milliseconds: as long as a rollout
/// waits for its canary until it takes the traffic from it.
const BUSY: u64 = rollout::GRACE;

/// Who is in memory, or on the way there.
pub(super) struct Room {
    /// The versions that may be there.
    chosen: BTreeSet<Key>,
    /// The chosen ones that are not there yet, the most urgent first.
    pub(super) loads: Vec<Key>,
    /// Bytes that are free now: those that leave still take theirs.
    pub(super) free: u64,
    /// When a version that stays only because it is new, or was used a moment ago, may be parked, where one is in the way.
    pub(super) remind: Option<u64>,
}

/// The order in which versions get their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Pinned,
    /// On its way, or ready for so short a time that those who waited may not be in.
    New,
    /// Requests wait for it, since then; or a pipeline asks for it that another version answers for.
    Asked(u64),
    /// An arm of a course that goes on, or the version that answers until it can begin: in memory, the one used last first.
    Arm(Reverse<u64>),
    /// The newest version of a model that another one serves for.
    Successor,
    /// In memory, and used a moment ago.
    Busy(Reverse<u64>),
    /// An arm that is not in memory, those first that answer for the others: nobody calls one that the first arm answers for.
    Absent(Reverse<bool>),
    /// The newest version of a model that is parked with another one that was ready: it keeps its claim as a successor, which
    /// else ended as soon as the other one had made room, and was there again when that one had come back for want of it.
    Untried,
    /// In memory; the one used last comes first.
    Resident(Reverse<u64>),
    /// Not in memory, and nobody waits: there is room, or there is not. The newest of each model come first.
    Newest,
    Rest,
}

impl Room {
    /// Gives the places away. `wanted` are the versions that should be in memory, `routed` those that answer now.
    pub(super) fn of(
        fleet: &Fleet,
        budget: u64,
        wanted: &BTreeSet<Key>,
        routed: &BTreeSet<Key>,
        now: Now,
    ) -> Self {
        let heirs = heirs(fleet, wanted);
        let arms = arms(fleet);
        let mut queue = Vec::new();
        let mut held = 0u64;
        for (name, model) in fleet.observed.stored() {
            let newest = newest(name, model, wanted, |_| true);
            let served = model.newest_serving().is_some();
            let tried = model
                .versions
                .values()
                .any(|seen| seen.stay.proven.is_some());
            for (version, seen) in &model.versions {
                held = held.saturating_add(held_by(seen));
                let key = (name.clone(), *version);
                let resident = in_memory(seen);
                if !able(seen) || !(wanted.contains(&key) || (resident && routed.contains(&key))) {
                    continue;
                }
                let fresh = seen.phase == Phase::Ready
                    && now.monotonic < seen.stay.since.saturating_add(fleet.limits.stay);
                let rank = if held_fast(model, seen) {
                    Rank::Pinned
                } else if fresh || matches!(seen.phase, Phase::Loading(_)) {
                    Rank::New
                } else if resident && arms.contains_key(&key) {
                    Rank::Arm(Reverse(seen.stay.used))
                } else if resident && now.monotonic < idle_from(seen) {
                    Rank::Busy(Reverse(seen.stay.used))
                } else if resident {
                    Rank::Resident(Reverse(seen.stay.used))
                } else if seen.demanded(now.monotonic) {
                    Rank::Asked(seen.stay.demand.map_or(0, |demand| demand.since))
                } else if heirs.contains(&key) {
                    Rank::Asked(0)
                } else if newest == Some(*version) && served && seen.stay.proven.is_none() {
                    Rank::Successor
                } else if let Some(primary) = arms.get(&key) {
                    Rank::Absent(Reverse(*primary))
                } else if newest == Some(*version) && tried && seen.stay.proven.is_none() {
                    Rank::Untried
                } else if newest == Some(*version) {
                    Rank::Newest
                } else {
                    Rank::Rest
                };
                queue.push((rank, key, seen));
            }
        }
        queue.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let mut room = Self {
            chosen: BTreeSet::new(),
            loads: Vec::new(),
            free: budget.saturating_sub(held),
            remind: None,
        };
        let mut left = budget;
        let mut denied = false;
        let mut absent = false;
        let (mut fresh, mut busy) = (None, None);
        let sooner =
            |known: Option<u64>, until| Some(known.map_or(until, |known: u64| known.min(until)));
        for (rank, key, seen) in queue {
            match rank {
                Rank::New if seen.phase == Phase::Ready => {
                    let until = seen.stay.since.saturating_add(fleet.limits.stay);
                    fresh = sooner(fresh, until);
                    busy = sooner(busy, until.max(idle_from(seen)));
                }
                Rank::Busy(_) => busy = sooner(busy, idle_from(seen)),
                Rank::Pinned
                | Rank::New
                | Rank::Asked(_)
                | Rank::Arm(_)
                | Rank::Successor
                | Rank::Absent(_)
                | Rank::Untried
                | Rank::Resident(_)
                | Rank::Newest
                | Rank::Rest => {}
            }
            match left.checked_sub(seen.bytes()) {
                Some(rest) => {
                    left = rest;
                    if matches!(seen.phase, Phase::Discovered | Phase::Unloaded) && seen.present {
                        room.loads.push(key.clone());
                    }
                    room.chosen.insert(key);
                }
                None => {
                    denied |= matches!(rank, Rank::Asked(_) | Rank::Successor);
                    absent |= matches!(rank, Rank::Absent(_) | Rank::Untried);
                }
            }
        }
        let reminds = [fresh.filter(|_| denied), busy.filter(|_| absent)];
        room.remind = reminds.into_iter().flatten().min();
        room
    }

    /// Whether a version may be in memory.
    pub(super) fn chooses(&self, key: &Key) -> bool {
        self.chosen.contains(key)
    }
}

/// The versions that are not in memory but that a request may call: wanted, sound, and not too large beside the
/// pinned ones. Where memory is not bounded there are none.
#[must_use]
pub fn on_demand(fleet: &Fleet) -> BTreeSet<(Name, VersionNumber)> {
    away(fleet).0
}

/// The versions that may be called, and those that would be if they fitted beside the pinned ones.
pub(crate) fn away(fleet: &Fleet) -> (BTreeSet<Key>, BTreeSet<Key>) {
    let Some(budget) = fleet.limits.budget else {
        return <(BTreeSet<Key>, BTreeSet<Key>)>::default();
    };
    let wanted = wanted(fleet);
    let pinned = pinned(fleet);
    let called = fleet.observed.all().filter(|(_, _, seen)| callable(seen));
    let wished = called
        .map(|(name, version, seen)| ((name.clone(), version), seen))
        .filter(|(key, _)| wanted.contains(key));
    let (fit, crowded): (Vec<_>, Vec<_>) = wished.partition(|((name, _), seen)| {
        let model = fleet.observed.models.get(name);
        fits_beside(model, seen, budget, || pinned)
    });
    let keys = |list: Vec<(Key, &Seen)>| list.into_iter().map(|(key, _)| key).collect();
    (keys(fit), keys(crowded))
}

/// Whether requests choose the version although it is parked: it was ready before, and nothing changed.
pub(crate) fn recallable(seen: &Seen, limits: &Limits) -> bool {
    limits.budget.is_some() && seen.stay.proven.is_some() && callable(seen)
}

/// Whether a version that was parked answers again where no other one comes that is to be there instead.
pub(crate) fn returns(seen: &Seen, limits: &Limits) -> bool {
    limits.budget.is_some() && seen.stay.returns && callable(seen)
}

/// Whether a version would find room beside the pinned ones.
pub(crate) fn fits(fleet: &Fleet, name: &Name, seen: &Seen) -> bool {
    let Some(budget) = fleet.limits.budget else {
        return true;
    };
    let model = fleet.observed.models.get(name);
    fits_beside(model, seen, budget, || pinned(fleet))
}

/// Whether a version would find room beside what the pinned ones take. One of them has all the room that there is.
fn fits_beside(
    model: Option<&Model>,
    seen: &Seen,
    budget: u64,
    pinned: impl FnOnce() -> u64,
) -> bool {
    let others = match model.is_some_and(|model| held_fast(model, seen)) {
        true => 0,
        false => pinned(),
    };
    seen.bytes() <= budget.saturating_sub(others)
}

/// Whether a version that is wanted would come when it is called.
pub(crate) fn callable(seen: &Seen) -> bool {
    let away = matches!(
        seen.phase,
        Phase::Discovered | Phase::Unloaded | Phase::Draining | Phase::Loading(_)
    );
    away && seen.present
}

/// Requests wait for a version: it is to be loaded, or not to be parked just now.
pub(super) fn demanded(seen: &mut Seen, until: u64, limits: &Limits, now: Now) {
    if limits.budget.is_none() {
        return;
    }
    if !callable(seen) {
        seen.stay.used = seen.stay.used.max(now.monotonic);
        return;
    }
    let alive = seen.stay.demand.filter(|d| d.until > now.monotonic);
    let since = alive.map_or(now.monotonic, |demand| demand.since);
    let until = alive.map_or(until, |demand| demand.until.max(until));
    seen.stay.demand = Some(Demand { since, until });
}

/// A version that is larger than all the memory there is fails before it is loaded.
pub(super) fn refuse_too_large(seen: &mut Seen, limits: &Limits) {
    if !matches!(seen.phase, Phase::Discovered | Phase::Unloaded) {
        return;
    }
    if let Some(budget) = limits.budget.filter(|budget| seen.bytes() > *budget) {
        seen.phase = Phase::Failed;
        seen.stay.demand = None;
        seen.stay.forget();
        seen.trouble = Some(format!(
            "it takes about {} of memory, and all versions together may take {} (models.memory_budget)",
            size(seen.bytes()),
            size(budget)
        ));
    }
}

/// Bytes that all versions take now.
pub(super) fn held(fleet: &Fleet) -> u64 {
    fleet.observed.all().map(|(_, _, seen)| held_by(seen)).sum()
}

/// Why a version is parked, while all versions take `held` bytes, the pinned ones `pinned`.
pub(super) fn why_parked(seen: &Seen, held: u64, pinned: u64, limits: &Limits) -> String {
    let budget = limits.budget.unwrap_or(u64::MAX);
    let (bytes, of) = (size(seen.bytes()), size(budget));
    if seen.bytes() > budget.saturating_sub(pinned) {
        let pinned = size(pinned);
        return format!(
            "it takes about {bytes}, and pinned versions take {pinned} of {of} (models.memory_budget)"
        );
    }
    let held = size(held);
    format!(
        "it takes about {bytes}, and others take {held} of {of} (models.memory_budget); its next request loads it"
    )
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    const STEP: f64 = 1024.0;
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < STEP {
            let decimals = usize::from(value < 10.0 && unit != "B");
            return format!("{value:.decimals$} {unit}");
        }
        value /= STEP;
    }
    format!("{value:.1} TiB")
}

/// When a version counts as idle that nobody uses any more.
fn idle_from(seen: &Seen) -> u64 {
    seen.stay.used.saturating_add(BUSY)
}

/// Whether it can be made ready, or is.
fn able(seen: &Seen) -> bool {
    !matches!(seen.phase, Phase::Failed | Phase::Quarantined)
}

/// Whether a version is never parked: it is pinned, or its files are gone and it could not come back.
fn held_fast(model: &Model, seen: &Seen) -> bool {
    model.residence == Residence::Pinned || !seen.present
}

fn in_memory(seen: &Seen) -> bool {
    matches!(
        seen.phase,
        Phase::Ready | Phase::Restarting { .. } | Phase::Loading(_)
    )
}

/// Bytes that a version takes now: twice its own while it is loaded beside itself.
fn held_by(seen: &Seen) -> u64 {
    let times = match (
        in_memory(seen) || seen.phase == Phase::Draining,
        seen.reload,
    ) {
        (false, _) => 0,
        (true, Reload::Loading) => 2,
        (true, Reload::None | Reload::Wanted) => 1,
    };
    seen.bytes().saturating_mul(times)
}

/// Bytes that the pinned versions take, or are to take. One that is only to be called back counts once it is there: whether it
/// is called back hangs on what fits.
pub(super) fn pinned(fleet: &Fleet) -> u64 {
    let meant = plan::meant(fleet);
    let pinned = fleet.observed.all().filter(|(name, version, seen)| {
        let model = &fleet.observed.models[*name];
        let wished = meant.contains(&((*name).clone(), *version));
        held_fast(model, seen) && able(seen) && (wished || in_memory(seen))
    });
    pinned.map(|(_, _, seen)| seen.bytes()).sum()
}

/// The newest version of a model that should be in memory, of those that are allowed.
fn newest(
    name: &Name,
    model: &Model,
    wanted: &BTreeSet<Key>,
    allowed: impl Fn(VersionNumber) -> bool,
) -> Option<VersionNumber> {
    let versions = model.versions.iter().rev().filter(|(v, _)| allowed(**v));
    let mut wished = versions.filter(|(version, seen)| {
        able(seen) && seen.present && wanted.contains(&(name.clone(), **version))
    });
    wished.next().map(|(version, _)| *version)
}

/// The versions that pipelines ask for while another one answers in their place, and the members of graphs that wait.
fn heirs(fleet: &Fleet, wanted: &BTreeSet<Key>) -> BTreeSet<Key> {
    let mut heirs = BTreeSet::new();
    let others = fleet.routing.pipelines.values();
    for entry in others.filter(|entry| entry.keep.is_some() || entry.instead(fleet).is_some()) {
        let (name, version) = entry.primary();
        let model = fleet.observed.models.get(name);
        // One that somebody asked to unload is there for others: it is not the newest one that is asked for.
        let intent = fleet.routing.intents.get(name);
        let left = |v| intent.is_none_or(|intent| intent.leaves(v));
        let version = version.or_else(|| newest(name, model?, wanted, left));
        // The kept one takes over from nobody, and so does one that was ready and is known to break what callers rely on.
        let waits = |v: &VersionNumber| {
            let keep = entry.keep.as_ref();
            keep.is_none_or(|keep| (&keep.model, keep.version) != (name, *v))
                && !table::refused(fleet, entry, name, *v)
        };
        let version = version.filter(waits);
        heirs.extend(version.map(|version| (name.clone(), version)));
    }
    // Of a graph, those of its members that it waits for.
    for (name, entry) in &fleet.routing.pipelines {
        heirs.extend(graphs::awaited(fleet, name, entry));
    }
    heirs
}

/// The versions that courses which go on need, with those that answer until they can begin; and whether each answers for
/// others. They stay while others are used less: nobody would call back an arm that left, as requests are answered by the
/// first one meanwhile. Requests that wait for another version come before them: a rollout may fail for want of memory,
/// callers may not.
fn arms(fleet: &Fleet) -> BTreeMap<Key, bool> {
    let mut arms = BTreeMap::new();
    for entry in fleet.routing.pipelines.values() {
        if !entry
            .course
            .as_ref()
            .is_some_and(|course| course.is_active())
        {
            continue;
        }
        let primary = entry.primary();
        let needs = entry.needs().into_iter();
        let needs = needs.flat_map(|need| {
            let members = entry.resolved(need).into_iter();
            members.filter_map(move |(model, version)| {
                Some(((model.clone(), version?), need == primary))
            })
        });
        let kept = entry.kept().into_iter();
        let kept = kept.map(|(model, version)| ((model.clone(), version), true));
        for (key, first) in needs.chain(kept) {
            *arms.entry(key).or_default() |= first;
        }
    }
    arms
}
