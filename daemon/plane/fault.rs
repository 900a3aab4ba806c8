//! Why the data plane answers with an error, and what it tells of it.
//!
//! The codes are those of the one table in [`crate::error`]; how they travel is the doors' business.

use std::time::Duration;

use super::guard::Denied;
use crate::actors::Refused;
use crate::codec::Refusal;
use crate::error::{Code, Error, Rpc, causes};
use crate::feedback;
use crate::measure::Outcome;
use crate::payload::Failure;
use crate::serve::TokenError;
use crate::trace::Context;

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
    /// What callers tell of earlier requests cannot be taken.
    #[error(transparent)]
    Feedback(#[from] feedback::Refused),
    /// A token says nothing here.
    #[error("{place}: {error}")]
    Token {
        /// Where it stands in the body.
        place: String,
        /// What is wrong with it.
        #[source]
        error: TokenError,
    },
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
            Self::Feedback(feedback::Refused::Flood { .. }) => Code {
                outcome: Outcome::Limited,
                ..line("rate-limited", 429, Rpc::ResourceExhausted)
            },
            Self::Feedback(
                feedback::Refused::NoCourse { .. }
                | feedback::Refused::Count { .. }
                | feedback::Refused::Event { .. },
            ) => line("feedback", 400, Rpc::InvalidArgument),
            Self::Token {
                error: TokenError::Forged,
                ..
            } => line("forged-token", 401, Rpc::Unauthenticated),
            Self::Token { .. } => line("token", 400, Rpc::InvalidArgument),
            Self::Refused(Refused::Stopping) => line("stopping", 503, Rpc::Unavailable),
            Self::Refused(Refused::Store(_)) => line("store", 500, Rpc::Internal),
        }
    }

    /// When it is worth to come back, where it is.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Error(error) => error.retry_after(),
            Self::Feedback(refused) => refused.retry_after(),
            _ => None,
        }
    }

    /// What the caller is told. A fault inside is told as such, and the log has the rest under the request's id.
    pub(crate) fn told(&self, id: &str, trace: Option<Context>) -> String {
        let code = self.code();
        // Without a trace there is no such field.
        let trace_id = trace.map(|context| tracing::field::display(context.trace));
        let span_id = trace.map(|context| tracing::field::display(context.span));
        if code.public {
            tracing::debug!(request = id, trace_id, span_id, code = code.word, error = %causes(self), "request refused");
            return causes(self);
        }
        tracing::error!(request = id, trace_id, span_id, code = code.word, error = %causes(self), "request failed");
        let told = self.failure().message;
        format!("{told}; the log has more under request id {id}")
    }

    /// What callers may know of it.
    pub(crate) fn failure(&self) -> Failure {
        let code = self.code();
        let message = match self {
            _ if code.public => causes(self),
            Self::Error(error) => error.message(),
            _ => "internal error".to_owned(),
        };
        Failure {
            code: code.word,
            message,
        }
    }
}
