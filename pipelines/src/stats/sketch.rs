//! Latencies as counts in buckets whose width grows with their value: a fixed small number of them, which merge by
//! addition.
//!
//! An octave has 16 buckets, so that a bucket is 3 to 6 % wide; they reach from 1 µs to over an hour, with one bucket
//! for all that is shorter and one for all that is longer. A bucket is found with shifts alone, so that a counter per
//! bucket can be kept without a lock.

use super::contrast::Arm;
use super::interval::Interval;
use super::special::{binomial_cdf, normal_quantile};

/// Buckets per octave, as a power of two.
const FINE: u32 = 4;

/// The powers of two, in nanoseconds, that the fine buckets lie between: 1.024 µs and 73 minutes.
const FIRST: u32 = 10;
const LAST: u32 = 42;

/// How many buckets there are.
pub const BUCKETS: usize = (((LAST - FIRST) << FINE) + 2) as usize;

/// The bucket of a latency in nanoseconds.
#[must_use]
pub fn bucket(ns: u64) -> usize {
    let octave = ns.checked_ilog2().unwrap_or(0);
    if octave < FIRST {
        return 0;
    }
    if octave >= LAST {
        return BUCKETS - 1;
    }
    let part = (ns >> (octave - FINE)) & ((1 << FINE) - 1);
    1 + (((octave - FIRST) << FINE) as usize) + part as usize
}

/// The shortest latency of a bucket, in nanoseconds.
#[must_use]
pub fn lower(bucket: usize) -> u64 {
    if bucket == 0 {
        return 0;
    }
    let fine = (bucket.min(BUCKETS - 1) - 1) as u64;
    let octave = FIRST + (fine >> FINE) as u32;
    let part = fine & ((1 << FINE) - 1);
    (1 << octave) + (part << (octave - FINE))
}

/// Counts per bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    counts: Vec<u64>,
}

/// Why there is no interval: so few latencies that one end would lie beyond all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{n} values are too few for an interval of this quantile")]
pub struct TooFew {
    /// How many there are.
    pub n: u64,
}

// === impl Sketch ===

impl Sketch {
    /// From counts per bucket; those beyond the last bucket are counted in it.
    #[must_use]
    pub fn from_counts(counts: impl IntoIterator<Item = u64>) -> Self {
        let mut sketch = Self::default();
        for (index, count) in counts.into_iter().enumerate() {
            sketch.counts[index.min(BUCKETS - 1)] += count;
        }
        sketch
    }

    /// Counts per bucket, [`BUCKETS`] of them.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Counts one latency.
    pub fn record(&mut self, ns: u64) {
        self.counts[bucket(ns)] += 1;
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
    }

    /// How many latencies were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The q-quantile in nanoseconds, interpolated within its bucket; `None` where nothing was counted.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let total = self.total();
        if total == 0 {
            return None;
        }
        let rank = q.clamp(0.0, 1.0) * total as f64;
        let mut below = 0.0;
        let mut last = 0.0;
        for (index, count) in self.counts.iter().enumerate().filter(|one| *one.1 > 0) {
            let (low, high, count) = (lower(index) as f64, upper(index), *count as f64);
            if below + count >= rank {
                return Some(low + (high - low) * ((rank - below) / count));
            }
            below += count;
            last = high;
        }
        Some(last)
    }

    /// The interval of the q-quantile from order statistics, whatever the distribution: between the values of two
    /// ranks, found with the binomial distribution, widened to the edges of their buckets.
    ///
    /// # Errors
    /// Where a rank would lie beyond the values.
    pub fn quantile_interval(&self, q: f64, alpha: f64) -> Result<Interval, TooFew> {
        let n = self.total();
        let (low, high) = ranks(n, q, alpha).ok_or(TooFew { n })?;
        Ok(Interval {
            low: lower(self.holding(low)) as f64,
            high: upper(self.holding(high)),
        })
    }

    /// The q-quantile as an arm of a contrast; the variance is that of a normal estimate with the same 95 % interval.
    ///
    /// # Errors
    /// Where there are too few values for the interval.
    pub fn quantile_arm(&self, q: f64) -> Result<Arm, TooFew> {
        let n = self.total();
        let interval = self.quantile_interval(q, 0.05)?;
        let quantile = self.quantile(q).ok_or(TooFew { n })?;
        let se = interval.width() / (2.0 * normal_quantile(0.975));
        Ok(Arm::plain(n, quantile, se * se * n as f64))
    }

    /// The bucket of the value of a rank, 1 the smallest.
    fn holding(&self, rank: u64) -> usize {
        let mut below = 0;
        for (index, count) in self.counts.iter().enumerate() {
            below += count;
            if below >= rank {
                return index;
            }
        }
        BUCKETS - 1
    }
}

impl Default for Sketch {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS],
        }
    }
}

/// Where a bucket ends; the last one has no end, and is taken to be as wide as the octave that it begins.
fn upper(bucket: usize) -> f64 {
    if bucket + 1 < BUCKETS {
        lower(bucket + 1) as f64
    } else {
        2.0 * lower(BUCKETS - 1) as f64
    }
}

/// The ranks l and u (1 the smallest) between whose values the q-quantile lies with probability 1 − α or more:
/// P(B < l) ≤ α/2 and P(B ≥ u) ≤ α/2 for B binomial(n, q). `None` where one of them does not exist.
#[must_use]
pub fn ranks(n: u64, q: f64, alpha: f64) -> Option<(u64, u64)> {
    if n == 0 || !(q > 0.0 && q < 1.0) {
        return None;
    }
    let tail = 0.5 * alpha;
    // The largest l with P(B ≤ l − 1) ≤ α/2.
    let low = first(n, |k| binomial_cdf(k, n, q) > tail);
    // The smallest u with P(B ≤ u − 1) ≥ 1 − α/2.
    let high = first(n, |k| binomial_cdf(k, n, q) >= 1.0 - tail) + 1;
    (low >= 1 && high <= n).then_some((low, high))
}

/// The first k of 0..=n from which `holds`, which holds at n.
fn first(n: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = low.midpoint(high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}
