//! `GET /admin/v1/metrics` as it is read here, and what two of its answers differ by.
//!
//! All numbers count from the daemon's start, so a rate is the difference of two answers. Durations come as the buckets of
//! the sketch that they are counted in.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::measure::Counts;

/// What is wrong on the daemon's side.
const FAILURES: [&str; 5] = ["failed", "crashed", "overloaded", "unavailable", "expired"];

/// An answer.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Metrics {
    /// When, in milliseconds since 1970.
    pub(super) at: u64,
    /// When the daemon began.
    #[serde(default)]
    pub(super) started: u64,
    #[serde(default)]
    pub(super) cells: Vec<Cell>,
}

/// What one variant of a pipeline has counted.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Cell {
    pub(super) pipeline: String,
    #[serde(default)]
    pub(super) variant: Option<String>,
    pub(super) model: String,
    pub(super) version: u64,
    #[serde(default)]
    pub(super) outcomes: BTreeMap<String, u64>,
    #[serde(default)]
    pub(super) request: Sketch,
}

/// Durations.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Sketch {
    /// Indices and counts, in the order of indices.
    #[serde(default)]
    buckets: Vec<(i32, u64)>,
}

/// What happened between two answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Happened {
    requests: u64,
    failures: u64,
    took: Counts,
}

// === impl Metrics ===

impl Metrics {
    /// The seconds since an earlier answer of the same process; nothing where it is of another one.
    pub(super) fn since(&self, before: &Self) -> Option<f64> {
        let same = self.started == before.started && self.at > before.at;
        same.then(|| (self.at - before.at) as f64 / 1e3)
    }

    /// What each cell has counted since an earlier answer.
    pub(super) fn happened<'a>(
        &'a self,
        before: &'a Self,
    ) -> impl Iterator<Item = (&'a Cell, Happened)> {
        let before: BTreeMap<_, _> = before.cells.iter().map(|cell| (cell.key(), cell)).collect();
        self.cells.iter().map(move |cell| {
            let before = before.get(&cell.key());
            (cell, cell.since(before.copied()))
        })
    }
}

// === impl Cell ===

impl Cell {
    fn key(&self) -> (&str, Option<&str>, &str, u64) {
        let variant = self.variant.as_deref();
        (&self.pipeline, variant, &self.model, self.version)
    }

    /// A cell that was not there before counts from nothing.
    fn since(&self, before: Option<&Self>) -> Happened {
        let mut happened = Happened::default();
        for (outcome, count) in &self.outcomes {
            let old = before.and_then(|before| before.outcomes.get(outcome));
            let count = count.saturating_sub(old.copied().unwrap_or(0));
            happened.requests += count;
            if FAILURES.contains(&outcome.as_str()) {
                happened.failures += count;
            }
        }
        let took = before.map_or_else(Counts::default, |before| before.request.counts());
        happened.took = self.request.counts().since(&took);
        happened
    }
}

// === impl Sketch ===

impl Sketch {
    fn counts(&self) -> Counts {
        // Their sum is not asked for here.
        Counts::new(self.buckets.iter().copied(), 0)
    }
}

// === impl Happened ===

impl Happened {
    pub(super) fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.failures += other.failures;
        self.took.add(&other.took);
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// The share that failed, from 0 to 1; nothing where nobody asked.
    pub(super) fn failing(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.failures as f64 / self.requests as f64)
    }

    /// The duration that a share of the requests kept within, in milliseconds.
    pub(super) fn quantile_ms(&self, share: f64) -> Option<f64> {
        self.took.quantile(share).map(|seconds| seconds * 1e3)
    }
}
