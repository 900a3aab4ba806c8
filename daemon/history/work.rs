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

/// Lets go of the cells that went when the keeper no longer asks for them: it ended, panicked or never began.
struct Forget(Measure);

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
        // What was not started is dropped, and this with it.
        let forget = Forget(measure.clone());
        let work = move || {
            work(keeper, clock, &ending);
            drop(forget);
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

// === impl Forget ===

impl Drop for Forget {
    fn drop(&mut self) {
        self.0.forget_gone();
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

#[cfg(test)]
mod tests {
    use impresario_models::Name;

    use super::*;
    use crate::measure::Sample;
    use crate::store::{Memory, Retention};

    #[test]
    fn cells_that_go_after_its_end_are_not_kept() {
        let measure = Measure::default();
        let store = Arc::new(Memory::new(Retention::default()));
        let history = History::start(store, measure.clone(), 4, Clock::start()).unwrap();
        history.0.end.send(()).unwrap();
        // Its end is told, or nobody is left who could tell it.
        let ended = &history.0.ended;
        while !*ended.borrow() && ended.has_changed().is_ok() {
            thread::yield_now();
        }
        assert!(*ended.borrow());
        let name = Name::new("p").unwrap();
        measure.lost(&name).record(Sample::answered());
        measure.retain(|_| false, |_| false, |_| false);
        assert_eq!(measure.survey().gone, (0, 0));
    }
}
