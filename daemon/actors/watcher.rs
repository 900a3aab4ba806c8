//! The watcher: looks at the repository from time to time and tells the supervisor what changed.
//!
//! Job: scan, compare, tell. Senders: nobody but its own timer. A panic here would leave the daemon serving
//! what it serves; the arbiter is its own because looking blocks.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Arbiter, AsyncContext, Context};
use impresario_models::LoadError;
use impresario_models::repository::{Change, Repository, Watch};
use impresario_pipelines::fleet::Event;

use super::library::Library;
use super::supervisor::Control;
use crate::clock::Clock;

/// What was seen of the repository, and how to look again.
pub struct Eyes {
    library: Arc<Library>,
    repository: Repository,
    watch: Watch,
    clock: Clock,
}

/// Looks at the repository from time to time.
struct Watcher {
    eyes: Eyes,
    control: Control,
    every: Duration,
}

impl Eyes {
    /// Opens the library's repository.
    ///
    /// # Errors
    /// [`LoadError`] when the folder is not there or cannot be read.
    pub fn open(library: &Arc<Library>, settle: Duration, clock: Clock) -> Result<Option<Self>, LoadError> {
        let Some(root) = library.repository() else { return Ok(None) };
        Ok(Some(Self {
            library: Arc::clone(library),
            repository: Repository::open(root)?,
            watch: Watch::new(settle),
            clock,
        }))
    }

    /// Looks once. A repository that cannot be read for the moment looks as it did before.
    pub fn look(&mut self) -> Vec<Event> {
        let scan = match self.repository.scan() {
            Ok(scan) => scan,
            Err(error) => {
                tracing::error!(%error, "the model repository cannot be read; what is loaded goes on serving");
                return Vec::new();
            }
        };
        let changes = self.watch.observe(&scan, self.clock.now());
        changes.into_iter().map(|change| self.event(change)).collect()
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
    fn event(&self, change: Change) -> Event {
        match change {
            Change::Appeared { model, version, .. } => Event::Appeared {
                policy: self.library.policy(&model, version),
                model,
                version,
            },
            Change::Changed { model, version, .. } => Event::Changed {
                policy: self.library.policy(&model, version),
                model,
                version,
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
            let told = actix::fut::wrap_future::<_, Self>(async move { control.seen(events).await });
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
