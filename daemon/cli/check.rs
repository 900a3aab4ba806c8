//! What is told of files alone: whether they are sound, whether their tests hold, and what their graphs look like.

use std::io::{self, Write};

use serde_json::json;

use super::args::{CheckArgs, Drawn, Form, GraphArgs};
use super::output::Output;
use super::{Exit, Failure};
use crate::check::{self, Nothing};
use crate::config;

pub(super) fn check(args: CheckArgs, out: &mut Output) -> Result<Exit, Failure> {
    let (config, overrides) = (args.config.as_deref(), args.overrides.into());
    let report = match args.run {
        true => check::rehearse(config, config::environment(), &overrides, &aside),
        false => check::check(config, config::environment(), &overrides),
    };
    let answer = serde_json::to_value(&report).expect("a report is JSON");
    out.show(&answer, |_| report.to_string())?;
    Ok(if report.ok { Exit::Done } else { Exit::Failed })
}

/// What is no part of the answer.
fn aside(line: &str) {
    // Nobody may be reading.
    let _: io::Result<()> = writeln!(io::stderr(), "{line}");
}

pub(super) fn graph(args: GraphArgs, out: &mut Output) -> Result<Exit, Failure> {
    let overrides = args.overrides.into();
    let drawn = check::draw(
        args.config.as_deref(),
        config::environment(),
        &overrides,
        &args.name,
    );
    let drawn = match drawn {
        Ok(drawn) => drawn,
        Err(Nothing::Unknown(why)) => return Err(Failure::new(Exit::NotFound, why)),
        Err(Nothing::Problems(problems)) => {
            problems
                .iter()
                .for_each(|problem| aside(&problem.to_string()));
            return Ok(Exit::Failed);
        }
    };
    let drawing = drawn.drawing.map(|drawing| match args.format {
        Drawn::Text => drawing.text(),
        Drawn::Dot => drawing.dot(),
        Drawn::Mermaid => drawing.mermaid(),
    });
    let answer = json!({
        "pipeline": drawn.pipeline,
        "version": drawn.version,
        "ok": drawn.problems.is_empty(),
        "drawing": drawing,
        "problems": drawn.problems,
    });
    match (out.form, drawing) {
        (Form::Json, _) => out.show(&answer, |_| String::new())?,
        (Form::Table, Some(drawing)) => out.text(&drawing)?,
        (Form::Table, None) => {}
    }
    if out.form == Form::Table {
        // Whoever draws reads the answer alone.
        drawn
            .problems
            .iter()
            .for_each(|problem| aside(&problem.to_string()));
    }
    Ok(match drawn.problems.is_empty() {
        true => Exit::Done,
        false => Exit::Failed,
    })
}
