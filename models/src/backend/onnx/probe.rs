//! A trial at load: the model computes two rows together and each alone.
//!
//! It shows whether the model runs at all, whether its answers have the shapes that were expected, and whether
//! row i of the answer depends on row i of the inputs only. The last is what joining callers' rows rests on, and
//! no file says it: a sequence-first transformer also has a free first axis.

use half::{bf16, f16};

use crate::contract::{Batching, Contract, Dim, Port};
use crate::error::InferError;
use crate::loader::Model;
use crate::tensor::{DataType, Tensor, Values, element_count};

/// Sizes tried for free axes that do not count rows, in this order: text lengths and image sides.
const SIZES: [usize; 4] = [4, 16, 64, 224];
/// The most elements of one input in a trial; a larger size is not tried.
const LARGEST: usize = 4 << 20;
/// How far rows computed together may be from rows computed alone, relative and absolute: sums are taken in
/// another order. Rows that are mixed differ by far more.
const TOLERANCE: f64 = 1e-3;
/// As [`TOLERANCE`], for 16-bit numbers.
const COARSE: f64 = 5e-2;

/// What a trial showed.
pub(super) enum Outcome {
    /// The model answered.
    Works {
        /// The inputs' shapes with which it did.
        shapes: Vec<Vec<usize>>,
        /// Its answers.
        outputs: Vec<Tensor>,
        /// Whether each row of the answers depended on its own row only; nothing where that was not asked.
        rows_apart: Option<bool>,
    },
    /// The model answered none of the inputs; this is what it said last.
    Fails(InferError),
}

/// Tries a model.
pub(super) fn probe(model: &dyn Model) -> Outcome {
    let contract = model.contract();
    let joined = matches!(contract.batching, Batching::FirstAxis { .. });
    let skip = usize::from(joined);
    let has_free = |port: &Port| {
        port.shape
            .iter()
            .skip(skip)
            .any(|d| matches!(d, Dim::Free(_)))
    };
    let sizes = match contract.inputs.iter().any(has_free) {
        true => &SIZES[..],
        false => &SIZES[..1],
    };
    let mut last = InferError::Failed {
        what: "its inputs are too large to be tried".into(),
    };
    for &size in sizes {
        let Some(inputs) = inputs(contract, if joined { 2 } else { size }, size) else {
            continue;
        };
        let shapes = inputs.iter().map(|t| t.shape().to_vec()).collect();
        match model.infer(inputs.clone()) {
            Ok(outputs) => {
                let rows_apart = joined.then(|| rows_apart(model, &inputs, &outputs));
                return Outcome::Works {
                    shapes,
                    outputs,
                    rows_apart,
                };
            }
            Err(error) => last = error,
        }
    }
    Outcome::Fails(last)
}

fn rows_apart(model: &dyn Model, inputs: &[Tensor], together: &[Tensor]) -> bool {
    (0..2).all(|at| {
        let alone: Option<Vec<Tensor>> = inputs.iter().map(|t| row(t, at)).collect();
        let Some(Ok(alone)) = alone.map(|alone| model.infer(alone)) else {
            return false;
        };
        let mut pairs = together.iter().zip(&alone);
        pairs.all(|(both, one)| row(both, at).is_some_and(|both| alike(&both, one)))
    })
}

/// One of two rows, as a tensor of one row; nothing where the tensor does not have two.
fn row(tensor: &Tensor, at: usize) -> Option<Tensor> {
    if tensor.shape().first() != Some(&2) {
        return None;
    }
    let mut shape = tensor.shape().to_vec();
    shape[0] = 1;
    let half = tensor.values().len() / 2;
    let range = at * half..(at + 1) * half;
    macro_rules! cut {
        ($($variant:ident)*) => {
            match tensor.values() {
                $(Values::$variant(v) => Values::$variant(v[range].to_vec()),)*
            }
        };
    }
    let values =
        cut!(Bool Uint8 Uint16 Uint32 Uint64 Int8 Int16 Int32 Int64 Fp16 Bf16 Fp32 Fp64 Bytes);
    Tensor::new(shape, values).ok()
}

