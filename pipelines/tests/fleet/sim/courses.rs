//! Courses in the simulation: pipelines that have one, what is told to them, what an analyst sees of them, and what must
//! hold of it all.

use std::sync::Arc;

use impresario_models::Contract;
use impresario_pipelines::bucket::Weight;
use impresario_pipelines::fleet::{
    Command, Course, Fleet, Input, Judged, Promise, Record, Revision, Source, Verb,
};
use impresario_pipelines::rollout;
use impresario_pipelines::spec::{Pipeline, Policy};
use impresario_pipelines::table::{self, Standing};
use impresario_pipelines::trial;
use serde_json::json;

use super::graphs::needs;
use super::stored::beats_only;
use super::{Key, MODELS, PIPELINES, Sim};
use crate::courses::{self, contract, definition, verb};
use crate::world::{by, name, step};

/// The plans of canaries, short enough to come to their end.
pub(super) const PLANS: [&str; 5] = [
    "5 % | pause 2s | 50 % | analyze",
    "shadow | 10 % | analyze",
    "approval | 70 % | pause 1s",
    "1 % | analyze | 90 % | pause 3s",
    "30 % | pause 2s | soak 1s",
];

/// What is told to rollouts; some of it more than once, as others end them.
const ROLLOUTS: [&str; 20] = [
    "pause",
    "resume",
    "resume",
    "resume",
    "promote",
    "promote full",
    "promote full we know better",
    "promote step 1 once more",
    "skip",
    "skip",
    "approve",
    "approve",
    "reject no",
    "abort no",
    "retry",
    "retry",
    "retry",
    "undo",
    "weight 30",
    "freeze",
];

const TRIALS: [&str; 8] = [
    "pause why",
    "resume",
    "resume",
    "weights 60 40",
    "weights 1 99",
    "ship a",
    "ship b",
    "stop why",
];

const BANDITS: [&str; 11] = [
    "pause why",
    "pause why",
    "pause why",
    "resume",
    "resume",
    "remove b why",
    "restore b",
    "restore b",
    "freeze best",
    "freeze experiment",
    "remove a why",
];

/// What an analyst may see; most of it good.
const SIGHTS: [&str; 20] = [
    "safe",
    "safe",
    "safe",
    "safe",
    "safe",
    "healthy",
    "healthy",
    "healthy",
    "slow safe",
    "few",
    "doubt",
    "both",
    "srm",
    "harm",
    "trip",
    "violations",
    "late trip",
    "late safe",
    "safe",
    "safe",
];

/// Where courses must have been, and what must have been done, in all seeds together.
pub(super) const PLACES: [&str; 38] = [
    "rollout pending",
    "rollout preparing",
    "rollout failed-prepare",
    "rollout shadow",
    "rollout baking",
    "rollout held",
    "rollout awaiting-approval",
    "rollout paused",
    "rollout promoting",
    "rollout soaking",
    "rollout succeeded",
    "rollout aborting",
    "rollout rolled-back",
    "experiment preparing",
    "experiment running",
    "experiment paused",
    "experiment stopped",
    "bandit preparing",
    "bandit running",
    "standalone kept",
    "rollout kept",
    "experiment kept",
    "bandit kept",
    "rollout back at a revision",
    "experiment back at a revision",
    "rollout over a restart",
    "composite kept",
    "rollout of graphs",
    "experiment of graphs",
    "refused graph",
    "refused ring",
    "refused called",
    "refused version-taken",
    "refused ambiguous-name",
    "refused not-a-model",
    "graph restarting",
    "refused breaks-contract",
    "refused not-now",
];

impl Sim {
    /// A definition that has a course, or a contract of its own.
    pub(super) fn definition(&mut self) -> Pipeline {
        let model = self.pick(MODELS).unwrap();
        let (a, b) = (1 + self.below(4), 1 + self.below(3));
        // Another one than the first.
        let b = if b >= a { b + 1 } else { b };
        let text = match self.below(8) {
            0..4 => {
                let plan = self.pick(PLANS).unwrap();
                format!("canary {model} {a} {b}: {plan}")
            }
            4 => format!("experiment {model} {a} {b}"),
            5 | 6 => format!("bandit {model} {a} {b}"),
            _ => format!("standalone {model} {a}"),
        };
        let mut made = definition(&text);
        if self.below(6) == 0 {
            made["contract"] = contract(self.pick(["labels", "both"]).unwrap());
        }
        if self.below(4) == 0 {
            made["description"] = json!(format!("no. {}", self.below(3)));
        }
        courses::pipeline(&made)
    }

    /// What a version takes and gives: always the same. In some worlds all versions are alike.
    pub(super) fn contract(&self, key: &Key) -> Arc<Contract> {
        let words = match self.seed % 3 {
            0 => ["labels", "both", "both", "scores"],
            _ => ["both"; 4],
        };
        let at = (key.1.get() as usize + key.0.as_str().len()) % words.len();
        let made = json!({
            "policy": { "type": "standalone", "model": "any" }, "contract": contract(words[at]),
        });
        let read = || courses::pipeline(&made).contract().cloned().unwrap();
        let known = self.contracts.borrow().get(words[at]).cloned();
        known.unwrap_or_else(|| {
            let read = read();
            self.contracts
                .borrow_mut()
                .insert(words[at], Arc::clone(&read));
            read
        })
    }

