//! Ensembles of numbers, element by element. The members have as many elements each.

use crate::combine::number::{Float, Number};

/// How many sums are kept at once: few enough to stay close to the processor.
const BLOCK: usize = 512;

/// Σ w·x / Σ w, in doubles. A member of weight 0 counts for nothing, not even with NaN.
pub(super) fn mean<T: Number, R: Float>(of: &[&[T]], weights: &[f64]) -> Vec<R> {
    let total: f64 = weights.iter().sum();
    let counted: Vec<_> = of.iter().zip(weights).filter(|(_, w)| **w != 0.0).collect();
    let count = of.first().map_or(0, |first| first.len());
    let mut out = Vec::with_capacity(count);
    let mut sums = [0.0; BLOCK];
    for start in (0..count).step_by(BLOCK) {
        let end = count.min(start + BLOCK);
        let sums = &mut sums[..end - start];
        sums.fill(0.0);
        for (member, weight) in &counted {
            for (sum, x) in sums.iter_mut().zip(&member[start..end]) {
                *sum += **weight * x.wide();
            }
        }
        out.extend(sums.iter().map(|sum| R::narrow(*sum / total)));
    }
    out
}

pub(super) fn median<T: Number, R: Float>(of: &[&[T]]) -> Vec<R> {
    let count = of.first().map_or(0, |first| first.len());
    let half = of.len() / 2;
    let mut sorted = Vec::with_capacity(of.len());
    let mut one = |at: usize| {
        sorted.clear();
        sorted.extend(of.iter().map(|member| member[at]));
        sorted.sort_unstable_by(|a, b| a.order(*b));
        let greatest = sorted[sorted.len() - 1];
        if greatest.is_nan() {
            return R::narrow(f64::NAN);
        }
        let upper = sorted[half].wide();
        match sorted.len() % 2 {
            1 => R::narrow(upper),
            // Halved before they are added, so that nothing overflows.
            _ => R::narrow(sorted[half - 1].wide() / 2.0 + upper / 2.0),
        }
    };
    (0..count).map(&mut one).collect()
}

pub(super) fn min<T: Number>(of: &[&[T]]) -> Vec<T> {
    extreme(of, |x, best| x < best)
}

pub(super) fn max<T: Number>(of: &[&[T]]) -> Vec<T> {
    extreme(of, |x, best| x > best)
}

/// The one that is better than all others; NaN where one is NaN.
fn extreme<T: Number>(of: &[&[T]], better: impl Fn(T, T) -> bool) -> Vec<T> {
    let Some((first, others)) = of.split_first() else {
        return Vec::new();
    };
    let mut out = first.to_vec();
    for other in others {
        for (best, x) in out.iter_mut().zip(*other) {
            if better(*x, *best) || x.is_nan() {
                *best = *x;
            }
        }
    }
    out
}
