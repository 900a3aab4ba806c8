//! Lists: what is made of each row's list, and what is asked of its elements.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::logic::bools;
use super::number::{exact, faults, prefer};
use super::{Evaluated, Place, wrong};
use crate::expr::column::{Column, Data, Faults, Part, Why};
use crate::expr::tree::{Function, Join, Tree};

impl<'e> Place<'e> {
    /// A list of one thing each.
    pub(super) fn list(&self, at: usize, of: &'e [Tree]) -> Evaluated<'e> {
        let parts: Result<Vec<_>, _> = of.iter().map(|part| self.column(part)).collect();
        let mut parts = parts?;
        let one = parts.iter().all(|part| part.one);
        let rows = if one { 1 } else { self.rows };
        let wrongs = parts
            .iter_mut()
            .map(|part| std::mem::take(&mut part.faults));
        let faults = wrongs.fold(Faults::new(), faults);
        let double = parts
            .iter()
            .any(|part| matches!(part.data, Data::Double(_)));
        macro_rules! woven {
            ($kind:ident, $expected:expr) => {{
                let mut columns = Vec::with_capacity(parts.len());
                for part in parts {
                    match part.data {
                        Data::$kind(data) => columns.push((data, part.one)),
                        other => return Err(wrong(at, other.unlike($expected))),
                    }
                }
                Data::$kind(Part::Own(weave(&columns, rows)))
            }};
        }
        let data = match parts.first().map(|first| &first.data) {
            None | Some(Data::Bool(_)) => woven!(Bool, "a bool"),
            Some(Data::Int(_)) if !double => woven!(Int, "a number"),
            Some(Data::Int(_) | Data::Double(_)) => {
                let mut columns = Vec::with_capacity(parts.len());
                for part in parts {
                    let data = part.data.doubles().map_err(|why| wrong(at, why))?;
                    columns.push((data, part.one));
                }
                Data::Double(Part::Own(weave(&columns, rows)))
            }
            Some(Data::Text(_)) => woven!(Text, "a text"),
        };
        Ok(Column {
            data,
            one,
            width: of.len(),
            faults,
        })
    }

    /// `all` and `exists`: an element that decides hides what is wrong with the others.
    pub(super) fn each(
        &self,
        at: usize,
        join: Join,
        by_row: bool,
        of: &'e [Tree; 2],
    ) -> Evaluated<'e> {
        let [list, holds] = of;
        let mut list = self.column(list)?;
        if list.one && by_row {
            list = list.repeat(self.rows);
        }
        let (one, width) = (list.one, list.width);
        let rows = if one { 1 } else { self.rows };
        let mut wrongs = std::mem::take(&mut list.faults);
        let elements = Column {
            one: false,
            width: 1,
            ..list
        };
        let within = Place {
            rows: rows * width,
            within: Some((&elements, width)),
            ..*self
        };
        let decisive = join == Join::Any;
        let holds = match within.column(holds).and_then(|holds| bools(at, holds)) {
            Ok(holds) => holds,
            // Of no elements all hold and none does, whatever is asked.
            Err(_) if width == 0 => super::truth(!decisive),
            Err(wrong) => return Err(wrong),
        };
        let Data::Bool(truths) = &holds.data else {
            return Err(wrong(at, holds.data.unlike("a bool")));
        };
        let mut decided = Vec::with_capacity(rows);
        for row in 0..rows {
            let mut elements = row * width..(row + 1) * width;
            let decides = |element| {
                let place = if holds.one { 0 } else { element };
                truths[place] == decisive && !holds.faults.contains_key(&element)
            };
            let is = elements.any(decides);
            decided.push(is == decisive);
            let first = holds.faults.range(row * width..(row + 1) * width).next();
            if let (false, Some((_, wrong))) = (is, first) {
                wrongs.entry(row).or_insert_with(|| wrong.clone());
            }
        }
        let column = Column {
            data: Data::Bool(Part::Own(decided)),
            one,
            width: 1,
            faults: wrongs,
        };
        column.settle()
    }
}

