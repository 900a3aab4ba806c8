//! What goes wrong with a version: when it is loaded, and when it computes.
//!
//! These errors know no status codes; the daemon's one table gives each its code for HTTP and gRPC.

use std::io;
use std::path::PathBuf;

use crate::contract::Mismatch;

/// Why a version could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file could not be read.
    #[error("read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{}: {what}", path.display())]
    Invalid {
        /// The file, or the version's folder.
        path: PathBuf,
        /// What was expected and what was found, with line where known.
        what: String,
    },
    /// The files are sound but use what no engine here can do.
    #[error("{what}; {remedy}")]
    Unsupported {
        /// What is not supported.
        what: String,
        /// What the user can do about it.
        remedy: String,
    },
    /// A golden example came out differently.
    #[error("golden example '{case}': {what}")]
    Golden {
        /// The example's name.
        case: String,
        /// Which output differed, where, and by how much.
        what: String,
    },
    /// The engine failed or panicked while it built the model.
    #[error("engine {engine}: {what}")]
    Engine {
        /// The engine's name.
        engine: &'static str,
        /// Its message, causes included.
        what: String,
    },
}

/// Why a version gave no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InferError {
    /// The inputs fit the contract, but the model cannot take these values (text that is not UTF-8, an index
    /// out of an embedding's range): the caller's fault.
    #[error("{what}")]
    Refused {
        /// What was expected and got.
        what: String,
    },
    /// The engine failed.
    #[error("inference failed: {what}")]
    Failed {
        /// The engine's message, causes included.
        what: String,
    },
    /// The version answered something that its contract does not allow.
    #[error("the version broke its contract: {0}")]
    Output(#[source] Mismatch),
}
