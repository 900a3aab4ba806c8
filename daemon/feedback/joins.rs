//! A part of the requests that feedback may still find, by the hash of their ids.
//!
//! Those that nobody has told anything of leave when there are too many, the oldest first. Of the others it must be known
//! what was told, or it would count twice: where there are too many of them, the oldest leaves too, and tokens of its time
//! are of no use from then on.

use std::collections::{HashMap, VecDeque};

use super::Limits;
use super::entry::{Entry, Event, Request, Seen, nothing};
use super::given::Taken;

/// The most events of one request.
pub(super) const MAX_EVENTS: usize = 64;

/// For how long a request is known to be late, in milliseconds; then it is unknown.
const LINGER: u64 = 60 * 60 * 1000;

/// A part of the requests.
#[derive(Debug, Default)]
pub(super) struct Joins {
    entries: HashMap<Request, Entry>,
    /// In the order in which they came; those whose stamp is another one's have left, or moved on.
    quiet: VecDeque<(Request, u32)>,
    /// In the order in which something was first told of them.
    told: VecDeque<(Request, u32)>,
    room: Room,
    stamp: u32,
    /// Events of all entries.
    events: usize,
    /// Tokens of this time and before are too old: it is not known any more what was told of their requests.
    horizon: u64,
    /// Keys of entries that are not stored as they are, some of them more than once.
    dirty: Vec<Request>,
    /// Batches that an entry has left.
    left: Vec<u32>,
    pub(super) exposed: u64,
    pub(super) dropped: u64,
    pub(super) reused: u64,
}

/// How many there may be.
#[derive(Clone, Copy, Debug, Default)]
struct Room {
    quiet: usize,
    told: usize,
    events: usize,
}

/// What a request's values are before and after an event.
#[derive(Debug, PartialEq)]
pub(super) struct Change {
    pub(super) seen: Seen,
    pub(super) before: Box<[f64]>,
    pub(super) after: Box<[f64]>,
}

/// An event, and how its request is found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) request: Request,
    /// What its token says, where it has one.
    pub(super) token: Option<Seen>,
    pub(super) metric: u8,
    /// The places of its value, as bits: a bandit's reward may be a metric of its safety too.
    pub(super) places: u64,
    pub(super) value: f64,
    pub(super) event: u64,
}

// === impl Joins ===

impl Joins {
    /// One of so many parts.
    pub(super) fn new(limits: &Limits, parts: usize) -> Self {
        Self {
            room: Room {
                quiet: limits.requests.div_ceil(parts),
                told: limits.told.div_ceil(parts),
                events: limits.events.div_ceil(parts),
            },
            ..Self::default()
        }
    }

    /// Remembers a request that was answered. One whose id another one has that something was told of stays out: what
    /// comes of that id is the first one's.
    pub(super) fn push(&mut self, request: Request, seen: Seen, values: Box<[f64]>) {
        self.exposed += 1;
        self.insert(request, Entry::new(seen, values));
    }

    /// Remembers a request as it was stored.
    pub(super) fn restore(&mut self, request: Request, entry: Entry) {
        self.insert(request, entry);
    }

    /// Takes an event; what it changes, where it is accepted.
    pub(super) fn take(
        &mut self,
        told: &Told,
        metrics: usize,
        (now, within): (u64, u64),
    ) -> Result<Change, Taken> {
        let request = self.find(told, metrics, (now, within))?;
        let Some(entry) = self.entries.get_mut(&request) else {
            return Err(Taken::Unknown);
        };
        let event = Event {
            metric: told.metric,
            id: told.event,
        };
        if entry.events.contains(&event) {
            return Err(Taken::Duplicate);
        }
        if entry.seen.age(now) > within {
            return Err(Taken::Late);
        }
        if entry.events.len() >= MAX_EVENTS {
            return Err(Taken::Full);
        }
        let before = entry.values.clone();
        for (place, value) in entry.values.iter_mut().enumerate() {
            if told.places & (1 << place) != 0 {
                *value = if value.is_nan() { 0.0 } else { *value } + told.value;
            }
        }
        entry.events.push(event);
        let change = Change {
            seen: entry.seen,
            before,
            after: entry.values.clone(),
        };
        self.events += 1;
        if entry.events.len() == 1 {
            self.stamp = self.stamp.wrapping_add(1);
            entry.stamp = self.stamp;
            self.told.push_back((request, self.stamp));
        }
        self.soil(request);
        self.bound();
        Ok(change)
    }

