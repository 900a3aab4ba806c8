//! Several tests at once: p-values, adjusted.

/// Holm's: with all of them at or below α, the chance of any false finding is at most α. In the order given.
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let all = p_values.len();
    let mut adjusted = vec![1.0; all];
    let mut least: f64 = 0.0;
    for (rank, index) in ascending(p_values).into_iter().enumerate() {
        least = least.max(p_values[index] * (all - rank) as f64).min(1.0);
        adjusted[index] = least;
    }
    adjusted
}

/// Benjamini's and Hochberg's: of those at or below α, at most a share of α is false on average. In the order given.
#[must_use]
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let all = p_values.len();
    let mut adjusted = vec![1.0; all];
    let mut most: f64 = 1.0;
    for (rank, index) in ascending(p_values).into_iter().enumerate().rev() {
        most = most.min(p_values[index] * all as f64 / (rank + 1) as f64);
        adjusted[index] = most;
    }
    adjusted
}

fn ascending(p_values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|left, right| p_values[*left].total_cmp(&p_values[*right]));
    order
}
