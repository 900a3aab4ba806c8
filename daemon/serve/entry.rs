//! A request on its way through dispatch: what it found, and that it is counted once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use impresario_models::{Contract, Name, Tensor};
use impresario_pipelines::spec::Service;
use impresario_pipelines::table::Decision;

use super::{Answer, Origin};
use crate::actors::{Computed, Handle};
use crate::clock;
use crate::error::Error;
use crate::measure::{Cell, Outcome, Sample, Times};

/// A request that has found its pipeline: the contract to read its body with, and the version that was decided on,
/// so that no swap in between can lose it. It holds no other version in memory.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(super) handle: Arc<Handle>,
    pub(super) cell: Option<Arc<Cell>>,
    pub(super) pipeline: Name,
    pub(super) service: Arc<Service>,
    pub(super) decision: Decision,
}

impl Entry {
    /// The pipeline's name.
    #[must_use]
    pub fn pipeline(&self) -> &Name {
        &self.pipeline
    }

    /// What the request must fit.
    #[must_use]
    pub fn contract(&self) -> &Arc<Contract> {
        &self.handle().facts.contract
    }

    /// The version that was decided on.
    #[must_use]
    pub(crate) fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    /// Counts a request that did not come as far as dispatch: its body did not fit the contract.
    pub fn refused(&self, since: Instant) {
        self.ended(Outcome::Refused, since);
    }

    /// Counts a request that ended before dispatch.
    pub(super) fn ended(&self, outcome: Outcome, since: Instant) {
        self.count(Sample {
            outcome,
            rows: 0,
            request: since.elapsed(),
            times: None,
            at_ms: clock::wall_ms(),
        });
    }

    /// What is answered in place of outputs that come too late, where the pipeline says what.
    pub(super) fn substitute(&self, rows: usize) -> Option<Answer> {
        let substitute = self.service.on_deadline.as_ref()?;
        match substitute.outputs(self.contract(), rows) {
            Ok(outputs) => Some(self.answer(outputs, Origin::Substitute)),
            Err(what) => {
                tracing::warn!(pipeline = %self.pipeline, what, "the substitute does not fit what the version answers");
                None
            }
        }
    }

    pub(super) fn answer(&self, outputs: Vec<Tensor>, origin: Origin) -> Answer {
        let handle = self.handle();
        Answer {
            outputs,
            variant: self.decision.variant.clone(),
            model: handle.model.clone(),
            version: handle.version,
            facts: Arc::clone(&handle.facts),
            queue: Duration::ZERO,
            compute: Duration::ZERO,
            origin,
        }
    }

    /// Counts a look into the cache that began then.
    pub(super) fn looked(&self, count: impl Fn(&Cell, Duration), since: Instant) {
        if let Some(cell) = &self.cell {
            count(cell, since.elapsed());
        }
    }

    pub(super) fn count(&self, sample: Sample) {
        if let Some(cell) = &self.cell {
            cell.record(sample);
        }
    }
}

/// Counts a request once, when its result is known or when its caller leaves before (the future is dropped).
pub(super) struct Counting<'a> {
    pub(super) entry: &'a Entry,
    pub(super) begun: Instant,
    pub(super) rows: usize,
    pub(super) sample: Option<(Outcome, Option<Times>)>,
}

impl Counting<'_> {
    pub(super) fn ended(&mut self, result: &Result<Computed, Error>) {
        self.sample = Some(match result {
            Ok(computed) => {
                let times = Times {
                    queue: computed.queue,
                    compute: computed.compute,
                    executions: computed.executions,
                };
                (Outcome::Success, Some(times))
            }
            Err(error) => (error.code().outcome, None),
        });
    }
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        let (outcome, times) = self.sample.unwrap_or((Outcome::Abandoned, None));
        self.entry.count(Sample {
            outcome,
            rows: self.rows,
            request: self.begun.elapsed(),
            times,
            at_ms: clock::wall_ms(),
        });
    }
}
