//! Tests of the stores: one set of rules for all of them, then what only files can do.

mod crash;
mod files;
mod rules;
mod transfer;

use std::sync::Arc;

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::Revision;
use impresario_pipelines::fleet::{
    Change, Diff, Entry, Intent, Keep, Record, Routing, Source as Door,
};
use impresario_pipelines::spec::{Pipeline, Policy, VersionSelector};

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
        ],
    })
}

/// The routing after so many changes, each of which differs from the one before in every part.
fn routing(revision: u64) -> Routing {
    let mut routing = Routing {
        revision: Revision(revision),
        ..Routing::default()
    };
    for n in revision.saturating_sub(2)..revision {
        let entry = Entry {
            pipeline: pipeline("iris", n + 1),
            revision: Revision(n + 1),
            source: Door::File,
            keep: n.is_multiple_of(2).then(|| Keep {
                model: name("iris"),
                version: version(9),
            }),
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
