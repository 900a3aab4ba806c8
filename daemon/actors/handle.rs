//! What others hold of a version that answers: the way into its queue, its gate, and its model for what is cheap. One that
//! is a graph has none of these: whoever holds it walks it.
//!
//! The queue closes when the handle is dropped; the workers then finish what is in it and go. So a version that
//! left the route table loses no request, however long one of them still holds the old snapshot.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix::Addr;
use impresario_models::loader::Cached;
use impresario_models::{Name, Tensor, VersionNumber, batch};
use impresario_pipelines::fleet::Facts;
use impresario_pipelines::graph::Graph;
use tokio::sync::oneshot;

use super::cost;
use super::job::{Computed, Job};
use super::messages::{Demand, Fell};
use super::queue::Refused;
use super::recall::Uses;
use super::version::Version;
use super::worker::{self, Called, End, Post};
use crate::clock;
use crate::error::{Error, Load};
use crate::measure::Nodes;
use impresario_pipelines::Priority;

/// The longest time that callers are sent away for.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// A version that answers, as dispatch sees it.
pub struct Handle {
    /// The model.
    pub model: Name,
    /// The version.
    pub version: VersionNumber,
    /// What is known of it.
    pub facts: Arc<Facts>,
    /// How long one computation may take before its instance counts as hung.
    pub timeout: Duration,
    /// Whether its answers are kept, where so.
    pub cache: Option<Cached>,
    /// Where it is a graph, the counters of its nodes.
    pub(crate) nodes: Option<Arc<Nodes>>,
    /// The way to its instances; none where it is a graph.
    pub(super) instances: Option<Instances>,
}

/// The way to the instances of a loaded version.
pub(super) struct Instances {
    /// Whether cheap inferences may be computed by who calls.
    pub(super) inline: bool,
    pub(super) uses: Uses,
    pub(super) post: Post,
    pub(super) gate: Arc<Gate>,
    pub(super) actor: Addr<Version>,
}

/// Whether a version takes jobs at all, and in which way.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Milliseconds until it is worth to come back, plus one; zero when open. Closed while the version waits longer
    /// for its rebuild than a caller should.
    closed: AtomicU64,
    /// The engine panicked in a caller's hands: nobody computes with it until it is rebuilt.
    fallen: AtomicBool,
    /// Workers were asked for and have not been looked after yet.
    demanded: AtomicBool,
}

impl Handle {
    /// A version that is a graph: nothing of it is in memory but what is known of it.
    pub(super) fn of_graph(
        model: Name,
        version: VersionNumber,
        facts: Arc<Facts>,
        nodes: Option<Arc<Nodes>>,
    ) -> Self {
        Self {
            model,
            version,
            timeout: Duration::from_millis(facts.timeout),
            facts,
            cache: None,
            nodes,
            instances: None,
        }
    }

    /// A version that is not in memory, as it was: for who has to know what it takes and gives, and asks no more of it.
    pub(crate) fn away(model: Name, version: VersionNumber, facts: Arc<Facts>) -> Self {
        Self::of_graph(model, version, facts, None)
    }

    /// Whether it is known without being in memory: nobody computes with it.
    pub(crate) fn is_away(&self) -> bool {
        self.instances.is_none() && self.graph().is_none()
    }

    /// The graph that it is, where it is one.
    #[must_use]
    pub fn graph(&self) -> Option<&Arc<Graph>> {
        self.facts.graph.as_ref()
    }

    /// Notes that a request entered: who was used last stays in memory longest.
    pub(crate) fn used(&self, at: Instant) {
        if let Some(instances) = &self.instances {
            instances.uses.note(at);
        }
    }

    /// When it was used last, in the supervisor's monotonic milliseconds; nothing where it was not since that was asked.
    pub(super) fn last_use(&self) -> Option<u64> {
        self.instances.as_ref()?.uses.last()
    }

    /// Computes the inputs at once on this thread, where that is known to be cheap; else gives them back.
    ///
    /// # Errors
    /// The inputs, when they are to be sent instead.
    pub fn compute_here(
        &self,
        inputs: Vec<Tensor>,
    ) -> Result<Result<Computed, Error>, Vec<Tensor>> {
        let Some(Instances {
            inline: true,
            post,
            gate,
            actor,
            ..
        }) = &self.instances
        else {
            return Err(inputs);
        };
        if gate.is_fallen() || gate.closed().is_some() {
            return Err(inputs);
        }
        let size = cost::size(&inputs);
        let loaded = post.current.load();
        if !post.cost.is_cheap(size, loaded.joins) {
            return Err(inputs);
        }
        let rows = batch::rows(&inputs);
        let started = clock::instant();
        let called = worker::call(&loaded, inputs);
        let compute = started.elapsed();
        Ok(match called {
            Called::Answered(outputs) => {
                post.cost.note(size, rows, compute);
                Ok(Computed {
                    outputs,
                    queue: Duration::ZERO,
                    compute,
                    executions: 1,
                })
            }
            Called::Failed(error) => Err(Error::from_engine(&self.model, self.version, error)),
            Called::Panicked(what) => {
                // Callers on other threads may see the same fall: it is one.
                if gate.fall() {
                    let end = End::Panicked(what.clone());
                    actor.do_send(Fell { worker: None, end });
                }
                Err(Error::Crashed {
                    model: self.model.clone(),
                    version: self.version,
                    what,
                })
            }
        })
    }

