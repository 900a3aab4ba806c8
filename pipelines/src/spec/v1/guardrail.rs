//! What a canary is guarded by: metrics that must not become worse.

use std::time::Duration;

use serde::Serialize;

use super::scalars::{Number, duration, each, list, optional, share};
use crate::spec::canary::{Guardrail, Metric};
use crate::spec::read::{Field, Reader, describe};

/// A metric that must not become worse.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GuardrailSpec {
    /// `"errors"` (failed or crashed), `"timeouts"`, `"slow-p50"`, `"slow-p90"` or `"slow-p99"` (the engine took
    /// half as long again, and 1 ms more, as for so many of 100 requests of the stable), `"slower-than"` (the engine took
    /// longer than `time`), `"non-finite"` (NaN or an infinity in the answer), or `"outputs"` (labels or deciles of the
    /// first output). Required.
    pub metric: &'static str,
    /// The time of `slower-than`, from 1 us to 1 h, in whole microseconds. Required there, and unknown elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Its part of the weighted evidence of harm, from 0.001 to 1,000; the parts are scaled to a sum of 1.
    /// Default: 0.2.
    pub weight: Number,
    /// The ratio of the canary's rate to the stable's that is still safe, from 1.01 to 100. Default: 3 at the first
    /// step that analyzes, then 2, then 1.5, then 1.25.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<Number>,
    /// A rate that is safe whatever the stable's is: a share from 0 to 1, at most `ceiling`. Default: 0.01, or
    /// `ceiling` where that is less.
    pub negligible: Number,
    /// A rate that the canary must not exceed: a share from 0.000001 to 1. Unknown for `outputs`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<Number>,
}

/// The most of an analysis.
const MAX: usize = 20;

/// Metrics by their words; `slower-than` has its time still to come.
const METRICS: [Metric; 8] = [
    Metric::Errors,
    Metric::Timeouts,
    Metric::Slow50,
    Metric::Slow90,
    Metric::Slow99,
    Metric::SlowerThan(0),
    Metric::NonFinite,
    Metric::Outputs,
];

// === reading ===

pub(super) fn read(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Vec<Guardrail>> {
    let list = list(field, reader, 1..=MAX)?;
    let mut seen: Vec<(Metric, String)> = Vec::new();
    each(&list, |field| {
        let guardrail = guardrail(field, reader)?;
        let metric = guardrail.metric;
        if let Some((_, first)) = seen.iter().find(|(other, _)| *other == metric) {
            let message = format!("'{metric}' is guarded twice, first at {}", first);
            let problem = field.problem(reader, "duplicate", message);
            reader.push(problem.hint("keep one of the two"));
            return None;
        }
        seen.push((metric, field.path().to_string()));
        Some(guardrail)
    })
}

fn guardrail(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Guardrail> {
    let mut table = field.table(reader)?;
    let metric = table.need("metric", reader);
    let words = METRICS.map(|metric| (metric.as_str(), metric));
    let metric = metric.and_then(|field| field.choice(reader, &words));
    let (weight, margin) = (table.get("weight"), table.get("margin"));
    let negligible = table.get("negligible");
    // What else there may be depends on the metric; where it is not known, nothing is unknown.
    let time = match metric {
        Some(Metric::SlowerThan(_)) => table.need("time", reader),
        Some(_) => None,
        None => table.get("time"),
    };
    let ceiling = match metric {
        Some(Metric::Outputs) => None,
        _ => table.get("ceiling"),
    };
    table.finish(reader);
    let metric = match metric {
        Some(Metric::SlowerThan(_)) => time.and_then(|f| micros(&f, reader)),
        metric => metric,
    };
    let weight = optional(weight, |f| f.number(reader, 0.001..=1_000.0));
    let margin = optional(margin, |f| f.number(reader, 1.01..=100.0));
    let at = negligible.clone();
    let negligible = optional(negligible, |f| share(f, reader, 0.0..=1.0));
    let ceiling = optional(ceiling, |f| share(f, reader, 1e-6..=1.0));
    let (ceiling, negligible) = (ceiling?, negligible?);
    if let (Some(at), Some(rate), Some(ceiling)) = (at, negligible, ceiling)
        && rate > ceiling
    {
        let message = format!("a rate of {rate} is above the ceiling of {ceiling}");
        reader.error(&at, "above-ceiling", message);
        return None;
    }
    let usual = Guardrail::NEGLIGIBLE.min(ceiling.unwrap_or(1.0));
    Some(Guardrail {
        metric: metric?,
        weight: weight?.unwrap_or(Guardrail::WEIGHT),
        margin: margin?,
        negligible: negligible.unwrap_or(usual),
        ceiling,
    })
}

fn micros(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Metric> {
    let range = Duration::from_micros(1)..=Duration::from_secs(3_600);
    let time = field.duration(reader, range)?;
    if time.subsec_nanos() % 1_000 != 0 {
        let got = describe(field.value());
        let message = format!("expected whole microseconds, got {got}");
        reader.error(field, "too-fine", message);
        return None;
    }
    u64::try_from(time.as_micros()).ok().map(Metric::SlowerThan)
}

// === writing ===

impl From<&Guardrail> for GuardrailSpec {
    fn from(guardrail: &Guardrail) -> Self {
        Self {
            metric: guardrail.metric.as_str(),
            time: match guardrail.metric {
                Metric::SlowerThan(micros) => Some(duration(Duration::from_micros(micros))),
                _ => None,
            },
            weight: guardrail.weight.into(),
            margin: guardrail.margin.map(Number),
            negligible: guardrail.negligible.into(),
            ceiling: guardrail.ceiling.map(Number),
        }
    }
}
