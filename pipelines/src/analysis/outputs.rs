//! A glance at an answer: where its first output belongs, and whether all of it is finite.
//!
//! It looks at every answer of a rollout, so its cost is bounded: the first row says where the answer belongs, and no more
//! than [`FLOATS`] numbers are checked.

use impresario_models::tensor::{Tensor, Values};

/// How many bins outputs are counted in.
pub const BINS: usize = 32;

/// The bins that labels are folded into; deciles take the first ten.
const FOLDS: u64 = 30;

/// Where an answer belongs whose first output has no element.
const OTHER: u8 = 30;

/// Where an answer belongs whose first output is no number.
const NAN: u8 = 31;

/// Numbers of one answer that are checked, and elements of a row that are compared, at the most.
const FLOATS: usize = 16_384;

/// What an answer was like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Glance {
    /// Where it belongs.
    pub output: Output,
    /// Whether it holds a NaN or an infinity.
    pub non_finite: bool,
}

/// Where an answer belongs, by the first row of its first output.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Output {
    /// There is no answer.
    #[default]
    None,
    /// A bin: of a label, of the place of a row's largest number, or of what is neither.
    Bin(u8),
    /// A number alone: its bin is its decile, once deciles are frozen.
    Value(f64),
}

/// Looks at an answer's outputs, in the contract's order.
#[must_use]
pub fn glance(outputs: &[Tensor]) -> Glance {
    let mut budget = FLOATS;
    let non_finite = outputs.iter().any(|output| {
        macro_rules! check {
            ($v:expr) => {{
                let part = &$v[..$v.len().min(budget)];
                budget -= part.len();
                !part.iter().all(|x| x.is_finite())
            }};
        }
        match output.values() {
            Values::Fp16(v) => check!(v),
            Values::Bf16(v) => check!(v),
            Values::Fp32(v) => check!(v),
            Values::Fp64(v) => check!(v),
            _ => false,
        }
    });
    Glance {
        output: outputs.first().map_or(Output::None, place),
        non_finite,
    }
}

fn place(output: &Tensor) -> Output {
    // Elements of one row: all but the first axis.
    let row: usize = output.shape().iter().skip(1).product();
    let row = row.min(output.values().len()).min(FLOATS);
    if row == 0 {
        return Output::Bin(OTHER);
    }
    macro_rules! number {
        ($v:expr, $float:expr) => {
            match &$v[..row] {
                [x] => value($float(*x)),
                xs => largest(xs.iter().map(|x| $float(*x))),
            }
        };
    }
    match output.values() {
        Values::Fp16(v) => number!(v, f64::from),
        Values::Bf16(v) => number!(v, f64::from),
        Values::Fp32(v) => number!(v, f64::from),
        Values::Fp64(v) => number!(v, f64::from),
        Values::Bytes(v) => fold(hash(&v[0])),
        Values::Bool(v) => fold(v[0].into()),
        // A negative label is as good as another.
        Values::Int8(v) => fold(v[0] as u64),
        Values::Int16(v) => fold(v[0] as u64),
        Values::Int32(v) => fold(v[0] as u64),
        Values::Int64(v) => fold(v[0] as u64),
        Values::Uint8(v) => fold(v[0].into()),
        Values::Uint16(v) => fold(v[0].into()),
        Values::Uint32(v) => fold(v[0].into()),
        Values::Uint64(v) => fold(v[0]),
    }
}

fn value(value: f64) -> Output {
    match value.is_nan() {
        true => Output::Bin(NAN),
        false => Output::Value(value),
    }
}

/// The bin of the place of a row's largest number, the first of equals.
fn largest(row: impl Iterator<Item = f64>) -> Output {
    let mut best = (0, f64::NEG_INFINITY);
    for (at, x) in (0..).zip(row) {
        if x.is_nan() {
            return Output::Bin(NAN);
        }
        if x > best.1 {
            best = (at, x);
        }
    }
    fold(best.0)
}

/// Labels beyond the bins share them: who moves from one to another is still seen.
fn fold(label: u64) -> Output {
    Output::Bin((label % FOLDS) as u8)
}

/// FNV-1a, of the first bytes of a label.
fn hash(label: &[u8]) -> u64 {
    let bytes = label.iter().take(256);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
