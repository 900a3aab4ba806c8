//! E-values: how they become p-values and how several become one.
//!
//! An e-value is a bet against a hypothesis that starts with 1 and, where the hypothesis holds, gains nothing on
//! average. By Ville's inequality it ever reaches 1/α with probability at most α, however often one looks. They are
//! kept as logarithms: real evidence soon exceeds what a number can hold.

/// The p-value that an e-value stands for, valid at any time: min(1, 1/E).
#[must_use]
pub fn p_value(log_e: f64) -> f64 {
    (-log_e).exp().min(1.0)
}

/// The log of the threshold that evidence has to reach at level `alpha`: ln 1/α.
#[must_use]
pub fn threshold(alpha: f64) -> f64 {
    -alpha.ln()
}

/// The log of the sum of exponentials, exact for very large and very small ones; minus infinity for none.
#[must_use]
pub fn log_sum(logs: &[f64]) -> f64 {
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top.is_infinite() {
        return top;
    }
    top + logs.iter().map(|log| (log - top).exp()).sum::<f64>().ln()
}

/// The log of the mean of e-values, itself an e-value whatever their dependence; 0 (no evidence) for none.
#[must_use]
pub fn log_mean(log_es: &[f64]) -> f64 {
    if log_es.is_empty() {
        return 0.0;
    }
    log_sum(log_es) - (log_es.len() as f64).ln()
}

/// The log of Σ wₖ·Eₖ for pairs of weight and log e-value. With weights that sum to 1 it is an e-value again; what
/// they lack counts as an e-value of 1, so that a metric without evidence does not weaken the others' threshold.
#[must_use]
pub fn log_weighted(parts: &[(f64, f64)]) -> f64 {
    let mut logs: Vec<f64> = parts
        .iter()
        .filter(|(weight, _)| *weight > 0.0)
        .map(|(weight, log_e)| weight.ln() + log_e)
        .collect();
    let rest = 1.0 - parts.iter().map(|(weight, _)| weight.max(0.0)).sum::<f64>();
    if rest > 1e-12 {
        logs.push(rest.ln());
    }
    log_sum(&logs)
}
