//! A course that feedback is taken for: its requests, and what they came to.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use impresario_models::Name;
use impresario_pipelines::bucket::{Slot, Slots, Weight};
use impresario_pipelines::fleet::Now;
use impresario_pipelines::learning::Rewards;
use impresario_pipelines::spec::bandit::RewardKind;
use impresario_pipelines::spec::experiment::{Dimension, Goal, GoalKind};
use impresario_pipelines::trial::Record;

use super::book::Book;
use super::counts::{Counters, Counts};
use super::entry::{Request, Seen, hash, nothing};
use super::given::{About, Given, MAX_EVENTS, MAX_TEXT, Refused, Taken};
use super::joins::{Joins, Told};
use super::journal::Journal;
use super::pace::Pace;
use super::restore::Waiting;
use super::{Declared, Exposure, Limits, Wants, lock, millis};
use crate::measure::Outcome;

/// Parts that the requests are in, by the hash of their ids.
pub(super) const JOINS: usize = 16;

/// Books that the numbers are in, by slot.
pub(super) const BOOKS: usize = 8;

/// Slots that stand together in a book.
const TOGETHER: usize = 100;

/// A course.
pub(super) struct Course {
    pub(super) pipeline: Name,
    pub(super) id: u64,
    pub(super) wants: Wants,
    pub(super) dimensions: Arc<[Dimension]>,
    pub(super) metrics: Box<[Metric]>,
    /// How long feedback is waited for, in milliseconds.
    pub(super) within: u64,
    pub(super) joins: [Mutex<Joins>; JOINS],
    pub(super) books: [Mutex<Book>; BOOKS],
    /// The weights of the arms by segment: what a token's decision was made with.
    pub(super) segments: Mutex<BTreeMap<u32, Vec<Weight>>>,
    /// The segment that was opened last, and one.
    open: AtomicU64,
    pub(super) journal: Mutex<Journal>,
    counters: Counters,
    pace: Pace,
    per_second: u32,
    /// When it was no longer declared, in milliseconds since 1970; zero while it is.
    ended: AtomicU64,
}

/// How many segments' weights are known: a bandit opens one in each of its periods.
const SEGMENTS: usize = 4_096;

/// The most metrics: each goal names one or two, and there are 20 goals at most.
const METRICS: usize = 64;

/// What a value is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Metric {
    pub(super) name: String,
    /// Whether a value is zero or one.
    binary: bool,
    source: Source,
}

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Caller,
    Latency,
    Errors,
}

/// Whether an outcome is an arm's failure; nothing where it says nothing of the arm.
#[must_use]
pub fn failed(outcome: Outcome) -> Option<bool> {
    match outcome {
        Outcome::Success => Some(false),
        Outcome::Failed | Outcome::Crashed | Outcome::Unavailable | Outcome::Expired => Some(true),
        Outcome::Refused | Outcome::Overloaded | Outcome::Limited | Outcome::Abandoned => None,
    }
}

// === impl Course ===

impl Course {
    pub(super) fn new(
        declared: &Declared,
        limits: Limits,
        stored: Option<Waiting>,
        now: Now,
    ) -> Self {
        let wants = declared.wants.clone();
        let dimensions = match &wants {
            Wants::Experiment { spec, .. } => spec.segments.as_slice().into(),
            Wants::Bandit(_) => [].into(),
        };
        let course = Self {
            pipeline: declared.pipeline.clone(),
            id: declared.course,
            dimensions,
            metrics: metrics(&wants),
            within: millis(wants.within()),
            joins: std::array::from_fn(|_| Mutex::new(Joins::new(&limits, JOINS))),
            books: std::array::from_fn(|_| Mutex::new(Book::new(&wants))),
            segments: Mutex::default(),
            open: AtomicU64::new(0),
            journal: Mutex::default(),
            counters: Counters::default(),
            pace: Pace::new(limits.per_second),
            per_second: limits.per_second,
            ended: AtomicU64::new(0),
            wants,
        };
        if let Some(stored) = stored {
            course.restore(stored, now);
        }
        course
    }

    /// Whether it is the declared one.
    pub(super) fn is(&self, declared: &Declared) -> bool {
        self.id == declared.course && self.wants == declared.wants
    }

    /// A part of the course begins.
    pub(super) fn open(&self, segment: u32, slots: &Slots) {
        self.ended.store(0, Relaxed);
        for book in &self.books {
            lock(book).open(segment, slots);
        }
        self.know(segment, slots);
    }

