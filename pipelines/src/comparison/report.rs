//! What the counts of a comparison say: plain data, and one sentence.
//!
//! Every interval here may be looked at any time. The noise is the answering version's disagreement with itself; what
//! the shadow disagrees beyond it is the gap.

mod sentence;

use super::Comparison;
use super::coverage::Coverage;
use super::examples::Example;
use super::fault::Faults;
use super::output::Output;
use super::pairs::{Errors, Pairs};
use super::sketch::Sketch;
use crate::stats::evidence::{p_value, threshold};
use crate::stats::{Cell, Interval, bernoulli, kernel};

/// The chance that any one statement here is wrong, however often it is looked at.
pub(super) const ALPHA: f64 = 0.05;

/// What a comparison says.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// In one word.
    pub finding: Finding,
    /// What became of the requests.
    pub coverage: Coverage,
    /// How often the shadow agrees, of the pairs that the caller got an answer of.
    pub agreement: Rate,
    /// How often the version that answers agrees with itself; none where it was not asked twice.
    pub noise: Option<Rate>,
    /// How much more the shadow disagrees than noise explains; none without noise.
    pub gap: Option<Gap>,
    /// Output by output, in the order of their names.
    pub outputs: Vec<Seen>,
    /// Who failed.
    pub errors: Counts,
    /// Nanoseconds in the engine of the version that answers.
    pub answering: Quantiles,
    /// Nanoseconds in the shadow's engine.
    pub shadow: Quantiles,
    /// How many times as long the shadow took, pair by pair.
    pub ratio: Quantiles,
    /// The worst examples, the worst kind first.
    pub examples: Vec<Example>,
}

/// What a comparison comes to, from nothing to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Finding {
    /// No two answers could be compared yet.
    Waiting,
    /// No difference is shown beyond what noise may explain.
    Alike,
    /// It disagrees, and whether that is noise is not known: nothing was computed twice.
    Unexplained,
    /// It disagrees more often than noise explains.
    Differs,
    /// It fails more often than the version that answers.
    Fails,
    /// An output is missing, or its datatype or shape is another.
    Breaks,
}

/// A share of pairs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Pairs that agree.
    pub agree: u64,
    /// All pairs.
    pub pairs: u64,
    /// Where the share is; 0 to 1 for no pairs.
    pub interval: Interval,
}

/// How much more the shadow disagrees than the version that answers disagrees with itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// The difference of the two shares; below 0 where the noise is the larger.
    pub value: f64,
    /// Where it is.
    pub interval: Interval,
}

/// What was seen of one output.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Its name.
    pub name: String,
    /// The shadow's.
    pub shadow: Output,
    /// The same of the version that answers beside itself.
    pub noise: Option<Output>,
    /// The sizes of the differences between numbers.
    pub differences: Quantiles,
}

/// Who failed, and what that is evidence of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counts {
    /// Pairs, by who failed.
    pub pairs: Errors,
    /// How the shadow failed.
    pub faults: Faults,
    /// The log evidence that the shadow fails more often: of the pairs in which one failed, more than half are its.
    pub log_e_worse: f64,
    /// The log evidence that it fails less often.
    pub log_e_better: f64,
    /// The p-value of `log_e_worse`, valid at any time.
    pub p: f64,
}

/// A few quantiles; none where nothing was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantiles {
    /// How many numbers there are.
    pub count: u64,
    /// The median.
    pub p50: Option<f64>,
    /// Nine in ten lie below.
    pub p90: Option<f64>,
    /// 99 in 100 lie below.
    pub p99: Option<f64>,
    /// The largest, to within its bucket.
    pub max: Option<f64>,
}

/// What a rollout's gate reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Pairs that the caller got an answer of.
    pub pairs: u64,
    /// The share of them that agree, and of what disagrees as much taken off as is *shown* to be noise: a few noisy
    /// answers excuse nothing. 0 for no pairs.
    pub agreement: f64,
}

// === impl Report ===

