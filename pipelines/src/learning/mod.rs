//! Bandits: shares that follow what the arms achieve, within limits.
//!
//! `rewards` counts, `readings` says what it comes to and what the shares should be, and `course` goes there within the
//! limits. Nothing is drawn: the share of Thompson sampling is the probability itself, integrated; so the same rewards
//! make the same shares, and each segment's weights are the exact propensities of its decisions. Formulas are those of
//! `stats`; who asks, and what is stored where, others know.

mod course;
mod limit;
mod readings;
mod report;
mod rewards;
mod safety;
mod state;
mod stored;
mod sums;

pub use course::{begin, command, tick};
pub use readings::{Harm, Reading, Readings, read};
pub use report::{ArmLine, Report, report};
pub use rewards::{Rewards, Shown};
pub use state::{Ending, Learning, Phase, Refusal, Removal, Sight, Step, Verb};
pub use stored::Damaged;

#[cfg(test)]
mod tests;
