//! Segments: parts of the traffic that are reported by themselves, declared beforehand.

use serde::Serialize;

use super::scalars::{each, list, name, word};
use crate::spec::experiment::{By, Dimension, Experiment};
use crate::spec::read::{Field, Reader, describe};

/// What tells parts of the traffic apart. Either `header` or `parameter` is required.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SegmentSpec {
    /// Its name in reports; unique. Required.
    pub name: String,
    /// The header that says the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The request parameter that says the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// The values that are reported, from 1 to 20, each of at most 128 characters; all others are one. Required.
    pub values: Vec<String>,
}

/// The longest value, header or parameter.
const MAX_TEXT: usize = 128;
/// The longest header name.
const MAX_HEADER: usize = 64;

// === reading ===

pub(super) fn read(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Vec<Dimension>> {
    let list = list(field, reader, 0..=Experiment::MAX_SEGMENTS)?;
    let mut names = Vec::new();
    each(&list, |field| {
        let segment = segment(field, reader)?;
        if names.contains(&segment.name) {
            let message = format!("two segments are named '{}'", segment.name);
            let problem = field.problem(reader, "duplicate", message);
            reader.push(problem.hint("give each segment a name of its own"));
            return None;
        }
        names.push(segment.name.clone());
        Some(segment)
    })
}

fn segment(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Dimension> {
    let mut table = field.table(reader)?;
    let own = table.need("name", reader);
    let (header, parameter) = (table.get("header"), table.get("parameter"));
    let values = table.need("values", reader);
    table.finish(reader);
    let own = own.and_then(|field| name(&field, reader));
    let by = match (header, parameter) {
        (Some(field), None) => self::header(&field, reader).map(By::Header),
        (None, Some(field)) => word(&field, reader, MAX_TEXT).map(By::Parameter),
        (None, None) => {
            let message = "expected a header or a parameter that says the value, got none";
            reader.error(field, "missing-field", message.to_owned());
            None
        }
        (Some(_), Some(_)) => {
            let message = "expected a header or a parameter that says the value, got both";
            reader.error(field, "ambiguous", message.to_owned());
            None
        }
    };
    let values = values.and_then(|field| self::values(&field, reader));
    Some(Dimension {
        name: own?.into(),
        by: by?,
        values: values?,
    })
}

fn header(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<String> {
    let name = field.text(reader)?;
    // A token of RFC 9110, §5.6.2.
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > MAX_HEADER || !name.bytes().all(token) {
        let got = describe(field.value());
        let message =
            format!("expected the name of a header, at most {MAX_HEADER} characters, got {got}");
        reader.error(field, "invalid-header", message);
        return None;
    }
    Some(name.to_ascii_lowercase())
}

fn values(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Vec<String>> {
    let list = list(field, reader, 1..=Experiment::MAX_VALUES)?;
    let mut seen = Vec::new();
    each(&list, |field| {
        let value = word(field, reader, MAX_TEXT)?;
        if seen.contains(&value) {
            let message = format!("the value {value:?} is there twice");
            reader.error(field, "duplicate", message);
            return None;
        }
        seen.push(value.clone());
        Some(value)
    })
}

// === writing ===

impl From<&Dimension> for SegmentSpec {
    fn from(segment: &Dimension) -> Self {
        let (header, parameter) = match &segment.by {
            By::Header(name) => (Some(name.clone()), None),
            By::Parameter(name) => (None, Some(name.clone())),
        };
        Self {
            name: segment.name.clone(),
            header,
            parameter,
            values: segment.values.clone(),
        }
    }
}
