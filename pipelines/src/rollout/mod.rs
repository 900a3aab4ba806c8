//! The rollout: a canary's way through its steps, as a state machine.
//!
//! A [`Rollout`] is plain data. A [`Verb`] that somebody asks for takes it on by [`command`], which says what it
//! did in a sentence with the numbers it rests on. What the evidence shows is
//! the business of `analysis`, and who carries anything out, of the daemon.

#[allow(dead_code, reason = "the tick, which says the rest, comes next")]
mod phase;
mod state;
mod verb;

mod begin;
mod command;

#[allow(dead_code, reason = "the tick, which says the rest, comes next")]
mod sentence;

mod check;

pub use begin::{begin, supersede};
pub use check::check;
pub use command::command;
pub use phase::{Cause, Hold, Phase, Place, Stay};
pub use state::{Freeze, Numbers, Pulse, Rollout, Thresholds, Transition};
pub use verb::{Refusal, To, Verb};
