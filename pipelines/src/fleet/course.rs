//! Courses: what moves by itself once it was asked for. A canary's rollout, an experiment, a bandit.
//!
//! A course is stored with its pipeline, and each of its transitions is a revision. What it goes through is the
//! business of `rollout`, `trial` and `learning`; here they are one thing with slots and a segment.

use super::Now;
use crate::bucket::Slots;
use crate::learning::{self, Learning};
use crate::rollout::{self, Rollout};
use crate::spec::Policy;
use crate::trial::{self, Trial};

/// A course under way, or ended.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "it is shared behind a pointer")]
pub enum Course {
    /// Of a canary.
    Rollout(Rollout),
    /// Of an experiment.
    Trial(Trial),
    /// Of a bandit.
    Learning(Learning),
}

/// What an admin tells a course.
#[derive(Clone, Debug, PartialEq)]
pub enum Verb {
    /// A rollout.
    Rollout(rollout::Verb),
    /// An experiment.
    Trial(trial::Verb),
    /// A bandit.
    Learning(learning::Verb),
}

/// What the analyst saw of a course.
#[derive(Clone, Debug, PartialEq)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one a second and course"
)]
pub enum Seen {
    /// A rollout.
    Rollout(rollout::Sight),
    /// An experiment.
    Trial(trial::Sight),
    /// A bandit.
    Learning(learning::Sight),
}

/// Where a course moved on to, and what is to be written down about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// The course from now on.
    pub next: Course,
    /// The action's word in the journal.
    pub action: &'static str,
    /// Why, in a sentence.
    pub why: String,
    /// The numbers that it rested on.
    pub numbers: Vec<(String, f64)>,
}

/// What a tick came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Ticked {
    /// Nothing.
    Nothing,
    /// What goes on between transitions changed; no revision is made of it.
    Pulse(Course),
    /// A transition.
    Moved(Moved),
}

