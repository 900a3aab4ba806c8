//! Tests of the stores: one set of rules for all of them, then what only files can do.

mod crash;
mod files;
mod rules;
mod transfer;

use std::sync::Arc;

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::Revision;
use impresario_pipelines::analysis::Thresholds;
use impresario_pipelines::fleet::{
    self, Change, Course, Diff, Entry, Freeze, Intent, Now, Promise, Record, Routing,
    Source as Door,
};
use impresario_pipelines::learning::Removal;
use impresario_pipelines::rollout::{self, Hold, Phase, Place, Stay};
use impresario_pipelines::spec::{self, Pipeline, Policy, VersionSelector};
use impresario_pipelines::trial;

use super::*;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn version(number: u64) -> VersionNumber {
    VersionNumber::new(number).unwrap()
}

fn pipeline(model: &str, number: u64) -> Pipeline {
    Pipeline::new(Policy::Standalone {
        model: name(model),
        version: VersionSelector::Number(version(number)),
    })
}

fn token(id: &str) -> Token {
    Token {
        id: id.to_owned(),
        name: format!("token {id}"),
        role: Role::Operator,
        hash: "$argon2id$…".to_owned(),
        created_at: 7,
        expires_at: Some(8),
    }
}

/// A record of a revision that changes the pipeline `p<n>`, with every kind of content.
fn record(seq: u64, revision: u64) -> Arc<Record> {
    let intent = Intent {
        unloaded: seq.is_multiple_of(2),
        versions: [(version(1), true), (version(12), false)].into(),
    };
    Arc::new(Record {
        seq,
        revision: Revision(revision),
        at: 1_000 + seq,
        actor: format!("actor-{}", seq % 3),
        source: Door::Api,
        action: if seq.is_multiple_of(2) {
            "pipeline.put".to_owned()
        } else {
            "model.load".to_owned()
        },
        reason: Some("weil \"ß\"\n".to_owned()).filter(|_| seq.is_multiple_of(5)),
        diffs: vec![
            Diff {
                name: name(&format!("p{}", seq % 4)),
                change: Change::Pipeline {
                    before: None,
                    after: Some(pipeline("iris", seq)),
                },
            },
            Diff {
                name: name("iris"),
                change: Change::Intent {
                    before: Some(intent),
                    after: None,
                },
            },
            Diff {
                name: name("iris"),
                change: Change::Course {
                    before: Some(course(seq)),
                    after: Some(course(seq + 1)),
                },
            },
        ],
        numbers: vec![("canary requests".to_owned(), 0.1 + seq as f64)],
    })
}

/// A course of each kind in turn, with all that it can hold.
fn course(n: u64) -> Arc<Course> {
    let policy = [
        r#"{"type":"canary","model":"iris","stable":1,"canary":2}"#,
        r#"{"type":"experiment","seed":"s","goals":[{"metric":"click","kind":"binary"}],"arms":[
            {"name":"a","model":"iris","version":1},{"name":"b","model":"iris","version":2}]}"#,
        r#"{"type":"bandit","seed":"s","reward":{"metric":"click","kind":"binary"},"arms":[
            {"name":"a","model":"iris","version":1},{"name":"b","model":"iris","version":2}]}"#,
    ][(n % 3) as usize];
    let text = format!(r#"{{"policy":{policy}}}"#);
    let pipeline = spec::parse_pipeline(&name("p"), &text).unwrap();
    let now = Now {
        monotonic: n,
        wall: 1_000 + n,
    };
    let mut course = Course::begin(n, pipeline.policy(), now).unwrap();
    match &mut course {
        Course::Rollout(rollout) => {
            rollout.phase = Phase::Paused {
                by: "ann".to_owned(),
                from: Place::Step(Stay::Held(Hold::Srm)),
            };
            rollout.thresholds = Some(Thresholds {
                slow_ns: [1, 2, u64::MAX],
                slower_than_ns: None,
                deciles: Some([0.1; 9]),
            });
            rollout.freeze = Some(rollout::Freeze {
                by: "bob".to_owned(),
                until: Some(n),
            });
            rollout.pulse.log_harm = -0.3;
        }
        Course::Trial(trial) => {
            trial.phase = trial::Phase::Stopped {
                by: "ann".to_owned(),
                why: "enough".to_owned(),
            };
        }
        Course::Learning(learning) => {
            let removal = Removal {
                by: "ann".to_owned(),
                why: "worse".to_owned(),
            };
            learning.removed.insert(1, removal);
        }
    }
    Arc::new(course)
}

/// The routing after so many changes, each of which differs from the one before in every part.
fn routing(revision: u64) -> Routing {
    let freeze = Freeze {
        actor: "ann".to_owned(),
        reason: Some(format!("holidays {revision}")),
        until: revision.is_multiple_of(2).then_some(1_700_000_000_000),
    };
    let mut routing = Routing {
        revision: Revision(revision),
        freeze: (!revision.is_multiple_of(3)).then_some(freeze),
        ..Routing::default()
    };
    for n in revision.saturating_sub(2)..revision {
        let entry = Entry {
            pipeline: pipeline("iris", n + 1),
            revision: Revision(n + 1),
            source: Door::File,
            keep: n.is_multiple_of(2).then(|| fleet::Keep {
                model: name("iris"),
                version: version(9),
                graph: None,
            }),
            course: Some(course(n)),
            promise: match n % 3 {
                0 => Promise::Waived,
                _ => Promise::Kept,
            },
        };
        routing.pipelines.insert(name(&format!("p{n}")), entry);
        let intent = Intent {
            unloaded: true,
            versions: [(version(n + 1), false)].into(),
        };
        routing.intents.insert(name(&format!("m{n}")), intent);
        routing
            .applied
            .insert(name(&format!("p{n}")), format!("digest-{n}"));
    }
    routing
}

/// Commits the change that makes revision `to`, with its record.
fn step(store: &dyn Store, to: u64) -> Result<(), Error> {
    let (before, after) = (routing(to - 1), routing(to));
    store.commit(Commit {
        routing: Some((&before, &after)),
        records: &[record(to, to)],
        tokens: &[],
    })
}

/// The error with its cause.
fn told(error: &Error) -> String {
    let kind = match error {
        Error::Aborted { .. } => "aborted",
        Error::Unknown { .. } => "unknown",
    };
    format!("{kind}: {error}: {}", error.cause())
}
