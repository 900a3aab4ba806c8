//! The analyst: looks at every rollout, experiment and bandit once a second, gathers what dispatch wrote down, reads it,
//! keeps it, and tells the supervisor what it saw.
//!
//! Job: gather, read, keep, tell. Senders: its own timer, and a ledger whose canary fails in a row. Mailbox: actix's
//! default bound; who sends waits for nothing. A panic here holds every course where it is: nothing advances without
//! evidence, and a canary that fails in a row is cut off by its ledger. The arbiter is its own because the store blocks.

mod board;
mod stored;
mod watch;

pub use board::{Board, Notice};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, Arbiter, AsyncContext, Context, Handler};
use impresario_models::Name;
use impresario_pipelines::analysis::{Evidence, Source};
use impresario_pipelines::fleet::{Course, Judged, Now, Sight};
use impresario_pipelines::learning::{self, Learning};
use impresario_pipelines::rollout;
use impresario_pipelines::spec::{Bandit, Policy};
use impresario_pipelines::trial::{self, Unit};

use super::live::Snapshot;
use super::messages::Look;
use super::supervisor::Control;
use crate::clock::{self, Clock};
use crate::feedback::{Declared, Feedback, Wants};
use crate::measure::Ledgers;
use crate::store::{Keep, Shelf, Store};
use watch::{Light, Watch};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

/// What the shadow of a pipeline has shown so far. The shadows are on a request's path, which actors know nothing of.
pub(crate) type Shown = Box<dyn Fn(&Name) -> Option<rollout::Shadowing> + Send>;

/// What the analyst works with.
pub(crate) struct Desk {
    pub(crate) control: Control,
    pub(crate) ledgers: Ledgers,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Clock,
    pub(crate) feedback: Feedback,
    pub(crate) shown: Shown,
    /// Where it leaves what it read.
    pub(crate) board: Board,
}

/// Looks at courses.
struct Analyst {
    desk: Desk,
    source: Source,
    watches: BTreeMap<Name, Watch>,
    periods: BTreeMap<Name, Period>,
}

/// The period of a bandit, and when this process saw it begin.
struct Period {
    course: u64,
    number: u64,
    begun: Instant,
}

impl Desk {
    /// Starts the analyst with what is kept.
    pub(crate) fn occupy(self) -> Arbiter {
        let arbiter = Arbiter::new();
        Analyst::start_in_arbiter(&arbiter.handle(), move |_| {
            let source = stored::begin(self.store.as_ref());
            let kept = self.store.kept(Shelf::Evidence).unwrap_or_else(|error| {
                tracing::error!(%error, "the evidence cannot be read; every rollout gathers it anew");
                Vec::new()
            });
            let watches = kept.into_iter().filter_map(|(name, text)| {
                let name = Name::new(&name).ok()?;
                match stored::read(&text) {
                    Ok((course, mut evidence)) => {
                        evidence.restarted(source);
                        Some((name, Watch::new(course, evidence)))
                    }
                    Err(error) => {
                        tracing::error!(pipeline = %name, %error, "its evidence cannot be read and is gathered anew");
                        None
                    }
                }
            });
            for shelf in [Shelf::Record, Shelf::Feedback] {
                match self.store.kept(shelf) {
                    Ok(kept) => self.feedback.restore(shelf, kept),
                    Err(error) => {
                        tracing::error!(%error, "feedback cannot be read; it is gathered anew");
                    }
                }
            }
            Analyst {
                watches: watches.collect(),
                periods: BTreeMap::new(),
                source,
                desk: self,
            }
        });
        arbiter
    }
}

// === impl Analyst ===

impl Analyst {
    /// Looks at every course once.
    fn look(&mut self) {
        let snapshot = self.desk.control.live().snapshot();
        if snapshot.stopping {
            return;
        }
        let now = self.desk.clock.now();
        self.desk.feedback.courses(&declared(&snapshot), now);
        let mut judged = Vec::new();
        for (name, entry) in &snapshot.fleet.routing.pipelines {
            let Some(course) = &entry.course else {
                continue;
            };
            let seen = match (course.as_ref(), entry.pipeline.policy()) {
                (Course::Rollout(rollout), Policy::Canary(spec)) => {
                    let light = Light {
                        ledgers: &self.desk.ledgers,
                        source: self.source,
                        sticky: entry.is_sticky(),
                        shown: (self.desk.shown)(name),
                    };
                    let watch = self.watches.entry(name.clone());
                    let watch =
                        watch.or_insert_with(|| Watch::new(rollout.id, Evidence::default()));
                    if watch.course != rollout.id {
                        *watch = Watch::new(rollout.id, Evidence::default());
                    }
                    // One that has ended is looked at until its report tells the last of it.
                    if watch.is_closed() && !rollout.is_active() {
                        continue;
                    }
                    Sight::Rollout(watch.look(name, rollout, spec, &light))
                }
                (Course::Trial(_), Policy::Experiment(_)) => Sight::Trial(trial::Sight::default()),
                (Course::Learning(learning), Policy::Bandit(spec)) => {
                    Sight::Learning(self.rewards(name, learning, spec, now))
                }
                _ => continue,
            };
            if course.is_active() {
                judged.push(Judged {
                    pipeline: name.clone(),
                    course: course.id(),
                    seen,
                });
            }
        }
        let mut changes = self.forget(&snapshot);
        changes.extend(self.news());
        changes.extend(self.desk.feedback.changes(now));
        // What is told rests on what is kept, or at least on what was tried to be.
        let kept = match changes.is_empty() {
            true => Ok(()),
            false => self.desk.store.keep(&changes),
        };
        match kept {
            // What came before this look began is in it.
            Ok(()) => self.desk.board.stored(now.wall),
            Err(error) => {
                tracing::error!(%error, "evidence could not be kept; it is tried again with the next");
                self.desk.feedback.spoil();
                self.watches.values_mut().for_each(Watch::spoil);
            }
        }
        let notices = self.watches.iter();
        let notices = notices.map(|(name, watch)| (name.clone(), watch.notice()));
        self.desk.board.put_up(notices.collect());
        if !judged.is_empty() {
            self.desk.control.judge(judged);
        }
    }