    /// When it was first no longer declared.
    pub(super) fn ends(&self, now: Now) -> u64 {
        let first = self
            .ended
            .compare_exchange(0, now.wall.max(1), Relaxed, Relaxed);
        first.map_or_else(|at| at, |_| now.wall)
    }

    pub(super) fn exposed(&self, exposure: &Exposure<'_>) {
        let Ok(arm) = u8::try_from(exposure.arm) else {
            return;
        };
        let seen = Seen {
            segment: exposure.segment,
            arm,
            slot: exposure.slot,
            unit: exposure.unit,
            at: exposure.at,
            dimensions: exposure.dimensions,
        };
        self.know(exposure.segment, exposure.slots);
        let weights = exposure.slots.weights();
        let weight = weights.get(exposure.arm).copied().unwrap_or_default();
        let before = nothing(self.metrics.len());
        let mut values = before.clone();
        for (value, metric) in values.iter_mut().zip(&self.metrics) {
            let own = match metric.source {
                Source::Caller => None,
                Source::Latency => exposure.latency.map(|latency| latency.as_secs_f64()),
                Source::Errors => exposure.error.map(|error| f64::from(u8::from(error))),
            };
            *value = own.unwrap_or(f64::NAN);
        }
        let mut book = lock(self.book(exposure.slot));
        book.open(exposure.segment, exposure.slots);
        book.expose(&seen, weight);
        if values.iter().any(|value| !value.is_nan()) {
            let now = Now {
                monotonic: 0,
                wall: exposure.at,
            };
            book.feed((&seen, weight), &before, &values, now);
        }
        drop(book);
        lock(self.join(exposure.request)).push(exposure.request, seen, values);
    }

