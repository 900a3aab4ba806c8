//! The actor of one loaded version: it looks after the version's workers.
//!
//! Job: workers as they are needed (up to one per instance; those with nothing to do go by themselves), heartbeat
//! (a worker that computes longer than the version's timeout counts as dead), replacing fallen ones when a rebuilt
//! model is attached, draining. Senders: the supervisor (`Attach`, `Hold`, `Leave`), handles (`Demand`, and `Fell`
//! for an engine that fell in a caller's hands) and its own workers (`Fell`); requests do not pass through here.
//! Mailbox: these few messages, actix's default bound. A panic here would be ours: the actor touches no engine.

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, SpawnHandle, WeakAddr};
use arc_swap::ArcSwap;
use impresario_models::loader::{Loaded, panic_message};

use super::handle::Gate;
use super::job::Job;
use super::messages::{Attach, Crashed, Demand, Drained, Fell, Hold, Leave};
use super::supervisor::Supervisor;
use super::worker::{self, End, Post, Slot};
use crate::clock;
use crate::error::Error;

/// When to ask again, for callers of a version that left without a worker: the table says by then who answers.
const AGAIN: Duration = Duration::from_secs(1);

/// Looks after one loaded version.
pub(super) struct Version {
    charge: Charge,
    workers: BTreeMap<u64, Arc<Slot>>,
    next_worker: u64,
    /// Instances that fell since the model was built: their places stay empty until it is built anew.
    fallen: usize,
    /// Watches the workers while there are any.
    heartbeat: Option<SpawnHandle>,
    /// No rebuild will come.
    leaving: bool,
    /// Its end was told.
    drained: bool,
}

/// What a version's actor is made of.
pub(super) struct Charge {
    pub(super) post: Post,
    pub(super) gate: Arc<Gate>,
    pub(super) serial: u64,
    pub(super) instances: usize,
    pub(super) timeout: Duration,
    pub(super) supervisor: WeakAddr<Supervisor>,
}

impl Version {
    pub(super) fn new(charge: Charge) -> Self {
        Self {
            charge,
            workers: BTreeMap::new(),
            next_worker: 0,
            fallen: 0,
            heartbeat: None,
            leaving: false,
            drained: false,
        }
    }

    /// Workers that there may be now.
    fn places(&self) -> usize {
        self.charge.instances.max(1).saturating_sub(self.fallen)
    }

    /// Starts workers for what waits, where there are places.
    fn staff(&mut self, ctx: &mut Context<Self>) {
        self.charge.gate.look();
        let waiting = self.charge.post.queue.len();
        for _ in 0..waiting.min(self.places().saturating_sub(self.workers.len())) {
            if !self.hire(ctx) {
                break;
            }
        }
        if self.heartbeat.is_none() && !self.workers.is_empty() {
            // Often enough to notice a hang soon after the timeout, seldom enough to cost nothing.
            let beat = self.charge.timeout / 4;
            let beat = beat.clamp(Duration::from_millis(10), Duration::from_millis(250));
            self.heartbeat = Some(ctx.run_interval(beat, Self::beat));
        }
    }

    fn hire(&mut self, ctx: &mut Context<Self>) -> bool {
        let worker = self.next_worker;
        self.next_worker += 1;
        let slot = Arc::new(Slot::default());
        let (post, address) = (self.charge.post.clone(), ctx.address());
        let name = format!("{}/{}#{worker}", post.model, post.version);
        let mine = Arc::clone(&slot);
        let spawned = thread::Builder::new().name(name).spawn(move || {
            // The engine's panics are caught inside; this is for what it does when something is dropped.
            let run = AssertUnwindSafe(|| worker::run(&post, &mine));
            let end = panic::catch_unwind(run).unwrap_or_else(|payload| {
                End::Panicked(panic_message(payload.as_ref()).to_owned())
            });
            let worker = Some(worker);
            address.do_send(Fell { worker, end });
        });
        match spawned {
            Ok(_) => {
                self.workers.insert(worker, slot);
                true
            }
            Err(error) => {
                self.crashed(format!("no thread for an instance: {error}"));
                false
            }
        }
    }

    fn crashed(&mut self, reason: String) {
        self.fallen += 1;
        let Charge { post, serial, .. } = &self.charge;
        tracing::warn!(model = %post.model, version = %post.version, reason, "instance crashed");
        if let Some(supervisor) = self.charge.supervisor.upgrade() {
            supervisor.do_send(Crashed {
                model: post.model.clone(),
                version: post.version,
                serial: *serial,
                reason,
            });
        }
    }

