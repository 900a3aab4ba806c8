//! What is told to a walk, and what it tells: requests, steps and what came of them.

use std::sync::Arc;
use std::time::Duration;

use impresario_models::Tensor;

use crate::expr::Parameters;
use crate::graph::NodeId;

/// What a graph is walked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The inputs, in the order of the graph's contract and checked against it.
    pub inputs: Vec<Tensor>,
    /// The parameters, for expressions.
    pub parameters: Parameters,
    /// What splitters go by; by `draw` where there is none.
    pub key: Option<Arc<str>>,
    /// A uniform draw.
    pub draw: u64,
}

/// What is to be done for a walk.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Call what a node calls, and tell what came of it by [`answered`](super::Walk::answered).
    Call(Call),
    /// Wait, and tell when it is over by [`rested`](super::Walk::rested).
    Pause {
        /// By what it is told.
        ticket: Ticket,
        /// How long.
        length: Duration,
    },
    /// Nobody wants any more what this ticket was given out for. What comes of it all the same is not heard.
    Cancel(Ticket),
}

/// A call that is to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// By what it is told what came of it.
    pub ticket: Ticket,
    /// The node: whom it calls and how long that may take stand there.
    pub node: NodeId,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The inputs, in the order of the callee's contract.
    pub inputs: Vec<Tensor>,
    /// How many rows they have; 1 where the graph does not batch.
    pub rows: usize,
}

/// Names one call or pause of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    pub(super) node: NodeId,
    pub(super) number: u32,
}

/// A call that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed<E> {
    /// Why.
    pub error: E,
    /// Whether it may go better another time.
    pub retryable: bool,
}

// === impl Ticket ===

impl Ticket {
    /// The node that it was given out for.
    #[must_use]
    pub fn node(self) -> NodeId {
        self.node
    }
}
