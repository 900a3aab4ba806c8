//! Feedback: which requests were given to which arm of an experiment or a bandit, what callers tell of them later, and
//! what both come to.
//!
//! Dispatch tells of exposures ([`Feedback::exposed`]), the data plane hands in what callers tell ([`Feedback::take`]),
//! and the analyst declares the courses, reads what was gathered, and keeps what changed ([`Feedback::changes`]). Nothing
//! on a request's path waits for more than two of many locks. What the numbers say is the business of `trial` and
//! `learning`; how tokens are signed, and what travels over which door, is not known here.

mod book;
mod changes;
mod counts;
mod course;
mod entry;
mod given;
mod joins;
mod journal;
mod pace;
mod restore;
mod rows;
mod text;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use impresario_models::Name;
use impresario_pipelines::bucket::{Slot, Slots};
use impresario_pipelines::fleet::Now;
use impresario_pipelines::learning::Rewards;
use impresario_pipelines::spec::bandit::Bandit;
use impresario_pipelines::spec::experiment::{By, Experiment};
use impresario_pipelines::trial::record::{DIMENSIONS, Plan};
use impresario_pipelines::trial::{Record, Report, Trial, Unit, report};

use crate::clock::{Clock, millis};
use crate::store::Keep;
use restore::Waiting;

pub use counts::Counts;
pub use course::failed;
pub use entry::{Request, Seen};
pub use given::{About, Given, MAX_EVENTS, MAX_TEXT, Refused, Taken};

use course::Course;

/// How long the record of an ended course stays readable where its pipeline begins no other.
pub const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// In each segment, no declared value.
pub const ELSEWHERE: [u8; DIMENSIONS] = [u8::MAX; DIMENSIONS];

/// How many ended courses stay readable.
const ENDED: usize = 32;

/// What requests were, and what was told of them. Cloning shares it.
#[derive(Clone)]
pub struct Feedback(Arc<Inner>);

struct Inner {
    clock: Clock,
    limits: Limits,
    courses: ArcSwap<HashMap<Name, Arc<Course>>>,
    /// For those who declare and keep; no request asks for it.
    desk: Mutex<Desk>,
}

#[derive(Default)]
struct Desk {
    /// What was restored, until its course is declared.
    waiting: BTreeMap<(Name, u64), Waiting>,
    /// What is to be removed from the store.
    gone: Vec<Keep>,
    /// What was given out last, in case that keeping it fails.
    given: Vec<Keep>,
}

/// How much is remembered of one course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests that nobody has told anything of.
    pub requests: usize,
    /// Requests that something was told of.
    pub told: usize,
    /// Events of feedback.
    pub events: usize,
    /// Events of feedback taken in a second.
    pub per_second: u32,
}

/// A course that feedback is taken for.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// Its pipeline.
    pub pipeline: Name,
    /// The revision that began it.
    pub course: u64,
    /// The part of it that is under way.
    pub segment: u32,
    /// Who owns which slot in that part.
    pub slots: Slots,
    /// What is gathered.
    pub wants: Wants,
}

/// What is gathered for a course.
#[derive(Clone, Debug, PartialEq)]
pub enum Wants {
    /// What an experiment's report needs.
    Experiment {
        /// As it is specified.
        spec: Arc<Experiment>,
        /// What its traffic is split by.
        unit: Unit,
    },
    /// What a bandit's shares follow.
    Bandit(Arc<Bandit>),
}

/// A request that was given to an arm and answered. Forced variants are none, and neither are those whose arm could not
/// answer.
#[derive(Clone, Copy, Debug)]
pub struct Exposure<'a> {
    /// The pipeline that was asked.
    pub pipeline: &'a Name,
    /// The course that decided.
    pub course: u64,
    /// The part of it.
    pub segment: u32,
    /// Who owned which slot then.
    pub slots: &'a Slots,
    /// The arm.
    pub arm: usize,
    /// Where the request fell.
    pub slot: Slot,
    /// A hash of whose it is.
    pub unit: u64,
    /// What feedback finds it by.
    pub request: Request,
    /// When it was answered, in milliseconds since 1970; a token of it says the same.
    pub at: u64,
    /// Its value in each declared segment, by [`Feedback::places`].
    pub dimensions: [u8; DIMENSIONS],
    /// How long it took, where that says something of the arm.
    pub latency: Option<Duration>,
    /// Whether it failed, where that says something of the arm: see [`failed`].
    pub error: Option<bool>,
}

// === impl Feedback ===

