//! The end of a simulation: the world falls quiet, and what must be true then.

use std::collections::BTreeSet;

use impresario_models::VersionNumber;
use impresario_pipelines::fleet::{Effect, Fleet, Phase, VersionPolicy, plan};
use impresario_pipelines::table;

use super::graphs::{in_memory, needs};
use super::{Key, MODELS, PIPELINES, Sim};
use crate::world::name;

impl Sim {
    /// Everything under way comes to its end, until nothing is left to be done.
    pub(super) fn fall_quiet(&mut self) {
        self.log.push("quiet".to_owned());
        for _ in 0..200 {
            let (effects, _) = plan(&self.fleet, self.now);
            if effects.is_empty() && self.world.loads.is_empty() && self.world.drains.is_empty() {
                return;
            }
            for effect in effects {
                match effect {
                    Effect::Remind { at } => self.now.monotonic = at,
                    other => self.perform(other),
                }
            }
            for key in self.world.drains.clone() {
                self.end_drain(key);
            }
            for key in self.world.loads.clone().into_keys() {
                self.end_load(key);
            }
        }
        panic!(
            "it never falls quiet: {}",
            crate::render::state(&self.fleet, self.now)
        );
    }

    /// What is to be in memory by itself, as the version policies and the admins say, reckoned from the rules
    /// and not from the code.
    pub(super) fn named(&self) -> BTreeSet<Key> {
        let fleet = &self.fleet;
        let mut wanted = BTreeSet::new();
        for (name, model) in fleet.observed.stored() {
            let able = |v: &VersionNumber| {
                let seen = &model.versions[v];
                seen.present && !matches!(seen.phase, Phase::Failed | Phase::Quarantined)
            };
            let mut named: Vec<_> = model.versions.keys().copied().filter(able).collect();
            match &model.policy {
                VersionPolicy::All => {}
                VersionPolicy::Latest(n) => {
                    named.drain(..named.len().saturating_sub(*n));
                }
                VersionPolicy::Listed(list) => named.retain(|v| list.contains(v)),
            }
            let intent = fleet.routing.intents.get(name).cloned().unwrap_or_default();
            for v in model.versions.keys().filter(|v| able(v)) {
                let by_policy = named.contains(v) && !intent.unloaded;
                if intent.versions.get(v).copied().unwrap_or(by_policy) {
                    wanted.insert((name.clone(), *v));
                }
            }
        }
        wanted
    }

    /// What is to be in memory, what pipelines pin and keep included.
    pub(super) fn wanted(&self) -> BTreeSet<Key> {
        let mut wanted = self.named();
        for entry in self.fleet.routing.pipelines.values() {
            wanted.extend(needs(entry));
            let kept = entry.keep.iter().map(|k| (k.model.clone(), k.version));
            wanted.extend(kept.flat_map(|key| in_memory(entry, key)));
        }
        wanted
    }

    pub(super) fn hold_quiet(&self) {
        self.graphs_stand();
        let (named, wanted) = (self.named(), self.wanted());
        for (model, version, seen) in self.fleet.observed.all() {
            let key = (model.clone(), version);
            let who = || format!("{model} {version}: {seen:?}");
            match (&seen.phase, wanted.contains(&key)) {
                (Phase::Ready, true) | (Phase::Discovered | Phase::Unloaded, false) => {}
                (Phase::Discovered | Phase::Unloaded, true) if self.is_parked(&key) => {}
                // What stays although nobody asks for it answers for somebody, for want of a better one.
                (Phase::Ready, false) => {
                    assert!(self.answers(&key), "{}", who());
                    let ready = |v| {
                        let seen = self.fleet.observed.version(model.as_str(), v);
                        seen.is_some_and(|seen| seen.phase == Phase::Ready)
                    };
                    let better = named.iter().find(|(m, v)| m == model && ready(*v));
                    assert!(better.is_none(), "{} instead of {better:?}", who());
                }
                (Phase::Failed, _) => {
                    let sound = self.world.folders[&key].sound && !self.too_large(&key);
                    assert!(!sound, "{} though its files are sound", who());
                }
                (Phase::Quarantined, _) => {}
                _ => panic!("{}, wanted: {}", who(), wanted.contains(&key)),
            }
            assert!(seen.present || seen.phase == Phase::Ready, "{}", who());
            // Whatever is in memory is made of the files there are, or it is told that they changed.
            if seen.phase == Phase::Ready && seen.present && !seen.changed {
                assert!(
                    self.world.loaded[&key] == self.world.folders[&key],
                    "{}",
                    who()
                );
            }
        }
    }

    /// Routing does not depend on what the process remembers.
    pub(super) fn restart_and_compare(&mut self) {
        let remembered = self.fleet.observed.all().any(|(model, version, seen)| {
            let wanted = self.wanted().contains(&(model.clone(), version));
            let intent = self.fleet.routing.intents.get(model);
            let untold = intent.is_none_or(|i| i.versions.get(&version) != Some(&false));
            // That one failed which is not to be loaded is not found out again.
            (seen.phase == Phase::Failed && !untold)
                || seen.changed
                || !seen.present
                || seen.phase == Phase::Quarantined
                || (seen.phase == Phase::Ready && !wanted)
        });
        // Who is in memory where it is short depends on who was used.
        if remembered || self.graphs_remember() || self.fleet.limits.budget.is_some() {
            return;
        }
        let names = || PIPELINES.iter().chain(&MODELS).map(|text| name(text));
        let serving = |fleet: &Fleet| -> Vec<_> {
            names()
                .map(|name| table::standing(fleet, &name).serving())
                .collect()
        };
        let before = serving(&self.fleet);
        let was = crate::render::state(&self.fleet, self.now);
        self.restart();
        self.fall_quiet();
        let is = crate::render::state(&self.fleet, self.now);
        assert_eq!(before, serving(&self.fleet), "{was}\nbecame\n{is}");
    }
}