    /// Puts a pipeline that has a course, or the one that is there with other terms.
    pub(super) fn put_course(&mut self) {
        let name = name(self.pick(PIPELINES).unwrap());
        let there = self.fleet.routing.pipelines.get(&name).cloned();
        let pipeline = match there {
            Some(entry) if self.below(4) == 0 => {
                let mut made = serde_json::to_value(&entry.pipeline).unwrap();
                made["description"] = json!(format!("no. {}", self.below(3)));
                serde_json::from_value(made).unwrap()
            }
            _ if self.below(2) == 0 => self.graphs(&name),
            _ => self.definition(),
        };
        if self.below(5) == 0 {
            let digest = pipeline.digest();
            let pipelines = vec![(name, pipeline, digest)];
            let files = Command::ApplyFiles { pipelines };
            self.command(files.clone());
            let before = self.fleet.routing.clone();
            self.command(files);
            let same = before == self.fleet.routing;
            assert!(same, "files that did not change began something");
            return;
        }
        let insists = self.below(5) == 0;
        let promise = match insists {
            true => Promise::Waived,
            false => Promise::Kept,
        };
        self.insist = insists;
        self.command(Command::PutPipeline {
            name,
            pipeline,
            promise,
            expected: None,
        });
        self.insist = false;
    }

    /// Takes a pipeline back to where a course of it shared the traffic.
    pub(super) fn undo_course(&mut self) {
        let name = name(self.pick(PIPELINES).unwrap());
        let oldest = self.fleet.history.first().map_or(0, |r| r.revision.0);
        let shared = self.states.range(oldest..).filter(|(_, all)| {
            let slots = all.get(&name).and_then(|was| was.slots.as_ref());
            slots.is_some_and(|slots| {
                let first = slots.weights()[0];
                first < Weight::FULL && first > Weight::ZERO
            })
        });
        let shared: Vec<u64> = shared.map(|(revision, _)| *revision).collect();
        if let Some(to) = self.pick(shared) {
            let to = Some(Revision(to));
            let expected = None;
            self.command(Command::Undo { name, to, expected });
        }
    }

    /// Tells some course something.
    pub(super) fn steer(&mut self) {
        let courses = self.courses();
        let Some((name, course)) = self.pick(courses) else {
            return;
        };
        let (kind, words) = match &*course {
            Course::Rollout(_) => ("rollout", self.pick(ROLLOUTS).unwrap()),
            Course::Trial(_) => ("experiment", self.pick(TRIALS).unwrap()),
            Course::Learning(_) => ("bandit", self.pick(BANDITS).unwrap()),
        };
        let words: Vec<&str> = words.split(' ').collect();
        let verb = verb(kind, &words);
        let ends = matches!(
            &verb,
            Verb::Rollout(rollout::Verb::Abort(_) | rollout::Verb::Reject(_) | rollout::Verb::Undo)
        );
        let before = self.fleet.clone();
        self.command(Command::Steer {
            name: name.clone(),
            verb,
            expected: None,
        });
        if self.fleet.routing.revision == before.routing.revision {
            assert!(self.fleet.routing.pipelines == before.routing.pipelines);
            return;
        }
        self.told(&before);
        // Whoever takes traffic from a canary gives it to the stable, whether that is there or not.
        if !ends {
            self.still_answered(&before);
        }
        let entry = &self.fleet.routing.pipelines[&name];
        let shipped = matches!(*words, ["ship", _] | ["freeze", "best"]);
        let standalone = matches!(entry.pipeline.policy(), Policy::Standalone { .. });
        assert!(!shipped || standalone, "{name} was shipped");
        if standalone {
            self.undo_restores(&before, name);
        }
    }

    /// Freezes all, or takes that back.
    pub(super) fn freeze(&mut self) {
        let until = (self.below(2) == 0).then(|| self.now.wall + self.below(200));
        let asked = match self.below(3) {
            0 => Command::Freeze { until },
            _ => Command::Unfreeze,
        };
        self.command(asked);
    }

    /// The analyst looks at some course, a few times.
    pub(super) fn look(&mut self) {
        let mut courses = self.courses();
        if self.below(10) > 0 {
            courses.retain(|(_, course)| course.is_active());
        }
        let Some((name, _)) = self.pick(courses) else {
            return;
        };
        for _ in 0..=self.below(6) {
            let entry = &self.fleet.routing.pipelines[&name];
            let course = Arc::clone(entry.course.as_ref().unwrap());
            let words = match &*course {
                Course::Learning(_) => self.pick(["", "0.2 0.8", "0.7 0.3", "0.5 0.5 harm"]),
                _ => self.pick(SIGHTS),
            };
            let elapsed = match &*course {
                Course::Learning(_) => 60_000,
                _ => self.pick([1_000, 1_000, 3_000, 60_000]).unwrap(),
            };
            let words = format!("{} shadow", words.unwrap());
            // Some are about a course that is no more.
            let old = u64::from(self.below(30) == 0);
            self.judge(&name, &course, &words, elapsed, course.id() - old);
        }
    }

