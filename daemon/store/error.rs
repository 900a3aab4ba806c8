//! What goes wrong with a store: certainly not done, or in doubt; with the path, the cause and the remedy.

use std::io;
use std::path::{Path, PathBuf};

/// Why a store did not do what it was asked. The cause is in `source()`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Certainly not done.
    #[error("{operation} '{}'", path.display())]
    Aborted {
        /// What was asked, such as `open the store in`.
        operation: &'static str,
        /// The state directory; empty for a store in memory.
        path: PathBuf,
        /// Why.
        #[source]
        cause: Cause,
    },
    /// Perhaps done: what is durable is known after the next [`load`](super::Store::load).
    #[error("{operation} '{}': whether it was done is not known until the store is loaded again", path.display())]
    Unknown {
        /// What was asked.
        operation: &'static str,
        /// The state directory; empty for a store in memory.
        path: PathBuf,
        /// Why.
        #[source]
        cause: Cause,
    },
}

/// Why, and what can be done about it.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// One process per directory.
    #[error("{} has it open: stop that one, or choose another directory with --state", holder(.pid))]
    Locked {
        /// The other process, where it says so.
        pid: Option<u32>,
    },
    /// There is something else at the path.
    #[error("it is not a directory: choose another path with --state")]
    NotADirectory,
    /// The process may not write there.
    #[error(
        "it cannot be written: let this user write there, or choose another directory with --state"
    )]
    Denied(#[source] io::Error),
    /// The disk is full.
    #[error("no space is left on its disk: free some, then start again")]
    NoSpace(#[source] io::Error),
    /// Any other trouble with files.
    #[error("the files could not be read or written")]
    Io(#[source] io::Error),
    /// A newer daemon wrote it.
    #[error(
        "it has schema {found}, this program knows {known}: start the newer program that wrote it, or bring \
         back a backup of this one with `impresario restore`"
    )]
    Newer {
        /// The schema found.
        found: u32,
        /// The newest schema known here.
        known: u32,
    },
    /// Too old to be migrated.
    #[error(
        "it has schema {found}, which this program cannot migrate: start an older program first"
    )]
    Older {
        /// The schema found.
        found: u32,
    },
    /// What is there is not what was written.
    #[error(
        "it is damaged: {what}; bring back a backup with `impresario restore --force`, or move the directory \
         away to begin anew"
    )]
    Damaged {
        /// Where and what.
        what: String,
    },
    /// Somebody else committed meanwhile.
    #[error("it is at revision {found}, the change expected {expected}")]
    Stale {
        /// The revision before the change.
        expected: u64,
        /// The stored revision.
        found: u64,
    },
    /// Records must follow one another.
    #[error("the next record is number {expected}, got {found}")]
    Sequence {
        /// The next number.
        expected: u64,
        /// The number given.
        found: u64,
    },
    /// A value that is too large to store.
    #[error("{what} is too large to store: at most {max} bytes, got {got}")]
    TooLarge {
        /// Which.
        what: String,
        /// Bytes allowed.
        max: usize,
        /// Bytes given.
        got: usize,
    },
    /// An earlier commit is in doubt.
    #[error("an earlier change is in doubt: load the store again first")]
    InDoubt,
    /// A restore would replace a store.
    #[error("it holds a store already: choose an empty directory, or replace it with --force")]
    Occupied,
    /// A file that is not a whole backup.
    #[error("the backup cannot be used: {what}")]
    Backup {
        /// Line and fault.
        what: String,
    },
    /// The backup could not be read or written.
    #[error("the backup file could not be read or written")]
    BackupIo(#[source] io::Error),
    /// The storage engine failed.
    #[error("the storage engine failed: {what}")]
    Engine {
        /// Its message.
        what: String,
    },
    /// A fault that a test asked for.
    #[error("a fault was injected")]
    Injected,
}

// === impl Error ===

impl Error {
    pub(super) fn aborted(operation: &'static str, path: &Path, cause: impl Into<Cause>) -> Self {
        let (path, cause) = (path.to_owned(), cause.into());
        Self::Aborted {
            operation,
            path,
            cause,
        }
    }

    pub(super) fn unknown(operation: &'static str, path: &Path, cause: impl Into<Cause>) -> Self {
        let (path, cause) = (path.to_owned(), cause.into());
        Self::Unknown {
            operation,
            path,
            cause,
        }
    }

    /// Why, whatever is known of the outcome.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        match self {
            Self::Aborted { cause, .. } | Self::Unknown { cause, .. } => cause,
        }
    }
}

// === impl Cause ===

impl Cause {
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }

    /// Runs what may panic on damaged files: the engine asserts where it should return errors.
    pub(super) fn catch<T>(work: impl FnOnce() -> Result<T, Self>) -> Result<T, Self> {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            let what = text.unwrap_or("it panicked without a message");
            Err(Self::Engine {
                what: format!("panicked: {what}"),
            })
        })
    }
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => Self::Denied(error),
            Kind::StorageFull | Kind::QuotaExceeded => Self::NoSpace(error),
            Kind::NotADirectory | Kind::AlreadyExists => Self::NotADirectory,
            _ => Self::Io(error),
        }
    }
}

impl From<::sled::Error> for Cause {
    fn from(error: ::sled::Error) -> Self {
        match error {
            ::sled::Error::Io(error) => error.into(),
            ::sled::Error::Corruption { .. } => Self::damaged("a page has a wrong checksum"),
            other @ (::sled::Error::CollectionNotFound(_)
            | ::sled::Error::Unsupported(_)
            | ::sled::Error::ReportableBug(_)) => Self::Engine {
                what: other.to_string(),
            },
        }
    }
}

fn holder(pid: &Option<u32>) -> String {
    match pid {
        Some(pid) => format!("another process (number {pid})"),
        None => "another process".to_owned(),
    }
}
