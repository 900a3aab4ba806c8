//! Experiments: their course, what is gathered about the arms, and what it says.
//!
//! `course` moves, `record` counts, `report` judges. Formulas are those of `stats`; who asks, and what is stored where,
//! others know.

mod course;
mod state;

pub use course::{begin, command, tick};
pub use state::{Phase, Refusal, SPLITS, Sight, Step, Trial, Verb};
