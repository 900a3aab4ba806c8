//! The stable's first requests, from which thresholds are frozen.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use impresario_pipelines::analysis::{Output, Samples};

/// Samples that are kept.
const ROOM: usize = 1_000;

/// A place that is taken but not written yet.
const EMPTY: u64 = u64::MAX;

#[derive(Default)]
pub(super) struct Reservoir {
    latencies: Row,
    /// Bits of numbers. No finite number has those of `EMPTY`.
    values: Row,
}

struct Row {
    next: AtomicUsize,
    places: Box<[AtomicU64]>,
}

// === impl Reservoir ===

impl Reservoir {
    pub(super) fn take(&self, ns: u64, output: Output) {
        self.latencies.push(ns);
        if let Output::Value(value) = output
            && value.is_finite()
        {
            self.values.push(value.to_bits());
        }
    }

    pub(super) fn samples(&self) -> Samples {
        Samples {
            latencies: self.latencies.taken().collect(),
            values: self.values.taken().map(f64::from_bits).collect(),
        }
    }
}

// === impl Row ===

impl Row {
    fn push(&self, bits: u64) {
        // Once it is full, nobody writes to what all threads read.
        if self.next.load(Relaxed) < ROOM
            && let Some(place) = self.places.get(self.next.fetch_add(1, Relaxed))
        {
            place.store(bits, Relaxed);
        }
    }

    fn taken(&self) -> impl Iterator<Item = u64> {
        let places = self.places.iter().map(|place| place.load(Relaxed));
        places.filter(|bits| *bits != EMPTY)
    }
}

impl Default for Row {
    fn default() -> Self {
        Self {
            next: AtomicUsize::default(),
            places: (0..ROOM).map(|_| AtomicU64::new(EMPTY)).collect(),
        }
    }
}
