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
