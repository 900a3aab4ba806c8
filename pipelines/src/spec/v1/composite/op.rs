//! Reading what transforms are told, by the name of each.

use std::ops::RangeInclusive;
use std::sync::Arc;

use serde_json::Value;

use super::super::scalars::{each, list, optional, text};
use super::node::datatype;
use super::reference;
use crate::combine::{Op, Which};
use crate::spec::composite::Task;
use crate::spec::read::{Field, Part, Reader, Table, describe};

/// Reads what a transform is told beside its name.
type Settings = fn(&mut Table<'_>, &mut Reader<'_>) -> Option<Op>;

/// The transforms by name.
const OPS: [(&str, Settings); 22] = [
    ("cast", cast),
    ("reshape", reshape),
    ("transpose", transpose),
    ("normalise", normalise),
    ("clip", clip),
    ("softmax", |_, _| Some(Op::Softmax)),
    ("sigmoid", |_, _| Some(Op::Sigmoid)),
    ("argmax", |_, _| Some(Op::Argmax)),
    ("top_k", |table, reader| {
        let k = size("k", table, reader)?;
        Some(Op::TopK { k })
    }),
    ("top_k_indices", |table, reader| {
        let k = size("k", table, reader)?;
        Some(Op::TopKIndices { k })
    }),
    ("concat", |table, reader| {
        let axis = axis(table, reader)?;
        Some(Op::Concat { axis })
    }),
    ("stack", |table, reader| {
        let axis = axis(table, reader)?;
        Some(Op::Stack { axis })
    }),
    ("select", select),
    ("one_hot", |table, reader| {
        let size = size("size", table, reader)?;
        Some(Op::OneHot { size })
    }),
    ("lookup", lookup),
    ("index_of", index_of),
    ("lower", |_, _| Some(Op::Lower)),
    ("upper", |_, _| Some(Op::Upper)),
    ("trim", |_, _| Some(Op::Trim)),
    ("replace", replace),
    ("concat_text", concat_text),
    ("length", |_, _| Some(Op::Length)),
];

/// All that transforms are told. Where it is not known which one is meant, none of it is called unknown.
const SETTINGS: [&str; 18] = [
    "to",
    "shape",
    "axes",
    "mean",
    "scale",
    "low",
    "high",
    "k",
    "axis",
    "index",
    "indices",
    "start",
    "stop",
    "size",
    "labels",
    "default",
    "from",
    "separator",
];

const MAX_AXES: usize = 16;
/// The largest size of an axis and the last place along one.
const MAX_SIZE: i64 = 1 << 40;
/// The most places that are made or taken.
const MAX_PLACES: u64 = 100_000;
const MAX_CONSTANTS: usize = 100_000;
const MAX_INDICES: usize = 10_000;
const MAX_LABELS: usize = 10_000;
const MAX_TEXT: usize = 256;

// === reading ===

/// Reads a transform, whose table `word` stands in.
pub(super) fn read(
    word: &Field<'_>,
    table: &mut Table<'_>,
    reader: &mut Reader<'_>,
) -> Option<Task> {
    let at = table.need("of", reader);
    let of = at
        .as_ref()
        .and_then(|field| reference::several(field, reader));
    let op = match word.choice(reader, &OPS) {
        Some(settings) => settings(table, reader),
        None => {
            for setting in SETTINGS {
                table.get(setting);
            }
            None
        }
    };
    let (at, of, op) = (at?, of?, op?);
    if !op.of_several() && of.len() > 1 {
        let (name, got) = (op.name(), of.len());
        let message = format!("'{name}' takes one value, got {got}");
        let problem = at.problem(reader, "too-many", message);
        reader.push(problem.hint("write a node for each"));
        return None;
    }
    Some(Task::Transform { op, of })
}

