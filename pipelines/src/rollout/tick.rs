//! `tick`: what is seen once a second takes a rollout on, or only moves its clocks.

use crate::fleet::Now;
use crate::spec::canary::Canary;

use super::begin::begun;
use super::case::Case;
use super::figures::evidence;
use super::phase::{Hold, Phase, Place, Stay};
use super::rules::{RULES, Ruling};
use super::sentence::{millis, span, weights};
use super::sight::{Sight, Standing};
use super::state::{Numbers, Rollout, Transition};

/// What a tick does.
#[derive(Clone, Debug, PartialEq)]
pub enum Tick {
    /// Clocks went on. It is the same rollout in the same place: no revision is made of it.
    Quiet(Rollout),
    /// It was taken on.
    Turn(Transition),
}

/// How long the canary may be on its way back, after a crash or a restart of the daemon, until its traffic is taken away,
/// in milliseconds.
pub const GRACE: u64 = 10_000;

/// Judges what is seen of a rollout. Of one that has ended, and of what was seen before its newest transition, nothing
/// follows.
#[must_use]
pub fn tick(rollout: &Rollout, spec: &Canary, sight: &Sight, now: Now) -> Tick {
    if !rollout.is_active() || sight.turn != rollout.turn {
        return Tick::Quiet(rollout.clone());
    }
    let case = Case::new(rollout, spec, sight, now);
    match &rollout.phase {
        Phase::Pending => case.prepare(),
        Phase::Preparing => case.start(),
        Phase::Shadow(_)
        | Phase::Step(_)
        | Phase::Promoting
        | Phase::Soaking
        | Phase::Paused {
            from: Place::Shadow(_) | Place::Step(_),
            ..
        } => case.judge(),
        Phase::Aborting(_) => case.roll_back(),
        Phase::Paused {
            from: Place::Pending | Place::Preparing,
            ..
        } => {
            let bar = case.bar.clone();
            case.wait(bar)
        }
        Phase::FailedPrepare(_)
        | Phase::Succeeded
        | Phase::RolledBack(_)
        | Phase::Superseded { .. } => case.wait(None),
    }
}

// === impl Case ===

