//! The supervisor's pace: how often what came is planned and published.
//!
//! Planning and publishing cost as much as there are versions, and each of a thousand loads tells of itself several
//! times. So events are taken in at once but looked at together: at once when the last look is long past, else when
//! as much time has passed as some looks take. What admins ask never waits for it.

use std::time::{Duration, Instant};

use actix::{AsyncContext, Context, Handler, SpawnHandle};
use impresario_pipelines::fleet::Event;

use super::Supervisor;
use crate::actors::messages::{Proceed, Recall};
use crate::clock;

/// Looks take a quarter of the supervisor's time at most.
const SHARE: u32 = 3;

/// How often the progress of many loads is told.
const TELL: Duration = Duration::from_secs(2);

/// When it was looked last, and what that cost.
pub(super) struct Pace {
    ended: Instant,
    cost: Duration,
    next: Option<SpawnHandle>,
    told: Instant,
    /// Progress was told and its end was not.
    telling: bool,
}

impl Pace {
    pub(super) fn new() -> Self {
        let now = clock::instant();
        Self {
            ended: now,
            cost: Duration::ZERO,
            next: None,
            told: now,
            telling: false,
        }
    }
}

impl Supervisor {
    /// Looks at what came, together with what comes until then.
    pub(super) fn soon(&mut self, ctx: &mut Context<Self>) {
        if self.pace.next.is_some() {
            return;
        }
        let wait = (self.pace.cost * SHARE).saturating_sub(self.pace.ended.elapsed());
        if wait < Duration::from_millis(1) {
            self.proceed(ctx);
        } else {
            self.pace.next = Some(ctx.notify_later(Proceed, wait));
        }
    }

    /// A look begins: whatever came is part of it.
    pub(super) fn begin_look(&mut self, ctx: &mut Context<Self>) -> Instant {
        if let Some(next) = self.pace.next.take() {
            ctx.cancel_future(next);
        }
        clock::instant()
    }

    /// It ended; `waiting` versions are still to be made ready.
    pub(super) fn end_look(&mut self, begun: Instant, waiting: usize) {
        self.pace.cost = begun.elapsed();
        self.pace.ended = clock::instant();
        let ready = self.versions.len();
        if waiting > 0 && self.pace.told.elapsed() >= TELL {
            self.pace.told = self.pace.ended;
            self.pace.telling = true;
            tracing::info!(ready, waiting, "making versions ready");
        } else if waiting == 0 {
            if self.pace.telling {
                tracing::info!(ready, "all versions that can be are ready");
            }
            self.pace.telling = false;
            self.pace.told = self.pace.ended;
        }
    }
}

// === the mailbox ===

impl Handler<Recall> for Supervisor {
    type Result = ();
    fn handle(&mut self, _: Recall, ctx: &mut Self::Context) {
        let asked = self.settings.live.recalls().take();
        let now = self.now().monotonic;
        for ((model, version), until) in asked {
            let left = until
                .saturating_duration_since(clock::instant())
                .as_millis();
            let until = now.saturating_add(u64::try_from(left).unwrap_or(u64::MAX));
            self.happened(Event::Demanded {
                model,
                version,
                until,
            });
        }
        self.soon(ctx);
    }
}

impl Handler<Proceed> for Supervisor {
    type Result = ();
    fn handle(&mut self, _: Proceed, ctx: &mut Self::Context) {
        self.proceed(ctx);
    }
}
