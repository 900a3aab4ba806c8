//! All messages between actors: a closed list.

use std::sync::Arc;
use std::time::Duration;

use actix::Message;
use impresario_models::loader::Loaded;
use impresario_models::{Name, VersionNumber};
use impresario_pipelines::fleet::{By, Command, Event, Fleet, Judged, Report, Revision, Stage};

use super::supervisor::Refused;
use crate::store::{Error as StoreError, Token};

// === to the supervisor ===

/// Change the routing. Answered when the change is durable and published.
#[derive(Debug, Message)]
#[rtype(result = "Result<Outcome, Refused>")]
pub struct Change {
    /// What is asked for.
    pub command: Command,
    /// Who asks.
    pub by: By,
    /// Whether only to say what would happen.
    pub dry_run: bool,
}

/// What a change came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The revision that stands, or would stand, afterwards.
    pub revision: Revision,
    /// Whether anything became different.
    pub changed: bool,
    /// What is not as desired yet, and why.
    pub report: Arc<Report>,
    /// The fleet afterwards.
    pub fleet: Arc<Fleet>,
}

/// Add or remove tokens. Answered when it is durable.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), Refused>")]
pub struct ChangeTokens {
    /// Tokens to add or replace.
    pub put: Vec<Token>,
    /// Ids of tokens to remove.
    pub delete: Vec<String>,
    /// Who asks.
    pub by: By,
}

/// Note something in the audit that changes no routing.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), Refused>")]
pub struct Note {
    /// The verb.
    pub action: String,
    /// Who did it.
    pub by: By,
}

/// The repository looks different.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Seen(pub Vec<Event>);

/// Courses were looked at.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Judge(pub(super) Vec<Judged>);

/// An arm fails in a row: look at once.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Look;

/// A load has come to a stage.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct LoadProgressed {
    pub(super) model: Name,
    pub(super) version: VersionNumber,
    pub(super) serial: u64,
    pub(super) stage: Stage,
}

/// Requests ask for parked versions.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Recall;

/// What came since the last look at all of it is to be done and published now.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Proceed;

/// A load ended.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct LoadEnded {
    pub(super) model: Name,
    pub(super) version: VersionNumber,
    pub(super) serial: u64,
    pub(super) result: Result<Box<Loaded>, String>,
    pub(super) took: Duration,
}

/// An instance panicked or hung. `serial` tells a version from an earlier life of it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Crashed {
    pub(super) model: Name,
    pub(super) version: VersionNumber,
    pub(super) serial: u64,
    pub(super) reason: String,
}

/// A version answered its last request.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Drained {
    pub(super) model: Name,
    pub(super) version: VersionNumber,
    pub(super) serial: u64,
}

/// Let every version finish, and answer when the last one has.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Stop;

// === to a version ===

/// Compute with this from now on.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Attach(pub(super) Arc<Loaded>);

/// The rebuild comes in so long: refuse callers until then, unless other instances still answer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Hold(pub(super) Duration);

/// Nobody counts on this life of the version any more: no rebuild will come. Workers that are left finish the
/// queue; where none is left, callers are refused instead of waiting for nothing.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Leave;

/// Something waits that no worker waited for, or nothing can come any more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Demand;

/// A worker ended, or the engine fell in the hands of a caller that computed by itself (no worker then).
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Fell {
    pub(super) worker: Option<u64>,
    pub(super) end: super::worker::End,
}

/// The store's answer, where it refused.
impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}
