//! The report of an experiment: per arm, per contrast with the baseline, whether it can be trusted, and the verdict.

use impresario_pipelines::spec::experiment::{Better, GoalKind};
use impresario_pipelines::trial::Unit;
use impresario_pipelines::trial::report::{
    Contrast, Decision, GoalLine, Health, Numbers, Part, Report, Role, Value,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::CourseV1;
use super::evidence::{IntervalV1, OddsV1};
use super::number::finite;

/// An experiment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Experiment)]
pub struct ExperimentV1 {
    /// The pipeline.
    pub name: String,
    /// The pipeline's revision, as in the `ETag`.
    pub revision: u64,
    /// Where it is.
    pub course: CourseV1,
    /// What the evidence says; nothing before anything was gathered.
    pub report: Option<ExperimentReportV1>,
    /// Up to when what it gathered is in the store (RFC 3339): what came later is lost if the daemon is killed now.
    pub stored_until: Option<String>,
    /// What can be asked of it now.
    #[schema(example = json!(["stop", "ship", "pause"]))]
    pub verbs: Vec<&'static str>,
}

/// What the evidence of an experiment says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExperimentReport)]
pub struct ExperimentReportV1 {
    /// What follows: `ship`, `do-not-ship`, `keep-running` or `invalid`.
    #[schema(example = "keep-running")]
    pub verdict: &'static str,
    /// The arm to ship.
    pub ship: Option<String>,
    /// Why, in a sentence.
    pub why: String,
    /// What the statistics count: `request` or `key`.
    pub unit: &'static str,
    /// The chance of a difference where there is none.
    pub alpha: f64,
    /// From the first exposure to now.
    pub seconds: f64,
    /// The arms; the first is the baseline.
    pub arms: Vec<ArmV1>,
    /// The goals, the first of which decides, and the guardrails after them.
    pub goals: Vec<GoalV1>,
    /// The parts of the traffic that were declared beforehand.
    pub segments: Vec<PartV1>,
    /// Whether all this can be trusted.
    pub health: HealthV1,
}

/// One arm.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExperimentArm)]
pub struct ArmV1 {
    /// Its name.
    pub name: String,
    /// Its share of the traffic while the experiment runs, in per cent.
    pub weight: f64,
    /// Its units; keys as far as they are told apart.
    pub units: f64,
    /// Its requests.
    pub requests: u64,
}

/// One goal or guardrail.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExperimentGoal)]
pub struct GoalV1 {
    /// The metric.
    pub metric: String,
    /// `goal` or `guardrail`.
    pub role: &'static str,
    /// How its values are summed up: `binary`, `mean`, `ratio` or `quantile`.
    pub kind: &'static str,
    /// Which way is better: `higher` or `lower`.
    pub better: &'static str,
    /// The smallest relative difference that matters.
    pub mde: f64,
    /// By arm; nothing where the numbers do not suffice.
    pub arms: Vec<Option<ValueV1>>,
    /// The arms after the baseline, held against it.
    pub contrasts: Vec<ContrastV1>,
    /// Why there are no numbers, where they do not suffice.
    pub refused: Option<String>,
}

/// What an arm shows of a goal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ArmValue)]
pub struct ValueV1 {
    /// The share, mean, ratio or quantile.
    pub value: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
    /// The variance of one unit.
    pub variance: Option<f64>,
    /// How many times larger that is than of independent units.
    pub design_effect: Option<f64>,
    /// Requests with feedback.
    pub fed: u64,
    /// Requests without.
    pub missing: u64,
}

/// An arm held against the baseline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contrast)]
pub struct ContrastV1 {
    /// The arm.
    pub arm: String,
    /// The arm's value less the baseline's.
    pub absolute: Option<NumbersV1>,
    /// The same as a part of the baseline's.
    pub relative: Option<NumbersV1>,
    /// For looking at any time; what decisions rest on.
    pub p: Option<f64>,
    /// That, adjusted for the other arms (Holm).
    pub p_holm: Option<f64>,
    /// That, adjusted for all contrasts of the report (Benjamini and Hochberg).
    pub p_bh: Option<f64>,
    /// For one look at a number of units that was fixed beforehand.
    pub p_fixed_horizon: Option<f64>,
    /// The evidence of a difference.
    pub evidence: OddsV1,
    /// The probability that the arm is better, by a flat prior.
    pub chance_to_win: Option<f64>,
    /// What taking the arm costs on average where that is wrong.
    pub loss_of_arm: Option<f64>,
    /// What staying with the baseline costs on average where that is wrong.
    pub loss_of_baseline: Option<f64>,
    /// Units until a difference that matters would be seen in four of five cases.
    pub units_to_mde: Option<f64>,
    /// Seconds until then; 0 where it is past.
    pub seconds_to_mde: Option<f64>,
}

/// A difference and how sure it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EffectNumbers)]
pub struct NumbersV1 {
    /// The difference.
    pub value: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
    /// Where it is, for looking at any time.
    pub interval: IntervalV1,
    /// Where it is, for one look at a number of units that was fixed beforehand.
    pub fixed_horizon: IntervalV1,
}

/// A part of the traffic that was declared beforehand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExperimentSegment)]
pub struct PartV1 {
    /// What tells it apart.
    pub dimension: String,
    /// Its value; nothing for all that were not declared.
    pub value: Option<String>,
    /// Units by arm.
    pub units: Vec<u64>,
    /// The arms held against the baseline, by metric. Not adjusted for the number of parts.
    pub contrasts: Vec<PartContrastV1>,
}

/// An arm held against the baseline in a part of the traffic.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SegmentContrast)]
pub struct PartContrastV1 {
    /// The metric.
    pub metric: String,
    /// The arm.
    pub arm: String,
    /// What the baseline shows.
    pub baseline: Option<f64>,
    /// What the arm shows.
    pub value: Option<f64>,
    /// The difference.
    pub absolute: NumbersV1,
    /// For looking at any time.
    pub p: Option<f64>,
}

/// Whether the numbers can be trusted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExperimentHealth)]
pub struct HealthV1 {
    /// The evidence that the arms did not get the shares of units that they should.
    pub sample_ratio: OddsV1,
    /// Whether that is proof: then nothing that is measured can be trusted.
    pub mismatch: bool,
    /// Units that met more than one arm; about.
    pub exposed_twice: Option<f64>,
    /// The largest part of an arm's requests that one unit has, from 0 to 1.
    pub heaviest: Option<f64>,
    /// How many splits the experiment went through.
    pub splits: usize,
    /// Exposures and feedback of segments that are not known.
    pub foreign: u64,
    /// What is worth knowing.
    pub warnings: Vec<String>,
}

// === impl ExperimentReportV1 ===

impl From<&Report> for ExperimentReportV1 {
    fn from(report: &Report) -> Self {
        let arm = |index: usize| {
            let arm = report.arms.get(index);
            arm.map(|arm| arm.name.clone()).unwrap_or_default()
        };
        let (verdict, ship) = match report.verdict.decision {
            Decision::Ship { arm: index } => ("ship", Some(arm(index))),
            Decision::DoNotShip => ("do-not-ship", None),
            Decision::KeepRunning => ("keep-running", None),
            Decision::Invalid => ("invalid", None),
        };
        let arms = report.arms.iter().map(|arm| ArmV1 {
            name: arm.name.clone(),
            weight: arm.weight.percent(),
            units: arm.units,
            requests: arm.requests,
        });
        Self {
            verdict,
            ship,
            why: report.verdict.why.clone(),
            unit: match report.unit {
                Unit::Request => "request",
                Unit::Key => "key",
            },
            alpha: report.alpha,
            seconds: report.seconds,
            arms: arms.collect(),
            goals: report
                .goals
                .iter()
                .map(|goal| goal_of(goal, &arm))
                .collect(),
            segments: report
                .parts
                .iter()
                .map(|part| part_of(part, &arm))
                .collect(),
            health: HealthV1::from(&report.health),
        }
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Goal => "goal",
        Role::Guardrail => "guardrail",
    }
}

fn goal_of(goal: &GoalLine, arm: &impl Fn(usize) -> String) -> GoalV1 {
    let contrasts = goal.contrasts.iter();
    GoalV1 {
        metric: goal.metric.clone(),
        role: role(goal.role),
        kind: match goal.kind {
            GoalKind::Binary => "binary",
            GoalKind::Mean { .. } => "mean",
            GoalKind::Ratio { .. } => "ratio",
            GoalKind::Quantile(_) => "quantile",
        },
        better: match goal.better {
            Better::Higher => "higher",
            Better::Lower => "lower",
        },
        mde: goal.mde,
        arms: goal
            .arms
            .iter()
            .map(|value| value.map(ValueV1::from))
            .collect(),
        contrasts: contrasts.map(|one| contrast_of(one, arm)).collect(),
        refused: goal.refused.clone(),
    }
}

fn contrast_of(contrast: &Contrast, arm: &impl Fn(usize) -> String) -> ContrastV1 {
    ContrastV1 {
        arm: arm(contrast.arm),
        absolute: contrast.absolute.map(NumbersV1::from),
        relative: contrast.relative.map(NumbersV1::from),
        p: finite(contrast.p_sequential),
        p_holm: finite(contrast.p_holm),
        p_bh: finite(contrast.p_bh),
        p_fixed_horizon: finite(contrast.p_fixed),
        evidence: OddsV1::of(contrast.log_e),
        chance_to_win: finite(contrast.chance_to_win),
        loss_of_arm: contrast.loss.and_then(|loss| finite(loss.arm)),
        loss_of_baseline: contrast.loss.and_then(|loss| finite(loss.baseline)),
        units_to_mde: contrast.units_to_mde.and_then(finite),
        seconds_to_mde: contrast.seconds_to_mde.and_then(finite),
    }
}

fn part_of(part: &Part, arm: &impl Fn(usize) -> String) -> PartV1 {
    let contrasts = part.contrasts.iter().map(|one| PartContrastV1 {
        metric: one.metric.clone(),
        arm: arm(one.arm),
        baseline: finite(one.baseline),
        value: finite(one.value),
        absolute: NumbersV1::from(one.absolute),
        p: finite(one.p_sequential),
    });
    PartV1 {
        dimension: part.dimension.clone(),
        value: part.value.clone(),
        units: part.units.clone(),
        contrasts: contrasts.collect(),
    }
}

// === impl ValueV1, NumbersV1, HealthV1 ===

impl From<Value> for ValueV1 {
    fn from(value: Value) -> Self {
        Self {
            value: finite(value.value),
            se: finite(value.se),
            variance: finite(value.variance),
            design_effect: finite(value.design_effect),
            fed: value.fed,
            missing: value.missing,
        }
    }
}

impl From<Numbers> for NumbersV1 {
    fn from(numbers: Numbers) -> Self {
        Self {
            value: finite(numbers.value),
            se: finite(numbers.se),
            interval: numbers.sequential.into(),
            fixed_horizon: numbers.fixed.into(),
        }
    }
}

impl From<&Health> for HealthV1 {
    fn from(health: &Health) -> Self {
        Self {
            sample_ratio: OddsV1::of(health.ratio.log_e),
            mismatch: health.ratio.mismatch,
            exposed_twice: finite(health.twice),
            heaviest: health.heavy.map(|heavy| heavy.share),
            splits: health.spans.len(),
            foreign: health.foreign,
            warnings: health.warnings.clone(),
        }
    }
}
