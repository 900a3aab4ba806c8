//! A histogram of durations over fixed bounds, written without a lock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of the buckets, in microseconds; a last bucket takes the rest. A ladder of 1, 2.5 and 5 from
/// 10 µs to 1 min: fine enough below a millisecond, where this daemon's own cost would show.
pub const BOUNDS: [u64; 21] = [
    10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000,
    500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

/// Durations being counted.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

/// Durations that were counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Durations per bucket, the last one unbounded.
    pub buckets: [u64; BOUNDS.len() + 1],
    /// Their sum, in nanoseconds.
    pub nanos: u64,
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| bound * 1_000 < nanos);
        self.buckets[bucket].fetch_add(1, Relaxed);
        self.nanos.fetch_add(nanos, Relaxed);
    }

    /// Adds what was counted to a sum.
    pub fn add_to(&self, sum: &mut Counts) {
        for (bucket, total) in self.buckets.iter().zip(&mut sum.buckets) {
            *total += bucket.load(Relaxed);
        }
        sum.nanos = sum.nanos.wrapping_add(self.nanos.load(Relaxed));
    }
}

impl Counts {
    /// Adds what another histogram has counted.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(other.buckets) {
            *mine += theirs;
        }
        self.nanos = self.nanos.wrapping_add(other.nanos);
    }

    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The upper bound of the bucket that holds a quantile, in microseconds; nothing where nothing was counted
    /// or the quantile lies beyond the last bound.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = ((count as f64) * q).ceil().max(1.0) as u64;
        let mut seen = 0;
        let at = self.buckets.iter().position(|bucket| {
            seen += bucket;
            seen >= rank
        })?;
        BOUNDS.get(at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_bucket_of_its_upper_bound() {
        let histogram = Histogram::default();
        for micros in [10, 11, 1_000, 61_000_000] {
            histogram.record(Duration::from_micros(micros));
        }
        let mut counts = Counts::default();
        histogram.add_to(&mut counts);
        assert_eq!(
            (
                counts.buckets[0],
                counts.buckets[1],
                counts.buckets[6],
                counts.buckets[21]
            ),
            (1, 1, 1, 1)
        );
        assert_eq!(counts.nanos, 61_001_021_000);
        assert_eq!(
            (counts.quantile(0.5), counts.quantile(1.0)),
            (Some(25), None)
        );
    }
}
