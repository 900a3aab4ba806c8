//! The steps of a canary, and what makes them a plan.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::analysis::Analyses;
use super::scalars::{Number, ONE_SLOT, duration, list, optional, share, time, weight, word};
use crate::bucket::Weight;
use crate::spec::canary::{Analysis, Canary, Gate, Step};
use crate::spec::read::{Field, Reader, describe};
use crate::spec::suggest::nearest;

/// One step of a canary: a table that says what it does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum StepSpec {
    /// Answer no caller, but show what would be answered. The first step only.
    Shadow {
        /// What must be shown.
        shadow: GateSpec,
    },
    /// Take this share of the traffic.
    SetWeight {
        /// Per cent, from 0.01 to 99.99 with two decimals: a number, or text such as `"25%"`.
        set_weight: Number,
        /// Why, at most 256 characters. Required where the weight is less than the one before. Default: none.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Wait for the evidence.
    Analyze {
        /// The name of one of `analyses`; `"default"` is built in.
        analyze: String,
    },
    /// Wait.
    Pause {
        /// How long, from 1 s to 30 days, as far as the daemon runs; or `"approval"` until somebody approves.
        pause: String,
    },
}

/// What the shadow of a canary must show before the first callers meet it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateSpec {
    /// Pairs of answers to compare, from 1 to 10,000,000. Default: 500.
    pub pairs: u64,
    /// The share of pairs that must agree, what the stable differs from itself taken off, from 0 to 1: a number, or
    /// text such as `"99%"`. Default: 0.99.
    pub agreement: Number,
    /// The share of requests that it sees, from 0.0001 to 1. Default: 0.1.
    pub sample: Number,
    /// How long it may take before the rollout is held, from 1 s to 30 days. Default: `"1d"`.
    pub deadline: String,
}

const SECOND: Duration = Duration::from_secs(1);
const MAX_STEPS: usize = 64;
const MAX_REASON: usize = 256;
const MAX_PAIRS: u64 = 10_000_000;

/// How a pause without an end is written.
const APPROVAL: &str = "approval";

/// What a step may do.
const KINDS: [&str; 4] = ["shadow", "set_weight", "analyze", "pause"];

// === reading ===

/// The steps where none are written: each usual weight, judged by the default analysis.
pub(super) fn usual(analyses: &mut Analyses<'_>) -> Option<Vec<Step>> {
    let analysis = analyses.usual(Analysis::DEFAULT)?;
    let step = |percent| {
        let weight = Weight::from_percent(percent).ok()?;
        let reason = None;
        let analyze = Step::Analyze(Arc::clone(&analysis));
        Some([Step::SetWeight { weight, reason }, analyze])
    };
    let steps: Option<Vec<_>> = Canary::WEIGHTS.into_iter().map(step).collect();
    Some(steps?.into_iter().flatten().collect())
}

/// Reads the steps, and tells what is no plan.
pub(super) fn read(
    field: &Field<'_>,
    analyses: &mut Analyses<'_>,
    reader: &mut Reader<'_>,
) -> Option<Vec<Step>> {
    let list = list(field, reader, 1..=MAX_STEPS)?;
    let mut plan = Plan::default();
    let mut steps = Vec::with_capacity(list.len());
    for (at, field) in list.iter().enumerate() {
        let step = step(field, analyses, reader);
        steps.push(step.and_then(|step| plan.take(at, step, field, reader)));
    }
    steps.into_iter().collect()
}

fn step(field: &Field<'_>, analyses: &mut Analyses<'_>, reader: &mut Reader<'_>) -> Option<Step> {
    let mut table = field.table(reader)?;
    let [shadow, set_weight, analyze, pause] = KINDS.map(|kind| table.get(kind));
    let reason = match set_weight {
        Some(_) => table.get("reason"),
        None => None,
    };
    match (shadow, set_weight, analyze, pause) {
        (Some(gate), None, None, None) => {
            table.finish(reader);
            self::gate(&gate, reader).map(|gate| Step::Shadow(Arc::new(gate)))
        }
        (None, Some(share), None, None) => {
            table.finish(reader);
            let reason = optional(reason, |field| word(field, reader, MAX_REASON));
            let weight = self::weight_of_step(&share, reader);
            let (weight, reason) = (weight?, reason?);
            Some(Step::SetWeight { weight, reason })
        }
        (None, None, Some(name), None) => {
            table.finish(reader);
            analyses.named(&name, reader).map(Step::Analyze)
        }
        (None, None, None, Some(wait)) => {
            table.finish(reader);
            self::pause(&wait, reader)
        }
        (None, None, None, None) => {
            // A field that is mistyped is told as such, with the nearest known one.
            if table.entries().all(|(key, _)| KINDS.contains(&key)) {
                let message = format!("expected one of {}, got an empty table", KINDS.join(", "));
                reader.error(field, "empty", message);
            }
            table.finish(reader);
            None
        }
        _ => {
            let keys = table.entries().map(|(key, _)| key);
            let found: Vec<_> = keys.filter(|key| KINDS.contains(key)).collect();
            let message = format!("a step does one thing, got {}", found.join(" and "));
            let problem = field.problem(reader, "ambiguous", message);
            reader.push(problem.hint("write them as steps of their own"));
            table.finish(reader);
            None
        }
    }
}

