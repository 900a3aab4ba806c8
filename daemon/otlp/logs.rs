//! Log records: a layer beside that which writes lines. What the exporter's own threads log is written and not exported,
//! or a collector that fails would be told of it for ever.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::queue::Queue;
use super::tally::Tally;
use crate::clock;
use crate::trace::{SpanId, TraceId, Value};

/// The longest text of a field, in bytes.
const LONGEST: usize = 8 << 10;

/// The fields by which a record belongs to a trace.
const TRACE: &str = "trace_id";
const SPAN: &str = "span_id";

/// What records of crate `log` say of themselves, beside the target.
const FOREIGN: &str = "log.";

thread_local! {
    /// Whether this thread exports.
    static EXPORTS: Cell<bool> = const { Cell::new(false) };
}

/// The layer.
pub struct Logs {
    pub(super) queue: Arc<Queue<Record>>,
    pub(super) tally: Arc<Tally>,
}

/// A record.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    /// Wall time, in nanoseconds since 1970.
    pub(super) at: u64,
    pub(super) level: &'static str,
    /// OTLP's number for it.
    pub(super) severity: i32,
    pub(super) message: String,
    pub(super) fields: Vec<(&'static str, Value)>,
    pub(super) trace: Option<TraceId>,
    pub(super) span: Option<SpanId>,
}

/// Marks this thread as one that exports.
pub(super) fn quiet() {
    EXPORTS.set(true);
}

// === impl Logs ===

impl<S: Subscriber> Layer<S> for Logs {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if EXPORTS.get() {
            return;
        }
        let record = Record::of(event, clock::wall_ns());
        let weight = record.weight();
        if let Err(dropped) = self.queue.push(vec![(record, weight)]) {
            self.tally.dropped(dropped as u64);
        }
    }
}

// === impl Record ===

impl Record {
    fn of(event: &Event<'_>, at: u64) -> Self {
        let metadata = event.metadata();
        let (level, severity) = match *metadata.level() {
            Level::TRACE => ("TRACE", 1),
            Level::DEBUG => ("DEBUG", 5),
            Level::INFO => ("INFO", 9),
            Level::WARN => ("WARN", 13),
            Level::ERROR => ("ERROR", 17),
        };
        let mut record = Self {
            at,
            level,
            severity,
            message: String::new(),
            fields: vec![("target", Value::Word(metadata.target()))],
            trace: None,
            span: None,
        };
        event.record(&mut record);
        record
    }

    fn weight(&self) -> usize {
        let fields = self.fields.iter();
        let fields: usize = fields
            .map(|(name, value)| name.len() + value.weight() + 16)
            .sum();
        64 + self.message.len() + fields
    }

    fn text(&mut self, field: &Field, mut text: String) {
        let mut end = text.len().min(LONGEST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        match field.name() {
            "message" => self.message = text,
            TRACE => self.trace = TraceId::parse(text.as_bytes()),
            SPAN => self.span = SpanId::parse(text.as_bytes()),
            "log.target" => self.fields[0].1 = Value::Text(text),
            name if name.starts_with(FOREIGN) => {}
            name => self.fields.push((name, Value::Text(text))),
        }
    }

    fn value(&mut self, field: &Field, value: Value) {
        if !field.name().starts_with(FOREIGN) {
            self.fields.push((field.name(), value));
        }
    }
}

impl Visit for Record {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value.to_owned());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field, Value::Whole(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.value(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.value(field, Value::Number(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field, Value::Flag(value));
    }
}
