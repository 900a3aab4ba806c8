//! The ledgers of all courses, by pipeline, course and segment.
//!
//! Who publishes a route table opens them, dispatch writes into the one of its snapshot, and the analyst reads all: what
//! is under way when weights change is still written into the ledger that it began with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use impresario_models::Name;

use super::ledger::{Hook, Ledger, Terms};

/// All ledgers. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Ledgers {
    all: Arc<Mutex<BTreeMap<Key, Arc<Ledger>>>>,
    alarm: Alarm,
}

/// What a ledger is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The pipeline.
    pub pipeline: Name,
    /// The course, by the revision that began it.
    pub course: u64,
    /// The part of it.
    pub segment: u32,
}

/// A ledger of a course.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The part of the course.
    pub segment: u32,
    /// The ledger.
    pub ledger: Arc<Ledger>,
    /// Whether nobody writes into it any more.
    pub idle: bool,
}

/// Who is called when a ledger trips.
#[derive(Clone, Default)]
struct Alarm(Arc<OnceLock<Box<dyn Fn() + Send + Sync>>>);

// === impl Ledgers ===

impl Ledgers {
    /// Who is called when something begins and, on the path of the request, when an arm fails so often in a row that it is cut off. The first one
    /// that is named stays.
    pub fn on_trip(&self, call: impl Fn() + Send + Sync + 'static) {
        let _named: Result<(), _> = self.alarm.0.set(Box::new(call));
    }

    /// Calls that one: something began that it should look at.
    pub fn call(&self) {
        self.alarm.ring();
    }

    /// The ledger of a pipeline's course and segment, made where there is none.
    #[must_use]
    pub fn open(&self, pipeline: &Name, terms: Terms) -> Arc<Ledger> {
        let key = Key {
            pipeline: pipeline.clone(),
            course: terms.course,
            segment: terms.segment,
        };
        let make = || {
            let alarm = self.alarm.clone();
            let hook: Hook = Box::new(move |_| alarm.ring());
            Arc::new(Ledger::new(terms, hook))
        };
        Arc::clone(self.lock().entry(key).or_insert_with(make))
    }

    /// The ledgers of a course, oldest segment first.
    #[must_use]
    pub fn of(&self, pipeline: &Name, course: u64) -> Vec<Opened> {
        let from = Key {
            pipeline: pipeline.clone(),
            course,
            segment: 0,
        };
        let all = self.lock();
        let from = all.range(from..);
        let of_course =
            from.take_while(|(key, _)| key.pipeline == *pipeline && key.course == course);
        of_course
            .map(|(key, ledger)| Opened {
                segment: key.segment,
                ledger: Arc::clone(ledger),
                // The registry's own.
                idle: Arc::strong_count(ledger) <= 2,
            })
            .collect()
    }

    /// Forgets the ledgers that nobody writes into any more, but for those that are to be kept.
    pub fn retain(&self, keep: impl Fn(&Key) -> bool) {
        self.lock()
            .retain(|key, ledger| Arc::strong_count(ledger) > 1 || keep(key));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Ledger>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Alarm ===

impl Alarm {
    fn ring(&self) {
        if let Some(call) = self.0.get() {
            call();
        }
    }
}

impl std::fmt::Debug for Alarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alarm").finish_non_exhaustive()
    }
}
