//! Shadows: versions that see requests and answer nobody. Their answers are compared with those that callers get.
//!
//! A caller never waits for a shadow. Their request costs a look and a draw; where the draw picks it, its inputs and its
//! answer are copied, and all else is done on a thread of the shadows' own. What that thread has no room or time for is
//! dropped and counted. What a comparison comes to is the business of `impresario_pipelines::comparison`; who acts on it,
//! the analyst's.

mod lane;
mod run;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use impresario_models::{Contract, Name, Tensor, VersionNumber};
use impresario_pipelines::Revision;
use impresario_pipelines::comparison::{Comparison, Reading};
use impresario_pipelines::spec::Shadow;
use tokio::sync::watch;

use super::cache::size;
use super::{FAR, Guide, Serve};
use crate::actors::{Computed, Handle, Live};
use crate::clock;
use crate::draw::draw;
use crate::error::Error;
use lane::{Lane, Track};
use run::{Answered, Runner, Task};

/// Bytes of inputs and answers that wait for all shadows together. A request that finds no room is dropped.
const BYTES: usize = 64 << 20;

/// The shadows of all pipelines. Cloning shares them.
#[derive(Clone)]
pub struct Shadows(Arc<Inner>);

struct Inner {
    live: Live,
    /// The time that a shadow has for an answer.
    limit: Duration,
    lanes: ArcSwap<HashMap<Name, Arc<Lane>>>,
    /// Lanes are made and let go of by one at a time.
    making: Mutex<()>,
    /// Started with the first lane, and ends with this.
    runner: OnceLock<Runner>,
    held: Arc<AtomicUsize>,
    /// Counts the requests that a shadow has ended with, and the looks at newer tables.
    changes: watch::Sender<u64>,
}

/// What a pipeline's shadow came to.
#[derive(Clone, Debug)]
pub struct Shadowed {
    /// The shadow as it was specified.
    pub spec: Arc<Shadow>,
    /// By the version that answered, in the order in which they began to.
    pub beside: Vec<Beside>,
}

/// A shadow beside one version.
#[derive(Clone, Debug)]
pub struct Beside {
    /// The model that answers.
    pub model: Name,
    /// Its version.
    pub version: VersionNumber,
    /// What was counted.
    pub comparison: Comparison,
}

/// The way of one request's copy to a shadow, before the draw has picked it.
#[derive(Clone, Debug)]
pub(super) struct Aim {
    shadows: Shadows,
    lane: Arc<Lane>,
    track: Arc<Track>,
    /// Nothing is kept in memory for a shadow's sake; none where it cannot answer.
    shadow: Option<Weak<Handle>>,
    answering: Weak<Handle>,
    contract: Arc<Contract>,
    /// Who walks, where one of the two is a graph.
    walker: Option<Serve>,
}

/// A request that the draw has picked, until its caller's answer is there. Who drops it has none.
#[derive(Debug)]
pub(super) struct Shot {
    aim: Aim,
    inputs: Vec<Tensor>,
    guide: Guide,
    held: Held,
    /// It was passed on, or dropped.
    sent: bool,
}

/// Bytes that count among those that wait, as long as it is there.
#[derive(Debug)]
struct Held {
    bytes: usize,
    all: Arc<AtomicUsize>,
}

// === impl Shadows ===

impl Shadows {
    /// None yet. A shadow has as much time for a request as `limit` says; what the table of `live` has no shadow for is
    /// forgotten.
    #[must_use]
    pub fn new(live: Live, limit: Duration) -> Self {
        Self(Arc::new(Inner {
            live,
            limit,
            lanes: ArcSwap::default(),
            making: Mutex::default(),
            runner: OnceLock::new(),
            held: Arc::default(),
            changes: watch::Sender::new(0),
        }))
    }

    /// What the shadow of a pipeline came to; nothing where it has none, or nobody has asked the pipeline since.
    #[must_use]
    pub fn shadowed(&self, pipeline: &str) -> Option<Shadowed> {
        let lanes = self.0.lanes.load();
        let lane = lanes.get(pipeline)?;
        let tracks = lane.tracks();
        let beside = tracks.iter().map(|track| Beside {
            model: track.model.clone(),
            version: track.version,
            comparison: track.comparison(),
        });
        Some(Shadowed {
            spec: Arc::clone(&lane.spec),
            beside: beside.collect(),
        })
    }