    /// The heartbeat: finds workers that hang, and the end of a drain that has no workers left.
    fn beat(&mut self, ctx: &mut Context<Self>) {
        let now = clock::instant();
        let timeout = self.charge.timeout;
        let hung: Vec<_> = self
            .workers
            .iter()
            .filter_map(|(worker, slot)| Some((*worker, slot.take_if_hung(now, timeout)?)))
            .collect();
        for (worker, jobs) in hung {
            self.workers.remove(&worker);
            self.give_up(jobs);
            self.crashed(format!("no answer within its timeout of {timeout:?}"));
        }
        self.staff(ctx);
        self.end_if_drained(ctx);
        if self.workers.is_empty()
            && let Some(heartbeat) = self.heartbeat.take()
        {
            ctx.cancel_future(heartbeat);
        }
    }

    /// Answers the caller of a computation that hangs. Of several that were joined nobody knows which one hangs:
    /// each has its own try while it has time.
    fn give_up(&self, jobs: Vec<Job>) {
        let post = &self.charge.post;
        if jobs.len() > 1 {
            post.queue.put_back(jobs.into_iter().map(|mut job| {
                job.alone = true;
                job
            }));
            return;
        }
        for job in jobs {
            drop(job.reply.send(Err(Error::Hung {
                model: post.model.clone(),
                version: post.version,
                timeout: self.charge.timeout,
            })));
        }
    }

    fn end_if_drained(&mut self, ctx: &mut Context<Self>) {
        self.refuse_if_forsaken();
        let queue = &self.charge.post.queue;
        if self.drained || !self.workers.is_empty() || !queue.is_closed() {
            return;
        }
        if queue.len() > 0 && self.places() > 0 {
            // The last jobs came when no worker was there.
            return;
        }
        self.refuse_waiting(None);
        self.drained = true;
        if let Some(supervisor) = self.charge.supervisor.upgrade() {
            supervisor.do_send(Drained {
                model: self.charge.post.model.clone(),
                version: self.charge.post.version,
                serial: self.charge.serial,
            });
        }
        ctx.stop();
    }

    /// Nobody will answer what waits, or comes through an older snapshot.
    fn refuse_if_forsaken(&self) {
        if self.leaving && self.workers.is_empty() && self.places() == 0 {
            self.charge.gate.close(AGAIN);
            self.refuse_waiting(Some(AGAIN));
        }
    }

    fn refuse_waiting(&self, retry_after: Option<Duration>) {
        let post = &self.charge.post;
        for job in post.queue.drain() {
            let why = format!(
                "model '{}' version {} restarts after a crash",
                post.model, post.version
            );
            drop(job.reply.send(Err(Error::Unavailable { why, retry_after })));
        }
    }
}

impl Actor for Version {
    type Context = Context<Self>;
}

impl Handler<Demand> for Version {
    type Result = ();
    fn handle(&mut self, _: Demand, ctx: &mut Self::Context) {
        self.staff(ctx);
        self.end_if_drained(ctx);
    }
}

impl Handler<Attach> for Version {
    type Result = ();
    fn handle(&mut self, Attach(loaded): Attach, ctx: &mut Self::Context) {
        self.charge.post.current.store(loaded);
        self.fallen = 0;
        self.charge.gate.open();
        self.staff(ctx);
    }
}

impl Handler<Hold> for Version {
    type Result = ();
    fn handle(&mut self, Hold(wait): Hold, _ctx: &mut Self::Context) {
        if self.places() == 0 {
            self.charge.gate.close(wait);
            self.refuse_waiting(Some(wait));
        }
    }
}

impl Handler<Leave> for Version {
    type Result = ();
    fn handle(&mut self, _: Leave, ctx: &mut Self::Context) {
        self.leaving = true;
        self.end_if_drained(ctx);
    }
}

impl Handler<Fell> for Version {
    type Result = ();
    fn handle(&mut self, Fell { worker, end }: Fell, ctx: &mut Self::Context) {
        let known = worker.is_none_or(|worker| self.workers.remove(&worker).is_some());
        match end {
            End::Panicked(reason) if known => self.crashed(format!("panicked: {reason}")),
            End::Panicked(_) | End::Drained | End::Idle | End::Abandoned => {}
        }
        self.staff(ctx);
        self.end_if_drained(ctx);
    }
}

/// The model under all workers of a version.
pub(super) fn current(loaded: Arc<Loaded>) -> Arc<ArcSwap<Loaded>> {
    Arc::new(ArcSwap::new(loaded))
}
