//! The supervisor's hands: doing what the plan says, taking in what comes of it, and publishing.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, SpawnHandle};
use impresario_models::loader::{self, Loaded, panic_message};
use impresario_models::{ByName, Name, VersionNumber};
use impresario_pipelines::Variant;
use impresario_pipelines::fleet::{
    self, Course, Effect, Entry, Event, Facts, Phase, Reason, Report, Stage, Wait,
};
use impresario_pipelines::table::{self, RouteTable, TargetId};

use super::{Life, Supervisor, VersionKey};
use crate::actors::cost::Cost;
use crate::actors::handle::{Gate, Handle, Instances};
use crate::actors::live::{Cells, Snapshot};
use crate::actors::messages::{Attach, Crashed, Drained, Hold, Leave, LoadEnded, LoadProgressed};
use crate::actors::queue::Queue;
use crate::actors::recall::Uses;
use crate::actors::version::{self, Charge, Version};
use crate::actors::worker::Post;
use crate::clock;
use crate::error::causes;
use crate::measure::{Cell, Key, Ledger, Terms};

/// A wait for a rebuild that callers may sit through in the queue. Longer ones are refused at once.
const PATIENCE: Duration = Duration::from_millis(250);

/// A load under way.
pub(super) struct Load {
    /// What tells it from an earlier one that was given up.
    serial: u64,
    /// Gives it up.
    late: SpawnHandle,
}

impl Supervisor {
    /// Does what is to be done now, and publishes. Called after every command, and [`Self::soon`] after events.
    pub(super) fn proceed(&mut self, ctx: &mut Context<Self>) {
        let begun = self.begin_look(ctx);
        self.note_uses();
        let (effects, mut report) = fleet::plan(&self.fleet, self.now());
        let does = |effect: &Effect| !matches!(effect, Effect::Remind { .. });
        let done = effects.iter().any(does);
        if let Some(reminder) = self.reminder.take() {
            ctx.cancel_future(reminder);
        }
        for effect in effects {
            if self.stopping.is_some() {
                break;
            }
            match effect {
                Effect::Load { model, version } => self.load(model, version, ctx),
                Effect::Unload { model, version } => {
                    tracing::info!(%model, %version, "unloading");
                    self.happened(Event::UnloadStarted { model, version });
                }
                Effect::Park { model, version } => {
                    tracing::info!(%model, %version, "parking: memory is short, and others were used since");
                    self.happened(Event::ParkStarted { model, version });
                }
                Effect::Remind { at } => {
                    let wait = self.settings.clock.until(at) + Duration::from_millis(1);
                    self.reminder = Some(ctx.run_later(wait, |me, ctx| {
                        me.reminder = None;
                        me.proceed(ctx);
                    }));
                }
            }
        }
        // A version that the fleet does not count as serving loses its handle here, and so its queue once
        // every older snapshot is let go.
        let fleet = Arc::clone(&self.fleet);
        self.versions.retain(|(model, version), life| {
            let seen = fleet.observed.version(model.as_str(), *version);
            let serves = seen.is_some_and(fleet::Seen::serves);
            if !serves {
                life.actor.do_send(Leave);
            }
            serves
        });
        if done {
            report = fleet::plan(&self.fleet, self.now()).1;
        }
        let waits = |wait: &&Wait| matches!(wait.reason, Reason::Queued | Reason::Loading(_));
        let waiting = report.waits.iter().filter(waits).count();
        self.publish(report);
        self.end_if_stopped();
        self.end_look(begun, waiting);
        debug_assert!(
            fleet::check(&self.fleet).is_empty(),
            "{:?}",
            fleet::check(&self.fleet)
        );
    }

    /// Where memory is bounded, who was used last decides who stays.
    fn note_uses(&mut self) {
        if self.fleet.limits.budget.is_none() {
            return;
        }
        let now = self.now();
        let fleet = Arc::make_mut(&mut self.fleet);
        for ((model, version), life) in &self.versions {
            if let Some(at) = life.handle.last_use() {
                let (model, version) = (model.clone(), *version);
                fleet::take_in(fleet, Event::Used { model, version, at }, now);
            }
        }
    }

