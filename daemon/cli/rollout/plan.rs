//! `impresario rollout plan`

use serde_json::Value;

use super::canary;
use crate::cli::Failure;
use crate::cli::args::PlanArgs;
use crate::cli::course::{number, path, span};
use crate::cli::output::{Output, cell, list, table};
use crate::client::{Ask, Client};

pub(super) fn plan(args: PlanArgs, client: &Client, out: &mut Output) -> Result<(), Failure> {
    let ahead = args.canary.canary.is_some() || args.canary.file.is_some();
    let at = path(&args.pipeline, "/rollout/plan");
    let ask = match ahead {
        true => Ask::post(at).json(&Value::Object(canary(args.canary)?)),
        false => Ask::get(at),
    };
    let ask = ask
        .query("per_second", args.per_second)
        .query("errors", args.errors);
    let reply = client.ask(ask)?;
    out.show(&reply.body, shown)
}

pub(super) fn shown(plan: &Value) -> String {
    let traffic = &plan["traffic"];
    let mut text = match traffic["source"].as_str() {
        Some("unknown") => format!(
            "{}: the traffic is not known; say it with --per-second and --errors",
            cell(&plan["name"])
        ),
        source => format!(
            "{}: at {} requests per second ({})",
            cell(&plan["name"]),
            number(&traffic["per_second"]),
            source.unwrap_or_default()
        ),
    };
    let rows = list(&plan["steps"]).iter().map(|step| {
        let evidence = step["kind"] == "analyze";
        let slowest = list(&step["waits"]).iter().max_by(|a, b| {
            let prove = |wait: &&Value| wait["prove"].as_f64().unwrap_or(f64::INFINITY);
            prove(a).total_cmp(&prove(b))
        });
        [
            cell(&step["number"]),
            cell(&step["what"]),
            format!("{} %", number(&step["weight"])),
            match &step["requests"] {
                Value::Null if evidence => "never".to_owned(),
                requests => number(requests),
            },
            match (&step["seconds"], step["kind"].as_str()) {
                (Value::Null, Some("approval")) => "until approved".to_owned(),
                (seconds, _) => span(seconds),
            },
            slowest
                .map(|wait| cell(&wait["metric"]))
                .unwrap_or_default(),
        ]
    });
    let headings = ["STEP", "WHAT", "WEIGHT", "REQUESTS", "TIME", "SLOWEST"];
    text.push_str(&format!("\n\n{}", table(headings, rows)));
    if plan["seconds"].is_number() {
        text.push_str(&format!(
            "\n\nall steps: at the most {}",
            span(&plan["seconds"])
        ));
    }
    for warning in list(&plan["warnings"]) {
        text.push_str(&format!("\nwarning: {}", cell(warning)));
    }
    text
}
