//! Reading the evidence: from counts to what they show.

use crate::spec::canary::{Analysis, Guardrail, Metric};
use crate::stats::{Cell, bernoulli, evidence as e_values, kernel, srm};

use super::class::Class;
use super::drift::{self, Bins};
use super::evidence::{Evidence, Segment};
use super::reading::{Breach, Ground, Harm, Reading, Readings, Verdict};
use super::tally::Counts;
use super::{CANARY, STABLE};

/// The ratio of rates up to which a quantile of the latency does no harm.
///
/// Thresholds within the distribution tell apart what nobody would call a regression: one part in a hundred more latency
/// is several more in a hundred requests above the 90th percentile, and a version with little traffic has that from cold
/// caches alone. Failures have no such noise, and what a specification states itself is meant so.
const TOLERANCE: f64 = 1.25;

/// Reads the evidence by an analysis, as often as one likes. `margin` is the step's, for guardrails that state none;
/// `sticky` is whether units, not requests, were assigned.
#[must_use]
pub fn read(evidence: &Evidence, analysis: &Analysis, margin: f64, sticky: bool) -> Readings {
    let segments: Vec<_> = evidence.segments.values().map(Sums::of).collect();
    let reader = Reader {
        evidence,
        analysis,
        segments: &segments,
        margin,
        sticky,
        bar: e_values::threshold(analysis.alpha),
    };
    let guardrails: Vec<_> = analysis
        .guardrails
        .iter()
        .map(|guardrail| reader.reading(guardrail))
        .collect();
    let harm = reader.harm(&guardrails);
    let worst = Verdict::worst(guardrails.iter().map(|reading| reading.verdict));
    Readings {
        verdict: if harm.shown() { Verdict::Failed } else { worst },
        harm,
        guardrails,
        log_srm: reader.log_srm(),
        units: reader.sum(|counts| counts.units),
        requests: reader.sum(|counts| counts.requests),
        violations: reader.sum(|counts| counts.of(Class::Violations)),
    }
}

/// A guardrail's part of the weighted evidence: all parts of an analysis sum to 1.
pub(super) fn part(analysis: &Analysis, guardrail: &Guardrail) -> f64 {
    let whole: f64 = analysis.guardrails.iter().map(|g| g.weight).sum();
    match whole > 0.0 {
        true => guardrail.weight / whole,
        // A specification whose weights are all zero prefers none.
        false => 1.0 / analysis.guardrails.len() as f64,
    }
}

/// The ratio of rates from which a metric does harm.
pub(super) fn harmless(metric: Metric) -> f64 {
    match metric {
        Metric::Slow50 | Metric::Slow90 | Metric::Slow99 => TOLERANCE,
        Metric::Errors
        | Metric::Timeouts
        | Metric::SlowerThan(_)
        | Metric::NonFinite
        | Metric::Outputs => 1.0,
    }
}

/// Whether a rate of a metric can be negligible by itself.
pub(super) fn can_be_negligible(metric: Metric) -> bool {
    match metric {
        Metric::Errors
        | Metric::Timeouts
        | Metric::Slow50
        | Metric::Slow90
        | Metric::Slow99
        | Metric::SlowerThan(_)
        | Metric::NonFinite => true,
        Metric::Outputs => false,
    }
}

/// One segment, all sources together, by the arm.
struct Sums<'a> {
    segment: &'a Segment,
    arms: [Counts; 2],
}

struct Reader<'a> {
    evidence: &'a Evidence,
    analysis: &'a Analysis,
    segments: &'a [Sums<'a>],
    margin: f64,
    sticky: bool,
    bar: f64,
}

// === impl Sums ===

impl<'a> Sums<'a> {
    fn of(segment: &'a Segment) -> Self {
        Self {
            segment,
            arms: [STABLE, CANARY].map(|arm| segment.counts(arm)),
        }
    }
}

// === impl Reader ===

