//! Logs: structured fields, lower-case messages, to standard error, in the form that whoever reads them takes.
//!
//! What is logged may be changed while the daemon runs. What requests log of themselves is made in `plane`; records that
//! are exported go through a layer of `otlp`.

mod fields;
mod filter;
mod level;
mod lines;

use std::io::{self, IsTerminal};

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt, reload};

pub(crate) use fields::Shape;
pub use filter::{FilterError, filter};
pub use level::{Logging, NotSet};

use crate::config::{Log, LogFormat};
use crate::otlp::Logs;
use lines::Lines;

/// Where the log of requests goes: one line each, of those that are asked for.
pub const ACCESS: &str = "impresario::access";

/// Begins to log, as the settings say: text for people at a terminal, a JSON object a line otherwise. A process that logs
/// already (an embedding application, a second start in one test) goes on as it was, and its level is not changed here.
///
/// # Errors
/// What is wrong with `log.level`.
pub(crate) fn start(log: &Log, exported: Option<Logs>) -> Result<Logging, FilterError> {
    let (filter, handle) = reload::Layer::new(filter(&log.level)?);
    let shape = match log.format {
        LogFormat::Json => Some(Shape::Plain),
        LogFormat::Ecs => Some(Shape::Ecs),
        LogFormat::Text => None,
        LogFormat::Auto if io::stderr().is_terminal() => None,
        LogFormat::Auto => Some(Shape::Plain),
    };
    let lines = fmt::layer().with_writer(io::stderr);
    let lines: Box<dyn Layer<_> + Send + Sync> = match shape {
        Some(shape) => lines.event_format(Lines { shape }).boxed(),
        None => {
            let colours = io::stderr().is_terminal();
            lines.with_target(false).with_ansi(colours).boxed()
        }
    };
    let subscriber = Registry::default().with(filter).with(lines).with(exported);
    if subscriber.try_init().is_err() {
        tracing::debug!("the process logs already");
        return Ok(Logging::foreign(&log.level));
    }
    Ok(Logging::new(&log.level, handle))
}

#[cfg(test)]
mod tests;
