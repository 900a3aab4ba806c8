//! Composites: a graph of models, pipelines and what joins them, compiled and type-checked once, walked per request.
//!
//! Nothing is called here. [`Walk`] says what is to be called next and is told what came of it; who calls, how long that
//! may take and what is cancelled is the daemon's work.

mod contracts;
mod problem;
mod shape;

pub use contracts::{Answer, Contracts, Trouble, Unknown};
pub use problem::{At, Problem};
pub use shape::{Branch, Condition, Feed, Graph, Node, NodeId, Work};
