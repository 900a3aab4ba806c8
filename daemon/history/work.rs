//! The history at work: the thread of the keeper, and the handle of those who ask and of who ends it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use super::Shared;
use super::keeper::Keeper;
use super::read::{self, Answer, Query, Refused};
use super::tiers::Tier;
use crate::clock::Clock;
use crate::measure::Measure;
use crate::store::{Error, Store};

/// How often the keeper looks what is due, at least.
const EVERY: u64 = 1_000;
/// How long the last window has to be written.
const LINGER: Duration = Duration::from_secs(5);

/// The history of metrics. Cloning shares it; when the last one is gone it ends.
#[derive(Clone)]
pub struct History(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    measure: Measure,
    shared: Arc<Shared>,
    clock: Clock,
    end: mpsc::Sender<()>,
    ended: watch::Receiver<bool>,
}

// === impl History ===

impl History {
    /// Begins to keep what is counted, of so many series at most, and goes on with what is stored.
    ///
    /// # Errors
    /// What the store says where it cannot be read.
    pub fn start(
        store: Arc<dyn Store>,
        measure: Measure,
        most: usize,
        clock: Clock,
    ) -> Result<Self, Error> {
        let keeper = Keeper::open(Arc::clone(&store), measure.clone(), most, clock.now())?;
        let shared = Arc::clone(&keeper.shared);
        let (end, ending) = mpsc::channel();
        let (done, ended) = watch::channel(false);
        let work = move || {
            work(keeper, clock, &ending);
            // Nobody may be waiting.
            let _told = done.send(true);
        };
        let started = thread::Builder::new()
            .name("history".to_owned())
            .spawn(work);
        if let Err(error) = started {
            tracing::error!(%error, "no history is kept: its thread could not be started");
        }
        Ok(Self(Arc::new(Inner {
            store,
            measure,
            shared,
            clock,
            end,
            ended,
        })))
    }

    /// What was counted, of a query. It reads the store, and may take a while.
    ///
    /// # Errors
    /// [`Refused`], with what would be answered.
    pub fn read(&self, query: &Query) -> Result<Answer, Refused> {
        let inner = &self.0;
        // Nothing is written while it is read: what is here is not there.
        let book = inner.shared.read();
        let now = inner.clock.now().wall;
        let unstored = book.unstored(&inner.measure.survey());
        read::read(inner.store.as_ref(), &book, unstored, query, now)
    }

    /// Requests since the start that are not in the history, because there was no place for them.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.shared.dropped.load(Relaxed)
    }

    /// Writes the window that is open, and ends.
    pub async fn stop(&self) {
        // Who has ended already need not be told.
        let _told = self.0.end.send(());
        let mut ended = self.0.ended.clone();
        let ended = tokio::time::timeout(LINGER, ended.wait_for(|ended| *ended)).await;
        if ended.is_err() {
            tracing::warn!("the last window of the history was not written in time");
        }
    }
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("History").finish_non_exhaustive()
    }
}

fn work(mut keeper: Keeper, clock: Clock, ending: &mpsc::Receiver<()>) {
    loop {
        let now = clock.now().wall;
        // Windows are closed when they end, not up to a second later.
        let left = Tier::Ten.unit() - now % Tier::Ten.unit();
        match ending.recv_timeout(Duration::from_millis(left.min(EVERY))) {
            Err(RecvTimeoutError::Timeout) => keeper.tick(clock.now()),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    keeper.finish(clock.now());
}
