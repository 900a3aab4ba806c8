//! The listener: takes records as they are stored to the queues of those who want them.
//!
//! A receiver that was too slow has missed records; they are read from the audit, so that none is missing in between.

use std::sync::Arc;

use impresario_pipelines::fleet::Record;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use super::hook::Hook;
use super::queue::{Pushed, Queue};
use super::tally::Tally;
use crate::store::{AuditQuery, Error, Store};

/// The most records that are made up for.
pub(super) const REACH: usize = 1_000;

/// Where records are taken to.
pub(super) struct Ear {
    pub(super) index: usize,
    pub(super) hook: Hook,
    pub(super) queue: Arc<Queue>,
    pub(super) tally: Arc<Tally>,
}

/// Takes records to queues.
pub(super) struct Listener {
    pub(super) records: broadcast::Receiver<Arc<Record>>,
    pub(super) ears: Vec<Ear>,
    pub(super) store: Arc<dyn Store>,
    /// The newest record that was taken, or is older than the listener.
    pub(super) newest: u64,
    /// Who drops or changes it ends the listening.
    pub(super) end: watch::Receiver<()>,
}

// === impl Listener ===

impl Listener {
    /// Listens until nobody tells any more, or nobody wants to hear.
    pub(super) async fn listen(mut self) {
        loop {
            let told = tokio::select! {
                biased;
                told = self.records.recv() => told,
                _ = self.end.changed() => break,
            };
            match told {
                Ok(record) => self.take(record),
                Err(RecvError::Lagged(missed)) => self.make_up(missed),
                Err(RecvError::Closed) => break,
            }
        }
        for ear in &self.ears {
            ear.queue.close();
        }
    }

    fn take(&mut self, record: Arc<Record>) {
        if record.seq <= self.newest {
            return;
        }
        self.newest = record.seq;
        for ear in self.ears.iter().filter(|ear| ear.hook.wants(&record)) {
            ear.push(Arc::clone(&record));
        }
    }

    fn make_up(&mut self, missed: u64) {
        let records = match after(&*self.store, self.newest, REACH) {
            Ok(records) => records,
            Err(error) => {
                tracing::error!(missed, %error, "webhooks: records were missed and could not be read");
                return;
            }
        };
        let first = records.first().map_or(self.newest, |record| record.seq);
        let lost = first.saturating_sub(self.newest + 1);
        if lost > 0 {
            tracing::error!(
                lost,
                "webhooks: too many records were missed; the oldest are not told"
            );
        }
        for record in records {
            self.take(record);
        }
    }
}

// === impl Ear ===

impl Ear {
    fn push(&self, record: Arc<Record>) {
        let Pushed::Spilled { first } = self.queue.push(record) else {
            return;
        };
        self.tally.dropped();
        if first {
            let (webhook, to) = (self.index, &self.hook.address);
            tracing::error!(webhook, %to, "webhook: its queue is full, the oldest are dropped");
        }
    }
}

/// The records after one, oldest first: the newest of them, so many at most.
pub(super) fn after(store: &dyn Store, seq: u64, most: usize) -> Result<Vec<Arc<Record>>, Error> {
    let query = AuditQuery {
        limit: most,
        ..AuditQuery::default()
    };
    let newest_first = store.audit(&query)?.into_iter();
    let mut records: Vec<_> = newest_first
        .take_while(|record| record.seq > seq)
        .map(Arc::new)
        .collect();
    records.reverse();
    Ok(records)
}
