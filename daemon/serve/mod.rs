//! From a typed request to a typed answer: decide, send, await, measure.
//!
//! The stations in between know no protocol; both doors (HTTP, and gRPC beside it) and the embedding API call
//! the same [`Serve`]. Nothing here locks but the ring of decisions, and the supervisor is never asked.

mod admit;
mod asks;
mod cache;
pub mod decisions;
mod dispatch;
mod enter;
mod entry;
mod keep;
mod note;
mod recall;
mod rescue;
mod shadow;
mod terms;
pub mod token;
mod told;
mod trail;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use impresario_models::{Name, Tensor, VersionNumber};
use impresario_pipelines::Variant;
use impresario_pipelines::fleet::Facts;
use impresario_pipelines::graph::{Graph, Node, Work};
use impresario_pipelines::policy::Split;
use impresario_pipelines::spec::composite::Callee;
use impresario_pipelines::table::{
    Decision, Resolved, Route, Shadowing, TargetId, Unavailable, Why,
};

use crate::actors::{Live, Snapshot};
use crate::error::Error;
use crate::feedback::{Feedback, Request};
use crate::payload::Log;

pub use admit::{Caller, join_cookies};
pub use asks::{Asked, Asks, KEY, MAX_KEY, Unit, VARIANT};
pub use cache::{Cache, Origin};
pub use decisions::Decisions;
pub use entry::Entry;
pub use impresario_pipelines::Priority;
pub use rescue::Rescue;
pub use shadow::{Beside, Shadowed, Shadows};
pub use terms::Terms;
pub use token::{Secret, Token, TokenError};
pub use told::{Attempt, Decided, Told};
pub use trail::{Called, Trail};
pub use walk::Guide;

use admit::Limits;
use entry::{Leg, Lesson, Part};
use recall::Parked;
use shadow::Aim;

/// How long to stay away when a version will be ready soon.
const SOON: Duration = Duration::from_secs(1);

/// A deadline beyond what the clock can tell: as good as none.
const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);

/// Answers requests. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Serve {
    live: Live,
    timeout: Duration,
    cache: Cache,
    limits: Limits,
    decisions: Decisions,
    /// What route tokens are signed with; without one there are none.
    secret: Option<Secret>,
    shadows: Shadows,
    feedback: Feedback,
    payload: Log,
}

/// Whom a look is for.
#[derive(Clone, Copy)]
enum For<'a> {
    /// A request, which decides.
    Request(&'a Asks),
    /// Somebody who wants to know what most requests would meet.
    Most,
}

/// Why a request has not found its version.
#[derive(Debug)]
enum Absent {
    /// It is parked: it can be waited for.
    Parked(Parked),
    /// Nothing to wait for.
    Error(Error),
}

/// An answer, and who gave it.
#[derive(Debug)]
pub struct Answer {
    /// All outputs, in the contract's order.
    pub outputs: Vec<Tensor>,
    /// The variant that answered.
    pub variant: Variant,
    /// The model that answered.
    pub model: Name,
    /// Its version.
    pub version: VersionNumber,
    /// What is known of that version.
    pub facts: Arc<Facts>,
    /// In the queue.
    pub queue: Duration,
    /// In the engine.
    pub compute: Duration,
    /// Whether it was given before.
    pub origin: Origin,
    /// That another version answered than was decided on.
    pub rescue: Option<Rescue>,
    /// The way through its graph, where a composite answered.
    pub trail: Option<Arc<Trail>>,
    /// What the caller may send with feedback, where the pipeline learns from it.
    pub token: Option<String>,
}

impl Serve {
    /// Answers from what is published on `live`; `timeout` is the time of a request that states none.
    #[must_use]
    pub fn new(live: Live, timeout: Duration) -> Self {
        Self {
            shadows: Shadows::new(live.clone(), timeout),
            live,
            timeout,
            cache: Cache::default(),
            limits: Limits::default(),
            decisions: Decisions::default(),
            secret: Secret::random(),
            feedback: Feedback::default(),
            payload: Log::default(),
        }
    }

    /// Signs route tokens with a secret that other replicas and later starts have too; with a random one of its own
    /// where none is given.
    #[must_use]
    pub fn with_secret(mut self, secret: [u8; 32]) -> Self {
        self.secret = Some(Secret::new(secret));
        self
    }

    /// The newest decisions.
    #[must_use]
    pub fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    /// What the shadows of pipelines came to.
    #[must_use]
    pub fn shadows(&self) -> &Shadows {
        &self.shadows
    }

