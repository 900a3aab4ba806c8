//! What is kept of a request for the payload log, from the pick to the record.
//!
//! A request is picked when it has found its pipeline. Its inputs are copied only where it is, as they are moved on their
//! way; what becomes of the record is the log's business.

use std::sync::Arc;
use std::time::{Duration, Instant};

use impresario_models::{Contract, Name, Tensor, VersionNumber};
use impresario_pipelines::fleet::Revision;
use impresario_pipelines::spec::Key;
use impresario_pipelines::spec::key::Source;
use impresario_pipelines::table::Route;

use super::{Answer, Asks, Entry, Origin, Rescue, Serve, Unit};
use crate::clock;
use crate::codec::Parameters;
use crate::draw::draw;
use crate::error::Error;
use crate::measure::Outcome;
use crate::payload::{Covered, Decided, Failure, Field, Log, Pick, Record, Tensors};
use crate::trace::TraceId;

/// The header that names a request: where a pipeline tells its callers apart by it, the id is their key.
const ID: &str = "x-request-id";

/// A request that the log keeps, or may keep.
#[derive(Clone, Debug)]
pub(super) struct Keep {
    log: Log,
    pick: Pick,
    id: Option<Box<str>>,
    revision: Revision,
    unit: Option<Unit>,
    hidden: Vec<Field>,
    parameters: Parameters,
    /// They were too large to be kept.
    unparametered: bool,
    /// The names of the outputs that are asked for; all where nothing is said.
    wanted: Option<Box<[Arc<str>]>>,
}

/// What is known of a request under way.
pub(super) struct Draft<'a> {
    keep: &'a Keep,
    limit: Option<Duration>,
    inputs: Option<Tensors>,
    outputs: Option<Tensors>,
    failure: Option<Failure>,
    origin: Origin,
    rescue: Option<Rescue>,
}

/// How a request ended, for its record.
pub(super) struct Ending {
    pub(super) by: (Name, VersionNumber),
    pub(super) outcome: Outcome,
    pub(super) queue: Duration,
    pub(super) compute: Duration,
    pub(super) total: Duration,
    pub(super) trail: Vec<(&'static str, String)>,
    pub(super) trace: Option<TraceId>,
}

impl Serve {
    /// Keeps records of requests in a log.
    #[must_use]
    pub fn with_payload_log(mut self, log: Log) -> Self {
        self.payload = log;
        self
    }

    /// The payload log.
    #[must_use]
    pub fn payload_log(&self) -> &Log {
        &self.payload
    }

    /// What the log keeps of a request that has found its route.
    pub(super) fn keep(&self, route: &Route, revision: Revision, asks: &Asks) -> Option<Box<Keep>> {
        if asks.is_part || !self.payload.wants(route.name.as_str()) {
            return None;
        }
        let id = asks.logged.as_deref();
        let pick = self.payload.pick(id, draw)?;
        Some(Box::new(Keep {
            log: self.payload.clone(),
            pick,
            id: id.map(Box::from),
            revision,
            unit: asks.unit(),
            hidden: hidden(&route.service.key),
            parameters: Parameters::default(),
            unparametered: false,
            wanted: None,
        }))
    }

    /// Keeps a request to a pipeline that nobody can answer.
    pub(super) fn keep_unanswered(&self, name: &str, asks: &Asks, arrived: Instant, error: &Error) {
        let snapshot = self.live.look();
        let Some(route) = snapshot.table.route(name) else {
            return;
        };
        let Some(keep) = self.keep(route, snapshot.table.revision, asks) else {
            return;
        };
        let failure = Some(Failure::of(error));
        let draft = Draft {
            failure,
            ..Draft::new(&keep)
        };
        let mut record = draft.record(route.name.clone(), error.code().outcome);
        record.total = arrived.elapsed();
        keep.log.push(record);
    }
}

/// What callers are told apart by, where it stands in what is kept: the key itself is written nowhere.
fn hidden(key: &Key) -> Vec<Field> {
    let field = |source: &Source| match source {
        Source::Header(name) => (name == ID).then_some(Field::Id),
        Source::Cookie(_) => None,
        Source::Parameter(name) => Some(Field::Parameter(name.as_str().into())),
        Source::Pointer(pointer) => match pointer.tokens() {
            [first, name, ..] if first == "parameters" => {
                Some(Field::Parameter(name.as_str().into()))
            }
            // Inputs are kept in the contract's order, which need not be the request's.
            [first, ..] if first == "inputs" => Some(Field::Input("*".into())),
            [first, ..] if first == "parameters" => Some(Field::Parameter("*".into())),
            _ => None,
        },
    };
    key.sources().iter().filter_map(field).collect()
}

impl Entry {
    /// Notes the parameters of the request, for its record.
    pub fn keeps(&mut self, parameters: &Parameters) {
        if let Some(keep) = &mut self.keep {
            keep.notes(parameters);
        }
    }
}

// === impl Keep ===

impl Keep {
    /// Copies the parameters, unless they are more than a record may be: they would be left out of its line, and until then
    /// be in memory twice.
    fn notes(&mut self, parameters: &Parameters) {
        self.unparametered = parameters.bytes() > self.log.most();
        if !self.unparametered {
            self.parameters = parameters.clone();
        }
    }

