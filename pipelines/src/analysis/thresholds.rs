//! What is slow, and where an output belongs: frozen once from the stable's first requests, so that both arms and all
//! segments are held against the same numbers.

use crate::spec::canary::{Canary, Metric, Step};

/// Frozen from the stable. Plain data, to be stored with the rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Thresholds {
    /// What is slower than the stable's median, 90th and 99th percentile by more than callers may notice, in nanoseconds.
    pub slow_ns: [u64; 3],
    /// The specification's own threshold, in nanoseconds.
    pub slower_than_ns: Option<u64>,
    /// The inner bounds of the deciles of the first output, ascending; nothing where it is no number.
    pub deciles: Option<[f64; 9]>,
}

/// What the stable showed first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// How long its requests took, in nanoseconds.
    pub latencies: Vec<u64>,
    /// Numbers that it answered.
    pub values: Vec<f64>,
}

// === impl Thresholds ===

impl Thresholds {
    /// Requests of the stable that they are frozen from, at the least.
    pub const NEEDED: usize = 200;

    /// Freezes them; nothing while there are too few samples. Deciles want half as many numbers: now and then a stable
    /// answers something else.
    #[must_use]
    pub fn freeze(samples: Samples, slower_than_ns: Option<u64>) -> Option<Self> {
        let Samples {
            mut latencies,
            mut values,
        } = samples;
        if latencies.len() < Self::NEEDED {
            return None;
        }
        latencies.sort_unstable();
        values.retain(|value| value.is_finite());
        values.sort_unstable_by(f64::total_cmp);
        let deciles = (values.len() >= Self::NEEDED / 2)
            .then(|| std::array::from_fn(|n| values[rank(values.len(), (n + 1) as f64 / 10.0)]));
        Some(Self {
            slow_ns: [0.5, 0.9, 0.99].map(|q| slower(latencies[rank(latencies.len(), q)])),
            slower_than_ns,
            deciles,
        })
    }

    /// The threshold that a canary's specification states itself, in nanoseconds: the first one.
    #[must_use]
    pub fn stated(spec: &Canary) -> Option<u64> {
        let analyses = spec.steps.iter().filter_map(|step| match step {
            Step::Analyze(analysis) => Some(analysis),
            Step::Shadow(_) | Step::SetWeight { .. } | Step::Pause(_) | Step::Approval => None,
        });
        let mut metrics = analyses.flat_map(|analysis| &analysis.guardrails);
        metrics.find_map(|guardrail| match guardrail.metric {
            Metric::SlowerThan(micros) => Some(micros.saturating_mul(1_000)),
            _ => None,
        })
    }

    /// The decile of a number, from 0 to 9; nothing where deciles are not known. A bound belongs to the decile below.
    #[must_use]
    pub fn decile(&self, value: f64) -> Option<u8> {
        let bounds = self.deciles.as_ref()?;
        Some(bounds.partition_point(|bound| *bound < value) as u8)
    }
}

/// From where on a request counts as slower than a quantile: half as long again, and a millisecond. An arm with little
/// traffic finds its caches cold and is slower by less than that, whatever its version; what is more, callers may notice.
fn slower(quantile: u64) -> u64 {
    quantile
        .saturating_add(quantile / 2)
        .saturating_add(1_000_000)
}

/// The place of a quantile among so many sorted samples.
fn rank(count: usize, q: f64) -> usize {
    ((count as f64 * q).ceil() as usize).clamp(1, count) - 1
}
