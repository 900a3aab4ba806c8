//! Datatype and shape: what the typing of transforms and ensembles works on, be it known of a port or seen of a tensor.
//!
//! Both go through the same rules, so what was foretold is what comes out, and nothing is computed of what does not fit.

use impresario_models::contract::Dims;
use impresario_models::{DataType, Dim, Port, Tensor, Values};

use super::{Fault, Misfit};

/// The datatype and shape of one value.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    pub(super) datatype: DataType,
    pub(super) shape: Vec<Dim>,
}

/// A family of datatypes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Floating-point numbers.
    Floats,
    /// Floating-point and whole numbers.
    Numbers,
    /// Numbers and truths.
    NumbersOrTruths,
    /// Whole numbers.
    Whole,
    /// What can be told alike or not: truths, whole numbers and texts.
    Labels,
    /// Texts.
    Texts,
}

// === impl Kind ===

impl Kind {
    pub(super) fn of_port(port: &Port) -> Self {
        Self {
            datatype: port.datatype,
            shape: port.shape.clone(),
        }
    }

    pub(super) fn of_tensor(tensor: &Tensor) -> Self {
        Self {
            datatype: tensor.datatype(),
            shape: tensor.shape().iter().copied().map(Dim::Fixed).collect(),
        }
    }

    pub(super) fn with(&self, datatype: DataType) -> Self {
        Self {
            datatype,
            shape: self.shape.clone(),
        }
    }

    /// A tensor of this kind, of which every size is known.
    ///
    /// # Errors
    /// It has more elements than can be counted.
    pub(super) fn tensor(&self, values: Values) -> Result<Tensor, Fault> {
        let shape = self.shape.iter().filter_map(size).collect();
        Tensor::new(shape, values).map_err(|wrong| Fault(wrong.to_string()))
    }

    /// The last axis.
    ///
    /// # Errors
    /// There is none beside the rows.
    pub(super) fn last(&self, batched: bool) -> Result<&Dim, Misfit> {
        axis(self, None, batched).map(|at| &self.shape[at])
    }

    /// A misfit of this value's shape.
    pub(super) fn misshapen(&self, expected: impl Into<String>) -> Misfit {
        Misfit::new(expected, format!("shape {}", Dims(&self.shape)))
    }

    /// Whether the datatype is of a family.
    ///
    /// # Errors
    /// It is not.
    pub(super) fn is_of(&self, family: Family) -> Result<(), Misfit> {
        if family.holds(self.datatype) {
            return Ok(());
        }
        let misfit = Misfit::new(family.to_string(), self.datatype.to_string());
        Err(match family.remedy() {
            Some(hint) => misfit.hint(hint),
            None => misfit,
        })
    }
}

// === impl Family ===

impl Family {
    fn holds(self, datatype: DataType) -> bool {
        use DataType::{Bf16, Bool, Bytes, Fp16, Fp32, Fp64};
        let float = matches!(datatype, Fp16 | Bf16 | Fp32 | Fp64);
        let whole = !float && !matches!(datatype, Bool | Bytes);
        match self {
            Self::Floats => float,
            Self::Numbers => float || whole,
            Self::NumbersOrTruths => datatype != Bytes,
            Self::Whole => whole,
            Self::Labels => !float,
            Self::Texts => datatype == Bytes,
        }
    }

    fn remedy(self) -> Option<&'static str> {
        match self {
            Self::Floats | Self::Numbers => Some("the transform cast makes FP32 of it"),
            Self::Whole => Some("the transform cast makes INT64 of it"),
            Self::Labels => Some("argmax makes labels of scores; mean takes the scores themselves"),
            Self::Texts => Some("the transforms lookup and cast make texts of numbers"),
            Self::NumbersOrTruths => None,
        }
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Floats => "FP16, BF16, FP32 or FP64",
            Self::Numbers => "a datatype of numbers",
            Self::NumbersOrTruths => "a datatype of numbers or BOOL",
            Self::Whole => "a datatype of whole numbers",
            Self::Labels => "a datatype of whole numbers, BYTES or BOOL",
            Self::Texts => "BYTES",
        })
    }
}

// === shapes ===

pub(super) fn size(dim: &Dim) -> Option<usize> {
    match dim {
        Dim::Fixed(size) => Some(*size),
        Dim::Free(_) => None,
    }
}

/// The elements along some axes, where they can be told; `Err` where there are more than can be counted.
pub(super) fn product(dims: &[Dim]) -> Result<Option<usize>, Misfit> {
    let Some(sizes) = dims.iter().map(size).collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    match impresario_models::tensor::element_count(&sizes) {
        Some(count) => Ok(Some(count)),
        None => Err(Misfit::new(
            "as many elements as can be counted",
            format!("shape {}", Dims(dims)),
        )),
    }
}

