//! Reading and writing what many fields are: names, versions, shares, weights, times, lists.

use std::time::Duration;

use impresario_models::name::{Name, VersionNumber};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::LATEST;
use crate::bucket::Weight;
use crate::spec::pipeline::VersionSelector;
use crate::spec::read::{Field, Reader, describe};

/// The longest time that a specification may ask for.
pub(super) const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The smallest share: one slot of 10,000.
pub(super) const ONE_SLOT: f64 = 0.0001;

/// A number as it is written: a whole one without a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number(pub f64);

// === reading ===

/// Nothing where the field is absent, and `None` where it is wrong.
pub(super) fn optional<'v, T>(
    field: Option<Field<'v>>,
    read: impl FnOnce(&Field<'v>) -> Option<T>,
) -> Option<Option<T>> {
    match field {
        Some(field) => read(&field).map(Some),
        None => Some(None),
    }
}

/// A text of at least one and at most so many characters.
pub(super) fn text(field: &Field<'_>, reader: &mut Reader<'_>, max: usize) -> Option<String> {
    let text = field.text(reader)?;
    let got = text.chars().count();
    if got > max {
        let message = format!("expected at most {max} characters, got {got}");
        reader.error(field, "too-long", message);
        return None;
    }
    Some(text.to_owned())
}

/// A text that is not empty.
pub(super) fn word(field: &Field<'_>, reader: &mut Reader<'_>, max: usize) -> Option<String> {
    let text = text(field, reader, max)?;
    if text.trim().is_empty() {
        let message = format!("expected a text, got {text:?}");
        reader.error(field, "empty", message);
        return None;
    }
    Some(text)
}

pub(super) fn name(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Name> {
    let text = field.text(reader)?;
    Name::new(text)
        .map_err(|error| reader.error(field, "invalid-name", error.to_string()))
        .ok()
}

/// A version or the newest one.
pub(super) fn selector(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<VersionSelector> {
    if field.value().as_str() == Some(LATEST) {
        return Some(VersionSelector::Latest);
    }
    let number = number(field);
    if number.is_none() {
        let got = describe(field.value());
        let message = format!("expected a positive whole number or \"{LATEST}\", got {got}");
        reader.error(field, "invalid-version", message);
    }
    number.map(VersionSelector::Number)
}

/// A version by its number: what is compared must not change by itself.
pub(super) fn version(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<VersionNumber> {
    let number = number(field);
    if number.is_none() {
        let got = describe(field.value());
        let message = format!("expected a positive whole number, got {got}");
        let problem = field.problem(reader, "invalid-version", message);
        reader.push(match field.value().as_str() {
            Some(LATEST) => {
                problem.hint("write the version's number: what is compared must stay the same")
            }
            _ => problem,
        });
    }
    number
}

fn number(field: &Field<'_>) -> Option<VersionNumber> {
    match field.value() {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_u64().and_then(VersionNumber::new),
        _ => None,
    }
}

/// A share within a range: `0.1` or `"10%"`.
pub(super) fn share(
    field: &Field<'_>,
    reader: &mut Reader<'_>,
    range: std::ops::RangeInclusive<f64>,
) -> Option<f64> {
    let share = match field.value() {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => match percent(text) {
            Some(percent) => percent / 100.0,
            None => return not_a_share(field, reader),
        },
        _ => return not_a_share(field, reader),
    };
    if range.contains(&share) {
        return Some(share);
    }
    let (start, end) = (range.start(), range.end());
    let got = describe(field.value());
    let message = format!("expected a share from {start} to {end}, got {got}");
    let problem = field.problem(reader, "out-of-range", message);
    let meant = field.value().is_number() && share >= 1.0 && range.contains(&(share / 100.0));
    reader.push(match meant {
        true => problem.hint(format!("write \"{share}%\" for per cent")),
        false => problem,
    });
    None
}

fn not_a_share<T>(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<T> {
    field.mistyped(reader, "a share such as 0.1 or \"10%\"")
}

/// A weight in per cent: `25` or `"25%"`.
pub(super) fn weight(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Weight> {
    let read = match field.value() {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => percent(text),
        _ => None,
    };
    let Some(percent) = read else {
        return field.mistyped(reader, "a weight in per cent such as 25 or \"25%\"");
    };
    match Weight::from_percent(percent) {
        Ok(weight) => Some(weight),
        Err(error) => {
            reader.error(field, "invalid-weight", error.to_string());
            None
        }
    }
}

fn percent(text: &str) -> Option<f64> {
    let number = text.trim().strip_suffix('%')?;
    let number: f64 = number.trim_end().parse().ok()?;
    number.is_finite().then_some(number)
}

/// A time of whole seconds or parts of them, up to [`LONGEST`].
pub(super) fn time(
    field: &Field<'_>,
    reader: &mut Reader<'_>,
    least: Duration,
) -> Option<Duration> {
    field.duration(reader, least..=LONGEST)
}

/// A list of at least one and at most so many elements.
pub(super) fn list<'v>(
    field: &Field<'v>,
    reader: &mut Reader<'_>,
    range: std::ops::RangeInclusive<usize>,
) -> Option<Vec<Field<'v>>> {
    let list = field.list(reader)?;
    if range.contains(&list.len()) {
        return Some(list);
    }
    let (start, end, got) = (range.start(), range.end(), list.len());
    let code = match got {
        0 => "empty",
        _ if got < *start => "too-few",
        _ => "too-many",
    };
    let expected = match start == end {
        true => format!("expected a list of {end}"),
        false => format!("expected a list of {start} to {end}"),
    };
    let message = format!("{expected}, got {got}");
    reader.error(field, code, message);
    None
}

/// Every element read, and `None` where one is wrong; all are read all the same.
pub(super) fn each<'v, T>(
    list: &[Field<'v>],
    mut read: impl FnMut(&Field<'v>) -> Option<T>,
) -> Option<Vec<T>> {
    let read: Vec<Option<T>> = list.iter().map(&mut read).collect();
    read.into_iter().collect()
}

// === writing ===

pub(super) fn duration(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

// === impl Number ===

impl From<f64> for Number {
    fn from(number: f64) -> Self {
        Self(number)
    }
}

impl From<Weight> for Number {
    fn from(weight: Weight) -> Self {
        Self(weight.percent())
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// Whole numbers up to here have a double of their own.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if self.0.fract() == 0.0 && self.0.abs() <= EXACT {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}
