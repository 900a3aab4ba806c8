//! Memory in the simulation: requests that use versions and wait for them, and what must hold of who is parked.

use impresario_pipelines::fleet::{Event, Phase, Reason, Reload, Residence, Subject, plan};
use impresario_pipelines::table;

use super::{Key, MODELS, Sim};
use crate::world::{name, version};

impl Sim {
    /// Something that touches who is in memory.
    pub(super) fn memory(&mut self) {
        let model = self.pick(MODELS).map(name).unwrap();
        let number = version(1 + self.below(4));
        let at = self.now.monotonic;
        match self.below(8) {
            0 => {
                let pinned = self.world.pinned.contains(&model);
                let residence = match pinned {
                    true => Residence::Parkable,
                    false => Residence::Pinned,
                };
                // Pins leave room for any other version: more is a mistake, and a script's business.
                let of_model = (1..=4).map(|v| self.bytes(&(model.clone(), version(v))));
                let room = of_model.sum::<u64>() + 6 <= self.fleet.limits.budget.unwrap_or(0);
                let may = room && self.world.pinned.is_empty();
                if !pinned && !may {
                    return;
                }
                // What is said of a model that is not there is not known later.
                if self.fleet.observed.models.contains_key(&model) {
                    match pinned {
                        true => self.world.pinned.remove(&model),
                        false => self.world.pinned.insert(model.clone()),
                    };
                    self.happen(Event::ResidenceRead { model, residence });
                }
            }
            1..4 => self.happen(Event::Used {
                model,
                version: number,
                at,
            }),
            _ => {
                let until = at + self.below(800);
                self.happen(Event::Demanded {
                    model,
                    version: number,
                    until,
                });
            }
        }
    }

    /// What a version takes: always the same, so that what is expected of it is true.
    pub(super) fn bytes(&self, key: &Key) -> u64 {
        let text = key.0.as_str().as_bytes();
        let sum: u64 = text.iter().map(|byte| u64::from(*byte)).sum();
        1 + (sum + key.1.get() * 7 + self.seed) % 6
    }

    pub(super) fn too_large(&self, key: &Key) -> bool {
        let budget = self.fleet.limits.budget;
        budget.is_some_and(|budget| self.bytes(key) > budget)
    }

    pub(super) fn weigh(&mut self, (model, version): Key) {
        let bytes = self.bytes(&(model.clone(), version));
        if self.fleet.limits.budget.is_some() {
            self.happen(Event::Weighed {
                model,
                version,
                bytes,
            });
        }
    }

    /// Bytes that are taken outside: a version that is loaded beside itself is counted once.
    fn held(&self) -> u64 {
        let seen = self.fleet.observed.all();
        let there =
            seen.filter(|(_, _, seen)| seen.resident() || matches!(seen.phase, Phase::Loading(_)));
        there
            .map(|(model, version, _)| self.bytes(&(model.clone(), version)))
            .sum()
    }

    /// Whatever is asked and whoever crashes, memory is kept.
    pub(super) fn memory_is_bounded(&self) {
        if let Some(budget) = self.fleet.limits.budget {
            let held = self.held();
            assert!(held <= budget, "{held} of {budget} bytes are taken");
        }
    }

    /// Nobody is sent away who must stay: neither the pinned, as far as they fit, nor who has just come.
    pub(super) fn may_be_parked(&self, key: &Key) {
        let budget = self.fleet.limits.budget.expect("parked without a budget");
        let (model, seen) = (
            &self.fleet.observed.models[&key.0],
            &self.fleet.observed.models[&key.0].versions[&key.1],
        );
        let fresh = seen.stay.since + self.fleet.limits.stay > self.now.monotonic;
        assert!(
            seen.phase != Phase::Ready || !fresh || self.pinned_bytes() > 0,
            "{key:?} has just come"
        );
        assert!(
            model.residence == Residence::Parkable || self.pinned_bytes() > budget,
            "{key:?} is pinned"
        );
        assert!(seen.reload != Reload::Loading || seen.phase == Phase::Ready);
    }

    fn pinned_bytes(&self) -> u64 {
        let pinned = self.fleet.observed.all().filter(|(model, _, seen)| {
            !seen.present || self.fleet.observed.models[*model].residence == Residence::Pinned
        });
        pinned
            .map(|(model, version, _)| self.bytes(&(model.clone(), version)))
            .sum()
    }

    /// Whether the report says that a version is parked. It then does not fit into what is left.
    pub(super) fn is_parked(&self, key: &Key) -> bool {
        let (_, report) = plan(&self.fleet, self.now);
        let seen = self.fleet.observed.version(key.0.as_str(), key.1);
        let demanded = seen.is_some_and(|seen| seen.demanded(self.now.monotonic));
        let parked = report.waits.iter().any(|wait| {
            wait.subject == Subject::Version(key.0.clone(), key.1)
                && match wait.reason {
                    Reason::Parked(_) => true,
                    // Those who wait for it do so in vain: it does not fit beside what stays.
                    Reason::Queued => demanded,
                    _ => false,
                }
        });
        let free = self.fleet.limits.budget.map_or(0, |b| b - self.held());
        assert!(!parked || self.bytes(key) > free, "{key:?} would fit");
        parked
    }

    /// A request for a version that can be asked comes to its answer, whoever is in memory.
    pub(super) fn demands_are_met(&mut self) {
        let keys: Vec<Key> = self.world.folders.keys().cloned().collect();
        for key in keys {
            let table = table::compile(&self.fleet);
            let Some(Err(why)) = table.version(key.0.as_str(), key.1) else {
                continue;
            };
            // What is broken is told when it is tried; it is not tried twice.
            if !why.on_demand || !self.world.folders[&key].sound {
                continue;
            }
            // Pinned ones that fit only one without the other never both come.
            if self.pinned_bytes() + self.bytes(&key) > self.fleet.limits.budget.unwrap() {
                continue;
            }
            let (model, version) = key.clone();
            self.now.monotonic += 1;
            let until = self.now.monotonic + 1_000_000;
            self.happen(Event::Demanded {
                model,
                version,
                until,
            });
            let recalled = self.fleet.observed.models[&key.0].versions[&key.1]
                .stay
                .recalled;
            let seen = |sim: &Self| sim.fleet.observed.models[&key.0].versions[&key.1].clone();
            self.fall_quiet();
            let stay = seen(self).stay;
            // Once those who waited were answered, a successor or an arm that is away may take its place again.
            assert!(
                stay.recalled > recalled && stay.proven.is_some(),
                "{key:?} never came: {:?}",
                seen(self)
            );
            assert!(stay.demand.is_none());
            self.hold_quiet();
        }
    }
}
