//! A rollout: where it is among its steps, why, what it waits for, and what can be done about it now.

use impresario_models::Name;
use impresario_pipelines::analysis::Readings;
use impresario_pipelines::fleet::{Course, Entry, Fleet, Now};
use impresario_pipelines::rollout::{Phase, Place, Rollout, Stay};
use impresario_pipelines::spec::Policy;
use impresario_pipelines::spec::canary::{Canary, Step};
use serde::Serialize;
use utoipa::ToSchema;

use super::number::Count;
use super::{EvidenceV1, FreezeV1, PlanV1, ThresholdsV1, time};

/// A rollout.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rollout)]
pub struct RolloutV1 {
    /// The pipeline.
    pub name: String,
    /// The pipeline's revision, as in the `ETag`.
    pub revision: u64,
    /// The revision that began it.
    pub id: u64,
    /// Where it is: `pending`, `preparing`, `failed-prepare`, `shadow`, `baking`, `held`, `awaiting-approval`, `promoting`,
    /// `soaking`, `succeeded`, `paused`, `aborting`, `rolled-back` or `superseded`.
    #[schema(example = "baking")]
    pub phase: &'static str,
    /// More of that: what holds it, who paused it, why it was ended.
    pub detail: Option<String>,
    /// Whether anything moves it by itself.
    pub active: bool,
    /// The model.
    pub model: String,
    /// The version that the canary is held against.
    pub stable: u64,
    /// The version that earns its traffic.
    pub canary: u64,
    /// The canary's share of the traffic now, in per cent.
    pub weight: f64,
    /// The share that a step or somebody gave it. It has nothing while it is not there.
    pub target: f64,
    /// The step that it is in, counted from 1; nothing before and after its steps.
    pub step: Option<usize>,
    /// What it goes through.
    pub steps: Vec<StepV1>,
    /// The same in a few words.
    #[schema(example = "step 2 of 8: analysis 'default'")]
    pub progress: String,
    /// What it waits for; nothing once it has ended.
    pub waits: Option<String>,
    /// What the newest transition was, in a sentence with its numbers.
    pub why: String,
    /// When that was (RFC 3339).
    pub since: String,
    /// Why it does not advance now, whatever the evidence says.
    pub frozen: Option<String>,
    /// What speaks against giving the canary more.
    pub doubt: Option<String>,
    /// The reason for which it was promoted against the evidence.
    pub forced: Option<String>,
    /// Counts up when weights or thresholds change; evidence is kept by it.
    pub segment: u32,
    /// What is slow, once that is frozen.
    pub thresholds: Option<ThresholdsV1>,
    /// Its clocks.
    pub clocks: ClocksV1,
    /// What the evidence says; nothing before anything was read.
    pub evidence: Option<EvidenceV1>,
    /// What its steps take at the present traffic, where that is known.
    pub plan: Option<PlanV1>,
    /// Up to when what it gathered is in the store (RFC 3339): what came later is lost if the daemon is killed now.
    pub stored_until: Option<String>,
    /// What can be asked of it now.
    #[schema(example = json!(["pause", "promote", "abort"]))]
    pub verbs: Vec<&'static str>,
}

/// One step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RolloutStep)]
pub struct StepV1 {
    /// Counted from 1.
    pub number: usize,
    /// `shadow`, `set-weight`, `pause`, `approval` or `analyze`.
    pub kind: &'static str,
    /// What it is, in a few words.
    #[schema(example = "5 % of the traffic")]
    pub what: String,
    /// `done`, `current`, `stopped` (it ended there) or `ahead`.
    pub mark: &'static str,
}

/// A rollout's clocks. They stand still while it is paused, held or frozen, and while the daemon is down.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RolloutClocks)]
pub struct ClocksV1 {
    /// Whether what the newest transition asks for is in force, so that time counts.
    pub running: bool,
    /// Seconds in this phase or step.
    pub phase: f64,
    /// Seconds in all of its steps.
    pub baked: f64,
    /// Seconds that the canary has been away.
    pub away: f64,
}

/// What is seen of a rollout beside the fleet.
pub struct SeenV1<'a> {
    /// What the evidence says.
    pub readings: Option<&'a Readings>,
    /// What its steps take.
    pub plan: Option<PlanV1>,
    /// Up to when the evidence is in the store, in milliseconds since 1970.
    pub stored_until: Option<u64>,
}

// === impl RolloutV1 ===

