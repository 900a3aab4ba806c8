//! What comes out of a transform: its datatype and shape, and whether its settings make sense.

use impresario_models::{DataType, Dim};

use super::{Op, Which};
use crate::combine::Misfit;
use crate::combine::kind::{Family, Kind, alike, axis, concat, place, product, size, stack};

/// The most elements of what `one_hot` makes, which is so much more than it was given.
const MOST: usize = 1 << 28;

/// What comes out of values of these kinds.
///
/// # Errors
/// Why nothing can.
pub(super) fn kind(op: &Op, of: &[Kind], batched: bool) -> Result<Kind, Misfit> {
    let one = match of {
        [one] => one,
        [one, ..] if op.of_several() => one,
        _ if op.of_several() => return Err(Misfit::new("at least one value", "none")),
        _ => return Err(Misfit::new("one value", of.len().to_string())),
    };
    if batched && let Some(at) = of.iter().position(|kind| kind.shape.is_empty()) {
        return Err(of[at].misshapen("an axis of rows").at(at));
    }
    match op {
        Op::Cast(to) => Ok(one.with(*to)),
        Op::Reshape(shape) => reshape(one, shape, batched),
        Op::Transpose(axes) => {
            let order = order(one, axes.as_deref(), batched)?;
            let shape = order.into_iter().map(|at| one.shape[at].clone()).collect();
            let datatype = one.datatype;
            Ok(Kind { datatype, shape })
        }
        Op::Normalise { mean, scale } => {
            one.is_of(Family::Floats)?;
            along_last(one, "mean", mean.len(), batched)?;
            along_last(one, "scale", scale.len(), batched)?;
            Ok(one.clone())
        }
        Op::Clip { low, high } => {
            one.is_of(Family::Numbers)?;
            held(one.datatype, "low", *low)?;
            held(one.datatype, "high", *high)?;
            Ok(one.clone())
        }
        Op::Softmax => {
            one.is_of(Family::Floats)?;
            one.last(batched)?;
            Ok(one.clone())
        }
        Op::Sigmoid => one.is_of(Family::Floats).map(|()| one.clone()),
        Op::Argmax => {
            one.is_of(Family::Numbers)?;
            if one.last(batched)? == &Dim::Fixed(0) {
                return Err(one.misshapen("something along the last axis"));
            }
            let mut kind = one.with(DataType::Int64);
            kind.shape.pop();
            Ok(kind)
        }
        Op::TopK { k } => top(one, *k, one.datatype, batched),
        Op::TopKIndices { k } => top(one, *k, DataType::Int64, batched),
        Op::Concat { axis } => concat(of, *axis, batched),
        Op::Stack { axis } => stack(of, *axis, batched),
        Op::Select { axis: at, which } => {
            let axis = axis(one, *at, batched)?;
            select(one, axis, which)
        }
        Op::OneHot { size } => {
            one.is_of(Family::Whole)?;
            let mut kind = one.with(DataType::Fp32);
            kind.shape.push(Dim::Fixed(*size));
            if product(&kind.shape)?.is_some_and(|count| count > MOST) {
                return Err(kind.misshapen(format!("at most {MOST} elements")));
            }
            Ok(kind)
        }
        Op::Lookup { .. } => {
            one.is_of(Family::Whole)?;
            Ok(one.with(DataType::Bytes))
        }
        Op::IndexOf { .. } | Op::Length => {
            one.is_of(Family::Texts)?;
            Ok(one.with(DataType::Int64))
        }
        Op::Lower | Op::Upper | Op::Trim | Op::Replace { .. } => {
            one.is_of(Family::Texts).map(|()| one.clone())
        }
        Op::ConcatText { .. } => {
            for (at, kind) in of.iter().enumerate() {
                kind.is_of(Family::Texts).map_err(|misfit| misfit.at(at))?;
            }
            alike(of, None)
        }
    }
}

