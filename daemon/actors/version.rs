//! The actor of one loaded version: it looks after the version's workers.
//!
//! Job: heartbeat (a worker that computes longer than the version's timeout counts as dead), replacing fallen
//! workers when a rebuilt model is attached, draining. Senders: the supervisor (`Attach`, `Hold`, `Leave`) and its own
//! workers (`Fell`); requests do not pass through here. Mailbox: these few messages, actix's default bound.
//! A panic here would be ours: the actor touches no engine.

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, WeakAddr};
use arc_swap::ArcSwap;
use impresario_models::loader::{Loaded, panic_message};

use super::handle::Gate;
use super::messages::{Attach, Crashed, Drained, Fell, Hold, Leave};
use super::supervisor::Supervisor;
use super::worker::{self, End, Post, Slot};
use crate::clock;
use crate::error::Error;

/// When to ask again, for callers of a version that left without a worker: the table says by then who answers.
const AGAIN: Duration = Duration::from_secs(1);

/// Looks after one loaded version.
pub(super) struct Version {
    post: Post,
    gate: Arc<Gate>,
    serial: u64,
    instances: usize,
    timeout: Duration,
    supervisor: WeakAddr<Supervisor>,
    workers: BTreeMap<u64, Arc<Slot>>,
    next_worker: u64,
    /// No rebuild will come.
    leaving: bool,
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
            post: charge.post,
            gate: charge.gate,
            serial: charge.serial,
            instances: charge.instances.max(1),
            timeout: charge.timeout,
            supervisor: charge.supervisor,
            workers: BTreeMap::new(),
            next_worker: 0,
            leaving: false,
        }
    }

    /// Starts workers until there is one per instance.
    fn staff(&mut self, address: &Addr<Self>) {
        while self.workers.len() < self.instances {
            let worker = self.next_worker;
            self.next_worker += 1;
            let slot = Arc::new(Slot::default());
            let (post, address) = (self.post.clone(), address.clone());
            let name = format!("{}/{}#{worker}", post.model, post.version);
            let mine = Arc::clone(&slot);
            let spawned = thread::Builder::new().name(name).spawn(move || {
                // The engine's panics are caught inside; this is for what it does when something is dropped.
                let run = AssertUnwindSafe(|| worker::run(&post, &mine));
                let end = panic::catch_unwind(run).unwrap_or_else(|payload| {
                    End::Panicked(panic_message(payload.as_ref()).to_owned())
                });
                address.do_send(Fell { worker, end });
            });
            match spawned {
                Ok(_) => {
                    self.workers.insert(worker, slot);
                }
                Err(error) => {
                    self.crashed(format!("no thread for an instance: {error}"));
                    return;
                }
            }
        }
    }

    fn crashed(&self, reason: String) {
        tracing::warn!(model = %self.post.model, version = %self.post.version, reason, "instance crashed");
        if let Some(supervisor) = self.supervisor.upgrade() {
            supervisor.do_send(Crashed {
                model: self.post.model.clone(),
                version: self.post.version,
                serial: self.serial,
                reason,
            });
        }
    }

    /// The heartbeat: finds workers that hang, and the end of a drain that has no workers left.
    fn beat(&mut self, ctx: &mut Context<Self>) {
        let now = clock::instant();
        let hung: Vec<_> = self
            .workers
            .iter()
            .filter_map(|(worker, slot)| Some((*worker, slot.take_if_hung(now, self.timeout)?)))
            .collect();
        for (worker, reply) in hung {
            self.workers.remove(&worker);
            drop(reply.send(Err(Error::Hung {
                model: self.post.model.clone(),
                version: self.post.version,
                timeout: self.timeout,
            })));
            self.crashed(format!(
                "no answer within its timeout of {:?}",
                self.timeout
            ));
        }
        self.end_if_drained(ctx);
    }

    fn end_if_drained(&mut self, ctx: &mut Context<Self>) {
        self.refuse_if_forsaken();
        if !self.workers.is_empty() || !self.post.jobs.is_disconnected() {
            return;
        }
        self.refuse_waiting(None);
        if let Some(supervisor) = self.supervisor.upgrade() {
            supervisor.do_send(Drained {
                model: self.post.model.clone(),
                version: self.post.version,
                serial: self.serial,
            });
        }
        ctx.stop();
    }

    /// Nobody will answer what waits, or comes through an older snapshot.
    fn refuse_if_forsaken(&self) {
        if self.leaving && self.workers.is_empty() {
            self.gate.close(AGAIN);
            self.refuse_waiting(Some(AGAIN));
        }
    }

    fn refuse_waiting(&self, retry_after: Option<Duration>) {
        while let Ok(job) = self.post.jobs.try_recv() {
            let why = format!(
                "model '{}' version {} restarts after a crash",
                self.post.model, self.post.version
            );
            drop(job.reply.send(Err(Error::Unavailable { why, retry_after })));
        }
    }
}

impl Actor for Version {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.staff(&ctx.address());
        // Often enough to notice a hang soon after the timeout, seldom enough to cost nothing.
        let beat = (self.timeout / 4).clamp(Duration::from_millis(10), Duration::from_millis(250));
        ctx.run_interval(beat, Self::beat);
    }
}

impl Handler<Attach> for Version {
    type Result = ();
    fn handle(&mut self, Attach(loaded): Attach, ctx: &mut Self::Context) {
        self.post.current.store(loaded);
        self.staff(&ctx.address());
        self.gate.open();
    }
}

impl Handler<Hold> for Version {
    type Result = ();
    fn handle(&mut self, Hold(wait): Hold, _ctx: &mut Self::Context) {
        if self.workers.is_empty() {
            self.gate.close(wait);
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
        self.workers.remove(&worker);
        match end {
            End::Panicked(reason) => self.crashed(format!("panicked: {reason}")),
            End::Drained | End::Abandoned => {}
        }
        self.end_if_drained(ctx);
    }
}

/// The model under all workers of a version.
pub(super) fn current(loaded: Arc<Loaded>) -> Arc<ArcSwap<Loaded>> {
    Arc::new(ArcSwap::new(loaded))
}
