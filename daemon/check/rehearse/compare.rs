//! What was expected beside what came.

use std::fmt::Display;

use impresario_models::{Tensor, Values};
use serde_json::{Value, json};

use super::{Deviation, Element};

/// How an output deviates from what was expected, if it does. Floating-point numbers may be off by `tolerance`, absolute and
/// relative together; NaN is NaN.
pub(super) fn compare(
    output: &str,
    expected: &Tensor,
    got: &Tensor,
    tolerance: f64,
) -> Option<Deviation> {
    let deviation = |what, elements| {
        Some(Deviation {
            output: output.to_owned(),
            what,
            elements,
        })
    };
    if expected.shape() != got.shape() {
        let (expected, got) = (expected.shape(), got.shape());
        return deviation(
            format!("expected shape {expected:?}, got {got:?}"),
            Vec::new(),
        );
    }
    let Some(differing) = differing(expected.values(), got.values(), tolerance) else {
        let (expected, got) = (expected.datatype(), got.datatype());
        return deviation(format!("expected {expected}, got {got}"), Vec::new());
    };
    if differing.is_empty() {
        return None;
    }
    let (count, all) = (differing.len(), got.values().len());
    let beyond = match differing.iter().any(|one| one.off.is_some()) {
        true => format!(" by more than the tolerance of {tolerance}"),
        false => String::new(),
    };
    let first = match count > Deviation::SHOWN {
        true => format!(", the first {} are", Deviation::SHOWN),
        false => String::new(),
    };
    let elements = differing.into_iter().take(Deviation::SHOWN);
    let elements = elements.map(|one| Element {
        at: place(one.at, got.shape()),
        expected: one.expected,
        got: one.got,
        off: one.off,
    });
    deviation(
        format!("{count} of {all} elements differ{beyond}{first}"),
        elements.collect(),
    )
}

struct Differing {
    at: usize,
    expected: Value,
    got: Value,
    off: Option<f64>,
}

/// The elements that differ; nothing where they are of different kinds.
fn differing(expected: &Values, got: &Values, tolerance: f64) -> Option<Vec<Differing>> {
    let close = |a: f64, b: f64| {
        let finite = a.is_finite() && b.is_finite();
        a == b
            || (a.is_nan() && b.is_nan())
            || finite && (b - a).abs() <= tolerance + tolerance * a.abs()
    };
    macro_rules! kinds {
        ($($float:ident)*; $($exact:ident)*) => {
            match (expected, got) {
                $((Values::$float(a), Values::$float(b)) => Some(each(a, b, |a, b| close(f64::from(*a), f64::from(*b)), number)),)*
                $((Values::$exact(a), Values::$exact(b)) => Some(each(a, b, |a, b| a == b, |v| json!(v))),)*
                (Values::Bytes(a), Values::Bytes(b)) => Some(each(a, b, |a, b| a == b, |v| text(v))),
                _ => None,
            }
        };
    }
    kinds!(Fp16 Bf16 Fp32 Fp64; Bool Uint8 Uint16 Uint32 Uint64 Int8 Int16 Int32 Int64)
}

fn each<T>(
    expected: &[T],
    got: &[T],
    same: impl Fn(&T, &T) -> bool,
    shown: impl Fn(&T) -> Value,
) -> Vec<Differing> {
    let pairs = expected.iter().zip(got).enumerate();
    let differing = pairs.filter(|(_, (expected, got))| !same(expected, got));
    let differing = differing.map(|(at, (expected, got))| {
        let (expected, got) = (shown(expected), shown(got));
        let off = match (&expected, &got) {
            (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => {
                a.as_f64().zip(b.as_f64()).map(|(a, b)| (b - a).abs())
            }
            _ => None,
        };
        Differing {
            at,
            expected,
            got,
            off,
        }
    });
    differing.collect()
}

/// A number with as many digits as its own datatype needs.
fn number<T: Display>(number: &T) -> Value {
    let text = number.to_string();
    let finite = text.parse::<f64>().ok().filter(|number| number.is_finite());
    finite.map_or_else(|| Value::from(text), Value::from)
}

fn text(bytes: &[u8]) -> Value {
    let text = String::from_utf8_lossy(bytes);
    Value::from(text.chars().take(60).collect::<String>())
}

/// The place of an element along each axis.
fn place(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut place: Vec<usize> = shape
        .iter()
        .rev()
        .map(|size| {
            let here = at % size;
            at /= size;
            here
        })
        .collect();
    place.reverse();
    place
}
