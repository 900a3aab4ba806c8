//! From a typed request to a typed answer: decide, send, await, measure.
//!
//! The stations in between know no protocol; both doors (HTTP, and gRPC beside it) and the embedding API call
//! the same [`Serve`]. Nothing here locks, and the supervisor is never asked.

mod admit;
mod cache;
mod draw;
mod entry;
mod recall;
#[allow(dead_code, reason = "dispatch does not call it yet")]
mod shadow;
mod terms;

use std::sync::Arc;
use std::time::{Duration, Instant};

use impresario_models::{Name, Tensor, VersionNumber, batch};
use impresario_pipelines::Variant;
use impresario_pipelines::fleet::Facts;
use impresario_pipelines::table::{Decision, Why};

use crate::actors::{Computed, Live};
use crate::clock;
use crate::error::{Error, Load};
use crate::measure::Outcome;

pub use admit::{Caller, join_cookies};
pub use cache::{Cache, Origin};
pub use entry::Entry;
pub use impresario_pipelines::Priority;
pub use shadow::{Beside, Shadowed, Shadows};
pub use terms::Terms;

use admit::Limits;
use cache::Look;
use draw::draw;
use entry::Counting;
use recall::Parked;

/// How long to stay away when a version will be ready soon.
const SOON: Duration = Duration::from_secs(1);

/// A deadline beyond what the clock can tell: as good as none.
const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);

/// Answers requests. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Serve {
    live: Live,
    timeout: Duration,
    cache: Cache,
    limits: Limits,
}

/// Why a request has not found its version.
#[derive(Debug)]
enum Absent {
    /// It is parked: it can be waited for.
    Parked(Parked),
    /// Nothing to wait for.
    Error(Error),
}

/// An answer, and who gave it.
#[derive(Debug)]
pub struct Answer {
    /// All outputs, in the contract's order.
    pub outputs: Vec<Tensor>,
    /// The variant that was picked.
    pub variant: Variant,
    /// The model that answered.
    pub model: Name,
    /// Its version.
    pub version: VersionNumber,
    /// What is known of that version.
    pub facts: Arc<Facts>,
    /// In the queue.
    pub queue: Duration,
    /// In the engine.
    pub compute: Duration,
    /// Whether it was given before.
    pub origin: Origin,
}

impl Serve {
    /// Answers from what is published on `live`; `timeout` is the time of a request that states none.
    #[must_use]
    pub fn new(live: Live, timeout: Duration) -> Self {
        Self {
            live,
            timeout,
            cache: Cache::default(),
            limits: Limits::default(),
        }
    }

    /// Keeps answers of the versions whose files ask for it.
    #[must_use]
    pub fn with_cache(mut self, cache: Cache) -> Self {
        self.cache = cache;
        self
    }

    /// The answers that are kept.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The published state.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// Finds the pipeline or model of a name, or one version of it past every policy.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`Error::UnknownVersion`], or [`Error::Unavailable`] saying why nobody answers.
    pub fn find(&self, name: &str, version: Option<&str>) -> Result<Entry, Error> {
        self.seek(name, version).map_err(|absent| match absent {
            Absent::Error(error) => error,
            Absent::Parked(Parked { why, .. }) => Error::Unavailable {
                why,
                retry_after: Some(SOON),
            },
        })
    }

    /// Whether a request would be answered: at once, or after it was waited for a parked version.
    #[must_use]
    pub fn is_parked(&self, name: &str, version: Option<&str>) -> bool {
        matches!(self.seek(name, version), Err(Absent::Parked(_)))
    }

