//! Coming in: what a client may send, who answers, and that a request which finds nobody is counted.

use std::time::Instant;

use super::recall::Parked;
use super::{Absent, Asked, Asks, Entry, For, Serve, Terms};
use crate::clock;
use crate::error::Error;
use crate::measure::{Outcome, Sample};

impl Serve {
    /// Takes one request off what its client may send to a pipeline, and reads what it asks for, for [`Self::enter`]. A
    /// name that nobody knows has no limit: that it is unknown is told by what comes after. Whether it may ask for a variant
    /// is asked by the door.
    ///
    /// # Errors
    /// [`Error::RateLimited`], and [`Error::Key`] for a key that is too long.
    pub fn admit(
        &self,
        name: &str,
        version: Option<&str>,
        asked: &dyn Asked,
    ) -> Result<Asks, Error> {
        let snapshot = self.live.look();
        let route = snapshot.table.route(name);
        if let Some(route) = route {
            let admitted = self.limits.admit(&route.name, &route.service, asked);
            admitted.inspect_err(|_| {
                let begun = clock::instant();
                match self.find(name, None) {
                    Ok(entry) => entry.ended(Outcome::Limited, begun, None),
                    Err(_) => self.lost(name, Outcome::Limited, begun),
                }
            })?;
        }
        self.asks(&snapshot, name, route, version, asked)
    }

    /// Decides who answers a request: the version, variant or key that it asks for, or a random draw. A version that is
    /// parked is loaded, and waited for until the caller's limit, the pipeline's deadline or the daemon's timeout have
    /// passed since the request arrived. Where the pipeline says what is answered then, the request has its entry without
    /// the version, and that answer from [`Self::dispatch`].
    ///
    /// # Errors
    /// As for [`Self::find`], [`Error::Variant`], and [`Error::Expired`].
    pub async fn enter(
        &self,
        name: &str,
        version: Option<&str>,
        asks: &Asks,
        terms: Terms,
    ) -> Result<Entry, Error> {
        let arrived = terms.arrived;
        let found = match self.seek(name, version, For::Request(asks)) {
            Ok(entry) => Ok(entry),
            Err(Absent::Error(error)) => Err(error),
            Err(Absent::Parked(parked)) => {
                // Boxed: few requests wait, and the future of each would have room for it.
                Box::pin(self.wait(name, version, asks, terms, parked)).await
            }
        };
        let entry = found.inspect_err(|error| {
            self.lost(name, error.code().outcome, arrived);
            self.keep_unanswered(name, asks, arrived, error);
        })?;
        entry.handle().used(arrived);
        Ok(entry)
    }

    /// Finds as [`Self::find`] does, but loads a version that is parked and waits for it.
    ///
    /// # Errors
    /// As for [`Self::find`], and [`Error::Expired`].
    pub async fn fetch(
        &self,
        name: &str,
        version: Option<&str>,
        terms: Terms,
    ) -> Result<Entry, Error> {
        match self.seek(name, version, For::Most) {
            Ok(entry) => Ok(entry),
            Err(Absent::Error(error)) => Err(error),
            Err(Absent::Parked(parked)) => {
                let recall = self.recall(name, version, For::Most, terms, parked);
                Box::pin(recall).await
            }
        }
    }

    /// Waits for a parked version, as a request that is counted if its caller leaves meanwhile.
    async fn wait(
        &self,
        name: &str,
        version: Option<&str>,
        asks: &Asks,
        terms: Terms,
        parked: Parked,
    ) -> Result<Entry, Error> {
        let mut leaves = Leaves {
            serve: self,
            name,
            arrived: terms.arrived,
            waits: true,
        };
        let whom = For::Request(asks);
        let recalled = self.recall(name, version, whom, terms, parked).await;
        leaves.waits = false;
        recalled
    }

    /// Counts a request that found no version, where its pipeline is known: that name comes from the fleet.
    pub(super) fn lost(&self, name: &str, outcome: Outcome, since: Instant) {
        if let Some(cell) = self.live.look().lost(name) {
            cell.record(Sample::unasked(outcome, since, None));
        }
    }
}

/// Counts a caller who leaves while it waits for a version that is parked: the future is dropped then.
struct Leaves<'a> {
    serve: &'a Serve,
    name: &'a str,
    arrived: Instant,
    waits: bool,
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        if self.waits {
            self.serve.lost(self.name, Outcome::Abandoned, self.arrived);
        }
    }
}
