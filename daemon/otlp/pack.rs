//! Spans, log records and metrics as OTLP's messages.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource as ResourceMessage;
use opentelemetry_proto::tonic::trace::v1::span::{Link as LinkMessage, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span as SpanMessage, Status as StatusMessage,
};

use super::logs::Record;
use super::send::Body;
use super::settings::Resource;
use crate::trace::{Kind, Span, Status, Value};

/// The flags of a span whose trace is sampled.
const SAMPLED: u32 = 1;

/// That a span says whether its parent is another process's, and that it is.
const IS_REMOTE_KNOWN: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// The name and version of this program.
const NAME: &str = env!("CARGO_PKG_NAME");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Makes messages that say who exports.
pub(super) struct Pack {
    pub(super) resource: ResourceMessage,
    pub(super) scope: InstrumentationScope,
    /// Wall time of the start, in nanoseconds since 1970.
    pub(super) since: u64,
}

// === impl Pack ===

impl Pack {
    pub(super) fn new(resource: &Resource, since: u64) -> Self {
        let instance = resource.instance.clone();
        let instance = instance.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let mut attributes = vec![
            ("service.name", resource.service.clone()),
            ("service.version", VERSION.to_owned()),
            ("service.instance.id", instance),
            ("telemetry.sdk.name", NAME.to_owned()),
            ("telemetry.sdk.language", "rust".to_owned()),
            ("telemetry.sdk.version", VERSION.to_owned()),
        ];
        if let Some(environment) = &resource.environment {
            attributes.push(("deployment.environment.name", environment.clone()));
            // What it was called before; many programs go by it still.
            attributes.push(("deployment.environment", environment.clone()));
        }
        let attributes = attributes.into_iter();
        let mut attributes: Vec<KeyValue> = attributes
            .map(|(name, value)| key(name, Any::StringValue(value)))
            .collect();
        for (name, value) in &resource.attributes {
            let said = key(name, Any::StringValue(value.clone()));
            match attributes.iter_mut().find(|known| known.key == *name) {
                Some(known) => *known = said,
                None => attributes.push(said),
            }
        }
        Self {
            resource: ResourceMessage {
                attributes,
                ..ResourceMessage::default()
            },
            scope: InstrumentationScope {
                name: NAME.to_owned(),
                version: VERSION.to_owned(),
                ..InstrumentationScope::default()
            },
            since,
        }
    }

    pub(super) fn spans(&self, spans: Vec<Span>) -> Body {
        let spans = spans.into_iter().map(span).collect();
        let scope = ScopeSpans {
            scope: Some(self.scope.clone()),
            spans,
            ..ScopeSpans::default()
        };
        Body::Traces(ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(self.resource.clone()),
                scope_spans: vec![scope],
                ..ResourceSpans::default()
            }],
        })
    }

    pub(super) fn logs(&self, records: Vec<Record>) -> Body {
        let scope = ScopeLogs {
            scope: Some(self.scope.clone()),
            log_records: records.into_iter().map(record).collect(),
            ..ScopeLogs::default()
        };
        Body::Logs(ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                resource: Some(self.resource.clone()),
                scope_logs: vec![scope],
                ..ResourceLogs::default()
            }],
        })
    }
}

fn span(span: Span) -> SpanMessage {
    let remote = match (span.kind, span.parent) {
        (Kind::Server, Some(_)) => IS_REMOTE_KNOWN | IS_REMOTE,
        (Kind::Server, None) | (Kind::Internal, _) => IS_REMOTE_KNOWN,
    };
    let links = span.links.iter().map(|link| LinkMessage {
        trace_id: link.0.trace.bytes().to_vec(),
        span_id: link.0.span.bytes().to_vec(),
        ..LinkMessage::default()
    });
    SpanMessage {
        trace_id: span.trace.bytes().to_vec(),
        span_id: span.id.bytes().to_vec(),
        parent_span_id: span.parent.map_or(Vec::new(), |id| id.bytes().to_vec()),
        trace_state: span
            .state
            .map_or(String::new(), |state| state.as_str().to_owned()),
        flags: SAMPLED | remote,
        kind: match span.kind {
            Kind::Server => SpanKind::Server,
            Kind::Internal => SpanKind::Internal,
        } as i32,
        start_time_unix_nano: span.began,
        end_time_unix_nano: span.ended.max(span.began),
        links: links.collect(),
        name: span.name,
        attributes: attributes(span.attributes),
        status: match span.status {
            Status::Unset => None,
            Status::Error(message) => Some(StatusMessage {
                message,
                code: StatusCode::Error as i32,
            }),
        },
        ..SpanMessage::default()
    }
}

fn record(record: Record) -> LogRecord {
    LogRecord {
        time_unix_nano: record.at,
        observed_time_unix_nano: record.at,
        severity_number: record.severity,
        severity_text: record.level.to_owned(),
        body: Some(any(Any::StringValue(record.message))),
        attributes: attributes(record.fields),
        trace_id: record.trace.map_or(Vec::new(), |id| id.bytes().to_vec()),
        span_id: record.span.map_or(Vec::new(), |id| id.bytes().to_vec()),
        ..LogRecord::default()
    }
}

pub(super) fn attributes(fields: Vec<(&'static str, Value)>) -> Vec<KeyValue> {
    let fields = fields.into_iter();
    fields
        .map(|(name, given)| key(name, value(given)))
        .collect()
}

fn value(value: Value) -> Any {
    match value {
        Value::Word(text) => Any::StringValue(text.to_owned()),
        Value::Text(text) => Any::StringValue(text),
        Value::Shared(text) => Any::StringValue(text.as_ref().to_owned()),
        Value::Whole(number) => Any::IntValue(number),
        Value::Number(number) => Any::DoubleValue(number),
        Value::Flag(flag) => Any::BoolValue(flag),
    }
}

fn key(name: &str, value: Any) -> KeyValue {
    KeyValue {
        key: name.to_owned(),
        value: Some(any(value)),
        ..KeyValue::default()
    }
}

fn any(value: Any) -> AnyValue {
    AnyValue { value: Some(value) }
}