impl Report {
    pub(super) fn of(comparison: &Comparison) -> Self {
        let Comparison {
            coverage,
            shadow,
            noise,
            ..
        } = comparison;
        let agreement = Rate::of(shadow, ALPHA);
        let errors = Counts::of(shadow);
        let gap = Gap::of(shadow, noise);
        Self {
            finding: Finding::of(shadow, &errors, gap),
            coverage: *coverage,
            agreement,
            noise: (noise.comparable() > 0).then(|| Rate::of(noise, ALPHA)),
            gap,
            outputs: outputs(shadow, noise),
            errors,
            answering: Quantiles::of(&shadow.latency.answering),
            shadow: Quantiles::of(&shadow.latency.other),
            ratio: Quantiles::of(&shadow.latency.ratio),
            examples: shadow.examples.kept().to_vec(),
        }
    }
}

fn outputs(shadow: &Pairs, noise: &Pairs) -> Vec<Seen> {
    let seen = |(name, output): (&String, &Output)| Seen {
        name: name.clone(),
        shadow: output.clone(),
        noise: noise.outputs.get(name).cloned(),
        differences: Quantiles::of(&output.differences),
    };
    shadow.outputs.iter().map(seen).collect()
}

// === impl Finding ===

impl Finding {
    /// The word in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Alike => "alike",
            Self::Unexplained => "unexplained",
            Self::Differs => "differs",
            Self::Fails => "fails",
            Self::Breaks => "breaks",
        }
    }

    fn of(shadow: &Pairs, errors: &Counts, gap: Option<Gap>) -> Self {
        let broken = |output: &Output| output.broken() > 0;
        if shadow.errors.pairs() == 0 {
            Self::Waiting
        } else if shadow.outputs.values().any(broken) {
            Self::Breaks
        } else if errors.log_e_worse >= threshold(ALPHA) {
            Self::Fails
        } else if gap.is_some_and(|gap| gap.interval.low > 0.0) {
            Self::Differs
        } else if gap.is_none() && shadow.disagree() > 0 {
            Self::Unexplained
        } else {
            Self::Alike
        }
    }
}

// === impl Rate ===

impl Rate {
    /// The share as it was counted; 0 for no pairs.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.agree as f64 / self.pairs.max(1) as f64
    }

    fn of(pairs: &Pairs, alpha: f64) -> Self {
        let (agree, all) = (pairs.agree, pairs.comparable());
        Self {
            agree,
            pairs: all,
            interval: bernoulli::interval(agree, all, alpha),
        }
    }
}

// === impl Gap ===

impl Gap {
    /// Both intervals are right together but for α, as each is but for half of it.
    fn of(shadow: &Pairs, noise: &Pairs) -> Option<Self> {
        if shadow.comparable() == 0 || noise.comparable() == 0 {
            return None;
        }
        let (shadow, noise) = (Rate::of(shadow, ALPHA / 2.0), Rate::of(noise, ALPHA / 2.0));
        Some(Self {
            value: noise.share() - shadow.share(),
            interval: Interval {
                low: noise.interval.low - shadow.interval.high,
                high: noise.interval.high - shadow.interval.low,
            },
        })
    }
}

// === impl Counts ===

impl Counts {
    fn of(pairs: &Pairs) -> Self {
        // Were both to fail as often, each pair in which one did would be a fair coin, as McNemar's test has it.
        let cells = [Cell {
            rho: 0.5,
            canary: pairs.errors.other,
            stable: pairs.errors.answering,
        }];
        let log_e_worse = kernel::log_e_harm(&cells, 1.0);
        Self {
            pairs: pairs.errors,
            faults: pairs.faults,
            log_e_worse,
            log_e_better: kernel::log_e_safe(&cells, 1.0),
            p: p_value(log_e_worse),
        }
    }
}

// === impl Quantiles ===

impl Quantiles {
    fn of(sketch: &Sketch) -> Self {
        Self {
            count: sketch.total(),
            p50: sketch.quantile(0.5),
            p90: sketch.quantile(0.9),
            p99: sketch.quantile(0.99),
            max: sketch.quantile(1.0),
        }
    }
}

// === impl Reading ===

impl Reading {
    pub(super) fn of(comparison: &Comparison) -> Self {
        let Comparison { shadow, noise, .. } = comparison;
        let pairs = shadow.comparable();
        let disagree = shadow.disagree() as f64 / pairs.max(1) as f64;
        let proven = bernoulli::interval(noise.disagree(), noise.comparable(), ALPHA).low;
        Self {
            pairs,
            agreement: match pairs {
                0 => 0.0,
                _ => 1.0 - (disagree - proven).max(0.0),
            },
        }
    }
}
