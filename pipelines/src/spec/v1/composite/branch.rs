//! Nodes that take the outputs of one of several: switches and splitters, as they are written.

use std::sync::Arc;

use serde::Serialize;

use super::super::arms;
use super::super::scalars::{Number, each, list};
use super::reference::{expression, node};
use crate::bucket::{Slots, Weight};
use crate::spec::composite::Case;
use crate::spec::read::{Field, Reader};

/// One case of a switch.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum CaseSpec {
    /// Taken where a condition holds.
    When {
        /// The condition, an expression of at most 4,096 characters. Required.
        when: String,
        /// The node. Required.
        call: String,
    },
    /// Taken where none of those before holds. The last case only.
    Else {
        /// The node.
        #[serde(rename = "else")]
        otherwise: String,
    },
}

/// One branch of a splitter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShareSpec {
    /// The node. Required.
    pub call: String,
    /// Its share in per cent, from 0.01 with two decimals: a number, or text such as `"50%"`. All together are 100.
    /// Default: an even share, where no branch states one.
    pub weight: Number,
}

const MAX_CASES: usize = 64;

const ELSE: &str = "else";

// === reading ===

/// The cases of a switch.
pub(super) fn cases(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Vec<Case>> {
    let list = list(field, reader, 1..=MAX_CASES)?;
    let mut otherwise = None;
    each(&list, |field| {
        let case = case(field, reader)?;
        if let Some(first) = &otherwise {
            let message = format!("no request comes here: {first} takes all that are left");
            let problem = field.problem(reader, "unreachable", message);
            reader.push(problem.hint("move 'else' to the end"));
            return None;
        }
        if case.when.is_none() {
            otherwise = Some(field.path().clone());
        }
        Some(case)
    })
}

fn case(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Case> {
    let mut table = field.table(reader)?;
    let otherwise = table.get(ELSE);
    let Some(otherwise) = otherwise else {
        let (when, call) = (table.need("when", reader), table.need("call", reader));
        table.finish(reader);
        let when = when.and_then(|field| expression(&field, reader));
        let call = call.and_then(|field| node(&field, reader));
        return Some(Case {
            when: Some(when?),
            call: call?,
        });
    };
    let both = table.get("when").or(table.get("call")).is_some();
    table.finish(reader);
    if both {
        let message = "expected 'when' and 'call', or 'else' alone, got both".to_owned();
        let problem = field.problem(reader, "ambiguous", message);
        reader
            .push(problem.hint("write { when = \"…\", call = \"NODE\" } and { else = \"NODE\" }"));
        return None;
    }
    let call = node(&otherwise, reader)?;
    Some(Case { when: None, call })
}

/// The branches of a splitter, with shares that come to the whole.
pub(super) fn shares(
    field: &Field<'_>,
    reader: &mut Reader<'_>,
) -> Option<Vec<(Arc<str>, Weight)>> {
    let list = list(field, reader, 2..=Slots::MAX_ARMS)?;
    let mut seen: Vec<Arc<str>> = Vec::new();
    arms::shared(field, &list, reader, |field, table, reader| {
        let call = table.need("call", reader)?;
        let call = node(&call, reader)?;
        if seen.contains(&call) {
            let message = format!("two branches call '{call}'");
            let problem = field.problem(reader, "duplicate", message);
            reader.push(problem.hint("give one of them both shares"));
            return None;
        }
        seen.push(Arc::clone(&call));
        Some(call)
    })
}

// === writing ===

impl From<&Case> for CaseSpec {
    fn from(case: &Case) -> Self {
        let call = case.call.to_string();
        match &case.when {
            Some(when) => Self::When {
                when: when.to_string(),
                call,
            },
            None => Self::Else { otherwise: call },
        }
    }
}

impl From<&(Arc<str>, Weight)> for ShareSpec {
    fn from((call, weight): &(Arc<str>, Weight)) -> Self {
        Self {
            call: call.to_string(),
            weight: (*weight).into(),
        }
    }
}