    /// What the gate of a rollout reads: the counts beside the version that was the last to begin to answer.
    #[must_use]
    pub fn reading(&self, pipeline: &str) -> Option<Reading> {
        let lanes = self.0.lanes.load();
        let tracks = lanes.get(pipeline)?.tracks();
        tracks.last().map(|track| track.reading())
    }

    /// Tells when something else may be said: a shadow has ended with a request, or was forgotten.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// The way to the shadow of a pipeline, as a table of that revision has it, for a request that one version answers.
    /// None for who has looked at an older table than others, and where the version that answers is the shadow itself.
    pub(super) fn aim(
        &self,
        pipeline: &Name,
        spec: &Arc<Shadow>,
        revision: Revision,
        shadow: Option<&Arc<Handle>>,
        answering: &Arc<Handle>,
    ) -> Option<Aim> {
        if answering.version == spec.version && answering.model == spec.model {
            return None;
        }
        let known = self.0.lanes.load().get(pipeline).cloned();
        let lane = match known.filter(|lane| lane.is_of(spec)) {
            Some(lane) => lane,
            None => self.lane(pipeline, spec, revision)?,
        };
        Some(Aim {
            shadows: self.clone(),
            track: lane.track(&answering.model, answering.version),
            lane,
            shadow: shadow.map(Arc::downgrade),
            answering: Arc::downgrade(answering),
            contract: Arc::clone(&answering.facts.contract),
            walker: None,
        })
    }

    /// Makes the lane of a specification, in place of the one that the pipeline has.
    fn lane(&self, pipeline: &Name, spec: &Arc<Shadow>, revision: Revision) -> Option<Arc<Lane>> {
        let inner = &self.0;
        let _making = inner.making.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lanes = HashMap::clone(&inner.lanes.load());
        if let Some(lane) = lanes.get(pipeline) {
            if lane.is_of(spec) {
                return Some(Arc::clone(lane));
            }
            if lane.revision > revision {
                return None;
            }
        }
        if inner.runner.get().is_none() {
            let started = run::start(Arc::downgrade(inner), inner.live.changes());
            let started = started.inspect_err(|error| {
                tracing::error!(%error, "the thread of the shadows does not start; they see nothing");
            });
            // Nobody else starts one meanwhile: this one is still making.
            drop(inner.runner.set(started.ok()?));
        }
        let lane = Arc::new(Lane::new(Arc::clone(spec), revision));
        lanes.insert(pipeline.clone(), Arc::clone(&lane));
        inner.lanes.store(Arc::new(lanes));
        Some(lane)
    }
}

impl fmt::Debug for Shadows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lanes = self.0.lanes.load();
        f.debug_struct("Shadows")
            .field("pipelines", &lanes.keys())
            .field("held", &self.0.held)
            .finish_non_exhaustive()
    }
}

// === impl Inner ===

impl Inner {
    fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Forgets the lanes that the published table has no shadow for.
    fn forget(&self, keep: impl Fn(&Name, &Shadow) -> bool) {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let lanes = self.lanes.load();
        if lanes
            .iter()
            .all(|(pipeline, lane)| keep(pipeline, &lane.spec))
        {
            return;
        }
        let mut kept = HashMap::clone(&lanes);
        kept.retain(|pipeline, lane| keep(pipeline, &lane.spec));
        self.lanes.store(Arc::new(kept));
    }
}

// === impl Aim ===

impl Aim {
    /// The version that is the shadow.
    pub(super) fn shadow(&self) -> (Name, VersionNumber) {
        let spec = &self.lane.spec;
        (spec.model.clone(), spec.version)
    }

    /// Has it walk graphs, where one of the two versions is one.
    pub(super) fn with_walker(mut self, serve: &Serve) -> Self {
        let is_graph = |handle: &Weak<Handle>| {
            let handle = handle.upgrade();
            handle.is_some_and(|handle| handle.graph().is_some())
        };
        let walks = is_graph(&self.answering) || self.shadow.as_ref().is_some_and(is_graph);
        self.walker = walks.then(|| serve.clone());
        self
    }

