//! One rollout under the analyst's eyes: its evidence so far, and what was seen of it last.

use std::sync::Arc;
use std::time::{Duration, Instant};

use impresario_models::Name;
use impresario_pipelines::analysis::{
    self, CANARY, Class, Evidence, Readings, STABLE, Source, Thresholds, Traffic, Trip,
};
use impresario_pipelines::rollout::{Rollout, Shadowing, Sight, Standing};
use impresario_pipelines::spec::Canary;

use super::board::Notice;
use crate::clock;
use crate::measure::{Ledgers, Opened};

/// A gap between two looks counts at most as much as this: the daemon was down, or the machine slept.
const GAP: Duration = Duration::from_secs(5);

/// Over how long the traffic is averaged, for plans.
const TRAFFIC: Duration = Duration::from_secs(60);

/// A rollout and its evidence.
pub(super) struct Watch {
    /// The revision that began the course.
    pub(super) course: u64,
    pub(super) evidence: Evidence,
    pub(super) readings: Option<Arc<Readings>>,
    pub(super) traffic: Traffic,
    looked: Option<Instant>,
    /// Requests of both arms at the last look, for the rate.
    requests: u64,
    /// How much evidence there was when it was kept last.
    kept: Option<(u64, u32, bool)>,
    /// Nothing new can come: the rollout has ended, and whoever was decided on in it has been answered.
    closed: bool,
}

/// What a look has to work with.
pub(super) struct Light<'a> {
    pub(super) ledgers: &'a Ledgers,
    pub(super) source: Source,
    /// Whether a user stays with a variant: then users are counted, not requests.
    pub(super) sticky: bool,
    pub(super) shown: Option<Shadowing>,
}

impl Watch {
    pub(super) fn new(course: u64, evidence: Evidence) -> Self {
        Self {
            course,
            evidence,
            readings: None,
            traffic: Traffic::default(),
            looked: None,
            requests: 0,
            kept: None,
            closed: false,
        }
    }

    /// Gathers and reads.
    pub(super) fn look(
        &mut self,
        name: &Name,
        rollout: &Rollout,
        spec: &Canary,
        light: &Light<'_>,
    ) -> Sight {
        let now = clock::instant();
        let passed = self.looked.replace(now).map(|before| now - before);
        let opened = light.ledgers.of(name, rollout.id);
        // Before what they counted is taken over: who writes no more has written all.
        self.closed = !rollout.is_active() && opened.iter().all(|opened| opened.idle);
        self.gather(rollout, &opened, light.source);
        let (analysis, margin) = rollout.analysis(spec);
        let readings = analysis::read(&self.evidence, &analysis, margin, light.sticky);
        self.evidence.note(&readings);
        if let Some(passed) = passed {
            self.rate(passed);
        }
        self.readings = Some(Arc::new(readings.clone()));
        let current = opened
            .iter()
            .find(|opened| opened.segment == rollout.segment);
        Sight {
            turn: rollout.turn,
            // The fleet knows.
            canary: Standing::Ready,
            stable: Standing::Ready,
            frozen: None,
            trip: current.map_or(Trip::No, |current| current.ledger.trip(CANARY)),
            readings: Some(readings),
            shadow: light.shown,
            thresholds: match rollout.thresholds {
                Some(_) => None,
                None => current.and_then(|current| {
                    Thresholds::freeze(current.ledger.samples(), Thresholds::stated(spec))
                }),
            },
            elapsed: clock::millis(passed.unwrap_or_default().min(GAP)),
        }
    }

    /// Takes over what the ledgers have counted.
    fn gather(&mut self, rollout: &Rollout, opened: &[Opened], source: Source) {
        if self.evidence.thresholds.is_none() {
            self.evidence.thresholds.clone_from(&rollout.thresholds);
        }
        let measured = rollout.thresholds.is_some();
        let weights = rollout.slots.weights();
        self.evidence.open(rollout.segment, weights, measured);
        for Opened {
            segment, ledger, ..
        } in opened
        {
            // What is counted in a segment that the evidence never saw opened is of no known share.
            let _taken: bool = self.evidence.put(*segment, source, ledger.tally());
        }
        let busy = opened.iter().find(|opened| !opened.idle);
        let settled = busy.map_or(rollout.segment, |busy| busy.segment);
        self.evidence.settle(settled.min(rollout.segment));
    }

