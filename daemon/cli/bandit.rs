//! `impresario bandit …`

use serde_json::{Map, Value, json};

use super::Failure;
use super::args::{BanditCommand, End};
use super::course::{now, number, order, path, percent, shares, steer};
use super::output::{Output, cell, list, table};
use crate::client::{Ask, Client};

pub(super) fn bandit(
    command: BanditCommand,
    client: &Client,
    out: &mut Output,
) -> Result<(), Failure> {
    let arm = |arm: String| order([("arm", Some(json!(arm)))]);
    let (verb, args, order) = match command {
        BanditCommand::Report(args) => {
            let reply = client.ask(Ask::get(path(&args.pipeline, "/bandit")))?;
            return out.show(&reply.body, shown);
        }
        BanditCommand::Freeze { steer, end } => {
            let end = match end {
                End::Experiment => "experiment",
                End::Best => "best",
            };
            ("freeze", steer, order([("as", Some(json!(end)))]))
        }
        BanditCommand::Pause(args) => ("pause", args, Map::new()),
        BanditCommand::Resume(args) => ("resume", args, Map::new()),
        BanditCommand::RemoveArm { steer, arm: name } => ("remove-arm", steer, arm(name)),
        BanditCommand::RestoreArm { steer, arm: name } => ("restore-arm", steer, arm(name)),
    };
    steer(("bandit", verb), args, order, client, out)
}

fn shown(body: &Value) -> String {
    let course = &body["course"];
    let mut text = format!(
        "{}: the bandit is {} ({})\n{}",
        cell(&body["name"]),
        cell(&course["phase"]),
        shares(course),
        cell(&course["why"])
    );
    let report = &body["report"];
    if report.is_null() {
        text.push_str("\n\nnothing was gathered yet");
    } else {
        let rows = list(&report["arms"]).iter().map(|arm| {
            [
                cell(&arm["name"]),
                format!("{} %", number(&arm["weight"])),
                cell(&arm["shown"]),
                number(&arm["total"]),
                format!("{} ± {}", number(&arm["mean"]), number(&arm["se"])),
                percent(&arm["chance"]),
                match &arm["removed"] {
                    Value::Null => String::new(),
                    removed => format!("by {}: {}", cell(&removed["by"]), cell(&removed["why"])),
                },
            ]
        });
        let headings = ["ARM", "SHARE", "SHOWN", "REWARD", "MEAN", "BEST", "REMOVED"];
        text.push_str(&format!(
            "\n\n{}\n\nregret    {} after {} periods; with even shares {}",
            table(headings, rows),
            number(&report["regret"]),
            report["periods"],
            number(&report["regret_even"])
        ));
    }
    text.push_str(&format!("\n\n{}", now("bandit", body)));
    text
}
