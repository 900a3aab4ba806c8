//! Buckets: which arm of a split a key falls to, the same one every time and in every stock GrowthBook SDK.
//!
//! A key is hashed to one of 10,000 slots ([`slot`]), and each slot has an owner ([`Slots`]). Weights change by moving as
//! few slots as can be. Where the key comes from, and what an arm is, others know.

mod hash;
mod namespace;
mod slots;
mod weight;

pub use hash::{Slot, slot};
pub use namespace::{Namespace, NamespaceError};
pub use slots::{Run, RunsError, Slots, WeightsError};
pub use weight::{Weight, WeightError};

#[cfg(test)]
mod tests;
