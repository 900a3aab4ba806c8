//! How long to wait before a batch is tried again, and when it is given up. Pure: the time and the draw are arguments.

use std::time::Duration;

/// The longest that a collector is left alone because it asked for it.
const REST: Duration = Duration::from_secs(5 * 60);

/// The pace of tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    /// The wait after the first try; it doubles with each.
    pub(super) first: Duration,
    /// The longest wait that nobody asked for.
    pub(super) longest: Duration,
    /// How long a batch is tried at all.
    pub(super) patience: Duration,
}

// === impl Pace ===

/// A second, doubled up to half a minute, for five minutes.
impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            patience: Duration::from_secs(5 * 60),
        }
    }
}

impl Pace {
    /// How long to wait after so many tries; nothing where the next one would come too late. A uniform draw takes up to
    /// half of the wait off, so that many who failed together do not come back together. What the collector asked for is
    /// kept.
    pub(super) fn wait(
        &self,
        tried: u32,
        spent: Duration,
        asked: Option<Duration>,
        draw: u64,
    ) -> Option<Duration> {
        let doublings = 2u32.saturating_pow(tried.saturating_sub(1));
        let wait = self.first.saturating_mul(doublings).min(self.longest);
        let part = 0.5 + 0.5 * (draw as f64 / u64::MAX as f64);
        let wait = wait.mul_f64(part).max(asked.unwrap_or_default());
        (spent.saturating_add(wait) <= self.patience).then_some(wait)
    }

    /// How long to leave a collector alone after what it refused was given up: as long as it asked for, within bounds.
    pub(super) fn rest(asked: Option<Duration>) -> Duration {
        asked.unwrap_or_default().min(REST)
    }
}
