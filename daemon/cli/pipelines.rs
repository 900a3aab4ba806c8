//! `impresario pipelines …`

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use impresario_models::Name;
use impresario_pipelines::spec::{self, Format, Source};
use serde_json::{Value, json};
use ureq::http::Method;

use super::args::{ChangeArgs, PipelinesCommand, PutArgs};
use super::course::shares;
use super::output::{Output, cell, list, table};
use super::status::waiting;
use super::{Exit, Failure};
use crate::client::{Ask, Client, encoded};
use crate::http::admin::REASON;

pub(super) fn pipelines(
    command: PipelinesCommand,
    client: &Client,
    out: &mut Output,
) -> Result<(), Failure> {
    match command {
        PipelinesCommand::List => {
            let reply = client.ask(Ask::get("/admin/v1/pipelines"))?;
            out.show(&reply.body, |body| rows(list(&body["pipelines"])))
        }
        PipelinesCommand::Show { name } => {
            let reply = client.ask(Ask::get(path(&name, "")))?;
            out.show(&reply.body, |body| {
                let pipeline = pretty(&body["spec"]);
                let status = &body["status"];
                let from = match &status["source"] {
                    Value::Null => "its model's own".to_owned(),
                    source => format!("revision {}, through {}", body["revision"], cell(source)),
                };
                let mut text = format!(
                    "{}: {from}; {}\n{pipeline}",
                    cell(&body["name"]),
                    serves(status)
                );
                let course = &status["course"];
                if !course.is_null() {
                    let (kind, phase) = (cell(&course["kind"]), cell(&course["phase"]));
                    text.push_str(&format!(
                        "\n\n{kind}: {phase}, {}\n{}",
                        shares(course),
                        cell(&course["why"])
                    ));
                }
                if !list(&status["waits"]).is_empty() {
                    text.push_str(&format!("\n\n{}", waiting(list(&status["waits"]))));
                }
                text
            })
        }
        PipelinesCommand::Put(args) => {
            let body = written(&args)?;
            change(
                Ask::new(Method::PUT, path(&args.name, ""))
                    .query("force", args.force.then_some(true))
                    .text(body),
                args.change,
                client,
                out,
            )
        }
        PipelinesCommand::Delete {
            name,
            change: under,
        } => change(
            Ask::new(Method::DELETE, path(&name, "")),
            under,
            client,
            out,
        ),
        PipelinesCommand::Undo {
            name,
            to,
            change: under,
        } => {
            let body = to.map_or_else(|| json!({}), |to| json!({"to": to}));
            change(
                Ask::post(path(&name, "/undo")).json(&body),
                under,
                client,
                out,
            )
        }
        PipelinesCommand::Revisions {
            name,
            revision: None,
        } => {
            let reply = client.ask(Ask::get(path(&name, "/revisions")))?;
            out.show(&reply.body, |body| {
                let rows = list(&body["revisions"]).iter().map(|revision| {
                    let current = if revision["current"] == true {
                        " *"
                    } else {
                        ""
                    };
                    [
                        format!("{}{current}", revision["revision"]),
                        cell(&revision["at"]),
                        cell(&revision["actor"]),
                        cell(&revision["action"]),
                        changes(list(&revision["changes"])),
                        cell(&revision["reason"]),
                    ]
                });
                table(
                    ["REVISION", "AT", "ACTOR", "ACTION", "CHANGES", "REASON"],
                    rows,
                )
            })
        }
        PipelinesCommand::Revisions { name, revision } => {
            let number = revision
                .map(|number| format!("/revisions/{number}"))
                .unwrap_or_default();
            let reply = client.ask(Ask::get(path(&name, &number)))?;
            out.show(&reply.body, |body| {
                let by = format!(
                    "{} by {} at {}",
                    cell(&body["action"]),
                    cell(&body["actor"]),
                    cell(&body["at"])
                );
                format!(
                    "revision {}: {by}\n{}",
                    body["revision"],
                    pretty(&body["spec"])
                )
            })
        }
    }
}

