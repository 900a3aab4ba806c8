//! The supervisor: the only writer of fleet state.
//!
//! Job: every input (a command, a load's end, a crash, a changed file) goes through one door: `fleet::apply`,
//! then the store if the routing differs, then publish, then do what `fleet::plan` says. Senders: the admin
//! API through [`Control`], the version actors, the watcher, load threads. Mailbox: actix's default bound for
//! those who await an answer; the others are as many as there are versions. A panic here ends the daemon's
//! ability to change, not to serve: requests read the last snapshot.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, Addr, Arbiter, AsyncContext, Context, Handler, MailboxError, ResponseFuture,
    SpawnHandle, WeakAddr,
};
use impresario_models::{Name, VersionNumber};
use impresario_pipelines::fleet::{
    self, By, Command, Event, Fleet, Input, Judged, Now, Record, Rejection,
};
use tokio::sync::oneshot;

use super::handle::Handle;
use super::library::Library;
use super::live::Live;
use super::messages::{
    Change, ChangeTokens, Crashed, Drained, Judge, Leave, LoadEnded, LoadProgressed, Note, Outcome,
    Seen, Stop,
};
use super::version::Version;
use crate::clock::Clock;
use crate::measure::{Ledgers, Measure};
use crate::store::{Commit, Error as StoreError, Loaded as Stored, Store, Token, TokenChange};
use pace::Pace;
use perform::Load;
use stand::Stand;

mod judge;
mod pace;
mod perform;
mod stand;

/// What the supervisor needs to begin.
pub struct Settings {
    /// The rules of loading and restarting.
    pub limits: fleet::Limits,
    /// How long one load may take before it is given up.
    pub load_timeout: Duration,
    /// Where state is kept.
    pub store: Arc<dyn Store>,
    /// Where versions come from.
    pub library: Arc<Library>,
    /// Where it publishes.
    pub live: Live,
    /// Where cells come from.
    pub measure: Measure,
    /// Where ledgers come from.
    pub ledgers: Ledgers,
    /// Time.
    pub clock: Clock,
}

/// How others ask the supervisor. Cloning shares it.
#[derive(Clone)]
pub struct Control {
    supervisor: Addr<Supervisor>,
    live: Live,
}

/// Why a change was not made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refused {
    /// The fleet's rules forbid it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// It could not be stored.
    #[error("store the change")]
    Store(#[source] Arc<StoreError>),
    /// The daemon is going down.
    #[error("the daemon is going down")]
    Stopping,
}

/// The only writer of fleet state.
pub(super) struct Supervisor {
    settings: Settings,
    fleet: Arc<Fleet>,
    stored: Stand,
    tokens: Arc<Vec<Token>>,
    versions: HashMap<VersionKey, Life>,
    loads: HashMap<VersionKey, Load>,
    /// Version actors that have not drained yet, those that left the table included.
    lives: HashMap<VersionKey, usize>,
    serial: u64,
    versions_arbiter: Arbiter,
    address: WeakAddr<Self>,
    reminder: Option<SpawnHandle>,
    pace: Pace,
    /// What the store holds is not known: it is read again before anything else is done.
    doubtful: bool,
    stopping: Option<Vec<oneshot::Sender<()>>>,
}

type VersionKey = (Name, VersionNumber);

/// A version in memory.
struct Life {
    handle: Arc<Handle>,
    actor: Addr<Version>,
    serial: u64,
}

// === impl Control ===

impl Control {
    /// Starts the supervisor on an arbiter of its own, with what the store holds.
    ///
    /// # Errors
    /// The store's error when its state cannot be read.
    pub fn start(settings: Settings) -> Result<(Self, Arbiter), StoreError> {
        let stored = settings.store.load()?;
        let live = settings.live.clone();
        let arbiter = Arbiter::new();
        let supervisor = Supervisor::start_in_arbiter(&arbiter.handle(), move |ctx| {
            let recalls = ctx.address().recipient();
            settings.live.recalls().report_to(recalls);
            let mut supervisor = Supervisor::new(settings, stored, ctx.address().downgrade());
            supervisor.proceed(ctx);
            supervisor
        });
        Ok((Self { supervisor, live }, arbiter))
    }

    /// Changes the routing, or says what the change would come to.
    ///
    /// # Errors
    /// [`Refused`]: nothing was changed, or with [`StoreError::Unknown`] it is not known whether it was.
    pub async fn change(
        &self,
        command: Command,
        by: By,
        dry_run: bool,
    ) -> Result<Outcome, Refused> {
        let change = Change {
            command,
            by,
            dry_run,
        };
        self.supervisor.send(change).await?
    }

    /// Adds and removes tokens.
    ///
    /// # Errors
    /// [`Refused`], as for a change.
    pub async fn change_tokens(
        &self,
        put: Vec<Token>,
        delete: Vec<String>,
        by: By,
    ) -> Result<(), Refused> {
        self.supervisor
            .send(ChangeTokens { put, delete, by })
            .await?
    }

    /// Notes an action that changes no routing.
    ///
    /// # Errors
    /// [`Refused`] when it could not be stored.
    pub async fn note(&self, action: String, by: By) -> Result<(), Refused> {
        self.supervisor.send(Note { action, by }).await?
    }

