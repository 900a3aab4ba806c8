//! What the verbs, time and rewards make of a bandit.

use std::collections::{BTreeMap, BTreeSet};

use super::limit;
use super::readings::Readings;
use super::state::{Ending, Learning, Phase, Refusal, Removal, Sight, Step, Verb};
use crate::bucket::{Slots, Weight, WeightsError};
use crate::fleet::Now;
use crate::spec::bandit::Bandit;

/// Who removes an arm where nobody asked.
const DAEMON: &str = "impresario";

/// The course of a bandit that begins: all arms have the same share.
///
/// # Errors
/// [`WeightsError`] where there are too many arms; a compiled specification has not.
pub fn begin(id: u64, spec: &Bandit, now: Now) -> Result<Learning, WeightsError> {
    let arms = spec.arms.len();
    let split = Slots::new(&limit::weights(&vec![1.0; arms]))?;
    Ok(Learning {
        id,
        phase: Phase::Preparing,
        slots: only(&split, 0)?,
        split,
        segment: 0,
        periods: 0,
        best: None,
        removed: BTreeMap::new(),
        since: now.wall,
        why: "the arms' versions are made ready; the baseline answers all".to_owned(),
    })
}

/// What a verb makes of the course.
///
/// # Errors
/// [`Refusal`] where it has no sense now.
pub fn command(learning: &Learning, spec: &Bandit, verb: &Verb, now: Now) -> Result<Step, Refusal> {
    if let Phase::Frozen(ending) = &learning.phase {
        let how = match ending {
            Ending::Experiment => "an experiment took its place".to_owned(),
            Ending::Standalone { arm } => format!("'{}' took its place", name(spec, *arm)),
        };
        return Err(Refusal::Over { how });
    }
    match verb {
        Verb::FreezeExperiment => {
            let why = format!("an experiment goes on: {}", shares(spec, &learning.split));
            let slots = learning.split.clone();
            let phase = Phase::Frozen(Ending::Experiment);
            Ok(learning.step(spec, phase, slots, "bandit.freeze", why, now))
        }
        Verb::FreezeBest => {
            let best = learning
                .best
                .filter(|arm| !learning.removed.contains_key(arm));
            let arm = best.ok_or(Refusal::Unknown)?;
            let why = format!(
                "'{}' is likeliest the best and answers all",
                name(spec, arm)
            );
            let slots = only(&learning.split, arm)?;
            let phase = Phase::Frozen(Ending::Standalone { arm });
            Ok(learning.step(spec, phase, slots, "bandit.freeze", why, now))
        }
        Verb::Pause { why } => {
            if learning.phase != Phase::Running {
                return Err(learning.misplaced("pause"));
            }
            let why = format!("paused: {why}; shares stay as they are");
            let slots = learning.slots.clone();
            Ok(learning.step(spec, Phase::Paused, slots, "bandit.pause", why, now))
        }
        Verb::Resume => {
            if learning.phase != Phase::Paused {
                return Err(learning.misplaced("resume"));
            }
            let why = "resumed; shares follow rewards again".to_owned();
            let slots = learning.slots.clone();
            Ok(learning.step(spec, Phase::Running, slots, "bandit.resume", why, now))
        }
        Verb::RemoveArm { arm, by, why } => {
            let index = find(spec, arm)?;
            learning.remove(spec, (index, arm), by, why, now)
        }
        Verb::RestoreArm { arm } => {
            let index = find(spec, arm)?;
            learning.restore(spec, (index, arm), now)
        }
    }
}

/// What time and rewards make of the course: an arm that is shown to be unsafe is removed at once; shares change once a
/// period.
#[must_use]
pub fn tick(learning: &Learning, spec: &Bandit, sight: &Sight, now: Now) -> Option<Step> {
    match &learning.phase {
        Phase::Preparing if sight.waiting.is_none() => {
            let why = format!("all arms are ready: {}", shares(spec, &learning.split));
            let slots = learning.split.clone();
            Some(learning.step(spec, Phase::Running, slots, "bandit.run", why, now))
        }
        Phase::Running | Phase::Paused => {
            let readings = sight.readings.as_ref()?;
            let removal = learning.safeguard(spec, readings, now);
            removal.or_else(|| learning.follow(spec, readings, sight.elapsed, now))
        }
        Phase::Preparing | Phase::Frozen(_) => None,
    }
}

/// The split with all slots in one arm's hands.
fn only(split: &Slots, arm: usize) -> Result<Slots, WeightsError> {
    let mut weights = vec![Weight::ZERO; split.arms()];
    if let Some(weight) = weights.get_mut(arm) {
        *weight = Weight::FULL;
    }
    split.reweigh(&weights)
}

fn find(spec: &Bandit, name: &str) -> Result<usize, Refusal> {
    let names = || spec.arms.iter().map(|arm| arm.name.as_str());
    names()
        .position(|arm| arm == name)
        .ok_or_else(|| Refusal::Arm {
            arm: name.to_owned(),
            known: names().collect::<Vec<_>>().join(", "),
        })
}

fn name(spec: &Bandit, arm: usize) -> &str {
    spec.arms.get(arm).map_or("", |arm| arm.name.as_str())
}

fn shares(spec: &Bandit, slots: &Slots) -> String {
    let each = spec.arms.iter().zip(slots.weights());
    let each = each.map(|(arm, weight)| format!("'{}' has {weight}", arm.name.as_str()));
    each.collect::<Vec<_>>().join(", ")
}

