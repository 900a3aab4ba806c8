//! What a version's inferences cost, as measured, and what follows from it: whether one is computed where it
//! arrives, how many rows are joined, and how long a queue will take.
//!
//! Sizes fall into buckets of powers of two; each bucket keeps a moving average. A single outlier (the thread was
//! not scheduled for a while) moves an average little, a lasting change moves it within some dozen calls.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use impresario_models::{DataType, Tensor, Values};

use crate::clock;

/// Sizes from 2^31 units on share the last bucket.
const BUCKETS: usize = 32;

/// Calls of a bucket before its average is believed.
const BELIEVED: u32 = 4;

/// The share of a new measurement in the average, as a power of two: 1/8.
const SHARE: u32 = 3;

/// A measurement counts as at most so many times the average.
const OUTLIER: u64 = 4;

/// An inference that costs no more may be computed where it arrives: to wake another thread and be woken costs about
/// as much when nothing else is in flight (20 to 55 µs measured), and a thread that reads requests is not kept from
/// them for longer.
const INLINE_AT_MOST: Duration = Duration::from_micros(60);

/// An inference that costs no more is computed where it arrives however many come: to pass it on and to join it with
/// others costs as much.
const INLINE_ALWAYS: Duration = Duration::from_micros(10);

/// What costs more, and could be joined, is computed where it arrives only while computing all of it one by one would
/// take less than this share of a core. Beyond that requests meet in the queue, and joined they cost less.
const INLINE_SHARE: f64 = 0.25;

/// The time that arrivals are counted in.
const WINDOW: Duration = Duration::from_millis(10);

/// What was measured of one version.
#[derive(Debug)]
pub(super) struct Cost {
    calls: [Average; BUCKETS],
    /// Nanoseconds for a row, of the cheapest way that it was computed.
    row: Average,
    arrivals: Arrivals,
    /// Hundredths of rows that batches are joined up to, where a target latency is stated.
    rows: AtomicU64,
}

#[derive(Debug, Default)]
struct Average {
    nanos: AtomicU64,
    count: AtomicU32,
}

/// How many calls come: those of the window that runs, and of the one before.
#[derive(Debug)]
struct Arrivals {
    begun: Instant,
    window: AtomicU64,
    now: AtomicU32,
    before: AtomicU32,
}

// === impl Cost ===

impl Cost {
    /// Nothing measured yet, batches of one row.
    pub(super) fn new() -> Self {
        Self {
            calls: Default::default(),
            row: Average::default(),
            arrivals: Arrivals::new(clock::instant()),
            rows: AtomicU64::new(100),
        }
    }

    /// Notes what a call of this size and so many rows took.
    pub(super) fn note(&self, size: usize, rows: usize, took: Duration) {
        let nanos = nanos(took);
        self.calls[bucket(size)].note(nanos);
        let per_row = nanos / rows.max(1) as u64;
        match self.row.believed() {
            // The cheapest way slowly drifts upwards to what is measured, so that an old good day is forgotten.
            Some(known) if per_row > known => self.row.drift(per_row),
            _ => self.row.note(per_row),
        }
    }

    /// Whether a call of this size that comes now is known to be so cheap that it is best computed where it arrives.
    /// `joins` says whether it could be joined with others instead.
    pub(super) fn is_cheap(&self, size: usize, joins: bool) -> bool {
        // What is larger and cheap is cheap when it is smaller.
        let known = self.calls[bucket(size)..]
            .iter()
            .find_map(Average::believed);
        let Some(known) = known.filter(|known| *known <= nanos(INLINE_AT_MOST)) else {
            return false;
        };
        if !joins || known <= nanos(INLINE_ALWAYS) {
            return true;
        }
        let calls = self.arrivals.note(clock::instant());
        f64::from(calls) * known as f64 <= INLINE_SHARE * nanos(WINDOW) as f64
    }

    /// How long so many rows take at the least, one instance computing; nothing where it is not known.
    pub(super) fn of_rows(&self, rows: usize) -> Option<Duration> {
        let per_row = self.row.believed()?;
        Some(Duration::from_nanos(per_row.saturating_mul(rows as u64)))
    }

    /// Rows to join for a target latency: additive increase, multiplicative decrease (Clipper, NSDI 2017, §4.3).
    pub(super) fn rows_for_target(&self, max: usize) -> usize {
        let rows = usize::try_from(self.rows.load(Relaxed) / 100).unwrap_or(max);
        rows.clamp(1, max)
    }

    /// Corrects the rows to join by what a batch took: one more after a full one that kept the target, a tenth
    /// fewer after one that did not.
    pub(super) fn steer(&self, rows: usize, took: Duration, target: Duration, max: usize) {
        let now = self.rows.load(Relaxed);
        let next = if took > target {
            now.saturating_mul(9) / 10
        } else if rows as u64 * 100 >= now - now % 100 {
            now.saturating_add(100)
        } else {
            now
        };
        self.rows.store(next.clamp(100, max as u64 * 100), Relaxed);
    }
}

/// The size of inputs, which the cost of a call is remembered by: elements, and bytes of texts.
pub(super) fn size(inputs: &[Tensor]) -> usize {
    let size = |tensor: &Tensor| match tensor.values() {
        Values::Bytes(texts) => texts.iter().map(|text| text.len() + 1).sum(),
        values => {
            debug_assert_ne!(values.datatype(), DataType::Bytes);
            values.len()
        }
    };
    inputs.iter().map(size).sum()
}

