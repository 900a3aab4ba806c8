//! What holds for a node, as it is written: when it is asked, for how long, how often, and what happens where it fails.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::super::scalars::{duration, optional};
use super::super::terms::substitute;
use super::reference::{expression, node};
use crate::spec::composite::{Node, OnError, Retry, Terms};
use crate::spec::pipeline::Pipeline;
use crate::spec::read::{Field, Reader, Table, describe};
use crate::spec::suggest::nearest;

/// What holds for a node, whatever it does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TermsSpec {
    /// An expression that must hold for the node to be asked, such as `"request.parameters.tier == 'gold'"`; at most 4,096
    /// characters. Where it does not, the node is skipped. Default: it is always asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// How long one attempt may take, from 1 ms to 1 h, and never longer than what is left of the request's time. Default:
    /// that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// Whether it is asked again where it fails. Default: it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetrySpec>,
    /// What happens where it fails for good. Default: `"fail"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_error: Option<OnErrorSpec>,
}

/// Asking again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RetrySpec {
    /// How often it is asked in all, from 2 to 10. Required.
    pub attempts: u32,
    /// How long it is waited before the second time, at most 10 s; twice as long before each one after. Default: `"2ms"`.
    pub backoff: String,
}

/// What happens where a node fails for good: a word, or a table with what is used instead.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum OnErrorSpec {
    /// `"fail"`: the request fails. `"skip"`: the node counts as not there; an ensemble goes on without it, and whoever else
    /// reads it is skipped too.
    Word(&'static str),
    /// `{ default = { probability = [0.5] } }`
    Default {
        /// Outputs that are used, a row of each.
        default: BTreeMap<String, Value>,
    },
    /// `{ fallback = "other" }`
    Fallback {
        /// The node whose outputs are used; it is asked only then.
        fallback: String,
    },
}

const BACKOFF: Duration = Duration::from_millis(2);
const MAX_BACKOFF: Duration = Duration::from_secs(10);

const FAIL: &str = "fail";
const SKIP: &str = "skip";
const DEFAULT: &str = "default";
const FALLBACK: &str = "fallback";

// === reading ===

/// Reads the terms out of a node's table.
pub(super) fn read(table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<Terms> {
    let (when, timeout) = (table.get("when"), table.get("timeout"));
    let (retry, on_error) = (table.get("retry"), table.get("on_error"));
    let when = optional(when, |field| expression(field, reader));
    let timeout = optional(timeout, |field| {
        field.duration(reader, Pipeline::MIN_DEADLINE..=Pipeline::MAX_DEADLINE)
    });
    let retry = optional(retry, |field| self::retry(field, reader));
    let on_error = optional(on_error, |field| self::on_error(field, reader));
    Some(Terms {
        when: when?,
        timeout: timeout?,
        retry: retry?,
        on_error: on_error?.unwrap_or_default(),
    })
}

fn retry(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Retry> {
    let mut table = field.table(reader)?;
    let (attempts, backoff) = (table.need("attempts", reader), table.get("backoff"));
    table.finish(reader);
    let attempts = attempts.and_then(|field| field.whole(reader, 2..=10));
    let backoff = optional(backoff, |field| {
        field.duration(reader, Duration::ZERO..=MAX_BACKOFF)
    });
    Some(Retry {
        attempts: attempts.and_then(|attempts| u32::try_from(attempts).ok())?,
        backoff: backoff?.unwrap_or(BACKOFF),
    })
}

fn on_error(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<OnError<std::sync::Arc<str>>> {
    if let Value::String(text) = field.value() {
        return match text.as_str() {
            FAIL => Some(OnError::Fail),
            SKIP => Some(OnError::Skip),
            text => {
                reader.push(unknown(field, text, reader));
                None
            }
        };
    }
    if !field.value().is_object() {
        return field.mistyped(reader, "\"fail\", \"skip\" or a table");
    }
    let mut table = field.table(reader)?;
    let (default, fallback) = (table.get(DEFAULT), table.get(FALLBACK));
    let known = |(key, _): (&str, _)| [DEFAULT, FALLBACK].contains(&key);
    let all_known = table.entries().all(known);
    table.finish(reader);
    let got = match (default, fallback) {
        (Some(default), None) => return substitute(&default, reader).map(OnError::Default),
        (None, Some(fallback)) => return node(&fallback, reader).map(OnError::Fallback),
        (Some(_), Some(_)) => "both",
        (None, None) if all_known => "none",
        // What is mistyped is told as such.
        (None, None) => return None,
    };
    let message = format!("expected one of {DEFAULT}, {FALLBACK}, got {got}");
    reader.error(field, "ambiguous", message);
    None
}

fn unknown(field: &Field<'_>, text: &str, reader: &Reader<'_>) -> crate::spec::Problem {
    let got = describe(field.value());
    let message =
        format!("expected {FAIL}, {SKIP}, or a table with {DEFAULT} or {FALLBACK}, got {got}");
    let problem = field.problem(reader, "unknown-value", message);
    match nearest(text, [FAIL, SKIP, DEFAULT, FALLBACK]) {
        Some(DEFAULT) => problem.hint("write { default = { OUTPUT = [VALUE] } }"),
        Some(FALLBACK) => problem.hint("write { fallback = \"NODE\" }"),
        Some(meant) => problem.hint(format!("did you mean '{meant}'?")),
        None => problem,
    }
}

// === writing ===

impl From<&Node> for TermsSpec {
    fn from(node: &Node) -> Self {
        let terms = &node.terms;
        Self {
            when: terms.when.as_deref().map(str::to_owned),
            timeout: terms.timeout.map(duration),
            retry: terms.retry.map(|retry| RetrySpec {
                attempts: retry.attempts,
                backoff: duration(retry.backoff),
            }),
            on_error: match &terms.on_error {
                OnError::Fail => None,
                OnError::Skip => Some(OnErrorSpec::Word(SKIP)),
                OnError::Default(substitute) => Some(OnErrorSpec::Default {
                    default: substitute.0.clone(),
                }),
                OnError::Fallback(node) => Some(OnErrorSpec::Fallback {
                    fallback: node.to_string(),
                }),
            },
        }
    }
}
