//! What is logged now, and changing it while the daemon runs. It is not kept: a restart logs as the settings say.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_subscriber::{EnvFilter, Registry, reload};

use super::filter::{FilterError, filter};

/// What is logged now. Cloning shares it.
#[derive(Clone)]
pub struct Logging(Arc<Inner>);

struct Inner {
    configured: String,
    now: Mutex<String>,
    /// Without it the process logs by itself.
    handle: Option<reload::Handle<EnvFilter, Registry>>,
}

/// Why what is logged was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSet {
    /// The text is no filter.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// The process logs by itself.
    #[error("what is logged is decided by the program that the daemon is part of")]
    Foreign,
}

// === impl Logging ===

impl Logging {
    pub(super) fn new(configured: &str, handle: reload::Handle<EnvFilter, Registry>) -> Self {
        Self(Arc::new(Inner {
            configured: configured.to_owned(),
            now: Mutex::new(configured.to_owned()),
            handle: Some(handle),
        }))
    }

    /// The log of a process that logs by itself.
    #[must_use]
    pub fn foreign(configured: &str) -> Self {
        Self(Arc::new(Inner {
            configured: configured.to_owned(),
            now: Mutex::new(configured.to_owned()),
            handle: None,
        }))
    }

    /// The filter that holds now.
    #[must_use]
    pub fn level(&self) -> String {
        self.now().clone()
    }

    /// The filter of the settings.
    #[must_use]
    pub fn configured(&self) -> &str {
        &self.0.configured
    }

    /// Whether it can be changed.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.0.handle.is_some()
    }

    /// Logs by another filter from now on; what held before is returned. Who wanted it is logged, by the filter that lets
    /// it through; where neither does, by one that holds for that line only.
    ///
    /// # Errors
    /// [`NotSet`]; nothing was changed.
    pub fn set(&self, text: &str, actor: &str, reason: Option<&str>) -> Result<String, NotSet> {
        let wanted = filter(text)?;
        let handle = self.0.handle.as_ref().ok_or(NotSet::Foreign)?;
        let mut now = self.now();
        let before = now.clone();
        let heard = || tracing::enabled!(tracing::Level::WARN);
        let tell = || {
            tracing::warn!(
                actor,
                reason,
                before,
                after = text,
                "what is logged was changed"
            );
        };
        // It fails only where the subscriber is gone, and with it all that is logged.
        let reload = |to: EnvFilter| handle.reload(to).map_err(|_| NotSet::Foreign);
        let told = heard();
        if told {
            tell();
        }
        reload(wanted)?;
        if !told {
            if heard() {
                tell();
            } else {
                reload(filter("warn")?)?;
                tell();
                reload(filter(text)?)?;
            }
        }
        text.clone_into(&mut now);
        Ok(before)
    }

    fn now(&self) -> MutexGuard<'_, String> {
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Logging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Logging").field(&*self.now()).finish()
    }
}
