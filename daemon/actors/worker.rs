//! A worker: one thread that takes jobs from its version's queue and computes them.
//!
//! Its mailbox is the version's queue, whose bound is the manifest's `limits.queue`. A panic in the engine is
//! caught: its caller gets a typed error at once, the version's actor is told, and the thread ends, because
//! nobody knows what state the engine left behind. A worker that hangs is abandoned: its caller was answered by
//! the version's actor, and the thread ends when the engine returns.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use impresario_models::loader::{Loaded, panic_message};
use impresario_models::{Name, VersionNumber};
use tokio::sync::oneshot;

use super::handle::{Computed, Job};
use crate::clock;
use crate::error::Error;

type Reply = oneshot::Sender<Result<Computed, Error>>;

/// What a worker computes with, and for whom.
#[derive(Clone)]
pub(super) struct Post {
    pub(super) model: Name,
    pub(super) version: VersionNumber,
    pub(super) jobs: flume::Receiver<Job>,
    /// The model as it was built last: a rebuild replaces it under all workers at once.
    pub(super) current: Arc<ArcSwap<Loaded>>,
}

/// What the worker is at, for the heartbeat.
#[derive(Debug, Default)]
pub(super) struct Slot(Mutex<Option<(Instant, Reply)>>);

/// Why a worker ended.
#[derive(Debug)]
pub(super) enum End {
    /// The queue closed and is empty.
    Drained,
    /// The engine panicked.
    Panicked(String),
    /// It was abandoned while it hung; nobody waits for it.
    Abandoned,
}

/// Takes jobs until the queue closes or the engine falls.
pub(super) fn run(post: &Post, slot: &Slot) -> End {
    while let Ok(job) = post.jobs.recv() {
        // The caller left: the answer would be computed for nobody.
        if job.reply.is_closed() {
            continue;
        }
        let started = clock::instant();
        if started >= job.deadline {
            let expired = Error::Expired { limit: job.limit };
            drop(job.reply.send(Err(expired)));
            continue;
        }
        let loaded = post.current.load_full();
        slot.begin(started, job.reply);
        let inputs = job.inputs;
        let caught = panic::catch_unwind(AssertUnwindSafe(|| {
            let outputs = loaded.model.infer(inputs)?;
            let checked = loaded.contract.check_outputs(&outputs);
            checked.map_err(impresario_models::InferError::Output)?;
            Ok(outputs)
        }));
        let compute = started.elapsed();
        let Some(reply) = slot.finish() else {
            return End::Abandoned;
        };
        match caught {
            Ok(Ok(outputs)) => {
                let queue = started.saturating_duration_since(job.queued);
                drop(reply.send(Ok(Computed {
                    outputs,
                    queue,
                    compute,
                })));
            }
            Ok(Err(error)) => {
                let error = Error::from_engine(&post.model, post.version, error);
                drop(reply.send(Err(error)));
            }
            Err(payload) => {
                let what = panic_message(payload.as_ref()).to_owned();
                drop(reply.send(Err(Error::Crashed {
                    model: post.model.clone(),
                    version: post.version,
                    what: what.clone(),
                })));
                return End::Panicked(what);
            }
        }
    }
    End::Drained
}

impl Slot {
    fn begin(&self, since: Instant, reply: Reply) {
        *self.lock() = Some((since, reply));
    }

    fn finish(&self) -> Option<Reply> {
        self.lock().take().map(|(_, reply)| reply)
    }

    /// Takes the caller away from a worker that has been computing for longer than `timeout`.
    pub(super) fn take_if_hung(&self, now: Instant, timeout: Duration) -> Option<Reply> {
        let mut running = self.lock();
        match &*running {
            Some((since, _)) if now.saturating_duration_since(*since) > timeout => {
                running.take().map(|(_, r)| r)
            }
            _ => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Instant, Reply)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
