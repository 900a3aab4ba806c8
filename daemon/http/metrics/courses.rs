//! What moves the shares of variants: rollouts and the evidence that they are judged by, experiments and bandits.
//!
//! Evidence is shown as what `GET …/rollout` shows it as: natural logarithms of e-values, beside what they have to reach.

use impresario_models::Name;
use impresario_pipelines::Variant;
use impresario_pipelines::analysis::{CANARY, Readings, STABLE};
use impresario_pipelines::fleet::Course;
use impresario_pipelines::spec::Policy;
use impresario_pipelines::table::Resolved;

use super::family::{Family, Labels, labels, with};
use super::{Shown, name};
use crate::actors::Snapshot;

/// Every word that a rollout's phase can have.
pub(super) const PHASES: [&str; 14] = [
    "pending",
    "preparing",
    "failed-prepare",
    "shadow",
    "baking",
    "held",
    "awaiting-approval",
    "promoting",
    "soaking",
    "succeeded",
    "paused",
    "aborting",
    "rolled-back",
    "superseded",
];

pub(super) fn put(families: &mut Vec<Family>, shown: &Shown<'_>) {
    families.push(weights(shown.snapshot));
    rollouts(families, shown.snapshot);
    evidence(families, shown);
    trials(families, shown);
    learning(families, shown);
}

/// The shares of the variants of every pipeline that is defined; a model without a pipeline has one variant, and no need.
fn weights(snapshot: &Snapshot) -> Family {
    let mut family = Family::gauge(name::WEIGHT, "the variant's part of all requests, 0 to 1");
    for name in snapshot.fleet.routing.pipelines.keys() {
        let Some(route) = snapshot.table.route(name.as_str()) else {
            continue;
        };
        match &route.policy {
            Resolved::Standalone(_) => family.put(of(name, Variant::STANDALONE.as_str()), 1.0),
            Resolved::Split(split) => {
                for (arm, leg) in split.legs.iter().enumerate() {
                    family.put(of(name, leg.variant.as_str()), split.slots.share(arm));
                }
            }
        }
    }
    family
}

fn rollouts(families: &mut Vec<Family>, snapshot: &Snapshot) {
    let mut phase = Family::gauge(
        name::ROLLOUT_PHASE,
        "1 for the phase that the pipeline's newest rollout is in, 0 for the others",
    );
    let mut step = Family::gauge(
        name::ROLLOUT_STEP,
        "the step that the rollout is in, from 1; 0 before and after its steps",
    );
    let mut steps = Family::gauge(name::ROLLOUT_STEPS, "the steps that the rollout has");
    for (name, entry) in &snapshot.fleet.routing.pipelines {
        let (Some(Course::Rollout(rollout)), Policy::Canary(spec)) =
            (entry.course.as_deref(), entry.pipeline.policy())
        else {
            continue;
        };
        let labels = labels([("pipeline", name)]);
        let is = rollout.phase.as_str();
        debug_assert!(PHASES.contains(&is), "{is} is not among the phases shown");
        for one in PHASES {
            phase.put(with(&labels, "phase", one), one == is);
        }
        let within = rollout.phase.stay().map_or(0, |_| rollout.step + 1);
        step.put(labels.clone(), within);
        steps.put(labels, spec.steps.len());
    }
    families.extend([phase, step, steps]);
}

