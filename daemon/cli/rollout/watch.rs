//! `impresario rollout watch`: the events of a pipeline until its rollout ends.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::shown::{happened, headline};
use crate::cli::args::Form;
use crate::cli::course::path;
use crate::cli::output::Output;
use crate::cli::{Exit, Failure};
use crate::client::events::Events;
use crate::client::{Ask, Client, Error};

/// How often a daemon that went away is looked for, a second apart: a restart is no end of a rollout.
const TRIES: usize = 60;

/// Follows a rollout until it ends.
pub(super) fn watch(pipeline: &str, client: &Client, out: &mut Output) -> Result<Exit, Failure> {
    let (mut last, mut known, mut tries) = (None, false, 0);
    loop {
        match follow(pipeline, &mut last, client, out) {
            Ok(Some(exit)) => return Ok(exit),
            // The daemon went down, or the connection broke.
            Ok(None) => (known, tries) = (true, 0),
            Err(Lost::Refused(failure)) => return Err(failure),
            Err(Lost::Away(failure)) if !known || tries >= TRIES => return Err(failure),
            Err(Lost::Away(_)) => tries += 1,
        }
        thread::sleep(Duration::from_secs(1));
    }
}

/// Why the events are not to be had.
enum Lost {
    /// The daemon says no.
    Refused(Failure),
    /// It does not answer.
    Away(Failure),
}

impl From<Error> for Lost {
    fn from(error: Error) -> Self {
        match error {
            Error::Connect { .. } | Error::Broken { .. } => Self::Away(error.into()),
            other => Self::Refused(other.into()),
        }
    }
}

/// Follows it as long as the events come; how it ended, where it did.
fn follow(
    pipeline: &str,
    last: &mut Option<u64>,
    client: &Client,
    out: &mut Output,
) -> Result<Option<Exit>, Lost> {
    let ask = Ask::get("/admin/v1/events")
        .query("pipeline", Some(pipeline))
        .header("last-event-id", *last);
    let events = Events::new(client.stream(ask)?);
    // What happened before the stream was open is in the state, which is read after.
    let mut said = String::new();
    let mut look = |out: &mut Output| -> Result<Option<Exit>, Lost> {
        let rollout = client.ask(Ask::get(path(pipeline, "/rollout")))?.body;
        let line = headline(&rollout);
        if out.form == Form::Table && line != said {
            out.text(&line).map_err(Lost::Refused)?;
            said = line;
        }
        Ok(ended(&rollout))
    };
    if let Some(exit) = look(out)? {
        return Ok(Some(exit));
    }
    for event in events {
        // A connection that breaks ends the events.
        let Ok(event) = event else { return Ok(None) };
        *last = event.id.or(*last);
        let shown = match out.form {
            Form::Json => event.data.to_string(),
            Form::Table => happened(&event.data),
        };
        out.text(&shown).map_err(Lost::Refused)?;
        if let Some(exit) = look(out)? {
            return Ok(Some(exit));
        }
    }
    Ok(None)
}

/// How a rollout ended, where it did.
pub(super) fn ended(rollout: &Value) -> Option<Exit> {
    match rollout["phase"].as_str() {
        Some("succeeded") => Some(Exit::Done),
        Some("rolled-back" | "failed-prepare" | "superseded") => Some(Exit::Failed),
        _ => None,
    }
}
