//! A version's queue: bounded, served by class, and emptied in batches.
//!
//! A batch forms only out of what waits: a worker that is free takes what is there and computes it, and what comes
//! meanwhile is joined by the next take. Nothing is held back unless the model's `max_delay` says so. How many
//! workers there are is the version actor's business; what they compute, the worker's.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::job::Job;
use crate::clock;
use impresario_pipelines::Priority;

/// Every so many takes begin with the least urgent class, so that it is slow under load but never starves.
const FAIR: u32 = 16;

/// A batch looks at no more than so many times its rows of waiting jobs for those that fit, so that a queue full
/// of other shapes does not make each take long.
const LOOKS: usize = 4;

/// The queue of one life of a version.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Something changed that a waiting worker may care for.
    stirred: Condvar,
    capacity: usize,
    /// Rows waiting, for those who only estimate.
    rows: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    classes: [VecDeque<Job>; Priority::ALL.len()],
    len: usize,
    /// Workers that wait for a job.
    idle: usize,
    /// Workers that wait for more jobs like those they have.
    filling: usize,
    takes: u32,
    /// Nobody can push any more.
    closed: bool,
}

/// How a batch is to form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// Rows to join up to; 1 for never.
    pub(super) rows: usize,
    /// How long a batch that is not full waits for more, since its first job was queued.
    pub(super) max_delay: Duration,
}

/// What a worker got.
#[derive(Debug)]
pub(super) enum Taken {
    /// Jobs to be computed together, at least one. All are alike where there are several.
    Jobs(Vec<Job>),
    /// Nothing came for so long that the worker may go.
    Idle,
    /// The queue is closed and empty.
    Closed,
}

/// What became of a push that went well.
#[derive(Debug)]
pub(super) struct Pushed {
    /// Whether a worker waited for it.
    pub(super) awaited: bool,
    /// A less urgent job that had to make room.
    pub(super) shed: Option<Job>,
}

/// Why a job was not taken in.
#[derive(Debug)]
pub(super) enum Refused {
    /// There is no room.
    Full,
    /// Nobody will compute it any more.
    Closed,
}

// === impl Queue ===