    /// Whether one of the two versions is a graph.
    pub(super) fn walks(&self) -> bool {
        self.walker.is_some()
    }

    /// Draws whether the shadow sees a request, and copies its inputs where it does.
    pub(super) fn sample(&self, inputs: &[Tensor], guide: Guide) -> Option<Shot> {
        self.track.eligible();
        if uniform() >= self.lane.spec.sample {
            return None;
        }
        self.track.sampled();
        if self.shadow.is_none() {
            self.track.unavailable();
            return None;
        }
        let held = match self.lane.is_full() {
            true => None,
            false => Held::take(&self.shadows.0.held, bytes(inputs)),
        };
        let Some(held) = held else {
            self.track.dropped();
            return None;
        };
        Some(Shot {
            aim: self.clone(),
            inputs: inputs.to_vec(),
            guide,
            held,
            sent: false,
        })
    }
}

// === impl Shot ===

impl Shot {
    /// Passes on what the caller gets, and tells whether the shadow is to see it. The id is the request's, for examples.
    pub(super) fn answered(mut self, result: &Result<Computed, Error>, id: Option<&str>) -> bool {
        let answer = match result {
            Ok(computed) => Ok(computed),
            Err(error) => match run::fault(error) {
                Some(fault) => Err((fault, error)),
                // Nobody computed anything: there is nothing to compare with.
                None => return false,
            },
        };
        let more = answer.map_or(0, |computed| bytes(&computed.outputs));
        self.sent = true;
        let (place, room) = (self.aim.lane.enter(), self.held.more(more));
        let (Some(place), true) = (place, room) else {
            self.aim.track.dropped();
            return false;
        };
        let answered = match answer {
            Ok(computed) => Answered::new(computed),
            Err((fault, error)) => Answered::failed(fault, error),
        };
        let Inner { limit, runner, .. } = &*self.aim.shadows.0;
        let now = clock::instant();
        let task = Task {
            track: Arc::clone(&self.aim.track),
            lane: Arc::clone(&self.aim.lane),
            shadow: self.aim.shadow.clone().unwrap_or_default(),
            answering: self.aim.answering.clone(),
            contract: Arc::clone(&self.aim.contract),
            noise: uniform() < self.aim.lane.spec.noise,
            request: id.unwrap_or_default().to_owned(),
            inputs: std::mem::take(&mut self.inputs),
            walker: self.aim.walker.clone(),
            guide: std::mem::take(&mut self.guide).aside(),
            answered,
            limit: *limit,
            deadline: now.checked_add(*limit).unwrap_or(now + FAR),
            place: Some(place),
            _held: self.held.all(),
        };
        let sent = runner.get().is_some_and(|runner| runner.send(task));
        if !sent {
            // The thread is gone.
            self.aim.track.dropped();
        }
        sent
    }
}

impl Drop for Shot {
    fn drop(&mut self) {
        if !self.sent {
            self.aim.track.unanswered();
        }
    }
}

// === impl Held ===

impl Held {
    fn take(all: &Arc<AtomicUsize>, bytes: usize) -> Option<Self> {
        let mut held = Self {
            bytes: 0,
            all: Arc::clone(all),
        };
        held.more(bytes).then_some(held)
    }

    /// All that it holds, for another one to hold.
    fn all(&mut self) -> Self {
        Self {
            bytes: std::mem::take(&mut self.bytes),
            all: Arc::clone(&self.all),
        }
    }

    /// Holds so many more, if there is room.
    fn more(&mut self, bytes: usize) -> bool {
        if self.all.fetch_add(bytes, Ordering::Relaxed) + bytes > BYTES {
            self.all.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.bytes += bytes;
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

fn bytes(tensors: &[Tensor]) -> usize {
    tensors.iter().map(size).sum()
}

/// A uniform draw from 0 up to, but without, 1.
fn uniform() -> f64 {
    const BITS: u32 = f64::MANTISSA_DIGITS;
    (draw() >> (u64::BITS - BITS)) as f64 / (1u64 << BITS) as f64
}

#[cfg(test)]
mod tests;