    fn seek(&self, name: &str, version: Option<&str>) -> Result<Entry, Absent> {
        let snapshot = self.live.look();
        if snapshot.stopping {
            return Err(Absent::Error(Error::Unavailable {
                why: "the daemon is going down".to_owned(),
                retry_after: Some(SOON),
            }));
        }
        let unknown = || {
            Absent::Error(Error::UnknownModel {
                name: name.chars().take(Name::MAX_BYTES).collect(),
            })
        };
        let route = snapshot.table.route(name).ok_or_else(unknown)?;
        let decided = match version {
            None => route.decide(None, draw()),
            Some(text) => {
                let number = text.parse::<VersionNumber>().ok();
                let found = number.and_then(|number| snapshot.table.version(name, number));
                let found = found.ok_or_else(|| {
                    Absent::Error(Error::UnknownVersion {
                        name: route.name.clone(),
                        version: text.chars().take(40).collect(),
                    })
                })?;
                found.map(|target| Decision {
                    target,
                    variant: Variant::DIRECT,
                    arm: None,
                    slot: None,
                    why: Why::Direct,
                })
            }
        };
        let decision = decided.map_err(|why| match why.version {
            Some(version) if why.on_demand => Absent::Parked(Parked {
                coming: snapshot.is_coming(&why.model, version),
                model: why.model.clone(),
                version,
                deadline: route.service.deadline,
                why: why.why.clone(),
            }),
            _ => Absent::Error(Error::Unavailable {
                why: why.why.clone(),
                retry_after: why.passing.then_some(SOON),
            }),
        })?;
        Ok(Entry {
            handle: Arc::clone(snapshot.handle(decision.target)),
            cell: snapshot.cell(&route.name, decision.target).cloned(),
            pipeline: route.name.clone(),
            service: Arc::clone(&route.service),
            decision,
        })
    }

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
            if let Ok(entry) = self.find(name, None) {
                entry.ended(Outcome::Limited, begun);
            }
        })
    }

    /// As [`Self::find`], for a request that is to be answered: a version that is parked is loaded, and waited for
    /// until the pipeline's deadline or the daemon's timeout have passed since the request arrived.
    ///
    /// # Errors
    /// As for [`Self::find`], and [`Error::Expired`].
    pub async fn enter(
        &self,
        name: &str,
        version: Option<&str>,
        arrived: Instant,
    ) -> Result<Entry, Error> {
        let entry = match self.seek(name, version) {
            Ok(entry) => entry,
            Err(Absent::Error(error)) => return Err(error),
            Err(Absent::Parked(parked)) => self.recall(name, version, arrived, parked).await?,
        };
        entry.handle().used(arrived);
        Ok(entry)
    }

    /// Sends the inputs, in the contract's order and checked, to the version that was decided on, and awaits
    /// its answer for as long as the request may take since it arrived: the caller's limit, the pipeline's
    /// deadline or the daemon's timeout, whichever is shortest. Where that time is over, or would be before the
    /// version comes to it, and the pipeline says what is answered then, that is the answer.
    ///
    /// # Errors
    /// Any [`Error`]; whatever it is, it is counted.
    pub async fn dispatch(
        &self,
        entry: &Entry,
        inputs: Vec<Tensor>,
        terms: Terms,
    ) -> Result<Answer, Error> {
        let begun = clock::instant();
        let limits = [terms.limit, entry.service.deadline, Some(self.timeout)];
        let limit = limits.into_iter().flatten().min().unwrap_or(self.timeout);
        let handle = entry.handle();
        let rows = batch::rows(&inputs);
        let mut counting = Counting {
            entry,
            begun,
            rows,
            sample: None,
        };
        let look = self.cache.look(handle.cache.as_ref(), &inputs);
        let place = match look {
            Look::Off => None,
            Look::Hit(outputs) => {
                entry.looked(|cell, took| cell.hit(took), begun);
                counting.sample = Some((Outcome::Success, None));
                return Ok(entry.answer(outputs, Origin::Cache));
            }
            Look::Miss(place) => {
                entry.looked(|cell, took| cell.missed(took), begun);
                Some(place)
            }
        };
        let result = async {
            let priority = terms.priority.or(entry.service.priority);
            let deadline = terms.arrived.checked_add(limit).unwrap_or(begun + FAR);
            let left = deadline.saturating_duration_since(begun);
            if left.is_zero() {
                return Err(Error::Expired { limit });
            }
            let inputs = match handle.compute_here(inputs) {
                Ok(result) => return result,
                Err(inputs) => inputs,
            };
            let answer = handle.send(inputs, priority.unwrap_or_default(), deadline, limit)?;
            match tokio::time::timeout(left, answer).await {
                Ok(Ok(computed)) => computed,
                // The worker went without a word: the version is gone, or its rebuild refused the queue.
                Ok(Err(_)) => Err(handle.unavailable(Some(SOON))),
                Err(_) => Err(Error::Expired { limit }),
            }
        }
        .await;
        counting.ended(&result);
        if let Err(
            Error::Expired { .. }
            | Error::Overloaded {
                load: Load::Late { .. },
                ..
            },
        ) = &result
            && let Some(answer) = entry.substitute(rows)
        {
            return Ok(answer);
        }
        let Computed {
            outputs,
            queue,
            compute,
            ..
        } = result?;
        if let Some(place) = place {
            self.cache.keep(place, &outputs);
        }
        let origin = place.map_or(Origin::Computed, |_| Origin::Missed);
        Ok(Answer {
            queue,
            compute,
            ..entry.answer(outputs, origin)
        })
    }
}