fn evidence(families: &mut Vec<Family>, shown: &Shown<'_>) {
    let mut units = Family::gauge(name::ROLLOUT_UNITS, "units that the rollout is judged by");
    let mut events = Family::gauge(
        name::ROLLOUT_EVENTS,
        "bad events of the guardrail, such as failed requests",
    );
    let mut of_all = Family::gauge(
        name::ROLLOUT_OF,
        "the units or requests that the guardrail's bad events are events of",
    );
    let judged = |(name, seen): &(Name, super::Seen)| Some((name.clone(), seen.readings.clone()?));
    let judged: Vec<_> = shown.courses.iter().filter_map(judged).collect();
    for (name, readings) in &judged {
        for (variant, arm) in [(Variant::STABLE, STABLE), (Variant::CANARY, CANARY)] {
            let labels = of(name, variant.as_str());
            units.put(labels.clone(), readings.units[arm]);
            for guardrail in &readings.guardrails {
                let labels = with(&labels, "metric", guardrail.metric);
                events.put(labels.clone(), guardrail.events[arm]);
                of_all.put(labels, guardrail.of[arm]);
            }
        }
    }
    families.extend([units, events, of_all]);
    type Number = fn(&Readings) -> f64;
    let of_rollout: [(_, _, Number); 3] = [
        (
            name::ROLLOUT_HARM,
            "the evidence that the canary does harm, as the natural logarithm of an e-value",
            |readings| readings.harm.log_e,
        ),
        (
            name::ROLLOUT_HARM_THRESHOLD,
            "where the evidence of harm aborts the rollout",
            |readings| readings.harm.bar,
        ),
        (
            name::ROLLOUT_SAMPLE_RATIO,
            "the evidence that the shares are not those asked for, as the natural logarithm of an e-value",
            |readings| readings.log_srm,
        ),
    ];
    for (name, help, number) in of_rollout {
        let mut family = Family::gauge(name, help);
        for (pipeline, readings) in &judged {
            family.put(labels([("pipeline", pipeline)]), number(readings));
        }
        families.push(family);
    }
    let mut harm = Family::gauge(
        name::ROLLOUT_GUARDRAIL_HARM,
        "the guardrail's evidence of harm, as the natural logarithm of an e-value",
    );
    let mut safety = Family::gauge(
        name::ROLLOUT_GUARDRAIL_SAFETY,
        "the guardrail's evidence of safety, as the natural logarithm of an e-value",
    );
    let mut safe = Family::gauge(
        name::ROLLOUT_GUARDRAIL_SAFE,
        "whether the guardrail is proven safe",
    );
    for (name, readings) in &judged {
        for guardrail in &readings.guardrails {
            let labels = labels([("pipeline", name), ("metric", &guardrail.metric)]);
            harm.put(labels.clone(), guardrail.log_e_harm);
            safety.put(labels.clone(), guardrail.log_e_safe);
            safe.put(labels, guardrail.safe.is_some());
        }
    }
    families.extend([harm, safety, safe]);
}

fn trials(families: &mut Vec<Family>, shown: &Shown<'_>) {
    let mut units = Family::gauge(name::EXPERIMENT_UNITS, "units of the experiment's arm");
    let mut requests = Family::gauge(
        name::EXPERIMENT_REQUESTS,
        "requests of the experiment's arm",
    );
    for (name, seen) in shown.courses {
        for arm in seen.trial.iter().flat_map(|report| &report.arms) {
            let labels = of(name, &arm.name);
            units.put(labels.clone(), arm.units);
            requests.put(labels, arm.requests);
        }
    }
    families.extend([units, requests]);
}

fn learning(families: &mut Vec<Family>, shown: &Shown<'_>) {
    let mut times = Family::gauge(name::BANDIT_SHOWN, "times that the bandit showed the arm");
    let mut reward = Family::gauge(name::BANDIT_REWARD, "the mean reward of the bandit's arm");
    let mut best = Family::gauge(
        name::BANDIT_BEST,
        "the probability that the bandit's arm is the best",
    );
    for (name, seen) in shown.courses {
        for arm in seen.learning.iter().flat_map(|report| &report.arms) {
            let labels = of(name, &arm.name);
            times.put(labels.clone(), arm.shown);
            reward.put(labels.clone(), arm.mean);
            best.put(labels, arm.chance);
        }
    }
    families.extend([times, reward, best]);
}

fn of(pipeline: &Name, variant: &str) -> Labels {
    labels([("pipeline", pipeline), ("variant", &variant)])
}
