//! What the supervisor makes of what the analyst saw: a transition is a change like any other, but one that takes traffic
//! away from a version is in force before it is written.

use std::sync::Arc;
use std::time::Duration;

use actix::{Context, Handler};
use impresario_pipelines::fleet::{self, Fleet, Input, Judged};

use super::Supervisor;
use crate::actors::messages::Judge;

/// How often what changes without a revision is written: how long something has been going on.
const CHECKPOINT: Duration = Duration::from_secs(1);

impl Supervisor {
    /// Takes in what was seen of one course; whether anybody is answered otherwise than before.
    fn judged(&mut self, judged: Judged, ctx: &mut Context<Self>) {
        if self.usable().is_err() {
            return;
        }
        let Ok(next) = fleet::apply(&self.fleet, Input::Judged(judged), self.now()) else {
            return;
        };
        if next.routing.revision == self.fleet.routing.revision {
            self.fleet = Arc::new(next);
            if self.stored.at.elapsed() >= CHECKPOINT {
                self.write();
            }
            return;
        }
        self.tell(&next);
        if withdraws(&self.fleet, &next) {
            // In force first: should the store fail, the next change writes this one too.
            self.fleet = Arc::new(next);
            self.proceed(ctx);
            self.write();
            return;
        }
        if self.commit(&next, &[]).is_ok() {
            self.fleet = Arc::new(next);
            self.proceed(ctx);
            // What began with it is looked at from now on.
            self.settings.ledgers.call();
        }
    }

    /// Writes what the store does not hold yet. What fails is written with the next change.
    fn write(&mut self) {
        let fleet = Arc::clone(&self.fleet);
        // It was logged.
        let _: Result<(), _> = self.commit(&fleet, &[]);
    }

    /// Logs the records that are new.
    fn tell(&self, next: &Fleet) {
        let last = self.fleet.history.last().map_or(0, |record| record.seq);
        for record in next.history.iter().filter(|record| record.seq > last) {
            let pipeline = record.diffs.first().map(|diff| diff.name.as_str());
            let why = record.reason.as_deref().unwrap_or_default();
            tracing::info!(
                pipeline,
                action = record.action,
                revision = record.revision.0,
                why,
                "a course moved on"
            );
        }
    }
}

/// Whether an arm other than the first has less traffic afterwards.
fn withdraws(before: &Fleet, after: &Fleet) -> bool {
    before.routing.pipelines.iter().any(|(name, entry)| {
        let after = after.routing.pipelines.get(name);
        let (Some(was), Some(is)) = (&entry.course, after.and_then(|e| e.course.as_ref())) else {
            return false;
        };
        let weights = |course: &Arc<fleet::Course>| course.slots().weights().to_vec();
        let (was, is) = (weights(was), weights(is));
        was.iter().zip(&is).skip(1).any(|(was, is)| is < was)
    })
}

// === the mailbox ===

impl Handler<Judge> for Supervisor {
    type Result = ();
    fn handle(&mut self, Judge(all): Judge, ctx: &mut Self::Context) {
        for judged in all {
            self.judged(judged, ctx);
        }
        // Who looks at a rollout sees its clocks go on.
        self.soon(ctx);
    }
}