    fn publish(&self, report: Report) {
        let snapshot = if self.stopping.is_some() {
            Snapshot {
                fleet: Arc::clone(&self.fleet),
                report: Arc::new(report),
                tokens: Arc::clone(&self.tokens),
                stopping: true,
                ..Snapshot::default()
            }
        } else {
            let table = table::compile(&self.fleet);
            let before = self.settings.live.look();
            let handles = table.targets().iter().map(|target| {
                let key = (target.model.clone(), target.version);
                if target.facts.graph.is_some() {
                    let (model, version) = key;
                    let known = before.table.version(model.as_str(), version);
                    let known = known.and_then(Result::ok).map(|id| before.handle(id));
                    let known = known.filter(|known| Arc::ptr_eq(&known.facts, &target.facts));
                    let made = || {
                        let nodes = target.facts.graph.as_ref().map(|graph| {
                            let key = (model.clone(), version);
                            self.settings.measure.nodes(key, graph)
                        });
                        Handle::of_graph(model.clone(), version, Arc::clone(&target.facts), nodes)
                    };
                    return known.map_or_else(|| Arc::new(made()), Arc::clone);
                }
                let life = self
                    .versions
                    .get(&key)
                    .expect("a version that serves is in memory");
                Arc::clone(&life.handle)
            });
            Snapshot {
                fleet: Arc::clone(&self.fleet),
                report: Arc::new(report),
                tokens: Arc::clone(&self.tokens),
                handles: handles.collect(),
                stopping: false,
                cells: self.cells(&table),
                ledgers: self.ledgers(),
                table,
            }
        };
        self.settings.live.publish(snapshot);
    }

    /// A cell for every way that a target can be reached: as a variant of a route that may pick it, and by its own number;
    /// and one for what finds none.
    fn cells(&self, table: &RouteTable) -> ByName<Cells> {
        let measure = &self.settings.measure;
        let mut cells: ByName<Cells> = ByName::default();
        if !measure.is_on() {
            return cells;
        }
        for route in table.routes() {
            let numbered = table.versions(route.name.as_str()).filter_map(|version| {
                let found = table.version(route.name.as_str(), version)?;
                Some((Variant::DIRECT, found.ok()?))
            });
            let mut of: Vec<(TargetId, Variant, Arc<Cell>)> = Vec::new();
            for (variant, id) in route.variants().chain(numbered) {
                let target = table.target(id);
                let cell = measure.cell(Key {
                    pipeline: route.name.clone(),
                    variant: variant.clone(),
                    model: target.model.clone(),
                    version: target.version,
                });
                of.push((id, variant, cell));
            }
            let lost = measure.lost(&route.name);
            cells.insert(route.name.clone(), Cells { of, lost });
        }
        let observed = &self.fleet.observed;
        let is_routed = |name: &Name| table.route(name.as_str()).is_some();
        let is_there = |model: &Name, version| {
            let graph = || table.version(model.as_str(), version).is_some();
            observed.version(model.as_str(), version).is_some() || graph()
        };
        measure.retain(
            |key| is_routed(&key.pipeline) && is_there(&key.model, key.version),
            is_routed,
            |(model, version)| is_there(model, *version),
        );
        cells
    }

    /// A ledger for every rollout that moves still.
    fn ledgers(&self) -> ByName<Arc<Ledger>> {
        let entries = self.fleet.routing.pipelines.iter();
        let of_entry = |(name, entry): (&Name, &Entry)| {
            let Some(Course::Rollout(rollout)) = entry.course.as_deref() else {
                return None;
            };
            let terms = Terms {
                course: rollout.id,
                segment: rollout.segment,
                arms: rollout.slots.arms(),
                thresholds: rollout.thresholds.clone(),
                sticky: entry.is_sticky(),
            };
            let ledger = rollout
                .is_active()
                .then(|| self.settings.ledgers.open(name, terms));
            Some((name.clone(), ledger?))
        };
        entries.filter_map(of_entry).collect()
    }

