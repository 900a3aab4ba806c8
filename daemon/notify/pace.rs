//! How often a delivery is tried, and how long it waits. Pure: the draw is an argument.

use std::time::Duration;

/// The pace of tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The wait after the first try; it doubles with each.
    pub first: Duration,
    /// The longest wait that nobody asked for.
    pub longest: Duration,
    /// The longest wait that a receiver may ask for.
    pub patience: Duration,
    /// Tries in all, at least one.
    pub tries: u32,
    /// How long what waits has to be posted when the daemon goes down.
    pub linger: Duration,
}

// === impl Pace ===

/// A second, doubled up to five minutes, ten tries: about a quarter of an hour.
impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(5 * 60),
            patience: Duration::from_secs(60 * 60),
            tries: 10,
            linger: Duration::from_secs(2),
        }
    }
}

impl Pace {
    /// How long to wait after so many tries; nothing where that was the last. A uniform draw takes up to half of the
    /// wait off, so that many who failed together do not come back together. What the receiver asked for is kept.
    pub(super) fn wait(&self, tried: u32, asked: Option<Duration>, draw: u64) -> Option<Duration> {
        if tried >= self.tries {
            return None;
        }
        let doublings = 2u32.saturating_pow(tried.saturating_sub(1));
        let wait = self.first.saturating_mul(doublings).min(self.longest);
        let part = 0.5 + 0.5 * (draw as f64 / u64::MAX as f64);
        let asked = asked.unwrap_or_default().min(self.patience);
        Some(wait.mul_f64(part).max(asked))
    }
}