    /// What the rewards of a bandit come to, and for how long its period has been going on.
    fn rewards(
        &mut self,
        name: &Name,
        learning: &Learning,
        spec: &Bandit,
        now: Now,
    ) -> learning::Sight {
        let of_now =
            |period: &Period| period.course == learning.id && period.number == learning.periods;
        if !self.periods.get(name).is_some_and(of_now) {
            let period = Period {
                course: learning.id,
                number: learning.periods,
                begun: clock::instant(),
            };
            self.periods.insert(name.clone(), period);
        }
        let elapsed = self.periods[name].begun.elapsed();
        let rewards = self.desk.feedback.rewards(name, learning.id, now);
        learning::Sight {
            // The fleet knows.
            waiting: None,
            elapsed: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            readings: rewards.map(|rewards| learning::read(&rewards, spec, learning, now)),
        }
    }

    /// Lets go of what is about no course any more; gives what is not kept any longer.
    fn forget(&mut self, snapshot: &Snapshot) -> Vec<Keep> {
        let pipelines = &snapshot.fleet.routing.pipelines;
        let course = |name: &Name| {
            pipelines
                .get(name)
                .and_then(|entry| entry.course.as_deref())
        };
        let is_rollout = |name: &Name| matches!(course(name), Some(Course::Rollout(_)));
        let gone: Vec<_> = self
            .watches
            .keys()
            .filter(|name| !is_rollout(name))
            .cloned()
            .collect();
        self.desk.ledgers.retain(|key| {
            // Its last words are read before it goes.
            let is_read = |course: &Course| course.segment() <= key.segment + 1;
            course(&key.pipeline).is_some_and(|course| course.id() == key.course && is_read(course))
        });
        let removed = gone.into_iter().map(|name| {
            self.watches.remove(&name);
            evidence(&name, None)
        });
        removed.collect()
    }

    /// The evidence that is not kept yet.
    fn news(&mut self) -> Vec<Keep> {
        let mut changes = Vec::new();
        for (name, watch) in &mut self.watches {
            if !watch.is_news() {
                continue;
            }
            match stored::write(watch.course, &watch.evidence) {
                Ok(text) => changes.push(evidence(name, Some(text))),
                Err(error) => {
                    tracing::error!(pipeline = %name, %error, "evidence cannot be written")
                }
            }
        }
        changes
    }
}

/// The experiments and bandits that feedback is gathered for.
fn declared(snapshot: &Snapshot) -> Vec<Declared> {
    let entries = snapshot.fleet.routing.pipelines.iter();
    let declared = entries.filter_map(|(name, entry)| {
        let course = entry.course.as_deref()?;
        let wants = match (course, entry.pipeline.policy()) {
            (Course::Trial(_), Policy::Experiment(spec)) => Wants::Experiment {
                spec: Arc::clone(spec),
                unit: match entry.is_sticky() {
                    true => Unit::Key,
                    false => Unit::Request,
                },
            },
            (Course::Learning(_), Policy::Bandit(spec)) => Wants::Bandit(Arc::clone(spec)),
            _ => return None,
        };
        Some(Declared {
            pipeline: name.clone(),
            course: course.id(),
            segment: course.segment(),
            slots: course.slots().clone(),
            wants,
        })
    });
    declared.collect()
}

fn evidence(name: &Name, text: Option<String>) -> Keep {
    Keep {
        shelf: Shelf::Evidence,
        key: name.to_string(),
        text,
    }
}

// === the mailbox ===

impl Actor for Analyst {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let address = ctx.address();
        // Whoever trips a ledger is on a request's path: it leaves a word and goes on.
        self.desk.ledgers.on_trip(move || address.do_send(Look));
        ctx.notify(Look);
        ctx.run_interval(EVERY, |me, _| me.look());
    }
}

impl Handler<Look> for Analyst {
    type Result = ();
    fn handle(&mut self, _: Look, _: &mut Self::Context) {
        self.look();
    }
}
