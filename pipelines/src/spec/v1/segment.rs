//! Segments: parts of the traffic that are reported by themselves, declared beforehand.

use serde::Serialize;

use super::key::{header_name, parameter_name};
use super::scalars::{each, list, name, word};
use crate::spec::experiment::{By, Dimension, Experiment};
use crate::spec::read::{Field, Reader};

/// What tells parts of the traffic apart. Either `header` or `parameter` is required.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SegmentSpec {
    /// Its name in reports; unique. Required.
    pub name: String,
    /// The header that says the value, at most 64 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The request parameter that says the value, at most 64 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// The values that are reported, from 1 to 20, each of at most 128 characters; all others are one. Required.
    pub values: Vec<String>,
}

/// The longest value.
const MAX_TEXT: usize = 128;

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
        (Some(field), None) => header_name(&field, reader).map(By::Header),
        (None, Some(field)) => parameter_name(&field, reader).map(By::Parameter),
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