impl Case<'_> {
    fn prepare(self) -> Tick {
        let own = self.rollout.frozen(self.spec, self.wall);
        if let Some(frozen) = own.or_else(|| self.sight.frozen.clone()) {
            return self.wait(Some(frozen));
        }
        let mut next = self.rollout.clone();
        next.enter(Phase::Preparing);
        next.pulse.away = 0;
        let why = format!(
            "version {} is made ready, without traffic",
            self.spec.canary
        );
        self.turn(next, "rollout.prepare", why, Numbers::new())
    }

    fn start(self) -> Tick {
        let canary = self.spec.canary;
        let limit = millis(self.spec.prepare);
        let clock = self.rollout.pulse.clock;
        let failed = match &self.sight.canary {
            Standing::Gone(why) => Some(format!("version {canary} did not become ready: {why}")),
            Standing::Coming(why) if clock >= limit => Some(format!(
                "version {canary} was not ready after {}: {why}",
                span(clock)
            )),
            Standing::Coming(_) | Standing::Ready => None,
        };
        if let Some(why) = failed {
            let mut next = self.rollout.clone();
            next.take_back(Phase::FailedPrepare(why.clone()));
            return self.turn(next, "rollout.fail", why, Numbers::new());
        }
        if let Some(bar) = self.bar.clone() {
            return self.wait(Some(bar));
        }
        let mut next = self.rollout.clone();
        let why = match next.express {
            true => {
                next.promote(self.spec);
                format!("version {canary} is ready and was promoted in full")
            }
            false => {
                next.go(self.spec, 0);
                format!("version {canary} is ready: {}", next.progress(self.spec))
            }
        };
        self.turn(next, "rollout.start", why, Numbers::new())
    }

    fn roll_back(self) -> Tick {
        let Phase::Aborting(cause) = self.rollout.phase else {
            return self.wait(None);
        };
        if let Some(why) = self.sight.stable.trouble() {
            let why = format!("the stable is not ready: {why}");
            return self.wait(Some(why));
        }
        let mut next = self.rollout.clone();
        next.enter(Phase::RolledBack(cause));
        let why = format!(
            "version {} has all of the traffic ({})",
            self.spec.stable, self.before.why
        );
        self.turn(next, "rollout.roll-back", why, Numbers::new())
    }

    fn judge(self) -> Tick {
        let mut rulings = RULES.iter().map(|rule| rule(&self));
        match rulings.find(|ruling| *ruling != Ruling::Pass) {
            Some(ruling) => {
                drop(rulings);
                self.carry_out(ruling)
            }
            None => {
                drop(rulings);
                let waits = self.rollout.phase.held().map(Hold::until);
                self.wait(waits.map(ToOwned::to_owned))
            }
        }
    }

    fn carry_out(self, ruling: Ruling) -> Tick {
        let readings = self.sight.readings.as_ref();
        let numbers = readings.map(evidence).unwrap_or_default();
        let mut next = self.rollout.clone();
        match ruling {
            Ruling::Pass => self.wait(None),
            Ruling::Wait(why) => self.wait(Some(why)),
            Ruling::Abort(cause, why) => {
                next.abort(cause);
                self.turn(next, "rollout.abort", format!("aborted: {why}"), numbers)
            }
            Ruling::Hold(hold, why) => {
                next.phase = next.phase.with(Stay::Held(hold));
                next.settle();
                self.turn(next, "rollout.hold", format!("held: {why}"), numbers)
            }
            Ruling::Release(why) => {
                let stay = next.current(self.spec).map_or(Stay::Baking, begun);
                next.phase = next.phase.with(stay);
                next.settle();
                self.turn(next, "rollout.release", why, numbers)
            }
            Ruling::Measure(thresholds) => {
                let [p50, p90, p99] = thresholds.slow_ns.map(|ns| ns as f64 / 1e6);
                let why = format!(
                    "what is slow was measured on the stable, and half of it and 1 ms added: p50 {p50:.1} ms, p90 {p90:.1} ms, p99 {p99:.1} ms"
                );
                let named = [
                    ("slow-p50.ms", p50),
                    ("slow-p90.ms", p90),
                    ("slow-p99.ms", p99),
                ];
                let numbers = named.map(|(name, ms)| (name.to_owned(), ms)).to_vec();
                next.thresholds = Some(thresholds);
                next.segment += 1;
                self.turn(next, "rollout.measure", why, numbers)
            }
            Ruling::Advance(why) => self.advance(next, why, numbers),
        }
    }

    fn advance(self, mut next: Rollout, why: String, numbers: Numbers) -> Tick {
        match next.phase {
            Phase::Promoting => {
                next.enter(Phase::Soaking);
                self.turn(next, "rollout.soak", why, numbers)
            }
            Phase::Soaking => {
                next.enter(Phase::Succeeded);
                self.turn(next, "rollout.succeed", why, numbers)
            }
            Phase::Shadow(_) | Phase::Step(_) => {
                next.go(self.spec, self.rollout.step + 1);
                let (action, goes_on) = match next.phase {
                    Phase::Promoting => (
                        "rollout.promote",
                        "the canary gets all of the traffic".to_owned(),
                    ),
                    _ => ("rollout.advance", next.progress(self.spec)),
                };
                self.turn(next, action, format!("{goes_on}, because {why}"), numbers)
            }
            Phase::Pending
            | Phase::Preparing
            | Phase::FailedPrepare(_)
            | Phase::Succeeded
            | Phase::Paused { .. }
            | Phase::Aborting(_)
            | Phase::RolledBack(_)
            | Phase::Superseded { .. } => self.wait(None),
        }
    }

    fn turn(&self, next: Rollout, action: &'static str, why: String, more: Numbers) -> Tick {
        let mut numbers = weights(self.before, &next);
        numbers.extend(more);
        Tick::Turn(next.turned(action, why, numbers, self.wall))
    }

    fn wait(mut self, waits: Option<String>) -> Tick {
        self.rollout.pulse.waits = waits;
        Tick::Quiet(self.rollout)
    }
}
