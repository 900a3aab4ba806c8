//! Steering: what admins tell a course, what the analyst saw of it, and the freezes that hold all of them.

use std::sync::Arc;

use impresario_models::{Name, VersionNumber};

use super::Fleet;
use super::command::Draft;
use super::course::{Course, Moved, Seen as Sight, Ticked, Verb};
use super::input::{By, Judged, Now, Source};
use super::observed::Phase;
use super::put::{Asked, Origin};
use super::rejection::Rejection;
use super::routing::{Change, Diff, Entry, Freeze, Promise};
use crate::bucket::Weight;
use crate::learning::Learning;
use crate::learning::{self, Ending};
use crate::rollout;
use crate::spec::bandit::RewardKind;
use crate::spec::experiment::{Better, Goal, GoalKind};
use crate::spec::{Bandit, Experiment, Pipeline, Policy, VersionSelector};
use crate::table::{self, Standing};
use crate::trial;
use crate::variant::Arm;

/// Who changes the fleet where nobody asked.
const DAEMON: &str = "impresario";

impl Draft<'_> {
    /// Tells a course of a pipeline something; gives the action's word.
    pub(super) fn steer(
        &mut self,
        name: Name,
        mut verb: Verb,
        by: &mut By,
        now: Now,
    ) -> Result<&'static str, Rejection> {
        if let Verb::Rollout(rollout::Verb::Retry { id }) = &mut verb {
            *id = self.revision.0;
        }
        let Some(entry) = self.fleet.routing.pipelines.get(&name) else {
            return Err(Rejection::UnknownPipeline { name });
        };
        let course = entry.course.clone();
        let none = || Rejection::NoCourse {
            name: name.clone(),
            wanted: verb.course(),
            policy: entry.pipeline.policy().kind(),
        };
        let course = course.ok_or_else(none)?;
        let moved = course.command(entry.pipeline.policy(), &verb, &by.actor, now);
        let moved = moved.ok_or_else(none)?;
        let moved = moved.map_err(|why| Rejection::Refused {
            name: name.clone(),
            why,
        })?;
        let Some(moved) = moved else {
            return Ok(verb.course());
        };
        let action = moved.action;
        let replaced = replacement(&entry.pipeline, &moved.next);
        let (_, why) = self.move_on(&name, moved, Some(by.source));
        // The record says what it came to, whatever words the actor had for it.
        by.reason = Some(match by.reason.take() {
            Some(reason) if !why.contains(&reason) => format!("{why} ({reason})"),
            Some(_) | None => why,
        });
        if let Some(pipeline) = replaced {
            let asked = Asked {
                pipeline,
                promise: Promise::Waived,
                origin: Origin::Course,
            };
            self.put(name, Some(asked), by, now)?;
        }
        Ok(action)
    }

    /// Takes in where a course moved on to; gives the action's word and why.
    fn move_on(&mut self, name: &Name, moved: Moved, asked: Option<Source>) -> (String, String) {
        let entry = self.fleet.routing.pipelines.get_mut(name);
        let entry = entry.expect("a course belongs to a pipeline that is there");
        let after = Some(Arc::new(moved.next));
        let before = std::mem::replace(&mut entry.course, after.clone());
        if let Some(source) = asked {
            entry.revision = self.revision;
            entry.source = source;
        }
        self.diffs.push(Diff {
            name: name.clone(),
            change: Change::Course { before, after },
        });
        self.numbers.extend(moved.numbers);
        (moved.action.to_owned(), moved.why)
    }

    pub(super) fn freeze(&mut self, until: Option<u64>, by: &By) {
        let freeze = Some(Freeze {
            actor: by.actor.clone(),
            reason: by.reason.clone(),
            until,
        });
        self.retried |= self.fleet.routing.freeze != freeze;
        self.fleet.routing.freeze = freeze;
    }

    pub(super) fn unfreeze(&mut self) {
        self.retried |= self.fleet.routing.freeze.take().is_some();
    }
}

/// Takes in what the analyst saw of a course. What it saw of another one is without effect.
pub(super) fn judged(fleet: &mut Fleet, judged: Judged, now: Now) {
    let Judged {
        pipeline: name,
        course: id,
        seen,
    } = judged;
    let Some(entry) = fleet.routing.pipelines.get(&name) else {
        return;
    };
    let course = entry.course.clone();
    let Some(course) = course.filter(|course| course.id() == id && course.is_active()) else {
        return;
    };
    let sight = look(fleet, &name, entry, seen, now);
    let moved = match course.tick(entry.pipeline.policy(), &sight, now) {
        Ticked::Nothing => return,
        Ticked::Pulse(next) => {
            let entry = fleet.routing.pipelines.get_mut(&name);
            entry.expect("it was just looked at").course = Some(Arc::new(next));
            return;
        }
        Ticked::Moved(moved) => moved,
    };
    let mut draft = Draft::new(fleet);
    let (action, why) = draft.move_on(&name, moved, None);
    let by = By {
        actor: DAEMON.to_owned(),
        source: Source::Daemon,
        reason: Some(why),
    };
    draft.record(&action, by, now);
}

