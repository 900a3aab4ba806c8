//! CDist of `com.microsoft`: how far each row of one matrix is from each of another. Exporters of nearest neighbours
//! write it, or the loop that `distances` finds in graphs.

use std::borrow::Cow;

use tract_onnx::tract_hir::internal::*;

use super::kernel::Kernel;
use super::nearness::{Number, Rows};
use super::node::Node;
use super::tensors::{inputs, slice, tensor, width};

/// The distance of every pair of rows.
pub(super) struct CDist {
    /// Whether distances stay squared.
    squared: bool,
    /// Whether both matrices must be known to have as many features. The loop in whose place this may stand does not
    /// refuse rows of one feature: it repeats it.
    same_width: bool,
}

/// The distance of every row from those of a matrix that the model holds.
struct Distances<T: Number> {
    from: Rows<'static, T>,
    squared: bool,
}

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
        let same_width = node.int("same_width", 0)? != 0;
        Ok(Self {
            squared,
            same_width,
        })
    }

    fn between<T: Number>(&self, a: &Tensor, b: &Tensor) -> TractResult<Tensor> {
        let from = Rows::<T>::of(slice(b)?.into(), b.shape()[0], b.shape()[1]);
        distances(a, &from, self.squared)
    }

    fn from<T: Number>(&self, b: &Tensor) -> Option<Box<dyn Kernel>> {
        let numbers = Cow::Owned(slice::<T>(b).ok()?.to_vec());
        Some(Box::new(Distances {
            from: Rows::of(numbers, b.shape()[0], b.shape()[1]),
            squared: self.squared,
        }))
    }
}

fn distances<T: Number>(a: &Tensor, from: &Rows<T>, squared: bool) -> TractResult<Tensor> {
    let (rows, width) = (a.shape()[0], a.shape()[1]);
    ensure!(
        width == from.width(),
        "rows have {width} and {} features",
        from.width()
    );
    let a = slice::<T>(a)?;
    let mut y = Vec::with_capacity(rows * from.count());
    let mut sums = Vec::new();
    for row in 0..rows {
        from.distances(&a[row * width..][..width], &mut sums);
        match squared {
            true => y.extend(&sums),
            false => y.extend(sums.iter().map(|sum| sum.root())),
        }
    }
    tensor(&[rows, from.count()], y)
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
        if let Ok(features) = b.shape[1].to_usize() {
            width(a, features)?;
        }
        ensure!(
            !self.same_width || a.shape[1] == b.shape[1],
            "takes rows of as many features, got {} and {}",
            a.shape[1],
            b.shape[1]
        );
        let fact = a.datum_type.fact([a.shape[0].clone(), b.shape[0].clone()]);
        Ok(tvec![fact])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let (a, b) = (given[0], given[1]);
        Ok(tvec![match a.datum_type() {
            DatumType::F64 => self.between::<f64>(a, b)?,
            _ => self.between::<f32>(a, b)?,
        }])
    }

    fn first_alone(&self, given: &[&TypedFact]) -> Option<Box<dyn Kernel>> {
        let [_, b] = given else { return None };
        let b = b.konst.as_ref()?;
        match b.datum_type() {
            DatumType::F64 => self.from::<f64>(b),
            _ => self.from::<f32>(b),
        }
    }
}

// === impl Distances ===

impl<T: Number> Kernel for Distances<T> {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [a] = inputs(given)?;
        Ok(tvec![T::fact([
            a.shape[0].clone(),
            self.from.count().to_dim()
        ])])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        Ok(tvec![distances(given[0], &self.from, self.squared)?])
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
                let (a, b) = (cast(&a), cast(&b));
                let cdist = CDist {
                    squared,
                    same_width: false,
                };
                let y = cdist.eval(&[&a, &b]).expect("distances");
                let fact = TypedFact::try_from(b.clone()).expect("a constant");
                let alone = cdist.first_alone(&[&TypedFact::shape_and_dt_of(&a), &fact]);
                let alone = alone.expect("it is a constant").eval(&[&a]);
                assert_eq!(alone.expect("distances"), y);
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
    #[test]
    fn what_cannot_be_compared_is_refused_before_it_comes() {
        let symbols = SymbolScope::default();
        let (n, m) = (symbols.sym("n").to_dim(), symbols.sym("m").to_dim());
        let floats = |width: &TDim| f32::fact([5.to_dim(), width.clone()]);
        let (three, four) = (3.to_dim(), 4.to_dim());
        // Whether it is taken, and whether in the place of a loop.
        let cases = [
            (floats(&four), floats(&four), true, true),
            (floats(&n), floats(&n), true, true),
            (floats(&n), floats(&m), true, false),
            (floats(&n), floats(&four), true, false),
            (floats(&three), floats(&four), false, false),
            (floats(&four), floats(&1.to_dim()), false, false),
            (f64::fact([5, 4]), f64::fact([5, 4]), true, true),
            (f64::fact([5, 4]), f32::fact([5, 4]), false, false),
            (f16::fact([5, 4]), f16::fact([5, 4]), false, false),
            (i64::fact([5, 4]), i64::fact([5, 4]), false, false),
            (f32::fact([4]), f32::fact([5, 4]), false, false),
            (f32::fact([5, 4, 4]), f32::fact([5, 4, 4]), false, false),
        ];
        for (a, b, taken, for_a_loop) in cases {
            for (same_width, expected) in [(false, taken), (true, for_a_loop)] {
                let cdist = CDist {
                    squared: true,
                    same_width,
                };
                let facts = cdist.facts(&[&a, &b]);
                assert_eq!(facts.is_ok(), expected, "{a:?} {b:?} {same_width}");
            }
        }
    }
}
