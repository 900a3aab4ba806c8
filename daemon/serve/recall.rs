//! Waiting for a parked version: the request asks for it, and enters when it is ready, or when its time is over and the
//! pipeline says what is answered then.
//!
//! Who waits holds on to no snapshot, so that what has to leave memory first can leave.

use std::sync::Arc;
use std::time::Duration;

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::Variant;
use impresario_pipelines::fleet::Facts;
use impresario_pipelines::table::{Resolved, Route, Unavailable, Why};

use super::entry::{Choice, Leg};
use super::{Absent, Asks, Entry, For, Serve, Terms};
use crate::actors::{Handle, Snapshot};
use crate::clock;
use crate::error::Error;
use crate::measure::Outcome;

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
        let (mut limit, mut deadline) = terms.span(parked.deadline, self.timeout);
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
            // Where others come and go all the time there is always a change to hear of.
            let over = clock::instant() >= deadline;
            if over
                && let For::Request(asks) = whom
                && let Some(late) = self.late(name, version, asks, &parked)
            {
                self.lost(name, Outcome::Expired, terms.arrived);
                return Ok(late);
            }
            if over || !matches!(changed, Ok(Ok(()))) {
                return Err(Error::Expired { limit });
            }
            match self.seek(name, version, whom) {
                Ok(entry) => return Ok(entry),
                Err(Absent::Error(error)) => return Err(error),
                Err(Absent::Parked(now)) => {
                    // How long the pipeline lets it take may have been changed meanwhile.
                    (limit, deadline) = terms.span(now.deadline, self.timeout);
                    let other = (&now.model, now.version) != (&parked.model, parked.version);
                    if other || !now.coming {
                        self.live.recall(&now.model, now.version, deadline);
                    }
                    parked = now;
                }
            }
        }
    }

    /// The entry of a request whose time is over, where the pipeline says what is answered then: with what the version takes
    /// and gives, and without the version.
    fn late(
        &self,
        name: &str,
        version: Option<&str>,
        asks: &Asks,
        parked: &Parked,
    ) -> Option<Entry> {
        let snapshot = self.live.look();
        let route = snapshot.table.route(name)?;
        route.service.on_deadline.as_ref()?;
        let facts = known(&snapshot, route, parked)?;
        let (variant, why) = match version {
            None => (variant(route, parked), Why::Only),
            Some(_) => (Variant::DIRECT, Why::Direct),
        };
        let handle = Handle::away(parked.model.clone(), parked.version, facts);
        Some(Entry {
            leg: Leg {
                handle: Arc::new(handle),
                members: None,
                cell: None,
                variant: variant.clone(),
            },
            pipeline: route.name.clone(),
            service: Arc::clone(&route.service),
            decision: Choice {
                variant,
                arm: None,
                slot: None,
                why,
            },
            part: None,
            guide: None,
            keep: self.keep(route, snapshot.table.revision, asks),
            told: None,
        })
    }
}

/// What is known of a version that is not in memory: what it was when it was there; else what callers of the pipeline rely on.
fn known(snapshot: &Snapshot, route: &Route, parked: &Parked) -> Option<Arc<Facts>> {
    let fleet = &snapshot.fleet;
    let seen = fleet
        .observed
        .version(parked.model.as_str(), parked.version)?;
    let relied_on = || {
        let entry = fleet.routing.pipelines.get(&route.name)?;
        Some(Arc::new(Facts {
            contract: Arc::clone(entry.relied_on(fleet)?),
            engine: String::new(),
            digest: String::new(),
            memory: 0,
            timeout: 0,
            instances: 0,
            load_ms: 0,
            golden: 0,
            graph: None,
        }))
    };
    seen.stay.proven.clone().or_else(relied_on)
}

/// As what a version would answer that a route waits for.
fn variant(route: &Route, parked: &Parked) -> Variant {
    let Resolved::Split(split) = &route.policy else {
        return Variant::STANDALONE;
    };
    let away =
        |why: &Unavailable| (&why.model, why.version) == (&parked.model, Some(parked.version));
    let mut legs = split.legs.iter();
    let leg = legs.find(|leg| leg.to.as_ref().is_err_and(away));
    leg.map_or(Variant::STANDALONE, |leg| leg.variant.clone())
}
