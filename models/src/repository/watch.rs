//! What changed between two scans of a repository, told only when it has settled: a pure state machine.
//!
//! A version that is being copied changes from look to look. It is told when it looked the same twice in a row,
//! at least the settle time apart; at the first look after a start, when its newest file is older than that.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use super::{Completeness, Note, Scan, VersionScan};
use crate::name::{Name, VersionNumber};
use crate::package::Fingerprint;

/// A change to a repository that has settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A version is there and looks whole.
    Appeared {
        /// Its model.
        model: Name,
        /// Its number.
        version: VersionNumber,
    },
    /// The files of a version that had appeared are others now.
    Changed {
        /// Its model.
        model: Name,
        /// Its number.
        version: VersionNumber,
    },
    /// A version that had appeared is gone; told at once.
    Vanished {
        /// Its model.
        model: Name,
        /// Its number.
        version: VersionNumber,
    },
    /// The files that hold for all of a model's versions (`model.toml`, `config.pbtxt`) are others now.
    Settings {
        /// The model.
        model: Name,
    },
}

/// Remembers what was seen, and tells what changed.
#[derive(Debug)]
pub struct Watch {
    settle_ms: u64,
    first: bool,
    versions: BTreeMap<(Name, VersionNumber), Seen>,
    settings: BTreeMap<Name, Seen>,
    notes: BTreeSet<Note>,
}

/// One set of files as it was seen.
///
/// ```text
/// unsettled ──the same for the settle time──▶ told ──other files──▶ unsettled (told keeps the old ones)
/// ```
#[derive(Debug)]
struct Seen {
    files: Fingerprint,
    since_ms: u64,
    /// What was last told of, where anything was.
    told: Option<Fingerprint>,
}

enum Settled {
    New,
    Other,
    AsBefore,
    NotYet,
}

// === impl Watch ===

impl Watch {
    /// Nothing seen yet. What looks the same for `settle_ms` milliseconds counts as settled.
    #[must_use]
    pub fn new(settle_ms: u64) -> Self {
        Self {
            settle_ms,
            first: true,
            versions: BTreeMap::new(),
            settings: BTreeMap::new(),
            notes: BTreeSet::new(),
        }
    }

    /// Takes one scan, made at a time of the monotonic clock, and tells what has settled since the last one:
    /// per model its settings, then versions ascending.
    pub fn observe(&mut self, scan: &Scan, now_ms: u64) -> Vec<Change> {
        let first = mem::replace(&mut self.first, false);
        let mut changes = self.vanished(scan);
        for (name, found) in &scan.models {
            // The first settings are known with the first version; only another state of them is a change.
            let seen = self.settings.entry(name.clone()).or_insert_with(|| {
                let mut seen = Seen::new(now_ms);
                seen.told = Some(found.settings.clone());
                seen.files = found.settings.clone();
                seen
            });
            if let Settled::Other = seen.look(&found.settings, now_ms, self.settle_ms, None) {
                changes.push(Change::Settings {
                    model: name.clone(),
                });
            }
            for (&version, found) in &found.versions {
                let settled = self.version(name, version, found, now_ms, first);
                let model = name.clone();
                match settled {
                    Settled::New => changes.push(Change::Appeared { model, version }),
                    Settled::Other => changes.push(Change::Changed { model, version }),
                    Settled::AsBefore | Settled::NotYet => {}
                }
            }
        }
        changes
    }

    /// Whether some version that looks whole has not been told yet, because its files are too young.
    #[must_use]
    pub fn settling(&self) -> bool {
        let mut versions = self.versions.values();
        versions.any(|seen| seen.told.is_none() && !seen.files.is_empty())
    }

    /// The notes of a scan that the one before did not have, for the log.
    pub fn new_notes(&mut self, scan: &Scan) -> Vec<Note> {
        let notes: BTreeSet<_> = scan.notes.iter().cloned().collect();
        let new = notes.difference(&self.notes).cloned().collect();
        self.notes = notes;
        new
    }

    fn version(
        &mut self,
        model: &Name,
        version: VersionNumber,
        found: &VersionScan,
        now_ms: u64,
        first: bool,
    ) -> Settled {
        let key = (model.clone(), version);
        let seen = self
            .versions
            .entry(key)
            .or_insert_with(|| Seen::new(now_ms));
        let age = u64::try_from(found.age.as_millis()).unwrap_or(u64::MAX);
        match found.completeness {
            Completeness::Whole => {
                let age = first.then_some(age);
                seen.look(&found.fingerprint, now_ms, self.settle_ms, age)
            }
            Completeness::Unfinished(_) => {
                // Even where it stays so for long, it is not whole: the wait begins again once it looks so.
                *seen = Seen {
                    told: seen.told.take(),
                    ..Seen::new(now_ms)
                };
                Settled::NotYet
            }
            Completeness::Unreadable => Settled::NotYet,
        }
    }

    fn vanished(&mut self, scan: &Scan) -> Vec<Change> {
        let mut changes = Vec::new();
        self.versions.retain(|(model, version), seen| {
            let found = scan.models.get(model);
            let there = found.is_some_and(|m| m.versions.contains_key(version));
            let kept = there || scan.unreadable.contains(model);
            if !kept && seen.told.is_some() {
                changes.push(Change::Vanished {
                    model: model.clone(),
                    version: *version,
                });
            }
            kept
        });
        self.settings
            .retain(|model, _| scan.models.contains_key(model) || scan.unreadable.contains(model));
        changes
    }
}

// === impl Seen ===

impl Seen {
    fn new(now_ms: u64) -> Self {
        Self {
            files: Fingerprint::default(),
            since_ms: now_ms,
            told: None,
        }
    }

    /// Takes one look; `age_ms` is given where the files' own age may stand for a second look.
    fn look(
        &mut self,
        files: &Fingerprint,
        now_ms: u64,
        settle_ms: u64,
        age_ms: Option<u64>,
    ) -> Settled {
        let same = self.files == *files;
        if !same {
            self.files = files.clone();
            self.since_ms = now_ms;
        }
        let old = age_ms.is_some_and(|age| age >= settle_ms);
        let waited = now_ms.saturating_sub(self.since_ms) >= settle_ms;
        if !(old || same && waited) {
            return Settled::NotYet;
        }
        match self.told.replace(files.clone()) {
            None => Settled::New,
            Some(told) if told != *files => Settled::Other,
            Some(_) => Settled::AsBefore,
        }
    }
}
