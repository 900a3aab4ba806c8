//! What waits to be exported, and when a batch of it is due. Pure: the time is an argument.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Bytes of a batch, about: collectors take 4 MiB where nothing is said.
const BATCH_BYTES: usize = 1 << 20;

/// Bounds of what waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most items.
    pub items: usize,
    /// The most bytes of them, about.
    pub bytes: usize,
    /// Items of a batch.
    pub batch: usize,
    /// How long an item waits for others.
    pub interval: Duration,
}

/// What waits.
#[derive(Debug)]
pub(super) struct Batcher<T> {
    bounds: Bounds,
    /// In the order in which they came, with their bytes and when that was.
    waiting: VecDeque<(T, usize, Instant)>,
    bytes: usize,
}

/// When the next batch is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Now,
    In(Duration),
    /// Nothing waits.
    Never,
}

/// Why items are not taken: there is no room for all of them, so none is, and the rest of a trace is no trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

// === impl Batcher ===

impl<T> Batcher<T> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            waiting: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Takes items with their bytes, all or none.
    pub(super) fn offer(&mut self, items: Vec<(T, usize)>, now: Instant) -> Result<(), Full> {
        let bytes: usize = items.iter().map(|(_, bytes)| bytes).sum();
        if self.waiting.len() + items.len() > self.bounds.items
            || self.bytes + bytes > self.bounds.bytes
        {
            return Err(Full);
        }
        self.bytes += bytes;
        let items = items.into_iter().map(|(item, bytes)| (item, bytes, now));
        self.waiting.extend(items);
        Ok(())
    }

    /// When a batch is due: at once where there are enough, else when the oldest has waited long enough.
    pub(super) fn due(&self, now: Instant) -> Due {
        let Some((_, _, oldest)) = self.waiting.front() else {
            return Due::Never;
        };
        let waited = now.saturating_duration_since(*oldest);
        let left = self.bounds.interval.saturating_sub(waited);
        match left.is_zero() || self.is_ample() {
            true => Due::Now,
            false => Due::In(left),
        }
    }

    /// Whether there is enough for a batch.
    pub(super) fn is_ample(&self) -> bool {
        self.waiting.len() >= self.bounds.batch || self.bytes >= BATCH_BYTES
    }

    /// The next batch; empty where nothing waits.
    pub(super) fn take(&mut self) -> Vec<T> {
        let mut batch = Vec::new();
        let mut taken = 0;
        while let Some((_, bytes, _)) = self.waiting.front() {
            let full = batch.len() == self.bounds.batch || taken + bytes > BATCH_BYTES;
            if full && !batch.is_empty() {
                break;
            }
            let (item, bytes, _) = self.waiting.pop_front().expect("it was looked at");
            self.bytes -= bytes;
            taken += bytes;
            batch.push(item);
        }
        batch
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}