    /// Keeps the average of the traffic up to date.
    fn rate(&mut self, passed: Duration) {
        let mut of = 0;
        let mut stable = [0u64; Class::COUNT];
        let mut requests = 0;
        for tally in self
            .evidence
            .segments
            .values()
            .flat_map(|segment| segment.tallies.values())
        {
            for (arm, counts) in tally.arms.iter().enumerate() {
                requests += counts.requests;
                if arm == STABLE {
                    of += counts.requests;
                    for (sum, class) in stable.iter_mut().zip(Class::ALL) {
                        *sum += counts.of(class);
                    }
                }
            }
        }
        let new = requests.saturating_sub(self.requests);
        self.requests = requests;
        let rate = new as f64 / passed.as_secs_f64().max(1e-3);
        let weight = (passed.as_secs_f64() / TRAFFIC.as_secs_f64()).min(1.0);
        // The first minute is averaged over what there is of it.
        let weight = if self.traffic.per_second == 0.0 {
            1.0
        } else {
            weight
        };
        self.traffic.per_second += (rate - self.traffic.per_second) * weight;
        let share = |class: Class| stable[class.index()] as f64 / (of as f64).max(1.0);
        self.traffic.errors = share(Class::Errors);
        self.traffic.timeouts = share(Class::Timeouts);
        self.traffic.slower_than = share(Class::SlowerThan);
        self.traffic.non_finite = share(Class::NonFinite);
    }

    /// What is put up for others.
    pub(super) fn notice(&self) -> Notice {
        Notice {
            course: self.course,
            readings: self.readings.clone(),
            traffic: self.traffic.clone(),
        }
    }

    /// Whether nothing new can come any more, so that it need not be looked at again.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// What was to be kept was not.
    pub(super) fn spoil(&mut self) {
        self.kept = None;
    }

    /// Whether there is evidence that was not kept yet; from now on it counts as kept.
    pub(super) fn is_news(&mut self) -> bool {
        let exposed = |counts: &analysis::Counts| counts.requests + counts.of(Class::Exposure);
        let segments = self.evidence.segments.values();
        let arms = segments.flat_map(|s| s.tallies.values().flat_map(|tally| &tally.arms));
        let last = self.evidence.segments.last_key_value();
        let mark = (
            arms.map(exposed).sum(),
            last.map_or(0, |(number, _)| *number),
            self.evidence.thresholds.is_some(),
        );
        self.kept.replace(mark) != Some(mark)
    }
}

#[cfg(test)]
mod tests {
    use impresario_pipelines::analysis::Glance;
    use impresario_pipelines::fleet::Now;
    use impresario_pipelines::rollout::{self, Cause, Phase};
    use impresario_pipelines::spec::{Pipeline, Policy};

    use super::*;
    use crate::measure::{Observation, Outcome, Terms};

    #[test]
    fn an_ended_rollout_is_looked_at_until_nobody_writes_and_its_traffic_stays() {
        let text = r#"{"policy":{"type":"canary","model":"digits","stable":1,"canary":2,
            "steps":[{"set_weight":50},{"analyze":"default"}]}}"#;
        let pipeline: Pipeline = serde_json::from_str(text).unwrap();
        let Policy::Canary(spec) = pipeline.policy() else {
            panic!("a canary was asked for");
        };
        let now = Now {
            monotonic: 0,
            wall: 0,
        };
        let mut rollout = rollout::begin(7, spec, now);
        let (name, ledgers) = (Name::new("postcode").unwrap(), Ledgers::default());
        let ledger = ledgers.open(
            &name,
            Terms {
                course: rollout.id,
                segment: rollout.segment,
                arms: 2,
                thresholds: None,
                sticky: false,
            },
        );
        let light = Light {
            ledgers: &ledgers,
            source: Source {
                replica: 1,
                boot: 1,
            },
            sticky: false,
            shown: None,
        };
        let mut watch = Watch::new(rollout.id, Evidence::default());
        watch.look(&name, &rollout, spec, &light);
        let answered = Observation {
            outcome: Outcome::Success,
            latency: Duration::from_millis(1),
            glance: Glance::default(),
            violation: false,
        };
        (0..100).for_each(|_| ledger.record(STABLE, None, &answered));
        watch.look(&name, &rollout, spec, &light);
        let traffic = watch.traffic.per_second;
        assert!(traffic > 0.0 && !watch.is_closed());

        rollout.phase = Phase::RolledBack(Cause::Asked);
        ledger.record(STABLE, None, &answered);
        watch.look(&name, &rollout, spec, &light);
        assert!(!watch.is_closed(), "a request is under way");
        ledger.record(STABLE, None, &answered);
        drop(ledger);
        watch.look(&name, &rollout, spec, &light);
        assert!(watch.is_closed());
        let counted = watch.evidence.segments.values();
        let counted: u64 = counted
            .flat_map(|segment| segment.tallies.values())
            .map(|tally| tally.arms[STABLE].requests)
            .sum();
        assert_eq!(counted, 102, "its last words are read");
    }
}