    pub(super) fn take(&self, given: &[Given<'_>], now: Now) -> Result<Vec<Taken>, Refused> {
        let told = self.admit(given, now);
        let told = told.inspect_err(|_| self.counters.refuse())?;
        let take = |told: &Option<Told>| {
            let taken = told
                .as_ref()
                .map_or(Taken::Unknown, |told| self.give(told, now));
            self.counters.count(taken);
            taken
        };
        Ok(told.iter().map(take).collect())
    }

    /// What an experiment has gathered.
    pub(super) fn record(&self) -> Option<Record> {
        let mut all: Option<Record> = None;
        for book in &self.books {
            let Book::Record(record) = &*lock(book) else {
                return None;
            };
            match &mut all {
                Some(all) => all.merge(record),
                None => all = Some(Record::clone(record)),
            }
        }
        all
    }

    /// What a bandit has gathered.
    pub(super) fn rewards(&self, now: Now) -> Option<Rewards> {
        let mut all: Option<Rewards> = None;
        for book in &self.books {
            let mut book = lock(book);
            let Book::Rewards { rewards, .. } = &mut *book else {
                return None;
            };
            rewards.settle(now);
            match &mut all {
                Some(all) => all.merge(rewards),
                None => all = Some(Rewards::clone(rewards)),
            }
        }
        all
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.counters.fill(&mut counts);
        for joins in &self.joins {
            let joins = lock(joins);
            counts.exposed += joins.exposed;
            counts.remembered += joins.len() as u64;
            counts.dropped += joins.dropped;
            counts.reused += joins.reused;
        }
        counts
    }

    pub(super) fn join(&self, request: Request) -> &Mutex<Joins> {
        // The map tells requests of one part apart by other bits.
        &self.joins[(request.bits() >> 60) as usize % JOINS]
    }

    pub(super) fn book(&self, slot: Slot) -> &Mutex<Book> {
        &self.books[slot.index() / TOGETHER % BOOKS]
    }

    /// Checks all events before one is taken. One of another course is known to nobody.
    fn admit(&self, given: &[Given<'_>], now: Now) -> Result<Vec<Option<Told>>, Refused> {
        if given.is_empty() || given.len() > MAX_EVENTS {
            return Err(Refused::Count { got: given.len() });
        }
        let told = given.iter().enumerate();
        let told = told
            .map(|(index, given)| {
                let wrong = |(field, expected, got)| Refused::Event {
                    index,
                    field,
                    expected,
                    got,
                };
                self.check(given).map_err(wrong)
            })
            .collect::<Result<_, _>>()?;
        let admitted = self.pace.admit(given.len(), now.monotonic);
        admitted.map_err(|retry_after| Refused::Flood {
            pipeline: self.pipeline.clone(),
            per_second: self.per_second,
            retry_after,
        })?;
        Ok(told)
    }

    fn check(&self, given: &Given<'_>) -> Result<Option<Told>, (&'static str, String, String)> {
        let short = |field, text: &str| match text.len() {
            0..=MAX_TEXT => Ok(()),
            got => Err((field, format!("at most {MAX_TEXT} bytes"), format!("{got}"))),
        };
        let same =
            self.metrics.iter().enumerate().filter(|(_, metric)| {
                metric.name == given.metric && metric.source == Source::Caller
            });
        let Some((index, _)) = same.clone().next() else {
            let known = self.metrics.iter();
            let known = known.filter(|metric| metric.source == Source::Caller);
            let known: Vec<_> = known.map(|metric| format!("'{}'", metric.name)).collect();
            let known = match known.is_empty() {
                true => "no metric: all are measured here".to_owned(),
                false => format!("one of the metrics {}", known.join(", ")),
            };
            let got: String = given.metric.chars().take(40).collect();
            return Err(("metric", known, format!("'{got}'")));
        };
        let binary = same.clone().any(|(_, metric)| metric.binary);
        if binary && given.value != 0.0 && given.value != 1.0 {
            let expected = format!("0 or 1, as '{}' happens or not", given.metric);
            return Err(("value", expected, given.value.to_string()));
        }
        if !given.value.is_finite() {
            let expected = "a finite number".to_owned();
            return Err(("value", expected, given.value.to_string()));
        }
        short("event_id", given.event)?;
        let (request, token) = match given.about {
            About::Request(id) => {
                short("request_id", id)?;
                (Request::of(id), None)
            }
            About::Token { course, .. } if course != self.id => return Ok(None),
            About::Token { request, seen, .. } => (request, Some(seen)),
        };
        Ok(Some(Told {
            request,
            token,
            metric: index as u8,
            places: same.fold(0, |places, (index, _)| places | 1 << index),
            value: given.value,
            event: hash(given.event),
        }))
    }

    /// Takes one event. The request's part stays locked until its book has it: two events of a request change its values
    /// one after the other.
    fn give(&self, told: &Told, now: Now) -> Taken {
        let mut joins = lock(self.join(told.request));
        let change = joins.take(told, self.metrics.len(), (now.wall, self.within));
        let change = match change {
            Ok(change) => change,
            Err(taken) => return taken,
        };
        let weight = self.weight(&change.seen);
        let mut book = lock(self.book(change.seen.slot));
        book.feed((&change.seen, weight), &change.before, &change.after, now);
        Taken::Accepted
    }

    /// The weight that a decision was made with.
    fn weight(&self, seen: &Seen) -> Weight {
        let segments = lock(&self.segments);
        let weights = segments.get(&seen.segment);
        let weight = weights.and_then(|weights| weights.get(usize::from(seen.arm)));
        weight.copied().unwrap_or_default()
    }

    /// Notes the weights of a segment, where that was not done.
    fn know(&self, segment: u32, slots: &Slots) {
        let mark = u64::from(segment) + 1;
        if self.open.load(Relaxed) == mark {
            return;
        }
        let mut segments = lock(&self.segments);
        segments
            .entry(segment)
            .or_insert_with(|| slots.weights().to_vec());
        while segments.len() > SEGMENTS {
            segments.pop_first();
        }
        self.open.store(mark, Relaxed);
    }
}

/// The metrics of a course, in the order of their values.
fn metrics(wants: &Wants) -> Box<[Metric]> {
    let (names, goals, reward) = match wants {
        Wants::Experiment { spec, unit } => {
            let names = Record::new(spec, *unit).plan().metrics().to_vec();
            let goals: Vec<&Goal> = spec.goals.iter().chain(&spec.guardrails).collect();
            (names, goals, None)
        }
        Wants::Bandit(spec) => {
            let names = Rewards::new(spec).metrics().to_vec();
            (names, spec.safety.iter().collect(), Some(&spec.reward))
        }
    };
    let metric = |name: String| {
        let goal = |goal: &&Goal| goal.metric == name && goal.kind == GoalKind::Binary;
        let rewards =
            reward.is_some_and(|reward| reward.metric == name && reward.kind == RewardKind::Binary);
        Metric {
            binary: rewards || goals.iter().any(goal),
            source: match &*name {
                Goal::LATENCY => Source::Latency,
                Goal::ERRORS => Source::Errors,
                _ => Source::Caller,
            },
            name,
        }
    };
    names.into_iter().take(METRICS).map(metric).collect()
}
