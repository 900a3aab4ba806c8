//! Durable state: what is stored, and the one trait through which the supervisor stores it.
//!
//! An answer means durable. What the routing means, and which change is allowed, is decided in the pure rooms;
//! this room keeps what it is given, wholly or not at all. How tokens are made and verified is not known here:
//! it keeps their hashes.

mod backup;
mod error;
pub mod faulty;
pub mod memory;
pub mod restore;
mod schema;
pub mod sled;

pub use error::{Cause, Error};
pub use faulty::{Fault, Faulty};
pub use memory::Memory;
pub use restore::{Force, restore};
pub use sled::Sled;

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use impresario_models::Name;
use impresario_pipelines::fleet::{Record, Routing};

/// Where routing, history and tokens survive the process.
pub trait Store: Send + Sync {
    /// Everything that a starting daemon needs. It is also what to call after [`Error::Unknown`]: the answer is
    /// what is durable, whatever became of the commit in doubt.
    ///
    /// # Errors
    /// [`Error::Aborted`]; a store that is damaged says so and is not served.
    fn load(&self) -> Result<Loaded, Error>;

    /// Stores a change, wholly or not at all. When it returns `Ok` the change survives a crash and the loss of
    /// power.
    ///
    /// # Errors
    /// [`Error::Aborted`] when it is certainly not done, [`Error::Unknown`] when it may be: then nothing can be
    /// committed until [`Store::load`] has been called.
    fn commit(&self, commit: Commit<'_>) -> Result<(), Error>;

    /// Records of the audit, newest first.
    ///
    /// # Errors
    /// [`Error::Aborted`].
    fn audit(&self, query: &AuditQuery) -> Result<Vec<Record>, Error>;

    /// Puts and removes what is kept beside the routing, all of it or nothing. When it returns `Ok` the change survives
    /// the end of the process, but not the loss of power.
    ///
    /// # Errors
    /// [`Error::Aborted`].
    fn keep(&self, changes: &[Keep]) -> Result<(), Error>;

    /// What is kept on a shelf: keys with their texts, in the order of keys.
    ///
    /// # Errors
    /// [`Error::Aborted`].
    fn kept(&self, shelf: Shelf) -> Result<Vec<(String, String)>, Error>;

    /// Puts and removes rows, all of it or nothing. When it returns `Ok` the change survives the end of the process, but not
    /// the loss of power.
    ///
    /// # Errors
    /// [`Error::Aborted`] when it is certainly not done, [`Error::Unknown`] when it may be. The same change may be written
    /// again in either case.
    fn put_rows(&self, rows: &[Row]) -> Result<(), Error>;

    /// Rows with keys from `range.start` on and before `range.end`, in the order of keys, at most so many.
    ///
    /// # Errors
    /// [`Error::Aborted`].
    fn rows(&self, range: Range<&[u8]>, most: usize) -> Result<Vec<Stored>, Error>;

    /// Removes rows of a range, the first ones, at most so many; gives how many. It survives what [`Store::put_rows`] does.
    ///
    /// # Errors
    /// As [`Store::put_rows`].
    fn drop_rows(&self, range: Range<&[u8]>, most: usize) -> Result<usize, Error>;

    /// Writes everything but what [`Store::keep`] and [`Store::put_rows`] keep as one file; `at` is the wall time in milliseconds since 1970. The file holds the
    /// tokens' hashes: keep it as you keep the store.
    ///
    /// # Errors
    /// [`Error::Aborted`] when the store cannot be read or `out` cannot be written.
    fn backup(&self, at: u64, out: &mut dyn Write) -> Result<(), Error>;
}

/// What is kept beside the routing: it changes all the time, and none of it decides alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shelf {
    /// What rollouts are judged by, by pipeline.
    Evidence,
    /// What shadows showed, by pipeline.
    Comparison,
    /// What experiments and bandits have gathered, in parts.
    Record,
    /// Which feedback was taken in.
    Feedback,
    /// Decisions to be explained.
    Decision,
    /// What signs tokens of routes.
    Secret,
    /// How far webhooks have come.
    Delivery,
}

/// A change of what is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Where.
    pub shelf: Shelf,
    /// Its key, without zero bytes.
    pub key: String,
    /// What is kept, in the keeper's own form; nothing to remove it.
    pub text: Option<String>,
}

/// A change of the rows: what grows with time and is read by ranges of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its key; at least one byte.
    pub key: Vec<u8>,
    /// What it holds, in the keeper's own form, a few kilobytes at most; nothing to remove it.
    pub value: Option<Vec<u8>>,
}

