//! Why a request is not answered, as gRPC's status: the code from the one table, the message that HTTP tells too,
//! and when it is worth to come back.

use tonic::codegen::http::HeaderMap;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};

use crate::codec::{Limits, Refusal};
use crate::plane::Fault;
use crate::trace::{Context, RESPONSE};

/// Names a request in its metadata, both ways.
pub(super) const REQUEST_ID: &str = "x-request-id";

/// Whole seconds, as over HTTP.
const RETRY_AFTER: &str = "retry-after";

/// Milliseconds, as gRPC's own retry policies read it (gRFC A6).
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// The status of a fault, for a request that is found in the log by its id.
pub(super) fn of(fault: &Fault, id: &str, trace: Option<Context>) -> Status {
    let code = Code::from_i32(fault.code().grpc as i32);
    let mut status = Status::new(code, fault.told(id, trace));
    let metadata = status.metadata_mut();
    if let Fault::Error(error) = fault
        && let Some(after) = error.retry_after()
    {
        let millis = after.as_millis();
        // Less than a second is one.
        put(
            metadata,
            RETRY_AFTER,
            &millis.div_ceil(1000).max(1).to_string(),
        );
        put(metadata, PUSHBACK, &millis.to_string());
    }
    put(metadata, REQUEST_ID, id);
    if let Some(context) = trace {
        put(metadata, RESPONSE, &context.header());
    }
    status
}

/// Puts a text that is known to be one of metadata; another is left out.
pub(super) fn put(metadata: &mut MetadataMap, name: &'static str, value: &str) {
    if let Ok(value) = MetadataValue::try_from(value) {
        metadata.insert(name, value);
    }
}

/// What tonic refused by itself, in our words and with the limit's key; nothing where it said it well.
///
/// Tonic's own texts are the only sign that it was tonic: tests see to it that they stay what they are.
pub(super) fn restated(status: &Status, path: &str, limits: &Limits) -> Option<Status> {
    let said = status.message();
    let invalid =
        |expected: &str, got: &str| Refusal::invalid("message", expected, got).to_string();
    Some(match status.code() {
        Code::OutOfRange if said.contains("message length too large") => {
            let found = said.split("found ").nth(1).unwrap_or_default();
            let got: String = found.chars().take_while(char::is_ascii_digit).collect();
            Status::resource_exhausted(too_large("message", got, limits))
        }
        Code::ResourceExhausted if said.contains("while decompressing") => {
            Status::resource_exhausted(too_large("inflated message", "more".to_owned(), limits))
        }
        Code::Internal if said.starts_with("Error decompressing") => {
            Status::invalid_argument(invalid("gzip data", "a broken stream"))
        }
        Code::Internal if said.starts_with("Missing request message") => {
            Status::invalid_argument(invalid("one", "none"))
        }
        Code::Internal if said.starts_with("Unexpected EOF") => {
            Status::invalid_argument(invalid("all of it", "its beginning"))
        }
        Code::Internal if said.starts_with("protocol error: ") => {
            let expected = "a compression flag of 0, or of 1 with header grpc-encoding";
            Status::invalid_argument(invalid(expected, "another"))
        }
        Code::Unimplemented if said.is_empty() => {
            Status::unimplemented(format!("nothing at path '{}'", crate::codec::clip(path)))
        }
        _ => return None,
    })
}

/// The status that an answer without a message has in its headers.
pub(super) fn in_headers(headers: &HeaderMap) -> Option<Status> {
    Status::from_header_map(headers).filter(|status| status.code() != Code::Ok)
}

fn too_large(what: &str, got: String, limits: &Limits) -> String {
    Refusal::TooLarge {
        what: what.to_owned(),
        unit: "bytes",
        limit: limits.max_body,
        got,
        key: "max_body",
    }
    .to_string()
}
