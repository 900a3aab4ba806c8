//! And, or, and choices: what is not needed may be wrong.

use super::number::Sides;
use super::{Evaluated, Place, wrong};
use crate::expr::column::{Column, Data, Faults, Part, Why, Wrong};
use crate::expr::tree::{Join, Tree};

impl<'e> Place<'e> {
    /// And, or.
    pub(super) fn join(&self, at: usize, join: Join, of: &'e [Tree; 2]) -> Evaluated<'e> {
        let decisive = join == Join::Any;
        let side = |tree| self.column(tree).and_then(|column| bools(at, column));
        let a = side(&of[0]);
        if let Ok(left) = &a
            && left.faults.is_empty()
            && let Data::Bool(truths) = &left.data
        {
            if truths.iter().all(|&it| it == decisive) {
                // The other side is not even looked at.
                return a;
            }
            if left.one {
                return side(&of[1]);
            }
        }
        let b = side(&of[1]);
        if let (Ok(a), Ok(b)) = (&a, &b)
            && a.faults.is_empty()
            && b.faults.is_empty()
            && let (Data::Bool(left), Data::Bool(right)) = (&a.data, &b.data)
        {
            let sides = Sides::of(a, b);
            let joined = match join {
                Join::All => sides.map(left, right, |a, b| *a && *b),
                Join::Any => sides.map(left, right, |a, b| *a || *b),
            };
            return sides.column(Data::Bool(Part::Own(joined)), Faults::new());
        }
        let one = [&a, &b]
            .iter()
            .all(|side| side.as_ref().map_or(true, |it| it.one));
        let rows = if one { 1 } else { self.rows };
        let mut joined = Vec::with_capacity(rows);
        let mut faults = Faults::new();
        for row in 0..rows {
            let (left, right) = (at_row(&a, row), at_row(&b, row));
            joined.push(match (left, right) {
                (Ok(it), _) | (_, Ok(it)) if it == decisive => decisive,
                (Ok(_), Ok(_)) => !decisive,
                (Err(wrong), _) | (_, Err(wrong)) => {
                    faults.insert(row, wrong.clone());
                    false
                }
            });
        }
        let column = Column {
            data: Data::Bool(Part::Own(joined)),
            one,
            width: 1,
            faults,
        };
        column.settle()
    }

    /// One thing or another, row by row.
    pub(super) fn choice(&self, at: usize, of: &'e [Tree; 3]) -> Evaluated<'e> {
        let [when, then, otherwise] = of;
        let when = bools(when.at, self.column(when)?)?;
        let Data::Bool(truths) = &when.data else {
            return Err(wrong(at, when.data.unlike("a bool")));
        };
        if let (true, [is]) = (when.one, &**truths) {
            return self.column(if *is { then } else { otherwise });
        }
        let sides = [self.column(then), self.column(otherwise)];
        let mut faults = when.faults.clone();
        for (row, &is) in truths.iter().enumerate() {
            let wrong = match &sides[usize::from(!is)] {
                Ok(column) => column.faults.get(&row),
                Err(wrong) => Some(wrong),
            };
            if let Some(wrong) = wrong {
                faults.entry(row).or_insert_with(|| wrong.clone());
            }
        }
        let data = match sides {
            [Ok(a), Ok(b)] => chosen(at, truths, a, b)?,
            // Rows that take the side that is wrong are told as wrong already.
            [Ok(side), Err(_)] | [Err(_), Ok(side)] if side.one => side.repeat(self.rows).data,
            [Ok(side), Err(_)] | [Err(_), Ok(side)] => side.data,
            [Err(wrong), Err(_)] => return Err(wrong),
        };
        Ok(Column {
            data,
            one: false,
            width: 1,
            faults,
        })
    }
}

/// A column of truths, or why it is none.
pub(super) fn bools(at: usize, of: Column<'_>) -> Evaluated<'_> {
    match of.data {
        Data::Bool(_) => Ok(of),
        other => Err(wrong(at, other.unlike("a bool"))),
    }
}

fn chosen<'e>(at: usize, when: &[bool], a: Column<'e>, b: Column<'e>) -> Result<Data<'e>, Wrong> {
    fn of<'e, T: Clone>(when: &[bool], sides: [(&[T], bool); 2]) -> Part<'e, T> {
        let take = |(row, is): (usize, &bool)| {
            let (side, one) = sides[usize::from(!is)];
            side[if one { 0 } else { row }].clone()
        };
        Part::Own(when.iter().enumerate().map(take).collect())
    }
    let ones = [a.one, b.one];
    Ok(match (a.data, b.data) {
        (Data::Bool(a), Data::Bool(b)) => Data::Bool(of(when, [(&a, ones[0]), (&b, ones[1])])),
        (Data::Int(a), Data::Int(b)) => Data::Int(of(when, [(&a, ones[0]), (&b, ones[1])])),
        (Data::Text(a), Data::Text(b)) => Data::Text(of(when, [(&a, ones[0]), (&b, ones[1])])),
        (a, b) if a.kind().or(b.kind()).is_none() => {
            return Err(wrong(at, Why::Unlike(a.kind(), b.kind())));
        }
        (a, b) => {
            let a = a.doubles().map_err(|why| wrong(at, why))?;
            let b = b.doubles().map_err(|why| wrong(at, why))?;
            Data::Double(of(when, [(&a, ones[0]), (&b, ones[1])]))
        }
    })
}

fn at_row<'w>(of: &'w Evaluated<'_>, row: usize) -> Result<bool, &'w Wrong> {
    let column = of.as_ref()?;
    match (column.faults.get(&row), &column.data) {
        (Some(wrong), _) => Err(wrong),
        (None, Data::Bool(truths)) => Ok(truths[if column.one { 0 } else { row }]),
        // Both sides were asked to be truths.
        (None, _) => Ok(false),
    }
}