    /// Puts a request into the queue.
    ///
    /// # Errors
    /// [`Error::Overloaded`] at once when the queue is full or takes longer than the request has,
    /// [`Error::Unavailable`] while the version is being rebuilt or is gone.
    pub fn send(
        &self,
        inputs: Vec<Tensor>,
        priority: Priority,
        deadline: Instant,
        limit: Duration,
    ) -> Result<oneshot::Receiver<Result<Computed, Error>>, Error> {
        let Some(Instances {
            post, gate, actor, ..
        }) = &self.instances
        else {
            return Err(self.unavailable(None));
        };
        if let Some(retry_after) = gate.closed() {
            return Err(self.unavailable(Some(retry_after)));
        }
        let now = clock::instant();
        // The most urgent class passes what waits, so its wait is not known.
        if priority > Priority::High
            && let Some(wait) = self.too_long(now, deadline)
        {
            let left = deadline.saturating_duration_since(now);
            return Err(self.overloaded(Load::Late { wait, left }));
        }
        let (reply, answer) = oneshot::channel();
        let job = Job {
            inputs,
            queued: now,
            deadline,
            limit,
            priority,
            alone: false,
            reply,
        };
        match post.queue.push(job) {
            Ok(pushed) => {
                if let Some(shed) = pushed.shed {
                    drop(shed.reply.send(Err(self.overloaded(Load::Shed))));
                }
                if !pushed.awaited && gate.demand() {
                    actor.do_send(Demand);
                }
                Ok(answer)
            }
            Err(Refused::Full) => {
                let queue = post.queue.capacity();
                Err(self.overloaded(Load::Full { queue }))
            }
            Err(Refused::Closed) => Err(self.unavailable(None)),
        }
    }

    /// Requests that wait now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.post().map_or(0, |post| post.queue.len())
    }

    /// Requests that may wait.
    #[must_use]
    pub fn queue(&self) -> usize {
        self.post().map_or(0, |post| post.queue.capacity())
    }

    /// Instances that compute now, those that hang included; what callers compute by themselves is not counted.
    #[must_use]
    pub fn busy(&self) -> usize {
        self.post()
            .map_or(0, |post| post.busy.load(Ordering::Relaxed))
    }

    fn post(&self) -> Option<&Post> {
        Some(&self.instances.as_ref()?.post)
    }

    /// How long what waits takes at the least; nothing where nothing waits or no cost is known.
    fn wait(&self) -> Option<Duration> {
        let post = self.post()?;
        let rows = post.queue.rows();
        if rows == 0 {
            return None;
        }
        let instances = u32::try_from(self.facts.instances).unwrap_or(u32::MAX);
        Some(post.cost.of_rows(rows)? / instances.max(1))
    }

    /// How long what waits takes, where that is longer than until the deadline. Who left meanwhile takes no time.
    fn too_long(&self, now: Instant, deadline: Instant) -> Option<Duration> {
        let too_long = || self.wait().filter(|wait| now + *wait > deadline);
        too_long()?;
        self.post()?.queue.forget();
        too_long()
    }

    fn overloaded(&self, load: Load) -> Error {
        let second = Duration::from_secs(1);
        Error::Overloaded {
            model: self.model.clone(),
            version: self.version,
            load,
            retry_after: self.wait().unwrap_or(second).clamp(second, LONGEST_RETRY),
        }
    }

    /// The error for a version that takes no requests now.
    #[must_use]
    pub fn unavailable(&self, retry_after: Option<Duration>) -> Error {
        Error::Unavailable {
            why: format!(
                "model '{}' version {} restarts after a crash",
                self.model, self.version
            ),
            retry_after,
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(instances) = &self.instances {
            instances.post.queue.close();
            // A version without a worker learns from nobody else that it has drained.
            instances.actor.do_send(Demand);
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("model", &self.model)
            .field("version", &self.version)
            .field("gate", &self.instances.as_ref().map(|i| &i.gate))
            .finish_non_exhaustive()
    }
}

// === impl Gate ===

impl Gate {
    /// The version was built anew.
    pub(super) fn open(&self) {
        self.fallen.store(false, Ordering::Release);
        self.closed.store(0, Ordering::Release);
    }

    pub(super) fn close(&self, retry_after: Duration) {
        let millis = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX - 1);
        self.closed
            .store(millis.saturating_add(1), Ordering::Release);
    }

    pub(super) fn closed(&self) -> Option<Duration> {
        match self.closed.load(Ordering::Acquire) {
            0 => None,
            millis => Some(Duration::from_millis(millis - 1)),
        }
    }

    /// Notes that the engine panicked; whether this is the first note of it.
    pub(super) fn fall(&self) -> bool {
        !self.fallen.swap(true, Ordering::AcqRel)
    }

    fn is_fallen(&self) -> bool {
        self.fallen.load(Ordering::Acquire)
    }

    /// Asks for workers; whether nobody has asked since the last look.
    fn demand(&self) -> bool {
        !self.demanded.swap(true, Ordering::AcqRel)
    }

    /// Who looks at the queue after this sees everything that was put in before it was asked for.
    pub(super) fn look(&self) {
        self.demanded.swap(false, Ordering::AcqRel);
    }
}
