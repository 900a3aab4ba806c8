//! The world outside of the fleet: folders that appear and vanish, loads and drains that take their time.

use std::collections::{BTreeMap, BTreeSet};

use impresario_models::Name;
use impresario_pipelines::fleet::{Effect, Event, Residence, Stage, VersionPolicy, plan};

use super::{Key, MODELS, Sim};
use crate::world::{facts_with, name, version};

/// A folder of files: which state of them, and whether they can be loaded.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Folder {
    /// Differs with every edit.
    edit: u64,
    pub(super) sound: bool,
}

/// What is outside of the fleet.
#[derive(Default)]
pub(super) struct World {
    pub(super) folders: BTreeMap<Key, Folder>,
    pub(super) policies: BTreeMap<Name, VersionPolicy>,
    /// Loads under way, with the files as they were when each began.
    pub(super) loads: BTreeMap<Key, Option<Folder>>,
    pub(super) drains: BTreeSet<Key>,
    pub(super) pinned: BTreeSet<Name>,
    /// What a version in memory was made of.
    pub(super) loaded: BTreeMap<Key, Folder>,
}

impl Sim {
    pub(super) fn folder(&mut self) {
        let model = self.pick(MODELS).map(name).unwrap();
        let number = version(1 + self.below(4));
        let key = (model.clone(), number);
        let policy = self.world.policies.get(&model).cloned().unwrap_or_default();
        let edit = self.next();
        let folder = Folder {
            edit,
            sound: self.below(4) > 0,
        };
        let happened = match (self.world.folders.contains_key(&key), self.below(3)) {
            (true, 0) => {
                self.world.folders.remove(&key);
                Event::Vanished {
                    model,
                    version: number,
                }
            }
            (true, _) => {
                self.world.folders.insert(key, folder);
                Event::Changed {
                    model,
                    version: number,
                    policy,
                }
            }
            (false, _) => {
                self.world.folders.insert(key, folder);
                Event::Appeared {
                    model,
                    version: number,
                    policy,
                }
            }
        };
        let appeared = !matches!(happened, Event::Vanished { .. });
        let (model, number) = happened.subject();
        let key = (model.clone(), number.unwrap());
        self.happen(happened);
        if appeared {
            self.weigh(key);
        }
    }

    pub(super) fn policy(&mut self) {
        let model = self.pick(MODELS).map(name).unwrap();
        let policy = match self.below(4) {
            0 => VersionPolicy::All,
            1 => VersionPolicy::Listed(vec![version(1 + self.below(4))]),
            n => VersionPolicy::Latest(n as usize - 1),
        };
        self.world.policies.insert(model.clone(), policy.clone());
        if self.fleet.observed.models.contains_key(&model) {
            self.happen(Event::PolicyRead { model, policy });
        }
    }

    pub(super) fn perform_one(&mut self) {
        let (effects, _) = plan(&self.fleet, self.now);
        if let Some(effect) = self.pick(effects) {
            self.perform(effect);
        }
    }

    pub(super) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Load { model, version } => {
                let key = (model.clone(), version);
                let files = self.world.folders.get(&key).copied();
                self.world.loads.insert(key, files);
                self.happen(Event::LoadStarted { model, version });
            }
            Effect::Unload { model, version } => {
                self.world.drains.insert((model.clone(), version));
                self.happen(Event::UnloadStarted { model, version });
            }
            Effect::Park { model, version } => {
                self.may_be_parked(&(model.clone(), version));
                self.world.drains.insert((model.clone(), version));
                self.happen(Event::ParkStarted { model, version });
            }
            Effect::Remind { .. } => {}
        }
    }

    pub(super) fn finish_one(&mut self) {
        let loads: Vec<_> = self.world.loads.keys().cloned().collect();
        let drains: Vec<_> = self.world.drains.iter().cloned().collect();
        if self.below(2) == 0
            && let Some(key) = self.pick(drains)
        {
            self.end_drain(key);
        } else if let Some(key) = self.pick(loads) {
            if self.below(3) == 0 {
                let stage = self.pick([Stage::Golden, Stage::Warming]).unwrap();
                let (model, version) = key;
                self.happen(Event::LoadProgressed {
                    model,
                    version,
                    stage,
                });
            } else {
                self.end_load(key);
            }
        }
    }

    pub(super) fn end_drain(&mut self, key: Key) {
        self.world.drains.remove(&key);
        self.world.loaded.remove(&key);
        let (model, version) = key;
        self.happen(Event::Drained { model, version });
    }

    pub(super) fn end_load(&mut self, key: Key) {
        let files = self.world.loads.remove(&key).unwrap();
        let (model, version) = key.clone();
        match files {
            Some(files) if files.sound => {
                self.world.loaded.insert(key.clone(), files);
                let facts = facts_with(self.bytes(&key), self.contract(&key));
                self.happen(Event::Loaded {
                    model,
                    version,
                    facts,
                });
            }
            _ => {
                let reason = "broken".to_owned();
                self.happen(Event::LoadFailed {
                    model,
                    version,
                    reason,
                });
            }
        }
    }

    pub(super) fn crash(&mut self) {
        let serving = self
            .fleet
            .observed
            .all()
            .filter(|(_, _, seen)| seen.serves());
        let serving: Vec<_> = serving
            .map(|(model, version, _)| (model.clone(), version))
            .collect();
        if let Some((model, version)) = self.pick(serving) {
            let reason = "boom".to_owned();
            self.happen(Event::Crashed {
                model,
                version,
                reason,
            });
        }
    }

    /// What is stored remains; everything else is looked at anew.
    pub(super) fn restart(&mut self) {
        self.log.push("restart".to_owned());
        self.read_back();
        self.fleet.observed = Default::default();
        self.now.monotonic = 0;
        self.world.loads.clear();
        self.world.drains.clear();
        self.world.loaded.clear();
        for (model, version) in self.world.folders.clone().into_keys() {
            let policy = self.world.policies.get(&model).cloned().unwrap_or_default();
            self.happen(Event::Appeared {
                model: model.clone(),
                version,
                policy,
            });
            self.weigh((model, version));
        }
        for model in self.world.pinned.clone() {
            let residence = Residence::Pinned;
            self.happen(Event::ResidenceRead { model, residence });
        }
    }
}
