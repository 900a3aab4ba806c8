//! A worker: one thread that takes jobs from its version's queue and computes them, joined where they fit.
//!
//! A batch that fails is computed again one by one, so that a bad request fails alone; the version is blamed for
//! what a request does by itself, and once. A panic in the engine is caught: its caller gets a typed error at once,
//! the version's actor is told, and the thread ends, because nobody knows what state the engine left behind. A
//! worker that hangs is abandoned: its callers were answered or put back by the version's actor, and the thread
//! ends when the engine returns. A worker that nobody needs for a while ends too.

use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use impresario_models::loader::{Loaded, panic_message};
use impresario_models::{InferError, Name, Tensor, VersionNumber, batch};

use super::cost::{self, Cost};
use super::job::{Computed, Job};
use super::queue::{Queue, Rule, Taken};
use crate::clock;
use crate::error::Error;

/// A worker that gets nothing to do for so long goes; the next request brings a new one.
const IDLE: Duration = Duration::from_secs(60);

/// What a worker computes with, and for whom.
#[derive(Clone)]
pub(super) struct Post {
    pub(super) model: Name,
    pub(super) version: VersionNumber,
    pub(super) queue: Arc<Queue>,
    pub(super) cost: Arc<Cost>,
    /// Workers that compute now, those that hang included.
    pub(super) busy: Arc<AtomicUsize>,
    /// The model as it was built last: a rebuild replaces it under all workers at once.
    pub(super) current: Arc<ArcSwap<Loaded>>,
}

/// What the worker is at, for the heartbeat.
#[derive(Debug, Default)]
pub(super) struct Slot(Mutex<Option<(Instant, Vec<Job>)>>);

/// Why a worker ended.
#[derive(Debug)]
pub(super) enum End {
    /// The queue closed and is empty.
    Drained,
    /// Nothing was to be done for a while.
    Idle,
    /// The engine panicked.
    Panicked(String),
    /// It was abandoned while it hung; nobody waits for it.
    Abandoned,
}

/// What came of calling the engine.
pub(super) enum Called {
    Answered(Vec<Tensor>),
    Failed(InferError),
    Panicked(String),
}

/// Counts a worker as computing, until it is dropped.
struct Busy<'a>(&'a AtomicUsize);

/// Takes jobs until the queue closes, nothing comes, or the engine falls.
pub(super) fn run(post: &Post, slot: &Slot) -> End {
    loop {
        let end = match post.queue.take(IDLE, || post.rule()) {
            Taken::Jobs(jobs) => {
                let _busy = Busy::begin(&post.busy);
                compute(post, slot, jobs)
            }
            Taken::Idle => Some(End::Idle),
            Taken::Closed => Some(End::Drained),
        };
        if let Some(end) = end {
            return end;
        }
    }
}

/// Calls the engine, its panics caught, and checks what it gives against the contract.
pub(super) fn call(loaded: &Loaded, inputs: Vec<Tensor>) -> Called {
    // What the engine left half done is not used again: who calls this lets go of a model that panicked.
    let caught = panic::catch_unwind(AssertUnwindSafe(|| {
        let outputs = loaded.model.infer(inputs)?;
        let checked = loaded.contract.check_outputs(&outputs);
        checked.map_err(InferError::Output)?;
        Ok(outputs)
    }));
    match caught {
        Ok(Ok(outputs)) => Called::Answered(outputs),
        Ok(Err(error)) => Called::Failed(error),
        Err(payload) => Called::Panicked(panic_message(payload.as_ref()).to_owned()),
    }
}

