//! A canary as it is specified: which version earns its traffic from which, in which steps, judged by what.
//!
//! How a rollout goes through the steps is the business of `rollout`; what the numbers say, of `analysis`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use impresario_models::{Name, VersionNumber};

use crate::bucket::Weight;

/// A new version that earns its traffic step by step.
#[derive(Clone, Debug, PartialEq)]
pub struct Canary {
    /// The model.
    pub model: Name,
    /// The version that answers now.
    pub stable: VersionNumber,
    /// The version that is to answer.
    pub canary: VersionNumber,
    /// What it goes through, in order; never empty.
    pub steps: Vec<Step>,
    /// Whether the stable answers where the canary failed, within the caller's time.
    pub rescue: bool,
    /// How long the old version stays in memory after the promotion, so that undo is one swap.
    pub soak: Duration,
    /// How long the canary may take to be ready before the rollout fails.
    pub prepare: Duration,
    /// How long the canary may be unavailable before the rollout is aborted.
    pub unavailable: Duration,
    /// When the rollout does not advance; aborts act all the same.
    pub freeze: Vec<Window>,
}

/// One step of a canary.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Answer no caller, but show what would be answered; the first step only.
    Shadow(Arc<Gate>),
    /// Take this share of the traffic: neither nothing nor all of it, which the end of the rollout gives.
    SetWeight {
        /// The share.
        weight: Weight,
        /// Why, in the words of who wrote it; always there where the share goes back.
        reason: Option<String>,
    },
    /// Wait so long, as far as the daemon runs.
    Pause(Duration),
    /// Wait for somebody's approval.
    Approval,
    /// Wait for the evidence.
    Analyze(Arc<Analysis>),
}

/// What the shadow of a canary must show before the first callers meet it.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// Pairs of answers to compare.
    pub pairs: u64,
    /// The share of pairs that must agree, the noise of the stable itself taken off; from 0 to 1.
    pub agreement: f64,
    /// The share of requests that is shadowed; from 0 to 1.
    pub sample: f64,
    /// How long it may take before the rollout is held.
    pub deadline: Duration,
}

/// What must be shown before a step is left.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// Its name, for reports.
    pub name: String,
    /// The chance of aborting a canary that is no worse: the rollout is aborted at evidence 1 / `alpha`.
    pub alpha: f64,
    /// The chance of passing a canary that is worse than the margin: a guardrail is safe at evidence 1 / `beta`.
    pub beta: f64,
    /// What is guarded; never empty.
    pub guardrails: Vec<Guardrail>,
    /// The shortest time, as far as the daemon runs.
    pub min_time: Duration,
    /// Units that each variant must have met at the least.
    pub min_units: u64,
    /// How long the evidence may take.
    pub deadline: Duration,
    /// What happens then.
    pub on_inconclusive: Inconclusive,
}

/// One metric that must not become worse.
#[derive(Clone, Debug, PartialEq)]
pub struct Guardrail {
    /// What is measured.
    pub metric: Metric,
    /// Its part of the weighted evidence of harm, as it is written: above 0. Who weighs scales the parts of an
    /// analysis to the sum of 1.
    pub weight: f64,
    /// The ratio of the canary's rate to the stable's that is still safe, above 1. Where nothing is said it
    /// tightens from step to step.
    pub margin: Option<f64>,
    /// A rate that is safe whatever the stable's is: shown by the upper bound of the canary's.
    pub negligible: f64,
    /// A rate that the canary must not exceed (its service level): the lower bound above it aborts.
    pub ceiling: Option<f64>,
}

/// What can be guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Requests that failed or crashed.
    Errors,
    /// Requests whose time passed.
    Timeouts,
    /// Requests that the engine took half as long again for, and a millisecond more, as for half of the stable's when
    /// they were measured first.
    Slow50,
    /// The same as for nine in ten.
    Slow90,
    /// The same as for 99 in 100.
    Slow99,
    /// Requests that the engine took longer for than a given time, in microseconds.
    SlowerThan(u64),
    /// Answers with NaN or an infinity.
    NonFinite,
    /// Labels or deciles of the first output.
    Outputs,
}

/// What happens when the evidence takes too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inconclusive {
    /// Nothing, until somebody decides.
    #[default]
    Hold,
    /// The next step.
    Advance,
    /// The rollout ends.
    Abort,
}

