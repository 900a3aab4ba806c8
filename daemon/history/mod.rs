//! Metric history: what was counted, in windows of time, kept in the store beyond the process.
//!
//! A thread of its own reads the counters of `measure` every ten seconds and stores what they have grown by; short windows
//! are added up to long ones as they age. It is never on a request's path. After the death of the process at most the window
//! that was open is missing. What history is asked for and in which form is the business of `http/admin`.

mod book;
mod keeper;
mod read;
mod series;
mod tiers;
mod window;
mod work;

pub use read::{Answer, By, Group, Line, Point, Query, Refused};
pub use series::{Answered, Series};
pub use tiers::Tier;
pub use window::{Damaged, Window};
pub use work::History;

use std::sync::atomic::AtomicU64;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use self::book::Book;

/// What the keeper writes and those who ask read.
#[derive(Debug)]
struct Shared {
    /// Held for writing while the store is written, so that those who read find each request once.
    book: RwLock<Book>,
    /// Requests that were not kept, because there was no place for their series or a newer program's window was in theirs.
    dropped: AtomicU64,
}

// === impl Shared ===

impl Shared {
    fn read(&self) -> RwLockReadGuard<'_, Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Book> {
        self.book.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