impl RolloutV1 {
    /// The rollout of a pipeline, where it has one.
    #[must_use]
    pub fn of(
        fleet: &Fleet,
        name: &Name,
        seen: SeenV1<'_>,
        now: Now,
        verbs: Vec<&'static str>,
    ) -> Option<Self> {
        let entry = fleet.routing.pipelines.get(name)?;
        let (rollout, spec) = parts(entry)?;
        let pulse = &rollout.pulse;
        let seconds = |millis: u64| millis as f64 / 1_000.0;
        let (analysis, _) = rollout.analysis(spec);
        Some(Self {
            name: name.to_string(),
            revision: entry.revision.0,
            id: rollout.id,
            phase: rollout.phase.as_str(),
            detail: detail(&rollout.phase),
            active: rollout.is_active(),
            model: spec.model.to_string(),
            stable: spec.stable.get(),
            canary: spec.canary.get(),
            weight: rollout.weight().percent(),
            target: rollout.target.percent(),
            step: rollout.phase.stay().map(|_| rollout.step + 1),
            steps: steps(rollout, spec),
            progress: rollout.progress(spec),
            waits: rollout.waits(),
            why: rollout.why.clone(),
            since: time(rollout.since),
            frozen: rollout
                .frozen(spec, now.wall)
                .or_else(|| FreezeV1::of(fleet, now.wall).map(|freeze| freeze.sentence()))
                .filter(|_| rollout.is_active()),
            doubt: rollout.doubt(),
            forced: rollout.forced.clone(),
            segment: rollout.segment,
            thresholds: rollout.thresholds.as_ref().map(ThresholdsV1::from),
            clocks: ClocksV1 {
                running: pulse.started,
                phase: seconds(pulse.clock),
                baked: seconds(pulse.baked),
                away: seconds(pulse.away),
            },
            evidence: seen
                .readings
                .map(|readings| EvidenceV1::of(readings, analysis.alpha)),
            plan: seen.plan,
            stored_until: seen.stored_until.map(time),
            verbs,
        })
    }
}

/// A pipeline's rollout and what it is specified to be.
pub(in crate::http::admin) fn parts(entry: &Entry) -> Option<(&Rollout, &Canary)> {
    match (entry.course.as_deref(), entry.pipeline.policy()) {
        (Some(Course::Rollout(rollout)), Policy::Canary(spec)) => Some((rollout, spec)),
        _ => None,
    }
}

fn detail(phase: &Phase) -> Option<String> {
    let stay = |stay: &Stay| match stay {
        Stay::Baking => None,
        Stay::AwaitingApproval => Some("awaiting-approval".to_owned()),
        Stay::Held(hold) => Some(hold.as_str().to_owned()),
    };
    match phase {
        Phase::Shadow(at) | Phase::Step(at) => stay(at).filter(|_| *at != Stay::AwaitingApproval),
        Phase::FailedPrepare(why) => Some(why.clone()),
        Phase::Aborting(cause) | Phase::RolledBack(cause) => Some(cause.as_str().to_owned()),
        Phase::Superseded { by } => Some(format!("by revision {by}")),
        Phase::Paused { by, from } => {
            let within = match from {
                Place::Shadow(at) | Place::Step(at) => stay(at),
                Place::Pending | Place::Preparing => None,
            };
            let within = within.map(|within| format!(", {within}"));
            Some(format!("by {by}{}", within.unwrap_or_default()))
        }
        Phase::Pending
        | Phase::Preparing
        | Phase::Promoting
        | Phase::Soaking
        | Phase::Succeeded => None,
    }
}

fn steps(rollout: &Rollout, spec: &Canary) -> Vec<StepV1> {
    let here = rollout.step;
    let ended = matches!(
        rollout.phase,
        Phase::RolledBack(_) | Phase::Aborting(_) | Phase::Superseded { .. }
    );
    let within = rollout.phase.stay().is_some();
    let mark = |at: usize| match at.cmp(&here) {
        std::cmp::Ordering::Less => "done",
        std::cmp::Ordering::Equal if within => "current",
        std::cmp::Ordering::Equal if ended => "stopped",
        std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => "ahead",
    };
    let numbered = spec.steps.iter().enumerate();
    numbered
        .map(|(at, step)| StepV1 {
            number: at + 1,
            kind: kind(step),
            what: what(step),
            mark: mark(at),
        })
        .collect()
}

/// The word for a step.
pub(super) fn kind(step: &Step) -> &'static str {
    match step {
        Step::Shadow(_) => "shadow",
        Step::SetWeight { .. } => "set-weight",
        Step::Pause(_) => "pause",
        Step::Approval => "approval",
        Step::Analyze(_) => "analyze",
    }
}

/// What a step is, in a few words.
pub(super) fn what(step: &Step) -> String {
    match step {
        Step::Shadow(gate) => format!(
            "{} pairs in the shadow, {} % of them alike",
            Count(gate.pairs),
            gate.agreement * 100.0
        ),
        Step::SetWeight { weight, .. } => format!("{weight} of the traffic"),
        Step::Pause(time) => format!("pause of {}", humantime::format_duration(*time)),
        Step::Approval => "approval".to_owned(),
        Step::Analyze(analysis) => format!("analysis '{}'", analysis.name),
    }
}

// === impl FreezeV1 ===

impl FreezeV1 {
    fn sentence(&self) -> String {
        let until = self.until.as_deref().map(|until| format!(" until {until}"));
        let reason = self.reason.as_deref().unwrap_or("no reason was given");
        format!(
            "{} froze all rollouts{}: {reason}",
            self.actor,
            until.unwrap_or_default()
        )
    }
}
