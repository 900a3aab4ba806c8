//! Numbers from 0 up as counts in buckets whose width grows with their value: differences, ratios and times.
//!
//! A bucket is a number rounded to the first five of its binary digits, so that an octave has 16 of them and none is more
//! than 3.2 % off. What lies beyond 2^±64 is counted in the last one on its side; 0 and infinity have their own.

use std::collections::BTreeMap;

/// Bits of the mantissa that a bucket does not look at.
const COARSE: u32 = 48;

/// Buckets of an octave.
const FINE: u16 = 16;

/// The exponent, as a double keeps it, of 2⁰.
const ZERO: u16 = 1023;

/// The first and the last bucket between 0 and infinity.
const FIRST: u16 = (ZERO - 64) * FINE;
const LAST: u16 = (ZERO + 64) * FINE - 1;

/// The bucket of infinity.
const INFINITY: u16 = 0x7FF * FINE;

/// Counts per bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    counts: BTreeMap<u16, u64>,
}

// === impl Sketch ===

impl Sketch {
    /// Counts the size of a number; what is no number counts as infinite.
    pub fn record(&mut self, value: f64) {
        *self.counts.entry(bucket(value)).or_default() += 1;
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.counts {
            *self.counts.entry(*bucket).or_default() += count;
        }
    }

    /// How many numbers were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The buckets that hold something, and how much, for storing.
    pub fn counts(&self) -> impl Iterator<Item = (u16, u64)> {
        self.counts.iter().map(|(bucket, count)| (*bucket, *count))
    }

    /// From buckets and their counts; those of no bucket are counted in the nearest.
    #[must_use]
    pub fn from_counts(counts: impl IntoIterator<Item = (u16, u64)>) -> Self {
        let mut sketch = Self::default();
        for (bucket, count) in counts.into_iter().filter(|one| one.1 > 0) {
            *sketch.counts.entry(nearest(bucket)).or_default() += count;
        }
        sketch
    }

    /// The number below which the share `q` of them lies, as its bucket rounds it; `None` where nothing was counted.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let total = self.total();
        let rank = (q.clamp(0.0, 1.0) * total as f64).ceil().max(1.0);
        let mut below = 0;
        for (bucket, count) in &self.counts {
            below += count;
            if below as f64 >= rank {
                return Some(middle(*bucket));
            }
        }
        None
    }
}

fn bucket(value: f64) -> u16 {
    let size = value.abs();
    if size == 0.0 {
        return 0;
    }
    if !size.is_finite() {
        return INFINITY;
    }
    let half = 1 << (COARSE - 1);
    (((size.to_bits() + half) >> COARSE) as u16).clamp(FIRST, LAST)
}

fn nearest(bucket: u16) -> u16 {
    match bucket {
        0 => 0,
        INFINITY.. => INFINITY,
        other => other.clamp(FIRST, LAST),
    }
}

/// What the numbers of a bucket are rounded to.
fn middle(bucket: u16) -> f64 {
    match bucket {
        0 => 0.0,
        INFINITY.. => f64::INFINITY,
        other => f64::from_bits(u64::from(other) << COARSE),
    }
}
