//! What the evidence of a rollout says: per guardrail, and all of it together.

use impresario_pipelines::analysis::{
    Breach, CANARY, Drift, Ground, Reading, Readings, STABLE, Thresholds,
};
use impresario_pipelines::stats::Interval;
use serde::Serialize;
use utoipa::ToSchema;

use super::number::{Odds, finite};

/// What the evidence says now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Evidence)]
pub struct EvidenceV1 {
    /// What it comes to: `pending`, `running`, `successful`, `failed`, `inconclusive` or `error`.
    #[schema(example = "running")]
    pub verdict: &'static str,
    /// The same in a sentence with its numbers.
    pub sentence: String,
    /// The weighted evidence that the canary does harm; it aborts the rollout at its bar.
    pub harm: HarmV1,
    /// The evidence that the shares of the traffic are not those that were asked for.
    pub sample_ratio: OddsV1,
    /// Units on each.
    pub units: PairV1,
    /// Requests on each.
    pub requests: PairV1,
    /// Answers that broke the contract, on each.
    pub violations: PairV1,
    /// In the order of the specification.
    pub guardrails: Vec<GuardrailV1>,
}

/// Evidence as a number of times to one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Odds)]
pub struct OddsV1 {
    /// Its natural logarithm.
    pub log: Option<f64>,
    /// For people.
    #[schema(example = "12 to 1")]
    pub odds: String,
}

/// The weighted evidence that the canary does harm.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Harm)]
pub struct HarmV1 {
    /// What it is.
    #[serde(flatten)]
    pub evidence: OddsV1,
    /// From where on it aborts, as a natural logarithm.
    pub bar: Option<f64>,
    /// The same for people.
    #[schema(example = "100 to 1")]
    pub bar_odds: String,
    /// Whether it is shown.
    pub shown: bool,
    /// The metric that speaks of it most.
    pub top: Option<String>,
}

/// A count on each version.
#[derive(Debug, Serialize, ToSchema, PartialEq, Eq)]
#[schema(as = Pair)]
pub struct PairV1 {
    /// On the stable.
    pub stable: u64,
    /// On the canary.
    pub canary: u64,
}

/// A rate on each version; nothing where nothing was counted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rates)]
pub struct RatesV1 {
    /// On the stable.
    pub stable: Option<f64>,
    /// On the canary.
    pub canary: Option<f64>,
}

/// Where a number is, with a chance of `alpha` ever to be wrong; an end that is open is nothing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Interval)]
pub struct IntervalV1 {
    /// At the least.
    pub low: Option<f64>,
    /// At the most.
    pub high: Option<f64>,
}

/// What one guardrail shows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GuardrailReading)]
pub struct GuardrailV1 {
    /// The metric.
    #[schema(example = "errors")]
    pub metric: String,
    /// Its part of the weighted evidence.
    pub weight: f64,
    /// The ratio of rates that is still safe.
    pub margin: f64,
    /// Bad events on each.
    pub events: PairV1,
    /// Of so many units, or requests.
    pub of: PairV1,
    /// The rates.
    pub rates: RatesV1,
    /// The evidence that the canary does harm by it.
    pub harm: OddsV1,
    /// The p-value of that, valid however often it is looked at.
    pub p: Option<f64>,
    /// The evidence that the canary's rate is below the margin's multiple of the stable's.
    pub safety: OddsV1,
    /// Whether it is proven safe.
    pub safe: bool,
    /// How: by the `margin`, because the rate is `negligible`, or because outputs are `alike`.
    pub ground: Option<&'static str>,
    /// The ratio of the canary's rate to the stable's.
    pub ratio: IntervalV1,
    /// The canary's rate.
    pub bounds: IntervalV1,
    /// The ceiling that the canary's rate is proven to be above.
    pub broken_ceiling: Option<f64>,
    /// How far the outputs moved, for that metric.
    pub drift: Option<DriftV1>,
    /// What it comes to.
    pub verdict: &'static str,
    /// The same in a sentence with its numbers.
    pub sentence: String,
}

