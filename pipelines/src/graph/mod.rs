//! Composites: a graph of models, pipelines and what joins them, compiled and type-checked once, walked per request.
//!
//! Nothing is called here. [`Walk`] says what is to be called next and is told what came of it; who calls, how long that
//! may take and what is cancelled is the daemon's work.

mod compile;
mod contracts;
mod names;
mod problem;
mod shape;
mod show;
mod walk;

pub use compile::compile;
pub use contracts::{Answer, Contracts, Trouble, Unknown};
pub use names::{Edge, Outline, Role, outline};
pub use problem::{At, Problem};
pub use shape::{Branch, Condition, Feed, Graph, Node, NodeId, Work};
pub use show::Drawing;
pub use walk::{Call, Cause, Done, Failed, Fate, Request, Step, Stop, Ticket, Visit, Walk};

#[cfg(test)]
mod tests;
