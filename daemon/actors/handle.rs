//! What others hold of a loaded version: its bounded queue and its gate.
//!
//! The queue closes when the last handle is dropped; the workers then finish what is in it and go. So a version
//! that left the route table loses no request, however long one of them still holds the old snapshot.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use impresario_models::loader::Cached;
use impresario_models::{Name, Tensor, VersionNumber};
use impresario_pipelines::fleet::Facts;
use tokio::sync::oneshot;

use crate::clock;
use crate::error::Error;

/// A loaded version, as dispatch sees it.
#[derive(Debug)]
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
    pub(super) queue: flume::Sender<Job>,
    pub(super) gate: Arc<Gate>,
}

/// One request on its way to a worker.
#[derive(Debug)]
pub struct Job {
    /// All inputs, in the contract's order, checked.
    pub inputs: Vec<Tensor>,
    /// When it entered the queue.
    pub queued: Instant,
    /// When it is worth nothing any more.
    pub deadline: Instant,
    /// The time that it had in all, for the message.
    pub limit: Duration,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<Computed, Error>>,
}

/// What a worker answers.
#[derive(Debug)]
pub struct Computed {
    /// All outputs, in the contract's order, checked.
    pub outputs: Vec<Tensor>,
    /// From the queue's end to its front.
    pub queue: Duration,
    /// In the engine.
    pub compute: Duration,
}

/// Whether a version takes jobs at all. Closed while it waits longer for its rebuild than a caller should.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Milliseconds until it is worth to come back, plus one; zero when open.
    closed: AtomicU64,
}

impl Handle {
    /// Puts a request into the queue.
    ///
    /// # Errors
    /// [`Error::Overloaded`] at once when the queue is full, [`Error::Unavailable`] while the version is being
    /// rebuilt or is gone.
    pub fn send(
        &self,
        inputs: Vec<Tensor>,
        deadline: Instant,
        limit: Duration,
    ) -> Result<oneshot::Receiver<Result<Computed, Error>>, Error> {
        if let Some(retry_after) = self.gate.closed() {
            return Err(self.unavailable(Some(retry_after)));
        }
        let (reply, answer) = oneshot::channel();
        let job = Job {
            inputs,
            queued: clock::instant(),
            deadline,
            limit,
            reply,
        };
        match self.queue.try_send(job) {
            Ok(()) => Ok(answer),
            Err(flume::TrySendError::Full(_)) => Err(Error::Overloaded {
                model: self.model.clone(),
                version: self.version,
                queue: self.queue.capacity().unwrap_or(usize::MAX),
            }),
            Err(flume::TrySendError::Disconnected(_)) => Err(self.unavailable(None)),
        }
    }

    /// Requests that wait now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
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

impl Gate {
    pub(super) fn open(&self) {
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
}
