//! `impresario rollout …`

mod plan;
mod shown;
mod watch;

use serde_json::{Map, Value, json};

use super::args::{CanaryArgs, RolloutCommand, SteerArgs};
use super::course::{conditions, order, path, steer, told};
use super::output::Output;
use super::pipelines::read;
use super::{Exit, Failure};
use crate::client::{Ask, Client};
use impresario_pipelines::spec::{Document, Format, Source};

pub(super) fn rollout(
    command: RolloutCommand,
    client: &Client,
    out: &mut Output,
) -> Result<Exit, Failure> {
    let mut tell = |verb: &str, args: SteerArgs, order: Map<String, Value>| {
        steer(("rollout", verb), args, order, client, out)
    };
    let nothing = Map::new;
    match command {
        RolloutCommand::Start(args) => {
            let body = Value::Object(canary(args.canary)?);
            let ask = Ask::post(path(&args.steer.pipeline, "/rollout"))
                .query("force", args.force.then_some(true))
                .json(&body);
            told(conditions(ask, args.steer.change), client, out)?;
        }
        RolloutCommand::Status(args) => {
            let reply = client.ask(Ask::get(path(&args.pipeline, "/rollout")))?;
            out.show(&reply.body, shown::status)?;
        }
        RolloutCommand::Explain(args) => {
            let reply = client.ask(Ask::get(path(&args.pipeline, "/rollout")))?;
            let journal = Ask::get(path(&args.pipeline, "/journal")).query("limit", Some(10));
            let journal = client.ask(journal)?;
            let both = json!({"rollout": reply.body, "journal": journal.body["entries"]});
            out.show(&both, shown::explanation)?;
        }
        RolloutCommand::Watch(args) => return watch::watch(&args.pipeline, client, out),
        RolloutCommand::Plan(args) => plan::plan(args, client, out)?,
        RolloutCommand::Pause(args) => tell("pause", args, nothing())?,
        RolloutCommand::Resume(args) => tell("resume", args, nothing())?,
        RolloutCommand::Promote {
            full,
            to_step,
            force,
            steer,
        } => {
            let order = order([
                ("full", full.then_some(json!(true))),
                ("to_step", to_step.map(|step| json!(step))),
                ("force", force.then_some(json!(true))),
            ]);
            tell("promote", steer, order)?;
        }
        RolloutCommand::Skip(args) => tell("skip", args, nothing())?,
        RolloutCommand::Approve(args) => tell("approve", args, nothing())?,
        RolloutCommand::Reject(args) => tell("reject", args, nothing())?,
        RolloutCommand::Abort(args) => tell("abort", args, nothing())?,
        RolloutCommand::Retry(args) => tell("retry", args, nothing())?,
        RolloutCommand::Undo(args) => tell("undo", args, nothing())?,
        RolloutCommand::SetWeight { steer, weight } => {
            tell(
                "set-weight",
                steer,
                order([("weight", Some(json!(weight)))]),
            )?;
        }
        RolloutCommand::Freeze { steer, until } => {
            tell("freeze", steer, order([("until", until.map(Value::from))]))?;
        }
        RolloutCommand::Unfreeze(args) => tell("unfreeze", args, nothing())?,
    }
    Ok(Exit::Done)
}

/// What flags and file say of a canary.
fn canary(args: CanaryArgs) -> Result<Map<String, Value>, Failure> {
    let mut canary = match &args.file {
        None => Map::new(),
        Some(file) => {
            let text = read(file)?;
            let shown = file.display().to_string();
            let source = Source {
                format: Format::of(&shown).unwrap_or(Format::Json),
                file: shown.clone(),
                text: &text,
            };
            let document = Document::parse(&source).map_err(|problems| {
                let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
                Failure::new(Exit::Failed, lines.join("\n"))
            })?;
            let table = document.root().as_object().cloned();
            table.ok_or_else(|| Failure::usage(format!("{shown}: expected a table of a canary")))?
        }
    };
    for (field, version) in [("canary", args.canary), ("stable", args.stable)] {
        if let Some(version) = version {
            canary.insert(field.to_owned(), json!(version));
        }
    }
    Ok(canary)
}

#[cfg(test)]
mod tests;