/// What was seen, with what the fleet itself knows of the versions.
fn look(fleet: &Fleet, name: &Name, entry: &Entry, mut seen: Sight, now: Now) -> Sight {
    match (&mut seen, entry.pipeline.policy()) {
        (Sight::Rollout(sight), Policy::Canary(spec)) => {
            let answers = entry.primary().1 == Some(spec.stable);
            let barred = barred(fleet, name).filter(|_| answers);
            sight.stable = match (state(fleet, &spec.model, spec.stable), barred) {
                // It is there, and still another one answers.
                (rollout::Standing::Ready, Some(why)) => rollout::Standing::Gone(why),
                (stable, _) => stable,
            };
            sight.canary = match &entry.breaks(fleet, &spec.model, spec.canary)[..] {
                [] => state(fleet, &spec.model, spec.canary),
                [first, rest @ ..] => rollout::Standing::Gone(format!(
                    "its contract breaks what callers rely on: {first}{}",
                    more(rest.len())
                )),
            };
            sight.frozen = frozen(fleet, now);
        }
        (Sight::Trial(sight), _) => sight.waiting = waiting(fleet, name, entry),
        (Sight::Learning(sight), _) => sight.waiting = waiting(fleet, name, entry),
        (Sight::Rollout(_), _) => {}
    }
    seen
}

/// Why the version that is to answer by itself does not: another one is kept, or nobody answers.
fn barred(fleet: &Fleet, name: &Name) -> Option<String> {
    match table::standing(fleet, name) {
        Standing::Serving { .. } => None,
        Standing::Kept { waiting: why, .. } | Standing::Nobody(why) => Some(why.why),
    }
}

/// The pipeline that a course leaves behind when it ends by a decision: the arm that was shipped, or the experiment that
/// goes on where a bandit was frozen.
fn replacement(pipeline: &Pipeline, course: &Course) -> Option<Pipeline> {
    let standalone = |arm: &Arm| Policy::Standalone {
        model: arm.model.clone(),
        version: VersionSelector::Number(arm.version),
    };
    let policy = match (pipeline.policy(), course) {
        (Policy::Experiment(spec), Course::Trial(trial)) => match trial.phase {
            trial::Phase::Shipped { arm } => standalone(&spec.arms.get(arm)?.0),
            _ => return None,
        },
        (Policy::Bandit(spec), Course::Learning(learning)) => match &learning.phase {
            learning::Phase::Frozen(Ending::Standalone { arm }) => standalone(spec.arms.get(*arm)?),
            learning::Phase::Frozen(Ending::Experiment) => {
                let experiment = experiment(spec, learning);
                match &experiment.arms[..] {
                    // All others were removed.
                    [(arm, _)] => standalone(arm),
                    _ => Policy::Experiment(Arc::new(experiment)),
                }
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(pipeline.with(policy))
}

/// The experiment that goes on with the shares that a bandit had.
fn experiment(spec: &Bandit, learning: &Learning) -> Experiment {
    let weights = learning.slots.weights().iter().copied();
    let arms = spec.arms.iter().cloned().zip(weights);
    let kind = match spec.reward.kind {
        RewardKind::Binary => GoalKind::Binary,
        RewardKind::Number => GoalKind::Mean {
            cap: None,
            covariate: None,
        },
    };
    Experiment {
        // An arm that was removed takes no part.
        arms: arms.filter(|(_, weight)| *weight > Weight::ZERO).collect(),
        seed: spec.seed.clone(),
        namespace: None,
        goals: vec![Goal {
            metric: spec.reward.metric.clone(),
            kind,
            better: Better::Higher,
            mde: Goal::MDE,
        }],
        guardrails: spec.safety.clone(),
        segments: Vec::new(),
        alpha: Experiment::ALPHA,
        min_units: Experiment::MIN_UNITS,
        feedback_within: spec.reward_within,
    }
}

fn more(left: usize) -> String {
    match left {
        0 => String::new(),
        left => format!(", and {left} more"),
    }
}

/// Whether a version can answer, or will.
fn state(fleet: &Fleet, model: &Name, version: VersionNumber) -> rollout::Standing {
    let Some(seen) = fleet.observed.version(model.as_str(), version) else {
        return rollout::Standing::Gone(format!("model '{model}' has no version {version}"));
    };
    let trouble = || seen.trouble.clone().unwrap_or_default();
    match seen.phase {
        Phase::Ready => rollout::Standing::Ready,
        Phase::Restarting { .. } => {
            rollout::Standing::Coming(format!("it restarts after a crash: {}", trouble()))
        }
        Phase::Quarantined => {
            rollout::Standing::Gone(format!("it crashed too often: {}", trouble()))
        }
        Phase::Failed => rollout::Standing::Gone(match &seen.waits {
            Some(waits) => format!("it cannot answer: {waits}"),
            None => format!("it could not be loaded: {}", trouble()),
        }),
        Phase::Discovered | Phase::Loading(_) | Phase::Unloaded | Phase::Draining => {
            rollout::Standing::Coming(match &seen.waits {
                Some(waits) => format!("it waits: {waits}"),
                None => format!("it is {}", seen.phase.as_str()),
            })
        }
    }
}

/// The first arm that is not ready, and why.
fn waiting(fleet: &Fleet, name: &Name, entry: &Entry) -> Option<String> {
    let away = entry
        .legs()
        .into_iter()
        .find_map(|(variant, model, version)| {
            if let Some(breach) = entry.breaks(fleet, model, version).first() {
                return Some(format!(
                    "arm '{variant}' breaks what callers rely on: {breach}"
                ));
            }
            match state(fleet, model, version) {
                rollout::Standing::Ready => None,
                rollout::Standing::Coming(why) | rollout::Standing::Gone(why) => Some(format!(
                    "arm '{variant}' (model '{model}' version {version}): {why}"
                )),
            }
        });
    away.or_else(|| barred(fleet, name))
}

/// Why nothing advances, where somebody said so for all pipelines.
fn frozen(fleet: &Fleet, now: Now) -> Option<String> {
    let freeze = fleet.routing.freeze.as_ref()?;
    if freeze.until.is_some_and(|until| until <= now.wall) {
        return None;
    }
    let reason = freeze.reason.as_deref().unwrap_or("no reason was given");
    Some(format!("{} froze all rollouts: {reason}", freeze.actor))
}