    /// Begins a load on a thread of its own; the plan sees to it that there are not too many.
    fn load(&mut self, model: Name, version: VersionNumber, ctx: &mut Context<Self>) {
        self.happened(Event::LoadStarted {
            model: model.clone(),
            version,
        });
        tracing::info!(%model, %version, "loading");
        self.serial += 1;
        let serial = self.serial;
        let key = (model.clone(), version);
        let (library, supervisor) = (Arc::clone(&self.settings.library), ctx.address());
        let subject = model.clone();
        let work = move || {
            let begun = clock::instant();
            let mut observe = |stage| {
                let model = subject.clone();
                let stage = match stage {
                    loader::Stage::Loading => Stage::Reading,
                    loader::Stage::Golden => Stage::Golden,
                    loader::Stage::Warming => Stage::Warming,
                };
                supervisor.do_send(LoadProgressed {
                    model,
                    version,
                    serial,
                    stage,
                });
            };
            let load = AssertUnwindSafe(|| library.load(&subject, version, &mut observe));
            let result = match panic::catch_unwind(load) {
                Ok(Ok(loaded)) => Ok(Box::new(loaded)),
                Ok(Err(error)) => Err(causes(&error)),
                Err(payload) => Err(format!(
                    "the load panicked: {}",
                    panic_message(payload.as_ref())
                )),
            };
            supervisor.do_send(LoadEnded {
                model: subject,
                version,
                serial,
                result,
                took: begun.elapsed(),
            });
        };
        let spawned = thread::Builder::new()
            .name(format!("load {model}/{version}"))
            .spawn(work);
        let timeout = self.settings.load_timeout;
        let (reason, wait) = match spawned {
            Ok(_) => (format!("the load did not end within {timeout:?}"), timeout),
            Err(error) => (format!("no thread for the load: {error}"), Duration::ZERO),
        };
        let given_up = LoadEnded {
            model,
            version,
            serial,
            result: Err(reason),
            took: timeout,
        };
        let late = ctx.notify_later(given_up, wait);
        self.loads.insert(key, Load { serial, late });
    }

    /// Gives the places of loads that ended to the next at once: who that is costs little to say, a whole look much.
    pub(super) fn load_next(&mut self, ctx: &mut Context<Self>) {
        if self.stopping.is_some() {
            return;
        }
        for (model, version) in fleet::loads(&self.fleet, self.now()) {
            self.load(model, version, ctx);
        }
    }

    /// Whether a load is one that somebody waits for still, and not one that was given up.
    pub(super) fn is_under_way(&self, key: &VersionKey, serial: u64) -> bool {
        let load = self.loads.get(key);
        load.is_some_and(|load| load.serial == serial)
    }

    /// A load came to its end, or was given up.
    pub(super) fn load_ended(&mut self, ended: LoadEnded, ctx: &mut Context<Self>) {
        let LoadEnded {
            model,
            version,
            serial,
            result,
            took,
        } = ended;
        let key = (model.clone(), version);
        if !self.is_under_way(&key, serial) {
            // Given up before, or ended before it was given up.
            return;
        }
        if let Some(load) = self.loads.remove(&key) {
            // Each of a thousand timers would be looked at whenever a message comes.
            ctx.cancel_future(load.late);
        }
        if self.stopping.is_some() {
            return;
        }
        match result {
            Ok(loaded) => {
                for warning in &loaded.warnings {
                    tracing::warn!(%model, %version, warning, "loaded with a warning");
                }
                let facts = Arc::new(facts(&loaded, took));
                tracing::info!(%model, %version, engine = facts.engine, digest = facts.digest, ?took, "ready");
                self.settle(key, Arc::new(*loaded), &facts);
                self.happened(Event::Loaded {
                    model,
                    version,
                    facts,
                });
            }
            Err(reason) => {
                tracing::error!(%model, %version, reason, "load failed");
                self.happened(Event::LoadFailed {
                    model,
                    version,
                    reason,
                });
            }
        }
    }

