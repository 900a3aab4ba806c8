//! What the fields of records are called in lines. Within the daemon they have one name each; the Elastic Common Schema
//! has names of its own for some, and a folder of ours for the rest.

use std::fmt;

/// How lines of JSON are shaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Flat, with the daemon's own names.
    Plain,
    /// The Elastic Common Schema.
    Ecs,
}

/// What a field is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name<'f> {
    /// A name that stands fast.
    Known(&'static str),
    /// The daemon's own, as it is.
    Own(&'f str),
    /// The daemon's own, in its folder.
    Folder(&'f str),
    /// It is not written.
    None,
}

/// The fields that the schema has a name for.
const ECS: [(&str, &str); 18] = [
    ("action", "event.action"),
    ("actor", "user.name"),
    ("code", "error.code"),
    ("duration_ns", "event.duration"),
    ("error", "error.message"),
    ("event", "event.action"),
    ("method", "http.request.method"),
    ("path", "url.path"),
    ("protocol", "network.protocol"),
    ("reason", "event.reason"),
    ("request", "http.request.id"),
    ("request_bytes", "http.request.body.bytes"),
    ("response_bytes", "http.response.body.bytes"),
    ("span_id", "span.id"),
    ("status", "http.response.status_code"),
    ("grpc_status", "rpc.grpc.status_code"),
    ("trace_id", "trace.id"),
    ("user", "user.name"),
];

/// Names that lines have for something else.
const TAKEN: [&str; 5] = ["timestamp", "level", "target", "service", "service_version"];

/// What a field is called in lines of a shape.
pub(super) fn name(shape: Shape, field: &str) -> Name<'_> {
    // What records of crate `log` say of where they were written.
    if field.starts_with("log.") {
        return Name::None;
    }
    match shape {
        Shape::Plain if TAKEN.contains(&field) => Name::Folder(field),
        Shape::Plain => Name::Own(field),
        Shape::Ecs => match ECS.iter().find(|(ours, _)| *ours == field) {
            Some((_, theirs)) => Name::Known(theirs),
            None => Name::Folder(field),
        },
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(name) => f.write_str(name),
            Self::Own(name) => f.write_str(name),
            Self::Folder(name) => write!(f, "impresario.{name}"),
            Self::None => Ok(()),
        }
    }
}