impl Feedback {
    /// Knows of no course yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Inner {
            clock: Clock::start(),
            limits,
            courses: ArcSwap::default(),
            desk: Mutex::default(),
        }))
    }

    /// Sets which courses there are, ended ones that are still their pipelines' included: whenever routes are published.
    /// One that is not among them stays readable, and takes feedback, until its pipeline has another one or
    /// [`RETENTION`] has passed.
    pub fn courses(&self, declared: &[Declared], now: Now) {
        let mut desk = self.desk();
        let before = self.0.courses.load_full();
        let mut after: HashMap<Name, Arc<Course>> = HashMap::new();
        for one in declared {
            let known = before.get(&one.pipeline).filter(|known| known.is(one));
            let course = known.cloned().unwrap_or_else(|| {
                let stored = desk.waiting.remove(&(one.pipeline.clone(), one.course));
                Arc::new(Course::new(one, self.0.limits, stored, now))
            });
            course.open(one.segment, &one.slots);
            after.insert(one.pipeline.clone(), course);
        }
        let gone = before.iter().filter(|(name, _)| !after.contains_key(*name));
        let mut ended: Vec<_> = gone
            .map(|(_, course)| (course.ends(now), Arc::clone(course)))
            .filter(|(at, _)| now.wall.saturating_sub(*at) < millis(RETENTION))
            .collect();
        ended.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        for (_, course) in ended.into_iter().take(ENDED) {
            after.insert(course.pipeline.clone(), course);
        }
        for (name, course) in before.iter() {
            if !after
                .get(name)
                .is_some_and(|kept| Arc::ptr_eq(kept, course))
            {
                desk.forget(course);
            }
        }
        for (_, waiting) in std::mem::take(&mut desk.waiting) {
            desk.gone.extend(waiting.removals());
        }
        self.0.courses.store(Arc::new(after));
    }

    /// Counts a request that was given to an arm, and remembers it for feedback. Of courses that are not declared,
    /// nothing is counted.
    pub fn exposed(&self, exposure: &Exposure<'_>) {
        let courses = self.0.courses.load();
        if let Some(course) = courses.get(exposure.pipeline)
            && course.id == exposure.course
        {
            course.exposed(exposure);
        }
    }

    /// Takes what callers tell of earlier requests to a pipeline; says what became of each event, in their order. All is
    /// checked before anything is taken.
    ///
    /// # Errors
    /// [`Refused`]; nothing was taken.
    pub fn take(
        &self,
        pipeline: &Name,
        given: &[Given<'_>],
        now: Now,
    ) -> Result<Vec<Taken>, Refused> {
        let courses = self.0.courses.load();
        let course = courses.get(pipeline).ok_or_else(|| Refused::NoCourse {
            pipeline: pipeline.clone(),
        })?;
        course.take(given, now)
    }

    /// A request's value in each segment that a course declares; `said` finds what the request says. In a course that is
    /// not known, all requests are of the segments' rest.
    pub fn places(
        &self,
        pipeline: &Name,
        course: u64,
        said: impl Fn(&By) -> Option<String>,
    ) -> [u8; DIMENSIONS] {
        let mut places = ELSEWHERE;
        let courses = self.0.courses.load();
        if let Some(known) = courses.get(pipeline)
            && known.id == course
        {
            for (place, dimension) in places.iter_mut().zip(&*known.dimensions) {
                *place = Plan::place(dimension, said(&dimension.by).as_deref());
            }
        }
        places
    }

    /// How long a pipeline's feedback is waited for.
    #[must_use]
    pub fn within(&self, pipeline: &Name) -> Option<Duration> {
        let courses = self.0.courses.load();
        Some(courses.get(pipeline)?.wants.within())
    }

    /// The time by the clocks that feedback goes by.
    #[must_use]
    pub fn now(&self) -> Now {
        self.0.clock.now()
    }

    /// What was gathered for an experiment.
    #[must_use]
    pub fn record(&self, pipeline: &Name, course: u64) -> Option<Record> {
        self.course(pipeline, course)?.record()
    }

    /// What is to be said of an experiment now; `trial` is its course.
    #[must_use]
    pub fn report(&self, pipeline: &Name, trial: &Trial, now: Now) -> Option<Report> {
        let course = self.course(pipeline, trial.id)?;
        let Wants::Experiment { spec, .. } = &course.wants else {
            return None;
        };
        Some(report(&course.record()?, spec, trial, now))
    }

    /// What was gathered for a bandit.
    #[must_use]
    pub fn rewards(&self, pipeline: &Name, course: u64, now: Now) -> Option<Rewards> {
        self.course(pipeline, course)?.rewards(now)
    }

    /// What was counted for the courses that are known, by pipeline.
    #[must_use]
    pub fn counts(&self) -> Vec<(Name, u64, Counts)> {
        let courses = self.0.courses.load();
        let counts = courses.values();
        let mut counts: Vec<_> = counts
            .map(|course| (course.pipeline.clone(), course.id, course.counts()))
            .collect();
        counts.sort_by(|a, b| a.0.cmp(&b.0));
        counts
    }

    fn course(&self, pipeline: &Name, id: u64) -> Option<Arc<Course>> {
        let courses = self.0.courses.load();
        courses.get(pipeline).filter(|one| one.id == id).cloned()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        lock(&self.0.desk)
    }
}

impl Default for Feedback {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl fmt::Debug for Feedback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feedback")
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: 200_000,
            told: 400_000,
            events: 1_000_000,
            per_second: 20_000,
        }
    }
}

// === impl Wants ===

impl Wants {
    /// How long feedback is waited for.
    fn within(&self) -> Duration {
        match self {
            Self::Experiment { spec, .. } => spec.feedback_within,
            Self::Bandit(spec) => spec.reward_within,
        }
    }
}

/// What is behind the locks here is changed in small steps that do not panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
