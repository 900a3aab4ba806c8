//! Reading `[otlp]`. No header's value is repeated in a problem.

use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

use impresario_pipelines::spec::read::{Field, Reader};
use serde_json::Value;

use super::field::{MILLISECOND, count, path, size};
use super::layers::Layers;
use crate::otlp::{Bounds, Compression, Endpoint, Headers, Protocol, Resource, Settings, Signal};

/// A minute: more is hardly meant.
const MINUTE: Duration = Duration::from_secs(60);
/// The most bytes of a file with headers.
const FILE: u64 = 16 << 10;
/// The most attributes of the resource.
const ATTRIBUTES: usize = 64;
/// The longest text of the resource, in characters.
const TEXT: usize = 256;

pub(super) fn otlp(
    field: &Field<'_>,
    r: &mut Reader<'_>,
    layers: &Layers,
) -> Option<Option<Settings>> {
    let mut t = field.table(r)?;
    let endpoint_field = t.need("endpoint", r);
    let endpoint = endpoint_field.as_ref().and_then(|f| endpoint(f, r));
    let protocols = [("grpc", Protocol::Grpc), ("http", Protocol::Http)];
    let protocol = t.need("protocol", r).and_then(|f| f.choice(r, &protocols));
    let signals = t.need("signals", r).and_then(|f| signals(&f, r));
    let headers = t.need("headers", r).and_then(|f| headers(&f, r));
    let headers_file = t
        .need("headers_file", r)
        .and_then(|f| headers_file(&f, r, layers));
    let codings = [("gzip", Compression::Gzip), ("none", Compression::None)];
    let compression = t.need("compression", r).and_then(|f| f.choice(r, &codings));
    let sample = t.need("sample", r).and_then(|f| f.number(r, 0.0..=1.0));
    let items_field = t.need("queue", r);
    let items = items_field.as_ref().and_then(|f| count(f, r, 1 << 20));
    let bytes = t
        .need("queue_size", r)
        .and_then(|f| size(&f, r, 64 << 10..=1 << 30));
    let most = items.map_or(1 << 16, |items| (items.get() as u64).min(1 << 16));
    let batch = t.need("batch", r).and_then(|f| count(&f, r, most));
    let interval = t
        .need("interval", r)
        .and_then(|f| f.duration(r, 10 * MILLISECOND..=MINUTE));
    let metrics_interval = t
        .need("metrics_interval", r)
        .and_then(|f| f.duration(r, 100 * MILLISECOND..=10 * MINUTE));
    let timeout = t
        .need("timeout", r)
        .and_then(|f| f.duration(r, 100 * MILLISECOND..=MINUTE));
    let flush = t
        .need("flush", r)
        .and_then(|f| f.duration(r, Duration::ZERO..=MINUTE));
    let resource = t.need("resource", r).and_then(|f| resource(&f, r));
    t.finish(r);
    if let (Some(Some(endpoint)), Some(Protocol::Grpc), Some(field)) =
        (&endpoint, protocol, &endpoint_field)
        && endpoint.has_path()
    {
        let message = "expected a URL without a path: gRPC has paths of its own".to_owned();
        let problem = field.problem(r, "invalid-url", message);
        r.push(problem.hint("protocol = \"http\" posts below a path"));
    }
    let settings = Settings {
        endpoint: match endpoint? {
            Some(endpoint) => endpoint,
            // What else is written was checked all the same.
            None => return Some(None),
        },
        protocol: protocol?,
        signals: signals?,
        headers: headers?.or(headers_file?),
        compression: compression?,
        sample: sample?,
        queue: Bounds {
            items: items?.get(),
            bytes: super::field::fits(bytes?),
            batch: batch?.get(),
            interval: interval?,
        },
        metrics_interval: metrics_interval?,
        timeout: timeout?,
        flush: flush?,
        resource: resource?,
    };
    Some(Some(settings))
}

