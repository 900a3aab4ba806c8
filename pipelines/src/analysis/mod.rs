//! The evidence of one rollout: what was counted, what the counts say, and what they would take.
//!
//! Counts come from `daemon/measure` per segment, replica and boot ([`Tally`]), are kept and merged ([`Evidence`]), and are
//! read as often as one likes ([`read()`]): the tests behind it may be looked at any time. What follows from a reading is the
//! business of `rollout`; the formulas are those of `stats`.

mod class;
mod outputs;
mod thresholds;

mod tally;

mod evidence;

mod drift;
mod read;
mod reading;

mod plan;
mod trip;

pub use class::Class;
pub use evidence::{Evidence, Segment, Source};
pub use outputs::{BINS, Glance, Output, glance};
pub use plan::{Need, Plan, Traffic, Wait, plan};
pub use read::read;
pub use reading::{Breach, Drift, Ground, Harm, Reading, Readings, Verdict};
pub use tally::{Counts, Tally};
pub use thresholds::{Samples, Thresholds};
pub use trip::{Streak, Trip, trip};

/// The arm that the other is held against.
pub const STABLE: usize = 0;

/// The arm that earns its traffic.
pub const CANARY: usize = 1;

#[cfg(test)]
mod tests;
