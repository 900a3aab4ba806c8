//! The statistics that decisions rest on: pure functions of counts and sums.
//!
//! What may be looked at any time (`kernel`, `dirichlet`, `bernoulli`, `sequential`) decides; what holds for one look
//! only (`fixed`) is shown beside it. Everything is finite or an open end of an interval: never NaN, whatever the
//! counts. Which metrics there are, and what follows from a number, is not said here.

pub mod interval;
pub mod special;

pub mod evidence;
pub mod kernel;

pub mod dirichlet;
pub mod srm;

pub mod bernoulli;

pub mod contrast;
pub mod moments;

pub mod clusters;
pub mod fixed;
pub mod sequential;

pub mod multiple;

pub mod drift;
pub mod sketch;

pub mod bandit;
pub mod posterior;
pub mod survival;

pub mod planning;

#[cfg(test)]
mod tests;

pub use clusters::{Cluster, Clusters};
pub use contrast::{Arm, Difference};
pub use interval::Interval;
pub use kernel::Cell;
pub use moments::{Joint, Moments};
pub use posterior::Posterior;
pub use sketch::Sketch;