/// A URL. What is written is not repeated: somebody may have put a key into it.
fn endpoint(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Option<Endpoint>> {
    let text = match field.value() {
        Value::String(text) if text == "none" => return Some(None),
        Value::String(text) => text.as_str(),
        _ => "",
    };
    match text.parse() {
        Ok(endpoint) => Some(Some(endpoint)),
        Err(error) => {
            let error: crate::otlp::EndpointError = error;
            let problem = field.problem(r, "invalid-url", error.to_string());
            r.push(problem.hint("write it like \"http://127.0.0.1:4317\", or \"none\""));
            None
        }
    }
}

fn signals(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Vec<Signal>> {
    let words = Signal::ALL.map(|signal| (signal.as_str(), signal));
    let fields = field.list(r)?;
    let read: Vec<Option<Signal>> = fields.iter().map(|f| f.choice(r, &words)).collect();
    let read: Vec<Signal> = read.into_iter().collect::<Option<_>>()?;
    if read.is_empty() {
        let message = "expected at least one of traces, metrics, logs, got none".to_owned();
        let problem = field.problem(r, "out-of-range", message);
        r.push(problem.hint("endpoint = \"none\" exports nothing"));
        return None;
    }
    Some(read)
}

fn headers(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Headers> {
    if !field.value().is_object() {
        // What is written instead may be a header with its key.
        let message = "expected a table of headers".to_owned();
        r.error(field, "wrong-type", message);
        return None;
    }
    let table = field.table(r)?;
    let mut given = Vec::new();
    for (name, field) in table.entries() {
        let Value::String(value) = field.value() else {
            let message = "expected a text as the value of a header".to_owned();
            r.error(&field, "wrong-type", message);
            return None;
        };
        given.push((name, value.as_str()));
    }
    let read = Headers::new(given);
    read.map_err(|error| r.error(field, "invalid-header", error.to_string()))
        .ok()
}

fn headers_file(field: &Field<'_>, r: &mut Reader<'_>, layers: &Layers) -> Option<Headers> {
    if field.value().as_str() == Some("none") {
        return Some(Headers::default());
    }
    let file = path(field, r, layers)?;
    let text = match contents(&file) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("read {}: {error}", file.display());
            r.error(field, "unreadable", message);
            return None;
        }
    };
    let mut given = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once(':') else {
            let (file, line) = (file.display(), at + 1);
            let message = format!("{file}:{line}: expected NAME: VALUE");
            r.error(field, "invalid-header", message);
            return None;
        };
        given.push((name.trim(), value.trim()));
    }
    let read = Headers::new(given);
    let told = |error| format!("{}: {error}", file.display());
    read.map_err(|error| r.error(field, "invalid-header", told(error)))
        .ok()
}

fn contents(file: &std::path::Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?.take(FILE + 1).read_to_string(&mut text)?;
    match text.len() as u64 > FILE {
        true => Err(io::Error::other(format!("it has more than {FILE} bytes"))),
        false => Ok(text),
    }
}

fn resource(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Resource> {
    let mut t = field.table(r)?;
    let service = t.need("service", r).and_then(|f| text(&f, r));
    let instance = t.need("instance", r).and_then(|f| text_or_none(&f, r));
    let environment = t.need("environment", r).and_then(|f| text_or_none(&f, r));
    let attributes = t.need("attributes", r).and_then(|f| attributes(&f, r));
    t.finish(r);
    Some(Resource {
        service: service?,
        instance: instance?,
        environment: environment?,
        attributes: attributes?,
    })
}

fn attributes(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Vec<(String, String)>> {
    let table = field.table(r)?;
    let entries: Vec<(&str, Field<'_>)> = table.entries().collect();
    if entries.len() > ATTRIBUTES {
        let message = format!(
            "expected at most {ATTRIBUTES} attributes, got {}",
            entries.len()
        );
        r.error(field, "out-of-range", message);
        return None;
    }
    let read = entries.iter().map(|(name, field)| {
        let value = text(field, r)?;
        Some(((*name).to_owned(), value))
    });
    let read: Vec<Option<_>> = read.collect();
    read.into_iter().collect()
}

fn text_or_none(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Option<String>> {
    match field.value().as_str() {
        Some("none") => Some(None),
        _ => text(field, r).map(Some),
    }
}

fn text(field: &Field<'_>, r: &mut Reader<'_>) -> Option<String> {
    let text = field.text(r)?;
    let length = text.chars().count();
    if !(1..=TEXT).contains(&length) || text.chars().any(char::is_control) {
        let message = format!("expected a text of 1 to {TEXT} printable characters, got {length}");
        r.error(field, "invalid-text", message);
        return None;
    }
    Some(text.to_owned())
}
