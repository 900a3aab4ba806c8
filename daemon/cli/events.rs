//! `impresario events`

use serde_json::Value;

use super::args::{EventsArgs, Form};
use super::course::path;
use super::output::{Output, cell, list};
use super::{Exit, Failure};
use crate::client::events::Events;
use crate::client::{Ask, Client};

pub(super) fn events(args: EventsArgs, client: &Client, out: &mut Output) -> Result<(), Failure> {
    // The stream is opened first, so that nothing falls between.
    let stream = match args.follow {
        true => {
            let ask = Ask::get("/admin/v1/events").query("pipeline", args.pipeline.as_ref());
            Some(client.stream(ask)?)
        }
        false => None,
    };
    let mut newest = None;
    for entry in past(&args, client)?.iter().rev() {
        newest = entry["seq"].as_u64();
        show(entry, out)?;
    }
    let Some(stream) = stream else { return Ok(()) };
    for event in Events::new(stream) {
        let Ok(event) = event else { break };
        if event.id.is_none() || event.id > newest {
            show(&event.data, out)?;
        }
    }
    Err(Failure::new(
        Exit::Unreachable,
        "the daemon ended the events: it goes down, or the connection broke",
    ))
}

/// What happened already, newest first.
fn past(args: &EventsArgs, client: &Client) -> Result<Vec<Value>, Failure> {
    if args.limit == 0 {
        return Ok(Vec::new());
    }
    let ask = match &args.pipeline {
        Some(pipeline) => Ask::get(path(pipeline, "/journal")),
        None => Ask::get("/admin/v1/audit"),
    };
    let reply = client.ask(ask.query("limit", Some(args.limit)))?;
    let field = match args.pipeline {
        Some(_) => "entries",
        None => "records",
    };
    Ok(list(&reply.body[field]).to_vec())
}

fn show(entry: &Value, out: &mut Output) -> Result<(), Failure> {
    let line = match out.form {
        Form::Json => entry.to_string(),
        Form::Table => line(entry),
    };
    out.text(&line)
}

/// An event on a line: of the journal with its sentence, of the audit with who and why.
fn line(entry: &Value) -> String {
    if entry["action"].is_null() {
        return format!("missed events {} to {}", entry["from"], entry["to"]);
    }
    let said = match &entry["sentence"] {
        Value::Null => {
            let reason = match &entry["reason"] {
                Value::Null => String::new(),
                reason => format!(": {}", cell(reason)),
            };
            format!("by {}{reason}", cell(&entry["actor"]))
        }
        sentence => cell(sentence),
    };
    let pipeline = match &entry["pipeline"] {
        Value::Null => String::new(),
        pipeline => format!("{}  ", cell(pipeline)),
    };
    format!(
        "{}  {:>5}  {pipeline}{}  {said}",
        cell(&entry["at"]),
        cell(&entry["seq"]),
        cell(&entry["action"])
    )
}
