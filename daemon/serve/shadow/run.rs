//! The shadows' own thread: asks a shadow what callers were answered already, and compares.
//!
//! It sends with the least urgency, as much at a time as the specification allows, and waits no longer than a limit.
//! Versions are not kept in memory by what waits for them.

use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use std::{io, thread};

use impresario_models::{Contract, Tensor};
use impresario_pipelines::Priority;
use impresario_pipelines::comparison::{self, Coverage, Failure, Fault, Pair};
use tokio::runtime;
use tokio::sync::{mpsc, watch};

use super::lane::{Lane, Place, Track};
use super::{Held, Inner};
use crate::actors::{Computed, Handle};
use crate::error::{Error, causes};
use crate::measure::Outcome;
use crate::serve::dispatch::Time;
use crate::serve::{Guide, Serve};

/// The way to the thread, which ends with it.
#[derive(Debug)]
pub(super) struct Runner(mpsc::UnboundedSender<Task>);

/// A request that was answered, and is to be shown to a shadow. As many wait as their lanes and [`super::BYTES`] allow.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) track: Arc<Track>,
    pub(super) lane: Arc<Lane>,
    pub(super) shadow: Weak<Handle>,
    pub(super) answering: Weak<Handle>,
    /// Of the version that answered.
    pub(super) contract: Arc<Contract>,
    /// The version that answered is asked once more.
    pub(super) noise: bool,
    /// The request's id; empty for none.
    pub(super) request: String,
    /// In the order of the contract of the version that answered.
    pub(super) inputs: Vec<Tensor>,
    /// Who walks, where one of the two is a graph.
    pub(super) walker: Option<Serve>,
    /// What a graph goes by.
    pub(super) guide: Guide,
    pub(super) answered: Answered,
    pub(super) limit: Duration,
    pub(super) deadline: Instant,
    pub(super) place: Option<Place>,
    /// As long as it is under way.
    pub(super) _held: Held,
}

/// What a version made of a request.
#[derive(Debug)]
pub(super) struct Answered {
    result: Result<Vec<Tensor>, (Fault, String)>,
    compute: Option<Duration>,
}

/// Why there is nothing to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nothing {
    /// The time passed.
    Expired,
    /// It is not there, or has no room.
    Unavailable,
}

/// Starts the thread. It forgets what the published tables have no shadow for any more.
pub(super) fn start(shadows: Weak<Inner>, changes: watch::Receiver<u64>) -> io::Result<Runner> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let (sender, tasks) = mpsc::unbounded_channel();
    let work = move || runtime.block_on(serve(shadows, changes, tasks));
    thread::Builder::new()
        .name("shadows".to_owned())
        .spawn(work)?;
    Ok(Runner(sender))
}

async fn serve(
    shadows: Weak<Inner>,
    mut changes: watch::Receiver<u64>,
    mut tasks: mpsc::UnboundedReceiver<Task>,
) {
    loop {
        tokio::select! {
            task = tasks.recv() => {
                let (Some(task), shadows) = (task, Weak::clone(&shadows)) else { return };
                tokio::spawn(async move {
                    task.run().await;
                    if let Some(shadows) = shadows.upgrade() {
                        shadows.changed();
                    }
                });
            }
            changed = changes.changed() => {
                let (Ok(()), Some(shadows)) = (changed, shadows.upgrade()) else { return };
                let snapshot = shadows.live.look();
                shadows.forget(|pipeline, spec| {
                    let route = snapshot.table.route(pipeline.as_str());
                    let shadow = route.and_then(|route| route.shadow.as_ref());
                    shadow.is_some_and(|shadow| *shadow.spec == *spec)
                });
                shadows.changed();
            }
        }
    }
}

// === impl Runner ===

impl Runner {
    /// Whether the thread took it.
    pub(super) fn send(&self, task: Task) -> bool {
        self.0.send(task).is_ok()
    }
}

// === impl Task ===

impl Task {
    async fn run(mut self) {
        let lane = Arc::clone(&self.lane);
        let Some(Ok(_running)) = within(self.deadline, lane.run()).await else {
            return self.nothing(Nothing::Expired);
        };
        // It does not wait any more, so another one may.
        self.place = None;
        let Some(shadow) = self.shadow.upgrade() else {
            return self.nothing(Nothing::Unavailable);
        };
        let theirs = Arc::clone(&shadow.facts.contract);
        let needed = self.noise || self.lane.spec.examples > 0;
        let inputs = match needed {
            true => self.inputs.clone(),
            false => std::mem::take(&mut self.inputs),
        };
        let answer = match fit(&self.contract, &theirs, inputs) {
            Ok(inputs) => self.ask(shadow, inputs).await,
            Err(unfit) => Ok(unfit),
        };
        match answer {
            Ok(other) => self.track.count(|comparison| {
                comparison.record(self.pair(&theirs, &other));
            }),
            Err(nothing) => self.nothing(nothing),
        }
        if self.noise {
            self.again().await;
        }
    }

