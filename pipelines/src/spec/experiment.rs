//! An experiment (A/B/n) as it is specified: arms, goals, guardrails, segments.
//!
//! What the numbers say is the business of `trial`.

use std::time::Duration;

use crate::bucket::{Namespace, Weight};
use crate::variant::Arm;

/// Versions side by side, told apart by what they achieve.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// The arms with their shares, two at the least; the first is the baseline.
    pub arms: Vec<(Arm, Weight)>,
    /// What the assignment is hashed with; another seed shuffles anew.
    pub seed: String,
    /// The users that the experiment may have, so that it excludes others.
    pub namespace: Option<Namespace>,
    /// What is to become better; never empty, the first one decides.
    pub goals: Vec<Goal>,
    /// What must not become worse.
    pub guardrails: Vec<Goal>,
    /// Parts of the traffic that are reported by themselves, declared beforehand.
    pub segments: Vec<Dimension>,
    /// The chance of a difference where there is none.
    pub alpha: f64,
    /// Units that each arm must have before anything is said.
    pub min_units: u64,
    /// How long feedback is waited for, from the decision.
    pub feedback_within: Duration,
}

/// A quantity that feedback or the daemon measures.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// The metric's name in feedback; `latency` (in seconds) and `errors` the daemon measures itself.
    pub metric: String,
    /// How values are summed up.
    pub kind: GoalKind,
    /// Which way is better.
    pub better: Better,
    /// The smallest relative difference that matters, such as 0.05.
    pub mde: f64,
}

/// How the values of a metric are summed up.
#[derive(Clone, Debug, PartialEq)]
pub enum GoalKind {
    /// Whether it happened: the share of units with a value other than zero.
    Binary,
    /// The mean of the units' sums.
    Mean {
        /// Sums beyond this count as this much.
        cap: Option<f64>,
        /// A metric from before the exposure that explains some of it (CUPED).
        covariate: Option<String>,
    },
    /// The sum over the sum of another metric.
    Ratio {
        /// That metric.
        per: String,
    },
    /// A quantile of the values, from 0 to 1.
    Quantile(f64),
}

/// Which way is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Better {
    /// More.
    #[default]
    Higher,
    /// Less.
    Lower,
}

/// What tells parts of the traffic apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// Its name in reports.
    pub name: String,
    /// Where a request says it.
    pub by: By,
    /// The values that are reported; all others are one.
    pub values: Vec<String>,
}

/// Where a request says which part of the traffic it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// A header, in lower case.
    Header(String),
    /// A request parameter.
    Parameter(String),
}

// === impl Experiment ===

impl Experiment {
    /// The fewest arms.
    pub const MIN_ARMS: usize = 2;
    /// The most arms.
    pub const MAX_ARMS: usize = 10;
    /// The most goals and guardrails together.
    pub const MAX_GOALS: usize = 20;
    /// The most segments.
    pub const MAX_SEGMENTS: usize = 8;
    /// The most values of a segment.
    pub const MAX_VALUES: usize = 20;
    /// The chance of a difference where there is none, where nothing is said.
    pub const ALPHA: f64 = 0.05;
    /// Units that each arm must have, where nothing is said.
    pub const MIN_UNITS: u64 = 100;
    /// How long feedback is waited for, where nothing is said.
    pub const FEEDBACK: Duration = Duration::from_secs(24 * 60 * 60);
}

// === impl Goal ===

impl Goal {
    /// The metric of failed requests, which the daemon measures.
    pub const ERRORS: &'static str = "errors";
    /// The metric of requests' times in seconds, which the daemon measures.
    pub const LATENCY: &'static str = "latency";
    /// The smallest relative difference that matters, where nothing is said.
    pub const MDE: f64 = 0.05;

    /// Whether another goal is about the same number.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let same = match (&self.kind, &other.kind) {
            (GoalKind::Mean { .. }, GoalKind::Mean { .. }) => true,
            (a, b) => a == b,
        };
        same && self.metric == other.metric
    }
}

// === impl GoalKind ===

impl GoalKind {
    /// The word used in specifications and reports.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Mean { .. } => "mean",
            Self::Ratio { .. } => "ratio",
            Self::Quantile(_) => "quantile",
        }
    }
}

// === impl Better ===

impl Better {
    /// The word used in specifications and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
        }
    }
}
