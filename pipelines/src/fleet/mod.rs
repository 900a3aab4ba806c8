//! The fleet: all routing state, and the two pure functions that are its whole control plane.
//!
//! `apply` takes the fleet and one input to the next fleet or a rejection; `plan` says what is to be done to
//! bring what is observed to what is desired. Nothing here performs anything, reads a clock or keeps a queue:
//! after a crash the stored routing is loaded, `plan` is asked again, and work goes on.

mod apply;
mod check;
mod command;
mod complete;
mod course;
mod entry;
mod event;
mod graphs;
mod input;
mod load;
mod members;
mod memory;
mod observed;
mod past;
mod plan;
mod put;
mod rejection;
mod report;
mod routing;
mod steer;

pub use apply::{Limits, apply, settled, take_in};
pub use check::{Violation, check};
pub use course::{Course, Moved, Refusal, Seen as Sight, Verb};
pub(crate) use entry::{breaking, contract, remembered};
pub use graphs::Graphs;
pub use input::{By, Command, Event, Input, Judged, Now, Source};
pub use memory::on_demand;
pub(crate) use memory::{away, callable, fits, recallable, returns};
pub(crate) use observed::Model;
pub use observed::{
    Demand, Facts, Observed, Phase, Reload, Residence, Seen, Stage, Stay, VersionPolicy,
};
pub use plan::{Effect, loads, plan};
pub(crate) use plan::{by_itself, by_policy};
pub use rejection::Rejection;
pub use report::{Reason, Report, Subject, Wait};
pub use routing::{Change, Diff, Entry, Freeze, Intent, Keep, Promise, Record, Revision, Routing};

use std::sync::Arc;

/// Everything that decides which version answers which request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fleet {
    /// What admins and files asked for: stored, and rebuilt from the store alone.
    pub routing: Routing,
    /// What is seen of the versions now: rebuilt by looking.
    pub observed: Observed,
    /// The newest records of changes, oldest first: what undo works from.
    pub history: Vec<Arc<Record>>,
    /// The rules of restarting and loading.
    pub limits: Limits,
}
