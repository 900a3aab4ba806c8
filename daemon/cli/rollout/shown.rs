//! A rollout for people: one screen that an on-call engineer can act on.

use serde_json::Value;

use crate::cli::course::{bar, now, number, percent, span};
use crate::cli::output::{cell, list, table};

/// The columns of a line's name.
const NAME: usize = 10;

/// Where it is, why, the evidence, and what can be done.
pub(super) fn status(rollout: &Value) -> String {
    let mut text = headline(rollout);
    let mut line = |name: &str, said: String| {
        if !said.is_empty() {
            text.push_str(&format!("\n{name:<NAME$}{said}"));
        }
    };
    line("why", cell(&rollout["why"]));
    line("since", cell(&rollout["since"]));
    line("waits for", cell(&rollout["waits"]));
    line("frozen", cell(&rollout["frozen"]));
    line("doubt", cell(&rollout["doubt"]));
    line("forced", cell(&rollout["forced"]));
    line("clock", clock(&rollout["clocks"]));
    text.push_str("\n\n");
    text.push_str(&steps(list(&rollout["steps"])));
    match &rollout["evidence"] {
        Value::Null => text.push_str("\n\nno evidence yet"),
        evidence => text.push_str(&format!("\n\n{}", self::evidence(evidence))),
    }
    for warning in list(&rollout["plan"]["warnings"]) {
        text.push_str(&format!("\nwarning: {}", cell(warning)));
    }
    text.push_str(&format!("\n\n{}", now("rollout", rollout)));
    text
}

/// The first line: who, where, and how much.
pub(super) fn headline(rollout: &Value) -> String {
    let detail = match &rollout["detail"] {
        Value::Null => String::new(),
        detail => format!(" ({})", cell(detail)),
    };
    // Before its steps it is where its phase says, and nothing more is to be told.
    let progress = match rollout["progress"] == rollout["phase"] {
        true => String::new(),
        false => format!(", {}", cell(&rollout["progress"])),
    };
    format!(
        "{}: version {} of {} against {}: {}{detail}{progress}, {} % of the traffic",
        cell(&rollout["name"]),
        rollout["canary"],
        cell(&rollout["model"]),
        rollout["stable"],
        cell(&rollout["phase"]),
        number(&rollout["weight"])
    )
}

fn clock(clocks: &Value) -> String {
    let runs = match clocks["running"] == true {
        true => "",
        false => ", not counting yet",
    };
    let away = match clocks["away"].as_f64() {
        Some(away) if away > 0.0 => format!(", the canary was away for {}", span(&clocks["away"])),
        _ => String::new(),
    };
    format!(
        "{} here, {} in all steps{runs}{away}",
        span(&clocks["phase"]),
        span(&clocks["baked"])
    )
}

fn steps(steps: &[Value]) -> String {
    let lines = steps.iter().map(|step| {
        let mark = match step["mark"].as_str() {
            Some("done") => 'x',
            Some("current") => '>',
            Some("stopped") => '!',
            _ => ' ',
        };
        let number = step["number"].as_u64().unwrap_or_default();
        format!("  [{mark}] {number:>2}  {}", cell(&step["what"]))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn evidence(evidence: &Value) -> String {
    let harm = &evidence["harm"];
    let bar_at = harm["bar"].as_f64().unwrap_or(f64::INFINITY);
    let strength = |odds: &Value| {
        let log = odds["log"].as_f64().unwrap_or(0.0);
        format!("{} {}", bar(log / bar_at), cell(&odds["odds"]))
    };
    let counts = |guardrail: &Value, arm: &str| {
        let rate = match &guardrail["rates"][arm] {
            Value::Null => String::new(),
            rate => format!(" ({})", percent(rate)),
        };
        format!(
            "{} of {}{rate}",
            guardrail["events"][arm], guardrail["of"][arm]
        )
    };
    let rows = list(&evidence["guardrails"]).iter().map(|guardrail| {
        let safe = match (guardrail["safe"] == true, guardrail["ground"].as_str()) {
            (true, Some(ground)) => format!("yes ({ground})"),
            _ if guardrail["broken_ceiling"].is_number() => "above its ceiling".to_owned(),
            _ => "not yet".to_owned(),
        };
        [
            cell(&guardrail["metric"]),
            counts(guardrail, "stable"),
            counts(guardrail, "canary"),
            strength(&guardrail["harm"]),
            safe,
        ]
    });
    let shown = table(["GUARDRAIL", "STABLE", "CANARY", "HARM", "SAFE"], rows);
    format!(
        "{shown}\n\n{:<NAME$}{}, aborts at {}\n{:<NAME$}{}, trusted below 1,000 to 1\n{:<NAME$}{} on the stable, {} on the canary",
        "harm",
        strength(harm),
        cell(&harm["bar_odds"]),
        "shares",
        cell(&evidence["sample_ratio"]["odds"]),
        "units",
        evidence["units"]["stable"],
        evidence["units"]["canary"],
    )
}

/// The same in sentences, with the last transitions.
pub(super) fn explanation(both: &Value) -> String {
    let rollout = &both["rollout"];
    let mut text = format!("{}\n{}", headline(rollout), cell(&rollout["why"]));
    for (name, said) in [
        ("waits for", &rollout["waits"]),
        ("frozen", &rollout["frozen"]),
        ("doubt", &rollout["doubt"]),
    ] {
        if !said.is_null() {
            text.push_str(&format!("\n{name:<NAME$}{}", cell(said)));
        }
    }
    let guardrails = list(&rollout["evidence"]["guardrails"]);
    if !guardrails.is_empty() {
        text.push_str("\n\nevidence");
    }
    for guardrail in guardrails {
        text.push_str(&format!("\n  {}", cell(&guardrail["sentence"])));
    }
    text.push_str("\n\nwhat happened, newest first");
    for entry in list(&both["journal"]) {
        text.push_str(&format!("\n  {}", happened(entry)));
        let numbers = list(&entry["numbers"])
            .iter()
            .filter(|one| one["value"].is_number());
        let numbers: Vec<_> = numbers
            .map(|one| format!("{} {}", cell(&one["name"]), number(&one["value"])))
            .collect();
        if !numbers.is_empty() {
            text.push_str(&format!("\n      {}", numbers.join(", ")));
        }
    }
    text
}

/// An entry of the journal on a line.
pub(super) fn happened(entry: &Value) -> String {
    format!(
        "{}  {}  {}",
        cell(&entry["at"]),
        cell(&entry["action"]),
        cell(&entry["sentence"])
    )
}
