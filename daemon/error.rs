//! Why a request is not answered, and the one table that gives each reason its codes.
//!
//! Leaves know no status codes; both doors, HTTP and gRPC, read them here. The match is exhaustive:
//! a new reason does not compile until it has its line.

use std::sync::Arc;
use std::time::Duration;

use impresario_models::{InferError, Mismatch, Name, VersionNumber};

use crate::measure::Outcome;

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// No pipeline and no model has this name.
    #[error("Request for unknown model: '{name}' is not found")]
    UnknownModel {
        /// The name asked for, cut where it is long.
        name: String,
    },
    /// The model has no such version.
    #[error("Request for unknown model: '{name}' version {version} is not found")]
    UnknownVersion {
        /// The model.
        name: Name,
        /// The version asked for, cut where it is long.
        version: String,
    },
    /// The model is there but no version can answer now.
    #[error("{why}")]
    Unavailable {
        /// The sentence for the caller.
        why: String,
        /// When it is worth to come back, where it is likely to pass.
        retry_after: Option<Duration>,
    },
    /// The tensors do not fit the contract.
    #[error(transparent)]
    Contract(#[from] Mismatch),
    /// The tensors fit, but the model cannot take these values.
    #[error("{what}")]
    Refused {
        /// What was expected and got.
        what: String,
    },
    /// The version has more to do than it can.
    #[error("model '{model}' version {version} is overloaded: {load}")]
    Overloaded {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
        /// What there is too much of.
        load: Load,
        /// When it is worth to come back.
        retry_after: Duration,
    },
    /// What tells callers apart is longer than can be kept.
    #[error("{place}: expected a key of at most {limit} bytes, got {bytes} bytes")]
    Key {
        /// Where it stands.
        place: String,
        /// The most bytes.
        limit: usize,
        /// How many it has.
        bytes: usize,
    },
    /// The pipeline has no such variant.
    #[error("{why}")]
    Variant {
        /// What it has instead.
        why: String,
    },
    /// The client sent more than it may.
    #[error(
        "pipeline '{pipeline}' takes {requests} requests in {per:?} from a client; this one sent more"
    )]
    RateLimited {
        /// The pipeline.
        pipeline: Name,
        /// Requests allowed …
        requests: u32,
        /// … in this time.
        per: Duration,
        /// When the next one is.
        retry_after: Duration,
    },
    /// The time for the request is over.
    #[error("the deadline of {limit:?} passed")]
    Expired {
        /// The time that the request had.
        limit: Duration,
    },
    /// The engine failed. The message is for the log, not for the caller.
    #[error("model '{model}' version {version} failed: {what}")]
    Failed {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
        /// What the engine said.
        what: String,
    },
    /// The version answered, and not as its contract says. The message is for the log, not for the caller.
    #[error("model '{model}' version {version} broke its contract: {what}")]
    Broke {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
        /// What it answered.
        what: String,
    },
    /// The instance panicked. The message is for the log, not for the caller.
    #[error("model '{model}' version {version} crashed: {what}")]
    Crashed {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
        /// What it said.
        what: String,
    },
    /// A node of a composite failed.
    #[error("node '{node}': {why}")]
    Node {
        /// The node.
        node: Arc<str>,
        /// Why.
        why: Node,
    },
    /// The instance took longer than the version's timeout.
    #[error("model '{model}' version {version} gave no answer within its timeout of {timeout:?}")]
    Hung {
        /// The model.
        model: Name,
        /// The version.
        version: VersionNumber,
        /// The version's timeout.
        timeout: Duration,
    },
}

/// Why a node of a composite failed, and the request with it. Who called is told the node.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Node {
    /// Whom it asks failed.
    #[error(transparent)]
    Call(Box<Error>),
    /// Whom it asks answered something else than the graph was made for. The message is for the log, not for the caller.
    #[error("{0}")]
    Unfit(String),
    /// What it computes cannot be computed of these values.
    #[error("{0}")]
    Values(String),
    /// Too few members of an ensemble are there, or an output was skipped.
    #[error("{0}")]
    Absent(String),
}

/// What a version has too much of for one more request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Load {
    /// The queue has no room.
    #[error("{queue} requests are waiting already")]
    Full {
        /// The queue's size.
        queue: usize,
    },
    /// What waits already takes longer than the request has.
    #[error("what is waiting takes {wait:?} at the least, the request has {left:?}")]
    Late {
        /// The shortest time that what waits takes.
        wait: Duration,
        /// What is left of the request's time.
        left: Duration,
    },
    /// It waited in a full queue and had to make room.
    #[error("a more urgent request took its place in the full queue")]
    Shed,
}

/// A line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// A stable word.
    pub word: &'static str,
    /// The status of the answer over HTTP.
    pub http: u16,
    /// The status of the answer over gRPC.
    pub grpc: Rpc,
    /// How it is counted.
    pub outcome: Outcome,
    /// Whether the message may go to the caller as it is.
    pub public: bool,
}

