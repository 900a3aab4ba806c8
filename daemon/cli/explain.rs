//! `impresario explain`

use serde_json::Value;

use super::Failure;
use super::course::number;
use super::output::{Output, cell, list};
use crate::client::{Ask, Client, encoded};

pub(super) fn explain(id: &str, client: &Client, out: &mut Output) -> Result<(), Failure> {
    let reply = client.ask(Ask::get(format!("/admin/v1/decisions/{}", encoded(id))))?;
    out.show(&reply.body, shown)
}

fn shown(decision: &Value) -> String {
    let mut text = cell(&decision["sentence"]);
    let mut line = |name: &str, said: String| {
        if !said.is_empty() {
            text.push_str(&format!("\n{name:<10}{said}"));
        }
    };
    line("request", cell(&decision["request"]));
    line("at", cell(&decision["at"]));
    line(
        "pipeline",
        format!(
            "{}, revision {}",
            cell(&decision["pipeline"]),
            decision["revision"]
        ),
    );
    let weights = list(&decision["weights"]).iter();
    let weights: Vec<_> = weights
        .map(|share| format!("{} {} %", cell(&share["name"]), number(&share["weight"])))
        .collect();
    line("weights", weights.join(", "));
    line("slot", cell(&decision["slot"]));
    line("unit", cell(&decision["unit"]));
    line(
        "took",
        format!(
            "{} ms: {} in the queue, {} in the engine",
            number(&decision["total_ms"]),
            number(&decision["queue_ms"]),
            number(&decision["compute_ms"])
        ),
    );
    if let shadow @ Value::Object(_) = &decision["shadow"] {
        line(
            "shadow",
            format!("{} version {}", cell(&shadow["model"]), shadow["version"]),
        );
    }
    nodes(&decision["nodes"], 0, &mut line);
    for feedback in list(&decision["feedback"]) {
        line(
            "feedback",
            format!(
                "{} = {} at {}",
                cell(&feedback["metric"]),
                number(&feedback["value"]),
                cell(&feedback["at"])
            ),
        );
    }
    text
}

/// The nodes of a composite, each with whom it asked; those of a composite within another one stand below it.
fn nodes(nodes: &Value, depth: usize, line: &mut impl FnMut(&str, String)) {
    for node in list(nodes) {
        let mut said = format!(
            "{:indent$}{}: {}",
            "",
            cell(&node["name"]),
            cell(&node["fate"]),
            indent = depth * 2
        );
        let took = list(&node["took"]).iter();
        let took = took.map(|took| format!("{} for {} rows", cell(&took["name"]), took["rows"]));
        let missing = list(&node["missing"]).iter().map(cell);
        for (word, words) in [
            ("took", took.collect::<Vec<_>>()),
            ("without", missing.collect()),
        ] {
            if !words.is_empty() {
                said.push_str(&format!(", {word} {}", words.join(", ")));
            }
        }
        if node["skipped"] != 0 {
            said.push_str(&format!(", skipped for {} rows", node["skipped"]));
        }
        if let failure @ Value::String(_) = &node["failure"] {
            said.push_str(&format!(": {}", cell(failure)));
        }
        line("node", said);
        for call in list(&node["calls"]) {
            let by = match &call["answered"] {
                Value::Null => "nobody".to_owned(),
                by => format!("{} version {}", cell(&by["model"]), by["version"]),
            };
            let failure = match &call["failure"] {
                Value::Null => String::new(),
                failure => format!(": {}", cell(failure)),
            };
            let said = format!(
                "{:indent$}{by}, {} rows, after {} ms, took {} ms{failure}",
                "",
                call["rows"],
                number(&call["began_ms"]),
                number(&call["took_ms"]),
                indent = depth * 2 + 2
            );
            line("", said);
            self::nodes(&call["nodes"], depth + 1, line);
        }
    }
}