/// Why a course does not do what it is told. Nothing was changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A rollout.
    #[error(transparent)]
    Rollout(#[from] rollout::Refusal),
    /// An experiment.
    #[error(transparent)]
    Trial(#[from] trial::Refusal),
    /// A bandit.
    #[error(transparent)]
    Learning(#[from] learning::Refusal),
}

// === impl Course ===

impl Course {
    /// The course that a policy begins; nothing where the policy stands still. `id` is the revision that begins it.
    #[must_use]
    pub fn begin(id: u64, policy: &Policy, now: Now) -> Option<Self> {
        Some(match policy {
            Policy::Standalone { .. } | Policy::Composite(_) => return None,
            Policy::Canary(spec) => Self::Rollout(rollout::begin(id, spec, now)),
            Policy::Experiment(spec) => {
                let trial = trial::begin(id, spec, now);
                Self::Trial(trial.expect("weights were checked when they were read"))
            }
            Policy::Bandit(spec) => {
                let learning = learning::begin(id, spec, now);
                Self::Learning(learning.expect("arms were counted when they were read"))
            }
        })
    }

    /// Whether it is another one at the same place, however long it has been there.
    pub(super) fn is_at(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Rollout(this), Self::Rollout(other)) => {
                let pulse = this.pulse.clone();
                let other = Rollout {
                    pulse,
                    ..other.clone()
                };
                *this == other
            }
            _ => self == other,
        }
    }

    /// The same as a course of its own, as undo brings it back: what it is judged by begins anew, and a rollout waits for
    /// somebody to resume it.
    pub(super) fn brought_back(&self, policy: &Policy, id: u64, actor: &str, now: Now) -> Self {
        let mut course = self.clone();
        match &mut course {
            Self::Rollout(rollout) => {
                rollout.id = id;
                rollout.pulse = rollout::Pulse::default();
            }
            Self::Trial(trial) => trial.id = id,
            Self::Learning(learning) => learning.id = id,
        }
        let pause = Verb::Rollout(rollout::Verb::Pause);
        match course.command(policy, &pause, actor, now) {
            Some(Ok(Some(moved))) => moved.next,
            // It is no rollout, or one that cannot be paused where it is.
            Some(Ok(None) | Err(_)) | None => course,
        }
    }

    /// Its end where another definition of its pipeline takes its place; nothing where it has ended, or knows no such end.
    pub(super) fn superseded(&self, by: u64, now: Now) -> Option<Self> {
        match self {
            Self::Rollout(rollout) => {
                let end = rollout::supersede(rollout, by, now)?;
                Some(Self::Rollout(end.next))
            }
            Self::Trial(_) | Self::Learning(_) => None,
        }
    }

    /// Does what it is told, where that was not done already; nothing where the verb is not one of its kind.
    #[must_use]
    pub fn command(
        &self,
        policy: &Policy,
        verb: &Verb,
        actor: &str,
        now: Now,
    ) -> Option<Result<Option<Moved>, Refusal>> {
        Some(match (self, policy, verb) {
            (Self::Rollout(rollout), Policy::Canary(spec), Verb::Rollout(verb)) => {
                let step = rollout::command(rollout, spec, verb, actor, now);
                step.map(|step| step.map(Moved::from))
                    .map_err(Refusal::from)
            }
            (Self::Trial(trial), Policy::Experiment(spec), Verb::Trial(verb)) => {
                let step = trial::command(trial, spec, verb, now);
                step.map(|step| Some(step.into())).map_err(Refusal::from)
            }
            (Self::Learning(learning), Policy::Bandit(spec), Verb::Learning(verb)) => {
                let step = learning::command(learning, spec, verb, now);
                step.map(|step| Some(step.into())).map_err(Refusal::from)
            }
            _ => return None,
        })
    }

    /// Goes on by itself from what was seen.
    #[must_use]
    pub fn tick(&self, policy: &Policy, seen: &Seen, now: Now) -> Ticked {
        let moved = match (self, policy, seen) {
            (Self::Rollout(rollout), Policy::Canary(spec), Seen::Rollout(sight)) => {
                return match rollout::tick(rollout, spec, sight, now) {
                    rollout::Tick::Quiet(next) => Ticked::Pulse(Self::Rollout(next)),
                    rollout::Tick::Turn(step) => Ticked::Moved(step.into()),
                };
            }
            (Self::Trial(trial), Policy::Experiment(spec), Seen::Trial(sight)) => {
                trial::tick(trial, spec, sight, now).map(Moved::from)
            }
            (Self::Learning(learning), Policy::Bandit(spec), Seen::Learning(sight)) => {
                let step = learning::tick(learning, spec, sight, now);
                // A period that changes nothing is none of the history's business.
                if let Some(step) = &step
                    && (&step.next.phase, &step.next.slots, &step.next.removed)
                        == (&learning.phase, &learning.slots, &learning.removed)
                {
                    return Ticked::Pulse(Self::Learning(step.next.clone()));
                }
                step.map(Moved::from)
            }
            _ => None,
        };
        moved.map_or(Ticked::Nothing, Ticked::Moved)
    }

    /// The revision that began it: evidence of another one is foreign.
    #[must_use]
    pub fn id(&self) -> u64 {
        match self {
            Self::Rollout(rollout) => rollout.id,
            Self::Trial(trial) => trial.id,
            Self::Learning(learning) => learning.id,
        }
    }

    /// The part of it with the slots, versions and thresholds of now.
    #[must_use]
    pub fn segment(&self) -> u32 {
        match self {
            Self::Rollout(rollout) => rollout.segment,
            Self::Trial(trial) => trial.segment,
            Self::Learning(learning) => learning.segment,
        }
    }

    /// Who owns which slot.
    #[must_use]
    pub fn slots(&self) -> &Slots {
        match self {
            Self::Rollout(rollout) => &rollout.slots,
            Self::Trial(trial) => &trial.slots,
            Self::Learning(learning) => &learning.slots,
        }
    }

    /// Whether an arm's version must be in memory.
    #[must_use]
    pub fn needs(&self, arm: usize) -> bool {
        match self {
            Self::Rollout(rollout) => {
                let (stable, canary) = rollout.needs();
                [stable, canary].get(arm).copied().unwrap_or_default()
            }
            Self::Trial(trial) => trial.needs(arm),
            Self::Learning(learning) => learning.needs(arm),
        }
    }

    /// Whether it still moves, so that the analyst looks at it.
    #[must_use]
    pub fn is_active(&self) -> bool {
        match self {
            Self::Rollout(rollout) => rollout.is_active(),
            Self::Trial(trial) => match trial.phase {
                trial::Phase::Preparing | trial::Phase::Running | trial::Phase::Paused => true,
                trial::Phase::Stopped { .. } | trial::Phase::Shipped { .. } => false,
            },
            Self::Learning(learning) => match learning.phase {
                learning::Phase::Preparing | learning::Phase::Running | learning::Phase::Paused => {
                    true
                }
                learning::Phase::Frozen(_) => false,
            },
        }
    }

    /// What it waits for, where it moves still.
    #[must_use]
    pub fn waits(&self) -> Option<String> {
        match self {
            Self::Rollout(rollout) => rollout.waits(),
            Self::Trial(trial) => match trial.phase {
                trial::Phase::Preparing => Some("waits for all arms to be ready".to_owned()),
                trial::Phase::Paused => Some(format!("is paused: {}", trial.why)),
                trial::Phase::Running
                | trial::Phase::Stopped { .. }
                | trial::Phase::Shipped { .. } => None,
            },
            Self::Learning(learning) => match learning.phase {
                learning::Phase::Preparing => Some("waits for all arms to be ready".to_owned()),
                learning::Phase::Paused => Some(format!("is paused: {}", learning.why)),
                learning::Phase::Running | learning::Phase::Frozen(_) => None,
            },
        }
    }

    /// The word for what it is.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Rollout(_) => "rollout",
            Self::Trial(_) => "experiment",
            Self::Learning(_) => "bandit",
        }
    }

    /// The word for where it is.
    #[must_use]
    pub fn phase(&self) -> &'static str {
        match self {
            Self::Rollout(rollout) => rollout.phase.as_str(),
            Self::Trial(trial) => trial.word(),
            Self::Learning(learning) => learning.word(),
        }
    }
}

// === impl Verb ===

impl Verb {
    /// What it is told to.
    #[must_use]
    pub fn course(&self) -> &'static str {
        match self {
            Self::Rollout(_) => "rollout",
            Self::Trial(_) => "experiment",
            Self::Learning(_) => "bandit",
        }
    }
}

// === impl Moved ===

impl From<rollout::Transition> for Moved {
    fn from(step: rollout::Transition) -> Self {
        Self {
            next: Course::Rollout(step.next),
            action: step.action,
            why: step.why,
            numbers: step.numbers,
        }
    }
}

impl From<trial::Step> for Moved {
    fn from(step: trial::Step) -> Self {
        Self {
            next: Course::Trial(step.next),
            action: step.action,
            why: step.why,
            numbers: step.numbers,
        }
    }
}

impl From<learning::Step> for Moved {
    fn from(step: learning::Step) -> Self {
        Self {
            next: Course::Learning(step.next),
            action: step.action,
            why: step.why,
            numbers: step.numbers,
        }
    }
}
