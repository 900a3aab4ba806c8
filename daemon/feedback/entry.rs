//! A request as feedback knows it.

use impresario_pipelines::bucket::Slot;
use impresario_pipelines::trial::record::DIMENSIONS;
use sha2::{Digest, Sha256};

/// What finds a request: the first 64 bits of the SHA-256 of its id. Callers choose ids, so that a hash that they can
/// aim at would let them meet each other's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request(u64);

/// How a request was given to an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The part of the course.
    pub segment: u32,
    /// The arm.
    pub arm: u8,
    /// Where it fell.
    pub slot: Slot,
    /// A hash of whose it is.
    pub unit: u64,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// Its value in each declared segment.
    pub dimensions: [u8; DIMENSIONS],
}

/// A request that is remembered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) seen: Seen,
    /// What its values of each metric sum up to; not a number where there is none.
    pub(super) values: Box<[f64]>,
    /// What was told of it.
    pub(super) events: Vec<Event>,
    /// Which of the entries that its key had this one is.
    pub(super) stamp: u32,
    /// Whether it is not stored as it is.
    pub(super) dirty: bool,
    /// The batch that it is stored in.
    pub(super) home: Option<u32>,
}

/// An event of feedback: what makes it one, not what it said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) metric: u8,
    pub(super) id: u64,
}

/// No value of any metric.
pub(super) fn nothing(metrics: usize) -> Box<[f64]> {
    vec![f64::NAN; metrics].into()
}

/// Values as the rooms that count take them.
pub(super) fn told(values: &[f64]) -> Vec<Option<f64>> {
    let some = |value: &f64| Some(*value).filter(|value| !value.is_nan());
    values.iter().map(some).collect()
}

/// The first 64 bits of a text's SHA-256.
pub(super) fn hash(text: &str) -> u64 {
    let hash: [u8; 32] = Sha256::digest(text).into();
    let (first, _) = hash.split_at(8);
    u64::from_be_bytes(first.try_into().expect("a quarter of 32 bytes is 8"))
}

// === impl Request ===

impl Request {
    /// The request of an id.
    #[must_use]
    pub fn of(id: &str) -> Self {
        Self(hash(id))
    }

    /// The request of 64 bits, as a token carries them.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The 64 bits.
    #[must_use]
    pub fn bits(self) -> u64 {
        self.0
    }

    /// Where a request is remembered whose id another one has taken.
    pub(super) fn beside(self, seen: &Seen) -> Self {
        let mixed = seen.unit ^ seen.at.rotate_left(32) ^ u64::from(seen.slot.get());
        Self(self.0 ^ mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

// === impl Seen ===

impl Seen {
    /// Whether the same decision is meant; when, two clocks may say differently.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let what = |seen: &Self| (seen.segment, seen.arm, seen.slot, seen.unit);
        what(self) == what(other)
    }

    /// How old it is.
    pub(super) fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.at)
    }
}

// === impl Entry ===

impl Entry {
    pub(super) fn new(seen: Seen, values: Box<[f64]>) -> Self {
        Self {
            seen,
            values,
            events: Vec::new(),
            stamp: 0,
            dirty: true,
            home: None,
        }
    }

    pub(super) fn is_told(&self) -> bool {
        !self.events.is_empty()
    }
}
