//! The messages of Prometheus' data model, and what families are in them: each before its length, one after another.
//!
//! Only what is sent is here. The numbers are those of `io.prometheus.client` (prometheus/client_model, `metrics.proto`).
//! A native histogram of schema 4 is the sketch as it is: its bucket `i` ends where theirs, `i + 1`, does.

use prost::Message;

use super::family::{Family, Kind, Labels, Spread, Value};
use super::format::Histograms;
use crate::measure::{Counts, Exemplar, sketch};

#[derive(Clone, PartialEq, Message)]
pub(super) struct MetricFamily {
    #[prost(string, optional, tag = "1")]
    pub(super) name: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(super) help: Option<String>,
    #[prost(enumeration = "MetricType", optional, tag = "3")]
    pub(super) r#type: Option<i32>,
    #[prost(message, repeated, tag = "4")]
    pub(super) metric: Vec<Metric>,
    #[prost(string, optional, tag = "5")]
    pub(super) unit: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(super) enum MetricType {
    Counter = 0,
    Gauge = 1,
    Histogram = 4,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Metric {
    #[prost(message, repeated, tag = "1")]
    pub(super) label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    pub(super) gauge: Option<Number>,
    #[prost(message, optional, tag = "3")]
    pub(super) counter: Option<Number>,
    #[prost(message, optional, tag = "7")]
    pub(super) histogram: Option<HistogramMessage>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct LabelPair {
    #[prost(string, optional, tag = "1")]
    pub(super) name: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(super) value: Option<String>,
}

/// A `Gauge` or a `Counter`, as far as they are alike.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Number {
    #[prost(double, optional, tag = "1")]
    pub(super) value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct HistogramMessage {
    #[prost(uint64, optional, tag = "1")]
    pub(super) sample_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    pub(super) sample_sum: Option<f64>,
    /// The classic buckets, cumulative, without the one that has no end.
    #[prost(message, repeated, tag = "3")]
    pub(super) bucket: Vec<Bucket>,
    #[prost(sint32, optional, tag = "5")]
    pub(super) schema: Option<i32>,
    #[prost(double, optional, tag = "6")]
    pub(super) zero_threshold: Option<f64>,
    #[prost(uint64, optional, tag = "7")]
    pub(super) zero_count: Option<u64>,
    #[prost(message, repeated, tag = "12")]
    pub(super) positive_span: Vec<BucketSpan>,
    /// Each the difference to the count before it, the first to nothing.
    #[prost(sint64, repeated, tag = "13")]
    pub(super) positive_delta: Vec<i64>,
    /// Those of the native histogram.
    #[prost(message, repeated, tag = "16")]
    pub(super) exemplars: Vec<ExemplarMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Bucket {
    #[prost(uint64, optional, tag = "1")]
    pub(super) cumulative_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    pub(super) upper_bound: Option<f64>,
    #[prost(message, optional, tag = "3")]
    pub(super) exemplar: Option<ExemplarMessage>,
}

/// Buckets that follow one another.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct BucketSpan {
    /// Of the first: its index; of the others: how many empty buckets lie before it.
    #[prost(sint32, optional, tag = "1")]
    pub(super) offset: Option<i32>,
    #[prost(uint32, optional, tag = "2")]
    pub(super) length: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExemplarMessage {
    #[prost(message, repeated, tag = "1")]
    pub(super) label: Vec<LabelPair>,
    #[prost(double, optional, tag = "2")]
    pub(super) value: Option<f64>,
    #[prost(message, optional, tag = "3")]
    pub(super) timestamp: Option<Timestamp>,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}

/// The bytes of families; those without series are left out.
pub(super) fn write(families: &[Family], histograms: Histograms) -> Vec<u8> {
    let some = families.iter().filter(|family| !family.series.is_empty());
    some.flat_map(|family| message(family, histograms).encode_length_delimited_to_vec())
        .collect()
}

fn message(family: &Family, histograms: Histograms) -> MetricFamily {
    let kind = match family.kind {
        Kind::Counter | Kind::Foreign => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Histogram => MetricType::Histogram,
    };
    let metric = family.series.iter().map(|series| {
        let mut metric = Metric {
            label: series.labels.iter().map(pair).collect(),
            ..Metric::default()
        };
        let number = match &series.value {
            Value::Whole(value) => *value as f64,
            Value::Number(value) => *value,
            Value::Spread(spread) => {
                metric.histogram = Some(histogram(spread, histograms));
                return metric;
            }
        };
        let number = Some(Number {
            value: Some(number),
        });
        match kind {
            MetricType::Counter => metric.counter = number,
            MetricType::Gauge | MetricType::Histogram => metric.gauge = number,
        }
        metric
    });
    MetricFamily {
        name: Some(family.name.to_owned()),
        help: Some(family.help.to_owned()),
        r#type: Some(kind.into()),
        metric: metric.collect(),
        unit: family.unit().map(str::to_owned),
    }
}

fn histogram(spread: &Spread, histograms: Histograms) -> HistogramMessage {
    let counts = &spread.counts;
    let mut message = HistogramMessage {
        sample_count: Some(counts.count()),
        sample_sum: Some(counts.nanos as f64 / 1e9),
        ..HistogramMessage::default()
    };
    if histograms != Histograms::Native {
        message.bucket = classic(spread);
    }
    if histograms != Histograms::Classic {
        native(counts, &mut message);
        let exemplars = spread.exemplars.iter().flatten();
        message.exemplars = exemplars.map(ExemplarMessage::from).collect();
    }
    message
}

fn classic(spread: &Spread) -> Vec<Bucket> {
    let bucket = |(at, power): (usize, i32)| Bucket {
        cumulative_count: Some(spread.counts.up_to(power)),
        upper_bound: Some(f64::from(power).exp2()),
        exemplar: exemplar(spread, at),
    };
    let mut buckets: Vec<_> = sketch::COARSE.enumerate().map(bucket).collect();
    // The bucket without an end is known from the count; it is only sent with something to show.
    if let Some(exemplar) = exemplar(spread, buckets.len()) {
        buckets.push(Bucket {
            cumulative_count: Some(spread.counts.count()),
            upper_bound: Some(f64::INFINITY),
            exemplar: Some(exemplar),
        });
    }
    buckets
}

fn exemplar(spread: &Spread, at: usize) -> Option<ExemplarMessage> {
    let exemplar = spread.exemplars.get(at)?.as_ref()?;
    Some(exemplar.into())
}

/// What is shorter than all buckets is in the one around zero, which is as wide as that. It is also what tells a native
/// histogram that has counted nothing from one that is none.
fn native(counts: &Counts, message: &mut HistogramMessage) {
    let (mut zero, mut before, mut next) = (0, 0, None);
    for (index, count) in counts.indexed() {
        if index == sketch::LOWEST {
            zero = count;
            continue;
        }
        let at = index + 1;
        match (next, message.positive_span.last_mut()) {
            (Some(next), Some(span)) if next == at => {
                span.length = span.length.map(|length| length + 1);
            }
            _ => message.positive_span.push(BucketSpan {
                offset: Some(at - next.unwrap_or(0)),
                length: Some(1),
            }),
        }
        next = Some(at + 1);
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        message.positive_delta.push(count - before);
        before = count;
    }
    message.schema = Some(sketch::SCALE as i32);
    message.zero_threshold = Some(sketch::upper(sketch::LOWEST));
    message.zero_count = Some(zero);
}

fn pair((name, value): &(&'static str, String)) -> LabelPair {
    LabelPair {
        name: Some((*name).to_owned()),
        value: Some(value.clone()),
    }
}

// === impl ExemplarMessage ===

impl From<&Exemplar> for ExemplarMessage {
    fn from(exemplar: &Exemplar) -> Self {
        let labels: Labels = vec![("trace_id", exemplar.trace.to_string())];
        let millis = i64::try_from(exemplar.at_ms).unwrap_or(i64::MAX);
        Self {
            label: labels.iter().map(pair).collect(),
            value: Some(exemplar.nanos as f64 / 1e9),
            timestamp: Some(Timestamp {
                seconds: millis / 1_000,
                nanos: (millis % 1_000) as i32 * 1_000_000,
            }),
        }
    }
}
