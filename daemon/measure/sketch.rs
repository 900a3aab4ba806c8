//! A latency sketch: durations counted in buckets whose bounds grow by a constant factor, written without a lock and
//! merged by addition.
//!
//! It is the exponential histogram of OpenTelemetry at scale 4 and the native histogram of Prometheus at schema 4, in
//! seconds: bucket `i` covers `(2^(i/16), 2^((i+1)/16)]` seconds, so a bucket is 4.4 % wide and both can be told exactly.
//! What is shorter than a microsecond, or longer than an hour, is counted at the end that it lies beyond.
//! (OpenTelemetry metrics data model, "ExponentialHistogram"; Prometheus, "Native Histograms".)

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Buckets per doubling, as a power of two.
pub const SCALE: u32 = 4;

/// Buckets per doubling.
const FINE: i32 = 1 << SCALE;

/// The powers of two, in seconds, that the buckets lie between: 0.95 µs and 68 minutes.
const FIRST: i32 = -20;
const LAST: i32 = 12;

/// The index of the first bucket, which takes all that is shorter.
pub const LOWEST: i32 = FIRST * FINE - 1;

/// How many buckets there are; the last one takes all that is longer.
pub const BUCKETS: usize = ((LAST - FIRST) * FINE) as usize + 2;

/// The powers of two, in seconds, that coarse histograms are told with: 15 µs to 64 s. Each is a bound of a bucket.
pub const COARSE: std::ops::RangeInclusive<i32> = -16..=6;

/// 2^(k/16) for k from 1 to 15: where the buckets within one doubling end.
const PARTS: [f64; FINE as usize - 1] = [
    1.044_273_782_427_413_8,
    1.090_507_732_665_257_7,
    1.138_788_634_756_691_6,
    1.189_207_115_002_721,
    1.241_857_812_073_484,
    1.296_839_554_651_009_6,
    1.354_255_546_936_892_7,
    std::f64::consts::SQRT_2,
    1.476_826_145_939_499_3,
    1.542_210_825_407_940_7,
    1.610_490_331_949_254_3,
    1.681_792_830_507_429,
    1.756_252_160_373_299_5,
    1.834_008_086_409_342_4,
    1.915_206_561_397_147_4,
];

/// Durations being counted.
#[derive(Debug)]
pub struct Sketch {
    buckets: [AtomicU64; BUCKETS],
    nanos: AtomicU64,
}

/// Durations that were counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Durations per bucket from [`LOWEST`] on; empty where nothing was counted.
    buckets: Vec<u64>,
    /// Their sum, in nanoseconds.
    pub nanos: u64,
}

/// The index of the bucket of a duration.
#[must_use]
pub fn index(nanos: u64) -> i32 {
    let seconds = nanos as f64 / 1e9;
    // A whole number of nanoseconds is no subnormal number of seconds: exponent and fraction stand in its bits.
    let bits = seconds.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32 - 1_023;
    if exponent < FIRST {
        return LOWEST;
    }
    let fraction = f64::from_bits((bits & ((1 << 52) - 1)) | (1_023 << 52));
    let part = match fraction {
        // A bound belongs to the bucket below it.
        1.0 => -1,
        _ => PARTS.partition_point(|bound| *bound < fraction) as i32,
    };
    (exponent * FINE + part).min(LOWEST + BUCKETS as i32 - 1)
}

/// The place of a duration among the buckets of coarse histograms; their number for what is longer than all of them.
#[must_use]
pub fn coarse(nanos: u64) -> usize {
    let end = index(nanos) + 1;
    // A bucket that ends within a doubling belongs to the coarse one that ends after it.
    let power = end.div_euclid(FINE) + i32::from(end.rem_euclid(FINE) > 0);
    let power = power.clamp(*COARSE.start(), *COARSE.end() + 1);
    usize::try_from(power - *COARSE.start()).unwrap_or(0)
}

/// The upper bound of a bucket, in seconds.
#[must_use]
pub fn upper(index: i32) -> f64 {
    (f64::from(index + 1) / f64::from(FINE)).exp2()
}

/// The q-quantile, in seconds, of `total` durations that are counted by index, in order; interpolated within its bucket, at
/// most 4.4 % off. Nothing where nothing was counted.
#[must_use]
pub fn quantile(counts: impl IntoIterator<Item = (i32, u64)>, total: u64, q: f64) -> Option<f64> {
    let rank = q.clamp(0.0, 1.0) * total as f64;
    let (mut below, mut last) = (0.0, None);
    for (index, count) in counts {
        // What is shorter than all buckets has no lower bound of its own.
        let low = if index == LOWEST {
            0.0
        } else {
            upper(index - 1)
        };
        let (high, count) = (upper(index), count as f64);
        if below + count >= rank {
            return Some(low + (high - low) * ((rank - below) / count));
        }
        below += count;
        last = Some(high);
    }
    last
}

// === impl Sketch ===

impl Default for Sketch {
    fn default() -> Self {
        Self {
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
            nanos: AtomicU64::new(0),
        }
    }
}

impl Sketch {
    /// Counts one duration.
    pub fn record(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[place(index(nanos))].fetch_add(1, Relaxed);
        self.nanos.fetch_add(nanos, Relaxed);
    }

    /// Adds what was counted to a sum.
    pub fn add_to(&self, sum: &mut Counts) {
        for (place, bucket) in self.buckets.iter().enumerate() {
            let count = bucket.load(Relaxed);
            if count > 0 {
                sum.bucket(place, count);
            }
        }
        sum.nanos = sum.nanos.wrapping_add(self.nanos.load(Relaxed));
    }
}

// === impl Counts ===

