//! What a request asks of who decides on its version: whose it is, and whether it wants one variant.
//!
//! The doors say where things stand in their requests; which of them counts is decided here. Only requests to pipelines
//! that share their requests among versions are looked into: for all others one header is read.

use std::fmt;
use std::sync::Arc;

use impresario_pipelines::Variant;
use impresario_pipelines::policy::Split;
use impresario_pipelines::spec::Key;
use impresario_pipelines::spec::experiment::By;
use impresario_pipelines::spec::key::{self, Source};
use impresario_pipelines::table::{Decision, Resolved, Route, RouteTable, TargetId, Unavailable};
use impresario_pipelines::trial::record::DIMENSIONS;
use sha2::{Digest, Sha256};

use super::{Caller, Guide, Serve};
use crate::actors::Snapshot;
use crate::draw::draw;
use crate::error::Error;
use crate::feedback::ELSEWHERE;

/// The header, or metadata, with the key of a request: who it is for, whatever the pipeline's own sources say.
pub const KEY: &str = "x-route-key";

/// The header, or metadata, that asks for a variant, past its share.
pub const VARIANT: &str = "x-route-variant";

/// The longest key, in bytes. A longer one is refused: cut short, two callers could be one.
pub const MAX_KEY: usize = 256;

/// A request as its door sees it, before it is decoded.
pub trait Asked: Caller {
    /// The id that the request is found by in the log.
    fn id(&self) -> &str;

    /// What stands in the request's body at the steps of a pointer (RFC 6901), as text.
    fn place(&self, steps: &[&str]) -> Option<String>;
}

/// What a request asks of who decides.
#[derive(Clone, Debug)]
pub struct Asks {
    pub(super) id: Option<Box<str>>,
    pub(super) key: Option<Box<str>>,
    pub(super) variant: Option<Box<str>>,
    /// Its value in each segment that an experiment declares.
    pub(super) dimensions: [u8; DIMENSIONS],
    /// One draw for a request, however often it looks for its version.
    draw: u64,
    /// Its id for the payload log, where its pipeline is one that is kept.
    pub(super) logged: Option<Box<str>>,
    /// It is a part of another request, which is the one that is kept.
    pub(super) is_part: bool,
    /// Versions may be parked where it is answered.
    may_wait: bool,
}

/// Whose a request is, as evidence and tokens know it: the first 128 bits of the key's SHA-256, never the key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit(u128);

impl Serve {
    /// What a request to a name asks for. Its key is the first of: the header [`KEY`], the sources of the pipeline in
    /// their order.
    pub(super) fn asks(
        &self,
        snapshot: &Snapshot,
        name: &str,
        route: Option<&Route>,
        version: Option<&str>,
        asked: &dyn Asked,
    ) -> Result<Asks, Error> {
        let mut asks = Asks {
            may_wait: snapshot.fleet.limits.budget.is_some(),
            ..Asks::default()
        };
        if let Some(variant) = asked.header(VARIANT) {
            asks.variant = Some(variant.chars().take(MAX_KEY).collect());
        }
        if self.payload_log().wants(name) {
            asks.logged = Some(asked.id().into());
        }
        let Some(route) =
            route.filter(|route| version.is_none() && is_noted(&snapshot.table, route))
        else {
            return Ok(asks);
        };
        asks.id = Some(asked.id().into());
        // Splitters of a graph go by it too.
        asks.key = find(&route.service.key, asked)?;
        if let Resolved::Split(split) = &route.policy {
            let said = |by: &By| match by {
                By::Header(name) => asked.header(name).map(Into::into),
                By::Parameter(name) => asked.place(&["parameters", name]),
            };
            asks.dimensions = self.feedback.places(&route.name, split.course, said);
        }
        Ok(asks)
    }
}

/// Whether more is kept of a route's requests than counts.
pub(super) fn is_noted(table: &RouteTable, route: &Route) -> bool {
    let is_graph = |to: &Result<TargetId, Unavailable>| {
        let target = to.as_ref().ok();
        target.is_some_and(|target| table.target(*target).facts.graph.is_some())
    };
    route.shadow.is_some()
        || match &route.policy {
            Resolved::Split(_) => true,
            Resolved::Standalone(one) => is_graph(&one.to),
        }
}

/// The key of a request: the first source that has something in it.
fn find(sources: &Key, asked: &dyn Asked) -> Result<Option<Box<str>>, Error> {
    if let Some(key) = asked.header(KEY).filter(|key| !key.is_empty()) {
        return bounded(format_args!("header {KEY}"), &key).map(Some);
    }
    for source in sources.sources() {
        let found = match source {
            Source::Header(name) => asked.header(name),
            Source::Cookie(name) => asked.cookies().and_then(|cookies| {
                let value = key::cookie(&cookies, name)?;
                Some(value.to_owned().into())
            }),
            Source::Parameter(name) => asked.place(&["parameters", name]).map(Into::into),
            Source::Pointer(pointer) => {
                let steps: Vec<&str> = pointer.tokens().iter().map(String::as_str).collect();
                asked.place(&steps).map(Into::into)
            }
        };
        let Some(key) = found.filter(|key| !key.is_empty()) else {
            continue;
        };
        return match source {
            Source::Header(name) => bounded(format_args!("header {name}"), &key),
            Source::Cookie(name) => bounded(format_args!("cookie {name}"), &key),
            Source::Parameter(name) => bounded(format_args!("parameter '{name}'"), &key),
            Source::Pointer(pointer) => bounded(format_args!("what stands at {pointer}"), &key),
        }
        .map(Some);
    }
    Ok(None)
}

