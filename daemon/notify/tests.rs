//! Webhooks against receivers that do as they are told. Nothing here waits for time to pass: waits between tries are
//! a millisecond, or longer than any test.

mod bounds;
mod forms;
mod posting;
mod receiver;
mod restart;

use std::sync::Arc;
use std::time::Duration;

use impresario_models::Name;
use impresario_pipelines::Revision;
use impresario_pipelines::bucket::{Slots, Weight};
use impresario_pipelines::fleet::{Change, Course, Diff, Now, Record, Source};
use impresario_pipelines::rollout::{Phase, Stay};
use impresario_pipelines::spec::{self, Pipeline};
use tokio::sync::broadcast;

use super::*;
use crate::clock;
use crate::store::{Commit, Memory, Shelf, Store};
use receiver::Receiver;

/// Longer than any test takes.
const AGES: Duration = Duration::from_secs(3_600);

/// Tries that follow each other at once.
const QUICK: Pace = Pace {
    first: Duration::from_millis(1),
    longest: Duration::from_millis(1),
    patience: Duration::ZERO,
    tries: 3,
    linger: AGES,
};

/// A fleet as far as webhooks see it.
struct Fleet {
    store: Arc<Memory>,
    told: broadcast::Sender<Arc<Record>>,
}

// === impl Fleet ===

impl Fleet {
    fn new() -> Self {
        Self {
            store: Arc::new(Memory::default()),
            told: broadcast::Sender::new(1_024),
        }
    }

    fn notifier(&self, hooks: &[Hook], pace: Pace) -> Notifier {
        let store: Arc<dyn Store> = Arc::clone(&self.store) as _;
        Notifier::start(hooks.to_vec(), self.told.subscribe(), store, pace).unwrap()
    }

    /// Stores a record, and tells it.
    fn happens(&self, record: Record) {
        let record = Arc::new(record);
        self.keep(Arc::clone(&record));
        let _heard: Result<usize, _> = self.told.send(record);
    }

    /// Stores a record that nobody is told of.
    fn keep(&self, record: Arc<Record>) {
        let records = &[record][..];
        let commit = Commit {
            records,
            ..Commit::default()
        };
        self.store.commit(commit).unwrap();
    }

    /// How far the webhooks have come, as it is kept.
    fn marks(&self) -> Vec<String> {
        let kept = self.store.kept(Shelf::Delivery).unwrap();
        kept.into_iter().map(|(_, seq)| seq).collect()
    }
}

/// A webhook of a receiver.
fn hook(url: &str, events: &[&str]) -> Hook {
    Hook {
        address: url.parse().unwrap(),
        secret: Some("a secret of the tests".parse().unwrap()),
        events: events.iter().map(|text| text.parse().unwrap()).collect(),
        timeout: Duration::from_secs(60),
        format: Format::Json,
    }
}

/// Waits for what a thread does that tells nobody.
fn until(right: impl Fn() -> bool) {
    // Far more than anything here needs, so that a slow machine fails no test.
    let end = clock::instant() + Duration::from_secs(120);
    while !right() {
        assert!(clock::instant() < end, "it never came");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

fn stop(notifier: &Notifier) {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().build().unwrap();
    runtime.block_on(notifier.stop());
}

/// A record that changes nothing.
fn record(seq: u64, action: &str) -> Record {
    Record {
        seq,
        revision: Revision(seq),
        at: 1_700_000_000_123 + seq,
        actor: "ann".to_owned(),
        source: Source::Api,
        action: action.to_owned(),
        reason: None,
        diffs: Vec::new(),
        numbers: Vec::new(),
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn canary() -> Pipeline {
    let text = r#"{"policy":{"type":"canary","model":"iris","stable":1,"canary":2}}"#;
    spec::parse_pipeline(&name("flowers"), text).unwrap()
}

/// A rollout somewhere in its life.
fn rollout(phase: Phase, canary_percent: f64, why: &str) -> Arc<Course> {
    let now = Now {
        monotonic: 1,
        wall: 1_000,
    };
    let mut course = Course::begin(7, canary().policy(), now).unwrap();
    let Course::Rollout(rollout) = &mut course else {
        panic!("a canary has a rollout")
    };
    let weights = [100.0 - canary_percent, canary_percent];
    let weights = weights.map(|percent| Weight::from_percent(percent).unwrap());
    rollout.slots = Slots::new(&weights).unwrap();
    rollout.phase = phase;
    rollout.why = why.to_owned();
    Arc::new(course)
}

/// A rollout that is aborted by itself.
fn abort(seq: u64) -> Record {
    let before = rollout(Phase::Step(Stay::Baking), 5.0, "step 1 of 4");
    let cause = impresario_pipelines::rollout::Cause::Harm;
    let why = "aborted: 8 of 10 on the canary against <1 % stable";
    let after = rollout(Phase::Aborting(cause), 0.0, why);
    Record {
        actor: "impresario".to_owned(),
        source: Source::Daemon,
        reason: Some(why.to_owned()),
        diffs: vec![Diff {
            name: name("flowers"),
            change: Change::Course {
                before: Some(before),
                after: Some(after),
            },
        }],
        numbers: vec![
            ("canary.units".to_owned(), 10.0),
            ("log-harm".to_owned(), 5.25),
        ],
        ..record(seq, "rollout.abort")
    }
}
