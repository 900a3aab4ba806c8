//! Sums of rewards: of about one time, and of all times with a discount; and how many of them have come by an age.

use crate::stats::bandit::discount;
use crate::stats::survival::{Curve, Delay};

/// Exposures of about one time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cell {
    pub(super) shown: u64,
    pub(super) fed: u64,
    pub(super) sum: f64,
    pub(super) sum_sq: f64,
}

/// Sums with a discount.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Settled {
    /// When they counted so much, in milliseconds since 1970.
    pub(super) at: u64,
    pub(super) n: f64,
    pub(super) sum: f64,
    pub(super) sum_sq: f64,
}

/// How many of the rewards that come at all have come by an age.
pub(super) struct Come {
    curve: Curve,
    last: f64,
}

// === impl Come ===

impl Come {
    /// From delays, each with how many exposures it is of.
    pub(super) fn fit(delays: impl IntoIterator<Item = (Delay, u64)>) -> Self {
        let curve = Curve::fit_counts(delays);
        let last = curve.share(f64::INFINITY);
        Self { curve, last }
    }

    /// The part that has come by an age; all of it where nothing is known.
    pub(super) fn by(&self, age: f64) -> f64 {
        if self.last <= 0.0 {
            return 1.0;
        }
        self.curve.share(age) / self.last
    }
}

// === impl Cell ===

impl Cell {
    /// The part of it whose reward is here.
    pub(super) fn share(&self) -> f64 {
        self.fed.min(self.shown) as f64 / self.shown.max(1) as f64
    }
}

// === impl Settled ===

impl Settled {
    /// Adds what counted so much at its time.
    pub(super) fn add(&mut self, other: &Self, half_life: Option<f64>) {
        let at = self.at.max(other.at);
        let (mine, theirs) = (
            self.discounted(at, half_life),
            other.discounted(at, half_life),
        );
        *self = Self {
            at,
            n: mine.n + theirs.n,
            sum: mine.sum + theirs.sum,
            sum_sq: mine.sum_sq + theirs.sum_sq,
        };
    }

    /// What it counts for at a time.
    pub(super) fn discounted(&self, now: u64, half_life: Option<f64>) -> Self {
        let age = now.saturating_sub(self.at) as f64;
        let part = discount(age, half_life.unwrap_or_default());
        Self {
            at: now.max(self.at),
            n: part * self.n,
            sum: part * self.sum,
            sum_sq: part * self.sum_sq,
        }
    }
}