/// One number of each row's list of them.
pub(super) fn fold(at: usize, function: Function, of: Column<'_>, rows: usize) -> Evaluated<'_> {
    let mut folded = Folded {
        at,
        rows: if of.one { 1 } else { rows },
        width: of.width,
        faults: of.faults,
    };
    #[allow(clippy::cast_precision_loss, reason = "a mean is a double")]
    let data = match (function, &of.data) {
        (Function::Max, Data::Int(ints)) => folded.ints(ints, |it| it.iter().max().copied()),
        (Function::Min, Data::Int(ints)) => folded.ints(ints, |it| it.iter().min().copied()),
        (Function::Sum, Data::Int(ints)) => Data::Int(Part::Own(folded.map(ints, |row| {
            let sum = row.iter().try_fold(0_i64, |sum, &it| sum.checked_add(it));
            sum.ok_or(Why::Overflow)
        }))),
        (Function::ArgMax, Data::Int(ints)) => folded.ints(ints, |row| {
            let first = |best: usize, next: usize| if row[next] > row[best] { next } else { best };
            (0..row.len()).reduce(first).map(|place| place as i64)
        }),
        (Function::Max, Data::Double(doubles)) => {
            folded.doubles(doubles, |row| extreme(Ordering::Greater, row))
        }
        (Function::Min, Data::Double(doubles)) => {
            folded.doubles(doubles, |row| extreme(Ordering::Less, row))
        }
        (Function::Sum, Data::Double(doubles)) => {
            // From 0 on: the sum of nothing is no negative zero.
            folded.doubles(doubles, |row| {
                Some(row.iter().fold(0.0, |sum, it| sum + it))
            })
        }
        (Function::ArgMax, Data::Double(doubles)) => folded.ints(doubles, |row| {
            // As with `max`, a NaN is the greatest.
            let first = |best: usize, next: usize| {
                let greater = row[next] > row[best] || (row[next].is_nan() && !row[best].is_nan());
                if greater { next } else { best }
            };
            (0..row.len()).reduce(first).map(|place| place as i64)
        }),
        (Function::Mean, Data::Double(doubles)) => folded.doubles(doubles, |row| {
            (!row.is_empty()).then(|| row.iter().sum::<f64>() / row.len() as f64)
        }),
        (Function::Mean, Data::Int(ints)) => folded.doubles(ints, |row| {
            let sum: f64 = row.iter().map(|&it| it as f64).sum();
            (!row.is_empty()).then(|| sum / row.len() as f64)
        }),
        (_, other) => return Err(wrong(at, other.unlike("a list of numbers"))),
    };
    let column = Column {
        data,
        one: of.one,
        width: 1,
        faults: folded.faults,
    };
    column.settle()
}

/// How many elements each row has.
pub(super) fn size(of: &Column<'_>) -> Column<'static> {
    Column {
        data: Data::Int(Part::Own(vec![i64::try_from(of.width).unwrap_or(i64::MAX)])),
        one: true,
        width: 1,
        faults: Faults::new(),
    }
}

/// Whether each row's list has an item.
pub(super) fn member<'e>(
    at: usize,
    item: Column<'e>,
    list: Column<'e>,
    rows: usize,
) -> Evaluated<'e> {
    let one = item.one && list.one;
    let rows = if one { 1 } else { rows };
    let row = Lists {
        rows,
        width: list.width,
        one: list.one,
        item_one: item.one,
    };
    let truths = match (&item.data, &list.data) {
        _ if list.width == 0 => vec![false; rows],
        (Data::Bool(item), Data::Bool(list)) => row.have(item, list, |a, b| a == b),
        (Data::Int(item), Data::Int(list)) => row.have(item, list, |a, b| a == b),
        (Data::Double(item), Data::Double(list)) => row.have(item, list, |a, b| a == b),
        (Data::Int(item), Data::Double(list)) => {
            row.have(item, list, |&a, &b| exact(a, b) == Some(Ordering::Equal))
        }
        (Data::Double(item), Data::Int(list)) => {
            row.have(item, list, |&a, &b| exact(b, a) == Some(Ordering::Equal))
        }
        (Data::Text(item), Data::Text(list)) => row.have(item, list, |a, b| a == b),
        (item, list) => return Err(wrong(at, Why::Unlike(item.kind(), list.kind()))),
    };
    let column = Column {
        data: Data::Bool(Part::Own(truths)),
        one,
        width: 1,
        faults: faults(item.faults, list.faults),
    };
    column.settle()
}

