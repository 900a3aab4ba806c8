//! Requests that wait for parked versions: what they ask for, until the supervisor takes it in.
//!
//! Only requests that find their version parked come here, so a lock costs nobody else anything. However many ask
//! between two looks of the supervisor, it gets one message. The number of those who wait is bounded.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use actix::Recipient;
use impresario_models::{Name, VersionNumber};

use super::messages::Recall;
use crate::clock;

/// Times of use are told this coarsely, in milliseconds, so that a busy version is not written all the time.
const COARSE: u64 = 32;

/// Those who wait, and what for.
#[derive(Debug)]
pub(super) struct Recalls {
    asked: Mutex<BTreeMap<(Name, VersionNumber), Instant>>,
    supervisor: OnceLock<Recipient<Recall>>,
    waiting: AtomicUsize,
    most: AtomicUsize,
}

/// A place among those who wait; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Waiting<'a>(&'a AtomicUsize);

/// When a version was used last.
#[derive(Debug)]
pub(super) struct Uses {
    born: Instant,
    /// The time of birth on the supervisor's clock, in milliseconds.
    born_ms: u64,
    /// Milliseconds since.
    last: AtomicU64,
}

// === impl Recalls ===

impl Recalls {
    pub(super) fn report_to(&self, supervisor: Recipient<Recall>) {
        // There is one supervisor to a published state.
        let _: Result<(), Recipient<Recall>> = self.supervisor.set(supervisor);
    }

    pub(super) fn bound(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// A place to wait, or how many wait already.
    pub(super) fn wait(&self) -> Result<Waiting<'_>, usize> {
        let most = self.most.load(Ordering::Relaxed);
        let waiting = self.waiting.fetch_add(1, Ordering::Relaxed);
        let place = Waiting(&self.waiting);
        if waiting >= most {
            Err(most)
        } else {
            Ok(place)
        }
    }

    /// Requests that wait now.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Asks for a version, for somebody who waits until then.
    pub(super) fn ask(&self, model: &Name, version: VersionNumber, until: Instant) {
        let mut asked = self.lock();
        let first = asked.is_empty();
        let known = asked.entry((model.clone(), version)).or_insert(until);
        *known = until.max(*known);
        drop(asked);
        if let Some(supervisor) = self.supervisor.get().filter(|_| first) {
            supervisor.do_send(Recall);
        }
    }

    /// What was asked for since the last time.
    pub(super) fn take(&self) -> BTreeMap<(Name, VersionNumber), Instant> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Name, VersionNumber), Instant>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Recalls {
    fn default() -> Self {
        Self {
            asked: Mutex::default(),
            supervisor: OnceLock::new(),
            waiting: AtomicUsize::new(0),
            most: AtomicUsize::new(1_024),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

// === impl Uses ===

impl Uses {
    /// Used never, since now, which is `born_ms` on the supervisor's clock.
    pub(super) fn since(born_ms: u64) -> Self {
        Self {
            born: clock::instant(),
            born_ms,
            last: AtomicU64::new(0),
        }
    }

    /// Notes a use. Others' cache lines are touched seldom.
    pub(super) fn note(&self, at: Instant) {
        let since = at.saturating_duration_since(self.born).as_millis();
        let now = u64::try_from(since).unwrap_or(u64::MAX).max(1);
        if now >= self.last.load(Ordering::Relaxed).saturating_add(COARSE) {
            self.last.store(now, Ordering::Relaxed);
        }
    }

    /// The last use, in milliseconds of the supervisor's clock, if there was one.
    pub(super) fn last(&self) -> Option<u64> {
        match self.last.load(Ordering::Relaxed) {
            0 => None,
            last => Some(self.born_ms.saturating_add(last)),
        }
    }
}
