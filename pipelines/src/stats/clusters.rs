//! Units that make several requests: the mean over requests, its variance over units.
//!
//! Requests of one unit resemble each other. Counted as if they did not, they give far too sure an answer; how far is
//! the design effect.

use super::contrast::Arm;
use super::moments::{Joint, Moments};

/// What one unit (or slot of units) did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cluster {
    /// Its requests.
    pub requests: u64,
    /// Σy over its requests.
    pub sum: f64,
    /// Σy² over its requests.
    pub sum_sq: f64,
}

/// The sums over the clusters of an arm; those without requests do not count. They add where the clusters are not
/// the same.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clusters {
    /// Per cluster: y = Σy, x = requests.
    pub totals: Joint,
    /// Per request.
    pub requests: Moments,
}

// === impl Clusters ===

impl Clusters {
    /// Counts one cluster.
    pub fn push(&mut self, cluster: &Cluster) {
        if cluster.requests == 0 {
            return;
        }
        self.totals.push(cluster.sum, cluster.requests as f64);
        self.requests.merge(&Moments {
            n: cluster.requests,
            sum: cluster.sum,
            sum_sq: cluster.sum_sq,
        });
    }

    /// Adds other clusters.
    pub fn merge(&mut self, other: &Self) {
        self.totals.merge(&other.totals);
        self.requests.merge(&other.requests);
    }

    /// The mean over requests: a ratio of sums.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.requests.mean()
    }

    /// The variance of the mean as it is, clusters considered: m/(m−1)·Σ(Yᵢ − RXᵢ)² / (ΣX)² (the delta method).
    #[must_use]
    pub fn variance(&self) -> f64 {
        let arm = self.arm();
        arm.se() * arm.se()
    }

    /// The variance of the mean as if every request were a unit of its own.
    #[must_use]
    pub fn naive_variance(&self) -> f64 {
        let arm = self.requests.arm();
        arm.se() * arm.se()
    }

    /// How many times larger the variance is than it looks; 1 where nothing is known.
    #[must_use]
    pub fn design_effect(&self) -> f64 {
        let (robust, naive) = (self.variance(), self.naive_variance());
        if robust > 0.0 && naive > 0.0 {
            robust / naive
        } else {
            1.0
        }
    }

    /// As an arm of a contrast; its units are the clusters.
    #[must_use]
    pub fn arm(&self) -> Arm {
        self.totals.ratio_arm()
    }
}

impl FromIterator<Cluster> for Clusters {
    fn from_iter<I: IntoIterator<Item = Cluster>>(clusters: I) -> Self {
        let mut all = Self::default();
        for cluster in clusters {
            all.push(&cluster);
        }
        all
    }
}
