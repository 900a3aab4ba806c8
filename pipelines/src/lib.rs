//! Which version answers which request: specs, policies, route tables and the fleet's state machine.
//!
//! This room decides and performs nothing: no I/O, no async, no clock, no global randomness. Times and draws
//! are arguments, so that every decision can be replayed.

pub mod analysis;
pub mod breaches;
pub mod bucket;
mod bytes;
pub mod combine;
pub mod comparison;
pub mod expr;
pub mod fleet;
pub mod graph;
pub mod learning;
pub mod policy;
mod priority;
pub mod rollout;
pub mod spec;
pub mod stats;
pub mod table;
pub mod trial;
mod variant;

pub use fleet::{Fleet, Revision};
pub use priority::Priority;
pub use table::RouteTable;
pub use variant::{Arm, Variant};