/// The place of an axis that is written from the front or the back; the last where nothing is written.
///
/// # Errors
/// There is no such axis, or it is the rows.
pub(super) fn axis(of: &Kind, written: Option<i64>, batched: bool) -> Result<usize, Misfit> {
    let rank = of.shape.len();
    let least = usize::from(batched);
    if rank <= least {
        let wanted = if batched {
            "an axis beside the rows"
        } else {
            "at least one axis"
        };
        return Err(of.misshapen(wanted));
    }
    let Some(written) = written else {
        return Ok(rank - 1);
    };
    let place = place(written, rank).filter(|at| *at >= least);
    place.ok_or_else(|| {
        let wanted = match rank - 1 {
            last if last == least => format!("axis {last}"),
            last => format!("an axis from {least} to {last}"),
        };
        let misfit = Misfit::new(wanted, format!("axis {written}"));
        match batched {
            true => misfit.hint("axis 0 is the rows, of which each is computed by itself"),
            false => misfit,
        }
    })
}

/// A place that is written from the front or the back of so many.
pub(super) fn place(written: i64, size: usize) -> Option<usize> {
    let at = match usize::try_from(written) {
        Ok(at) => at,
        Err(_) => size.checked_sub(usize::try_from(written.unsigned_abs()).ok()?)?,
    };
    (at < size).then_some(at)
}

// === several ===

/// Two sizes of the same axis: what both can be.
fn meet(one: &Dim, other: &Dim) -> Option<Dim> {
    match (one, other) {
        (Dim::Fixed(a), Dim::Fixed(b)) => (a == b).then_some(Dim::Fixed(*a)),
        (Dim::Fixed(a), Dim::Free(_)) | (Dim::Free(_), Dim::Fixed(a)) => Some(Dim::Fixed(*a)),
        (Dim::Free(a), Dim::Free(b)) if a == b => Some(Dim::Free(a.clone())),
        (Dim::Free(_), Dim::Free(_)) => Some(Dim::Free(None)),
    }
}

/// The datatype and shape that all can have; along `except` they may differ, and what comes out there is the first's.
///
/// # Errors
/// The first that differs from those before it.
pub(super) fn alike(of: &[Kind], except: Option<usize>) -> Result<Kind, Misfit> {
    let Some((first, others)) = of.split_first() else {
        return Err(Misfit::new("at least one value", "none"));
    };
    let mut met = first.clone();
    for (at, other) in others.iter().enumerate() {
        if other.datatype != met.datatype {
            let expected = format!("{} as in the first", met.datatype);
            let misfit = Misfit::new(expected, other.datatype.to_string()).at(at + 1);
            return Err(misfit.hint("the transform cast changes datatypes"));
        }
        let differ = || {
            let axes = Dims(&met.shape);
            let expected = match except {
                Some(axis) => format!("shape {axes} as in the first except along axis {axis}"),
                None => format!("shape {axes} as in the first"),
            };
            other.misshapen(expected).at(at + 1)
        };
        if other.shape.len() != met.shape.len() {
            return Err(differ());
        }
        let axes = met.shape.iter().zip(&other.shape).enumerate();
        let shape = axes.map(|(axis, (one, two))| match except == Some(axis) {
            true => Some(one.clone()),
            false => meet(one, two),
        });
        met.shape = shape.collect::<Option<_>>().ok_or_else(differ)?;
    }
    Ok(met)
}

/// Several behind one another along an axis.
///
/// # Errors
/// They differ beside it.
pub(super) fn concat(of: &[Kind], written: Option<i64>, batched: bool) -> Result<Kind, Misfit> {
    let Some(first) = of.first() else {
        return Err(Misfit::new("at least one value", "none"));
    };
    let axis = axis(first, written, batched).map_err(|misfit| {
        let stack = misfit.hint.is_none() && misfit.at.is_none() && written.is_none();
        let misfit = misfit.at(0);
        match stack {
            true => misfit.hint("stack puts values side by side along a new axis"),
            false => misfit,
        }
    })?;
    let mut kind = alike(of, Some(axis))?;
    let sizes = of.iter().map(|kind| size(&kind.shape[axis]));
    kind.shape[axis] = match sizes.collect::<Option<Vec<_>>>() {
        None => Dim::Free(None),
        Some(sizes) => {
            let sum = sizes.iter().try_fold(0usize, |sum, n| sum.checked_add(*n));
            let many = || Misfit::new("as many elements as can be counted", "more");
            Dim::Fixed(sum.ok_or_else(many)?)
        }
    };
    Ok(kind)
}

/// Several side by side along a new axis.
///
/// # Errors
/// They differ, or there can be no such axis.
pub(super) fn stack(of: &[Kind], written: Option<i64>, batched: bool) -> Result<Kind, Misfit> {
    let mut kind = alike(of, None)?;
    // The axis is one of what comes out, which has one more.
    kind.shape.push(Dim::Fixed(of.len()));
    let axis = axis(&kind, written, batched)?;
    kind.shape[axis..].rotate_right(1);
    Ok(kind)
}

/// One of several, which ever it will be: an axis that some leave free is free.
///
/// # Errors
/// The first that differs from those before it.
pub(super) fn any(of: &[Kind]) -> Result<Kind, Misfit> {
    let mut met = alike(of, None)?;
    for (at, dim) in met.shape.iter_mut().enumerate() {
        if of.iter().any(|kind| size(&kind.shape[at]).is_none()) {
            let same = of.iter().all(|kind| kind.shape[at] == of[0].shape[at]);
            *dim = if same {
                of[0].shape[at].clone()
            } else {
                Dim::Free(None)
            };
        }
    }
    Ok(met)
}