fn bucket(size: usize) -> usize {
    // 1, 2, 3–4, 5–8, …
    let bits = usize::BITS - size.saturating_sub(1).leading_zeros();
    (bits as usize).min(BUCKETS - 1)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

// === impl Arrivals ===

impl Arrivals {
    fn new(begun: Instant) -> Self {
        Self {
            begun,
            window: AtomicU64::new(0),
            now: AtomicU32::new(0),
            before: AtomicU32::new(0),
        }
    }

    /// Notes an arrival, and says how many there were in a window lately. Threads that pass from one window into the
    /// next at once may lose a count: it is an estimate.
    fn note(&self, now: Instant) -> u32 {
        let window = now.saturating_duration_since(self.begun).as_nanos() / WINDOW.as_nanos();
        let window = u64::try_from(window).unwrap_or(u64::MAX);
        let last = self.window.swap(window, Relaxed);
        if last != window {
            let counted = self.now.swap(0, Relaxed);
            let before = if last + 1 == window { counted } else { 0 };
            self.before.store(before, Relaxed);
        }
        let now = self.now.fetch_add(1, Relaxed) + 1;
        now.max(self.before.load(Relaxed))
    }
}

// === impl Average ===

impl Average {
    /// Several threads may note at once and lose one of their measurements: it is an average.
    fn note(&self, nanos: u64) {
        let count = self.count.load(Relaxed);
        let known = self.nanos.load(Relaxed);
        let next = match count {
            0 => nanos,
            _ => {
                let nanos = nanos.min(known.saturating_mul(OUTLIER).max(1_000));
                known - (known >> SHARE) + (nanos >> SHARE)
            }
        };
        self.nanos.store(next, Relaxed);
        self.count.store(count.saturating_add(1), Relaxed);
    }

    /// Moves a hundredth towards a larger value.
    fn drift(&self, nanos: u64) {
        let known = self.nanos.load(Relaxed);
        let step = (nanos.min(known.saturating_mul(OUTLIER)) - known) / 100;
        self.nanos.store(known + step, Relaxed);
    }

    fn believed(&self) -> Option<u64> {
        (self.count.load(Relaxed) >= BELIEVED).then(|| self.nanos.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Duration = Duration::from_micros(5);
    const DEAR: Duration = Duration::from_millis(5);

    #[test]
    fn a_size_is_cheap_once_it_was_seen_to_be() {
        let cost = Cost::new();
        for _ in 0..BELIEVED {
            assert!(!cost.is_cheap(4, true));
            cost.note(4, 1, CHEAP);
        }
        assert!(cost.is_cheap(4, true) && cost.is_cheap(3, true));
        assert!(!cost.is_cheap(5, true), "a larger size was never measured");
    }

    #[test]
    fn an_outlier_changes_little_and_a_lasting_change_much() {
        let cost = Cost::new();
        (0..20).for_each(|_| cost.note(4, 1, CHEAP));
        cost.note(4, 1, DEAR);
        assert!(cost.is_cheap(4, true));
        (0..40).for_each(|_| cost.note(4, 1, DEAR));
        assert!(!cost.is_cheap(4, true));
        (0..60).for_each(|_| cost.note(4, 1, CHEAP));
        assert!(cost.is_cheap(4, true));
    }

    #[test]
    fn what_could_be_joined_is_passed_on_when_much_of_it_comes() {
        let arrivals = Arrivals::new(clock::instant());
        let at = |micros| arrivals.begun + Duration::from_micros(micros);
        let first = (0..50).map(|n| arrivals.note(at(n))).last();
        assert_eq!(first, Some(50));
        let next = WINDOW.as_micros() as u64;
        assert_eq!(arrivals.note(at(next)), 50, "the window before counts too");
        assert_eq!(arrivals.note(at(next * 3)), 1, "what is long past does not");
        // 30 µs each: by themselves 83 of them are a quarter of a window.
        let cost = Cost::new();
        (0..BELIEVED).for_each(|_| cost.note(4, 1, Duration::from_micros(30)));
        assert!(cost.is_cheap(4, true));
        let many = (0..10_000).find(|_| !cost.is_cheap(4, true));
        assert!(many.is_some_and(|n| n >= 80), "{many:?}");
        assert!(
            cost.is_cheap(4, false),
            "what cannot be joined gains nothing in a queue"
        );
    }

    #[test]
    fn a_queue_takes_what_its_rows_cost_in_the_cheapest_way() {
        let cost = Cost::new();
        assert_eq!(cost.of_rows(100), None);
        for _ in 0..50 {
            cost.note(64, 64, Duration::from_micros(640));
            cost.note(1, 1, Duration::from_micros(200));
        }
        let of_hundred = cost.of_rows(100).unwrap();
        let range = Duration::from_micros(900)..Duration::from_millis(3);
        assert!(range.contains(&of_hundred), "{of_hundred:?}");
    }

    #[test]
    fn batches_grow_by_one_and_shrink_by_a_tenth() {
        let cost = Cost::new();
        let target = Duration::from_millis(10);
        for rows in 1..=20 {
            assert_eq!(cost.rows_for_target(64), rows);
            cost.steer(rows, target, target, 64);
        }
        cost.steer(20, target * 2, target, 64);
        assert_eq!(cost.rows_for_target(64), 18);
        cost.steer(3, CHEAP, target, 64);
        assert_eq!(
            cost.rows_for_target(64),
            18,
            "a small batch says nothing of larger ones"
        );
        (0..100).for_each(|_| cost.steer(64, CHEAP, target, 64));
        assert_eq!(cost.rows_for_target(64), 64);
    }

    #[test]
    fn buckets_are_powers_of_two() {
        let buckets = [0, 1, 2, 3, 4, 5, 8, 9, usize::MAX].map(bucket);
        assert_eq!(buckets, [0, 0, 1, 2, 2, 3, 3, 4, BUCKETS - 1]);
    }
}
