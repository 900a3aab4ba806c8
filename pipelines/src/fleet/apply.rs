//! `apply`: the fleet and one input make the next fleet, or a rejection.

use std::collections::BTreeSet;
use std::sync::Arc;

use impresario_models::{Name, VersionNumber};

use super::input::{By, Command, Event, Input, Now, Rejection};
use super::observed::{Model, Phase, Reload, Seen, Stage};
use super::plan::wanted;
use super::routing::{Change, Diff, Entry, Intent, Keep, Record, Revision};
use super::{Fleet, Source};
use crate::spec::Pipeline;
use crate::table::{self, Standing};

/// The rules of loading, restarting and remembering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Loads at a time.
    pub loading: usize,
    /// Wait before the first restart, in milliseconds; it doubles with each further crash.
    pub backoff_initial: u64,
    /// The longest wait before a restart, in milliseconds.
    pub backoff_max: u64,
    /// Crashes that lead to quarantine.
    pub crashes: usize,
    /// Quiet time after which earlier crashes are forgotten, in milliseconds.
    pub crash_memory: u64,
    /// Records kept for history and undo.
    pub history: usize,
}

/// Applies one input.
///
/// # Errors
/// A [`Rejection`] for a command that cannot be done; events are never refused, an event about a version that
/// is not there is without effect.
pub fn apply(fleet: &Fleet, input: Input, now: Now) -> Result<Fleet, Rejection> {
    let mut next = fleet.clone();
    match input {
        Input::Command(command, by) => Draft::new(&mut next).command(command, by, now)?,
        Input::Event(event) => happened(&mut next, event, now),
    }
    settle(&mut next);
    Ok(next)
}

/// A change in the making: what became different so far.
struct Draft<'a> {
    fleet: &'a mut Fleet,
    revision: Revision,
    diffs: Vec<Diff>,
    /// Something was asked for that changes no routing but is worth a record: a load tried again.
    retried: bool,
}

// === commands ===

impl<'a> Draft<'a> {
    fn new(fleet: &'a mut Fleet) -> Self {
        Self {
            revision: fleet.routing.revision.next(),
            fleet,
            diffs: Vec::new(),
            retried: false,
        }
    }

    fn command(mut self, command: Command, by: By, now: Now) -> Result<(), Rejection> {
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
            Command::Load { model, version } => self.load(model, version)?,
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
                let keep = table::standing(self.fleet, &name).serving();
                let keep = keep.map(|(model, version)| Keep { model, version });
                // A pin asks for the version, whatever was said about unloading it.
                for (model, version) in pipeline.policy().members() {
                    if let (Some(version), Some(intent)) =
                        (version, self.fleet.routing.intents.get(model))
                        && intent.versions.get(&version) == Some(&false)
                    {
                        let mut intent = intent.clone();
                        intent.versions.remove(&version);
                        self.set_intent(model.clone(), intent);
                    }
                }
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

    fn load(&mut self, model: Name, version: Option<VersionNumber>) -> Result<(), Rejection> {
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
                    self.retried = true;
                }
                Phase::Ready if seen.changed && wanted.contains(&(model.clone(), *number)) => {
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
        }
        Ok(())
    }

