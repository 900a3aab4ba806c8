//! Why the data plane answers with an error, and what it tells of it.
//!
//! The codes are those of the one table in [`crate::error`]; how they travel is the doors' business.

use super::guard::Denied;
use crate::actors::Refused;
use crate::codec::Refusal;
use crate::error::{Code, Error, Rpc, causes};
use crate::measure::Outcome;

/// Why the data plane answers with an error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The request cannot be read.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The request cannot be answered.
    #[error(transparent)]
    Error(#[from] Error),
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The change cannot be made.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A model that was to be loaded or unloaded was not.
    #[error("{0}")]
    Load(String),
}

impl Fault {
    /// The line of the table for this fault.
    pub(crate) fn code(&self) -> Code {
        let line = |word, http, grpc| Code {
            word,
            http,
            grpc,
            outcome: Outcome::Refused,
            public: http != 500,
        };
        match self {
            Self::Refusal(Refusal::TooLarge { .. }) => {
                line("too-large", 413, Rpc::ResourceExhausted)
            }
            Self::Refusal(Refusal::Encoding { .. }) => line("encoding", 415, Rpc::Unimplemented),
            Self::Refusal(
                Refusal::Syntax { .. } | Refusal::Invalid { .. } | Refusal::Contract(_),
            ) => line("invalid", 400, Rpc::InvalidArgument),
            Self::Error(error) => error.code(),
            Self::Denied(Denied::Unknown(_)) => line("unknown-caller", 401, Rpc::Unauthenticated),
            Self::Denied(Denied::Forbidden(_)) => line("forbidden", 403, Rpc::PermissionDenied),
            Self::Refused(Refused::Rejected(_)) | Self::Load(_) => {
                line("not-done", 400, Rpc::InvalidArgument)
            }
            Self::Refused(Refused::Stopping) => line("stopping", 503, Rpc::Unavailable),
            Self::Refused(Refused::Store(_)) => line("store", 500, Rpc::Internal),
        }
    }

    /// What the caller is told. A fault inside is told as such, and the log has the rest under the request's id.
    pub(crate) fn told(&self, id: &str) -> String {
        let code = self.code();
        if code.public {
            tracing::debug!(request = id, code = code.word, error = %causes(self), "request refused");
            return causes(self);
        }
        tracing::error!(request = id, code = code.word, error = %causes(self), "request failed");
        let told = match self {
            Self::Error(error) => error.message(),
            _ => "internal error".to_owned(),
        };
        format!("{told}; the log has more under request id {id}")
    }
}