/// Whether the settings alone make sense.
///
/// # Errors
/// The first that does not.
pub(super) fn settings(op: &Op) -> Result<(), Misfit> {
    let first =
        |numbers: &[f64], wrong: fn(f64) -> bool| numbers.iter().copied().find(|n| wrong(*n));
    match op {
        Op::Reshape(shape) => match shape.iter().filter(|size| size.is_none()).count() {
            0 | 1 => Ok(()),
            more => Err(Misfit::new(
                "-1 at most once in shape",
                format!("{more} of them"),
            )),
        },
        Op::Normalise { mean, scale } => {
            if let Some(got) = first(mean, |n| !n.is_finite()) {
                return Err(Misfit::new("finite numbers for mean", got.to_string()));
            }
            match first(scale, |n| !n.is_finite() || n == 0.0) {
                Some(got) => Err(Misfit::new(
                    "finite numbers other than 0 for scale",
                    got.to_string(),
                )),
                None => Ok(()),
            }
        }
        Op::Clip { low, high } => match (low, high) {
            (None, None) => Err(Misfit::new("low, high or both", "neither")),
            (Some(n), _) | (_, Some(n)) if n.is_nan() => Err(Misfit::new("a number", "NaN")),
            (Some(low), Some(high)) if low > high => Err(Misfit::new(
                format!("high of at least low, which is {low}"),
                high.to_string(),
            )),
            _ => Ok(()),
        },
        Op::TopK { k: 0 } | Op::TopKIndices { k: 0 } => Err(Misfit::new("k of at least 1", "0")),
        Op::OneHot { size: 0 } => Err(Misfit::new("size of at least 1", "0")),
        Op::Lookup { labels, .. } if labels.is_empty() => {
            Err(Misfit::new("at least one label", "none"))
        }
        Op::IndexOf { labels, .. } => match labels.twice() {
            _ if labels.is_empty() => Err(Misfit::new("at least one label", "none")),
            Some(twice) => Err(Misfit::new(
                "labels that differ",
                format!("'{twice}' more than once"),
            )),
            None => Ok(()),
        },
        Op::Replace { from, .. } if from.is_empty() => {
            Err(Misfit::new("a text for from", "an empty one"))
        }
        _ => Ok(()),
    }
}

/// Which axis comes where.
///
/// # Errors
/// `axes` does not name each axis once, or moves the rows.
pub(super) fn order(of: &Kind, axes: Option<&[i64]>, batched: bool) -> Result<Vec<usize>, Misfit> {
    let rank = of.shape.len();
    let rows = usize::from(batched).min(rank);
    let Some(axes) = axes else {
        return Ok((0..rows).chain((rows..rank).rev()).collect());
    };
    let order: Vec<usize> = axes.iter().filter_map(|&at| place(at, rank)).collect();
    let once = (0..rank).all(|axis| order.contains(&axis));
    if axes.len() != rank || !once {
        let wanted = match rank {
            0 => "no axes".to_owned(),
            _ => format!("axes that name each from 0 to {} once", rank - 1),
        };
        return Err(Misfit::new(wanted, format!("{axes:?}")));
    }
    if batched && order[0] != 0 {
        let misfit = Misfit::new("axes that begin with 0", format!("{axes:?}"));
        return Err(misfit.hint("axis 0 is the rows, of which each is computed by itself"));
    }
    Ok(order)
}

fn reshape(of: &Kind, shape: &[Option<usize>], batched: bool) -> Result<Kind, Misfit> {
    let (rows, row) = of.shape.split_at(usize::from(batched));
    let whose = if batched { " in a row" } else { "" };
    let given = product(row)?;
    let stated: Vec<_> = shape.iter().flatten().copied().map(Dim::Fixed).collect();
    // A shape without a free axis has a count.
    let count = product(&stated)?.unwrap_or_default();
    let open = stated.len() < shape.len();
    if open && count == 0 {
        let misfit = Misfit::new("no -1 beside a 0 in shape", "both");
        return Err(misfit.hint("what is left for -1 cannot be told"));
    }
    let left = match given {
        None => Dim::Free(None),
        Some(given) if open && given % count == 0 => Dim::Fixed(given / count),
        Some(given) if !open && given == count => Dim::Fixed(0),
        Some(_) => {
            let times = if open { "a multiple of " } else { "" };
            return Err(of.misshapen(format!("{times}{count} elements{whose}")));
        }
    };
    let filled = shape.iter().map(|size| match size {
        Some(size) => Dim::Fixed(*size),
        None => left.clone(),
    });
    Ok(Kind {
        datatype: of.datatype,
        shape: rows.iter().cloned().chain(filled).collect(),
    })
}