/// The statuses of gRPC that are answered, with the protocol's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is its own name in the protocol")]
pub enum Rpc {
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

impl Error {
    /// The line of the table for this reason.
    #[must_use]
    pub fn code(&self) -> Code {
        let line = |word, http, grpc, outcome, public| Code {
            word,
            http,
            grpc,
            outcome,
            public,
        };
        match self {
            Self::UnknownModel { .. } => {
                line("unknown-model", 404, Rpc::NotFound, Outcome::Refused, true)
            }
            Self::UnknownVersion { .. } => line(
                "unknown-version",
                404,
                Rpc::NotFound,
                Outcome::Refused,
                true,
            ),
            Self::Unavailable { .. } => line(
                "unavailable",
                503,
                Rpc::Unavailable,
                Outcome::Unavailable,
                true,
            ),
            Self::Contract(_) => line(
                "contract",
                400,
                Rpc::InvalidArgument,
                Outcome::Refused,
                true,
            ),
            Self::Refused { .. } => {
                line("refused", 400, Rpc::InvalidArgument, Outcome::Refused, true)
            }
            Self::Overloaded { .. } => line(
                "overloaded",
                503,
                Rpc::Unavailable,
                Outcome::Overloaded,
                true,
            ),
            Self::RateLimited { .. } => line(
                "rate-limited",
                429,
                Rpc::ResourceExhausted,
                Outcome::Limited,
                true,
            ),
            Self::Expired { .. } => line(
                "deadline",
                504,
                Rpc::DeadlineExceeded,
                Outcome::Expired,
                true,
            ),
            Self::Key { .. } => line(
                "invalid-key",
                400,
                Rpc::InvalidArgument,
                Outcome::Refused,
                true,
            ),
            Self::Variant { .. } => line(
                "unknown-variant",
                400,
                Rpc::InvalidArgument,
                Outcome::Refused,
                true,
            ),
            Self::Failed { .. } | Self::Broke { .. } => {
                line("failed", 500, Rpc::Internal, Outcome::Failed, false)
            }
            Self::Crashed { .. } => line("crashed", 500, Rpc::Internal, Outcome::Crashed, false),
            Self::Hung { .. } => line("hung", 504, Rpc::DeadlineExceeded, Outcome::Crashed, true),
            Self::Node { why, .. } => match why {
                Node::Call(cause) => match **cause {
                    // Whoever asks for a composite knows nothing of whom it asks.
                    Self::UnknownModel { .. }
                    | Self::UnknownVersion { .. }
                    | Self::RateLimited { .. }
                    | Self::Contract(_) => {
                        line("failed", 500, Rpc::Internal, Outcome::Failed, true)
                    }
                    _ => cause.code(),
                },
                Node::Unfit(_) => line("failed", 500, Rpc::Internal, Outcome::Failed, false),
                Node::Values(_) => {
                    line("refused", 400, Rpc::InvalidArgument, Outcome::Refused, true)
                }
                Node::Absent(_) => line("incomplete", 503, Rpc::Unavailable, Outcome::Failed, true),
            },
        }
    }

    /// What is behind the nodes of composites that it came through.
    #[must_use]
    pub fn root(&self) -> &Self {
        match self {
            Self::Node {
                why: Node::Call(cause),
                ..
            } => cause.root(),
            root => root,
        }
    }

    /// When it is worth to come back, where it is.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            Self::Overloaded { retry_after, .. } | Self::RateLimited { retry_after, .. } => {
                Some(*retry_after)
            }
            Self::Node {
                why: Node::Call(cause),
                ..
            } => cause.retry_after(),
            Self::Node { .. }
            | Self::UnknownModel { .. }
            | Self::UnknownVersion { .. }
            | Self::Contract(_)
            | Self::Refused { .. }
            | Self::Expired { .. }
            | Self::Key { .. }
            | Self::Variant { .. }
            | Self::Failed { .. }
            | Self::Broke { .. }
            | Self::Crashed { .. }
            | Self::Hung { .. } => None,
        }
    }

    /// What the caller is told: the message, or for a fault inside only that there was one.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Failed { model, version, .. } | Self::Broke { model, version, .. } => {
                format!("model '{model}' version {version} failed")
            }
            Self::Crashed { model, version, .. } => {
                format!("model '{model}' version {version} crashed")
            }
            Self::Node {
                node,
                why: Node::Call(cause),
            } => format!("node '{node}': {}", cause.message()),
            Self::Node {
                node,
                why: Node::Unfit(_),
            } => format!("node '{node}': its answer is not what the graph was made for"),
            public => public.to_string(),
        }
    }

    /// An engine's error as the caller of a version sees it.
    #[must_use]
    pub fn from_engine(model: &Name, version: VersionNumber, error: InferError) -> Self {
        match error {
            InferError::Refused { what } => Self::Refused { what },
            failed @ InferError::Failed { .. } => Self::Failed {
                model: model.clone(),
                version,
                what: failed.to_string(),
            },
            InferError::Output(mismatch) => Self::Broke {
                model: model.clone(),
                version,
                what: mismatch.to_string(),
            },
        }
    }
}

/// An error and what caused it, in one line.
#[must_use]
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        // Some errors repeat their source.
        if !line.ends_with(&text) {
            line = format!("{line}: {text}");
        }
        source = cause.source();
    }
    line
}
