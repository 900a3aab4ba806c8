//! `impresario experiment …`

use serde_json::{Map, Value, json};

use super::Failure;
use super::args::ExperimentCommand;
use super::course::{now, number, order, path, percent, shares, span, steer};
use super::output::{Output, cell, list, table};
use crate::client::{Ask, Client};

pub(super) fn experiment(
    command: ExperimentCommand,
    client: &Client,
    out: &mut Output,
) -> Result<(), Failure> {
    let (verb, args, order) = match command {
        ExperimentCommand::Report(args) => {
            let reply = client.ask(Ask::get(path(&args.pipeline, "/experiment")))?;
            return out.show(&reply.body, shown);
        }
        ExperimentCommand::Stop(args) => ("stop", args, Map::new()),
        ExperimentCommand::Ship { steer, arm } => {
            ("ship", steer, order([("arm", Some(json!(arm)))]))
        }
        ExperimentCommand::SetWeights { steer, weights } => {
            let weights: Map<String, Value> = weights
                .into_iter()
                .map(|(arm, percent)| (arm, json!(percent)))
                .collect();
            let order = order([("weights", Some(Value::Object(weights)))]);
            ("set-weights", steer, order)
        }
        ExperimentCommand::Pause(args) => ("pause", args, Map::new()),
        ExperimentCommand::Resume(args) => ("resume", args, Map::new()),
    };
    steer(("experiment", verb), args, order, client, out)
}

/// The verdict first, then what it rests on.
fn shown(body: &Value) -> String {
    let course = &body["course"];
    let mut text = format!(
        "{}: the experiment is {} ({})\n{}",
        cell(&body["name"]),
        cell(&course["phase"]),
        shares(course),
        cell(&course["why"])
    );
    match &body["report"] {
        Value::Null => text.push_str("\n\nnothing was gathered yet"),
        report => text.push_str(&format!("\n\n{}", self::report(report))),
    }
    text.push_str(&format!("\n\n{}", now("experiment", body)));
    text
}

fn report(report: &Value) -> String {
    let ship = match &report["ship"] {
        Value::Null => String::new(),
        arm => format!(" {}", cell(arm)),
    };
    let mut text = format!(
        "verdict   {}{ship}: {}\nmeasured  by {}, for {}, at alpha {}",
        cell(&report["verdict"]),
        cell(&report["why"]),
        cell(&report["unit"]),
        span(&report["seconds"]),
        report["alpha"]
    );
    let arms = list(&report["arms"]);
    let rows = arms.iter().map(|arm| {
        [
            cell(&arm["name"]),
            format!("{} %", number(&arm["weight"])),
            number(&arm["units"]),
            cell(&arm["requests"]),
        ]
    });
    text.push_str(&format!(
        "\n\n{}",
        table(["ARM", "WEIGHT", "UNITS", "REQUESTS"], rows)
    ));
    let goals = list(&report["goals"]);
    let rows = goals.iter().flat_map(|goal| {
        let value = |arm: usize| goal["arms"][arm]["value"].clone();
        let contrasts = list(&goal["contrasts"]).iter().enumerate();
        contrasts.map(move |(at, contrast)| {
            [
                format!("{} ({})", cell(&goal["metric"]), cell(&goal["role"])),
                cell(&contrast["arm"]),
                number(&value(0)),
                number(&value(at + 1)),
                difference(&contrast["relative"]),
                number(&contrast["p"]),
                percent(&contrast["chance_to_win"]),
                span(&contrast["seconds_to_mde"]),
            ]
        })
    });
    let headings = [
        "METRIC",
        "ARM",
        "BASELINE",
        "VALUE",
        "CHANGE",
        "P",
        "WINS",
        "TIME LEFT",
    ];
    text.push_str(&format!("\n\n{}", table(headings, rows)));
    for goal in goals.iter().filter(|goal| !goal["refused"].is_null()) {
        text.push_str(&format!(
            "\n{}: {}",
            cell(&goal["metric"]),
            cell(&goal["refused"])
        ));
    }
    let health = &report["health"];
    text.push_str(&format!(
        "\n\nshares    {}{}",
        cell(&health["sample_ratio"]["odds"]),
        match health["mismatch"] == true {
            true => ": the numbers cannot be trusted",
            false => ", trusted below 1,000 to 1",
        }
    ));
    for warning in list(&health["warnings"]) {
        text.push_str(&format!("\nwarning: {}", cell(warning)));
    }
    text
}

/// A relative difference with its interval.
fn difference(numbers: &Value) -> String {
    if numbers.is_null() {
        return String::new();
    }
    let end = |value: &Value| match value {
        Value::Null => "open".to_owned(),
        value => percent(value),
    };
    let interval = &numbers["interval"];
    format!(
        "{} ({} to {})",
        percent(&numbers["value"]),
        end(&interval["low"]),
        end(&interval["high"])
    )
}
