//! What the evidence says: a reading per guardrail, and all of them together.
//!
//! Numbers that decide are computed when the evidence is read; intervals and sentences, which only people want, when
//! somebody asks for them.

use std::fmt::Write as _;

use crate::spec::canary::Metric;
use crate::stats::{Cell, Interval, bernoulli, evidence, kernel};

use super::{CANARY, STABLE};

/// What an analysis comes to, in Argo's order: the worst of several is the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Everything asked for is shown.
    Successful,
    /// It is being measured.
    Running,
    /// Nothing was counted yet.
    Pending,
    /// Its time passed and nothing was shown. Reading never says so: who holds the clock does.
    Inconclusive,
    /// It cannot be measured.
    Error,
    /// Harm is shown.
    Failed,
}

/// What one guardrail's metric shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The metric.
    pub metric: Metric,
    /// Its part of the weighted evidence; all parts sum to 1.
    pub weight: f64,
    /// The ratio of rates that is still safe.
    pub margin: f64,
    /// Events on the stable and the canary.
    pub events: [u64; 2],
    /// What they are events of: units in a sticky split, else requests.
    pub of: [u64; 2],
    /// The log evidence that the canary does harm.
    pub log_e_harm: f64,
    /// The highest that it ever was.
    pub peak: f64,
    /// The log evidence that the canary's rate is below the margin's multiple of the stable's.
    pub log_e_safe: f64,
    /// Why it is safe, where it is.
    pub safe: Option<Ground>,
    /// The proof that a ceiling is broken, where it is.
    pub broken: Option<Breach>,
    /// How far the outputs moved; for that metric only.
    pub drift: Option<Drift>,
    /// What it comes to.
    pub verdict: Verdict,
    /// The events by segment.
    pub(super) cells: Vec<Cell>,
}

/// Why a guardrail is safe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ground {
    /// The ratio of rates is proven to be below the margin.
    Margin,
    /// The upper bound of the canary's rate is negligible.
    Negligible {
        /// The bound.
        upper: f64,
    },
    /// The outputs are proven not to have moved far.
    Alike,
}

/// A rate above its ceiling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Breach {
    /// The lower bound of the canary's rate.
    pub lower: f64,
    /// The ceiling.
    pub ceiling: f64,
}

/// How far the outputs of the canary are from the stable's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// The population stability index, at the same hours.
    pub psi: f64,
    /// What it is at the most.
    pub upper: f64,
    /// The log evidence that they differ at all, however little.
    pub log_e: f64,
}

/// All guardrails, and what belongs to none.
#[derive(Clone, Debug, PartialEq)]
pub struct Readings {
    /// In the order of the specification.
    pub guardrails: Vec<Reading>,
    /// The weighted evidence of harm.
    pub harm: Harm,
    /// The log evidence that the shares of the traffic are not those that were asked for.
    pub log_srm: f64,
    /// Units on the stable and the canary.
    pub units: [u64; 2],
    /// Requests on the stable and the canary.
    pub requests: [u64; 2],
    /// Answers that broke the contract, on the stable and the canary.
    pub violations: [u64; 2],
    /// What all of it comes to.
    pub verdict: Verdict,
}

/// The weighted evidence of harm, Σ wₖ·Eₖ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Harm {
    /// Its log.
    pub log_e: f64,
    /// Where it aborts: ln 1/α.
    pub bar: f64,
    /// The metric that contributes most, where any speaks of harm.
    pub top: Option<Metric>,
}

// === impl Verdict ===

impl Verdict {
    /// The worst of several; nothing asked for is nothing shown.
    #[must_use]
    pub fn worst(verdicts: impl IntoIterator<Item = Self>) -> Self {
        verdicts.into_iter().max().unwrap_or(Self::Pending)
    }

    /// The word used in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Successful => "successful",
            Self::Running => "running",
            Self::Pending => "pending",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
            Self::Failed => "failed",
        }
    }
}

// === impl Reading ===

impl Reading {
    /// An arm's rate, where there is one.
    #[must_use]
    pub fn rate(&self, arm: usize) -> Option<f64> {
        (self.of[arm] > 0).then(|| self.events[arm] as f64 / self.of[arm] as f64)
    }

    /// The p-value of harm, valid however often it was looked at.
    #[must_use]
    pub fn p(&self) -> f64 {
        evidence::p_value(self.peak)
    }

    /// The p-value of the canary's rate being the margin's multiple of the stable's or more.
    #[must_use]
    pub fn p_safe(&self) -> f64 {
        evidence::p_value(self.log_e_safe)
    }

    /// The ratio of the canary's rate to the stable's, with a chance of `alpha` ever to be wrong.
    #[must_use]
    pub fn ratio(&self, alpha: f64) -> Interval {
        kernel::interval(&self.cells, alpha)
    }

    /// The canary's rate, with a chance of `alpha` ever to be wrong.
    #[must_use]
    pub fn bounds(&self, alpha: f64) -> Interval {
        bernoulli::interval(self.events[CANARY], self.of[CANARY], alpha)
    }

