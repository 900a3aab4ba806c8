//! Rows that others are compared with: support vectors, and the neighbours that a row may have. They are laid out so
//! that a row is compared with many at once.

use std::borrow::Cow;
use std::iter::Sum;
use std::ops::{AddAssign, Mul, Sub};

use tract_onnx::tract_hir::internal::*;

use super::linear::dot;

/// A float that rows are of.
pub(super) trait Number:
    Datum + Copy + Default + Sub<Output = Self> + Mul<Output = Self> + AddAssign + Sum
{
    fn root(self) -> Self;
}

/// Rows of equal length.
pub(super) struct Rows<'a, T: Number> {
    /// Row by row, or feature by feature where there are enough that a row is compared with many at once; then zeros
    /// follow each feature's numbers until they fill wide registers.
    numbers: Cow<'a, [T]>,
    turned: bool,
    count: usize,
    width: usize,
}

/// As many rows as fill a wide register twice.
const MANY: usize = 8;

macro_rules! number {
    ($t:ty) => {
        impl Number for $t {
            fn root(self) -> Self {
                self.sqrt()
            }
        }
    };
}
number!(f32);
number!(f64);

// === impl Rows ===

impl<'a, T: Number> Rows<'a, T> {
    /// Lays out so many rows of so many numbers, which are given row by row.
    pub(super) fn of(list: Cow<'a, [T]>, count: usize, width: usize) -> Self {
        let column = |feature| {
            let numbers = list.iter().skip(feature).step_by(width).copied();
            let zeros = count.next_multiple_of(MANY) - count;
            numbers.chain(std::iter::repeat_n(T::default(), zeros))
        };
        let turned = count >= MANY && width > 0;
        Self {
            numbers: match turned {
                true => Cow::Owned((0..width).flat_map(column).collect()),
                false => list,
            },
            turned,
            count,
            width,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The squared distance of a row from each of these, in place of what was there.
    pub(super) fn distances(&self, row: &[T], sums: &mut Vec<T>) {
        let square = |a: T, b: T| (a - b) * (a - b);
        let whole = |a: &[T], b: &[T]| a.iter().zip(b).map(|(&a, &b)| square(a, b)).sum();
        self.sums(row, sums, square, whole);
    }

    /// What a row and each of these give: number by number where there are many, else the whole row at once.
    fn sums(
        &self,
        row: &[T],
        sums: &mut Vec<T>,
        each: impl Fn(T, T) -> T,
        whole: impl Fn(&[T], &[T]) -> T,
    ) {
        sums.clear();
        if self.turned {
            let padded = self.numbers.len() / self.width;
            sums.resize(padded, T::default());
            // Feature by feature, so that the compiler can use wide registers.
            for (&a, column) in row.iter().zip(self.numbers.chunks_exact(padded)) {
                let pairs = sums.iter_mut().zip(column);
                pairs.for_each(|(sum, &b)| *sum += each(a, b));
            }
            sums.truncate(self.count);
        } else if self.width > 0 {
            let others = self.numbers.chunks_exact(self.width);
            sums.extend(others.map(|other| whole(row, other)));
        } else {
            sums.resize(self.count, T::default());
        }
    }
}

impl Rows<'_, f32> {
    /// The scalar product of a row and each of these, in place of what was there.
    pub(super) fn products(&self, row: &[f32], sums: &mut Vec<f32>) {
        self.sums(row, sums, |a, b| a * b, dot);
    }
}
