//! A story: lines with the time at which they were told, for whoever watches the example.

use std::time::{Duration, Instant};

use impresario::clock;

use super::Failure;

/// The longest that a story waits for what it tells next: far more than it takes, so that a slow machine does not end it.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long it looks away between two looks.
const GLANCE: Duration = Duration::from_millis(50);

/// A story, and when it began.
pub(crate) struct Story {
    begun: Instant,
}

impl Story {
    /// Begins with its title.
    pub(crate) fn begin(title: &str) -> Self {
        println!("{title}\n");
        Self {
            begun: clock::instant(),
        }
    }

    /// Tells one line.
    pub(crate) fn tell(&self, line: impl AsRef<str>) {
        let mut lines = line.as_ref().lines();
        let seconds = self.begun.elapsed().as_secs_f64();
        println!("{seconds:6.1} s  {}", lines.next().unwrap_or_default());
        for more in lines {
            println!("          {more}");
        }
    }

    /// Looks until there is something to see.
    ///
    /// # Errors
    /// What a look failed with, or that it took too long.
    pub(crate) fn wait<T>(
        &self,
        what: &str,
        mut look: impl FnMut() -> Result<Option<T>, Failure>,
    ) -> Result<T, Failure> {
        let begun = clock::instant();
        loop {
            if let Some(seen) = look()? {
                return Ok(seen);
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("waited {} s for {what}", PATIENCE.as_secs()).into());
            }
            // What is waited for comes from the daemon's own timers; looking again is the only way to see it.
            std::thread::park_timeout(GLANCE);
        }
    }
}

/// That what the story tells is so.
///
/// # Errors
/// Where it is not.
pub(crate) fn hold(so: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failure> {
    match so {
        true => Ok(()),
        false => Err(otherwise().into()),
    }
}