    fn unload(&mut self, model: Name, version: Option<VersionNumber>) -> Result<(), Rejection> {
        self.known(&model, version)?;
        for (pipeline, entry) in &self.fleet.routing.pipelines {
            for (member, pinned) in entry.pipeline.policy().members() {
                let serving = self
                    .fleet
                    .observed
                    .models
                    .get(member)
                    .and_then(Model::newest_serving);
                let needed = pinned.or(serving);
                if *member == model
                    && let Some(needed) = needed
                    && version.is_none_or(|v| v == needed)
                {
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
        let extra = self.history.len().saturating_sub(self.limits.history);
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
    if to > fleet.routing.revision || (to < first && oldest.is_some()) {
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

// === events ===

fn happened(fleet: &mut Fleet, event: Event, now: Now) {
    match &event {
        Event::Appeared {
            model,
            version,
            policy,
        }
        | Event::Changed {
            model,
            version,
            policy,
        } => {
            let known = fleet.observed.models.entry(model.clone()).or_default();
            known.policy = policy.clone();
            let seen = known
                .versions
                .entry(*version)
                .or_insert_with(Seen::discovered);
            seen.present = true;
            match seen.phase {
                // New files are a new chance.
                Phase::Failed => {
                    seen.phase = Phase::Discovered;
                    seen.trouble = None;
                }
                Phase::Ready
                | Phase::Restarting { .. }
                | Phase::Quarantined
                | Phase::Loading(_) => {
                    seen.changed = matches!(event, Event::Changed { .. });
                }
                Phase::Discovered | Phase::Draining | Phase::Unloaded => {}
            }
            return;
        }
        _ => {}
    }
    let (model, version) = event.subject();
    let (model, limits) = (model.clone(), fleet.limits.clone());
    let Some(known) = fleet.observed.models.get_mut(&model) else {
        return;
    };
    if let Event::PolicyRead { policy, .. } = &event {
        known.policy = policy.clone();
    }
    let Some(version) = version else {
        return;
    };
    let Some(seen) = known.versions.get_mut(&version) else {
        return;
    };
    match event {
        Event::Appeared { .. } | Event::Changed { .. } | Event::PolicyRead { .. } => {}
        Event::Vanished { .. } => {
            seen.present = false;
            if matches!(
                seen.phase,
                Phase::Discovered | Phase::Unloaded | Phase::Failed
            ) {
                known.versions.remove(&version);
            }
        }
        Event::LoadStarted { .. } => match seen.phase {
            Phase::Discovered | Phase::Unloaded => seen.phase = Phase::Loading(Stage::Reading),
            Phase::Restarting { until, .. } => {
                seen.phase = Phase::Restarting {
                    until,
                    building: true,
                }
            }
            Phase::Ready => seen.reload = Reload::Loading,
            Phase::Loading(_) | Phase::Quarantined | Phase::Draining | Phase::Failed => {}
        },
        Event::LoadProgressed { stage, .. } => match seen.phase {
            Phase::Loading(_) => seen.phase = Phase::Loading(stage),
            Phase::Discovered
            | Phase::Ready
            | Phase::Restarting { .. }
            | Phase::Quarantined
            | Phase::Draining
            | Phase::Unloaded
            | Phase::Failed => {}
        },
        Event::Loaded { facts, .. } => {
            if seen.phase != Phase::Draining {
                // A restart builds from the files as they are now, so it counts as a reload too.
                seen.changed = false;
                seen.trouble = None;
                seen.phase = Phase::Ready;
                seen.facts = Some(facts);
            }
            seen.reload = Reload::None;
        }
        Event::LoadFailed { reason, .. } => {
            seen.trouble = Some(reason);
            match seen.phase {
                Phase::Ready => seen.reload = Reload::None,
                Phase::Loading(_)
                | Phase::Restarting { .. }
                | Phase::Discovered
                | Phase::Unloaded => {
                    seen.phase = Phase::Failed;
                    seen.facts = None;
                    if !seen.present {
                        known.versions.remove(&version);
                    }
                }
                Phase::Quarantined | Phase::Draining | Phase::Failed => {}
            }
        }
        Event::Crashed { reason, .. } => crashed(seen, reason, &limits, now),
        Event::UnloadStarted { .. } => {
            if seen.resident() {
                seen.phase = Phase::Draining;
            }
        }
        Event::Drained { .. } => {
            if seen.phase == Phase::Draining {
                seen.phase = Phase::Unloaded;
                seen.facts = None;
                seen.changed = false;
                seen.reload = Reload::None;
                if !seen.present {
                    known.versions.remove(&version);
                }
            }
        }
    }
    if known.versions.is_empty() {
        fleet.observed.models.remove(&model);
    }
}

fn crashed(seen: &mut Seen, reason: String, limits: &Limits, now: Now) {
    match seen.phase {
        // Several instances may report the same fall; only a version that answers can fall.
        Phase::Ready => {}
        Phase::Restarting { .. }
        | Phase::Discovered
        | Phase::Loading(_)
        | Phase::Quarantined
        | Phase::Draining
        | Phase::Unloaded
        | Phase::Failed => return,
    }
    if seen
        .crashes
        .last()
        .is_some_and(|last| now.monotonic.saturating_sub(*last) > limits.crash_memory)
    {
        seen.crashes.clear();
    }
    seen.crashes.push(now.monotonic);
    seen.trouble = Some(reason);
    if seen.crashes.len() >= limits.crashes {
        seen.phase = Phase::Quarantined;
        return;
    }
    let doublings = u32::try_from(seen.crashes.len() - 1).unwrap_or(u32::MAX);
    let wait = limits
        .backoff_initial
        .saturating_mul(2u64.saturating_pow(doublings));
    seen.phase = Phase::Restarting {
        until: now.monotonic + wait.min(limits.backoff_max),
        building: false,
    };
}

/// Ends what has come to its end: a kept version steps down once its successor is ready.
fn settle(fleet: &mut Fleet) {
    let kept = fleet
        .routing
        .pipelines
        .iter()
        .filter(|(_, entry)| entry.keep.is_some());
    let done: BTreeSet<Name> = kept
        .filter(|(name, _)| !matches!(table::standing(fleet, name), Standing::Kept { .. }))
        .map(|(name, _)| name.clone())
        .collect();
    for name in done {
        let Some(entry) = fleet.routing.pipelines.get_mut(&name) else {
            continue;
        };
        let asked = entry.pipeline.policy().members();
        let ready = asked.iter().all(|(model, version)| {
            let model = fleet.observed.models.get(*model);
            model.is_some_and(|m| match version {
                Some(v) => m.versions.get(v).is_some_and(Seen::serves),
                None => m.newest_serving().is_some(),
            })
        });
        if ready {
            entry.keep = None;
        }
    }
}

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

impl Default for Limits {
    fn default() -> Self {
        Self {
            loading: 2,
            backoff_initial: 100,
            backoff_max: 30_000,
            crashes: 5,
            crash_memory: 60_000,
            history: 1_000,
        }
    }
}
