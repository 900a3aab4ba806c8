//! How fast events of feedback are taken: so many a second, with a burst of two seconds' worth.

use std::sync::Mutex;
use std::time::Duration;

use super::lock;

/// Seconds whose events may come at once.
const BURST: u64 = 2;

/// A leaky bucket, as a time: when it is empty (the generic cell rate algorithm).
#[derive(Debug)]
pub(super) struct Pace {
    per_second: u64,
    /// In microseconds of the monotonic clock.
    empty: Mutex<u64>,
}

// === impl Pace ===

impl Pace {
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            per_second: u64::from(per_second.max(1)),
            empty: Mutex::default(),
        }
    }

    /// Lets so many events in.
    ///
    /// # Errors
    /// When they can come again; none was let in.
    pub(super) fn admit(&self, events: usize, now_ms: u64) -> Result<(), Duration> {
        let now = now_ms.saturating_mul(1_000);
        let events = u64::try_from(events).unwrap_or(u64::MAX);
        let cost = events.saturating_mul(1_000_000) / self.per_second;
        let mut empty = lock(&self.empty);
        let after = now.max(*empty).saturating_add(cost);
        let wait = after.saturating_sub(now + BURST * 1_000_000);
        if wait > 0 {
            return Err(Duration::from_micros(wait));
        }
        *empty = after;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_fast_is_told_when_to_come_again() {
        let pace = Pace::new(100);
        assert_eq!(pace.admit(200, 0), Ok(()));
        assert_eq!(pace.admit(1, 0), Err(Duration::from_millis(10)));
        assert_eq!(pace.admit(50, 0), Err(Duration::from_millis(500)));
        assert_eq!(pace.admit(50, 499), Err(Duration::from_millis(1)));
        assert_eq!(pace.admit(50, 500), Ok(()));
        // What was refused costs nothing, and a long rest saves up no more than the burst.
        assert_eq!(pace.admit(200, 100_000), Ok(()));
        assert!(pace.admit(1, 100_000).is_err());
    }
}
