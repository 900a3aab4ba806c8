//! A rollout's state: where it is, who has which slots, and what its clocks say. Plain data, to be stored as it is.

use std::sync::Arc;

use impresario_models::VersionNumber;

use crate::analysis::{CANARY, Thresholds};
use crate::bucket::{Slots, Weight};
use crate::spec::canary::{Analysis, Canary, Step};

use super::phase::{Hold, Phase, Place};
use super::sentence::{Odds, span, words};

/// A canary on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    /// The revision that began it; evidence of another one is foreign.
    pub id: u64,
    /// Where it is.
    pub phase: Phase,
    /// Its place among the steps, from 0; their number once it is promoted.
    pub step: usize,
    /// Who has which slots: arm 0 is the stable, arm 1 the canary.
    pub slots: Slots,
    /// The weight that a step or somebody gave the canary. It has nothing while it is not there.
    pub target: Weight,
    /// Counts up with each change of weights or thresholds; evidence is kept by it.
    pub segment: u32,
    /// Counts up with each transition; what was seen before the newest one is not judged by it.
    pub turn: u64,
    /// What is slow, once that is frozen.
    pub thresholds: Option<Thresholds>,
    /// Somebody asked that it does not advance.
    pub freeze: Option<Freeze>,
    /// It was promoted in full before it was ready: the steps are left out.
    pub express: bool,
    /// It was promoted in full against the evidence, for this reason: the evidence aborts it no more.
    pub forced: Option<String>,
    /// When the newest transition was, in milliseconds since 1970; for display.
    pub since: u64,
    /// What the newest transition was, in a sentence.
    pub why: String,
    /// What goes on between transitions.
    pub pulse: Pulse,
}

/// What goes on between transitions: it changes with every tick, and no revision is made of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pulse {
    /// Whether what the newest transition asks for has been seen in force; the clock runs from then on.
    pub started: bool,
    /// How long it has been in this phase or step, in milliseconds. It stands still while the rollout is paused, held or
    /// frozen, while a version is away, and while the daemon is down.
    pub clock: u64,
    /// The same for the whole rollout, preparing and soaking left out.
    pub baked: u64,
    /// How long the canary has been away, in milliseconds.
    pub away: u64,
    /// The log evidence of harm that was read last.
    pub log_harm: f64,
    /// The log evidence of a mismatch of the sample ratio that was read last.
    pub log_srm: f64,
    /// Why the daemon lets nothing advance, where it does.
    pub frozen: Option<String>,
    /// What it waits for.
    pub waits: Option<String>,
}

/// A freeze that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// By whom.
    pub by: String,
    /// Until when, in milliseconds since 1970; without it, until it is taken back.
    pub until: Option<u64>,
}

/// A step that was taken: the rollout's next state, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// The next state.
    pub next: Rollout,
    /// The word for it in records: `rollout.advance`.
    pub action: &'static str,
    /// Why, in a sentence with its numbers.
    pub why: String,
    /// The numbers that it rests on.
    pub numbers: Numbers,
}

/// Evidence of a mismatch of the sample ratio from which nothing that is measured is trusted.
pub(super) const MISMATCH: f64 = 1_000.0;

/// Evidence of harm that is strong by itself, although the limit of an analysis is higher: nobody promotes against it by
/// the way.
pub(super) const DOUBT: f64 = 10.0;

/// Numbers with their names, in the order in which a reader wants them; all are finite.
pub type Numbers = Vec<(String, f64)>;

// === impl Rollout ===

impl Rollout {
    /// Where it is.
    #[must_use]
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The canary's part of the traffic.
    #[must_use]
    pub fn weight(&self) -> Weight {
        let weights = self.slots.weights();
        weights.get(CANARY).copied().unwrap_or_default()
    }

