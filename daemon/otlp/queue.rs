//! The queue between those who serve and the thread that sends. Putting something in never waits: a lock that nobody
//! holds for longer than a move, and no room means dropped.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::batcher::{Batcher, Bounds, Due};
use crate::clock;

/// What waits, with its bounds.
pub(super) struct Queue<T> {
    inner: Mutex<Inner<T>>,
    changed: Notify,
}

struct Inner<T> {
    batcher: Batcher<T>,
    /// Nothing comes any more.
    closing: bool,
}

// === impl Queue ===

impl<T> Queue<T> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            inner: Mutex::new(Inner {
                batcher: Batcher::new(bounds),
                closing: false,
            }),
            changed: Notify::new(),
        }
    }

    /// Takes items, all or none; how many were dropped.
    ///
    /// # Errors
    /// The number of items, where there is no room.
    pub(super) fn push(&self, items: Vec<(T, usize)>) -> Result<(), usize> {
        let count = items.len();
        let now = clock::instant();
        let mut inner = self.lock();
        let (empty, ample) = (inner.batcher.len() == 0, inner.batcher.is_ample());
        if inner.closing || inner.batcher.offer(items, now).is_err() {
            return Err(count);
        }
        // Who sends is woken to look at the time, and when there is enough; not for each item.
        let wake = empty || (!ample && inner.batcher.is_ample());
        drop(inner);
        if wake {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// The next batch when it is due; nothing when the queue is closed and empty.
    pub(super) async fn take(&self) -> Option<Vec<T>> {
        loop {
            let due = {
                let mut inner = self.lock();
                let due = inner.batcher.due(clock::instant());
                match due {
                    Due::Never if inner.closing => return None,
                    Due::Now => return Some(inner.batcher.take()),
                    Due::In(_) if inner.closing => return Some(inner.batcher.take()),
                    due => due,
                }
            };
            match due {
                Due::In(wait) => {
                    // Either is a reason to look again.
                    let _woken = tokio::time::timeout(wait, self.changed.notified()).await;
                }
                Due::Now | Due::Never => self.changed.notified().await,
            }
        }
    }

    /// Waits for so long, or until the queue is closed: then there is no time left to wait.
    pub(super) async fn pause(&self, wait: Duration) -> bool {
        let until = clock::instant() + wait;
        loop {
            if self.lock().closing {
                return false;
            }
            let woken = tokio::time::timeout_at(until.into(), self.changed.notified()).await;
            if woken.is_err() {
                return true;
            }
        }
    }

    /// Takes nothing more; what waits is due.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.changed.notify_one();
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().batcher.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