    /// Who is told of requests that experiments and bandits learn from.
    #[must_use]
    pub fn feedback(&self) -> &Feedback {
        &self.feedback
    }

    /// What route tokens are signed with.
    #[must_use]
    pub fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    /// Keeps answers of the versions whose files ask for it.
    #[must_use]
    pub fn with_cache(mut self, cache: Cache) -> Self {
        self.cache = cache;
        self
    }

    /// The answers that are kept.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The published state.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// Finds the pipeline or model of a name, or one version of it past every policy: the version that answers most
    /// requests, for those who ask what it is like. A request is to [`Self::enter`].
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`Error::UnknownVersion`], or [`Error::Unavailable`] saying why nobody answers.
    pub fn find(&self, name: &str, version: Option<&str>) -> Result<Entry, Error> {
        self.seek(name, version, For::Most)
            .map_err(|absent| match absent {
                Absent::Error(error) => error,
                Absent::Parked(Parked { why, .. }) => Error::Unavailable {
                    why,
                    retry_after: Some(SOON),
                },
            })
    }

    /// Whether a request would be answered: at once, or after it was waited for a parked version.
    #[must_use]
    pub fn is_parked(&self, name: &str, version: Option<&str>) -> bool {
        matches!(self.seek(name, version, For::Most), Err(Absent::Parked(_)))
    }

    fn seek(&self, name: &str, version: Option<&str>, whom: For<'_>) -> Result<Entry, Absent> {
        let snapshot = self.live.look();
        if snapshot.stopping {
            return Err(Absent::Error(Error::Unavailable {
                why: "the daemon is going down".to_owned(),
                retry_after: Some(SOON),
            }));
        }
        let unknown = || {
            Absent::Error(Error::UnknownModel {
                name: name.chars().take(Name::MAX_BYTES).collect(),
            })
        };
        let route = snapshot.table.route(name).ok_or_else(unknown)?;
        let alone = |target: &TargetId, variant, why| Decision {
            target: *target,
            variant,
            arm: None,
            slot: None,
            why,
        };
        let decided = match (version, whom) {
            (None, For::Request(asks)) => asks.decide(route).map_err(Absent::Error)?,
            (None, For::Most) => {
                let most = route.main();
                most.map(|target| alone(&target, route.variant(target), Why::Only))
            }
            (Some(text), whom) => {
                if let For::Request(asks) = whom
                    && asks.forces()
                {
                    let why = format!(
                        "expected a version of '{}' or one of its variants, got both",
                        route.name
                    );
                    return Err(Absent::Error(Error::Variant { why }));
                }
                let number = text.parse::<VersionNumber>().ok();
                let found = number.and_then(|number| snapshot.table.version(name, number));
                let found = found.ok_or_else(|| {
                    Absent::Error(Error::UnknownVersion {
                        name: route.name.clone(),
                        version: text.chars().take(40).collect(),
                    })
                })?;
                found.map(|target| alone(&target, Variant::DIRECT, Why::Direct))
            }
        };
        let decision = decided.map_err(|why| absent(why, route, &snapshot))?;
        let (decision, part) = match whom {
            For::Request(asks) if version.is_none() && asks::is_noted(&snapshot.table, route) => {
                let (decision, part) = self.part(&snapshot, route, decision, asks);
                (decision, Some(Box::new(part)))
            }
            For::Request(_) | For::Most => (decision, None),
        };
        let keep = match whom {
            For::Request(asks) => self.keep(route, snapshot.table.revision, asks),
            For::Most => None,
        };
        let leg = leg(&snapshot, route, &decision);
        let walks = leg.handle.graph().is_some() || part.as_deref().is_some_and(Part::walks);
        let guide = walks.then(|| match whom {
            For::Request(asks) => Box::new(asks.guide()),
            For::Most => Box::default(),
        });
        Ok(Entry {
            leg,
            guide,
            pipeline: route.name.clone(),
            service: Arc::clone(&route.service),
            decision: decision.into(),
            part,
            keep,
            told: None,
        })
    }

    /// What a decided request has part in. An arm that fails in a row is cut off here, before the supervisor knows.
    fn part(
        &self,
        snapshot: &Snapshot,
        route: &Route,
        mut decision: Decision,
        asks: &Asks,
    ) -> (Decision, Part) {
        let split = match &route.policy {
            Resolved::Split(split) => Some(split),
            Resolved::Standalone(_) => None,
        };
        let ledger = snapshot.ledger(&route.name);
        if let (Some(split), Some(ledger)) = (split, ledger)
            && let (Some(arm @ 1..), Some(slot)) = (decision.arm, decision.slot)
            && ledger.tripped(arm)
            // Where the first arm cannot answer, one that may fail is better than none.
            && let Ok(first) = split.first(slot, Why::Tripped)
            && first.target != decision.target
        {
            decision = first;
        }
        let spare = split.and_then(|split| spare(split, &decision));
        let part = Part {
            revision: snapshot.table.revision,
            split: split.map(Arc::clone),
            id: asks.id.clone(),
            unit: asks.unit(),
            keyed: asks.key.is_some(),
            spare: spare.map(|decision| leg(snapshot, route, &decision)),
            aim: self.aim(snapshot, route, &decision),
            ledger: ledger.map(Arc::clone),
            lesson: self.lesson(split, asks),
            decisions: self.decisions.clone(),
        };
        if let Some((ledger, arm)) = part.ledger.as_ref().zip(decision.arm) {
            ledger.expose(arm, part.evidence());
        }
        (decision, part)
    }

    /// The way to the shadow of a route, for a request that was decided.
    fn aim(&self, snapshot: &Snapshot, route: &Route, decision: &Decision) -> Option<Aim> {
        let Shadowing { to, spec } = route.shadow.as_ref()?;
        let shadow = to.as_ref().ok().map(|target| snapshot.handle(*target));
        let answering = snapshot.handle(decision.target);
        self.shadows
            .aim(
                &route.name,
                spec,
                snapshot.table.revision,
                shadow,
                answering,
            )
            .map(|aim| aim.with_walker(self))
    }

    /// How feedback is told of a request, where the split learns from it.
    fn lesson(&self, split: Option<&Arc<Split>>, asks: &Asks) -> Option<Lesson> {
        split.filter(|split| matches!(split.kind, "experiment" | "bandit"))?;
        Some(Lesson {
            feedback: self.feedback.clone(),
            request: Request::of(asks.id.as_ref()?),
            dimensions: asks.dimensions,
        })
    }
}

