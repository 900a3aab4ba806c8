//! Transforms of numbers, in loops over slices. The typing has seen to it that shapes and settings fit.

use impresario_models::Element;

use crate::combine::number::{Float, Number};

pub(super) fn normalise<T: Float>(of: &[T], last: usize, mean: &[f64], scale: &[f64]) -> Vec<T> {
    let one = |x: T, mean: f64, scale: f64| T::narrow((x.wide() - mean) / scale);
    if let ([mean], [scale]) = (mean, scale) {
        return of.iter().map(|x| one(*x, *mean, *scale)).collect();
    }
    let spread = |given: &[f64]| match given {
        [all] => vec![*all; last],
        each => each.to_vec(),
    };
    let (mean, scale) = (spread(mean), spread(scale));
    let mut out = Vec::with_capacity(of.len());
    for group in of.chunks_exact(last.max(1)) {
        let constants = mean.iter().zip(&scale);
        out.extend(
            group
                .iter()
                .zip(constants)
                .map(|(x, (m, s))| one(*x, *m, *s)),
        );
    }
    out
}

/// One number between bounds; NaN stays.
pub(super) fn clip<T: PartialOrd + Copy>(x: T, low: Option<T>, high: Option<T>) -> T {
    let x = match low {
        Some(low) if x < low => low,
        _ => x,
    };
    match high {
        Some(high) if x > high => high,
        _ => x,
    }
}

pub(super) fn clip_all<T: Number>(of: &[T], low: Option<f64>, high: Option<f64>) -> Vec<T> {
    let (low, high) = (low.map(T::narrow), high.map(T::narrow));
    of.iter().map(|x| clip(*x, low, high)).collect()
}

/// The greatest is taken away before, so that nothing overflows. A group with NaN or +∞, or of nothing but −∞, is NaN.
pub(super) fn softmax<T: Float>(of: &[T], last: usize) -> Vec<T> {
    let mut out = Vec::with_capacity(of.len());
    let mut powers = vec![0.0; last];
    for group in of.chunks_exact(last.max(1)) {
        let greatest = group.iter().fold(f64::NEG_INFINITY, |m, x| m.max(x.wide()));
        for (power, x) in powers.iter_mut().zip(group) {
            *power = T::exp(x.wide() - greatest);
        }
        let sum: f64 = powers.iter().sum();
        out.extend(powers.iter().map(|power| T::narrow(power / sum)));
    }
    out
}

pub(super) fn sigmoid<T: Float>(of: &[T]) -> Vec<T> {
    let one = |x: &T| {
        let x = x.wide();
        // Of the two forms the one whose power does not overflow.
        let power = T::exp(-x.abs());
        let above = if x < 0.0 { power } else { 1.0 };
        T::narrow(above / (1.0 + power))
    };
    of.iter().map(one).collect()
}

pub(super) fn argmax<T: Number>(of: &[T], last: usize) -> Vec<i64> {
    let first_greatest = |group: &[T]| {
        let mut best = 0;
        for at in 1..group.len() {
            if group[at].order(group[best]).is_gt() {
                best = at;
            }
        }
        best as i64
    };
    of.chunks_exact(last.max(1)).map(first_greatest).collect()
}

/// Gives the places of the `k` greatest of each group of `last` to `take`, group by group, the greatest first.
pub(super) fn top<T: Number>(
    of: &[T],
    last: usize,
    k: usize,
    mut take: impl FnMut(&[T], &[usize]),
) {
    if k == 0 {
        return;
    }
    let mut places = Vec::with_capacity(last);
    for group in of.chunks_exact(last.max(1)) {
        let order = |a: &usize, b: &usize| group[*b].order(group[*a]).then(a.cmp(b));
        places.clear();
        places.extend(0..last);
        if k < last {
            places.select_nth_unstable_by(k - 1, order);
        }
        let first = &mut places[..k];
        first.sort_unstable_by(order);
        take(group, first);
    }
}

pub(super) fn top_values<T: Number>(of: &[T], last: usize, k: usize) -> Vec<T> {
    let mut out = Vec::with_capacity(of.len());
    top(of, last, k, |group, places| {
        out.extend(places.iter().map(|at| group[*at]));
    });
    out
}

pub(super) fn top_places<T: Number>(of: &[T], last: usize, k: usize) -> Vec<i64> {
    let mut out = Vec::with_capacity(of.len());
    top(of, last, k, |_, places| {
        out.extend(places.iter().map(|at| *at as i64));
    });
    out
}

pub(super) fn one_hot<T: Element + Copy + TryInto<usize>>(of: &[T], size: usize) -> Vec<f32> {
    let mut out = vec![0.0; of.len() * size];
    if size > 0 {
        for (group, number) in out.chunks_exact_mut(size).zip(of) {
            let place = (*number).try_into().ok();
            if let Some(one) = place.and_then(|at: usize| group.get_mut(at)) {
                *one = 1.0;
            }
        }
    }
    out
}