fn weight_of_step(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Weight> {
    let weight = weight(field, reader)?;
    let (what, hint) = match weight {
        Weight::ZERO => (
            "nothing",
            "a rollout begins with nothing by itself; leave the step out",
        ),
        Weight::FULL => (
            "everything",
            "the promotion after the last step gives it everything; leave the step out",
        ),
        _ => return Some(weight),
    };
    let message = format!("expected from 0.01 % to 99.99 %, got {weight}, which is {what}");
    let problem = field.problem(reader, "out-of-range", message);
    reader.push(problem.hint(hint));
    None
}

fn pause(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Step> {
    match field.value().as_str() {
        Some(APPROVAL) => Some(Step::Approval),
        // Words are no mistyped times, which begin with a digit.
        Some(text) if !text.starts_with(|first: char| first.is_ascii_digit()) => {
            let got = describe(field.value());
            let message =
                format!("expected a duration such as \"10m\", or \"{APPROVAL}\", got {got}");
            let problem = field.problem(reader, "unknown-value", message);
            reader.push(match nearest(text, [APPROVAL]) {
                Some(meant) => problem.hint(format!("did you mean '{meant}'?")),
                None => problem,
            });
            None
        }
        _ => time(field, reader, SECOND).map(Step::Pause),
    }
}

fn gate(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Gate> {
    let mut table = field.table(reader)?;
    let (pairs, agreement) = (table.get("pairs"), table.get("agreement"));
    let (sample, deadline) = (table.get("sample"), table.get("deadline"));
    table.finish(reader);
    let usual = Gate::default();
    let pairs = optional(pairs, |f| f.whole(reader, 1..=MAX_PAIRS));
    let agreement = optional(agreement, |f| share(f, reader, 0.0..=1.0));
    let sample = optional(sample, |f| share(f, reader, ONE_SLOT..=1.0));
    let deadline = optional(deadline, |f| time(f, reader, SECOND));
    Some(Gate {
        pairs: pairs?.unwrap_or(usual.pairs),
        agreement: agreement?.unwrap_or(usual.agreement),
        sample: sample?.unwrap_or(usual.sample),
        deadline: deadline?.unwrap_or(usual.deadline),
    })
}

/// The steps so far, as far as the next ones depend on them.
#[derive(Default)]
struct Plan {
    weight: Weight,
}

impl Plan {
    fn take(
        &mut self,
        at: usize,
        step: Step,
        field: &Field<'_>,
        reader: &mut Reader<'_>,
    ) -> Option<Step> {
        match &step {
            Step::Shadow(_) if at > 0 => {
                let message = "only the first step may be a shadow".to_owned();
                let problem = field.problem(reader, "out-of-order", message);
                reader.push(problem.hint(
                    "move it to the front: once callers are answered, their evidence says more",
                ));
                return None;
            }
            Step::SetWeight { weight, reason } => {
                let before = std::mem::replace(&mut self.weight, *weight);
                if *weight < before && reason.is_none() {
                    let message = format!("the weight goes back from {before} to {weight}");
                    let problem = field.problem(reader, "backwards", message);
                    reader.push(problem.hint("add reason = \"…\" to the step if that is meant"));
                    return None;
                }
                if *weight == before {
                    let message = format!("the weight is {weight} already");
                    reader.warn(field, "no-effect", message);
                }
            }
            Step::Analyze(_) if self.weight == Weight::ZERO => {
                let message = "no caller meets the canary before this step: there is nothing to \
                               judge, and it is left by its deadline only";
                let problem = field.problem(reader, "never-concludes", message.to_owned());
                let hint = "put a step { set_weight = 1 } before it";
                reader.push(problem.warning().hint(hint));
            }
            Step::Shadow(_) | Step::Pause(_) | Step::Approval | Step::Analyze(_) => {}
        }
        Some(step)
    }
}

// === writing ===

impl From<&Step> for StepSpec {
    fn from(step: &Step) -> Self {
        match step {
            Step::Shadow(gate) => Self::Shadow {
                shadow: GateSpec {
                    pairs: gate.pairs,
                    agreement: gate.agreement.into(),
                    sample: gate.sample.into(),
                    deadline: duration(gate.deadline),
                },
            },
            Step::SetWeight { weight, reason } => Self::SetWeight {
                set_weight: (*weight).into(),
                reason: reason.clone(),
            },
            Step::Analyze(analysis) => Self::Analyze {
                analyze: analysis.name.clone(),
            },
            Step::Pause(time) => Self::Pause {
                pause: duration(*time),
            },
            Step::Approval => Self::Pause {
                pause: APPROVAL.to_owned(),
            },
        }
    }
}
