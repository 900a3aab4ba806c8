//! Bandits: shares that follow what the arms achieve, within limits.
//!
//! Formulas are those of `stats`; who asks, and what is stored where, others know.

mod state;

pub use state::{Ending, Learning, Phase, Refusal, Removal, Sight, Step, Verb};
