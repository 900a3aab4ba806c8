//! Unique and Compress: operators whose outputs are as long as their inputs' values say.

use std::cmp::Ordering;

use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::tract_ndarray::Axis;

use super::kernel::Kernel;
use super::node::Node;
use super::tensors::{inputs, slice, tensor};

/// The different elements, or the different slices along an axis.
pub(super) struct Unique {
    axis: Option<i64>,
    /// In order of value, else in order of first appearance.
    sorted: bool,
    count: Symbol,
}

/// The elements, or the slices along an axis, whose condition is true.
pub(super) struct Compress {
    axis: Option<i64>,
    count: Symbol,
}

/// Where the elements of each group are.
struct Groups {
    /// First member of each group.
    first: Vec<usize>,
    /// Group of each member.
    inverse: Vec<i64>,
    counts: Vec<i64>,
}

/// An axis that may be counted from the end.
fn resolve(axis: i64, rank: usize) -> TractResult<usize> {
    let resolved = if axis < 0 { axis + rank as i64 } else { axis };
    match usize::try_from(resolved) {
        Ok(resolved) if resolved < rank => Ok(resolved),
        _ => bail!("axis {axis} of {rank}"),
    }
}

/// Slices along an axis; without an axis, elements in row-major order.
fn pick(x: &Tensor, axis: Option<i64>, picked: &[usize]) -> TractResult<Tensor> {
    fn pick<T: Datum>(x: &Tensor, axis: usize, picked: &[usize]) -> TractResult<Tensor> {
        Ok(x.to_plain_array_view::<T>()?
            .select(Axis(axis), picked)
            .into_tensor())
    }
    let flat;
    let (x, axis) = match axis {
        Some(axis) => (x, resolve(axis, x.rank())?),
        None => {
            flat = x.clone().into_shape(&[x.len()])?;
            (&flat, 0)
        }
    };
    dispatch_datum!(pick(x.datum_type())(x, axis, picked))
}

fn picked_fact(x: &TypedFact, axis: Option<i64>, count: &Symbol) -> TractResult<TypedFact> {
    let mut shape: TVec<TDim> = tvec![0.to_dim()];
    let mut at = 0;
    if let Some(axis) = axis {
        shape = x.shape.to_tvec();
        at = resolve(axis, x.rank())?;
    }
    shape[at] = count.to_dim();
    Ok(x.datum_type.fact(shape))
}

// === impl Unique ===

impl Unique {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        let axis = node.proto.get_attr_opt("axis")?;
        Ok(Self {
            axis,
            sorted: node.int("sorted", 1)? != 0,
            count: node.symbol(),
        })
    }

    fn groups<T: Datum + PartialOrd>(&self, x: &Tensor) -> TractResult<Groups> {
        let slices: Vec<Vec<T>> = match self.axis {
            None => slice::<T>(x)?
                .iter()
                .map(|element| vec![element.clone()])
                .collect(),
            Some(axis) => {
                let view = x.to_plain_array_view::<T>()?;
                let axis = Axis(resolve(axis, x.rank())?);
                view.axis_iter(axis)
                    .map(|part| part.iter().cloned().collect())
                    .collect()
            }
        };
        let mut order: Vec<usize> = (0..slices.len()).collect();
        order.sort_by(|&a, &b| compare(&slices[a], &slices[b]));
        // The sort keeps the order of equals, so a group begins with its first member.
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for member in order {
            match groups.last_mut() {
                Some(group) if compare(&slices[group[0]], &slices[member]).is_eq() => {
                    group.push(member)
                }
                _ => groups.push(vec![member]),
            }
        }
        if !self.sorted {
            groups.sort_by_key(|group| group[0]);
        }
        let mut inverse = vec![0; slices.len()];
        for (number, group) in groups.iter().enumerate() {
            group
                .iter()
                .for_each(|&member| inverse[member] = number as i64);
        }
        let first = groups.iter().map(|group| group[0]).collect();
        Ok(Groups {
            first,
            inverse,
            counts: groups.iter().map(|group| group.len() as i64).collect(),
        })
    }
}

/// Element by element; NaN comes last and is like any other NaN.
fn compare<T: PartialOrd>(a: &[T], b: &[T]) -> Ordering {
    #[allow(clippy::eq_op, reason = "only NaN differs from itself")]
    let element = |(a, b): (&T, &T)| a.partial_cmp(b).unwrap_or_else(|| (a != a).cmp(&(b != b)));
    a.iter()
        .zip(b)
        .map(element)
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

impl Kernel for Unique {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs(given)?;
        let members = match self.axis {
            None => x.shape.volume(),
            Some(axis) => x.shape[resolve(axis, x.rank())?].clone(),
        };
        let per_group = i64::fact([self.count.to_dim()]);
        Ok(tvec![
            picked_fact(x, self.axis, &self.count)?,
            per_group.clone(),
            i64::fact([members]),
            per_group
        ])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let x = given[0];
        let groups = match x.datum_type() {
            DatumType::String => self.groups::<String>(x)?,
            DatumType::Bool => self.groups::<bool>(x)?,
            datatype => dispatch_numbers!(Self::groups(datatype)(self, x))?,
        };
        let first = groups.first.iter().map(|&first| first as i64).collect();
        let whole = |values: Vec<i64>| tensor(&[values.len()], values);
        let y = pick(x, self.axis, &groups.first)?;
        Ok(tvec![
            y,
            whole(first)?,
            whole(groups.inverse)?,
            whole(groups.counts)?
        ])
    }

    fn counts(&self) -> bool {
        true
    }
}

// === impl Compress ===

impl Compress {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        Ok(Self {
            axis: node.proto.get_attr_opt("axis")?,
            count: node.symbol(),
        })
    }
}

impl Kernel for Compress {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x, condition] = inputs(given)?;
        ensure!(
            condition.datum_type == DatumType::Bool,
            "takes booleans, got {:?}",
            condition.datum_type
        );
        Ok(tvec![picked_fact(x, self.axis, &self.count)?])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let (x, condition) = (given[0], slice::<bool>(given[1])?);
        let picked: Vec<usize> = (0..condition.len()).filter(|&i| condition[i]).collect();
        let length = match self.axis {
            None => x.len(),
            Some(axis) => x.shape()[resolve(axis, x.rank())?],
        };
        if let Some(last) = picked.last().filter(|&&last| last >= length) {
            bail!("condition {last} is true, but there are {length} elements");
        }
        Ok(tvec![pick(x, self.axis, &picked)?])
    }

    fn counts(&self) -> bool {
        true
    }
}