    /// Tells what is seen in the repository, and waits until it is taken in.
    ///
    /// # Errors
    /// [`Refused::Stopping`] when the supervisor is gone.
    pub async fn seen(&self, events: Vec<Event>) -> Result<(), Refused> {
        Ok(self.supervisor.send(Seen(events)).await?)
    }

    /// Tells what was seen of courses.
    pub(crate) fn judge(&self, judged: Vec<Judged>) {
        self.supervisor.do_send(Judge(judged));
    }

    /// The published state.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// Lets every version finish what it has, and returns when the last one has.
    pub async fn stop(&self) {
        // A supervisor that is gone has nothing left to finish.
        let _: Result<(), MailboxError> = self.supervisor.send(Stop).await;
    }
}

impl From<MailboxError> for Refused {
    fn from(_: MailboxError) -> Self {
        Self::Stopping
    }
}

// === impl Supervisor ===

impl Supervisor {
    fn new(settings: Settings, stored: Stored, address: WeakAddr<Self>) -> Self {
        let mut fleet = Fleet {
            limits: settings.limits.clone(),
            ..Fleet::default()
        };
        fleet.routing = stored.routing;
        fleet.history = stored.history;
        fleet::settled(&mut fleet);
        Self {
            settings,
            stored: Stand::of(&fleet),
            fleet: Arc::new(fleet),
            tokens: Arc::new(stored.tokens),
            versions: HashMap::new(),
            loads: HashMap::new(),
            lives: HashMap::new(),
            serial: 0,
            versions_arbiter: Arbiter::new(),
            address,
            reminder: None,
            pace: Pace::new(),
            doubtful: false,
            stopping: None,
        }
    }

    fn now(&self) -> Now {
        self.settings.clock.now()
    }

    /// A command's walk: apply, commit, publish, perform.
    fn change(&mut self, change: Change, ctx: &mut Context<Self>) -> Result<Outcome, Refused> {
        self.usable()?;
        let Change {
            command,
            by,
            dry_run,
        } = change;
        let now = self.now();
        let next = fleet::apply(&self.fleet, Input::Command(command, by), now)?;
        let changed = next.routing != self.fleet.routing;
        if !dry_run {
            self.commit(&next, &[])?;
            self.fleet = Arc::new(next);
            self.proceed(ctx);
            // Feedback on what began is taken from now on.
            self.settings.ledgers.call();
            return Ok(Outcome {
                revision: self.fleet.routing.revision,
                changed,
                report: Arc::clone(&self.settings.live.look().report),
                fleet: Arc::clone(&self.fleet),
            });
        }
        Ok(Outcome {
            revision: next.routing.revision,
            changed,
            report: Arc::new(fleet::plan(&next, now).1),
            fleet: Arc::new(next),
        })
    }

    /// An event's walk. What happened cannot be refused; a store that fails only delays what the event would
    /// change in the routing, until the next input.
    fn happened(&mut self, event: Event) {
        // What the store holds must be known before anything is derived from it.
        let usable = self.usable();
        let now = self.now();
        // All that an event can change of the routing is that a kept version steps down.
        let mut entries = self.fleet.routing.pipelines.values();
        let before = entries.any(|entry| entry.keep.is_some());
        let before = before.then(|| self.fleet.routing.clone());
        fleet::take_in(Arc::make_mut(&mut self.fleet), event, now);
        let Some(before) = before.filter(|before| *before != self.fleet.routing) else {
            return;
        };
        let next = Arc::clone(&self.fleet);
        if let Err(error) = usable.and_then(|()| self.commit(&next, &[])) {
            tracing::error!(error = %error, "an event's change of the routing is not stored yet");
            drop(next);
            let fleet = Arc::make_mut(&mut self.fleet);
            fleet.routing = before;
            fleet::settled(fleet);
        }
    }

    /// Appends records that change no routing.
    fn note(&mut self, action: String, by: By, tokens: &[TokenChange]) -> Result<(), Refused> {
        self.usable()?;
        let mut next = Fleet::clone(&self.fleet);
        next.push(Record {
            seq: 0,
            revision: next.routing.revision,
            at: self.now().wall,
            actor: by.actor,
            source: by.source,
            action,
            reason: by.reason,
            diffs: Vec::new(),
            numbers: Vec::new(),
        });
        self.commit(&next, tokens)?;
        self.fleet = Arc::new(next);
        Ok(())
    }

    /// Makes the next fleet durable: what differs in the routing, and the records that are new.
    fn commit(&mut self, next: &Fleet, tokens: &[TokenChange]) -> Result<(), Refused> {
        let before = &self.stored.routing;
        let new = |record: &&Arc<Record>| record.seq > self.stored.record;
        let records: Vec<_> = next.history.iter().filter(new).cloned().collect();
        if next.routing == *before && records.is_empty() && tokens.is_empty() {
            return Ok(());
        }
        let commit = Commit {
            routing: Some((before, &next.routing)),
            records: &records,
            tokens,
        };
        let Settings { store, measure, .. } = &self.settings;
        measure.commit(|| store.commit(commit)).map_err(|error| {
            self.doubtful |= matches!(error, StoreError::Unknown { .. });
            tracing::error!(error = %error, "a change could not be stored");
            Refused::from(error)
        })?;
        self.stored = Stand::of(next);
        for record in &records {
            self.settings.live.tell(record);
        }
        Ok(())
    }

