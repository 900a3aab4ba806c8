//! Waiting for a parked version: the request asks for it, and enters when it is ready.
//!
//! Who waits holds on to no snapshot, so that what has to leave memory first can leave.

use std::time::Duration;

use impresario_models::{Name, VersionNumber};

use super::{Absent, Entry, For, Serve, Terms};
use crate::clock;
use crate::error::Error;

/// A version that is not in memory but comes when it is asked for.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) model: Name,
    pub(super) version: VersionNumber,
    /// How long the pipeline lets its requests take.
    pub(super) deadline: Option<Duration>,
    /// Why it does not answer now.
    pub(super) why: String,
    /// Somebody has asked for it, or it is on its way.
    pub(super) coming: bool,
}

impl Serve {
    /// Asks for a parked version and waits until it is there, for as long as the request may take.
    pub(super) async fn recall(
        &self,
        name: &str,
        version: Option<&str>,
        whom: For<'_>,
        terms: Terms,
        mut parked: Parked,
    ) -> Result<Entry, Error> {
        let (limit, deadline) = terms.span(parked.deadline, self.timeout);
        let _place = self.live.wait_for_recall().map_err(|most| Error::Unavailable {
            why: format!(
                "model '{}' version {} is parked, and {most} requests are waiting for parked versions already \
                 (models.waiting)",
                parked.model, parked.version
            ),
            retry_after: Some(super::SOON),
        })?;
        let mut changes = self.live.changes();
        self.live.recall(&parked.model, parked.version, deadline);
        loop {
            let left = deadline.saturating_duration_since(clock::instant());
            let changed = tokio::time::timeout(left, changes.changed()).await;
            if !matches!(changed, Ok(Ok(()))) {
                return Err(Error::Expired { limit });
            }
            match self.seek(name, version, whom) {
                Ok(entry) => return Ok(entry),
                Err(Absent::Error(error)) => return Err(error),
                Err(Absent::Parked(now)) => {
                    let other = (&now.model, now.version) != (&parked.model, parked.version);
                    if other || !now.coming {
                        self.live.recall(&now.model, now.version, deadline);
                    }
                    parked = now;
                }
            }
        }
    }
}
