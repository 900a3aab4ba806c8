//! A line of JSON for each record.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::fields::{Name, Shape, name};
use crate::clock;

/// The name and version of this program.
const SERVICE: &str = env!("CARGO_PKG_NAME");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The version of the Elastic Common Schema whose names are used.
const ECS: &str = "8.11.0";

/// Writes lines of a shape.
pub(super) struct Lines {
    pub(super) shape: Shape,
}

/// An object that is being written.
struct Object {
    shape: Shape,
    /// What comes before the fields of the record is known at its end only.
    message: String,
    target: Option<String>,
    fields: String,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        writeln!(writer, "{}", self.line(event, clock::wall_ns()))
    }
}

// === impl Lines ===

impl Lines {
    /// The line of a record of that time, in nanoseconds since 1970.
    pub(super) fn line(&self, event: &Event<'_>, at: u64) -> String {
        let metadata = event.metadata();
        let mut object = Object {
            shape: self.shape,
            message: String::new(),
            target: None,
            fields: String::new(),
        };
        event.record(&mut object);
        let target = object.target.as_deref().unwrap_or(metadata.target());
        let mut line = String::with_capacity(256 + object.fields.len());
        line.push('{');
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(at);
        let time = humantime::format_rfc3339_micros(time).to_string();
        match self.shape {
            Shape::Plain => {
                let level = metadata.level().as_str();
                for (key, text) in [
                    ("timestamp", &*time),
                    ("level", level),
                    ("message", &object.message),
                    ("target", target),
                    ("service", SERVICE),
                    ("service_version", VERSION),
                ] {
                    text_member(&mut line, key, text);
                }
            }
            Shape::Ecs => {
                let dataset = match target == super::ACCESS {
                    true => "impresario.access",
                    false => "impresario.log",
                };
                for (key, text) in [
                    ("@timestamp", &*time),
                    ("log.level", level(*metadata.level())),
                    ("message", &object.message),
                    ("ecs.version", ECS),
                    ("log.logger", target),
                    ("service.name", SERVICE),
                    ("service.version", VERSION),
                    ("event.dataset", dataset),
                ] {
                    text_member(&mut line, key, text);
                }
            }
        }
        line.push_str(&object.fields);
        line.push('}');
        line
    }
}

/// A level as the schema writes it.
fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

fn text_member(line: &mut String, key: &str, text: &str) {
    member(line, key, &quoted(text));
}

/// A member whose value is JSON.
fn member(line: &mut String, key: &str, json: &str) {
    if !line.is_empty() && !line.ends_with('{') {
        line.push(',');
    }
    line.push_str(&quoted(key));
    line.push(':');
    line.push_str(json);
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text is always JSON")
}

// === impl Object ===

impl Object {
    fn text(&mut self, field: &Field, text: String) {
        match (field.name(), name(self.shape, field.name())) {
            ("message", _) => self.message = text,
            ("log.target", _) => self.target = Some(text),
            (_, Name::None) => {}
            (_, name) => self.put(&name, &quoted(&text)),
        }
        if let (Shape::Ecs, "outcome") = (self.shape, field.name()) {
            // The schema knows three words for it; ours says more beside.
            let word = match self.fields.ends_with("\"success\"") {
                true => "\"success\"",
                false => "\"failure\"",
            };
            self.put(&Name::Known("event.outcome"), word);
        }
    }

    fn json(&mut self, field: &Field, json: &str) {
        match name(self.shape, field.name()) {
            Name::None => {}
            name => self.put(&name, json),
        }
    }

    fn put(&mut self, name: &Name<'_>, json: &str) {
        self.fields.push(',');
        let key = name.to_string();
        self.fields.push_str(&quoted(&key));
        self.fields.push(':');
        self.fields.push_str(json);
    }
}

impl Visit for Object {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value.to_owned());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.json(field, &value.to_string());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.json(field, &value.to_string());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // What is no number in JSON is a text.
        match serde_json::Number::from_f64(value) {
            Some(number) => self.json(field, &number.to_string()),
            None => self.text(field, value.to_string()),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.json(field, if value { "true" } else { "false" });
    }
}