impl Reader<'_> {
    fn reading(&self, guardrail: &Guardrail) -> Reading {
        let mut reading = match Class::of(guardrail.metric) {
            Some(class) => self.of_class(guardrail, class),
            None => self.of_outputs(guardrail),
        };
        reading.weight = part(self.analysis, guardrail);
        reading.peak = reading.log_e_harm.max(
            self.evidence
                .peaks
                .get(&guardrail.metric)
                .copied()
                .unwrap_or(0.0),
        );
        reading.verdict = self.verdict(&reading);
        reading
    }

    fn of_class(&self, guardrail: &Guardrail, class: Class) -> Reading {
        let counting = || {
            let counting = self.segments.iter();
            counting.filter(move |sums| sums.segment.counts_class(class))
        };
        let cells: Vec<_> = counting()
            .map(|sums| Cell {
                rho: sums.segment.rho(),
                canary: sums.arms[CANARY].of(class),
                stable: sums.arms[STABLE].of(class),
            })
            .filter(|cell| cell.canary + cell.stable > 0)
            .collect();
        let sum = |of: &dyn Fn(&Counts) -> u64| {
            [STABLE, CANARY].map(|arm| counting().map(|sums| of(&sums.arms[arm])).sum())
        };
        let events = sum(&|counts| counts.of(class));
        let of = sum(&|counts| self.base(counts));
        let margin = guardrail.margin.unwrap_or(self.margin);
        let log_e_safe = kernel::log_e_safe(&cells, margin);
        let log_e_harm = kernel::log_e_harm(&cells, harmless(guardrail.metric));
        let safe = self.ground(guardrail, log_e_safe, events[CANARY], of[CANARY]);
        Reading {
            log_e_harm: match safe {
                // Ten times next to nothing is next to nothing.
                Some(Ground::Negligible { .. }) => log_e_harm.min(0.0),
                Some(Ground::Margin | Ground::Alike) | None => log_e_harm,
            },
            log_e_safe,
            safe,
            broken: self.breach(guardrail, events[CANARY], of[CANARY]),
            ..blank(guardrail, margin, events, of, cells)
        }
    }

    fn of_outputs(&self, guardrail: &Guardrail) -> Reading {
        let measured = self.segments.iter().filter(|sums| sums.segment.measured);
        let bins: Vec<_> = measured
            .map(|sums| Bins {
                rho: sums.segment.rho(),
                stable: sums.arms[STABLE].bins,
                canary: sums.arms[CANARY].bins,
            })
            .collect();
        let all = |bins: &[u64]| bins.iter().sum::<u64>();
        let of = [
            bins.iter().map(|bins| all(&bins.stable)).sum(),
            bins.iter().map(|bins| all(&bins.canary)).sum(),
        ];
        let drift = drift::of(&bins, self.analysis.beta);
        let margin = guardrail.margin.unwrap_or(self.margin);
        Reading {
            log_e_harm: match drift.psi >= drift::LIMIT {
                true => drift.log_e,
                // Evidence of what does not matter is no evidence of harm.
                false => drift.log_e.min(0.0),
            },
            safe: (drift.upper <= drift::LIMIT).then_some(Ground::Alike),
            drift: Some(drift),
            ..blank(guardrail, margin, [0; 2], of, Vec::new())
        }
    }

    /// Units where those were assigned, else requests.
    fn base(&self, counts: &Counts) -> u64 {
        match self.sticky {
            true => counts.units,
            false => counts.requests,
        }
    }

    fn ground(&self, guardrail: &Guardrail, log_e_safe: f64, bad: u64, of: u64) -> Option<Ground> {
        let beta = self.analysis.beta;
        if log_e_safe >= e_values::threshold(beta) {
            return Some(Ground::Margin);
        }
        let plausible = of > 0 && bad as f64 <= guardrail.negligible * of as f64;
        if !plausible || !can_be_negligible(guardrail.metric) {
            return None;
        }
        let upper = bernoulli::interval(bad, of, beta).high;
        (upper <= guardrail.negligible).then_some(Ground::Negligible { upper })
    }

    fn breach(&self, guardrail: &Guardrail, bad: u64, of: u64) -> Option<Breach> {
        let ceiling = guardrail.ceiling?;
        if bad as f64 <= ceiling * of as f64 {
            return None;
        }
        let lower = bernoulli::interval(bad, of, self.analysis.alpha).low;
        (lower > ceiling).then_some(Breach { lower, ceiling })
    }

    fn verdict(&self, reading: &Reading) -> Verdict {
        let harm = reading.weight.ln() + reading.log_e_harm;
        match reading {
            _ if !self.measures(reading.metric) => Verdict::Error,
            _ if reading.broken.is_some() || harm >= self.bar => Verdict::Failed,
            _ if reading.safe.is_some() => Verdict::Successful,
            _ if reading.of[CANARY] == 0 => Verdict::Pending,
            _ => Verdict::Running,
        }
    }

    /// Whether a metric is what was counted: there is one threshold of a specification's own, and it was frozen.
    fn measures(&self, metric: Metric) -> bool {
        match (metric, &self.evidence.thresholds) {
            (Metric::SlowerThan(micros), Some(thresholds)) => {
                thresholds.slower_than_ns == Some(micros.saturating_mul(1_000))
            }
            _ => true,
        }
    }

    fn harm(&self, guardrails: &[Reading]) -> Harm {
        let parts: Vec<_> = guardrails
            .iter()
            .map(|reading| (reading.weight, reading.log_e_harm))
            .collect();
        let part = |reading: &Reading| reading.weight.ln() + reading.log_e_harm;
        let top = guardrails
            .iter()
            .filter(|reading| reading.log_e_harm > 0.0)
            .max_by(|a, b| part(a).total_cmp(&part(b)));
        Harm {
            log_e: e_values::log_weighted(&parts),
            bar: self.bar,
            top: top.map(|reading| reading.metric),
        }
    }

    /// Exposures against shares. The units of a sticky split come again in the next segment, so that there the segments'
    /// evidence is averaged, not multiplied.
    fn log_srm(&self) -> f64 {
        let log_es: Vec<_> = self
            .segments
            .iter()
            .map(|sums| {
                let counts = [STABLE, CANARY].map(|arm| sums.arms[arm].of(Class::Exposure));
                let shares = [1.0 - sums.segment.rho(), sums.segment.rho()];
                srm::log_e(&[srm::Segment {
                    counts: &counts,
                    shares: &shares,
                }])
            })
            .collect();
        match self.sticky {
            true => e_values::log_mean(&log_es),
            false => log_es.iter().sum(),
        }
    }

    fn sum(&self, of: impl Fn(&Counts) -> u64) -> [u64; 2] {
        [STABLE, CANARY].map(|arm| self.segments.iter().map(|sums| of(&sums.arms[arm])).sum())
    }
}

/// A reading of which only the counts are known.
fn blank(
    guardrail: &Guardrail,
    margin: f64,
    events: [u64; 2],
    of: [u64; 2],
    cells: Vec<Cell>,
) -> Reading {
    Reading {
        metric: guardrail.metric,
        weight: 0.0,
        margin,
        events,
        of,
        log_e_harm: 0.0,
        peak: 0.0,
        log_e_safe: 0.0,
        safe: None,
        broken: None,
        drift: None,
        verdict: Verdict::Pending,
        cells,
    }
}