    /// Gives a loaded model its place: under the workers of the version that crashed, where its files are the
    /// same; else as a new life of the version, beside which the old one drains.
    fn settle(&mut self, key: VersionKey, loaded: Arc<Loaded>, facts: &Arc<Facts>) {
        let seen = self.fleet.observed.version(key.0.as_str(), key.1);
        let rebuilt = seen.is_some_and(|seen| matches!(seen.phase, Phase::Restarting { .. }));
        if let Some(life) = self.versions.get(&key)
            && rebuilt
            && life.handle.facts.digest == facts.digest
            && life.handle.facts.contract == facts.contract
        {
            life.actor.do_send(Attach(loaded));
            return;
        }
        let post = Post {
            model: key.0.clone(),
            version: key.1,
            queue: Arc::new(Queue::new(loaded.limits.queue.get())),
            cost: Arc::new(Cost::new()),
            busy: Arc::default(),
            current: version::current(Arc::clone(&loaded)),
        };
        let gate = Arc::new(Gate::default());
        self.serial += 1;
        let serial = self.serial;
        let charge = Charge {
            post: post.clone(),
            gate: Arc::clone(&gate),
            serial,
            instances: facts.instances,
            timeout: loaded.limits.timeout,
            supervisor: self.address.clone(),
        };
        let actor = Version::start_in_arbiter(&self.versions_arbiter.handle(), move |_| {
            Version::new(charge)
        });
        let handle = Arc::new(Handle {
            model: key.0.clone(),
            version: key.1,
            facts: Arc::clone(facts),
            timeout: loaded.limits.timeout,
            nodes: None,
            cache: loaded.cache,
            instances: Some(Instances {
                uses: Uses::since(self.now().monotonic),
                inline: loaded.limits.inline && loaded.model.steady(),
                post,
                gate,
                actor: actor.clone(),
            }),
        });
        *self.lives.entry(key.clone()).or_default() += 1;
        let life = Life {
            handle,
            actor,
            serial,
        };
        if let Some(old) = self.versions.insert(key, life) {
            old.actor.do_send(Leave);
        }
    }

    /// An instance fell; the fleet decides what becomes of the version.
    pub(super) fn crashed(&mut self, crashed: Crashed) {
        let Crashed {
            model,
            version,
            serial,
            reason,
        } = crashed;
        let key = (model.clone(), version);
        if self
            .versions
            .get(&key)
            .is_none_or(|life| life.serial != serial)
        {
            // An earlier life of the version, which nobody counts on any more.
            return;
        }
        self.happened(Event::Crashed {
            model,
            version,
            reason,
        });
        let seen = self.fleet.observed.version(key.0.as_str(), version);
        if let (Some(seen), Some(life)) = (seen, self.versions.get(&key))
            && let Phase::Restarting { until, .. } = seen.phase
        {
            let wait = self.settings.clock.until(until);
            tracing::warn!(model = %key.0, %version, crashes = seen.crashes.len(), ?wait, "restarting");
            if wait > PATIENCE {
                life.actor.do_send(Hold(wait));
            }
        } else {
            tracing::error!(model = %key.0, %version, "quarantined after repeated crashes");
        }
    }

    /// A version answered its last request.
    pub(super) fn drained(&mut self, drained: Drained) {
        let Drained {
            model,
            version,
            serial,
        } = drained;
        tracing::info!(%model, %version, serial, "drained");
        let key = (model.clone(), version);
        if let Some(left) = self.lives.get_mut(&key).filter(|left| **left > 1) {
            // Another life of it drains still, or has taken its place.
            *left -= 1;
            return;
        }
        self.lives.remove(&key);
        self.happened(Event::Drained { model, version });
    }

    fn end_if_stopped(&mut self) {
        if self.lives.is_empty() {
            for done in self
                .stopping
                .iter_mut()
                .flat_map(|waiting| waiting.drain(..))
            {
                // Who asked may have stopped waiting.
                let _: Result<(), ()> = done.send(());
            }
        }
    }
}

fn facts(loaded: &Loaded, took: Duration) -> Facts {
    Facts {
        contract: Arc::clone(&loaded.contract),
        engine: loaded.engine.to_owned(),
        digest: loaded
            .digest
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        memory: loaded.estimate.memory,
        timeout: u64::try_from(loaded.limits.timeout.as_millis()).unwrap_or(u64::MAX),
        instances: loaded.limits.instances.get(),
        load_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        golden: loaded.golden,
        graph: None,
    }
}
