//! A case: a rollout, its clocks set by a sight, with all that it is judged by.

use crate::analysis::Readings;
use crate::fleet::Now;
use crate::spec::canary::{Analysis, Canary, Step};

use super::phase::{Hold, Phase, Stay};
use super::rules::Ruling;
use super::sentence::Count;
use super::sight::{Sight, Standing};
use super::state::Rollout;

/// The longest time that counts between two sights, in milliseconds: a machine that slept has shown nothing.
const GAP: u64 = 5_000;

/// A rollout with all that it is judged by.
pub(super) struct Case<'a> {
    /// The rollout before the sight.
    pub(super) before: &'a Rollout,
    /// The rollout, its clocks set.
    pub(super) rollout: Rollout,
    pub(super) spec: &'a Canary,
    pub(super) sight: &'a Sight,
    /// Why it must not advance, whatever the evidence shows.
    pub(super) bar: Option<String>,
    pub(super) wall: u64,
}

// === impl Case ===

impl<'a> Case<'a> {
    pub(super) fn new(before: &'a Rollout, spec: &'a Canary, sight: &'a Sight, now: Now) -> Self {
        let mut case = Self {
            before,
            rollout: before.clone(),
            spec,
            sight,
            bar: None,
            wall: now.wall,
        };
        case.bar = case.barred();
        case.beat();
        case
    }

    /// Why it must not advance: the first of the protective rules bars, and does not act.
    fn barred(&self) -> Option<String> {
        let rollout = self.before;
        let away = |who: &str, standing: &Standing| {
            let why = standing.trouble()?;
            Some(format!("the {who} is not ready: {why}"))
        };
        let frozen = || {
            let own = rollout.frozen(self.spec, self.wall);
            own.or_else(|| self.sight.frozen.clone())
        };
        if let Phase::Paused { by, .. } = &rollout.phase {
            return Some(format!("paused by {by}"));
        }
        // Where all of the traffic is on the canary already, nothing is left to be frozen.
        let frozen = match rollout.phase == Phase::Promoting || rollout.forced.is_some() {
            true => None,
            false => frozen(),
        };
        frozen
            .or_else(|| away("canary", &self.sight.canary))
            .or_else(|| away("stable", &self.sight.stable))
    }

    /// Moves the clocks.
    fn beat(&mut self) {
        let elapsed = self.sight.elapsed.min(GAP);
        let counted = match self.before.pulse.started {
            true => elapsed,
            // The clock of a step starts when it is seen in force, and not before.
            false => 0,
        };
        let runs = match self.before.phase {
            Phase::Preparing => true,
            Phase::Shadow(Stay::Baking | Stay::AwaitingApproval)
            | Phase::Step(Stay::Baking | Stay::AwaitingApproval)
            | Phase::Soaking => self.bar.is_none(),
            Phase::Pending
            | Phase::FailedPrepare(_)
            | Phase::Shadow(Stay::Held(_))
            | Phase::Step(Stay::Held(_))
            | Phase::Promoting
            | Phase::Succeeded
            | Phase::Paused { .. }
            | Phase::Aborting(_)
            | Phase::RolledBack(_)
            | Phase::Superseded { .. } => false,
        };
        let pulse = &mut self.rollout.pulse;
        pulse.started = true;
        if runs {
            pulse.clock += counted;
        }
        if runs && self.before.phase.stay().is_some() {
            pulse.baked += counted;
        }
        pulse.away = match self.sight.canary {
            Standing::Ready => 0,
            Standing::Coming(_) | Standing::Gone(_) => pulse.away + elapsed.max(1),
        };
        if let Some(readings) = &self.sight.readings {
            // Infinite evidence is as good as the largest number, which can be stored.
            pulse.log_harm = readings.harm.log_e.clamp(f64::MIN, f64::MAX);
            pulse.log_srm = readings.log_srm.clamp(f64::MIN, f64::MAX);
        }
        pulse.frozen.clone_from(&self.sight.frozen);
    }

    /// Holds a step, unless something as strong holds it; there is nothing to hold after the steps.
    pub(super) fn hold(&self, hold: Hold, why: impl FnOnce() -> String) -> Ruling {
        let phase = &self.rollout.phase;
        let held = phase.held().is_some_and(|held| held >= hold);
        match phase.stay().is_none() || held {
            true => Ruling::Pass,
            false => Ruling::Hold(hold, why()),
        }
    }

    /// The evidence, unless it was overruled.
    pub(super) fn evidence(&self) -> Option<&Readings> {
        let readings = self.sight.readings.as_ref();
        readings.filter(|_| self.rollout.forced.is_none())
    }

    /// The analysis of the step, where it has one.
    pub(super) fn analyzed(&self) -> Option<&Analysis> {
        match self.rollout.current(self.spec) {
            Some(Step::Analyze(analysis)) => Some(analysis),
            Some(Step::Shadow(_) | Step::SetWeight { .. } | Step::Pause(_) | Step::Approval)
            | None => None,
        }
    }

    /// Whether both versions have met enough.
    pub(super) fn counted(&self, analysis: &Analysis) -> bool {
        // What nobody met shows nothing, even where nothing is asked for.
        let least = analysis.min_units.max(1);
        let readings = self.sight.readings.as_ref();
        readings.is_some_and(|r| r.units.iter().all(|units| *units >= least))
    }

    pub(super) fn few(&self, analysis: &Analysis) -> String {
        let [stable, canary] = match &self.sight.readings {
            Some(readings) => readings.units,
            None => [0; 2],
        };
        format!(
            "{} units on the canary and {} on the stable, where {} each are needed",
            Count(canary),
            Count(stable),
            Count(analysis.min_units.max(1))
        )
    }
}
