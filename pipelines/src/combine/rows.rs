//! Rows: taking some out of a value, and joining parts in order.

use impresario_models::contract::Dims;
use impresario_models::{Dim, Element, Tensor, Values, each_vec};

use super::Fault;

/// These rows of a value, in this order. A value without axes is the same for every row, and comes out as it is.
///
/// # Panics
/// With a row that is not there.
#[must_use]
pub fn take(of: &Tensor, rows: &[usize]) -> Tensor {
    let Some((count, row)) = of.shape().split_first() else {
        return of.clone();
    };
    let size: usize = row.iter().product();
    assert!(rows.iter().all(|row| row < count), "rows of {count}");
    fn taken<T: Element>(of: &[T], size: usize, rows: &[usize]) -> Values {
        let run = rows.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        if let (true, Some(first)) = (run, rows.first()) {
            return T::wrap(of[first * size..][..rows.len() * size].to_vec());
        }
        let mut out = Vec::with_capacity(rows.len() * size);
        match size {
            1 => out.extend(rows.iter().map(|row| of[*row].clone())),
            _ => rows
                .iter()
                .for_each(|row| out.extend_from_slice(&of[row * size..][..size])),
        }
        T::wrap(out)
    }
    let values = each_vec!(of.values(), v => taken(v, size, rows));
    let shape = std::iter::once(rows.len()).chain(row.iter().copied());
    Tensor::new(shape.collect(), values).expect("so many rows were taken")
}

/// A value of so many rows, of parts with the rows that each has; every row is in one part.
///
/// # Errors
/// Parts of different datatypes or shapes, or rows that are in no part or in two.
pub fn join(rows: usize, parts: &[(&[usize], &Tensor)]) -> Result<Tensor, Fault> {
    let Some((_, first)) = parts.first() else {
        return Err(Fault("no part to join rows of".to_owned()));
    };
    let Some((_, row)) = first.shape().split_first() else {
        return Err(Fault(
            "expected rows to join, got a value without axes".to_owned(),
        ));
    };
    // For each row the part that has it, and which of the part's rows it is.
    let mut from = vec![None; rows];
    for (at, (its, part)) in parts.iter().enumerate() {
        let like = part.datatype() == first.datatype();
        let fits = part.shape().split_first() == Some((&its.len(), row));
        if !like || !fits {
            return Err(unlike(first, its.len(), part));
        }
        for (place, row) in its.iter().enumerate() {
            match from.get_mut(*row) {
                Some(free @ None) => *free = Some((at, place)),
                Some(Some(_)) => return Err(Fault(format!("row {row} is in two parts"))),
                None => return Err(Fault(format!("there is no row {row} among {rows}"))),
            }
        }
    }
    if let Some(row) = from.iter().position(Option::is_none) {
        return Err(Fault(format!("row {row} is in no part")));
    }
    let size: usize = row.iter().product();
    fn joined<T: Element>(
        _: &[T],
        size: usize,
        parts: &[(&[usize], &Tensor)],
        from: &[Option<(usize, usize)>],
    ) -> Values {
        let parts: Vec<&[T]> = parts.iter().filter_map(|part| part.1.as_slice()).collect();
        let mut out = Vec::with_capacity(from.len() * size);
        for (part, place) in from.iter().flatten() {
            match size {
                1 => out.push(parts[*part][*place].clone()),
                _ => out.extend_from_slice(&parts[*part][place * size..][..size]),
            }
        }
        T::wrap(out)
    }
    let values = each_vec!(first.values(), v => joined(v, size, parts, &from));
    let shape = std::iter::once(rows).chain(row.iter().copied()).collect();
    Tensor::new(shape, values).map_err(|wrong| Fault(wrong.to_string()))
}

fn unlike(first: &Tensor, rows: usize, part: &Tensor) -> Fault {
    let mut wanted: Vec<Dim> = first.shape().iter().copied().map(Dim::Fixed).collect();
    wanted[0] = Dim::Fixed(rows);
    Fault(format!(
        "parts of a batch differ: expected {} of shape {}, got {} of shape {:?}",
        first.datatype(),
        Dims(&wanted),
        part.datatype(),
        part.shape()
    ))
}
