//! The rollout: a canary's way through its steps, as a state machine.
//!
//! A [`Rollout`] is plain data. A [`Verb`] that somebody asks for takes it on by [`command`], and what is seen once a second
//! (a [`Sight`]) by [`tick`]; both say what they did in a sentence with the numbers it rests on. What the evidence shows is
//! the business of `analysis`, and who carries anything out, of the daemon.

mod phase;
mod state;
mod verb;

mod begin;
mod command;
mod promote;

mod advance;
mod case;
mod rules;
mod sight;
mod tick;

mod figures;
mod sentence;

mod check;

pub use begin::{begin, supersede};
pub use check::check;
pub use command::command;
pub use phase::{Cause, Hold, Phase, Place, Stay};
pub use sight::{Shadowing, Sight, Standing};
pub use state::{Freeze, Numbers, Pulse, Rollout, Transition};
pub use tick::{GRACE, Tick, tick};
pub use verb::{Refusal, To, Verb};

#[cfg(test)]
mod tests;