    /// Refuses changes when the daemon goes down, and reads the store again when it is not known what it holds.
    fn usable(&mut self) -> Result<(), Refused> {
        if self.stopping.is_some() {
            return Err(Refused::Stopping);
        }
        if self.doubtful {
            let stored = self.settings.store.load()?;
            let mut fleet = Fleet::clone(&self.fleet);
            fleet.routing = stored.routing;
            fleet.history = stored.history;
            fleet::settled(&mut fleet);
            self.stored = Stand::of(&fleet);
            self.fleet = Arc::new(fleet);
            self.tokens = Arc::new(stored.tokens);
            self.doubtful = false;
        }
        Ok(())
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // An arbiter that is only dropped keeps its thread until the whole system ends.
        self.versions_arbiter.stop();
    }
}

// === the mailbox ===

impl Actor for Supervisor {
    type Context = Context<Self>;
}

impl Handler<Change> for Supervisor {
    type Result = Result<Outcome, Refused>;
    fn handle(&mut self, change: Change, ctx: &mut Self::Context) -> Self::Result {
        let doubtful = self.doubtful;
        let result = self.change(change, ctx);
        // What the store really held is published even where the change itself came to nothing.
        if doubtful && !self.doubtful && result.is_err() {
            self.proceed(ctx);
        }
        result
    }
}

impl Handler<ChangeTokens> for Supervisor {
    type Result = Result<(), Refused>;
    fn handle(&mut self, message: ChangeTokens, ctx: &mut Self::Context) -> Self::Result {
        let ChangeTokens { put, delete, by } = message;
        let action = if put.is_empty() {
            "token.delete"
        } else {
            "token.put"
        };
        let changes: Vec<_> = put
            .into_iter()
            .map(TokenChange::Put)
            .chain(delete.into_iter().map(TokenChange::Delete))
            .collect();
        self.note(action.to_owned(), by, &changes)?;
        // In memory as in the store, without asking it: a token that was removed must not go on admitting
        // because a read failed.
        let mut tokens = Vec::clone(&self.tokens);
        for change in changes {
            let (id, token) = match change {
                TokenChange::Put(token) => (token.id.clone(), Some(token)),
                TokenChange::Delete(id) => (id, None),
            };
            tokens.retain(|known| known.id != id);
            tokens.extend(token);
        }
        tokens.sort_by(|a, b| a.id.cmp(&b.id));
        self.tokens = Arc::new(tokens);
        self.proceed(ctx);
        Ok(())
    }
}

impl Handler<Note> for Supervisor {
    type Result = Result<(), Refused>;
    fn handle(&mut self, Note { action, by }: Note, ctx: &mut Self::Context) -> Self::Result {
        self.note(action, by, &[])?;
        self.proceed(ctx);
        Ok(())
    }
}

impl Handler<Seen> for Supervisor {
    type Result = ();
    fn handle(&mut self, Seen(events): Seen, ctx: &mut Self::Context) {
        for event in events {
            self.happened(event);
        }
        self.proceed(ctx);
    }
}

impl Handler<LoadProgressed> for Supervisor {
    type Result = ();
    fn handle(&mut self, message: LoadProgressed, ctx: &mut Self::Context) {
        let LoadProgressed {
            model,
            version,
            serial,
            stage,
        } = message;
        if !self.is_under_way(&(model.clone(), version), serial) {
            return;
        }
        self.happened(Event::LoadProgressed {
            model,
            version,
            stage,
        });
        self.some_time(ctx);
    }
}

impl Handler<LoadEnded> for Supervisor {
    type Result = ();
    fn handle(&mut self, ended: LoadEnded, ctx: &mut Self::Context) {
        self.load_ended(ended, ctx);
        self.load_next(ctx);
        self.soon(ctx);
    }
}

impl Handler<Crashed> for Supervisor {
    type Result = ();
    fn handle(&mut self, crashed: Crashed, ctx: &mut Self::Context) {
        self.crashed(crashed);
        self.soon(ctx);
    }
}

impl Handler<Drained> for Supervisor {
    type Result = ();
    fn handle(&mut self, drained: Drained, ctx: &mut Self::Context) {
        self.drained(drained);
        self.soon(ctx);
    }
}

impl Handler<Stop> for Supervisor {
    type Result = ResponseFuture<()>;
    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) -> Self::Result {
        let (done, end) = oneshot::channel();
        self.stopping.get_or_insert_default().push(done);
        for (_, life) in self.versions.drain() {
            life.actor.do_send(Leave);
        }
        self.proceed(ctx);
        Box::pin(async move {
            // A closed channel means that the supervisor is gone: nothing is left to finish.
            let _: Result<(), _> = end.await;
        })
    }
}