// === impl Learning ===

impl Learning {
    fn misplaced(&self, verb: &'static str) -> Refusal {
        let phase = self.word();
        Refusal::Phase { verb, phase }
    }

    fn present(&self) -> Vec<f64> {
        let weights = self.split.weights().iter();
        weights.map(|weight| weight.share()).collect()
    }

    fn remove(
        &self,
        spec: &Bandit,
        (index, arm): (usize, &str),
        by: &str,
        why: &str,
        now: Now,
    ) -> Result<Step, Refusal> {
        let arm = arm.to_owned();
        if index == 0 {
            return Err(Refusal::Baseline { arm });
        }
        if let Some(Removal { by, why }) = self.removed.get(&index) {
            let (by, why) = (by.clone(), why.clone());
            return Err(Refusal::Removed { arm, by, why });
        }
        let mut next = self.clone();
        let (by, why) = (by.to_owned(), why.to_owned());
        let sentence = format!("{by} removes '{arm}': {why}");
        next.removed.insert(index, Removal { by, why });
        next.best = next.best.filter(|best| *best != index);
        let split = self
            .split
            .reweigh(&limit::weights(&limit::without(&self.present(), index)))?;
        Ok(next.reweighed(spec, split, "bandit.remove_arm", sentence, now))
    }

    fn restore(
        &self,
        spec: &Bandit,
        (index, arm): (usize, &str),
        now: Now,
    ) -> Result<Step, Refusal> {
        let mut next = self.clone();
        if next.removed.remove(&index).is_none() {
            let arm = arm.to_owned();
            return Err(Refusal::Present { arm });
        }
        let active: BTreeSet<usize> = next.active().collect();
        let shares = limit::with(&self.present(), index, &active, spec.floor);
        let split = self.split.reweigh(&limit::weights(&shares))?;
        let why = format!(
            "'{arm}' is restored to its floor, {}",
            split.weights()[index]
        );
        Ok(next.reweighed(spec, split, "bandit.restore_arm", why, now))
    }

    fn safeguard(&self, spec: &Bandit, readings: &Readings, now: Now) -> Option<Step> {
        let harm = readings
            .harms
            .iter()
            .find(|harm| !self.removed.contains_key(&harm.arm))?;
        let arm = (harm.arm, name(spec, harm.arm));
        self.remove(spec, arm, DAEMON, &harm.why, now).ok()
    }

    fn follow(&self, spec: &Bandit, readings: &Readings, elapsed: u64, now: Now) -> Option<Step> {
        let due = u128::from(elapsed) >= spec.period.as_millis();
        if self.phase != Phase::Running || !due {
            return None;
        }
        let mut next = self.clone();
        next.periods += 1;
        if !readings.known {
            let why = "there are no rewards yet; shares stay as they are".to_owned();
            let split = self.split.clone();
            return Some(next.reweighed(spec, split, "bandit.reweigh", why, now));
        }
        let wanted: Vec<f64> = readings.arms.iter().map(|arm| arm.share).collect();
        let active: BTreeSet<usize> = self.active().collect();
        let present = self.present();
        let shares = limit::toward(&present, &wanted, &active, spec.floor, spec.max_change);
        let split = self.split.reweigh(&limit::weights(&shares)).ok()?;
        let chance = |arm: usize| readings.arms.get(arm).map_or(0.0, |reading| reading.chance);
        next.best = active
            .iter()
            .copied()
            .max_by(|a, b| chance(*a).total_cmp(&chance(*b)));
        let best = next.best.unwrap_or_default();
        let why = format!(
            "'{}' is the best with probability {:.3}, at a mean reward of {:.4}; {}",
            name(spec, best),
            chance(best),
            readings.arms.get(best).map_or(0.0, |reading| reading.mean),
            self::shares(spec, &split)
        );
        let mut step = next.reweighed(spec, split, "bandit.reweigh", why, now);
        for (arm, reading) in spec.arms.iter().zip(&readings.arms) {
            let arm = arm.name.as_str();
            step.numbers.push((format!("n.{arm}"), reading.n));
            step.numbers.push((format!("mean.{arm}"), reading.mean));
            step.numbers.push((format!("chance.{arm}"), reading.chance));
        }
        Some(step)
    }

    /// With another split, which holds at once unless the baseline answers all for now.
    fn reweighed(
        &self,
        spec: &Bandit,
        split: Slots,
        action: &'static str,
        why: String,
        now: Now,
    ) -> Step {
        let slots = match self.phase {
            Phase::Running | Phase::Paused => split.clone(),
            Phase::Preparing | Phase::Frozen(_) => self.slots.clone(),
        };
        let with = Self {
            split,
            ..self.clone()
        };
        with.step(spec, self.phase.clone(), slots, action, why, now)
    }

    fn step(
        &self,
        spec: &Bandit,
        phase: Phase,
        slots: Slots,
        action: &'static str,
        why: String,
        now: Now,
    ) -> Step {
        let weights = spec.arms.iter().zip(self.split.weights());
        let numbers = weights
            .map(|(arm, weight)| (format!("weight.{}", arm.name.as_str()), weight.share()))
            .collect();
        let next = Self {
            segment: self.segment + u32::from(slots != self.slots),
            phase,
            slots,
            since: now.wall,
            why: why.clone(),
            ..self.clone()
        };
        Step {
            next,
            action,
            why,
            numbers,
        }
    }
}
