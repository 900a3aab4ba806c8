//! What is believed of an arm's reward, and how likely each arm is the best: what Thompson sampling draws from.
//!
//! Draws come from outside, as uniform numbers: the same draws, the same choice.

use super::special::{
    beta_cdf, beta_density, beta_quantile, normal_cdf, normal_density, normal_quantile,
};

/// What is believed of one arm's mean reward.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Posterior {
    /// Of a binary reward.
    Beta {
        /// Successes, and the prior's.
        a: f64,
        /// Failures, and the prior's.
        b: f64,
    },
    /// Of a reward that is a number.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation of the mean; above 0.
        sd: f64,
    },
}

// === impl Posterior ===

impl Posterior {
    /// After so many successes and failures, from a uniform prior. Counts may be discounted, so they need not be
    /// whole; what is below 0 counts as 0.
    #[must_use]
    pub fn binary(successes: f64, failures: f64) -> Self {
        Self::Beta {
            a: 1.0 + successes.max(0.0),
            b: 1.0 + failures.max(0.0),
        }
    }

    /// After an estimate with its standard error, from a normal prior. Without a standard error (0) the prior stays.
    #[must_use]
    pub fn normal(prior_mean: f64, prior_sd: f64, mean: f64, se: f64) -> Self {
        if !(se > 0.0 && se.is_finite() && mean.is_finite()) {
            return Self::Normal {
                mean: prior_mean,
                sd: prior_sd,
            };
        }
        let (prior, seen) = (prior_sd.powi(-2), se.powi(-2));
        Self::Normal {
            mean: (prior * prior_mean + seen * mean) / (prior + seen),
            sd: (prior + seen).sqrt().recip(),
        }
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match *self {
            Self::Beta { a, b } => a / (a + b),
            Self::Normal { mean, .. } => mean,
        }
    }

    /// The standard deviation.
    #[must_use]
    pub fn sd(&self) -> f64 {
        match *self {
            Self::Beta { a, b } => (a / (a + b) * (b / (a + b)) / (a + b + 1.0)).sqrt(),
            Self::Normal { sd, .. } => sd,
        }
    }

    /// The sample that a uniform draw between 0 and 1 stands for.
    #[must_use]
    pub fn sample(&self, draw: f64) -> f64 {
        match *self {
            Self::Beta { a, b } => beta_quantile(a, b, draw),
            // A draw of 0 or 1 has no finite sample.
            Self::Normal { mean, sd } => {
                mean + sd * normal_quantile(draw.clamp(1e-300, 1.0 - 1e-16))
            }
        }
    }

    fn below(&self, x: f64) -> f64 {
        match *self {
            Self::Beta { a, b } => beta_cdf(a, b, x.clamp(0.0, 1.0)),
            Self::Normal { mean, sd } => normal_cdf((x - mean) / sd),
        }
    }

    fn density(&self, x: f64) -> f64 {
        match *self {
            Self::Beta { a, b } => beta_density(a, b, x),
            Self::Normal { mean, sd } => normal_density((x - mean) / sd) / sd,
        }
    }

    /// Where it has all but nothing outside.
    fn range(&self) -> (f64, f64) {
        match self {
            Self::Beta { .. } => (0.0, 1.0),
            Self::Normal { mean, sd } => (mean - 9.0 * sd, mean + 9.0 * sd),
        }
    }
}

/// The probability that each arm is the best (its reward the largest): ∫ fᵢ·Π Fⱼ, integrated numerically to about
/// eight digits. They sum to 1.
#[must_use]
pub fn best(arms: &[Posterior]) -> Vec<f64> {
    let edges = edges(arms);
    let mut shares: Vec<f64> = vec![0.0; arms.len()];
    let mut belows = vec![0.0; arms.len()];
    for pair in edges.windows(2) {
        let (middle, half) = (pair[0].midpoint(pair[1]), 0.5 * (pair[1] - pair[0]));
        for (node, weight) in NODES {
            for x in [middle - half * node, middle + half * node] {
                for (below, arm) in belows.iter_mut().zip(arms) {
                    *below = arm.below(x);
                }
                for (index, arm) in arms.iter().enumerate() {
                    let others: f64 = (0..arms.len())
                        .filter(|other| *other != index)
                        .map(|other| belows[other])
                        .product();
                    shares[index] += half * weight * arm.density(x) * others;
                }
            }
        }
    }
    let all: f64 = shares.iter().sum();
    if all > 0.0 {
        shares.iter().map(|share| share / all).collect()
    } else {
        alike(arms.len())
    }
}

fn alike(arms: usize) -> Vec<f64> {
    vec![1.0 / arms.max(1) as f64; arms]
}

/// Gauss' and Legendre's nodes and weights of order 10, the positive half.
const NODES: [(f64, f64); 5] = [
    (0.148_874_338_981_631_2, 0.295_524_224_714_752_9),
    (0.433_395_394_129_247_2, 0.269_266_719_309_996_4),
    (0.679_409_568_299_024_4, 0.219_086_362_515_982_04),
    (0.865_063_366_688_984_5, 0.149_451_349_150_580_6),
    (0.973_906_528_517_171_7, 0.066_671_344_308_688_14),
];

/// Where to integrate piece by piece: close together where any arm changes.
fn edges(arms: &[Posterior]) -> Vec<f64> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for arm in arms {
        let (from, to) = arm.range();
        low = low.min(from);
        high = high.max(to);
    }
    let mut edges = vec![low, high];
    for arm in arms {
        for step in [
            -9.0, -7.0, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 9.0,
        ] {
            edges.push((arm.mean() + step * arm.sd()).clamp(low, high));
        }
    }
    edges.retain(|edge| edge.is_finite());
    edges.sort_by(f64::total_cmp);
    edges.dedup();
    edges
}
