//! Loading and unloading on demand: what admins say about versions, over what the version policies say.

use impresario_models::{Name, VersionNumber};

use super::command::Draft;
use super::graphs::called;
use super::input::Now;
use super::memory;
use super::observed::{Phase, Reload};
use super::plan::wanted;
use super::rejection::Rejection;
use super::routing::{Change, Diff, Intent};
use crate::table;

/// How long an admin's load of a parked version makes room for it, in milliseconds.
const ASKED: u64 = 60_000;

impl Draft<'_> {
    pub(super) fn load(
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

    pub(super) fn unload(
        &mut self,
        model: Name,
        version: Option<VersionNumber>,
    ) -> Result<(), Rejection> {
        self.known(&model, version)?;
        let parked = table::on_demand(self.fleet);
        for (pipeline, entry) in &self.fleet.routing.pipelines {
            let serving = table::answering(self.fleet, pipeline, &parked);
            // Models that its graphs call as pipelines, none having been made of their name.
            let called = entry.graphs().into_values().flat_map(called);
            let called = called.filter_map(|name| table::answering(self.fleet, name, &parked));
            let pins = entry.members().into_iter();
            let pins = pins.filter_map(|(model, version)| Some((model.clone(), version?)));
            for (member, needed) in pins.chain(serving).chain(called) {
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
        self.set_intent(model.clone(), intent);
        // One that leaves memory is forgotten then. One that memory had parked is already out, or on its way.
        let wanted = wanted(self.fleet);
        let observed = self.fleet.observed.models.get_mut(&model);
        for (number, seen) in observed.into_iter().flat_map(|m| &mut m.versions) {
            let asked = version.is_none_or(|v| v == *number);
            if asked && !seen.is_up() && !wanted.contains(&(model.clone(), *number)) {
                seen.stay.forget();
            }
        }
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
}
