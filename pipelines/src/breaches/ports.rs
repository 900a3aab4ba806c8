//! Two ports of one name: type, shape, and what their elements may be.

use impresario_models::contract::{Dims, NonFinite, Side};
use impresario_models::{DataType, Dim, Port};

use super::{Breach, Change, Kind, Severity};

/// The most names in one message.
const SHOWN: usize = 20;

/// The longest name in a message, in characters.
const LONGEST: usize = 40;

/// What differs between two ports.
pub(super) fn compare(side: Side, old: &Port, new: &Port, found: &mut Vec<Breach>) {
    let mut tell = |kind, severity, expected: String, got: String| {
        let message = format!("expected {expected}, got {got}");
        found.push(Breach::of(side, old, kind, severity, message));
    };
    if old.datatype != new.datatype {
        let (expected, got) = (
            format!("datatype {}", old.datatype),
            new.datatype.to_string(),
        );
        tell(Kind::Datatype, Severity::Breaking, expected, got);
    }
    if let Some(change) = shape(&old.shape, &new.shape) {
        let expected = format!("shape {}", Dims(&old.shape));
        let got = Dims(&new.shape).to_string();
        tell(Kind::Shape, change.severity(side), expected, got);
    }
    // Elements of two datatypes are not comparable, and more is not said than that they differ.
    if old.datatype == new.datatype {
        if let Some(change) = range(old, new) {
            let show = |port: &Port| match port.range {
                Some((low, high)) => format!("numbers from {low} to {high}"),
                None => "any number".to_owned(),
            };
            tell(Kind::Range, change.severity(side), show(old), show(new));
        }
        if let Some(change) = categories(old, new) {
            let show = |port: &Port| match &port.categories {
                Some(categories) if categories.is_empty() => "no value at all".to_owned(),
                Some(categories) => format!("one of {}", list(categories)),
                None => "any value".to_owned(),
            };
            tell(
                Kind::Categories,
                change.severity(side),
                show(old),
                show(new),
            );
        }
        if let Some(change) = non_finite(old, new) {
            let show = |port: &Port| match port.non_finite {
                NonFinite::Allowed => "NaN and infinities allowed".to_owned(),
                NonFinite::Forbidden => "finite numbers only".to_owned(),
            };
            tell(Kind::NonFinite, change.severity(side), show(old), show(new));
        }
    }
    found.extend(labels(side, old, new));
}

/// A port's type, in a message.
pub(super) fn typed(port: &Port) -> String {
    format!("{} {}", port.datatype, Dims(&port.shape))
}

fn shape(old: &[Dim], new: &[Dim]) -> Option<Change> {
    if old.len() != new.len() {
        return Some(Change::Other);
    }
    let (mut narrower, mut wider) = (false, false);
    for pair in old.iter().zip(new) {
        match pair {
            (Dim::Free(_), Dim::Free(_)) => {}
            (Dim::Free(_), Dim::Fixed(_)) => narrower = true,
            (Dim::Fixed(_), Dim::Free(_)) => wider = true,
            (Dim::Fixed(old), Dim::Fixed(new)) if old == new => {}
            (Dim::Fixed(_), Dim::Fixed(_)) => (narrower, wider) = (true, true),
        }
    }
    Change::of(narrower, wider)
}

fn range(old: &Port, new: &Port) -> Option<Change> {
    let (old, new) = (interval(old), interval(new));
    let narrower = new.0 > old.0 || new.1 < old.1;
    let wider = new.0 < old.0 || new.1 > old.1;
    Change::of(narrower, wider)
}

/// The numbers that a port may hold. A range that states no more than its datatype does is none.
fn interval(port: &Port) -> (f64, f64) {
    let all = match port.datatype {
        DataType::Uint8 => (0.0, u8::MAX.into()),
        DataType::Uint16 => (0.0, u16::MAX.into()),
        DataType::Uint32 => (0.0, u32::MAX.into()),
        DataType::Uint64 => (0.0, u64::MAX as f64),
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 => (i32::MIN.into(), i32::MAX.into()),
        DataType::Int64 => (i64::MIN as f64, i64::MAX as f64),
        DataType::Bool
        | DataType::Fp16
        | DataType::Bf16
        | DataType::Fp32
        | DataType::Fp64
        | DataType::Bytes => (f64::NEG_INFINITY, f64::INFINITY),
    };
    let (low, high) = port.range.unwrap_or(all);
    (low.max(all.0), high.min(all.1))
}

fn categories(old: &Port, new: &Port) -> Option<Change> {
    match (&old.categories, &new.categories) {
        (None, None) => None,
        (None, Some(_)) => Some(Change::Narrower),
        (Some(_), None) => Some(Change::Wider),
        (Some(old), Some(new)) => {
            let narrower = old.iter().any(|category| !new.contains(category));
            let wider = new.iter().any(|category| !old.contains(category));
            Change::of(narrower, wider)
        }
    }
}

fn non_finite(old: &Port, new: &Port) -> Option<Change> {
    let floating = matches!(
        old.datatype,
        DataType::Fp16 | DataType::Bf16 | DataType::Fp32 | DataType::Fp64
    );
    match (old.non_finite, new.non_finite) {
        (NonFinite::Allowed, NonFinite::Forbidden) if floating => Some(Change::Narrower),
        (NonFinite::Forbidden, NonFinite::Allowed) if floating => Some(Change::Wider),
        _ => None,
    }
}

/// Labels say what the columns are: any change of those that were known breaks who relies on them.
fn labels(side: Side, old: &Port, new: &Port) -> Option<Breach> {
    let (was, now) = (&old.labels, &new.labels);
    if was == now {
        return None;
    }
    let show = |labels: &[String]| match labels {
        [] => "no labels".to_owned(),
        _ => format!("labels {}", list(labels)),
    };
    let severity = match was.is_empty() {
        true => Severity::Widening,
        false => Severity::Breaking,
    };
    let message = format!("expected {}, got {}", show(was), show(now));
    let sorted = |labels: &[String]| {
        let mut labels = labels.to_vec();
        labels.sort_unstable();
        labels
    };
    let moved = sorted(was) == sorted(now);
    let hint = moved.then(|| "the same labels stand in another order".to_owned());
    let breach = Breach::of(side, old, Kind::Labels, severity, message);
    Some(Breach { hint, ..breach })
}

fn list(names: &[String]) -> String {
    let cut = |name: &String| format!("'{}'", name.chars().take(LONGEST).collect::<String>());
    let shown: Vec<_> = names.iter().take(SHOWN).map(cut).collect();
    let tail = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    shown.join(", ") + &tail
}
