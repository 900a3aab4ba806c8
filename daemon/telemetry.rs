//! Logs: structured fields, lower-case messages, to standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Log, LogFormat};

/// Begins to log, as the settings say: text for people at a terminal, a JSON object a line otherwise. A process
/// that logs already (an embedding application, a second start in one test) goes on as it was.
///
/// # Errors
/// The filter's own message, when `log.level` is none.
pub(crate) fn start(log: &Log) -> Result<(), String> {
    let filter = EnvFilter::try_new(&log.level)
        .map_err(|error| format!("log.level {:?}: {error}", log.level))?;
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !io::stderr().is_terminal(),
    };
    let lines = fmt().with_env_filter(filter).with_writer(io::stderr);
    let already = if json {
        lines
            .json()
            .flatten_event(true)
            .finish()
            .try_init()
            .is_err()
    } else {
        lines
            .with_target(false)
            .with_ansi(io::stderr().is_terminal())
            .finish()
            .try_init()
            .is_err()
    };
    if already {
        tracing::debug!("the process logs already");
    }
    Ok(())
}
