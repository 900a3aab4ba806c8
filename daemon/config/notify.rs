//! Reading `[notify]`: webhooks, and their secrets from files. No address and no secret is repeated in a problem.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use impresario_pipelines::spec::nearest;
use impresario_pipelines::spec::read::{Field, Reader, describe};
use serde_json::Value;

use super::Notify;
use super::field::{MILLISECOND, path};
use super::layers::Layers;
use crate::notify::{Address, Format, Hook, MOST, Pattern, PatternError, Secret};

/// What a webhook is posted for that does not say.
const EVENTS: [&str; 6] = [
    "rollout.*",
    "experiment.*",
    "bandit.*",
    "pipeline.*",
    "pipelines.*",
    "fleet.*",
];
/// The most patterns of a webhook.
const PATTERNS: usize = 64;
/// How long one try may take where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes of a file with a secret.
const SECRET: u64 = 4_096;

pub(super) fn notify(field: &Field<'_>, r: &mut Reader<'_>, layers: &Layers) -> Option<Notify> {
    let mut t = field.table(r)?;
    let webhooks = t.need("webhooks", r);
    t.finish(r);
    let field = webhooks?;
    let fields = match field.value() {
        Value::Array(_) => field.list(r)?,
        _ => return unlike(&field, r, "a list"),
    };
    if fields.len() > MOST {
        let message = format!("expected at most {MOST} webhooks, got {}", fields.len());
        let problem = field.problem(r, "out-of-range", message);
        r.push(problem.hint("post to one program that passes it on"));
        return None;
    }
    let read: Vec<Option<Hook>> = fields.iter().map(|f| hook(f, r, layers)).collect();
    for (at, field) in fields.iter().enumerate() {
        let address = |hook: &Option<Hook>| hook.as_ref().map(|hook| hook.address.clone());
        let this = address(&read[at]);
        let first = read[..at].iter().position(|other| address(other) == this);
        if let (Some(_), Some(first)) = (&this, first) {
            let message = format!("webhooks {first} and {at} have the same url");
            let problem = field.problem(r, "duplicate-url", message);
            r.push(problem.hint("keep one, with the events of both"));
        }
    }
    Some(Notify {
        webhooks: read.into_iter().collect::<Option<_>>()?,
    })
}

fn hook(field: &Field<'_>, r: &mut Reader<'_>, layers: &Layers) -> Option<Hook> {
    let mut t = match field.value() {
        Value::Object(_) => field.table(r)?,
        _ => return unlike(field, r, "a table"),
    };
    let address = t.need("url", r).and_then(|f| {
        let hint = "write it like \"https://alerts.example.com/impresario\"; that a delivery is from here is told by its signature";
        unsaid::<Address>(&f, r, "invalid-url", hint)
    });
    let written = t.get("secret");
    let in_file = t.get("secret_file");
    if let (Some(_), Some(file)) = (&written, &in_file) {
        let message = "expected either secret or secret_file, got both".to_owned();
        r.error(file, "conflict", message);
    }
    let secret = match (written, in_file) {
        (Some(f), _) => secret(&f, r).map(Some),
        (None, Some(f)) => secret_file(&f, r, layers).map(Some),
        (None, None) => Some(None),
    };
    let events = match t.get("events") {
        Some(f) => events(&f, r),
        None => Some(defaults()),
    };
    let timeout = match t.get("timeout") {
        Some(f) => f.duration(r, 100 * MILLISECOND..=Duration::from_secs(60)),
        None => Some(TIMEOUT),
    };
    let formats = [Format::Json, Format::Slack].map(|format| (format.as_str(), format));
    let format = match t.get("format") {
        Some(f) => f.choice(r, &formats),
        None => Some(Format::Json),
    };
    t.finish(r);
    Some(Hook {
        address: address?,
        secret: secret?,
        events: events?,
        timeout: timeout?,
        format: format?,
    })
}

/// A value of another kind, which may be an address and is not repeated.
fn unlike<T>(field: &Field<'_>, r: &mut Reader<'_>, expected: &str) -> Option<T> {
    let problem = field.problem(r, "wrong-type", format!("expected {expected}"));
    r.push(problem.hint("write webhooks = [{ url = \"https://...\" }]"));
    None
}

/// A text of a kind, none of which is repeated where it is wrong.
fn unsaid<T: FromStr<Err: Display>>(
    field: &Field<'_>,
    r: &mut Reader<'_>,
    code: &'static str,
    hint: &str,
) -> Option<T> {
    let parsed = match field.value() {
        Value::String(text) => text.parse().map_err(|error: T::Err| error.to_string()),
        _ => Err("expected a string".to_owned()),
    };
    parsed
        .map_err(|message| {
            let problem = field.problem(r, code, message);
            r.push(problem.hint(hint));
        })
        .ok()
}

fn secret(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Secret> {
    unsaid(
        field,
        r,
        "invalid-secret",
        "`openssl rand -hex 32` makes one",
    )
}

/// A secret out of a file, without the end of its line.
fn secret_file(field: &Field<'_>, r: &mut Reader<'_>, layers: &Layers) -> Option<Secret> {
    let file = path(field, r, layers)?;
    let text = match contents(&file) {
        Ok(text) => Value::String(text),
        Err(error) => {
            let message = format!("read {}: {error}", file.display());
            r.error(field, "unreadable", message);
            return None;
        }
    };
    secret(&Field::new(&text, field.path().clone()), r)
}

fn contents(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?
        .take(SECRET + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > SECRET {
        return Err(io::Error::other(format!("it has more than {SECRET} bytes")));
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn events(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Vec<Pattern>> {
    let fields = field.list(r)?;
    if !(1..=PATTERNS).contains(&fields.len()) {
        let message = format!("expected 1 to {PATTERNS} events, got {}", fields.len());
        let problem = field.problem(r, "out-of-range", message);
        r.push(problem.hint("\"*\" stands for all; without `events` there are the usual ones"));
        return None;
    }
    let read: Vec<_> = fields.iter().map(|f| event(f, r)).collect();
    read.into_iter().collect()
}

fn event(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Pattern> {
    let text = field.text(r)?;
    let error = match text.parse() {
        Ok(pattern) => return Some(pattern),
        Err(error) => error,
    };
    let message = format!("{error}, got {}", describe(field.value()));
    let problem = field.problem(r, "unknown-event", message);
    r.push(match error {
        PatternError::Form => problem.hint("a star stands at the end only"),
        PatternError::Nothing { known } => {
            let family = text.split('.').next().unwrap_or(text);
            match nearest(family, known.iter().copied()) {
                Some(meant) if meant != family => {
                    problem.hint(format!("did you mean '{meant}.*'?"))
                }
                Some(meant) => problem.hint(format!("'{meant}.*' means all of them")),
                None => problem.hint(format!("known beginnings: {}", known.join(", "))),
            }
        }
    });
    None
}

fn defaults() -> Vec<Pattern> {
    let events = EVENTS.iter().map(|text| text.parse());
    let events: Result<_, PatternError> = events.collect();
    events.expect("they begin as actions do, and a test reads them")
}
