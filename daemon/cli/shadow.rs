//! `impresario shadow report`

use serde_json::Value;

use super::Failure;
use super::args::ShadowCommand;
use super::course::{number, path, percent};
use super::output::{Output, cell, list, table};
use crate::client::{Ask, Client};

/// Labels that became others, at the most.
const CONFUSED: usize = 5;

pub(super) fn shadow(
    command: ShadowCommand,
    client: &Client,
    out: &mut Output,
) -> Result<(), Failure> {
    let ShadowCommand::Report(args) = command;
    let reply = client.ask(Ask::get(path(&args.pipeline, "/shadow")))?;
    out.show(&reply.body, shown)
}

fn shown(body: &Value) -> String {
    let mut text = format!(
        "{}: model {} version {} sees {} of the requests",
        cell(&body["name"]),
        cell(&body["model"]),
        body["version"],
        percent(&body["sample"])
    );
    let beside = list(&body["beside"]);
    if beside.is_empty() {
        text.push_str("\n\nnothing was compared yet");
    }
    // The newest first: that is what answers now.
    for one in beside.iter().rev() {
        text.push_str(&format!(
            "\n\nbeside {} version {}: {}",
            cell(&one["model"]),
            one["version"],
            report(&one["report"])
        ));
    }
    text
}

fn report(report: &Value) -> String {
    let coverage = &report["coverage"];
    let mut text = format!(
        "{}: {}\n\n{} compared of {} sampled of {}; dropped {}, too late {}, not ready {}, without an answer {}",
        cell(&report["finding"]),
        cell(&report["sentence"]),
        coverage["compared"],
        coverage["sampled"],
        coverage["eligible"],
        coverage["dropped"],
        coverage["expired"],
        coverage["unavailable"],
        coverage["unanswered"]
    );
    let outputs = list(&report["outputs"]);
    let rows = outputs.iter().map(|output| {
        [
            cell(&output["name"]),
            cell(&output["pairs"]),
            cell(&output["exact"]),
            cell(&output["within"]),
            cell(&output["agree"]),
            format!("{} of {}", output["same"], output["rows"]),
            number(&output["differences"]["p50"]),
            number(&output["differences"]["p99"]),
        ]
    });
    let headings = [
        "OUTPUT",
        "PAIRS",
        "EXACT",
        "CLOSE",
        "AGREE",
        "SAME LABEL",
        "|Δ| P50",
        "|Δ| P99",
    ];
    text.push_str(&format!("\n\n{}", table(headings, rows)));
    for output in outputs {
        let cells = list(&output["matrix"]).iter();
        let mut confused: Vec<_> = cells
            .filter(|one| one["answered"] != one["shadow"])
            .collect();
        confused.sort_by_key(|one| std::cmp::Reverse(one["rows"].as_u64()));
        for one in confused.into_iter().take(CONFUSED) {
            text.push_str(&format!(
                "\n  {}: {} became {} in {} rows",
                cell(&output["name"]),
                cell(&one["answered"]),
                cell(&one["shadow"]),
                one["rows"]
            ));
        }
    }
    let errors = &report["errors"];
    text.push_str(&format!(
        "\n\nfailures  only the shadow {}, only the version that answers {}, both {} (p {})\ntime      {} times as long in the median, {} at 99 in 100",
        errors["shadow"],
        errors["answering"],
        errors["both"],
        number(&errors["p"]),
        number(&report["ratio"]["p50"]),
        number(&report["ratio"]["p99"])
    ));
    for example in list(&report["examples"]) {
        let what = match (&example["failure"], &example["output"]) {
            (Value::Null, output) => cell(output),
            (failure, _) => cell(failure),
        };
        text.push_str(&format!(
            "\nexample   {} ({}): {what}",
            cell(&example["request"]),
            cell(&example["kind"])
        ));
    }
    text
}
