//! Experiments: their course, what is gathered about the arms, and what it says.
//!
//! `course` moves, `record` counts, `report` judges. Formulas are those of `stats`; who asks, and what is stored where,
//! others know.

mod course;
pub mod record;
pub mod report;
mod state;

pub use course::{begin, command, tick};
pub use record::{Exposure, Record, Unit};
pub use report::{Report, report};
pub use state::{Phase, Refusal, SPLITS, Sight, Step, Trial, Verb};

#[cfg(test)]
mod tests;
