//! How far two distributions over the same bins are apart. These are sizes of an effect; whether there is one is for
//! the kernel to say, and an alarm needs both.

/// How far the actual distribution is from the expected one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// The population stability index Σ(a−e)·ln(a/e); below 0.1 is little, above 0.25 much.
    pub psi: f64,
    /// Jensen's and Shannon's divergence in nats: 0 to ln 2.
    pub jensen_shannon: f64,
    /// Kolmogorov's and Smirnov's distance, for ordered bins: the largest gap between the cumulative shares.
    pub kolmogorov_smirnov: f64,
}

/// From the events per bin; `None` where the bins are not the same or one side has no events.
#[must_use]
pub fn between(expected: &[u64], actual: &[u64]) -> Option<Drift> {
    let (left, right) = (total(expected), total(actual));
    if expected.len() != actual.len() || left == 0.0 || right == 0.0 {
        return None;
    }
    let mut drift = Drift {
        psi: 0.0,
        jensen_shannon: 0.0,
        kolmogorov_smirnov: 0.0,
    };
    let mut gap: f64 = 0.0;
    for (&expected, &actual) in expected.iter().zip(actual) {
        if expected == 0 && actual == 0 {
            continue;
        }
        let (e, a) = (expected as f64 / left, actual as f64 / right);
        // The index knows no empty bin: what was not seen counts as half an event.
        let (half_e, half_a) = (
            (expected as f64).max(0.5) / left,
            (actual as f64).max(0.5) / right,
        );
        drift.psi += (half_a - half_e) * (half_a / half_e).ln();
        drift.jensen_shannon += 0.5 * (relative(e, a) + relative(a, e));
        gap += e - a;
        drift.kolmogorov_smirnov = drift.kolmogorov_smirnov.max(gap.abs());
    }
    Some(drift)
}

/// One bin's part of the divergence from the middle of both: p·ln(p / ((p+q)/2)).
fn relative(p: f64, q: f64) -> f64 {
    if p == 0.0 {
        return 0.0;
    }
    p * (2.0 * p / (p + q)).ln()
}

fn total(counts: &[u64]) -> f64 {
    counts.iter().map(|count| *count as f64).sum()
}