/// Whether a setting is one number, or one for each place along the last axis.
fn along_last(of: &Kind, what: &str, count: usize, batched: bool) -> Result<(), Misfit> {
    if count == 1 {
        return Ok(());
    }
    let Dim::Fixed(size) = of.last(batched).map_err(|_| {
        let misfit = Misfit::new(format!("one number for {what}"), count.to_string());
        misfit.hint("the value has no axis along which there could be more")
    })?
    else {
        return match count {
            0 => Err(Misfit::new(format!("numbers for {what}"), "none")),
            _ => Ok(()),
        };
    };
    if *size == count && count != 0 {
        return Ok(());
    }
    Err(Misfit::new(
        format!("one number for {what}, or {size} as along the last axis"),
        count.to_string(),
    ))
}

/// Whether a bound is a number of a datatype; floats hold all, nearly.
fn held(datatype: DataType, what: &str, bound: Option<f64>) -> Result<(), Misfit> {
    let (low, high) = match datatype {
        DataType::Uint8 => (0.0, f64::from(u8::MAX)),
        DataType::Uint16 => (0.0, f64::from(u16::MAX)),
        DataType::Uint32 => (0.0, f64::from(u32::MAX)),
        DataType::Uint64 => (0.0, u64::MAX as f64),
        DataType::Int8 => (f64::from(i8::MIN), f64::from(i8::MAX)),
        DataType::Int16 => (f64::from(i16::MIN), f64::from(i16::MAX)),
        DataType::Int32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
        DataType::Int64 => (i64::MIN as f64, i64::MAX as f64),
        _ => return Ok(()),
    };
    match bound {
        Some(bound) if bound.trunc() != bound || bound < low || bound > high => Err(Misfit::new(
            format!("a number that {datatype} holds for {what}"),
            bound.to_string(),
        )),
        _ => Ok(()),
    }
}

fn top(of: &Kind, k: usize, datatype: DataType, batched: bool) -> Result<Kind, Misfit> {
    of.is_of(Family::Numbers)?;
    let last = of.last(batched)?;
    if size(last).is_some_and(|size| size < k) {
        return Err(of.misshapen(format!("at least {k} along the last axis")));
    }
    let mut kind = of.with(datatype);
    kind.shape.pop();
    kind.shape.push(Dim::Fixed(k));
    Ok(kind)
}

fn select(of: &Kind, axis: usize, which: &Which) -> Result<Kind, Misfit> {
    let size = size(&of.shape[axis]);
    let there = |index: i64| match size {
        Some(size) if place(index, size).is_none() => {
            let wanted = format!("a place among {size} along axis {axis}");
            Err(Misfit::new(wanted, index.to_string()))
        }
        _ => Ok(()),
    };
    let mut kind = of.clone();
    match which {
        Which::Index(index) => {
            there(*index)?;
            kind.shape.remove(axis);
        }
        Which::Indices(indices) => {
            indices.iter().try_for_each(|index| there(*index))?;
            kind.shape[axis] = Dim::Fixed(indices.len());
        }
        Which::Slice { start, stop } => {
            kind.shape[axis] = match (size, start, stop) {
                (Some(size), ..) => Dim::Fixed(slice(*start, *stop, size).len()),
                (None, None | Some(0), None) => of.shape[axis].clone(),
                (None, ..) => Dim::Free(None),
            };
        }
    }
    Ok(kind)
}

/// The places of a slice among so many, as NumPy has it.
pub(super) fn slice(start: Option<i64>, stop: Option<i64>, size: usize) -> std::ops::Range<usize> {
    let clamp = |written: i64| match usize::try_from(written) {
        Ok(at) => at.min(size),
        Err(_) => size.saturating_sub(usize::try_from(written.unsigned_abs()).unwrap_or(size)),
    };
    let start = start.map_or(0, clamp);
    let stop = stop.map_or(size, clamp);
    start..stop.max(start)
}
