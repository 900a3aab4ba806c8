//! What waits for one webhook: bounded, the oldest goes first and is dropped first.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use impresario_pipelines::fleet::Record;

/// Records that may wait for a webhook.
pub(super) const MOST: usize = 256;

/// A queue between the listener and a courier.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// What was missed before the process began; the store bounds it.
    backlog: VecDeque<Arc<Record>>,
    fresh: VecDeque<Arc<Record>>,
    /// Whether the courier has one in its hands.
    busy: bool,
    /// Whether something was dropped since there was last room to spare.
    spilling: bool,
    door: Door,
}

/// How the queue ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Door {
    Open,
    /// What waits is still taken, and nothing is tried twice.
    Closing,
    Closed,
}

/// What became of a record that was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It waits.
    Fits,
    /// It waits, and the oldest one does not any more.
    Spilled {
        /// Whether it is the first one after a time with room to spare.
        first: bool,
    },
}

// === impl Queue ===

impl Queue {
    pub(super) fn new(backlog: VecDeque<Arc<Record>>) -> Self {
        Self {
            state: Mutex::new(State {
                backlog,
                fresh: VecDeque::new(),
                busy: false,
                spilling: false,
                door: Door::Open,
            }),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is one step, so that a panic elsewhere leaves it sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, record: Arc<Record>) -> Pushed {
        let mut state = self.state();
        let full = state.fresh.len() >= MOST;
        if full {
            state.fresh.pop_front();
        }
        state.fresh.push_back(record);
        self.changed.notify_all();
        if !full {
            state.spilling &= state.fresh.len() > MOST / 2;
            return Pushed::Fits;
        }
        let first = !std::mem::replace(&mut state.spilling, true);
        Pushed::Spilled { first }
    }

    /// Waits for the oldest; nothing where the queue has ended.
    pub(super) fn take(&self) -> Option<Arc<Record>> {
        let mut state = self.state();
        state.busy = false;
        loop {
            if state.door == Door::Closed {
                return None;
            }
            let oldest = state.backlog.pop_front();
            if let Some(record) = oldest.or_else(|| state.fresh.pop_front()) {
                state.busy = true;
                return Some(record);
            }
            if state.door == Door::Closing {
                return None;
            }
            let woken = self.changed.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits so long; false as soon as the queue ends, or where it has.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let state = self.state();
        let open = |state: &mut State| state.door == Door::Open;
        let woken = self.changed.wait_timeout_while(state, time, open);
        let (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
        state.door == Door::Open
    }

    /// No more comes: what waits is tried once.
    pub(super) fn close(&self) {
        self.end(Door::Closing);
    }

    /// Nothing is taken any more.
    pub(super) fn cut(&self) {
        self.end(Door::Closed);
    }

    fn end(&self, door: Door) {
        let mut state = self.state();
        state.door = state.door.max(door);
        self.changed.notify_all();
    }

    /// Records that wait, one in the courier's hands among them.
    pub(super) fn len(&self) -> usize {
        let state = self.state();
        state.backlog.len() + state.fresh.len() + usize::from(state.busy)
    }
}
