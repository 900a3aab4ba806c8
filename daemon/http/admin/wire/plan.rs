//! What the steps of a rollout take: requests and time at some traffic.

use impresario_models::Name;
use impresario_pipelines::analysis::{Need, Traffic, Wait, plan};
use impresario_pipelines::spec::canary::{Canary, Step};
use serde::Serialize;
use utoipa::ToSchema;

use super::number::finite;
use super::rollout::{kind, what};

/// What the steps of a rollout take.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub struct PlanV1 {
    /// The pipeline.
    pub name: String,
    /// The traffic that it holds for.
    pub traffic: TrafficV1,
    /// In their order. Evidence is kept from step to step: what is said of a later one is at the most what it takes.
    pub steps: Vec<PlannedV1>,
    /// Seconds of all steps together; nothing where one never ends by itself.
    pub seconds: Option<f64>,
    /// Steps that cannot conclude.
    pub warnings: Vec<String>,
}

/// The traffic of a pipeline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Traffic)]
pub struct TrafficV1 {
    /// Where the numbers are from: `measured`, `stated` in the request, or `unknown`.
    pub source: &'static str,
    /// Requests per second.
    pub per_second: f64,
    /// The stable's rate of errors, from 0 to 1.
    pub errors: f64,
    /// Its rate of timeouts.
    pub timeouts: f64,
    /// Its rate of requests above the specification's own threshold.
    pub slower_than: f64,
    /// Its rate of answers with NaN or an infinity.
    pub non_finite: f64,
}

/// What one step takes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlannedStep)]
pub struct PlannedV1 {
    /// Counted from 1.
    pub number: usize,
    /// `shadow`, `set-weight`, `pause`, `approval` or `analyze`.
    pub kind: &'static str,
    /// What it is, in a few words.
    pub what: String,
    /// The canary's share of the traffic in it, in per cent.
    pub weight: f64,
    /// Requests of the pipeline until it can be left; nothing where that never comes, or nothing is waited for.
    pub requests: Option<f64>,
    /// How long that is, or the pause, in seconds.
    pub seconds: Option<f64>,
    /// What each guardrail waits for.
    pub waits: Vec<NeedV1>,
    /// Why it cannot conclude before its deadline, where it cannot.
    pub warning: Option<String>,
}

/// What a guardrail waits for, in requests of the pipeline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Need)]
pub struct NeedV1 {
    /// The metric.
    pub metric: String,
    /// The ratio of rates that is still safe.
    pub margin: f64,
    /// Until a regression is shown; nothing where it never is.
    pub detect: Option<f64>,
    /// Until a canary that is no worse is shown to be safe; nothing where it never is.
    pub prove: Option<f64>,
}

// === impl PlanV1 ===

impl PlanV1 {
    /// What a canary takes at a traffic.
    #[must_use]
    pub fn of(name: &Name, spec: &Canary, source: &'static str, traffic: &Traffic) -> Self {
        let mut needs = plan(spec, traffic).needs.into_iter().peekable();
        let mut weight = 0.0;
        let mut steps = Vec::with_capacity(spec.steps.len());
        for (at, step) in spec.steps.iter().enumerate() {
            weight = step.weight().map_or(weight, |weight| weight.percent());
            let need = needs.next_if(|need| need.step == at);
            let shadow = match step {
                Step::Shadow(gate) => Some(gate.pairs as f64 / gate.sample),
                _ => None,
            };
            steps.push(PlannedV1::of(at, step, weight, need, (shadow, traffic)));
        }
        let ends = |planned: &&PlannedV1| planned.kind != "set-weight";
        Self {
            name: name.to_string(),
            traffic: TrafficV1::of(source, traffic),
            seconds: steps.iter().filter(ends).map(|step| step.seconds).sum(),
            warnings: steps
                .iter()
                .filter_map(|step| {
                    Some(format!("step {}: {}", step.number, step.warning.as_ref()?))
                })
                .collect(),
            steps,
        }
    }
}

// === impl PlannedV1 ===

impl PlannedV1 {
    fn of(
        at: usize,
        step: &Step,
        weight: f64,
        need: Option<Need>,
        (shadow, traffic): (Option<f64>, &Traffic),
    ) -> Self {
        let per_second = traffic.per_second;
        let (requests, seconds) = match (step, &need, shadow) {
            (Step::Pause(time), _, _) => (None, Some(time.as_secs_f64())),
            (_, Some(need), _) => (need.requests, need.time.map(|time| time.as_secs_f64())),
            (_, None, Some(requests)) => (
                Some(requests),
                (per_second > 0.0).then(|| requests / per_second),
            ),
            (_, None, None) => (None, None),
        };
        let (waits, warning) = need.map_or_else(Default::default, |need| {
            let waits = need.waits.iter().map(NeedV1::from).collect();
            (waits, need.warning)
        });
        Self {
            number: at + 1,
            kind: kind(step),
            what: what(step),
            weight,
            requests: requests.and_then(finite),
            seconds: seconds.and_then(finite),
            waits,
            warning,
        }
    }
}

impl From<&Wait> for NeedV1 {
    fn from(wait: &Wait) -> Self {
        Self {
            metric: wait.metric.to_string(),
            margin: wait.margin,
            detect: wait.detect.and_then(finite),
            prove: wait.prove.and_then(finite),
        }
    }
}

// === impl TrafficV1 ===

impl TrafficV1 {
    fn of(source: &'static str, traffic: &Traffic) -> Self {
        let Traffic {
            per_second,
            errors,
            timeouts,
            slower_than,
            non_finite,
        } = *traffic;
        Self {
            source,
            per_second,
            errors,
            timeouts,
            slower_than,
            non_finite,
        }
    }
}
