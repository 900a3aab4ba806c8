//! Coming in: what a client may send, who answers, and that a request which finds nobody is counted.

use std::time::Instant;

use super::admit::Caller;
use super::{Absent, Asks, Entry, For, Serve, Terms};
use crate::clock;
use crate::error::Error;
use crate::measure::{Outcome, Sample};

impl Serve {
    /// Takes one request off what its client may send to a pipeline. A name that nobody knows has no limit: that it
    /// is unknown is told by what comes after.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn admit(&self, name: &str, caller: &dyn Caller) -> Result<(), Error> {
        let snapshot = self.live.look();
        let Some(route) = snapshot.table.route(name) else {
            return Ok(());
        };
        let admitted = self.limits.admit(&route.name, &route.service, caller);
        admitted.inspect_err(|_| {
            let begun = clock::instant();
            match self.find(name, None) {
                Ok(entry) => entry.ended(Outcome::Limited, begun, None),
                Err(_) => self.lost(name, Outcome::Limited, begun),
            }
        })
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
        let mut leaves = Leaves {
            serve: self,
            name,
            arrived,
            waits: true,
        };
        let found = self.meet(name, version, For::Request(asks), terms).await;
        leaves.waits = false;
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
        self.meet(name, version, For::Most, terms).await
    }

    /// Whether requests may have to wait for versions that are parked.
    #[must_use]
    pub fn parks(&self) -> bool {
        self.live.look().fleet.limits.budget.is_some()
    }

    async fn meet(
        &self,
        name: &str,
        version: Option<&str>,
        whom: For<'_>,
        terms: Terms,
    ) -> Result<Entry, Error> {
        match self.seek(name, version, whom) {
            Ok(entry) => Ok(entry),
            Err(Absent::Error(error)) => Err(error),
            Err(Absent::Parked(parked)) => {
                // Boxed: few requests wait, and the future of each would have room for it.
                Box::pin(self.recall(name, version, whom, terms, parked)).await
            }
        }
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
