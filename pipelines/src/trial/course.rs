//! What the verbs and time make of an experiment.
//!
//! What the numbers say is the business of `report`; no verb waits for it and none is given by it: people ship.

use super::state::{Phase, Refusal, SPLITS, Sight, Step, Trial, Verb};
use crate::bucket::{Slots, Weight, WeightsError};
use crate::fleet::Now;
use crate::spec::experiment::Experiment;

/// The course of an experiment that begins.
///
/// # Errors
/// [`WeightsError`] where the weights make no split; a compiled specification has none such.
pub fn begin(id: u64, spec: &Experiment, now: Now) -> Result<Trial, WeightsError> {
    let weights: Vec<Weight> = spec.arms.iter().map(|(_, weight)| *weight).collect();
    let split = Slots::new(&weights)?;
    Ok(Trial {
        id,
        phase: Phase::Preparing,
        slots: only(&split, 0)?,
        split,
        segment: 0,
        splits: 1,
        since: now.wall,
        why: "the arms' versions are made ready; the baseline answers all".to_owned(),
    })
}

/// What a verb makes of the course.
///
/// # Errors
/// [`Refusal`] where it has no sense now.
pub fn command(trial: &Trial, spec: &Experiment, verb: &Verb, now: Now) -> Result<Step, Refusal> {
    if let Some(how) = trial.over(spec) {
        return Err(Refusal::Over { how });
    }
    match verb {
        Verb::Stop { by, why } => {
            let sentence = format!("stopped by {by}: {why}; the baseline answers all");
            let (by, why) = (by.clone(), why.clone());
            let slots = only(&trial.split, 0)?;
            Ok(trial.step(
                Phase::Stopped { by, why },
                slots,
                "experiment.stop",
                sentence,
                now,
            ))
        }
        Verb::Ship { arm: name, by } => {
            let arm = find(spec, name)?;
            let slots = only(&trial.split, arm)?;
            let why = format!("{by} ships '{name}': it answers all from now on");
            Ok(trial.step(Phase::Shipped { arm }, slots, "experiment.ship", why, now))
        }
        Verb::SetWeights(weights) => trial.set_weights(spec, weights, now),
        Verb::Pause { why } => {
            if trial.phase == Phase::Paused {
                return Err(trial.misplaced("pause"));
            }
            let slots = only(&trial.split, 0)?;
            let why = format!("paused: {why}; the baseline answers all");
            Ok(trial.step(Phase::Paused, slots, "experiment.pause", why, now))
        }
        Verb::Resume => {
            if trial.phase != Phase::Paused {
                return Err(trial.misplaced("resume"));
            }
            // The versions may have left meanwhile: the next tick lets it run when they are ready.
            let why = "resumed; the arms take their traffic when all are ready".to_owned();
            let slots = trial.slots.clone();
            Ok(trial.step(Phase::Preparing, slots, "experiment.resume", why, now))
        }
    }
}

/// What time makes of the course.
#[must_use]
pub fn tick(trial: &Trial, spec: &Experiment, sight: &Sight, now: Now) -> Option<Step> {
    if trial.phase != Phase::Preparing || sight.waiting.is_some() {
        return None;
    }
    let why = format!(
        "all {} arms are ready and take their traffic",
        spec.arms.len()
    );
    let slots = trial.split.clone();
    Some(trial.step(Phase::Running, slots, "experiment.run", why, now))
}

/// The split with all slots in one arm's hands.
fn only(split: &Slots, arm: usize) -> Result<Slots, WeightsError> {
    let mut weights = vec![Weight::ZERO; split.arms()];
    if let Some(weight) = weights.get_mut(arm) {
        *weight = Weight::FULL;
    }
    split.reweigh(&weights)
}

fn find(spec: &Experiment, name: &str) -> Result<usize, Refusal> {
    let names = || spec.arms.iter().map(|(arm, _)| arm.name.as_str());
    names()
        .position(|arm| arm == name)
        .ok_or_else(|| Refusal::Arm {
            arm: name.to_owned(),
            known: names().collect::<Vec<_>>().join(", "),
        })
}

// === impl Trial ===

impl Trial {
    fn over(&self, spec: &Experiment) -> Option<String> {
        match &self.phase {
            Phase::Preparing | Phase::Running | Phase::Paused => None,
            Phase::Stopped { by, why } => Some(format!("{by} stopped it: {why}")),
            Phase::Shipped { arm } => {
                let arm = spec
                    .arms
                    .get(*arm)
                    .map_or("an arm", |(arm, _)| arm.name.as_str());
                Some(format!("'{arm}' was shipped"))
            }
        }
    }

    fn misplaced(&self, verb: &'static str) -> Refusal {
        let phase = self.word();
        Refusal::Phase { verb, phase }
    }

    fn set_weights(
        &self,
        spec: &Experiment,
        weights: &[Weight],
        now: Now,
    ) -> Result<Step, Refusal> {
        let (arms, got) = (spec.arms.len(), weights.len());
        if arms != got {
            return Err(Refusal::Count { arms, got });
        }
        let split = self.split.reweigh(weights)?;
        if split == self.split {
            return Err(Refusal::Same);
        }
        if self.splits >= SPLITS {
            return Err(Refusal::Splits);
        }
        let moved = self.split.moved(&split);
        let shown: Vec<String> = weights.iter().map(ToString::to_string).collect();
        let why = format!(
            "weights are now {}; {} of all keys see another arm than before",
            shown.join(" / "),
            Weight::new(moved as u16).unwrap_or(Weight::FULL),
        );
        let slots = match self.phase {
            Phase::Running => split.clone(),
            Phase::Preparing | Phase::Paused | Phase::Stopped { .. } | Phase::Shipped { .. } => {
                self.slots.clone()
            }
        };
        let mut step = self.step(
            self.phase.clone(),
            slots,
            "experiment.set_weights",
            why,
            now,
        );
        step.next.split = split;
        step.next.splits += 1;
        step.next.since = self.since;
        step.numbers = vec![("moved_slots".to_owned(), moved as f64)];
        Ok(step)
    }

    fn step(
        &self,
        phase: Phase,
        slots: Slots,
        action: &'static str,
        why: String,
        now: Now,
    ) -> Step {
        let next = Self {
            segment: self.segment + u32::from(slots != self.slots),
            id: self.id,
            phase,
            slots,
            split: self.split.clone(),
            splits: self.splits,
            since: now.wall,
            why: why.clone(),
        };
        let numbers = vec![("segment".to_owned(), f64::from(next.segment))];
        Step {
            next,
            action,
            why,
            numbers,
        }
    }
}