/// An element of each row's list.
pub(super) fn index<'e>(
    at: usize,
    list: Column<'e>,
    index: Column<'e>,
    rows: usize,
) -> Evaluated<'e> {
    let one = list.one && index.one;
    let Data::Int(indices) = &index.data else {
        return Err(wrong(at, index.data.unlike("an int")));
    };
    let mut faults = faults(list.faults, index.faults);
    let size = list.width;
    let mut places = Vec::with_capacity(if one { 1 } else { rows });
    for row in 0..if one { 1 } else { rows } {
        let index = indices[if index.one { 0 } else { row }];
        let within = usize::try_from(index).ok().filter(|&place| place < size);
        if within.is_none() {
            let why = Why::Index { index, size };
            faults.entry(row).or_insert_with(|| wrong(at, why));
        }
        let first = if list.one { 0 } else { row * size };
        places.push(within.map(|place| first + place));
    }
    fn taken<T: Clone + Default>(of: &[T], places: &[Option<usize>]) -> Vec<T> {
        let take = |place: &Option<usize>| place.map(|it| of[it].clone()).unwrap_or_default();
        places.iter().map(take).collect()
    }
    let data = match &list.data {
        Data::Bool(of) => Data::Bool(Part::Own(taken(of, &places))),
        Data::Int(of) => Data::Int(Part::Own(taken(of, &places))),
        Data::Double(of) => Data::Double(Part::Own(taken(of, &places))),
        Data::Text(of) => Data::Text(Part::Own(taken::<Cow<'_, str>>(of, &places))),
    };
    let column = Column {
        data,
        one,
        width: 1,
        faults,
    };
    column.settle()
}

fn extreme(order: Ordering, row: &[f64]) -> Option<f64> {
    row.iter().copied().reduce(|a, b| prefer(order, a, b))
}

/// Rows of things out of a column of each.
fn weave<T: Clone>(columns: &[(Part<'_, T>, bool)], rows: usize) -> Vec<T> {
    let mut woven = Vec::with_capacity(columns.len() * rows);
    for row in 0..rows {
        for (column, one) in columns {
            woven.push(column[if *one { 0 } else { row }].clone());
        }
    }
    woven
}

/// Lists that are folded, and those of which nothing could be made.
struct Folded {
    at: usize,
    rows: usize,
    width: usize,
    faults: Faults,
}

impl Folded {
    fn map<T, U: Default>(&mut self, of: &[T], fold: impl Fn(&[T]) -> Result<U, Why>) -> Vec<U> {
        let mut folded = Vec::with_capacity(self.rows);
        for row in 0..self.rows {
            let elements = &of[row * self.width..(row + 1) * self.width];
            folded.push(fold(elements).unwrap_or_else(|why| {
                let wrong = wrong(self.at, why);
                self.faults.entry(row).or_insert(wrong);
                U::default()
            }));
        }
        folded
    }

    fn ints<T>(&mut self, of: &[T], fold: impl Fn(&[T]) -> Option<i64>) -> Data<'static> {
        let folded = self.map(of, |row| fold(row).ok_or(Why::Empty));
        Data::Int(Part::Own(folded))
    }

    fn doubles<T>(&mut self, of: &[T], fold: impl Fn(&[T]) -> Option<f64>) -> Data<'static> {
        let folded = self.map(of, |row| fold(row).ok_or(Why::Empty));
        Data::Double(Part::Own(folded))
    }
}

/// Rows of lists, beside rows of items.
#[derive(Clone, Copy)]
struct Lists {
    rows: usize,
    width: usize,
    one: bool,
    item_one: bool,
}

impl Lists {
    fn have<A, B>(self, items: &[A], lists: &[B], same: impl Fn(&A, &B) -> bool) -> Vec<bool> {
        let has = |row: usize| {
            let item = &items[if self.item_one { 0 } else { row }];
            let first = if self.one { 0 } else { row * self.width };
            let list = &lists[first..first + self.width];
            list.iter().any(|element| same(item, element))
        };
        (0..self.rows).map(has).collect()
    }
}
