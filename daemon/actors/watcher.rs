//! The watcher: looks at the repository from time to time and tells the supervisor what changed.
//!
//! Job: scan, compare, tell. Senders: nobody but its own timer. A panic here would leave the daemon serving
//! what it serves; the arbiter is its own because looking blocks.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Arbiter, AsyncContext, Context};
use impresario_models::repository::{Change, Watch};
use impresario_pipelines::fleet::Event;

use super::library::Library;
use super::supervisor::Control;
use crate::clock::{self, Clock};

/// The most looks, a quarter of the settle time apart, that the start waits for young files.
const LOOKS: usize = 12;

/// What was seen of the repository, and how to look again.
pub(crate) struct Eyes {
    library: Arc<Library>,
    watch: Watch,
    settle: Duration,
    clock: Clock,
    /// Whether memory is.
    bounded: bool,
}

/// Looks at the repository from time to time.
struct Watcher {
    eyes: Eyes,
    control: Control,
    every: Duration,
}

impl Eyes {
    /// Nothing seen yet; files that are the same for `settle` count as complete.
    #[must_use]
    pub(crate) fn new(library: Arc<Library>, settle: Duration, clock: Clock) -> Self {
        Self {
            library,
            watch: Watch::new(u64::try_from(settle.as_millis()).unwrap_or(u64::MAX)),
            settle,
            clock,
            bounded: false,
        }
    }

    /// Memory is bounded: versions are weighed as they appear.
    #[must_use]
    pub(crate) fn weighing(mut self, budget: Option<u64>) -> Self {
        self.bounded = budget.is_some();
        self
    }

    /// Looks once. A repository that cannot be read for the moment looks as it did before.
    pub(crate) fn look(&mut self) -> Vec<Event> {
        let Some(repository) = self.library.repository() else {
            return Vec::new();
        };
        let scan = match repository.scan(clock::wall()) {
            Ok(scan) => scan,
            Err(error) => {
                tracing::error!(%error, "the model repository cannot be read; what is loaded goes on serving");
                return Vec::new();
            }
        };
        for note in self.watch.new_notes(&scan) {
            tracing::warn!(path = %note.path.display(), what = note.what, "ignored in the model repository");
        }
        let changes = self.watch.observe(&scan, self.clock.now().monotonic);
        changes
            .into_iter()
            .flat_map(|change| self.events(change))
            .collect()
    }

    /// Looks until every version that looks whole has been told, as a fresh copy of a repository has young
    /// files; at most for a few times the settle time, so that a copy in progress does not hold the start up.
    pub(crate) async fn look_until_settled(&mut self) -> Vec<Event> {
        let mut events = self.look();
        for _ in 0..LOOKS {
            if !self.watch.settling() {
                break;
            }
            tokio::time::sleep(self.settle / 4).await;
            events.extend(self.look());
        }
        events
    }

    /// Goes on looking on an arbiter of its own.
    pub(crate) fn keep_looking(self, control: Control, every: Duration) -> Arbiter {
        let arbiter = Arbiter::new();
        let watcher = move |_: &mut Context<Watcher>| Watcher {
            eyes: self,
            control,
            every,
        };
        let _address = Watcher::start_in_arbiter(&arbiter.handle(), watcher);
        arbiter
    }
}

impl Eyes {
    /// Where memory is bounded, also what a version would take, and whether it may be parked.
    fn events(&self, change: Change) -> Vec<Event> {
        let (Change::Appeared { model, .. }
        | Change::Changed { model, .. }
        | Change::Vanished { model, .. }
        | Change::Settings { model }) = &change;
        let model = model.clone();
        let version = match &change {
            Change::Appeared { version, .. } | Change::Changed { version, .. } => Some(*version),
            Change::Vanished { .. } | Change::Settings { .. } => None,
        };
        let gone = matches!(change, Change::Vanished { .. });
        let mut events = vec![self.event(change)];
        if self.bounded && !gone {
            let residence = self.library.residence(&model);
            let weight = version.and_then(|v| Some((v, self.library.weigh(&model, v)?)));
            events.push(Event::ResidenceRead {
                model: model.clone(),
                residence,
            });
            events.extend(weight.map(|(version, bytes)| Event::Weighed {
                model,
                version,
                bytes,
            }));
        }
        events
    }

    fn event(&self, change: Change) -> Event {
        match change {
            Change::Appeared { model, version } => Event::Appeared {
                policy: self.library.policy(&model),
                model,
                version,
            },
            Change::Changed { model, version } => Event::Changed {
                policy: self.library.policy(&model),
                model,
                version,
            },
            Change::Settings { model } => Event::PolicyRead {
                policy: self.library.policy(&model),
                model,
            },
            Change::Vanished { model, version } => Event::Vanished { model, version },
        }
    }
}

impl Watcher {
    fn look(&mut self, ctx: &mut Context<Self>) {
        let events = self.eyes.look();
        if !events.is_empty() {
            let control = self.control.clone();
            let told =
                actix::fut::wrap_future::<_, Self>(async move { control.seen(events).await });
            let told = actix::ActorFutureExt::map(told, |result, _, ctx: &mut Context<Self>| {
                if result.is_err() {
                    actix::ActorContext::stop(ctx);
                }
            });
            // One look at a time: what the supervisor has not taken in yet is not looked at again.
            ctx.wait(told);
        }
    }
}

impl Actor for Watcher {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(self.every, Self::look);
    }
}