impl Queue {
    /// A queue for so many jobs.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::default(),
            stirred: Condvar::new(),
            capacity,
            rows: AtomicUsize::new(0),
        }
    }

    /// Jobs that it takes.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Jobs that wait.
    pub(super) fn len(&self) -> usize {
        self.lock().len
    }

    /// Rows that wait, or nearly so: read without the lock.
    pub(super) fn rows(&self) -> usize {
        self.rows.load(Ordering::Relaxed)
    }

    /// Whether it is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Takes in a job. Where there is no room, jobs that nobody waits for any more make it, and else the newest
    /// one of a less urgent class.
    pub(super) fn push(&self, job: Job) -> Result<Pushed, Refused> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        let mut shed = None;
        if state.len >= self.capacity {
            self.forget_unwanted(&mut state);
        }
        if state.len >= self.capacity {
            shed = self.shed(&mut state, job.priority);
            if shed.is_none() {
                return Err(Refused::Full);
            }
        }
        // A worker that waits is there for one job only: the next may be of another kind.
        let awaited = state.idle > state.len;
        self.put(&mut state, job, VecDeque::push_back);
        let (idle, filling) = (state.idle > 0, state.filling > 0);
        drop(state);
        match (idle, filling) {
            // One that waits for more of its kind may not want this one.
            (_, true) => self.stirred.notify_all(),
            (true, false) => self.stirred.notify_one(),
            (false, false) => {}
        }
        Ok(Pushed { awaited, shed })
    }

    /// Puts jobs that were taken already back to the front, in their order. There is room for them: they had it.
    pub(super) fn put_back(&self, jobs: impl DoubleEndedIterator<Item = Job>) {
        let mut state = self.lock();
        for job in jobs.rev() {
            self.put(&mut state, job, VecDeque::push_front);
        }
        drop(state);
        self.stirred.notify_all();
    }

    /// Waits for jobs, at most for `patience`, and takes those that may be computed together. The rule is asked for
    /// when there is something to take.
    pub(super) fn take(&self, patience: Duration, rule: impl FnOnce() -> Rule) -> Taken {
        let until = clock::instant() + patience;
        let mut state = self.lock();
        loop {
            let now = clock::instant();
            if let Some(first) = self.first(&mut state, now) {
                return Taken::Jobs(self.batch(state, first, rule(), now));
            }
            if state.closed {
                return Taken::Closed;
            }
            let left = until.saturating_duration_since(now);
            if left.is_zero() {
                return Taken::Idle;
            }
            state.idle += 1;
            state = self.wait(state, left);
            state.idle -= 1;
        }
    }

    /// Lets go of jobs that nobody waits for any more.
    pub(super) fn forget(&self) {
        self.forget_unwanted(&mut self.lock());
    }

    /// Closes the queue; what waits is still taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.stirred.notify_all();
    }

    /// Everything that waits.
    pub(super) fn drain(&self) -> Vec<Job> {
        let mut state = self.lock();
        state.len = 0;
        self.rows.store(0, Ordering::Relaxed);
        state
            .classes
            .iter_mut()
            .flat_map(|class| class.drain(..))
            .collect()
    }

    /// Joins to the first job what fits, and waits for more where the rule says so.
    fn batch<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        first: Job,
        rule: Rule,
        now: Instant,
    ) -> Vec<Job> {
        let mut jobs = vec![first];
        let mut rows = jobs[0].rows();
        if rule.rows <= 1 || jobs[0].alone {
            return jobs;
        }
        let hold_until = jobs[0].queued + rule.max_delay;
        let mut now = now;
        loop {
            for class in 0..state.classes.len() {
                self.join(&mut state, class, &mut jobs, &mut rows, rule.rows, now);
            }
            // What one of them cannot afford is not waited for.
            let soonest = jobs.iter().map(|job| job.deadline).min().unwrap_or(now);
            let left = hold_until.min(soonest).saturating_duration_since(now);
            if rows >= rule.rows || left.is_zero() || state.closed {
                return jobs;
            }
            state.filling += 1;
            state = self.wait(state, left);
            state.filling -= 1;
            now = clock::instant();
        }
    }

    /// Moves jobs of a class that are like the first one into the batch, in their order.
    fn join(
        &self,
        state: &mut State,
        class: usize,
        jobs: &mut Vec<Job>,
        rows: &mut usize,
        limit: usize,
        now: Instant,
    ) {
        let mut passed = Vec::new();
        let mut looks = limit.saturating_mul(LOOKS);
        while *rows < limit && looks > 0 {
            let Some(job) = self.pop(state, class) else {
                break;
            };
            looks -= 1;
            if !job.is_wanted(now) {
                job.expire();
            } else if !job.alone && job.is_like(&jobs[0]) && *rows + job.rows() <= limit {
                *rows += job.rows();
                jobs.push(job);
            } else {
                passed.push(job);
            }
        }
        while let Some(job) = passed.pop() {
            self.put(state, job, VecDeque::push_front);
        }
    }

    /// The job whose turn it is; those that nobody waits for are answered and passed over.
    fn first(&self, state: &mut State, now: Instant) -> Option<Job> {
        let classes = state.classes.len();
        loop {
            let mut waiting = (0..classes).filter(|&class| !state.classes[class].is_empty());
            let fair = state.takes % FAIR == FAIR - 1;
            let class = if fair {
                waiting.next_back()
            } else {
                waiting.next()
            }?;
            let job = self.pop(state, class)?;
            if job.is_wanted(now) {
                state.takes = state.takes.wrapping_add(1);
                return Some(job);
            }
            job.expire();
        }
    }

    /// Takes out the newest job of the least urgent class below `than`.
    fn shed(&self, state: &mut State, than: Priority) -> Option<Job> {
        let below = (than as usize + 1..state.classes.len()).rev();
        let class = { below }.find(|&class| !state.classes[class].is_empty())?;
        let job = state.classes[class].pop_back()?;
        self.left(state, &job);
        Some(job)
    }

    fn forget_unwanted(&self, state: &mut State) {
        let now = clock::instant();
        for class in 0..state.classes.len() {
            for _ in 0..state.classes[class].len() {
                let Some(job) = self.pop(state, class) else {
                    break;
                };
                if job.is_wanted(now) {
                    self.put(state, job, VecDeque::push_back);
                } else {
                    job.expire();
                }
            }
        }
    }

    fn put(&self, state: &mut State, job: Job, put: fn(&mut VecDeque<Job>, Job)) {
        state.len += 1;
        self.rows.fetch_add(job.rows(), Ordering::Relaxed);
        put(&mut state.classes[job.priority as usize], job);
    }

    fn pop(&self, state: &mut State, class: usize) -> Option<Job> {
        let job = state.classes[class].pop_front()?;
        self.left(state, &job);
        Some(job)
    }

    fn left(&self, state: &mut State, job: &Job) {
        state.len -= 1;
        self.rows.fetch_sub(job.rows(), Ordering::Relaxed);
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, at_most: Duration) -> MutexGuard<'a, State> {
        let waited = self.stirred.wait_timeout(state, at_most);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Nothing that is done under the lock leaves it half done if it panics.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