/// Why a route has nobody who answers now.
fn absent(why: &Unavailable, route: &Route, snapshot: &Snapshot) -> Absent {
    match why.version {
        Some(version) if why.on_demand => Absent::Parked(Parked {
            coming: snapshot.is_coming(&why.model, version),
            model: why.model.clone(),
            version,
            deadline: route.service.deadline,
            why: why.why.clone(),
        }),
        _ => Absent::Error(Error::Unavailable {
            why: why.why.clone(),
            retry_after: why.passing.then_some(SOON),
        }),
    }
}

/// Who answers for a decision on another arm than the first, where the split has failures covered.
fn spare(split: &Split, decision: &Decision) -> Option<Decision> {
    let (Some(1..), Some(slot)) = (decision.arm, decision.slot) else {
        return None;
    };
    let first = split.rescue.then(|| split.first(slot, Why::Fallback));
    // While the first arm cannot answer, the other one may stand in for it.
    first?.ok().filter(|first| first.target != decision.target)
}

fn leg(snapshot: &Snapshot, route: &Route, decision: &Decision) -> Leg {
    let handle = Arc::clone(snapshot.handle(decision.target));
    Leg {
        members: handle.graph().map(|graph| members(snapshot, graph)),
        handle,
        cell: snapshot
            .cell(&route.name, decision.target, &decision.variant)
            .cloned(),
        variant: decision.variant.clone(),
    }
}

/// Those that a graph pins, as far as they are in memory, by the places of its nodes.
fn members(snapshot: &Snapshot, graph: &Graph) -> Arc<[Option<Entry>]> {
    let member = |node: &Node| {
        let Work::Call {
            callee:
                Callee::Model {
                    model,
                    version: Some(version),
                },
            ..
        } = &node.work
        else {
            return None;
        };
        let route = snapshot.table.route(model.as_str())?;
        let target = snapshot.table.version(model.as_str(), *version)?.ok()?;
        let decision = Decision {
            target,
            variant: Variant::DIRECT,
            arm: None,
            slot: None,
            why: Why::Direct,
        };
        Some(Entry {
            leg: leg(snapshot, route, &decision),
            guide: None,
            pipeline: route.name.clone(),
            service: Arc::clone(&route.service),
            decision: decision.into(),
            part: None,
            keep: None,
            told: None,
        })
    };
    graph.nodes.iter().map(member).collect()
}

#[cfg(test)]
mod tests;