fn bounded(source: fmt::Arguments<'_>, key: &str) -> Result<Box<str>, Error> {
    match key.len() {
        0..=MAX_KEY => Ok(key.into()),
        bytes => Err(Error::Key {
            place: source.to_string(),
            limit: MAX_KEY,
            bytes,
        }),
    }
}

// === impl Asks ===

impl Asks {
    /// A request of somebody. The key may be a user, a session, a device: who has the same key gets the same variant.
    ///
    /// # Errors
    /// [`Error::Key`] for a key that is too long.
    pub fn of(key: &str) -> Result<Self, Error> {
        let key = bounded(format_args!("key"), key)?;
        Ok(Self {
            key: Some(key).filter(|key| !key.is_empty()),
            ..Self::default()
        })
    }

    /// With the id that its decision is kept under.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.id = Some(id.into());
        self.logged = Some(id.into());
        self
    }

    /// For one variant, past its share: the answer is no evidence.
    #[must_use]
    pub fn for_variant(mut self, variant: &str) -> Self {
        self.variant = Some(variant.into());
        self
    }

    /// Whether it asks for a variant, which not everybody may.
    #[must_use]
    pub fn forces(&self) -> bool {
        self.variant.is_some()
    }

    /// Whether it may have to wait for a version that is parked.
    #[must_use]
    pub fn may_wait(&self) -> bool {
        self.may_wait
    }

    /// What a graph goes by.
    pub(super) fn guide(&self) -> Guide {
        Guide {
            id: self.id.as_deref().map(Arc::from),
            key: self.key.as_deref().map(Arc::from),
            draw: self.draw,
            ..Guide::default()
        }
    }

    /// A request of a graph to one of its nodes: its id, whose it is, and a draw of its own.
    pub(super) fn of_node(guide: &Guide) -> Self {
        Self {
            id: guide.id.as_deref().map(Box::from),
            key: guide.key.as_deref().map(Box::from),
            is_part: true,
            ..Self::default()
        }
    }

    /// Whose it is: its key's, or its own where it has none; nobody's without an id.
    pub(super) fn unit(&self) -> Option<Unit> {
        let named = self.key.as_ref().or(self.id.as_ref())?;
        Some(Unit::of(named))
    }

    /// Who answers by a route.
    pub(super) fn decide<'r>(
        &self,
        route: &'r Route,
    ) -> Result<Result<Decision, &'r Unavailable>, Error> {
        let key = self.key.as_deref();
        let Some(variant) = self.variant.as_deref() else {
            return Ok(route.decide(key, self.draw));
        };
        let unknown = |known: &[&str]| Error::Variant {
            why: format!(
                "pipeline '{}' has no variant '{variant}'; it has {}",
                route.name,
                known.join(", ")
            ),
        };
        match &route.policy {
            Resolved::Split(split) => split.forced(variant).ok_or_else(|| unknown(&names(split))),
            Resolved::Standalone(_) if variant == Variant::STANDALONE.as_str() => {
                Ok(route.decide(key, self.draw))
            }
            Resolved::Standalone(_) => Err(unknown(&[Variant::STANDALONE.as_str()])),
        }
    }
}

/// A request of nobody in particular.
impl Default for Asks {
    fn default() -> Self {
        Self {
            id: None,
            key: None,
            variant: None,
            dimensions: ELSEWHERE,
            draw: draw(),
            logged: None,
            is_part: false,
            may_wait: false,
        }
    }
}

fn names(split: &Split) -> Vec<&str> {
    let legs = split.legs.iter();
    legs.map(|leg| leg.variant.as_str()).collect()
}

// === impl Unit ===

impl Unit {
    /// The unit of a key.
    #[must_use]
    pub fn of(key: &str) -> Self {
        let hash: [u8; 32] = Sha256::digest(key).into();
        let (first, _) = hash.split_at(16);
        Self(u128::from_be_bytes(
            first.try_into().expect("half of 32 bytes are 16"),
        ))
    }

    /// The unit of 128 bits, as a token carries them.
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The 128 bits.
    #[must_use]
    pub fn bits(self) -> u128 {
        self.0
    }

    /// The first 64 bits: they tell units of one course apart.
    #[must_use]
    pub fn short(self) -> u64 {
        (self.0 >> 64) as u64
    }
}

/// 32 digits of hex.
impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unit({self})")
    }
}
