//! The messages: what a span, a record and a metric are over the wire.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::metrics::v1::metric::Data as DataMessage;

use super::*;
use crate::otlp::{Buckets, Data, Exemplar, Metric, Point};
use crate::trace::{Kind, SpanId, State, Status, TraceId, Value};

fn texts(attributes: &[KeyValue]) -> Vec<String> {
    let text = |value: &Any| match value {
        Any::StringValue(text) => text.clone(),
        other => format!("{other:?}"),
    };
    let attributes = attributes.iter();
    attributes
        .map(|pair| {
            let value = pair.value.as_ref().and_then(|value| value.value.as_ref());
            format!("{}={}", pair.key, value.map_or(String::new(), text))
        })
        .collect()
}

#[test]
fn a_span_says_where_it_belongs_and_who_sent_it() {
    let pack = Pack::new(&resource(), 1);
    let state: [&[u8]; 1] = [b"vendor=x"];
    let server = crate::trace::Span {
        parent: SpanId::new([3; 8]),
        state: State::parse(state).unwrap(),
        kind: Kind::Server,
        attributes: vec![
            ("http.route", "/v2".into()),
            ("rows", Value::Whole(7)),
            ("share", Value::Number(0.5)),
            ("hit", Value::Flag(true)),
        ],
        status: Status::Error("failed".to_owned()),
        // Clocks may be set back meanwhile.
        ended: 5,
        ..span()
    };
    let Body::Traces(message) = pack.spans(vec![server, span()]) else {
        panic!("spans are traces")
    };
    let resource = message.resource_spans[0].resource.as_ref().unwrap();
    let said = texts(&resource.attributes);
    for expected in [
        "service.name=impresario",
        "service.instance.id=one",
        "deployment.environment.name=test",
        "deployment.environment=test",
        "k8s.pod.name=pod-7",
    ] {
        assert!(
            said.iter().any(|pair| pair == expected),
            "{expected}: {said:?}"
        );
    }
    let spans = &message.resource_spans[0].scope_spans[0].spans;
    let (server, inner) = (&spans[0], &spans[1]);
    assert_eq!(server.trace_id, [1; 16]);
    assert_eq!(
        (&server.span_id[..], &server.parent_span_id[..]),
        (&[2; 8][..], &[3; 8][..])
    );
    assert_eq!(server.trace_state, "vendor=x");
    assert_eq!((server.kind, inner.kind), (2, 1));
    assert_eq!((server.flags, inner.flags), (0x301, 0x101));
    assert_eq!(
        (server.start_time_unix_nano, server.end_time_unix_nano),
        (10, 10)
    );
    let status = server.status.as_ref().unwrap();
    assert_eq!((status.code, status.message.as_str()), (2, "failed"));
    assert_eq!(inner.status, None);
    assert_eq!(inner.parent_span_id, Vec::<u8>::new());
    assert_eq!(
        texts(&server.attributes),
        [
            "http.route=/v2",
            "rows=IntValue(7)",
            "share=DoubleValue(0.5)",
            "hit=BoolValue(true)"
        ]
    );
}

#[test]
fn what_is_configured_goes_before_what_is_known() {
    let mut own = resource();
    own.attributes = vec![("service.version".to_owned(), "7".to_owned())];
    let pack = Pack::new(&own, 1);
    let said = texts(&pack.resource.attributes);
    let versions = said
        .iter()
        .filter(|pair| pair.starts_with("service.version="));
    assert_eq!(versions.collect::<Vec<_>>(), ["service.version=7"]);
    own.instance = None;
    let instance = |pack: Pack| {
        let said = texts(&pack.resource.attributes);
        said.into_iter()
            .find(|pair| pair.starts_with("service.instance.id="))
    };
    let (first, second) = (Pack::new(&own, 1), Pack::new(&own, 1));
    assert_ne!(instance(first), instance(second));
}

#[test]
fn metrics_count_since_the_start() {
    let pack = Pack::new(&resource(), 100);
    let attributes = || vec![("pipeline", Value::Word("p"))];
    let metrics = vec![
        Metric {
            name: "impresario.requests",
            unit: "{request}",
            description: "requests",
            data: Data::Sum(vec![Point {
                attributes: attributes(),
                value: 7,
                exemplars: Vec::new(),
            }]),
        },
        Metric {
            name: "impresario.request.duration",
            unit: "s",
            description: "how long",
            data: Data::Histogram(vec![Point {
                attributes: attributes(),
                value: Buckets {
                    scale: 4,
                    zero: 1,
                    offset: -3,
                    counts: vec![1, 0, 2],
                    count: 4,
                    sum: 0.5,
                },
                exemplars: vec![Exemplar {
                    at: 150,
                    value: 0.25,
                    trace: TraceId::new([9; 16]).unwrap(),
                }],
            }]),
        },
    ];
    let Body::Metrics(message) = pack.metrics(metrics, 200) else {
        panic!("metrics are metrics")
    };
    let metrics = &message.resource_metrics[0].scope_metrics[0].metrics;
    let Some(DataMessage::Sum(sum)) = &metrics[0].data else {
        panic!("{metrics:?}")
    };
    assert!(sum.is_monotonic && sum.aggregation_temporality == 2);
    let point = &sum.data_points[0];
    assert_eq!(
        (point.start_time_unix_nano, point.time_unix_nano),
        (100, 200)
    );
    let Some(DataMessage::ExponentialHistogram(histogram)) = &metrics[1].data else {
        panic!("{metrics:?}")
    };
    let point = &histogram.data_points[0];
    assert_eq!((point.scale, point.zero_count, point.count), (4, 1, 4));
    assert_eq!(point.positive.as_ref().unwrap().offset, -3);
    assert_eq!(point.exemplars[0].trace_id, [9; 16]);
}
