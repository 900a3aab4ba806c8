//! Transforms that move elements and change none. The typing has seen to it that shapes and settings fit.

use impresario_models::Element;

/// The elements with the axes in another order.
pub(super) fn transpose<T: Element>(of: &[T], shape: &[usize], order: &[usize]) -> Vec<T> {
    let mut out = Vec::with_capacity(of.len());
    // Axes that stay in front are walked as one, and those that stay behind are moved as one.
    let stay = |(at, axis): &(usize, &usize)| at == *axis;
    let front = order.iter().enumerate().take_while(stay).count();
    let back = order.iter().enumerate().rev().take_while(stay).count();
    if of.is_empty() || front == order.len() {
        return of.to_vec();
    }
    let end = shape.len() - back;
    let inner: usize = shape[end..].iter().product();
    let block: usize = shape[front..].iter().product();
    let mut strides = vec![inner; end];
    for axis in (front..end - 1).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1];
    }
    let moved: Vec<(usize, usize)> = order[front..end]
        .iter()
        .map(|&axis| (shape[axis], strides[axis]))
        .collect();
    for block in of.chunks_exact(block) {
        walk(block, &moved, inner, &mut out);
    }
    out
}

/// Appends runs of `inner` elements, by axes of a size and a stride, the first the slowest.
fn walk<T: Element>(of: &[T], axes: &[(usize, usize)], inner: usize, out: &mut Vec<T>) {
    match axes {
        [] => out.extend_from_slice(&of[..inner]),
        [(size, stride)] if inner == 1 => {
            out.extend(of.iter().step_by(*stride).take(*size).cloned());
        }
        [(size, stride), rest @ ..] => {
            for at in 0..*size {
                walk(&of[at * stride..], rest, inner, out);
            }
        }
    }
}

/// Some places along an axis; `inner` elements are at each.
pub(super) fn select<T: Element>(of: &[T], size: usize, inner: usize, places: &[usize]) -> Vec<T> {
    let block = size * inner;
    if block == 0 {
        return Vec::new();
    }
    let mut out = Vec::with_capacity(of.len() / block * places.len() * inner);
    for block in of.chunks_exact(block) {
        match inner {
            1 => out.extend(places.iter().map(|at| block[*at].clone())),
            _ => places
                .iter()
                .for_each(|at| out.extend_from_slice(&block[at * inner..][..inner])),
        }
    }
    out
}

/// A run of places along an axis.
pub(super) fn range<T: Element>(
    of: &[T],
    size: usize,
    inner: usize,
    places: std::ops::Range<usize>,
) -> Vec<T> {
    let block = size * inner;
    if block == 0 {
        return Vec::new();
    }
    let run = places.start * inner..places.end * inner;
    let mut out = Vec::with_capacity(of.len() / block * run.len());
    for block in of.chunks_exact(block) {
        out.extend_from_slice(&block[run.clone()]);
    }
    out
}
