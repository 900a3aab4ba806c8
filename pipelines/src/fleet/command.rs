//! Commands: what is asked for becomes a change of the routing, with a record of it, or is rejected.

use std::sync::Arc;

use impresario_models::{Name, VersionNumber};

use super::Fleet;
use super::complete::callees_first;
use super::input::{By, Command, Now};
use super::past::past;
use super::put::{Asked, Origin};
use super::rejection::Rejection;
use super::routing::{Diff, Promise, Record, Revision};

/// A change in the making: what became different so far.
pub(super) struct Draft<'a> {
    pub(super) fleet: &'a mut Fleet,
    pub(super) revision: Revision,
    pub(super) diffs: Vec<Diff>,
    /// The numbers that it rests on.
    pub(super) numbers: Vec<(String, f64)>,
    /// Something was asked for that changes no routing but is worth a record: a load tried again.
    pub(super) retried: bool,
}

// === impl Draft ===

impl<'a> Draft<'a> {
    pub(super) fn new(fleet: &'a mut Fleet) -> Self {
        Self {
            revision: fleet.routing.revision.next(),
            fleet,
            diffs: Vec::new(),
            numbers: Vec::new(),
            retried: false,
        }
    }

    pub(super) fn command(
        mut self,
        command: Command,
        mut by: By,
        now: Now,
    ) -> Result<(), Rejection> {
        let action = command.action();
        match command {
            Command::PutPipeline {
                name,
                pipeline,
                promise,
                expected,
            } => {
                self.expect(&name, expected)?;
                if promise == Promise::Waived && by.reason.is_none() {
                    return Err(Rejection::ReasonMissing { name });
                }
                let asked = Asked {
                    pipeline,
                    promise,
                    origin: Origin::Written,
                };
                self.put(name, Some(asked), &by, now)?;
            }
            Command::DeletePipeline { name, expected } => {
                self.expect(&name, expected)?;
                if !self.fleet.routing.pipelines.contains_key(&name) {
                    return Err(Rejection::UnknownPipeline { name });
                }
                self.put(name, None, &by, now)?;
            }
            Command::Undo { name, to, expected } => {
                self.expect(&name, expected)?;
                let asked = past(self.fleet, &name, to)?;
                self.put(name, asked, &by, now)?;
            }
            Command::ApplyFiles { pipelines } => {
                let mut pipelines = pipelines;
                let applied = &self.fleet.routing.applied;
                pipelines.retain(|(name, _, digest)| applied.get(name) != Some(digest));
                for (name, pipeline, digest) in callees_first(pipelines)? {
                    let asked = Asked {
                        pipeline,
                        promise: Promise::Kept,
                        origin: Origin::Written,
                    };
                    self.put(name.clone(), Some(asked), &by, now)?;
                    self.fleet.routing.applied.insert(name, digest);
                }
            }
            Command::Load { model, version } => self.load(model, version, now)?,
            Command::Unload { model, version } => self.unload(model, version)?,
            Command::Steer {
                name,
                verb,
                expected,
            } => {
                self.expect(&name, expected)?;
                let action = self.steer(name, verb, &mut by, now)?;
                self.record(action, by, now);
                return Ok(());
            }
            Command::Freeze { until } => self.freeze(until, &by),
            Command::Unfreeze => self.unfreeze(),
        }
        self.record(action, by, now);
        Ok(())
    }

    fn expect(&self, name: &Name, expected: Option<Revision>) -> Result<(), Rejection> {
        let Some(expected) = expected else {
            return Ok(());
        };
        let current = self
            .fleet
            .routing
            .pipelines
            .get(name)
            .map_or(Revision(0), |e| e.revision);
        if current == expected {
            return Ok(());
        }
        Err(Rejection::Stale {
            name: name.clone(),
            expected,
            current,
        })
    }

    pub(super) fn known(
        &self,
        model: &Name,
        version: Option<VersionNumber>,
    ) -> Result<(), Rejection> {
        let models = &self.fleet.observed.models;
        let Some(seen) = models.get(model) else {
            let names: Vec<_> = models.keys().take(10).map(Name::as_str).collect();
            let more = if models.len() > 10 { " …" } else { "" };
            let known = if names.is_empty() {
                "no models".into()
            } else {
                format!("{}{more}", names.join(", "))
            };
            return Err(Rejection::UnknownModel {
                model: model.clone(),
                known,
            });
        };
        match version {
            Some(version) if !seen.versions.contains_key(&version) => {
                Err(Rejection::UnknownVersion {
                    model: model.clone(),
                    version,
                    known: seen.known(),
                })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn record(self, action: &str, by: By, now: Now) {
        if self.diffs.is_empty() && !self.retried {
            return;
        }
        let fleet = self.fleet;
        if !self.diffs.is_empty() {
            fleet.routing.revision = self.revision;
        }
        fleet.push(Record {
            seq: 0,
            revision: fleet.routing.revision,
            at: now.wall,
            actor: by.actor,
            source: by.source,
            action: action.to_owned(),
            reason: by.reason,
            diffs: self.diffs,
            numbers: self.numbers,
        });
    }
}

impl Fleet {
    /// Adds a record to the history, numbering it, and forgets the oldest ones beyond the limit.
    pub fn push(&mut self, record: Record) {
        let seq = self.history.last().map_or(1, |last| last.seq + 1);
        self.history.push(Arc::new(Record { seq, ..record }));
        let extra = self
            .history
            .len()
            .saturating_sub(self.limits.history.max(1));
        self.history.drain(..extra);
    }
}

// === impl Command ===

impl Command {
    /// The verb that the audit keeps.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::PutPipeline { .. } => "pipeline.put",
            Self::DeletePipeline { .. } => "pipeline.delete",
            Self::Undo { .. } => "pipeline.undo",
            Self::ApplyFiles { .. } => "pipelines.apply-files",
            Self::Load { .. } => "model.load",
            Self::Unload { .. } => "model.unload",
            Self::Steer { verb, .. } => verb.course(),
            Self::Freeze { .. } => "fleet.freeze",
            Self::Unfreeze => "fleet.unfreeze",
        }
    }
}