fn change(ask: Ask, args: ChangeArgs, client: &Client, out: &mut Output) -> Result<(), Failure> {
    let ask = ask
        .query("dry_run", args.dry_run.then_some(true))
        .header(
            "if-match",
            args.if_match.map(|revision| format!("\"{revision}\"")),
        )
        .header(REASON, args.why.reason);
    let reply = client.ask(ask)?;
    out.show(&reply.body, |body| {
        let report = &body["report"];
        let what = match (
            report["changed"] == true,
            report["dry_run"] == true,
            report["configured"] == true,
        ) {
            (false, _, _) => "nothing to change",
            (true, true, _) => "it would be changed",
            (true, false, true) => "changed",
            (true, false, false) => "removed",
        };
        let mut text = format!(
            "{}: {what}, revision {}; {}",
            cell(&body["name"]),
            body["revision"],
            serves(report)
        );
        if !list(&report["waits"]).is_empty() {
            text.push_str(&format!("\n\n{}", waiting(list(&report["waits"]))));
        }
        text
    })
}

fn path(name: &str, rest: &str) -> String {
    format!("/admin/v1/pipelines/{}{rest}", encoded(name))
}

/// The body of a put: the file as it is, the pipeline of that name in a pipeline file, or what the flags say.
fn written(args: &PutArgs) -> Result<String, Failure> {
    let Some(file) = &args.file else {
        let version = match args.version.parse::<u64>() {
            Ok(number) => json!(number),
            Err(_) => json!(args.version),
        };
        let policy = json!({"type": "standalone", "model": args.model, "version": version});
        return Ok(json!({"policy": policy}).to_string());
    };
    let text = read(file)?;
    let shown = file.display().to_string();
    match Format::of(&shown) {
        Some(format @ (Format::Toml | Format::Yaml)) => {
            let source = Source {
                file: shown.clone(),
                text: &text,
                format,
            };
            let compiled = spec::compile(&[source]).map_err(|problems| {
                let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
                Failure::new(Exit::Failed, lines.join("\n"))
            })?;
            let names = compiled
                .pipelines()
                .keys()
                .map(Name::as_str)
                .collect::<Vec<_>>()
                .join(", ");
            let found = compiled.pipelines().get(args.name.as_str());
            let found = found.ok_or_else(|| {
                Failure::usage(format!(
                    "{shown} has no pipeline '{}': it has {names}",
                    args.name
                ))
            })?;
            Ok(serde_json::to_string(found.pipeline()).expect("strings and numbers are JSON"))
        }
        Some(Format::Json) | None => Ok(text),
    }
}

/// A file as text; `-` for standard input.
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = match file.as_os_str() == "-" {
        true => io::stdin().lock().read_to_string(&mut text).map(drop),
        false => fs::File::open(file)
            .and_then(|mut file| file.read_to_string(&mut text))
            .map(drop),
    };
    match read {
        Ok(()) => Ok(text),
        Err(error) => Err(Failure::usage(format!("read {}: {error}", file.display()))),
    }
}

/// A line a pipeline.
pub(super) fn rows(pipelines: &[Value]) -> String {
    let rows = pipelines.iter().map(|pipeline| {
        let waits = list(&pipeline["waits"]);
        [
            cell(&pipeline["name"]),
            match pipeline["configured"] == true {
                true => cell(&pipeline["revision"]),
                false => "-".to_owned(),
            },
            match &pipeline["course"] {
                Value::Null => cell(&pipeline["policy"]),
                course => format!("{} ({})", cell(&pipeline["policy"]), cell(&course["phase"])),
            },
            match &pipeline["serves"] {
                Value::Null => "nobody".to_owned(),
                by => format!("{} version {}", cell(&by["model"]), by["version"]),
            },
            waits
                .first()
                .map(|wait| cell(&wait["code"]))
                .unwrap_or_default(),
        ]
    });
    table(["PIPELINE", "REVISION", "POLICY", "SERVES", "WAITS"], rows)
}

fn serves(status: &Value) -> String {
    match &status["serves"] {
        Value::Null => "nobody serves".to_owned(),
        by => format!("{} version {} serves", cell(&by["model"]), by["version"]),
    }
}

/// What became different, on one line.
pub(super) fn changes(list: &[Value]) -> String {
    let shown = list.iter().map(|change| {
        let side = |value: &Value| match value {
            Value::Null => "nothing".to_owned(),
            other => other.to_string(),
        };
        let (path, before, after) = (
            cell(&change["path"]),
            side(&change["before"]),
            side(&change["after"]),
        );
        let space = if path.is_empty() { "" } else { " " };
        format!("{path}{space}{before} -> {after}")
    });
    super::output::cut(&shown.collect::<Vec<_>>().join("; "), 160)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("a tree is JSON")
}