    fn judge(
        &mut self,
        pipeline: &impresario_models::Name,
        course: &Course,
        words: &str,
        elapsed: u64,
        id: u64,
    ) {
        let before = self.fleet.clone();
        let entry = &before.routing.pipelines[pipeline];
        let words: Vec<&str> = words.split_whitespace().collect();
        let seen = courses::sight(course, entry.pipeline.policy(), &words, elapsed);
        let judged = Judged {
            pipeline: pipeline.clone(),
            course: id,
            seen,
        };
        assert!(
            self.apply(Input::Judged(judged)),
            "a sight is never refused"
        );
        let routing = &self.fleet.routing;
        let after = &routing.pipelines[pipeline];
        let turned = routing.revision != before.routing.revision;
        let was = entry.course.as_deref().unwrap();
        let is = after.course.as_deref().unwrap();
        assert!(was.is_active() || was == is, "what ended is left by itself");
        assert!(id == was.id() || was == is, "a sight of another course");
        if turned {
            assert_eq!(routing.revision, before.routing.revision.next());
            self.told(&before);
            let harmed =
                matches!(is, Course::Rollout(r) if matches!(r.phase, rollout::Phase::Aborting(_)));
            if !harmed {
                self.still_answered(&before);
            }
        } else {
            assert!(beats_only(was, is), "it moved without a revision");
            assert_eq!(before.history, self.fleet.history);
        }
        // Nothing else of the routing changed.
        let mut same = before.routing;
        same.revision = routing.revision;
        let entry = same.pipelines.get_mut(pipeline).unwrap();
        entry.course.clone_from(&after.course);
        entry.keep.clone_from(&after.keep);
        assert!(same == *routing, "a sight changed more than its course");
    }

    /// What moved has a record that says who, what and why.
    fn told(&self, before: &Fleet) {
        let new = |record: &&Arc<Record>| {
            before
                .history
                .last()
                .is_none_or(|last| record.seq > last.seq)
        };
        let new: Vec<_> = self.fleet.history.iter().filter(new).collect();
        let [record] = new[..] else {
            panic!("{} records", new.len());
        };
        let why = record.reason.as_deref().unwrap_or_default();
        assert!(!why.is_empty() && record.action.contains('.'), "{record:?}");
        assert!(record.numbers.iter().all(|(_, number)| number.is_finite()));
    }

    fn courses(&self) -> Vec<(impresario_models::Name, Arc<Course>)> {
        let entries = self.fleet.routing.pipelines.iter();
        entries
            .filter_map(|(name, entry)| Some((name.clone(), entry.course.clone()?)))
            .collect()
    }

    /// What an entry needs stays in memory, whoever asks.
    pub(super) fn needs_are_kept(&self) {
        for (pipeline, entry) in &self.fleet.routing.pipelines {
            for (model, version) in needs(entry) {
                if self
                    .fleet
                    .observed
                    .version(model.as_str(), version)
                    .is_none()
                {
                    continue;
                }
                for version in [Some(version), None] {
                    let unload = Command::Unload {
                        model: model.clone(),
                        version,
                    };
                    let input = Input::Command(unload, by(Source::Api));
                    let refused = step(&self.fleet, input, self.now).map(|_| ());
                    let code = refused.map_err(|rejection| rejection.code());
                    assert_eq!(code, Err("in-use"), "{model} {version:?} of {pipeline}");
                }
            }
        }
    }

    /// Where all is well, every rollout comes to its end, unless somebody has to say something.
    pub(super) fn courses_end(&mut self) {
        self.command(Command::Unfreeze);
        for _ in 0..60 {
            for (name, course) in self.courses() {
                self.judge(&name, &course, "safe shadow", 5_000, course.id());
            }
            self.fall_quiet();
            self.hold_quiet();
        }
        for (name, entry) in &self.fleet.routing.pipelines {
            let legs = entry.legs();
            let ready = legs.iter().all(|(_, model, version)| {
                let seen = self.fleet.observed.version(model.as_str(), *version);
                seen.is_some_and(|seen| seen.phase == impresario_pipelines::fleet::Phase::Ready)
                    && entry.breaks(&self.fleet, model, *version).is_empty()
            });
            let stands = matches!(table::standing(&self.fleet, name), Standing::Serving { .. });
            if !ready || !stands {
                continue;
            }
            match entry.course.as_deref() {
                Some(Course::Rollout(rollout)) => assert!(
                    !rollout.is_active()
                        || rollout.freeze.is_some()
                        || matches!(
                            rollout.phase.as_str(),
                            "paused" | "awaiting-approval" | "held"
                        ),
                    "{name}: {rollout:?}"
                ),
                Some(Course::Trial(trial)) => {
                    assert_ne!(trial.phase, trial::Phase::Preparing, "{name}");
                }
                Some(Course::Learning(_)) | None => {}
            }
        }
    }
}