/// How far the canary's outputs are from the stable's.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Drift)]
pub struct DriftV1 {
    /// The population stability index.
    pub psi: Option<f64>,
    /// What it is at the most.
    pub upper: Option<f64>,
}

/// What is slow, frozen once from the stable's first requests.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Thresholds)]
pub struct ThresholdsV1 {
    /// The stable's median, in milliseconds.
    pub p50_ms: f64,
    /// Nine in ten were faster.
    pub p90_ms: f64,
    /// 99 in 100 were faster.
    pub p99_ms: f64,
    /// The specification's own threshold.
    pub slower_than_ms: Option<f64>,
}

// === impl EvidenceV1 ===

impl EvidenceV1 {
    /// What readings show, with intervals that are ever wrong with a chance of `alpha`.
    #[must_use]
    pub fn of(readings: &Readings, alpha: f64) -> Self {
        let harm = &readings.harm;
        let guardrails = readings.guardrails.iter();
        Self {
            verdict: readings.verdict.as_str(),
            sentence: readings.sentence(),
            harm: HarmV1 {
                evidence: OddsV1::of(harm.log_e),
                bar: finite(harm.bar),
                bar_odds: Odds(harm.bar).to_string(),
                shown: harm.shown(),
                top: harm.top.map(|metric| metric.to_string()),
            },
            sample_ratio: OddsV1::of(readings.log_srm),
            units: PairV1::of(readings.units),
            requests: PairV1::of(readings.requests),
            violations: PairV1::of(readings.violations),
            guardrails: guardrails
                .map(|reading| GuardrailV1::of(reading, alpha))
                .collect(),
        }
    }
}

// === impl GuardrailV1 ===

impl GuardrailV1 {
    fn of(reading: &Reading, alpha: f64) -> Self {
        Self {
            metric: reading.metric.to_string(),
            weight: reading.weight,
            margin: reading.margin,
            events: PairV1::of(reading.events),
            of: PairV1::of(reading.of),
            rates: RatesV1 {
                stable: reading.rate(STABLE),
                canary: reading.rate(CANARY),
            },
            harm: OddsV1::of(reading.log_e_harm),
            p: finite(reading.p()),
            safety: OddsV1::of(reading.log_e_safe),
            safe: reading.safe.is_some(),
            ground: reading.safe.map(ground),
            ratio: IntervalV1::from(reading.ratio(alpha)),
            bounds: IntervalV1::from(reading.bounds(alpha)),
            broken_ceiling: reading.broken.map(|Breach { ceiling, .. }| ceiling),
            drift: reading.drift.map(|Drift { psi, upper, .. }| DriftV1 {
                psi: finite(psi),
                upper: finite(upper),
            }),
            verdict: reading.verdict.as_str(),
            sentence: reading.sentence(),
        }
    }
}

fn ground(ground: Ground) -> &'static str {
    match ground {
        Ground::Margin => "margin",
        Ground::Negligible { .. } => "negligible",
        Ground::Alike => "alike",
    }
}

// === impl OddsV1, PairV1, IntervalV1 ===

impl OddsV1 {
    pub(super) fn of(log: f64) -> Self {
        Self {
            log: finite(log),
            odds: Odds(log).to_string(),
        }
    }
}

impl PairV1 {
    fn of(counts: [u64; 2]) -> Self {
        Self {
            stable: counts[STABLE],
            canary: counts[CANARY],
        }
    }
}

impl From<Interval> for IntervalV1 {
    fn from(Interval { low, high }: Interval) -> Self {
        Self {
            low: finite(low),
            high: finite(high),
        }
    }
}

// === impl ThresholdsV1 ===

impl From<&Thresholds> for ThresholdsV1 {
    fn from(thresholds: &Thresholds) -> Self {
        let ms = |nanos: u64| nanos as f64 / 1e6;
        let [p50, p90, p99] = thresholds.slow_ns;
        Self {
            p50_ms: ms(p50),
            p90_ms: ms(p90),
            p99_ms: ms(p99),
            slower_than_ms: thresholds.slower_than_ns.map(ms),
        }
    }
}
