//! `impresario payload`: the records in the files of a payload log, from the newest. No daemon is asked.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::Value;

use super::args::{Form, PayloadArgs};
use super::output::{Output, cell, cut, table};
use super::{Exit, Failure};
use crate::clock;
use crate::config::{self, Overrides, Settings};
use crate::payload::{self, Line};

/// The most characters of a sentence in the table.
const SENTENCE: usize = 60;

/// What is asked of a record.
struct Filter {
    pipeline: Option<String>,
    failed: bool,
    /// RFC 3339 texts of one length: their order is the order of time.
    since: Option<String>,
}

pub(super) fn payload(args: PayloadArgs, out: &mut Output) -> Result<(), Failure> {
    let filter = Filter {
        failed: args.failed,
        since: args.since.as_deref().map(since).transpose()?,
        pipeline: args.pipeline.clone(),
    };
    let folder = folder(args.folder, args.config)?;
    let unread = |what: &dyn std::fmt::Display, error| {
        Failure::new(Exit::Failed, format!("read {what}: {error}"))
    };
    let files = payload::list(&folder).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::new(
            Exit::NotFound,
            format!("there is no folder {}", folder.display()),
        ),
        _ => unread(&folder.display(), error),
    })?;
    let mut other = 0;
    // From the newest file on, each from its beginning, until there are enough.
    let mut newest: Vec<(String, Value)> = Vec::new();
    for file in files.iter().rev() {
        if newest.len() >= args.limit {
            break;
        }
        let reader = payload::Reader::open(file);
        let reader = reader.map_err(|error| unread(&file.display(), error))?;
        let mut here = VecDeque::new();
        for line in reader {
            match line.map_err(|error| unread(&file.display(), error))? {
                Line::Record(text, record) if filter.takes(&record) => {
                    here.push_back((text, record));
                    if here.len() > args.limit - newest.len() {
                        here.pop_front();
                    }
                }
                Line::Record(..) | Line::Torn => {}
                Line::Other => other += 1,
            }
        }
        newest.splice(0..0, here);
    }
    if other > 0 {
        // Nobody may read it: what was found is shown all the same.
        let told = writeln!(
            io::stderr(),
            "{other} lines are no records of this program's version"
        );
        drop(told);
    }
    match out.form {
        Form::Json => {
            for (text, _) in &newest {
                out.text(text)?;
            }
            Ok(())
        }
        Form::Table => out.text(&rows(&newest)),
    }
}

/// The folder that is named, or that of a daemon's settings.
fn folder(named: Option<PathBuf>, config: Option<PathBuf>) -> Result<PathBuf, Failure> {
    if let Some(folder) = named {
        return Ok(folder);
    }
    let settings = Settings::load(
        config.as_deref(),
        config::environment(),
        &Overrides::default(),
    );
    let (settings, _) = settings.map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::new(Exit::Failed, lines.join("\n"))
    })?;
    let log = settings.payload_log.ok_or_else(|| {
        Failure::usage(
            "the payload log is off in these settings; name its folder with --folder, or a settings' file with --config",
        )
    })?;
    Ok(log.folder)
}

/// A time, or how long ago.
fn since(text: &str) -> Result<String, Failure> {
    let at = match humantime::parse_rfc3339(text) {
        Ok(at) => Some(at),
        Err(_) => {
            let ago = humantime::parse_duration(text).ok();
            ago.and_then(|ago| clock::wall().checked_sub(ago))
        }
    };
    let at = at.ok_or_else(|| {
        Failure::usage(format!(
            "--since: expected a time such as 2026-11-29T12:00:00Z or an age such as 10m, got '{text}'"
        ))
    })?;
    Ok(humantime::format_rfc3339_millis(at).to_string())
}

fn rows(records: &[(String, Value)]) -> String {
    if records.is_empty() {
        return "no records".to_owned();
    }
    let row = |(_, record): &(String, Value)| {
        let arm = [&record["variant"], &record["version"]].map(cell).join(" ");
        let total = record["total_ms"].as_f64().unwrap_or_default();
        let note = match (&record["error"]["message"], &record["rescue"]) {
            (Value::String(message), _) => cut(message, SENTENCE),
            (_, Value::Object(rescue)) => {
                format!(
                    "covered {}: {}",
                    cell(&rescue["from"]),
                    cell(&rescue["why"])
                )
            }
            _ => cell(&record["left_out"]),
        };
        [
            cell(&record["at"]),
            cell(&record["id"]),
            cell(&record["pipeline"]),
            arm.trim().to_owned(),
            cell(&record["outcome"]),
            format!("{total:.2}"),
            note,
        ]
    };
    let headings = [
        "AT",
        "REQUEST",
        "PIPELINE",
        "ANSWERED BY",
        "OUTCOME",
        "MS",
        "NOTE",
    ];
    table(headings, records.iter().map(row))
}

impl Filter {
    fn takes(&self, record: &Value) -> bool {
        let is_failed = record["outcome"] != "success" || !record["rescue"].is_null();
        let pipeline = self.pipeline.as_deref();
        let since = self.since.as_deref();
        pipeline.is_none_or(|name| record["pipeline"] == name)
            && (is_failed || !self.failed)
            && since.is_none_or(|since| record["at"].as_str().is_some_and(|at| at >= since))
    }
}
