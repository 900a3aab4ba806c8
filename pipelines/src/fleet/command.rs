//! Commands: what is asked for becomes a change of the routing, with a record of it, or is rejected.

use std::sync::Arc;

use impresario_models::{Name, VersionNumber};

use super::input::{By, Command, Now, Rejection};
use super::observed::{Phase, Reload};
use super::plan::wanted;
use super::routing::{Change, Diff, Entry, Intent, Keep, Record, Revision};
use super::{Fleet, Source, memory};
use crate::spec::Pipeline;
use crate::table;

/// How long an admin's load of a parked version makes room for it, in milliseconds.
const ASKED: u64 = 60_000;

/// A change in the making: what became different so far.
pub(super) struct Draft<'a> {
    fleet: &'a mut Fleet,
    revision: Revision,
    diffs: Vec<Diff>,
    /// Something was asked for that changes no routing but is worth a record: a load tried again.
    retried: bool,
}

// === impl Draft ===

impl<'a> Draft<'a> {
    pub(super) fn new(fleet: &'a mut Fleet) -> Self {
        Self {
            revision: fleet.routing.revision.next(),
            fleet,
            diffs: Vec::new(),
            retried: false,
        }
    }

    pub(super) fn command(mut self, command: Command, by: By, now: Now) -> Result<(), Rejection> {
        let action = command.action();
        match command {
            Command::PutPipeline {
                name,
                pipeline,
                expected,
            } => {
                self.expect(&name, expected)?;
                self.put(name, Some(pipeline), by.source)?;
            }
            Command::DeletePipeline { name, expected } => {
                self.expect(&name, expected)?;
                if !self.fleet.routing.pipelines.contains_key(&name) {
                    return Err(Rejection::UnknownPipeline { name });
                }
                self.put(name, None, by.source)?;
            }
            Command::Undo { name, to, expected } => {
                self.expect(&name, expected)?;
                let pipeline = past(self.fleet, &name, to)?;
                self.put(name, pipeline, by.source)?;
            }
            Command::ApplyFiles { pipelines } => {
                for (name, pipeline, digest) in pipelines {
                    if self.fleet.routing.applied.get(&name) == Some(&digest) {
                        continue;
                    }
                    self.put(name.clone(), Some(pipeline), by.source)?;
                    self.fleet.routing.applied.insert(name, digest);
                }
            }
            Command::Load { model, version } => self.load(model, version, now)?,
            Command::Unload { model, version } => self.unload(model, version)?,
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

    fn put(
        &mut self,
        name: Name,
        after: Option<Pipeline>,
        source: Source,
    ) -> Result<(), Rejection> {
        if let Some(pipeline) = &after {
            for (model, version) in pipeline.policy().members() {
                self.known(model, version)?;
            }
        }
        let old = self.fleet.routing.pipelines.get(&name);
        let before = old.map(|entry| entry.pipeline.clone());
        if before == after {
            return Ok(());
        }
        match &after {
            None => {
                self.fleet.routing.pipelines.remove(&name);
            }
            Some(pipeline) => {
                // Whoever answers now goes on until the new choice is ready.
                let parked = table::on_demand(self.fleet);
                let keep = table::answering(self.fleet, &name, &parked);
                let keep = keep.map(|(model, version)| Keep { model, version });
                let entry = Entry {
                    pipeline: pipeline.clone(),
                    revision: self.revision,
                    source,
                    keep,
                };
                self.fleet.routing.pipelines.insert(name.clone(), entry);
            }
        }
        let change = Change::Pipeline { before, after };
        self.diffs.push(Diff { name, change });
        Ok(())
    }

    fn load(
        &mut self,
        model: Name,
        version: Option<VersionNumber>,
        now: Now,
    ) -> Result<(), Rejection> {
        self.known(&model, version)?;
        let mut intent = self
            .fleet
            .routing
            .intents
            .get(&model)
            .cloned()
            .unwrap_or_default();
        match version {
            Some(version) => {
                intent.versions.insert(version, true);
            }
            None => {
                intent.unloaded = false;
                intent.versions.retain(|_, load| *load);
            }
        }
        self.set_intent(model.clone(), intent);
        // Asking for a load is also how an admin says "try again".
        let wanted = wanted(self.fleet);
        let limits = self.fleet.limits.clone();
        let observed = self.fleet.observed.models.get_mut(&model);
        for (number, seen) in observed.into_iter().flat_map(|m| &mut m.versions) {
            let asked = version.is_none_or(|v| v == *number);
            if !asked || !seen.present {
                continue;
            }
            match seen.phase {
                Phase::Failed | Phase::Quarantined => {
                    seen.crashes.clear();
                    seen.trouble = None;
                    seen.facts = None;
                    seen.phase = Phase::Discovered;
                    memory::refuse_too_large(seen, &limits);
                    self.retried = true;
                }
                // One that is being loaded again already is not loaded twice at a time.
                Phase::Ready
                    if seen.changed
                        && seen.reload == Reload::None
                        && wanted.contains(&(model.clone(), *number)) =>
                {
                    seen.reload = Reload::Wanted;
                    self.retried = true;
                }
                Phase::Discovered
                | Phase::Loading(_)
                | Phase::Ready
                | Phase::Restarting { .. }
                | Phase::Draining
                | Phase::Unloaded => {}
            }
            // Where memory is short, asking is also a reason to make room.
            if wanted.contains(&(model.clone(), *number)) {
                let until = now.monotonic.saturating_add(ASKED);
                memory::demanded(seen, until, &limits, now);
            }
        }
        Ok(())
    }

    fn unload(&mut self, model: Name, version: Option<VersionNumber>) -> Result<(), Rejection> {
        self.known(&model, version)?;
        let parked = table::on_demand(self.fleet);
        for (pipeline, entry) in &self.fleet.routing.pipelines {
            let serving = table::answering(self.fleet, pipeline, &parked);
            let pins = entry.pipeline.policy().members().into_iter();
            let pins = pins.filter_map(|(model, version)| Some((model.clone(), version?)));
            for (member, needed) in pins.chain(serving) {
                if member == model && version.is_none_or(|v| v == needed) {
                    return Err(Rejection::InUse {
                        model,
                        version: needed,
                        pipeline: pipeline.clone(),
                    });
                }
            }
        }
        let mut intent = self
            .fleet
            .routing
            .intents
            .get(&model)
            .cloned()
            .unwrap_or_default();
        match version {
            Some(version) => {
                intent.versions.insert(version, false);
            }
            None => {
                intent = Intent {
                    unloaded: true,
                    ..Intent::default()
                }
            }
        }
        self.set_intent(model, intent);
        Ok(())
    }

    fn set_intent(&mut self, model: Name, intent: Intent) {
        let before = self.fleet.routing.intents.get(&model).cloned();
        let after = (!intent.is_default()).then_some(intent);
        if before == after {
            return;
        }
        match after.clone() {
            Some(intent) => self.fleet.routing.intents.insert(model.clone(), intent),
            None => self.fleet.routing.intents.remove(&model),
        };
        let change = Change::Intent { before, after };
        self.diffs.push(Diff {
            name: model,
            change,
        });
    }

    fn known(&self, model: &Name, version: Option<VersionNumber>) -> Result<(), Rejection> {
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

    fn record(self, action: &'static str, by: By, now: Now) {
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

/// What a pipeline was at a revision, or before its newest change.
fn past(fleet: &Fleet, name: &Name, to: Option<Revision>) -> Result<Option<Pipeline>, Rejection> {
    let changes = fleet.history.iter().flat_map(|record| {
        let of_name = record.diffs.iter().filter(|diff| diff.name == *name);
        of_name.filter_map(|diff| match &diff.change {
            Change::Pipeline { before, after } => Some((record.revision, before, after)),
            Change::Intent { .. } => None,
        })
    });
    let changes: Vec<_> = changes.collect();
    let Some(&(first, oldest, _)) = changes.first() else {
        return Err(match fleet.routing.pipelines.contains_key(name) {
            true => Rejection::NothingToUndo { name: name.clone() },
            false => Rejection::UnknownPipeline { name: name.clone() },
        });
    };
    let Some(to) = to else {
        return Ok(changes.last().and_then(|(_, before, _)| (*before).clone()));
    };
    if to > fleet.routing.revision || (to < first && to < covered(fleet)) {
        let known: Vec<_> = changes
            .iter()
            .map(|(revision, ..)| revision.to_string())
            .collect();
        return Err(Rejection::UnknownRevision {
            name: name.clone(),
            to,
            known: format!("it changed at {}", known.join(", ")),
        });
    }
    let at = changes.iter().rev().find(|(revision, ..)| *revision <= to);
    Ok(at.map_or(oldest.clone(), |(_, _, after)| (*after).clone()))
}

/// The oldest revision whose state the history still tells: the one before its oldest change.
fn covered(fleet: &Fleet) -> Revision {
    match fleet.history.first() {
        None => fleet.routing.revision,
        Some(oldest) if oldest.diffs.is_empty() => oldest.revision,
        Some(oldest) => Revision(oldest.revision.0.saturating_sub(1)),
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
        }
    }
}