    /// Notes which outputs are asked for, by their places in the contract.
    pub(super) fn wants(
        &mut self,
        contract: &Contract,
        outputs: impl ExactSizeIterator<Item = usize>,
    ) {
        if outputs.len() < contract.outputs.len() {
            let ports = outputs.filter_map(|at| contract.outputs.get(at));
            self.wanted = Some(ports.map(|port| Arc::clone(&port.name)).collect());
        }
    }
}

// === impl Draft ===

impl<'a> Draft<'a> {
    pub(super) fn new(keep: &'a Keep) -> Self {
        Self {
            keep,
            limit: None,
            inputs: None,
            outputs: None,
            failure: None,
            origin: Origin::Computed,
            rescue: None,
        }
    }

    /// Copies the inputs, which are in the contract's order.
    pub(super) fn asks(&mut self, contract: &Arc<Contract>, inputs: &[Tensor], limit: Duration) {
        self.limit = Some(limit);
        self.inputs = Some(Tensors::copy(contract, inputs, self.keep.log.most()));
    }

    /// Notes what the caller gets.
    pub(super) fn ended(&mut self, result: &Result<Answer, Error>) {
        match result {
            Ok(answer) => {
                self.origin = answer.origin;
                self.rescue.clone_from(&answer.rescue);
                if self.is_kept(true) {
                    let contract = &answer.facts.contract;
                    let most = self.keep.log.most();
                    self.outputs = Some(Tensors::copy(contract, &answer.outputs, most));
                }
            }
            Err(error) => self.failure = Some(Failure::of(error)),
        }
    }

    /// Notes why the request did not come as far as dispatch.
    pub(super) fn refused(&mut self, failure: Failure) {
        self.failure = Some(failure);
    }

    /// Notes that the caller gets a substitute.
    pub(super) fn substituted(&mut self) {
        self.origin = Origin::Substitute;
    }

    /// Passes the record on, if the request is one of those that are kept.
    pub(super) fn end(self, entry: &Entry, ending: Ending) {
        if !self.is_kept(ending.outcome == Outcome::Success) {
            return;
        }
        let decision = &entry.decision;
        let (model, version) = ending.by;
        let log = self.keep.log.clone();
        let handle = entry.handle();
        let rescue = self.rescue.as_ref().map(|rescue| Covered {
            variant: rescue.from.clone(),
            why: rescue.why,
            model: handle.model.clone(),
            version: handle.version,
        });
        let mut record = self.record(entry.pipeline.clone(), ending.outcome);
        record.decided = Some(Decided {
            variant: decision.variant.clone(),
            arm: decision.arm,
            why: decision.why,
            model,
            version,
        });
        (record.queue, record.compute, record.total) = (ending.queue, ending.compute, ending.total);
        (record.trail, record.trace, record.rescue) = (ending.trail, ending.trace, rescue);
        log.push(record);
    }

    /// A version that failed is one that failed, whoever answered in its place.
    fn is_kept(&self, success: bool) -> bool {
        self.keep.pick == Pick::Always || !success || self.rescue.is_some()
    }

    fn record(self, pipeline: Name, outcome: Outcome) -> Record {
        let Keep {
            id,
            revision,
            unit,
            hidden,
            parameters,
            unparametered,
            wanted,
            ..
        } = self.keep.clone();
        Record {
            at_ms: clock::wall_ms(),
            id,
            pipeline,
            revision: revision.0,
            decided: None,
            unit: unit.map(Unit::bits),
            trace: None,
            outcome,
            failure: self.failure,
            rescue: None,
            cache: self.origin.as_str(),
            substitute: self.origin == Origin::Substitute,
            queue: Duration::ZERO,
            compute: Duration::ZERO,
            total: Duration::ZERO,
            limit: self.limit,
            trail: Vec::new(),
            parameters,
            unparametered,
            inputs: self.inputs,
            wanted,
            outputs: self.outputs,
            hidden,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Settings;

    #[test]
    fn parameters_that_no_record_has_room_for_are_not_kept() {
        let above = tempfile::tempdir().unwrap();
        let log = Log::start(Settings {
            folder: above.path().join("payload"),
            sample: 1.0,
            failures: 1.0,
            pipelines: Vec::new(),
            max_file: 1 << 20,
            max_files: 2,
            max_total: 4 << 20,
            queue: 4,
            queue_bytes: 1 << 20,
            max_record: 1_000,
            redact: Vec::new(),
        });
        let log = log.unwrap();
        for (length, unparametered) in [(100, false), (2_000, true)] {
            let mut keep = Keep {
                log: log.clone(),
                pick: Pick::Always,
                id: None,
                revision: Revision(1),
                unit: None,
                hidden: Vec::new(),
                parameters: Parameters::default(),
                unparametered: false,
                wanted: None,
            };
            keep.notes(&Parameters::text("tier", &"p".repeat(length)));
            let record = Draft::new(&keep).record(Name::new("front").unwrap(), Outcome::Success);
            let is_there = record.parameters.get("tier").is_some();
            assert_eq!(
                (record.unparametered, is_there),
                (unparametered, !unparametered)
            );
        }
    }
}
