//! Arithmetic and comparisons.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::{Evaluated, wrong};
use crate::expr::column::{Column, Data, Faults, Part, Why};
use crate::expr::tree::{Arithmetic, Comparison};

/// Arithmetic of two columns; `+` also joins texts.
pub(super) fn arithmetic<'e>(
    at: usize,
    op: Arithmetic,
    a: Column<'e>,
    b: Column<'e>,
) -> Evaluated<'e> {
    let sides = Sides::of(&a, &b);
    let mut faults = faults(a.faults, b.faults);
    let data = match (a.data, b.data) {
        (Data::Int(a), Data::Int(b)) => {
            let mut row = 0;
            let ints = sides.map(&a, &b, |&a, &b| {
                let result = whole(op, a, b).unwrap_or_else(|why| {
                    faults.entry(row).or_insert_with(|| wrong(at, why));
                    0
                });
                row += 1;
                result
            });
            Data::Int(Part::Own(ints))
        }
        (Data::Text(a), Data::Text(b)) if op == Arithmetic::Add => {
            let joined = sides.map(&a, &b, |a, b| Cow::Owned([a.as_ref(), b.as_ref()].concat()));
            Data::Text(Part::Own(joined))
        }
        (a, b) if op == Arithmetic::Add && a.kind().or(b.kind()).is_none() => {
            return Err(wrong(at, Why::Unlike(a.kind(), b.kind())));
        }
        (a, b) if op == Arithmetic::Remainder => {
            let odd = if matches!(a, Data::Int(_)) { b } else { a };
            return Err(wrong(at, odd.unlike("an int")));
        }
        (a, b) => {
            let a = a.doubles().map_err(|why| wrong(at, why))?;
            let b = b.doubles().map_err(|why| wrong(at, why))?;
            Data::Double(Part::Own(match op {
                Arithmetic::Add => sides.map(&a, &b, |a, b| a + b),
                Arithmetic::Subtract => sides.map(&a, &b, |a, b| a - b),
                Arithmetic::Multiply => sides.map(&a, &b, |a, b| a * b),
                Arithmetic::Divide => sides.map(&a, &b, |a, b| a / b),
                Arithmetic::Remainder => sides.map(&a, &b, |a, b| a % b),
            }))
        }
    };
    sides.column(data, faults)
}

/// A comparison of two columns.
pub(super) fn compare<'e>(
    at: usize,
    op: Comparison,
    a: Column<'e>,
    b: Column<'e>,
) -> Evaluated<'e> {
    let sides = Sides::of(&a, &b);
    let faults = faults(a.faults, b.faults);
    let truths = match (&a.data, &b.data) {
        (Data::Bool(a), Data::Bool(b)) => sides.map(a, b, |a, b| op.holds(Some(a.cmp(b)))),
        (Data::Int(a), Data::Int(b)) => sides.map(a, b, |a, b| op.holds(Some(a.cmp(b)))),
        (Data::Double(a), Data::Double(b)) => sides.map(a, b, |a, b| op.holds(a.partial_cmp(b))),
        (Data::Int(a), Data::Double(b)) => sides.map(a, b, |&a, &b| op.holds(exact(a, b))),
        (Data::Double(a), Data::Int(b)) => {
            let turned = |&a: &f64, &b: &i64| op.holds(exact(b, a).map(Ordering::reverse));
            sides.map(a, b, turned)
        }
        (Data::Text(a), Data::Text(b)) => sides.map(a, b, |a, b| op.holds(Some(a.cmp(b)))),
        (a, b) => return Err(wrong(at, Why::Unlike(a.kind(), b.kind()))),
    };
    sides.column(Data::Bool(Part::Own(truths)), faults)
}

/// The smaller or the greater of two; NaN where one is.
pub(super) fn pick<'e>(at: usize, order: Ordering, a: Column<'e>, b: Column<'e>) -> Evaluated<'e> {
    let sides = Sides::of(&a, &b);
    let faults = faults(a.faults, b.faults);
    let data = match (a.data, b.data) {
        (Data::Int(a), Data::Int(b)) => Data::Int(Part::Own(
            sides.map(&a, &b, |&a, &b| if b.cmp(&a) == order { b } else { a }),
        )),
        (a, b) => {
            let a = a.doubles().map_err(|why| wrong(at, why))?;
            let b = b.doubles().map_err(|why| wrong(at, why))?;
            Data::Double(Part::Own(sides.map(&a, &b, |&a, &b| prefer(order, a, b))))
        }
    };
    sides.column(data, faults)
}

/// One of two doubles: the one that stands so to the other; NaN where one is.
pub(super) fn prefer(order: Ordering, a: f64, b: f64) -> f64 {
    match b.partial_cmp(&a) {
        Some(is) if is == order => b,
        Some(_) => a,
        None => f64::NAN,
    }
}

/// How an int stands to a double, exactly; nothing where that is NaN.
pub(super) fn exact(int: i64, double: f64) -> Option<Ordering> {
    // 2 to the power of 63: the first double beyond all ints; its negative is the least int.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if double.is_nan() {
        None
    } else if double >= BEYOND {
        Some(Ordering::Less)
    } else if double < -BEYOND {
        Some(Ordering::Greater)
    } else {
        #[allow(clippy::cast_possible_truncation, reason = "it is within the ints")]
        let whole = double.trunc() as i64;
        let rest = 0.0.partial_cmp(&double.fract());
        Some(int.cmp(&whole).then(rest.unwrap_or(Ordering::Equal)))
    }
}

/// What is wrong with one or the other.
pub(super) fn faults(a: Faults, mut b: Faults) -> Faults {
    b.extend(a);
    b
}

/// Which of two columns have one thing for all rows.
#[derive(Clone, Copy)]
pub(super) struct Sides {
    a: bool,
    b: bool,
}

impl Sides {
    pub(super) fn of(a: &Column<'_>, b: &Column<'_>) -> Self {
        Self { a: a.one, b: b.one }
    }

    /// Something of both, row by row.
    pub(super) fn map<A, B, C>(self, a: &[A], b: &[B], mut of: impl FnMut(&A, &B) -> C) -> Vec<C> {
        match (self.a, self.b, a, b) {
            (false, true, a, [b]) => a.iter().map(|a| of(a, b)).collect(),
            (true, false, [a], b) => b.iter().map(|b| of(a, b)).collect(),
            (_, _, a, b) => a.iter().zip(b).map(|(a, b)| of(a, b)).collect(),
        }
    }

    pub(super) fn column<'e>(self, data: Data<'e>, faults: Faults) -> Evaluated<'e> {
        let column = Column {
            data,
            one: self.a && self.b,
            width: 1,
            faults,
        };
        column.settle()
    }
}

fn whole(op: Arithmetic, a: i64, b: i64) -> Result<i64, Why> {
    let result = match op {
        Arithmetic::Add => a.checked_add(b),
        Arithmetic::Subtract => a.checked_sub(b),
        Arithmetic::Multiply => a.checked_mul(b),
        Arithmetic::Divide | Arithmetic::Remainder if b == 0 => return Err(Why::Zero),
        Arithmetic::Divide => a.checked_div(b),
        Arithmetic::Remainder => a.checked_rem(b),
    };
    result.ok_or(Why::Overflow)
}