/// Computes jobs that are alike, together; nothing where the worker goes on.
fn compute(post: &Post, slot: &Slot, mut jobs: Vec<Job>) -> Option<End> {
    let loaded = post.current.load_full();
    let rows: Vec<usize> = jobs.iter().map(Job::rows).collect();
    let joined = match &mut jobs[..] {
        [single] => Ok(mem::take(&mut single.inputs)),
        several => {
            let requests: Vec<&[Tensor]> = several.iter().map(|job| &job.inputs[..]).collect();
            batch::join(&requests)
        }
    };
    let inputs = match joined {
        Ok(inputs) => inputs,
        // Jobs that are alike can be joined; if these could not after all, each is computed by itself.
        Err(_) => return one_by_one(post, slot, jobs, None),
    };
    let size = cost::size(&inputs);
    let started = clock::instant();
    slot.begin(started, jobs);
    let called = call(&loaded, inputs);
    let took = started.elapsed();
    let jobs = match slot.finish() {
        Some(jobs) => jobs,
        None => return Some(End::Abandoned),
    };
    match called {
        Called::Answered(outputs) => match batch::split(outputs, &rows) {
            Ok(answers) => {
                let all = rows.iter().sum();
                post.learn(&loaded, size, all, took);
                answer(jobs, answers, started, took);
                None
            }
            Err(_) if jobs.len() > 1 => one_by_one(post, slot, jobs, None),
            Err(error) => {
                let what = error.to_string();
                post.fail(jobs, InferError::Failed { what });
                None
            }
        },
        Called::Failed(_) if jobs.len() > 1 => one_by_one(post, slot, jobs, None),
        Called::Failed(error) => {
            post.fail(jobs, error);
            None
        }
        Called::Panicked(what) if jobs.len() > 1 => one_by_one(post, slot, jobs, Some(what)),
        Called::Panicked(what) => {
            for job in jobs {
                drop(job.reply.send(Err(post.crashed(what.clone()))));
            }
            Some(End::Panicked(what))
        }
    }
}

/// After a batch came to grief: each request by itself. `panic` is what the batch ended with, where it panicked.
/// The first one that panics by itself takes the blame and the thread; those behind it go back into the queue.
fn one_by_one(post: &Post, slot: &Slot, jobs: Vec<Job>, panic: Option<String>) -> Option<End> {
    let n = jobs.len();
    let mut jobs = jobs.into_iter();
    while let Some(mut job) = jobs.next() {
        job.alone = true;
        if let Some(end) = compute(post, slot, vec![job]) {
            post.queue.put_back(jobs.map(|mut job| {
                job.alone = true;
                job
            }));
            return Some(end);
        }
    }
    // None of them did it by itself: what they did together still leaves the engine in an unknown state.
    panic.map(|what| End::Panicked(format!("in a batch of {n} requests: {what}")))
}

fn answer(jobs: Vec<Job>, answers: Vec<Vec<Tensor>>, started: Instant, took: Duration) {
    for ((job, outputs), place) in jobs.into_iter().zip(answers).zip(0..) {
        let computed = Computed {
            outputs,
            queue: started.saturating_duration_since(job.queued),
            compute: took,
            executions: u64::from(place == 0),
        };
        drop(job.reply.send(Ok(computed)));
    }
}

// === impl Post ===

impl Post {
    /// How the next batch is to form.
    fn rule(&self) -> Rule {
        let loaded = self.current.load();
        let join = loaded.limits.join;
        if !loaded.joins {
            return Rule {
                rows: 1,
                max_delay: Duration::ZERO,
            };
        }
        let max = most_rows(&loaded);
        Rule {
            rows: match join.target_latency {
                Some(_) => self.cost.rows_for_target(max),
                None => max,
            },
            max_delay: join.max_delay,
        }
    }

    fn learn(&self, loaded: &Loaded, size: usize, rows: usize, took: Duration) {
        self.cost.note(size, rows, took);
        if let Some(target) = loaded.limits.join.target_latency {
            self.cost.steer(rows, took, target, most_rows(loaded));
        }
    }

    fn fail(&self, jobs: Vec<Job>, error: InferError) {
        for job in jobs {
            let error = Error::from_engine(&self.model, self.version, error.clone());
            drop(job.reply.send(Err(error)));
        }
    }

    fn crashed(&self, what: String) -> Error {
        Error::Crashed {
            model: self.model.clone(),
            version: self.version,
            what,
        }
    }
}

/// The most rows that requests are joined to.
fn most_rows(loaded: &Loaded) -> usize {
    let join = loaded.limits.join.rows.get();
    join.min(loaded.contract.max_rows().unwrap_or(usize::MAX))
}

// === impl Busy ===

impl<'a> Busy<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

// === impl Slot ===

impl Slot {
    fn begin(&self, since: Instant, jobs: Vec<Job>) {
        *self.lock() = Some((since, jobs));
    }

    fn finish(&self) -> Option<Vec<Job>> {
        self.lock().take().map(|(_, jobs)| jobs)
    }

    /// Takes the callers away from a worker that has been computing for longer than `timeout`.
    pub(super) fn take_if_hung(&self, now: Instant, timeout: Duration) -> Option<Vec<Job>> {
        let mut running = self.lock();
        match &*running {
            Some((since, _)) if now.saturating_duration_since(*since) > timeout => {
                running.take().map(|(_, jobs)| jobs)
            }
            _ => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Instant, Vec<Job>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