fn alike(a: &Tensor, b: &Tensor) -> bool {
    let near = |a: f64, b: f64, tolerance: f64| {
        (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= tolerance * (1.0 + b.abs())
    };
    if a.shape() != b.shape() {
        return false;
    }
    match (a.values(), b.values()) {
        (Values::Fp32(a), Values::Fp32(b)) => a
            .iter()
            .zip(b)
            .all(|(&a, &b)| near(a.into(), b.into(), TOLERANCE)),
        (Values::Fp64(a), Values::Fp64(b)) => a.iter().zip(b).all(|(&a, &b)| near(a, b, TOLERANCE)),
        (Values::Fp16(a), Values::Fp16(b)) => a
            .iter()
            .zip(b)
            .all(|(&a, &b)| near(a.into(), b.into(), COARSE)),
        (Values::Bf16(a), Values::Bf16(b)) => a
            .iter()
            .zip(b)
            .all(|(&a, &b)| near(a.into(), b.into(), COARSE)),
        (a, b) => a == b,
    }
}

// === inputs ===

/// Inputs of plausible values: small numbers of both signs, 0 and 1 for whole numbers (every table has those
/// rows), short texts. Axes of one symbol have one size. Nothing where an input would be too large.
fn inputs(contract: &Contract, first: usize, size: usize) -> Option<Vec<Tensor>> {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let joined = matches!(contract.batching, Batching::FirstAxis { .. });
    let tensors = contract.inputs.iter().map(|port| {
        let axes = port.shape.iter().enumerate();
        let shape = axes.map(|(at, dim)| match dim {
            Dim::Fixed(fixed) => *fixed,
            Dim::Free(_) if at == 0 && joined => first,
            Dim::Free(_) => size,
        });
        let shape: Vec<usize> = shape.collect();
        let count = element_count(&shape).filter(|&count| count <= LARGEST)?;
        Tensor::new(shape, dice.values(port.datatype, count)).ok()
    });
    tensors.collect()
}

/// A small generator of numbers that look random and are always the same (Marsaglia, "Xorshift RNGs", 2003).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 16
    }

    /// From -2 to 2.
    fn number(&mut self) -> f32 {
        (self.next() % 4001) as f32 / 1000.0 - 2.0
    }

    fn bit(&mut self) -> u8 {
        (self.next() % 2) as u8
    }

    fn values(&mut self, datatype: DataType, count: usize) -> Values {
        macro_rules! bits {
            ($variant:ident) => {
                Values::$variant((0..count).map(|_| self.bit().into()).collect())
            };
        }
        match datatype {
            DataType::Bool => Values::Bool((0..count).map(|_| self.bit() == 1).collect()),
            DataType::Uint8 => bits!(Uint8),
            DataType::Uint16 => bits!(Uint16),
            DataType::Uint32 => bits!(Uint32),
            DataType::Uint64 => bits!(Uint64),
            DataType::Int8 => Values::Int8((0..count).map(|_| self.bit() as i8).collect()),
            DataType::Int16 => bits!(Int16),
            DataType::Int32 => bits!(Int32),
            DataType::Int64 => bits!(Int64),
            DataType::Fp16 => {
                Values::Fp16((0..count).map(|_| f16::from_f32(self.number())).collect())
            }
            DataType::Bf16 => {
                Values::Bf16((0..count).map(|_| bf16::from_f32(self.number())).collect())
            }
            DataType::Fp32 => Values::Fp32((0..count).map(|_| self.number()).collect()),
            DataType::Fp64 => Values::Fp64((0..count).map(|_| self.number().into()).collect()),
            DataType::Bytes => Values::Bytes((0..count).map(|_| vec![b'a' + self.bit()]).collect()),
        }
    }
}
