//! What the evidence says: per arm, per contrast with the baseline, per declared segment; whether it can be trusted; and
//! the verdict, with the sentence why.
//!
//! Plain numbers, for a table or a document; formulas are those of `stats`.

mod clusters;
mod contrast;
mod estimate;
mod health;
mod part;
mod verdict;

use super::record::{Record, Unit};
use super::state::Trial;
use crate::bucket::Weight;
use crate::fleet::Now;
use crate::spec::experiment::{Better, Experiment, Goal, GoalKind};
use crate::stats::multiple::{benjamini_hochberg, holm};

pub use contrast::{Contrast, Loss, Numbers};
pub use health::{Health, Heavy, Ratio, Span};
pub use part::{Part, PartContrast};
pub use verdict::{Decision, Verdict};

/// What the evidence says.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The revision that began the experiment.
    pub id: u64,
    /// The phase's word.
    pub phase: &'static str,
    /// What the statistics count.
    pub unit: Unit,
    /// The chance of a difference where there is none.
    pub alpha: f64,
    /// From the first exposure to now, in seconds.
    pub seconds: f64,
    /// The arms; the first is the baseline.
    pub arms: Vec<ArmLine>,
    /// The goals, the first of which decides, and the guardrails after them.
    pub goals: Vec<GoalLine>,
    /// The declared segments.
    pub parts: Vec<Part>,
    /// Whether all this can be trusted.
    pub health: Health,
    /// What follows.
    pub verdict: Verdict,
}

/// One arm.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmLine {
    /// Its name.
    pub name: String,
    /// Its share of the traffic while the experiment runs.
    pub weight: Weight,
    /// Its units; keys as far as they are told apart.
    pub units: f64,
    /// Its requests.
    pub requests: u64,
}

/// One goal or guardrail.
#[derive(Clone, Debug, PartialEq)]
pub struct GoalLine {
    /// The metric.
    pub metric: String,
    /// What it is for.
    pub role: Role,
    /// How its values are summed up.
    pub kind: GoalKind,
    /// Which way is better.
    pub better: Better,
    /// The smallest relative difference that matters.
    pub mde: f64,
    /// By arm; nothing where the arm has no units, or the numbers do not suffice.
    pub arms: Vec<Option<Value>>,
    /// The arms after the baseline, held against it.
    pub contrasts: Vec<Contrast>,
    /// Why there are no numbers, where they do not suffice.
    pub refused: Option<String>,
}

/// What a goal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is to become better.
    Goal,
    /// It must not become worse.
    Guardrail,
}

/// What an arm shows of a goal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    /// The share, mean, ratio or quantile.
    pub value: f64,
    /// Its standard error.
    pub se: f64,
    /// The variance of one unit.
    pub variance: f64,
    /// How many times larger the variance is than that of as many independent units.
    pub design_effect: f64,
    /// Requests with feedback.
    pub fed: u64,
    /// Requests without: they count as nothing (or, in ratios and quantiles, not at all).
    pub missing: u64,
}

/// What the evidence says now. `trial` and `record` are of one experiment.
#[must_use]
pub fn report(record: &Record, spec: &Experiment, trial: &Trial, now: Now) -> Report {
    let seconds = record.span().map_or(0.0, |(first, _)| {
        now.wall.saturating_sub(first) as f64 / 1000.0
    });
    let arms: Vec<ArmLine> = spec
        .arms
        .iter()
        .enumerate()
        .map(|(index, (arm, _))| {
            let weight = trial.split.weights().get(index).copied();
            let requests: u64 = tallies(record, index).map(|tally| tally.requests).sum();
            let units: f64 = record.stretches().iter().map(|one| one.units(index)).sum();
            ArmLine {
                name: arm.name.as_str().to_owned(),
                weight: weight.unwrap_or_default(),
                // Keys are estimated from bits: one more than there were requests is possible, but nobody's news.
                units: units.min(requests as f64),
                requests,
            }
        })
        .collect();
    let goals = spec.goals.iter().map(|goal| (goal, Role::Goal));
    let guardrails = spec.guardrails.iter().map(|goal| (goal, Role::Guardrail));
    let all = goals.chain(guardrails).enumerate();
    let mut goals: Vec<GoalLine> = all
        .map(|(index, (goal, role))| line(record, spec, (index, goal, role), seconds))
        .collect();
    adjust(&mut goals);
    let health = health::of(record, &arms, &goals);
    let verdict = verdict::of(spec, &arms, &goals, &health);
    Report {
        id: trial.id,
        phase: trial.word(),
        unit: record.plan().unit(),
        alpha: spec.alpha,
        seconds,
        parts: part::all(record, spec, &goals),
        arms,
        goals,
        health,
        verdict,
    }
}

fn tallies(record: &Record, arm: usize) -> impl Iterator<Item = &super::record::Tally> {
    record
        .stretches()
        .iter()
        .filter_map(move |one| one.arms.get(arm))
}

fn line(
    record: &Record,
    spec: &Experiment,
    (index, goal, role): (usize, &Goal, Role),
    seconds: f64,
) -> GoalLine {
    let mut refused = None;
    let arms = (0..spec.arms.len()).map(|arm| {
        let found = estimate::alone(record, index, arm);
        let found = found.unwrap_or_else(|few| {
            refused = Some(few.to_string());
            None
        })?;
        let sums = || tallies(record, arm);
        let fed = sums()
            .filter_map(|one| one.goals.get(index))
            .map(|sums| sums.fed)
            .sum();
        let requests: u64 = sums().map(|tally| tally.requests).sum();
        Some(Value {
            value: found.arm.mean,
            se: found.arm.se(),
            variance: found.arm.variance,
            design_effect: found.design_effect,
            fed,
            missing: requests.saturating_sub(fed),
        })
    });
    let arms = arms.collect();
    let contrasts = (1..spec.arms.len()).map(|arm| {
        let pair = estimate::pair(record, index, 0, arm).ok().flatten();
        contrast::of(arm, pair.as_ref(), goal, spec.alpha, seconds)
    });
    let contrasts = contrasts.collect();
    GoalLine {
        metric: goal.metric.clone(),
        role,
        kind: goal.kind.clone(),
        better: goal.better,
        mde: goal.mde,
        arms,
        contrasts,
        refused,
    }
}

/// Holm over the arms of a goal; Benjamini and Hochberg over all contrasts of the report.
fn adjust(goals: &mut [GoalLine]) {
    let all = || goals.iter().flat_map(|goal| &goal.contrasts);
    let over_all = benjamini_hochberg(&all().map(|one| one.p_sequential).collect::<Vec<_>>());
    let mut over_all = over_all.into_iter();
    for goal in goals {
        let own: Vec<f64> = goal.contrasts.iter().map(|one| one.p_sequential).collect();
        for (contrast, adjusted) in goal.contrasts.iter_mut().zip(holm(&own)) {
            contrast.p_holm = adjusted;
            contrast.p_bh = over_all.next().unwrap_or(1.0);
        }
    }
}