/// A row as it is stored: its key and what it holds.
pub type Stored = (Vec<u8>, Vec<u8>);

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Records kept for the audit; older ones are dropped with the commit that adds newer ones. At least 1.
    pub audit: u64,
    /// Records that [`Store::load`] gives back for history and undo. At least 1, at most `audit`.
    pub history: u64,
}

/// What a store gives back to a starting daemon.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// The routing as of the last commit.
    pub routing: Routing,
    /// The newest records, oldest first.
    pub history: Vec<Arc<Record>>,
    /// The tokens in the order of their ids.
    pub tokens: Vec<Token>,
}

/// One change, to be stored wholly or not at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Commit<'a> {
    /// The routing before and after. Only what differs is written; the revision before must be the stored one.
    pub routing: Option<(&'a Routing, &'a Routing)>,
    /// Records to add to the audit, oldest first, numbered without gaps from the newest one stored.
    pub records: &'a [Arc<Record>],
    /// Tokens made and removed.
    pub tokens: &'a [TokenChange],
}

/// A change of the tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenChange {
    /// Make a token, or replace the one of its id.
    Put(Token),
    /// Remove the token of this id; without effect where there is none.
    Delete(String),
}

/// What admits a caller of the admin plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is found by; not secret.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// The hash of its secret, with its parameters.
    pub hash: String,
    /// Wall time, in milliseconds since 1970.
    pub created_at: u64,
    /// Wall time after which it admits nobody, in milliseconds since 1970.
    pub expires_at: Option<u64>,
}

/// What a caller of the admin plane may do; each role may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Read.
    Viewer,
    /// Change routing, load and unload.
    Operator,
    /// Make and remove tokens too.
    Admin,
}

/// Which records of the audit are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only records before this one: the last one of the page before.
    pub before_seq: Option<u64>,
    /// At most so many.
    pub limit: usize,
    /// Only what this actor did.
    pub actor: Option<String>,
    /// Only this action, such as `pipeline.put`.
    pub action: Option<String>,
    /// Only what changed the pipeline or model of this name.
    pub name: Option<Name>,
}

// === impl Retention ===

impl Default for Retention {
    fn default() -> Self {
        Self {
            audit: 10_000,
            history: 1_000,
        }
    }
}

impl Retention {
    /// The same with its bounds kept.
    fn sane(self) -> Self {
        let audit = self.audit.max(1);
        Self {
            audit,
            history: self.history.clamp(1, audit),
        }
    }
}

// === impl Shelf ===

impl Shelf {
    /// What the keys of the shelf begin with.
    fn prefix(self) -> &'static str {
        match self {
            Self::Evidence => "evidence/",
            Self::Comparison => "comparison/",
            Self::Record => "record/",
            Self::Feedback => "feedback/",
            Self::Decision => "decision/",
            Self::Secret => "secret/",
            Self::Delivery => "delivery/",
        }
    }
}

// === impl Role ===

impl Role {
    /// The word used in API, logs and files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

// === impl AuditQuery ===

impl Default for AuditQuery {
    /// The newest hundred.
    fn default() -> Self {
        Self {
            before_seq: None,
            limit: 100,
            actor: None,
            action: None,
            name: None,
        }
    }
}

impl AuditQuery {
    /// Whether a record is among those asked for, its number aside.
    fn takes(&self, record: &Record) -> bool {
        let actor = self.actor.as_ref().is_none_or(|a| *a == record.actor);
        let action = self.action.as_ref().is_none_or(|a| *a == record.action);
        let named = |name: &Name| record.diffs.iter().any(|diff| diff.name == *name);
        actor && action && self.name.as_ref().is_none_or(named)
    }
}

/// Everything that a store holds: what a backup is written from and a restore writes.
#[derive(Clone, Debug, Default, PartialEq)]
struct Contents {
    routing: Routing,
    records: Vec<Arc<Record>>,
    tokens: Vec<Token>,
}

// === impl Contents ===

impl Contents {
    /// The newest `history` records, oldest first, with the rest.
    fn loaded(&self, history: u64) -> Loaded {
        let keep = usize::try_from(history).unwrap_or(usize::MAX);
        let from = self.records.len().saturating_sub(keep);
        Loaded {
            routing: self.routing.clone(),
            history: self.records[from..].to_vec(),
            tokens: self.tokens.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
