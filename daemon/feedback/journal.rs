//! What is stored of a course, and where: requests in batches, in the order in which they changed.
//!
//! A request that changes is written into a newer batch. A batch that no request is in any more is removed; where most of a
//! batch's requests have left, the others move into a newer one, so that the store holds no more than a few times what is
//! remembered.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::entry::{Entry, Request};
use super::{rows, text};
use crate::store::Shelf;

/// Requests in a batch: some dozens of kilobytes.
const ROWS: u32 = 1_000;

/// What is stored of a course.
#[derive(Debug, Default)]
pub(super) struct Journal {
    next: u32,
    batches: BTreeMap<u32, Batch>,
    /// The names of the books' parts.
    pub(super) parts: BTreeSet<String>,
    /// The head, as it was written last.
    pub(super) head: String,
    /// What is to be removed: it was found, and is of no use.
    pub(super) gone: Vec<(Shelf, String)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Batch {
    written: u32,
    /// How many of those are in no newer batch and still remembered.
    live: u32,
}

/// Batches as they are written.
pub(super) struct Pen<'a> {
    journal: &'a mut Journal,
    metrics: usize,
    rows: Vec<u8>,
    written: u32,
    done: Vec<(u32, String)>,
}

// === impl Journal ===

impl Journal {
    pub(super) fn pen(&mut self, metrics: usize) -> Pen<'_> {
        Pen {
            rows: rows::begin(metrics),
            journal: self,
            metrics,
            written: 0,
            done: Vec::new(),
        }
    }

    /// Takes up stored batches; the requests in them, oldest first. A request is in the newest batch that has it. A batch
    /// without requests is removed with the next ones that are.
    pub(super) fn take_up(
        &mut self,
        batches: BTreeMap<u32, Vec<(Request, Entry)>>,
    ) -> Vec<(Request, Entry)> {
        let mut newest: HashMap<Request, Entry> = HashMap::new();
        for (number, rows) in batches {
            self.next = self.next.max(number.saturating_add(1));
            let written = u32::try_from(rows.len()).unwrap_or(u32::MAX);
            self.batches.insert(number, Batch { written, live: 0 });
            for (request, mut entry) in rows {
                entry.home = Some(number);
                entry.dirty = false;
                newest.insert(request, entry);
            }
        }
        for home in newest.values().filter_map(|entry| entry.home) {
            if let Some(batch) = self.batches.get_mut(&home) {
                batch.live += 1;
            }
        }
        let mut entries: Vec<_> = newest.into_iter().collect();
        entries.sort_by_key(|(request, entry)| (entry.seen.at, *request));
        entries
    }

    /// Requests have left these batches; those that are empty now, to be removed.
    pub(super) fn leave(&mut self, left: &[u32]) -> Vec<u32> {
        for batch in left {
            if let Some(batch) = self.batches.get_mut(batch) {
                batch.live = batch.live.saturating_sub(1);
            }
        }
        let empty = self.batches.iter().filter(|(_, batch)| batch.live == 0);
        let empty: Vec<u32> = empty.map(|(number, _)| *number).collect();
        for number in &empty {
            self.batches.remove(number);
        }
        empty
    }

    /// Batches that most requests have left, where moving the others is worth it.
    pub(super) fn sparse(&self) -> BTreeSet<u32> {
        let sparse = self.batches.iter();
        let sparse = sparse.filter(|(_, batch)| batch.live < batch.written / 4);
        let written = |batch: &Batch| u64::from(batch.written);
        let all: u64 = self.batches.values().map(written).sum();
        let moving: u64 = sparse.clone().map(|(_, batch)| written(batch)).sum();
        if moving < 8 * u64::from(ROWS) || moving < all / 4 {
            return BTreeSet::new();
        }
        sparse.map(|(number, _)| *number).collect()
    }

    /// All batches that are stored.
    pub(super) fn batches(&self) -> impl Iterator<Item = u32> {
        self.batches.keys().copied()
    }
}

// === impl Pen ===

impl Pen<'_> {
    /// Writes a request; the batch that it is in from now on.
    pub(super) fn write(&mut self, request: Request, entry: &Entry) -> u32 {
        if self.written == ROWS {
            self.close();
        }
        rows::push(&mut self.rows, request, entry);
        self.written += 1;
        self.journal.next
    }

    /// The batches, with their texts.
    pub(super) fn done(mut self) -> Vec<(u32, String)> {
        if self.written > 0 {
            self.close();
        }
        self.done
    }

    fn close(&mut self) {
        let rows = std::mem::replace(&mut self.rows, rows::begin(self.metrics));
        let written = std::mem::take(&mut self.written);
        let live = written;
        let number = self.journal.next;
        self.journal.batches.insert(number, Batch { written, live });
        self.journal.next += 1;
        self.done.push((number, text::bytes(&rows)));
    }
}
