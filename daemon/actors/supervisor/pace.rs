//! The supervisor's pace: how often what came is planned and published.
//!
//! Planning and publishing cost as much as there are versions, and each of a thousand loads tells of itself several
//! times. So events are taken in at once but looked at together: at once when the last look is long past, else when
//! as much time has passed as some looks take, but within [`SOON`]. What admins ask never waits for it, nor does the
//! next load for its place.

use std::time::{Duration, Instant};

use actix::{AsyncContext, Context, Handler, SpawnHandle};
use impresario_pipelines::fleet::Event;

use super::Supervisor;
use crate::actors::messages::{Proceed, Recall};
use crate::clock;

/// Looks take an eighth of the supervisor's time, where they are cheap enough for that.
const SHARE: u32 = 7;

/// The longest that a version which became ready waits for others before it is published, unless a look takes longer.
const SOON: Duration = Duration::from_millis(30);

/// How often the progress of many loads is told.
const TELL: Duration = Duration::from_secs(2);

/// When it was looked last, and what that cost.
pub(super) struct Pace {
    ended: Instant,
    cost: Duration,
    next: Option<(SpawnHandle, Instant)>,
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

    /// When it may be looked again because something came.
    fn due(&self) -> Instant {
        self.ended + rest(self.cost)
    }
}

/// How long the supervisor has time for other things after a look that took so long.
fn rest(cost: Duration) -> Duration {
    (cost * SHARE).min(SOON).max(cost)
}

impl Supervisor {
    /// Looks at what came, together with what comes until then.
    pub(super) fn soon(&mut self, ctx: &mut Context<Self>) {
        self.look_by(self.pace.due(), ctx);
    }

    /// Looks at what came and changes nothing for anybody, together with what comes until then.
    pub(super) fn some_time(&mut self, ctx: &mut Context<Self>) {
        let later = clock::instant() + SOON;
        self.look_by(later.max(self.pace.due()), ctx);
    }

    fn look_by(&mut self, due: Instant, ctx: &mut Context<Self>) {
        if self.pace.next.is_some_and(|(_, next)| next <= due) {
            return;
        }
        let wait = due.saturating_duration_since(clock::instant());
        if wait < Duration::from_millis(1) {
            self.proceed(ctx);
            return;
        }
        if let Some((later, _)) = self.pace.next.take() {
            ctx.cancel_future(later);
        }
        self.pace.next = Some((ctx.notify_later(Proceed, wait), due));
    }

    /// A look begins: whatever came is part of it.
    pub(super) fn begin_look(&mut self, ctx: &mut Context<Self>) -> Instant {
        if let Some((next, _)) = self.pace.next.take() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cheap_looks_take_an_eighth_dear_ones_come_soon_and_the_dearest_take_half() {
        let rests = |cost| rest(Duration::from_millis(cost)).as_millis();
        assert_eq!([0, 1, 4, 10, 100].map(rests), [0, 7, 28, 30, 100]);
    }
}