    /// Asks the version that answered once more.
    async fn again(&self) {
        let answer = match self.answering.upgrade() {
            Some(handle) => self.ask(handle, self.inputs.clone()).await,
            None => Err(Nothing::Unavailable),
        };
        self.track.count(|comparison| match &answer {
            Ok(again) => {
                comparison.record_noise(&self.pair(&self.contract, again));
            }
            Err(Nothing::Expired | Nothing::Unavailable) => comparison.coverage.noise_dropped += 1,
        });
    }

    /// Asks a version like any other caller, but of the least urgent class.
    async fn ask(&self, handle: Arc<Handle>, inputs: Vec<Tensor>) -> Result<Answered, Nothing> {
        let result = match (handle.graph().cloned(), &self.walker) {
            (Some(graph), Some(walker)) => {
                drop(handle);
                let time = Time {
                    limit: self.limit,
                    deadline: self.deadline,
                    priority: Priority::Low,
                    trace: None,
                };
                let walked = walker.walk(&graph, &[], self.guide.clone(), inputs, time);
                walked.await.result
            }
            _ => self.sent(handle, inputs).await?,
        };
        match result {
            Ok(computed) => Ok(Answered {
                compute: Some(computed.compute),
                result: Ok(computed.outputs),
            }),
            Err(error) => match (fault(&error), error.root()) {
                (Some(fault), _) => Ok(Answered::failed(fault, &error)),
                (None, Error::Expired { .. }) => Err(Nothing::Expired),
                (None, _) => Err(Nothing::Unavailable),
            },
        }
    }

    /// What the instances of a version make of it.
    async fn sent(
        &self,
        handle: Arc<Handle>,
        inputs: Vec<Tensor>,
    ) -> Result<Result<Computed, Error>, Nothing> {
        let sent = handle.send(inputs, Priority::Low, self.deadline, self.limit);
        // Who waits for an answer holds on to no version.
        drop(handle);
        match sent {
            Ok(answer) => match within(self.deadline, answer).await {
                Some(Ok(result)) => Ok(result),
                Some(Err(_)) => Err(Nothing::Unavailable),
                None => Err(Nothing::Expired),
            },
            Err(error) => Ok(Err(error)),
        }
    }

    /// What the caller got beside what another computation came to.
    fn pair<'a>(&'a self, contract: &'a Contract, other: &'a Answered) -> Pair<'a> {
        Pair {
            request: &self.request,
            inputs: &self.inputs,
            answered: self.answered.by(&self.contract),
            other: other.by(contract),
        }
    }

    fn nothing(&self, nothing: Nothing) {
        self.track.count(|comparison| {
            let Coverage {
                expired,
                unavailable,
                ..
            } = &mut comparison.coverage;
            match nothing {
                Nothing::Expired => *expired += 1,
                Nothing::Unavailable => *unavailable += 1,
            }
        });
    }
}

// === impl Answered ===

impl Answered {
    pub(super) fn new(computed: &Computed) -> Self {
        Self {
            result: Ok(computed.outputs.clone()),
            compute: Some(computed.compute),
        }
    }

    /// As an answer of a version with this contract.
    fn by<'a>(&'a self, contract: &'a Contract) -> comparison::Answer<'a> {
        comparison::Answer {
            contract,
            result: match &self.result {
                Ok(outputs) => Ok(&outputs[..]),
                Err((fault, what)) => Err(Failure {
                    fault: *fault,
                    what,
                }),
            },
            compute: self.compute.map(nanos),
        }
    }

    pub(super) fn failed(fault: Fault, error: &Error) -> Self {
        Self {
            result: Err((fault, causes(error))),
            compute: None,
        }
    }
}

/// How a version failed; none where it was not its fault, or it was not asked.
pub(super) fn fault(error: &Error) -> Option<Fault> {
    match (error.code().outcome, error) {
        (_, Error::Hung { .. }) => Some(Fault::Hung),
        (Outcome::Crashed, _) => Some(Fault::Crashed),
        (Outcome::Failed, _) => Some(Fault::Failed),
        (Outcome::Refused, _) => Some(Fault::Refused),
        (
            Outcome::Success
            | Outcome::Overloaded
            | Outcome::Unavailable
            | Outcome::Limited
            | Outcome::Expired
            | Outcome::Abandoned,
            _,
        ) => None,
    }
}

/// The inputs of one contract as another one has them, or that they do not fit.
fn fit(
    from: &Arc<Contract>,
    to: &Arc<Contract>,
    inputs: Vec<Tensor>,
) -> Result<Vec<Tensor>, Answered> {
    if Arc::ptr_eq(from, to) || from == to {
        return Ok(inputs);
    }
    let named = from.inputs.iter().map(|port| &*port.name).zip(inputs);
    to.arrange(named).map_err(|unfit| Answered {
        result: Err((Fault::Unfit, unfit.to_string())),
        compute: None,
    })
}

/// What comes before a time; nothing where it does not.
async fn within<T>(deadline: Instant, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout_at(deadline.into(), work).await.ok()
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