    /// Whether anything moves it by itself.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.phase.is_active()
    }

    /// Whether the stable and the canary must be in memory.
    ///
    /// While it is aborting both must: what is undone after the stable has left memory is answered by the canary until
    /// the stable is back.
    #[must_use]
    pub fn needs(&self) -> (bool, bool) {
        match &self.phase {
            Phase::Pending
            | Phase::Paused {
                from: Place::Pending,
                ..
            }
            | Phase::FailedPrepare(_)
            | Phase::RolledBack(_)
            | Phase::Superseded { .. } => (true, false),
            Phase::Preparing
            | Phase::Shadow(_)
            | Phase::Step(_)
            | Phase::Promoting
            | Phase::Soaking
            | Phase::Paused {
                from: Place::Preparing | Place::Shadow(_) | Place::Step(_),
                ..
            }
            | Phase::Aborting(_) => (true, true),
            Phase::Succeeded => (false, true),
        }
    }

    /// The versions that must be in memory.
    pub fn members<'s>(&self, spec: &'s Canary) -> impl Iterator<Item = VersionNumber> + use<'s> {
        let (stable, canary) = self.needs();
        let stable = stable.then_some(spec.stable);
        stable.into_iter().chain(canary.then_some(spec.canary))
    }

    /// The step that it is in.
    #[must_use]
    pub fn current<'s>(&self, spec: &'s Canary) -> Option<&'s Step> {
        spec.steps.get(self.step)
    }

    /// The analysis that its evidence is read by, and the margin of the guardrails that state none: that of the step, or
    /// of the next one that has one, or of the last one. Harm counts in every step.
    #[must_use]
    pub fn analysis(&self, spec: &Canary) -> (Arc<Analysis>, f64) {
        let all = spec.steps.iter().enumerate();
        let analyses: Vec<_> = all
            .filter_map(|(at, step)| match step {
                Step::Analyze(analysis) => Some((at, analysis)),
                Step::Shadow(_) | Step::SetWeight { .. } | Step::Pause(_) | Step::Approval => None,
            })
            .collect();
        let ahead = analyses.iter().position(|(at, _)| *at >= self.step);
        let nth = ahead.unwrap_or(analyses.len().saturating_sub(1));
        let analysis = match analyses.get(nth) {
            Some((_, analysis)) => Arc::clone(analysis),
            None => Arc::default(),
        };
        let margin = Canary::MARGINS[nth.min(Canary::MARGINS.len() - 1)];
        (analysis, margin)
    }

    /// Why it does not advance at a wall time, because of its own freeze or a window of its specification.
    #[must_use]
    pub fn frozen(&self, spec: &Canary, wall: u64) -> Option<String> {
        if let Some(Freeze { by, until }) = &self.freeze {
            match until {
                None => return Some(format!("frozen by {by}")),
                Some(until) if wall < *until => {
                    return Some(format!("frozen by {by} for another {}", span(until - wall)));
                }
                Some(_) => {}
            }
        }
        let window = spec.freeze.iter().any(|window| window.contains(wall));
        window.then(|| "a freeze window is open".to_owned())
    }

    /// What it waits for; nothing once it has ended.
    #[must_use]
    pub fn waits(&self) -> Option<String> {
        if !self.is_active() {
            return None;
        }
        let waits = self.pulse.waits.clone();
        Some(waits.unwrap_or_else(|| "waits for the next look at it".to_owned()))
    }

    /// Where it is among its steps, for people: "step 2 of 6: pause of 10m".
    #[must_use]
    pub fn progress(&self, spec: &Canary) -> String {
        let steps = spec.steps.len();
        match self.current(spec) {
            Some(step) if self.phase.stay().is_some() => {
                format!("step {} of {steps}: {}", self.step + 1, words(step))
            }
            Some(_) if self.step > 0 => {
                format!(
                    "{} after {} of {steps} steps",
                    self.phase.as_str(),
                    self.step
                )
            }
            Some(_) | None => self.phase.as_str().to_owned(),
        }
    }

    /// What speaks against giving the canary more; nothing where the evidence was overruled.
    #[must_use]
    pub fn doubt(&self) -> Option<String> {
        let Pulse {
            log_harm, log_srm, ..
        } = self.pulse;
        match self.phase.held() {
            _ if self.forced.is_some() => None,
            Some(Hold::SharedIncident) => Some("both versions fail".to_owned()),
            held if held == Some(Hold::Srm) || log_srm >= MISMATCH.ln() => Some(format!(
                "the arms do not get the shares that they should (evidence {})",
                Odds(log_srm)
            )),
            _ if log_harm >= DOUBT.ln() => {
                Some(format!("evidence of harm stands at {}", Odds(log_harm)))
            }
            _ => None,
        }
    }

    /// Gives the canary a weight, which opens a segment where it is another one.
    pub(super) fn weigh(&mut self, canary: Weight) {
        if self.weight() == canary {
            return;
        }
        self.slots = slots(&self.slots, canary);
        self.segment += 1;
    }

    /// Gives the canary what it is to have, or nothing while it is not there.
    pub(super) fn settle(&mut self) {
        let weight = match self.phase.held() {
            Some(Hold::Unavailable) => Weight::ZERO,
            Some(Hold::NoData | Hold::Inconclusive | Hold::Srm | Hold::SharedIncident) | None => {
                self.target
            }
        };
        self.weigh(weight);
    }

    /// Enters a phase: its clock begins anew.
    pub(super) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.pulse.started = false;
        self.pulse.clock = 0;
    }

    /// Leaves a transition behind.
    pub(super) fn turned(
        mut self,
        action: &'static str,
        why: String,
        numbers: Numbers,
        wall: u64,
    ) -> Transition {
        self.turn += 1;
        self.since = wall;
        self.why.clone_from(&why);
        self.pulse.waits = None;
        Transition {
            next: self,
            action,
            why,
            numbers,
        }
    }
}

/// The table with another weight of the canary.
fn slots(slots: &Slots, canary: Weight) -> Slots {
    let points = Weight::FULL.basis_points() - canary.basis_points();
    let stable = Weight::new(points).expect("a part of the whole leaves a part of it");
    let next = slots.reweigh(&[stable, canary]);
    next.expect("two weights that sum to the whole, for two arms")
}
