//! CDist of `com.microsoft`: how far each row of one matrix is from each of another. Exporters of nearest neighbours
//! write it, or the loop that `distances` finds in graphs.

use std::iter::Sum;
use std::ops::{AddAssign, Mul, Sub};

use tract_onnx::tract_hir::internal::*;

use super::kernel::Kernel;
use super::node::Node;
use super::tensors::{inputs, slice, tensor};

/// The distance of every pair of rows.
pub(super) struct CDist {
    /// Whether distances stay squared.
    squared: bool,
}

/// As many rows as fill a wide register twice.
const MANY: usize = 8;

// === impl CDist ===

impl CDist {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        let squared = match node.string("metric", "sqeuclidean")?.as_str() {
            "sqeuclidean" => true,
            "euclidean" => false,
            other => {
                let complaint = format!("expected sqeuclidean or euclidean, got {other:?}");
                return Err(node.bad("metric", complaint));
            }
        };
        Ok(Self { squared })
    }
}

/// The squared distances, and out of them what is asked for.
fn distances<T>(a: &Tensor, b: &Tensor, finish: impl Fn(T) -> T) -> TractResult<Tensor>
where
    T: Datum + Copy + Default + Sub<Output = T> + Mul<Output = T> + AddAssign + Sum,
{
    let (rows, columns, width) = (a.shape()[0], b.shape()[0], a.shape()[1]);
    let (a, b) = (slice::<T>(a)?, slice::<T>(b)?);
    let square = |a: T, b: T| (a - b) * (a - b);
    let mut y = vec![T::default(); rows * columns];
    if width > 0 && columns > 0 {
        let lines = y.chunks_exact_mut(columns).zip(a.chunks_exact(width));
        if columns >= MANY {
            // Feature by feature, so that the compiler can use wide registers.
            let turned = |feature| b.iter().skip(feature).step_by(width).copied();
            let turned: Vec<T> = (0..width).flat_map(turned).collect();
            for (y, a) in lines {
                for (&a, b) in a.iter().zip(turned.chunks_exact(columns)) {
                    y.iter_mut().zip(b).for_each(|(y, &b)| *y += square(a, b));
                }
            }
        } else {
            for (y, a) in lines {
                for (y, b) in y.iter_mut().zip(b.chunks_exact(width)) {
                    *y = a.iter().zip(b).map(|(&a, &b)| square(a, b)).sum();
                }
            }
        }
    }
    y.iter_mut().for_each(|y| *y = finish(*y));
    tensor(&[rows, columns], y)
}

impl Kernel for CDist {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [a, b] = inputs(given)?;
        ensure!(
            matches!(a.datum_type, DatumType::F32 | DatumType::F64) && a.datum_type == b.datum_type,
            "takes floats or doubles, got {:?} and {:?}",
            a.datum_type,
            b.datum_type
        );
        ensure!(
            a.rank() == 2 && b.rank() == 2,
            "takes two matrices, got {} and {} axes",
            a.rank(),
            b.rank()
        );
        let fact = a.datum_type.fact([a.shape[0].clone(), b.shape[0].clone()]);
        Ok(tvec![fact])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let (a, b) = (given[0], given[1]);
        ensure!(
            a.shape()[1] == b.shape()[1],
            "rows have {} and {} features",
            a.shape()[1],
            b.shape()[1]
        );
        Ok(tvec![match (a.datum_type(), self.squared) {
            (DatumType::F64, true) => distances::<f64>(a, b, |y| y)?,
            (DatumType::F64, false) => distances(a, b, f64::sqrt)?,
            (_, true) => distances::<f32>(a, b, |y| y)?,
            (_, false) => distances(a, b, f32::sqrt)?,
        }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_has_its_distance() {
        let matrix = |rows: usize, first: f32| {
            let values = (0..rows * 3).map(|i| first + i as f32).collect();
            tensor(&[rows, 3], values).expect("a matrix")
        };
        for columns in [0, 1, 7, 8, 11] {
            let (a, b) = (matrix(2, 0.), matrix(columns, 1.));
            for (squared, doubles) in [(true, false), (false, false), (true, true), (false, true)] {
                let cast = |t: &Tensor| match doubles {
                    true => t.cast_to::<f64>().expect("doubles").into_owned(),
                    false => t.clone(),
                };
                let y = CDist { squared }
                    .eval(&[&cast(&a), &cast(&b)])
                    .expect("distances");
                assert_eq!(y[0].shape(), [2, columns]);
                let y = y[0].cast_to::<f64>().expect("doubles");
                for (at, y) in slice::<f64>(&y).expect("doubles").iter().enumerate() {
                    let apart = 1. + 3. * ((at % columns) as f64 - (at / columns) as f64);
                    let expected = if squared {
                        3. * apart * apart
                    } else {
                        3f64.sqrt() * apart.abs()
                    };
                    assert!(
                        (y - expected).abs() < 1e-4,
                        "{at} of {columns}: {y}, {expected}"
                    );
                }
            }
        }
    }
}
