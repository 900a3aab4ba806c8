//! The report: everything that is not as desired, and the reason why. Doing nothing has a reason too.

use std::collections::BTreeSet;
use std::fmt;

use impresario_models::{Name, VersionNumber};

use super::observed::{Phase, Reload, Stage};
use super::plan::Key;
use super::{Fleet, Now, memory};
use crate::table::{self, Standing};

/// What waits, fails or was refused, in the order of names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// One line each.
    pub waits: Vec<Wait>,
}

/// One thing that is not as desired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// What.
    pub subject: Subject,
    /// Why.
    pub reason: Reason,
}

/// What a wait is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A pipeline.
    Pipeline(Name),
    /// A version of a model.
    Version(Name, VersionNumber),
}

/// Why something is not as desired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It waits for a place among the loads.
    Queued,
    /// Memory is short, and others were used since; its next request loads it.
    Parked(String),
    /// It is being made ready.
    Loading(Stage),
    /// It is loaded again while it serves.
    Reloading,
    /// It is desired but its files are gone.
    Missing,
    /// It could not be made ready.
    Failed(String),
    /// It crashed and is built again.
    Restarting {
        /// Monotonic milliseconds.
        until: u64,
        /// Why it crashed.
        trouble: String,
    },
    /// It crashed too often.
    Quarantined(String),
    /// Its files changed after they were loaded; the loaded ones go on serving until a load is asked for.
    FilesChanged,
    /// The version from before goes on serving.
    Kept {
        /// That version.
        serves: VersionNumber,
        /// Why the one asked for does not serve.
        waiting: String,
    },
    /// No version answers.
    Nobody(String),
    /// A model of the repository has the name that its graphs are versions of, and so is not used.
    Hides,
    /// What moves it by itself waits for something.
    Course {
        /// The word for what moves it.
        kind: &'static str,
        /// What it waits for.
        waits: String,
    },
}

// === impl Report ===

impl Report {
    /// `coming` are the versions that wait for nothing but their turn.
    pub(super) fn of(
        fleet: &Fleet,
        wanted: &BTreeSet<Key>,
        coming: impl Fn(&Key) -> bool,
        now: Now,
    ) -> Self {
        let mut waits = Vec::new();
        for (name, entry) in &fleet.routing.pipelines {
            let course = entry.course.as_deref();
            waits.extend(course.and_then(|course| {
                let subject = Subject::Pipeline(name.clone());
                let reason = Reason::Course {
                    kind: course.kind(),
                    waits: course.waits()?,
                };
                Some(Wait { subject, reason })
            }));
            let reason = match table::standing(fleet, name) {
                Standing::Serving { .. } => continue,
                Standing::Kept { keep, waiting } => Reason::Kept {
                    serves: keep.version,
                    waiting: waiting.why,
                },
                Standing::Nobody(why) => Reason::Nobody(why.why),
            };
            waits.push(Wait {
                subject: Subject::Pipeline(name.clone()),
                reason,
            });
            for (model, version) in entry.members() {
                let Some(version) = version else { continue };
                if fleet.observed.version(model.as_str(), version).is_none() {
                    waits.push(Wait {
                        subject: Subject::Version(model.clone(), version),
                        reason: Reason::Missing,
                    });
                }
            }
        }
        for name in fleet.observed.graphs.names() {
            if fleet.observed.models.contains_key(name) {
                waits.push(Wait {
                    subject: Subject::Pipeline(name.clone()),
                    reason: Reason::Hides,
                });
            }
        }
        let bounded = fleet.limits.budget.is_some();
        let held = if bounded { memory::held(fleet) } else { 0 };
        let pinned = if bounded { memory::pinned(fleet) } else { 0 };
        for (model, version, seen) in fleet.observed.all() {
            let trouble = || seen.trouble.clone().unwrap_or_default();
            let key = (model.clone(), version);
            let wished = wanted.contains(&key);
            let reason = match &seen.phase {
                Phase::Discovered | Phase::Unloaded if wished => {
                    match coming(&key) || seen.demanded(now.monotonic) {
                        true => Reason::Queued,
                        false => {
                            Reason::Parked(memory::why_parked(seen, held, pinned, &fleet.limits))
                        }
                    }
                }
                Phase::Discovered | Phase::Unloaded | Phase::Draining => continue,
                Phase::Loading(stage) => Reason::Loading(*stage),
                Phase::Restarting { until, .. } => Reason::Restarting {
                    until: *until,
                    trouble: trouble(),
                },
                Phase::Quarantined => Reason::Quarantined(trouble()),
                Phase::Failed => Reason::Failed(trouble()),
                Phase::Ready if seen.reload != Reload::None => Reason::Reloading,
                Phase::Ready if !seen.present => Reason::Missing,
                Phase::Ready if seen.changed => Reason::FilesChanged,
                Phase::Ready => continue,
            };
            waits.push(Wait {
                subject: Subject::Version(model.clone(), version),
                reason,
            });
        }
        Self { waits }
    }
}

// === impl Reason ===

impl Reason {
    /// A stable code for scripts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Parked(_) => "parked",
            Self::Loading(_) => "loading",
            Self::Reloading => "reloading",
            Self::Missing => "missing",
            Self::Failed(_) => "failed",
            Self::Restarting { .. } => "restarting",
            Self::Quarantined(_) => "quarantined",
            Self::FilesChanged => "files-changed",
            Self::Kept { .. } => "kept",
            Self::Nobody(_) => "nobody",
            Self::Hides => "hides-model",
            Self::Course { .. } => "course",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queued => f.write_str("waits for a place among the loads"),
            Self::Parked(why) => write!(f, "is parked: {why}"),
            Self::Loading(stage) => write!(
                f,
                "is being made ready ({})",
                Phase::Loading(*stage).as_str()
            ),
            Self::Reloading => f.write_str("is loaded again while it serves"),
            Self::Missing => f.write_str("is not in the repository"),
            Self::Failed(why) => write!(f, "could not be loaded: {why}"),
            Self::Restarting { trouble, .. } => write!(f, "restarts after a crash: {trouble}"),
            Self::Quarantined(why) => {
                write!(
                    f,
                    "crashed too often and is left alone until it is loaded again: {why}"
                )
            }
            Self::FilesChanged => {
                f.write_str("its files changed since they were loaded; load it to use them")
            }
            Self::Kept { serves, waiting } => {
                write!(f, "version {serves} goes on serving: {waiting}")
            }
            Self::Nobody(why) => write!(f, "nobody answers: {why}"),
            Self::Hides => f.write_str(
                "hides the model of its name in the repository, as its graphs are versions of that name; give one of \
                 them another name",
            ),
            Self::Course { kind, waits } => write!(f, "its {kind}: {waits}"),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pipeline(name) => write!(f, "pipeline {name}"),
            Self::Version(model, version) => write!(f, "model {model} version {version}"),
        }
    }
}
