//! What is told of a request to who watches it: which versions were asked, and how long each took. Nothing is gathered
//! where nobody watches.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::Variant;
use impresario_pipelines::fleet::Revision;
use impresario_pipelines::table::Why;

use super::entry::Leg;
use super::{Entry, Origin, Trail};
use crate::actors::Computed;
use crate::clock;
use crate::error::Error;

/// Attempts are gathered here. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Told(Arc<Mutex<Vec<Attempt>>>);

/// One version that was asked.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Who.
    pub by: (Name, VersionNumber, Variant),
    /// When.
    pub began: Instant,
    /// When it was over.
    pub ended: Instant,
    /// In the queue.
    pub queue: Duration,
    /// In the engine.
    pub compute: Duration,
    /// Whether the cache had the answer; nothing where it failed.
    pub origin: Option<Origin>,
    /// The word for why it failed.
    pub failure: Option<&'static str>,
    /// The way through its graph, where it is one.
    pub trail: Option<Arc<Trail>>,
}

/// What was decided for a request.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The pipeline.
    pub pipeline: Name,
    /// Who was decided on.
    pub by: (Name, VersionNumber, Variant),
    /// Why.
    pub why: Why,
    /// The fleet's state that it was decided on, where that is kept.
    pub revision: Option<Revision>,
}

// === impl Told ===

impl Told {
    /// What was gathered so far, in the order in which it ended.
    #[must_use]
    pub fn attempts(&self) -> Vec<Attempt> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn push(&self, attempt: Attempt) {
        let mut attempts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        attempts.push(attempt);
    }
}

// === impl Entry ===

impl Entry {
    /// Has it told from now on which versions are asked.
    pub fn tells(&mut self) -> Told {
        self.told.get_or_insert_default().clone()
    }

    /// What was decided.
    #[must_use]
    pub fn decided(&self) -> Decided {
        Decided {
            pipeline: self.pipeline.clone(),
            by: self.who(),
            why: self.decision.why,
            revision: self.part.as_ref().map(|part| part.revision),
        }
    }

    /// The cache had the answer of a version.
    pub(super) fn tell_hit(&self, leg: &Leg, began: Instant) {
        if let Some(told) = &self.told {
            told.push(Attempt {
                origin: Some(Origin::Cache),
                ..Attempt::of(leg, began)
            });
        }
    }

    /// A version answered, or did not.
    pub(super) fn tell(
        &self,
        leg: &Leg,
        began: Instant,
        missed: bool,
        result: &Result<Computed, Error>,
        trail: Option<&Arc<Trail>>,
    ) {
        let Some(told) = &self.told else { return };
        let mut attempt = Attempt::of(leg, began);
        attempt.trail = trail.cloned();
        match result {
            Ok(computed) => {
                (attempt.queue, attempt.compute) = (computed.queue, computed.compute);
                let origin = if missed {
                    Origin::Missed
                } else {
                    Origin::Computed
                };
                attempt.origin = Some(origin);
            }
            Err(error) => attempt.failure = Some(error.code().word),
        }
        told.push(attempt);
    }
}

// === impl Attempt ===

impl Attempt {
    fn of(leg: &Leg, began: Instant) -> Self {
        let handle = &leg.handle;
        Self {
            by: (handle.model.clone(), handle.version, leg.variant.clone()),
            began,
            ended: clock::instant(),
            queue: Duration::ZERO,
            compute: Duration::ZERO,
            origin: None,
            failure: None,
            trail: None,
        }
    }
}
