//! What changed since it was kept last, in texts of bounded size.
//!
//! The numbers are taken before the requests: after a crash in between, what the last second brought may be known and not
//! counted, but is never counted twice.

use std::collections::BTreeMap;

use impresario_pipelines::bucket::Weight;
use impresario_pipelines::fleet::Now;

use super::course::Course;
use super::text::{self, Head};
use super::{Desk, Feedback, lock};
use crate::store::{Keep, Shelf};

/// The key of what is known beside requests and records.
pub(super) const HEAD: &str = "head";

/// What the keys of batches begin with.
pub(super) const BATCH: &str = "requests/";

impl Feedback {
    /// What changed since this was asked last: once a second, by the one who keeps it in a store. All of it is to be kept
    /// or nothing; where that fails, [`Self::spoil`] has it given out again.
    pub fn changes(&self, now: Now) -> Vec<Keep> {
        let mut desk = self.desk();
        let mut keeps = std::mem::take(&mut desk.gone);
        for course in self.0.courses.load().values() {
            course.changes(now, &mut keeps);
        }
        let removals = keeps.iter().filter(|keep| keep.text.is_none());
        desk.given = removals.cloned().collect();
        keeps
    }

    /// What was given out last could not be kept.
    pub fn spoil(&self) {
        let mut desk = self.desk();
        let given = std::mem::take(&mut desk.given);
        desk.gone.extend(given);
        for course in self.0.courses.load().values() {
            course.spoil();
        }
    }
}

// === impl Desk ===

impl Desk {
    /// A course is to leave the store.
    pub(super) fn forget(&mut self, course: &Course) {
        let journal = lock(&course.journal);
        let mut remove = |shelf, name: &str| self.gone.push(course.keep(shelf, name, None));
        remove(Shelf::Feedback, HEAD);
        for (shelf, name) in &journal.gone {
            remove(*shelf, name);
        }
        for name in &journal.parts {
            remove(Shelf::Record, name);
        }
        for batch in journal.batches() {
            remove(Shelf::Feedback, &batch_name(batch));
        }
    }
}

// === impl Course ===

impl Course {
    fn changes(&self, now: Now, keeps: &mut Vec<Keep>) {
        let mut journal = lock(&self.journal);
        for (shelf, name) in std::mem::take(&mut journal.gone) {
            keeps.push(self.keep(shelf, &name, None));
        }
        for (index, book) in self.books.iter().enumerate() {
            let parts = lock(book).changes(now);
            for (name, part) in parts {
                let name = format!("{index}/{name}");
                let text = text::bytes(&part);
                keeps.push(self.keep(Shelf::Record, &name, Some(text)));
                journal.parts.insert(name);
            }
        }
        let sparse = journal.sparse();
        let mut pen = journal.pen(self.metrics.len());
        let (mut left, mut horizons) = (Vec::new(), Vec::new());
        for joins in &self.joins {
            let mut joins = lock(joins);
            joins.expire(now.wall, self.within);
            if !sparse.is_empty() {
                joins.move_out(|home| home.is_some_and(|home| sparse.contains(&home)));
            }
            joins.drain(&mut left, |request, entry| pen.write(request, entry));
            horizons.push(joins.horizon());
        }
        for (batch, text) in pen.done() {
            keeps.push(self.keep(Shelf::Feedback, &batch_name(batch), Some(text)));
        }
        for batch in journal.leave(&left) {
            keeps.push(self.keep(Shelf::Feedback, &batch_name(batch), None));
        }
        let head = Head::new(horizons, self.weights()).to_text();
        if head != journal.head {
            keeps.push(self.keep(Shelf::Feedback, HEAD, Some(head.clone())));
            journal.head = head;
        }
    }

    fn spoil(&self) {
        let mut journal = lock(&self.journal);
        journal.head.clear();
        for book in &self.books {
            lock(book).spoil();
        }
        for joins in &self.joins {
            lock(joins).move_out(|_| true);
        }
    }

    fn weights(&self) -> BTreeMap<u32, Vec<u16>> {
        let points = |weights: &Vec<Weight>| weights.iter().map(|one| one.basis_points()).collect();
        let segments = lock(&self.segments);
        let segments = segments.iter();
        segments
            .map(|(segment, weights)| (*segment, points(weights)))
            .collect()
    }

    fn keep(&self, shelf: Shelf, name: &str, text: Option<String>) -> Keep {
        Keep {
            shelf,
            key: format!("{}/{}/{name}", self.pipeline, self.id),
            text,
        }
    }
}

/// Batches sort as their numbers do.
fn batch_name(batch: u32) -> String {
    format!("{BATCH}{batch:010}")
}