impl Counts {
    /// From counts by index and their sum in nanoseconds; indexes beyond the ends are counted at the ends.
    #[must_use]
    pub fn new(counts: impl IntoIterator<Item = (i32, u64)>, nanos: u64) -> Self {
        let mut all = Self {
            buckets: Vec::new(),
            nanos,
        };
        for (index, count) in counts {
            all.bucket(place(index), count);
        }
        all
    }

    /// Adds what another has counted.
    pub fn add(&mut self, other: &Self) {
        for (place, count) in other.buckets.iter().enumerate() {
            if *count > 0 {
                self.bucket(place, *count);
            }
        }
        self.nanos = self.nanos.wrapping_add(other.nanos);
    }

    /// What was counted since `before` was read off the same sketch; what would be negative is nothing.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let mut more = Self {
            buckets: self.buckets.clone(),
            nanos: self.nanos.saturating_sub(before.nanos),
        };
        for (now, then) in more.buckets.iter_mut().zip(&before.buckets) {
            *now = now.saturating_sub(*then);
        }
        more
    }

    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Counts by index, in order, without the empty ones.
    pub fn indexed(&self) -> impl Iterator<Item = (i32, u64)> {
        let counts = self.buckets.iter().copied().zip(LOWEST..);
        counts.filter_map(|(count, index)| (count > 0).then_some((index, count)))
    }

    /// How many durations were at most 2^`power` seconds, exactly; for powers within [`COARSE`].
    #[must_use]
    pub fn up_to(&self, power: i32) -> u64 {
        let end = place(power * FINE - 1) + 1;
        self.buckets.iter().take(end).sum()
    }

    /// The mean, in seconds.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.nanos as f64 / 1e9 / count as f64)
    }

    /// The q-quantile in seconds, interpolated within its bucket, at most 4.4 % off; nothing where nothing was counted.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        quantile(self.indexed(), self.count(), q)
    }

    fn bucket(&mut self, place: usize, count: u64) {
        if self.buckets.is_empty() {
            self.buckets.resize(BUCKETS, 0);
        }
        self.buckets[place] += count;
    }
}

/// The place of a bucket among those that are kept.
fn place(index: i32) -> usize {
    usize::try_from(index - LOWEST)
        .unwrap_or(0)
        .min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_lies_between_the_bounds_of_its_bucket() {
        let mut nanos = 954_u64;
        while nanos < 4_000_000_000_000 {
            let index = index(nanos);
            let seconds = nanos as f64 / 1e9;
            assert!(
                upper(index - 1) < seconds && seconds <= upper(index),
                "{nanos} ns in bucket {index}"
            );
            nanos += nanos / 97 + 1;
        }
    }

    #[test]
    fn the_parts_of_a_doubling_are_the_powers_that_they_stand_for() {
        for (k, part) in PARTS.iter().enumerate() {
            assert_eq!(
                *part,
                (f64::from(k as u32 + 1) / f64::from(FINE)).exp2(),
                "{k}"
            );
        }
    }

    #[test]
    fn a_bound_belongs_to_the_bucket_below_it() {
        // 2^-9 s, a whole number of nanoseconds.
        let bound = 1_953_125;
        assert_eq!(index(bound), -9 * FINE - 1);
        assert_eq!(index(bound + 1), -9 * FINE);
        let counts = counted([bound, bound + 1]);
        assert_eq!((counts.up_to(-9), counts.up_to(-8)), (1, 2));
    }

    #[test]
    fn a_coarse_bucket_holds_what_is_counted_up_to_its_end() {
        let mut nanos = 1_u64;
        while nanos < 200_000_000_000 {
            let (counts, place) = (counted([nanos]), coarse(nanos));
            for (at, power) in COARSE.enumerate() {
                assert_eq!(counts.up_to(power), u64::from(at >= place), "{nanos} ns");
            }
            nanos += nanos / 7 + 1;
        }
    }

    #[test]
    fn the_ends_take_what_lies_beyond() {
        assert_eq!(index(0), LOWEST);
        assert_eq!(index(900), LOWEST);
        assert_eq!(index(u64::MAX), LOWEST + BUCKETS as i32 - 1);
        let counts = counted([0, u64::MAX / 4]);
        assert_eq!(counts.count(), 2);
    }

    #[test]
    fn a_quantile_is_as_near_as_a_bucket_is_wide() {
        let counts = counted((1..=10_000).map(|micros| micros * 1_000));
        for (q, expected) in [(0.5, 5e-3), (0.9, 9e-3), (0.99, 9.9e-3), (1.0, 10e-3)] {
            let got = counts.quantile(q).unwrap();
            assert!(
                (got / expected - 1.0).abs() < 0.045,
                "{q}: {got} for {expected}"
            );
        }
        assert_eq!(Counts::default().quantile(0.5), None);
        assert!((counts.mean().unwrap() - 5.0005e-3).abs() < 1e-9);
    }

    #[test]
    fn counts_add_up_and_differ() {
        let (one, two) = (counted([5_000, 7_000_000]), counted([5_000]));
        let mut both = one.clone();
        both.add(&two);
        assert_eq!(both.count(), 3);
        assert_eq!(both.since(&two), one);
        assert_eq!(Counts::new(one.indexed(), one.nanos), one);
        assert_eq!(Counts::default().since(&one), Counts::default());
    }

    fn counted(nanos: impl IntoIterator<Item = u64>) -> Counts {
        let sketch = Sketch::default();
        for nanos in nanos {
            sketch.record(Duration::from_nanos(nanos));
        }
        let mut counts = Counts::default();
        sketch.add_to(&mut counts);
        counts
    }
}