    /// How many are remembered.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn horizon(&self) -> u64 {
        self.horizon
    }

    pub(super) fn set_horizon(&mut self, horizon: u64) {
        self.horizon = self.horizon.max(horizon);
    }

    /// Forgets those whose time is over.
    pub(super) fn expire(&mut self, now: u64, within: u64) {
        let over = within.saturating_add(LINGER);
        for told in [false, true] {
            while let Some((request, stamp)) = self.queue(told).front().copied() {
                let entry = self.entries.get(&request);
                let entry = entry.filter(|entry| entry.stamp == stamp);
                if entry.is_some_and(|entry| entry.seen.age(now) <= over) {
                    break;
                }
                self.queue(told).pop_front();
                self.remove((request, stamp));
            }
        }
    }

    /// Gives out those that are not stored as they are, and the batches that entries have left. `house` says which batch
    /// an entry goes into.
    pub(super) fn drain(
        &mut self,
        left: &mut Vec<u32>,
        mut house: impl FnMut(Request, &Entry) -> u32,
    ) {
        for request in std::mem::take(&mut self.dirty) {
            let entry = self.entries.get_mut(&request);
            if let Some(entry) = entry.filter(|entry| entry.dirty) {
                self.left.extend(entry.home.take());
                entry.home = Some(house(request, entry));
                entry.dirty = false;
            }
        }
        left.append(&mut self.left);
    }

    /// Has entries stored again that are in these batches, or all.
    pub(super) fn move_out(&mut self, leaves: impl Fn(Option<u32>) -> bool) {
        for (request, entry) in &mut self.entries {
            if !entry.dirty && leaves(entry.home) {
                entry.dirty = true;
                self.dirty.push(*request);
            }
        }
    }

    /// The entry that an event is about; made, where a token tells of it.
    fn find(
        &mut self,
        told: &Told,
        metrics: usize,
        (now, within): (u64, u64),
    ) -> Result<Request, Taken> {
        let entry = self.entries.get(&told.request);
        let Some(seen) = told.token else {
            return entry.map(|_| told.request).ok_or(Taken::Unknown);
        };
        let mut request = told.request;
        if entry.is_some_and(|entry| !entry.seen.is_like(&seen)) {
            request = request.beside(&seen);
        }
        if !self.entries.contains_key(&request) {
            if seen.age(now) > within || seen.at <= self.horizon {
                return Err(Taken::Late);
            }
            // Something is told of it at once, so that it takes no place among those of whom nobody has told anything.
            self.entries
                .insert(request, Entry::new(seen, nothing(metrics)));
            self.note(request);
        }
        Ok(request)
    }

    fn insert(&mut self, request: Request, mut entry: Entry) {
        let known = self.entries.get(&request);
        if known.is_some_and(Entry::is_told) {
            self.reused += 1;
            return;
        }
        self.stamp = self.stamp.wrapping_add(1);
        entry.stamp = self.stamp;
        self.events += entry.events.len();
        let queue = self.queue(entry.is_told());
        queue.push_back((request, entry.stamp));
        let dirty = entry.dirty;
        if let Some(replaced) = self.entries.insert(request, entry) {
            self.left.extend(replaced.home);
            self.reused += 1;
        }
        if dirty {
            self.note(request);
        }
        self.bound();
    }

    /// Lets the oldest leave where there are too many.
    fn bound(&mut self) {
        while self.quiet.len() > self.room.quiet {
            let Some(oldest) = self.quiet.pop_front() else {
                break;
            };
            self.dropped += u64::from(self.remove(oldest).is_some());
        }
        while self.told.len() > self.room.told || self.events > self.room.events {
            let Some(oldest) = self.told.pop_front() else {
                break;
            };
            if let Some(entry) = self.remove(oldest) {
                self.dropped += 1;
                self.horizon = self.horizon.max(entry.seen.at);
            }
        }
    }

    /// Forgets an entry, unless another one has its key or it has moved on.
    fn remove(&mut self, (request, stamp): (Request, u32)) -> Option<Entry> {
        let entry = self.entries.get(&request);
        entry.filter(|entry| entry.stamp == stamp)?;
        let entry = self.entries.remove(&request)?;
        self.events -= entry.events.len();
        self.left.extend(entry.home);
        Some(entry)
    }

    fn queue(&mut self, told: bool) -> &mut VecDeque<(Request, u32)> {
        match told {
            true => &mut self.told,
            false => &mut self.quiet,
        }
    }

    /// An entry is not stored as it is.
    fn soil(&mut self, request: Request) {
        let entry = self.entries.get_mut(&request);
        if entry.is_some_and(|entry| !std::mem::replace(&mut entry.dirty, true)) {
            self.note(request);
        }
    }

    /// Where nobody ever drains it, the list must not grow for ever.
    fn note(&mut self, request: Request) {
        if self.dirty.len() > 2 * (self.room.quiet + self.room.told) + 64 {
            let entries = self.entries.iter();
            let dirty = entries.filter(|(_, entry)| entry.dirty);
            self.dirty = dirty.map(|(request, _)| *request).collect();
            return;
        }
        self.dirty.push(request);
    }
}