/// A span of wall time in which no rollout advances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// From one moment to another, in milliseconds since 1970.
    Once {
        /// Its beginning.
        from: u64,
        /// Its end, exclusive.
        to: u64,
    },
    /// Every week, in minutes since Monday 00:00 UTC; one that ends before it begins spans the week's end.
    Weekly {
        /// Its beginning.
        from: u16,
        /// Its end, exclusive.
        to: u16,
    },
}

// === impl Canary ===

impl Canary {
    /// The margins of the steps that analyze, in their order, where a guardrail says none; the last one goes on.
    pub const MARGINS: [f64; 4] = [3.0, 2.0, 1.5, 1.25];
    /// The shares of the usual steps, in per cent, each followed by an analysis.
    pub const WEIGHTS: [f64; 4] = [1.0, 5.0, 25.0, 50.0];
    /// How long the old version stays in memory where nothing is said.
    pub const SOAK: Duration = Duration::from_secs(10 * 60);
    /// How long the canary may take to be ready where nothing is said.
    pub const PREPARE: Duration = Duration::from_secs(10 * 60);
    /// How long the canary may be unavailable where nothing is said.
    pub const UNAVAILABLE: Duration = Duration::from_secs(5 * 60);
}

// === impl Step ===

impl Step {
    /// The share that the step gives, where it gives one.
    #[must_use]
    pub fn weight(&self) -> Option<Weight> {
        match self {
            Self::SetWeight { weight, .. } => Some(*weight),
            Self::Shadow(_) | Self::Pause(_) | Self::Approval | Self::Analyze(_) => None,
        }
    }
}

// === impl Analysis ===

impl Analysis {
    /// The name of the one that steps have where nothing is said.
    pub const DEFAULT: &'static str = "default";
}

// === impl Guardrail ===

impl Guardrail {
    /// Its part where nothing is said.
    pub const WEIGHT: f64 = 0.2;
    /// The rate that is safe where nothing is said.
    pub const NEGLIGIBLE: f64 = 0.01;
}

// === impl Metric ===

impl Metric {
    /// The word used in specifications, reports and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Timeouts => "timeouts",
            Self::Slow50 => "slow-p50",
            Self::Slow90 => "slow-p90",
            Self::Slow99 => "slow-p99",
            Self::SlowerThan(_) => "slower-than",
            Self::NonFinite => "non-finite",
            Self::Outputs => "outputs",
        }
    }
}

/// The word, and the time where there is one.
impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::SlowerThan(micros) => {
                let time = humantime::format_duration(Duration::from_micros(*micros));
                write!(f, " {time}")
            }
            _ => Ok(()),
        }
    }
}

// === impl Window ===

impl Window {
    /// Whether a wall time, in milliseconds since 1970, lies in it.
    #[must_use]
    pub fn contains(self, wall: u64) -> bool {
        match self {
            Self::Once { from, to } => (from..to).contains(&wall),
            Self::Weekly { from, to } => {
                // 1970 began on a Thursday.
                const WEEK: u64 = 7 * 24 * 60;
                let minute = (wall / 60_000 + 3 * 24 * 60) % WEEK;
                let (from, to) = (u64::from(from), u64::from(to));
                match from <= to {
                    true => (from..to).contains(&minute),
                    false => minute >= from || minute < to,
                }
            }
        }
    }
}

// === impl Default ===

impl Default for Analysis {
    /// Errors, timeouts, slow calls and non-finite answers, at the levels of the design.
    fn default() -> Self {
        let guard = |metric, weight| Guardrail {
            metric,
            weight,
            margin: None,
            negligible: Guardrail::NEGLIGIBLE,
            ceiling: None,
        };
        Self {
            name: Self::DEFAULT.to_owned(),
            alpha: 0.01,
            beta: 0.05,
            guardrails: vec![
                guard(Metric::Errors, 0.4),
                guard(Metric::Timeouts, Guardrail::WEIGHT),
                guard(Metric::Slow90, Guardrail::WEIGHT),
                guard(Metric::NonFinite, Guardrail::WEIGHT),
            ],
            min_time: Duration::from_secs(60),
            min_units: 100,
            deadline: Duration::from_secs(24 * 60 * 60),
            on_inconclusive: Inconclusive::Hold,
        }
    }
}

impl Default for Gate {
    /// 500 pairs, 99 in 100 alike, from one request in ten, within a day.
    fn default() -> Self {
        Self {
            pairs: 500,
            agreement: 0.99,
            sample: 0.1,
            deadline: Duration::from_secs(24 * 60 * 60),
        }
    }
}
