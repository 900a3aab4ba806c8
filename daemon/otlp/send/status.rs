//! What a status of gRPC means to OTLP: whether to come back, and when. The messages are those of `google.rpc`, as far as
//! they are read here.

use std::time::Duration;

use prost::Message;
use tonic::Code;

use super::{Sent, clipped};

/// The name of what says when to come back.
const RETRY_INFO: &str = "google.rpc.RetryInfo";

/// `google.rpc.Status`
#[derive(Clone, PartialEq, Message)]
pub(in crate::otlp) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(in crate::otlp) code: i32,
    #[prost(string, tag = "2")]
    pub(in crate::otlp) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(in crate::otlp) details: Vec<Detail>,
}

/// `google.protobuf.Any`
#[derive(Clone, PartialEq, Message)]
pub(in crate::otlp) struct Detail {
    #[prost(string, tag = "1")]
    pub(in crate::otlp) type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(in crate::otlp) value: Vec<u8>,
}

/// `google.rpc.RetryInfo`
#[derive(Clone, PartialEq, Message)]
pub(in crate::otlp) struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    pub(in crate::otlp) delay: Option<Delay>,
}

/// `google.protobuf.Duration`
#[derive(Clone, PartialEq, Message)]
pub(in crate::otlp) struct Delay {
    #[prost(int64, tag = "1")]
    pub(in crate::otlp) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(in crate::otlp) nanos: i32,
}

/// What a status means, with the details that came with it.
pub(in crate::otlp) fn meaning(code: Code, message: &str, details: &[u8]) -> Sent {
    let after = retry_delay(details);
    let why = match message {
        "" => format!("it answered {code:?}"),
        message => format!("it answered {code:?}: {}", clipped(message)),
    };
    match code {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => Sent::Later { why, after },
        // Only who says when to come back will have room by then.
        Code::ResourceExhausted if after.is_some() => Sent::Later { why, after },
        Code::Ok
        | Code::Unknown
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Unimplemented
        | Code::Internal
        | Code::Unauthenticated => Sent::Refused(why),
    }
}

/// What a message of `google.rpc.Status` says of it.
pub(in crate::otlp) fn retry_delay(status: &[u8]) -> Option<Duration> {
    let status = RpcStatus::decode(status).ok()?;
    let info = status
        .details
        .iter()
        .find(|detail| detail.type_url.rsplit('/').next() == Some(RETRY_INFO))?;
    let delay = RetryInfo::decode(&info.value[..]).ok()?.delay?;
    let seconds = u64::try_from(delay.seconds).ok()?;
    let nanos = u32::try_from(delay.nanos).ok()?;
    Some(Duration::new(seconds, nanos.min(999_999_999)))
}
