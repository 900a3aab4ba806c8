//! Reading and writing what tells one client from another.

use serde::Serialize;

use super::describe;
use crate::spec::key::{Key, Pointer, Source};
use crate::spec::read::{Field, Reader};

/// The longest name of a header, a cookie or a parameter.
const MAX_NAME: usize = 64;

/// The kinds of source.
const KINDS: [&str; 4] = ["header", "cookie", "parameter", "pointer"];

/// What tells one client from another, as written: one source, or several, of which the first counts that a request has
/// something at.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum KeySpec {
    /// `{ header = "x-user-id" }`
    One(SourceSpec),
    /// `[{ header = "x-user-id" }, { cookie = "uid" }]`, at most 8.
    Several(Vec<SourceSpec>),
}

/// One place in a request. Where a rate limit is, only headers and cookies can be used.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceSpec {
    /// `{ header = "x-user-id" }`, at most 64 characters.
    Header(String),
    /// `{ cookie = "uid" }`, at most 64 characters.
    Cookie(String),
    /// `{ parameter = "user" }`: a parameter of the request, in JSON and in gRPC; at most 64 characters.
    Parameter(String),
    /// `{ pointer = "/inputs/0/data/0" }`: a place in the request's JSON, as RFC 6901 writes it; at most 256 characters.
    Pointer(String),
}

/// The key that a field holds.
pub(super) fn key(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Key> {
    if field.value().is_string() {
        return field
            .choice(reader, &[("address", ())])
            .map(|()| Key::default());
    }
    if !field.value().is_array() {
        return Some(Key::new(vec![source(field, reader)?]));
    }
    let fields = field.list(reader)?;
    if !(1..=Key::MAX_SOURCES).contains(&fields.len()) {
        let (max, got) = (Key::MAX_SOURCES, fields.len());
        let message = format!("expected 1 to {max} sources, got {got}");
        reader.error(field, "out-of-range", message);
        return None;
    }
    // Each is read before any is missed, so that all problems are told.
    let sources: Vec<_> = fields.iter().map(|field| source(field, reader)).collect();
    sources.into_iter().collect::<Option<_>>().map(Key::new)
}

/// Tells that a key that stands in the body cannot keep a rate limit.
pub(super) fn refuse_body(field: &Field<'_>, key: &Key, reader: &mut Reader<'_>) {
    if key.needs_body() {
        let message = "a rate limit is kept before the request's body is read, \
                       so a parameter or a pointer cannot tell its clients apart";
        let problem = field.problem(reader, "key-in-body", message.to_owned());
        reader.push(problem.hint("use a header or a cookie, or leave 'rate_limit' out".to_owned()));
    }
}

fn source(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Source> {
    let mut table = field.table(reader)?;
    let fields = KINDS.map(|kind| table.get(kind));
    let known = fields.iter().flatten().count();
    let unknown = table.entries().any(|(name, _)| !KINDS.contains(&name));
    table.finish(reader);
    match (fields, known) {
        ([Some(header), ..], 1) => header_name(&header, reader).map(Source::Header),
        ([_, Some(cookie), ..], 1) => token(&cookie, reader, "cookie").map(Source::Cookie),
        ([.., Some(parameter), _], 1) => parameter_name(&parameter, reader).map(Source::Parameter),
        ([.., Some(pointer)], 1) => self::pointer(&pointer, reader).map(Source::Pointer),
        (_, 0) => {
            // A name that was told to be unknown was meant for one.
            if !unknown {
                let message = format!("expected one of {}, got none", KINDS.join(", "));
                reader.error(field, "missing-field", message);
            }
            None
        }
        _ => {
            let message = format!("expected one of {}, got {known} of them", KINDS.join(", "));
            let problem = field.problem(reader, "several-sources", message);
            let hint = "write a list; the first that a request has something at counts: \
                        [{ header = \"x-user-id\" }, { cookie = \"uid\" }]";
            reader.push(problem.hint(hint.to_owned()));
            None
        }
    }
}

/// The name of a header, in lower case.
pub(super) fn header_name(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<String> {
    token(field, reader, "header").map(|name| name.to_ascii_lowercase())
}

/// A token of RFC 9110, §5.6.2; names of cookies are such too.
fn token(field: &Field<'_>, reader: &mut Reader<'_>, kind: &str) -> Option<String> {
    let name = field.text(reader)?;
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(token) {
        return Some(name.to_owned());
    }
    let got = describe(field.value());
    let message =
        format!("expected the name of a {kind}, at most {MAX_NAME} characters, got {got}");
    let code = match kind {
        "header" => "invalid-header",
        _ => "invalid-cookie",
    };
    reader.error(field, code, message);
    None
}

/// The name of a request's parameter.
pub(super) fn parameter_name(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<String> {
    let name = field.text(reader)?;
    if (1..=MAX_NAME).contains(&name.chars().count()) {
        return Some(name.to_owned());
    }
    let got = describe(field.value());
    let message =
        format!("expected the name of a parameter, at most {MAX_NAME} characters, got {got}");
    reader.error(field, "invalid-parameter", message);
    None
}

fn pointer(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Pointer> {
    let text = field.text(reader)?;
    Pointer::new(text)
        .map_err(|error| {
            let got = describe(field.value());
            let problem = field.problem(reader, "invalid-pointer", format!("{error}, got {got}"));
            let hint = "such as \"/parameters/user\" or \"/inputs/0/data/0\"";
            reader.push(problem.hint(hint.to_owned()));
        })
        .ok()
}

// === writing ===

impl KeySpec {
    /// A key as it is written; not at all where it is the address.
    pub(super) fn of(key: &Key) -> Option<Self> {
        match key.sources() {
            [] => None,
            [source] => Some(Self::One(source.into())),
            sources => Some(Self::Several(sources.iter().map(Into::into).collect())),
        }
    }
}

impl From<&Source> for SourceSpec {
    fn from(source: &Source) -> Self {
        match source {
            Source::Header(name) => Self::Header(name.clone()),
            Source::Cookie(name) => Self::Cookie(name.clone()),
            Source::Parameter(name) => Self::Parameter(name.clone()),
            Source::Pointer(pointer) => Self::Pointer(pointer.as_str().to_owned()),
        }
    }
}
