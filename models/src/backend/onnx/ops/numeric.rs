//! Operators of `ai.onnx.ml` that change numbers one by one or row by row: Scaler, Imputer, Normalizer and
//! Binarizer. What turns categories into numbers lives in `categories`.

use tract_onnx::tract_hir::internal::*;

use super::kernel::Kernel;
use super::node::Node;
use super::tensors::{cast, inputs, numbers, rows, slice, tensor, width};

/// `(x - offset) * scale`, one offset and scale for all columns or one for each.
pub(super) struct Scaler {
    offset: Vec<f32>,
    scale: Vec<f32>,
}

/// Replaces one value by another, which may differ by column.
pub(super) enum Imputer {
    Floats { replaced: f32, by: Vec<f32> },
    Ints { replaced: i64, by: Vec<i64> },
}

/// Divides each row by its norm.
pub(super) enum Normalizer {
    Max,
    L1,
    L2,
}

/// 1 where a number is above the threshold, else 0.
pub(super) struct Binarizer {
    threshold: f32,
}

// === impl Scaler ===

impl Scaler {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        let (offset, scale) = (node.floats("offset")?, node.floats("scale")?);
        if offset.is_empty() || offset.len() != scale.len() {
            let complaint = format!("has {} values, \"scale\" has {}", offset.len(), scale.len());
            return Err(node.bad("offset", complaint));
        }
        Ok(Self { offset, scale })
    }
}

impl Kernel for Scaler {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs(given)?;
        numbers(x)?;
        if self.offset.len() > 1 {
            width(x, self.offset.len())?;
        }
        Ok(tvec![f32::fact(x.shape.clone())])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let x = given[0];
        let columns = columns(x, self.offset.len())?;
        let at = |i: usize| if columns == 0 { 0 } else { i % columns };
        let (offset, scale) = (&self.offset, &self.scale);
        // Doubles are scaled as doubles, as ONNX Runtime does.
        let y: Vec<f32> = if x.datum_type() == DatumType::F64 {
            let x = slice::<f64>(x)?.iter().enumerate();
            x.map(|(i, x)| ((x - f64::from(offset[at(i)])) * f64::from(scale[at(i)])) as f32)
                .collect()
        } else {
            let x = cast::<f32>(x)?;
            x.iter()
                .enumerate()
                .map(|(i, x)| (x - offset[at(i)]) * scale[at(i)])
                .collect()
        };
        Ok(tvec![tensor(x.shape(), y)?])
    }
}

/// The length of a row where there are several values per row, 0 where one serves all.
fn columns(x: &Tensor, values: usize) -> TractResult<usize> {
    if values == 1 {
        return Ok(0);
    }
    let columns = x.shape().last().copied().unwrap_or(1);
    ensure!(columns == values, "takes {values} features, got {columns}");
    Ok(columns)
}

// === impl Imputer ===

impl Imputer {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        let floats = node.floats("imputed_value_floats")?;
        let ints = node.ints("imputed_value_int64s")?;
        match (floats.is_empty(), ints.is_empty()) {
            (false, true) => Ok(Self::Floats {
                replaced: node.float("replaced_value_float", 0.)?,
                by: floats,
            }),
            (true, false) => Ok(Self::Ints {
                replaced: node.int("replaced_value_int64", 0)?,
                by: ints,
            }),
            (true, true) => Err(node.bad(
                "imputed_value_floats",
                "neither it nor \"imputed_value_int64s\" is given",
            )),
            (false, false) => Err(node.bad(
                "imputed_value_floats",
                "\"imputed_value_int64s\" is given too",
            )),
        }
    }
}

impl Kernel for Imputer {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs(given)?;
        let (values, fits) = match self {
            Self::Floats { by, .. } => (by.len(), x.datum_type.is_float()),
            Self::Ints { by, .. } => (by.len(), x.datum_type.is_integer()),
        };
        ensure!(
            fits,
            "imputes values of another datatype than its input {:?}",
            x.datum_type
        );
        if values > 1 {
            width(x, values)?;
        }
        Ok(tvec![x.datum_type.fact(x.shape.clone())])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let x = given[0];
        let y = match self {
            Self::Floats { replaced, by } if x.datum_type() == DatumType::F64 => {
                let by: Vec<f64> = by.iter().map(|&v| v.into()).collect();
                impute(x, f64::from(*replaced), &by)?
            }
            Self::Floats { replaced, by } => impute(&*x.cast_to::<f32>()?, *replaced, by)?,
            Self::Ints { replaced, by } => impute(&*x.cast_to::<i64>()?, *replaced, by)?,
        };
        Ok(tvec![y.cast_to_dt(x.datum_type())?.into_owned()])
    }
}

fn impute<T: Datum + Copy + PartialEq>(x: &Tensor, replaced: T, by: &[T]) -> TractResult<Tensor> {
    let columns = columns(x, by.len())?;
    // Only NaN differs from itself: NaN may be what is replaced.
    #[allow(clippy::eq_op, reason = "asks for NaN of any float")]
    let missing = |x: T| x == replaced || (x != x && replaced != replaced);
    let y = slice::<T>(x)?
        .iter()
        .enumerate()
        .map(|(i, &x)| match missing(x) {
            true => by[if columns == 0 { 0 } else { i % columns }],
            false => x,
        });
    tensor(x.shape(), y.collect())
}

// === impl Normalizer ===

impl Normalizer {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        match node.string("norm", "MAX")?.as_str() {
            "MAX" => Ok(Self::Max),
            "L1" => Ok(Self::L1),
            "L2" => Ok(Self::L2),
            other => Err(node.bad("norm", format!("expected MAX, L1 or L2, got {other:?}"))),
        }
    }

    fn norm(&self, row: &[f32]) -> f32 {
        match self {
            // The greatest, not the greatest magnitude: so says the specification.
            Self::Max => row.iter().copied().fold(f32::MIN, f32::max),
            Self::L1 => row.iter().map(|x| x.abs()).sum(),
            Self::L2 => row.iter().map(|x| x * x).sum::<f32>().sqrt(),
        }
    }
}

impl Kernel for Normalizer {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs(given)?;
        numbers(x)?;
        ensure!(
            x.rank() == 1 || x.rank() == 2,
            "takes one or two axes, got {}",
            x.rank()
        );
        Ok(tvec![f32::fact(x.shape.clone())])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let x = given[0];
        let mut y = cast::<f32>(x)?.into_owned();
        let (_, columns) = rows(x.shape());
        for row in y.chunks_exact_mut(columns.max(1)) {
            let norm = self.norm(row);
            if norm != 0. {
                row.iter_mut().for_each(|x| *x /= norm);
            }
        }
        Ok(tvec![tensor(x.shape(), y)?])
    }
}

// === impl Binarizer ===

impl Binarizer {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        Ok(Self {
            threshold: node.float("threshold", 0.)?,
        })
    }
}

impl Kernel for Binarizer {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs(given)?;
        numbers(x)?;
        Ok(tvec![x.datum_type.fact(x.shape.clone())])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let x = given[0];
        let above = |x: &f64| f32::from(u8::from(*x > f64::from(self.threshold)));
        let y = tensor(
            x.shape(),
            cast::<f64>(x)?.iter().map(above).collect::<Vec<f32>>(),
        )?;
        Ok(tvec![y.cast_to_dt(x.datum_type())?.into_owned()])
    }
}
