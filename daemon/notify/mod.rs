//! Webhooks: what becomes of pipelines, posted to other programs as it happens.
//!
//! A thread listens to the records of the audit as they are stored and lays them into one queue a webhook; a courier
//! a webhook, on a thread of its own, posts them in their order and tries again what failed. How far each has come is
//! kept in the store, so that a restart goes on from there: a record may arrive twice, with the same id, and is lost
//! only where it is counted. What a record means is not decided here, and no request ever waits for any of this.

mod courier;
mod delivery;
mod hook;
mod letter;
mod listener;
mod notifier;
mod pace;
mod post;
mod queue;
mod tally;

pub use hook::{Address, AddressError, Format, Hook, Pattern, PatternError, Secret, SecretError};
pub use notifier::Notifier;
pub use pace::Pace;
pub use tally::{Shown, Trouble};

/// The most webhooks: each has a thread.
pub const MOST: usize = 16;

#[cfg(test)]
mod tests;