fn cast(table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<Op> {
    let to = table.need("to", reader)?;
    datatype(&to, reader).map(Op::Cast)
}

fn reshape(table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<Op> {
    let field = table.need("shape", reader)?;
    let list = list(&field, reader, 0..=MAX_AXES)?;
    let shape = each(&list, |field| {
        if field.value().as_i64() == Some(-1) {
            return Some(None);
        }
        let size = signed(field, 1..=MAX_SIZE, ", or -1 for what is left", reader)?;
        usize::try_from(size).ok().map(Some)
    })?;
    let left = shape.iter().filter(|size| size.is_none()).count();
    if left > 1 {
        let message = format!("expected -1 for one axis at most, got {left}");
        reader.error(&field, "ambiguous", message);
        return None;
    }
    Some(Op::Reshape(shape))
}

fn transpose(table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<Op> {
    let axes = optional(table.get("axes"), |field| {
        let list = list(field, reader, 1..=MAX_AXES)?;
        each(&list, |field| one_axis(field, reader))
    })?;
    Some(Op::Transpose(axes))
}

fn normalise(table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<Op> {
    let (mean, scale) = (table.get("mean"), table.get("scale"));
    if mean.is_none() && scale.is_none() {
        return neither("mean", "scale", table, reader);
    }
    let at = scale.clone();
    let mean = optional(mean, |field| constants(field, reader));
    let scale = optional(scale, |field| {
        let scale = constants(field, reader)?;
        if scale.contains(&0.0) {
            let message = "expected numbers other than 0, which nothing is divided by";
            reader.error(field, "out-of-range", message.to_owned());
            return None;
        }
        Some(scale)
    });
    let mean = mean?.unwrap_or_else(|| vec![0.0]);
    let scale = scale?.unwrap_or_else(|| vec![1.0]);
    match (mean.len(), scale.len(), at) {
        (means, scales, Some(at)) if means != scales && means != 1 && scales != 1 => {
            let message =
                format!("expected 1 or {means}, as many as there are means, got {scales}");
            reader.error(&at, "contradiction", message);
            None
        }
        _ => Some(Op::Normalise { mean, scale }),
    }
}

fn constants(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Vec<f64>> {
    if field.value().is_number() {
        return Some(vec![number(field, reader)?]);
    }
    if !field.value().is_array() {
        return field.mistyped(reader, "a number or a list of numbers");
    }
    let list = list(field, reader, 1..=MAX_CONSTANTS)?;
    each(&list, |field| number(field, reader))
}

fn clip(table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<Op> {
    let (low, high) = (table.get("low"), table.get("high"));
    if low.is_none() && high.is_none() {
        return neither("low", "high", table, reader);
    }
    let at = high.clone();
    let low = optional(low, |field| number(field, reader));
    let high = optional(high, |field| number(field, reader));
    let (low, high) = (low?, high?);
    match (low, high, at) {
        (Some(low), Some(high), Some(at)) if low > high => {
            let message = format!("expected at least 'low', which is {low}, got {high}");
            reader.error(&at, "backwards", message);
            None
        }
        _ => Some(Op::Clip { low, high }),
    }
}

fn select(table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<Op> {
    let axis = axis(table, reader);
    let (index, indices) = (table.get("index"), table.get("indices"));
    let (start, stop) = (table.get("start"), table.get("stop"));
    let which = match (index, indices, start, stop) {
        (Some(index), None, None, None) => place(&index, reader).map(Which::Index),
        (None, Some(indices), None, None) => list(&indices, reader, 1..=MAX_INDICES)
            .and_then(|list| each(&list, |field| place(field, reader)))
            .map(Which::Indices),
        (None, None, start, stop) if start.is_some() || stop.is_some() => {
            let start = optional(start, |field| place(field, reader));
            let stop = optional(stop, |field| place(field, reader));
            let (start, stop) = (start?, stop?);
            Some(Which::Slice { start, stop })
        }
        (index, indices, start, stop) => {
            let found = [index, indices, start.or(stop)];
            let got = match found.iter().flatten().count() {
                0 => "none",
                _ => "several",
            };
            let what = "expected one of 'index', 'indices', or 'start' and 'stop'";
            told(format!("{what}, got {got}"), "ambiguous", table, reader)
        }
    };
    Some(Op::Select {
        axis: axis?,
        which: which?,
    })
}

fn lookup(table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<Op> {
    let (labels, default) = (table.need("labels", reader), table.get("default"));
    let labels = labels.and_then(|field| self::labels(&field, false, reader));
    let default = optional(default, |field| text(field, reader, MAX_TEXT));
    Some(Op::Lookup {
        labels: labels?.into(),
        default: default?,
    })
}

fn index_of(table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<Op> {
    let (labels, default) = (table.need("labels", reader), table.get("default"));
    let labels = labels.and_then(|field| self::labels(&field, true, reader));
    let default = optional(default, |field| {
        signed(field, i64::MIN..=i64::MAX, "", reader)
    });
    Some(Op::IndexOf {
        labels: labels?.into(),
        default: default?,
    })
}

fn labels(field: &Field<'_>, distinct: bool, reader: &mut Reader<'_>) -> Option<Arc<[String]>> {
    let list = list(field, reader, 1..=MAX_LABELS)?;
    let mut seen = std::collections::BTreeMap::new();
    let labels = each(&list, |field| {
        let label = text(field, reader, MAX_TEXT)?;
        let first = seen.insert(label.clone(), field.path().clone());
        match first.filter(|_| distinct) {
            Some(first) => {
                let message = format!("the label {label:?} is there twice, first at {first}");
                reader.error(field, "duplicate", message);
                None
            }
            None => Some(label),
        }
    })?;
    Some(labels.into())
}

fn replace(table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<Op> {
    let (from, to) = (table.need("from", reader), table.need("to", reader));
    let from = from.and_then(|field| {
        let from = text(&field, reader, MAX_TEXT)?;
        if from.is_empty() {
            let message = "expected what is looked for, got an empty text".to_owned();
            reader.error(&field, "empty", message);
            return None;
        }
        Some(from)
    });
    let to = to.and_then(|field| text(&field, reader, MAX_TEXT));
    Some(Op::Replace {
        from: from?,
        to: to?,
    })
}

fn concat_text(table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<Op> {
    let separator = table.get("separator");
    let separator = optional(separator, |field| text(field, reader, MAX_TEXT))?;
    let separator = separator.unwrap_or_default();
    Some(Op::ConcatText { separator })
}

/// A count that must be there.
fn size(key: &'static str, table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<usize> {
    let size = table.need(key, reader)?.whole(reader, 1..=MAX_PLACES)?;
    usize::try_from(size).ok()
}

fn axis(table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<Option<i64>> {
    optional(table.get("axis"), |field| one_axis(field, reader))
}

fn one_axis(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<i64> {
    let most = MAX_AXES as i64;
    signed(field, -most..=most - 1, "", reader)
}

fn place(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<i64> {
    signed(field, -MAX_SIZE..=MAX_SIZE, "", reader)
}

fn number(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<f64> {
    field.number(reader, f64::MIN..=f64::MAX)
}

/// A whole number within a range.
fn signed(
    field: &Field<'_>,
    range: RangeInclusive<i64>,
    or: &str,
    reader: &mut Reader<'_>,
) -> Option<i64> {
    let Value::Number(number) = field.value() else {
        return field.mistyped(reader, "a whole number");
    };
    let found = number.as_i64().filter(|number| range.contains(number));
    if found.is_none() {
        let (start, end) = (range.start(), range.end());
        let got = describe(field.value());
        let message = format!("expected a whole number from {start} to {end}{or}, got {got}");
        reader.error(field, "out-of-range", message);
    }
    found
}

fn neither<T>(one: &str, other: &str, table: &Table<'_>, reader: &mut Reader<'_>) -> Option<T> {
    let message = format!("expected '{one}', '{other}' or both, got none");
    told(message, "missing-field", table, reader)
}

/// Tells what is wrong with a table as a whole.
fn told<T>(
    message: String,
    code: &'static str,
    table: &Table<'_>,
    reader: &mut Reader<'_>,
) -> Option<T> {
    let problem = reader.problem(table.path(), Part::Key, code, message);
    reader.push(problem);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transform_can_be_written() {
        assert_eq!(OPS.map(|(name, _)| name), Op::NAMES);
    }
}
