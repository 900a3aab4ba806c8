//! One request on its way to an instance, and what comes back.

use std::time::{Duration, Instant};

use impresario_models::{Tensor, batch};
use tokio::sync::oneshot;

use crate::error::Error;
use impresario_pipelines::Priority;

/// Where an answer goes.
pub(super) type Reply = oneshot::Sender<Result<Computed, Error>>;

/// One request on its way to an instance.
#[derive(Debug)]
pub(super) struct Job {
    /// All inputs, in the contract's order, checked.
    pub(super) inputs: Vec<Tensor>,
    /// When it entered the queue.
    pub(super) queued: Instant,
    /// When it is worth nothing any more.
    pub(super) deadline: Instant,
    /// The time that it had in all, for the message.
    pub(super) limit: Duration,
    /// Its class.
    pub(super) priority: Priority,
    /// It was in a batch that came to grief, and is computed by itself now.
    pub(super) alone: bool,
    /// Where the answer goes.
    pub(super) reply: Reply,
}

/// What an instance answers.
#[derive(Debug)]
pub struct Computed {
    /// All outputs, in the contract's order, checked.
    pub outputs: Vec<Tensor>,
    /// From the queue's end to its front.
    pub queue: Duration,
    /// In the engine, with all that was computed together.
    pub compute: Duration,
    /// Calls of the engine that this answer is to be charged with: a batch charges its first request only.
    pub executions: u64,
}

// === impl Job ===

impl Job {
    /// Rows in it: the first axis of its first input.
    pub(super) fn rows(&self) -> usize {
        batch::rows(&self.inputs)
    }

    /// Whether somebody waits for it still.
    pub(super) fn is_wanted(&self, now: Instant) -> bool {
        now < self.deadline && !self.reply.is_closed()
    }

    /// Answers that its time is over. Nobody may be left to hear it.
    pub(super) fn expire(self) {
        let expired = Error::Expired { limit: self.limit };
        drop(self.reply.send(Err(expired)));
    }

    /// Whether its rows can be joined with those of another: all axes but the first are alike.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.inputs.len() == other.inputs.len()
            && self.inputs.iter().zip(&other.inputs).all(|(a, b)| {
                a.datatype() == b.datatype()
                    && a.shape().len() == b.shape().len()
                    && a.shape().get(1..) == b.shape().get(1..)
            })
    }
}