    /// What it shows, in a sentence with its numbers.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{}; {}", self.facts(), self.conclusion())
    }

    /// Its numbers.
    fn facts(&self) -> String {
        let mut text = format!("{}: ", self.metric);
        if let Some(drift) = self.drift {
            let _ = match drift.psi.is_finite() {
                true => write!(text, "stability index {:.3}", drift.psi),
                false => write!(text, "no output on both arms yet"),
            };
        } else {
            let _ = write!(
                text,
                "{} on the canary, {} on the stable",
                self.part(CANARY),
                self.part(STABLE)
            );
            let ratio = self.ratio(0.05);
            if ratio.low > 0.0 || ratio.high.is_finite() {
                let _ = write!(text, "; {} times the stable's rate", Between(ratio));
            }
        }
        text
    }

    fn conclusion(&self) -> String {
        if let Some(Breach { lower, ceiling }) = self.broken {
            return format!(
                "above its ceiling of {}: at least {}",
                Percent(ceiling),
                Percent(lower)
            );
        }
        match (self.verdict, self.safe) {
            (Verdict::Error, _) => "it cannot be measured".to_owned(),
            (Verdict::Pending, _) => "nothing was counted yet".to_owned(),
            (Verdict::Failed, _) => format!("harm is shown (p = {})", P(self.p())),
            (_, Some(Ground::Margin)) => format!(
                "shown to be less than {} times the stable's (p = {})",
                self.margin,
                P(self.p_safe())
            ),
            (_, Some(Ground::Negligible { upper })) => {
                format!("negligible: at most {}", Percent(upper))
            }
            (_, Some(Ground::Alike)) => match self.drift {
                Some(drift) => format!("shown to be alike: at most {:.3}", drift.upper),
                None => "shown to be alike".to_owned(),
            },
            (_, None) if self.log_e_harm > 0.0 => {
                format!("harm is not shown (p = {})", P(self.p()))
            }
            (_, None) if self.metric == Metric::Outputs => "not shown to be alike yet".to_owned(),
            (_, None) => format!(
                "not shown to be less than {} times yet (p = {})",
                self.margin,
                P(self.p_safe())
            ),
        }
    }

    fn part(&self, arm: usize) -> String {
        let (events, of) = (self.events[arm], self.of[arm]);
        match self.rate(arm) {
            Some(rate) => format!("{events} of {of} ({})", Percent(rate)),
            None => "none".to_owned(),
        }
    }
}

// === impl Readings ===

impl Readings {
    /// The reading of a metric, where it is guarded.
    #[must_use]
    pub fn of(&self, metric: Metric) -> Option<&Reading> {
        self.guardrails.iter().find(|r| r.metric == metric)
    }

    /// Whether every guardrail is proven safe.
    #[must_use]
    pub fn safe(&self) -> bool {
        self.verdict == Verdict::Successful
    }

    /// Guardrails that are not proven safe.
    pub fn unsafe_yet(&self) -> impl Iterator<Item = &Reading> {
        self.guardrails.iter().filter(|r| r.safe.is_none())
    }

    /// What it comes to, in a sentence: the harm and its top metric, or what is still to be shown.
    #[must_use]
    pub fn sentence(&self) -> String {
        if let Some(broken) = self.guardrails.iter().find(|r| r.broken.is_some()) {
            return broken.sentence();
        }
        if self.harm.shown()
            && let Some(top) = self.harm.top.and_then(|top| self.of(top))
        {
            let p = P(evidence::p_value(self.harm.log_e));
            return format!(
                "harm is shown (p = {p} over all guardrails), most by {}",
                top.facts()
            );
        }
        let left: Vec<_> = self.unsafe_yet().map(Reading::sentence).collect();
        match left.is_empty() {
            true => format!(
                "every guardrail is shown to be safe, with {} units on the canary and {} on the stable",
                self.units[CANARY], self.units[STABLE]
            ),
            false => left.join(". "),
        }
    }
}

// === impl Harm ===

impl Harm {
    /// Whether it is shown.
    #[must_use]
    pub fn shown(&self) -> bool {
        self.log_e >= self.bar
    }
}

/// A rate as people read it.
struct Percent(f64);

impl std::fmt::Display for Percent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = self.0 * 100.0;
        match percent {
            _ if percent >= 10.0 => write!(f, "{percent:.1} %"),
            _ if percent >= 0.1 || percent == 0.0 => write!(f, "{percent:.2} %"),
            _ => write!(f, "{percent:.4} %"),
        }
    }
}

/// A p-value as people read it.
struct P(f64);

impl std::fmt::Display for P {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            p if p >= 0.001 => write!(f, "{p:.3}"),
            p if p >= 1e-300 => write!(f, "{p:.0e}"),
            _ => write!(f, "0"),
        }
    }
}

/// An interval of ratios as people read it.
struct Between(Interval);

impl std::fmt::Display for Between {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Interval { low, high } = self.0;
        match high.is_finite() {
            true => write!(f, "{low:.2} to {high:.2}"),
            false => write!(f, "at least {low:.2}"),
        }
    }
}
