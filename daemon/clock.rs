//! The only place where time enters the program.
//!
//! Everything that decides takes `Now` as an argument; everything that measures takes an `Instant` from here.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use impresario_pipelines::fleet::Now;

/// Both clocks of the process, read together.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    /// The wall time then.
    started: u64,
}

impl Clock {
    /// A clock whose monotonic time begins now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            start: instant(),
            started: wall_ms(),
        }
    }

    /// The wall time of the start, in milliseconds since 1970: the same whenever it is asked, however wall time is set since.
    #[must_use]
    pub fn started(&self) -> u64 {
        self.started
    }

    /// Monotonic milliseconds since the start, and wall milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> Now {
        Now {
            monotonic: millis(self.start.elapsed()),
            wall: wall_ms(),
        }
    }

    /// How long until a monotonic time comes; zero where it has passed.
    #[must_use]
    pub fn until(&self, monotonic: u64) -> Duration {
        Duration::from_millis(monotonic.saturating_sub(self.now().monotonic))
    }
}

/// The monotonic time, for measuring.
#[must_use]
#[allow(
    clippy::disallowed_methods,
    reason = "this is the place that reads the clock"
)]
pub fn instant() -> Instant {
    Instant::now()
}

/// The wall time in milliseconds since 1970, for display and records only.
#[must_use]
pub fn wall_ms() -> u64 {
    wall().duration_since(UNIX_EPOCH).map_or(0, millis)
}

/// The wall time in nanoseconds since 1970, for spans and log records.
#[must_use]
pub fn wall_ns() -> u64 {
    let since = wall().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The wall time, for comparing with the times of files.
#[must_use]
#[allow(
    clippy::disallowed_methods,
    reason = "this is the place that reads the clock"
)]
pub fn wall() -> SystemTime {
    SystemTime::now()
}

/// Whole milliseconds of a duration; the most there are for one that is longer.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
