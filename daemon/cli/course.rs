//! What rollouts, experiments and bandits have in common on the command line: telling them something, and their words.

use serde_json::{Map, Value};

use super::Failure;
use super::args::{ChangeArgs, SteerArgs};
use super::output::{Output, cell, list};
use crate::client::{Ask, Client, encoded};
use crate::http::admin::REASON;

/// The path of a pipeline's part.
pub(super) fn path(pipeline: &str, rest: &str) -> String {
    format!("/admin/v1/pipelines/{}{rest}", encoded(pipeline))
}

/// Tells a course something and shows what came of it.
pub(super) fn steer(
    (kind, verb): (&str, &str),
    args: SteerArgs,
    order: Map<String, Value>,
    client: &Client,
    out: &mut Output,
) -> Result<(), Failure> {
    let ask =
        Ask::post(path(&args.pipeline, &format!("/{kind}/{verb}"))).json(&Value::Object(order));
    told(conditions(ask, args.change), client, out)
}

/// A request under its conditions.
pub(super) fn conditions(ask: Ask, change: ChangeArgs) -> Ask {
    ask.query("dry_run", change.dry_run.then_some(true))
        .header(
            "if-match",
            change.if_match.map(|revision| format!("\"{revision}\"")),
        )
        .header(REASON, change.why.reason)
}

/// Asks, and shows what came of it.
pub(super) fn told(ask: Ask, client: &Client, out: &mut Output) -> Result<(), Failure> {
    let reply = client.ask(ask)?;
    out.show(&reply.body, outcome)
}

/// What came of telling a course something.
fn outcome(body: &Value) -> String {
    let what = match (body["changed"] == true, body["dry_run"] == true) {
        (false, _) => "nothing to change",
        (true, true) => "it would be changed",
        (true, false) => "changed",
    };
    let mut text = format!(
        "{}: {what}, revision {}",
        cell(&body["name"]),
        body["revision"]
    );
    match &body["course"] {
        Value::Null => text.push_str(&format!("; its policy is {}", cell(&body["policy"]))),
        course => {
            text.push_str(&format!(
                "; the {} is {}",
                cell(&course["kind"]),
                cell(&course["phase"])
            ));
            text.push_str(&format!(" ({})", shares(course)));
            text.push_str(&format!("\n{}", cell(&course["why"])));
        }
    }
    for warning in list(&body["warnings"]) {
        text.push_str(&format!("\nwarning: {}", cell(warning)));
    }
    text
}

/// Who has which share of the traffic.
pub(super) fn shares(course: &Value) -> String {
    let variants = list(&course["variants"]).iter();
    let each = variants.map(|variant| {
        format!(
            "{} {} %",
            cell(&variant["name"]),
            number(&variant["weight"])
        )
    });
    each.collect::<Vec<_>>().join(", ")
}

/// An order of what is said of it.
pub(super) fn order<const N: usize>(fields: [(&str, Option<Value>); N]) -> Map<String, Value> {
    let said = fields.into_iter();
    said.filter_map(|(field, value)| Some((field.to_owned(), value?)))
        .collect()
}

/// The line that says what can be done now.
pub(super) fn now(kind: &str, body: &Value) -> String {
    let verbs: Vec<_> = list(&body["verbs"]).iter().map(cell).collect();
    match verbs.is_empty() {
        true => "nothing can be asked of it now".to_owned(),
        false => format!(
            "now: impresario {kind} {} {}",
            verbs.join("|"),
            cell(&body["name"])
        ),
    }
}

/// A number for people: as many digits as say something.
pub(super) fn number(value: &Value) -> String {
    let Some(number) = value.as_f64() else {
        return cell(value);
    };
    match number.abs() {
        0.0 => "0".to_owned(),
        size if size >= 1_000_000.0 => format!("{:.1} M", number / 1e6),
        size if size >= 10_000.0 => format!("{:.1} k", number / 1e3),
        size if size >= 100.0 || number.fract() == 0.0 => format!("{number:.0}"),
        size if size >= 1.0 => trimmed(&format!("{number:.2}")),
        size if size >= 0.001 => trimmed(&format!("{number:.4}")),
        _ => format!("{number:.1e}"),
    }
}

fn trimmed(digits: &str) -> String {
    digits
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

/// A part of one in per cent.
pub(super) fn percent(value: &Value) -> String {
    match value.as_f64() {
        None => String::new(),
        Some(part) => format!("{} %", number(&Value::from((part * 1e6).round() / 1e4))),
    }
}

/// Seconds for people.
pub(super) fn span(value: &Value) -> String {
    let Some(seconds) = value.as_f64() else {
        return String::new();
    };
    let whole = std::time::Duration::from_secs(seconds.clamp(0.0, 1e12).round() as u64);
    humantime::format_duration(whole).to_string()
}

/// A bar of ten places.
pub(super) fn bar(part: f64) -> String {
    const PLACES: usize = 10;
    let full = (part.clamp(0.0, 1.0) * PLACES as f64).round() as usize;
    format!("[{}{}]", "#".repeat(full), ".".repeat(PLACES - full))
}
