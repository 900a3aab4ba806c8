//! Metrics: numbers since the start of the process, read when they are exported. What is measured is said by who measures.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::exemplar::Value as ExemplarValue;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets as BucketsMessage;
use opentelemetry_proto::tonic::metrics::v1::metric::Data as DataMessage;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar as ExemplarMessage, ExponentialHistogram,
    ExponentialHistogramDataPoint, Gauge, Metric as MetricMessage, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum,
};

use super::pack::{Pack, attributes};
use super::send::Body;
use crate::trace::{TraceId, Value};

/// Reads all metrics.
pub(super) type Collect = Box<dyn Fn() -> Vec<Metric> + Send>;

/// A metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its unit (UCUM).
    pub unit: &'static str,
    /// What it is.
    pub description: &'static str,
    /// Its numbers.
    pub data: Data,
}

/// The numbers of a metric.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// What only grows, since the start of the process.
    Sum(Vec<Point<u64>>),
    /// What goes up and down.
    Gauge(Vec<Point<f64>>),
    /// How values are distributed, since the start of the process.
    Histogram(Vec<Point<Buckets>>),
}

/// A number, and what it is of.
#[derive(Clone, Debug, PartialEq)]
pub struct Point<T> {
    /// What it is of.
    pub attributes: Vec<(&'static str, Value)>,
    /// The number.
    pub value: T,
    /// Requests that are in it, with their traces.
    pub exemplars: Vec<Exemplar>,
}

/// A value that was counted, and whose it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exemplar {
    /// Wall time, in nanoseconds since 1970.
    pub at: u64,
    /// The value.
    pub value: f64,
    /// The trace of its request.
    pub trace: TraceId,
}

/// Counts in buckets whose bounds grow by a factor of 2^(2^-scale).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Buckets {
    /// How fine they are.
    pub scale: i32,
    /// Values that are zero, or as good as that.
    pub zero: u64,
    /// The place of the first of the counts: its bucket lies between the factor to the power of it and of the next.
    pub offset: i32,
    /// The counts of buckets that follow each other.
    pub counts: Vec<u64>,
    /// Values in all.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
}

/// Points in all.
pub(super) fn points(metrics: &[Metric]) -> u64 {
    let points = metrics.iter().map(|metric| metric.data.points());
    points.sum::<usize>() as u64
}

// === impl Data ===

impl Data {
    /// How many points it has.
    #[must_use]
    pub fn points(&self) -> usize {
        match self {
            Self::Sum(points) => points.len(),
            Self::Gauge(points) => points.len(),
            Self::Histogram(points) => points.len(),
        }
    }
}

// === impl Pack ===

impl Pack {
    pub(super) fn metrics(&self, metrics: Vec<Metric>, now: u64) -> Body {
        let times = Times {
            since: self.since,
            now,
        };
        let scope = ScopeMetrics {
            scope: Some(self.scope.clone()),
            metrics: metrics
                .into_iter()
                .map(|metric| times.metric(metric))
                .collect(),
            ..ScopeMetrics::default()
        };
        Body::Metrics(ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(self.resource.clone()),
                scope_metrics: vec![scope],
                ..ResourceMetrics::default()
            }],
        })
    }
}

/// From when to when is counted.
#[derive(Clone, Copy)]
struct Times {
    since: u64,
    now: u64,
}

// === impl Times ===

impl Times {
    fn metric(self, metric: Metric) -> MetricMessage {
        let cumulative = AggregationTemporality::Cumulative as i32;
        let data = match metric.data {
            Data::Sum(points) => DataMessage::Sum(Sum {
                data_points: points.into_iter().map(|p| self.whole(p)).collect(),
                aggregation_temporality: cumulative,
                is_monotonic: true,
            }),
            Data::Gauge(points) => DataMessage::Gauge(Gauge {
                data_points: points.into_iter().map(|p| self.number(p)).collect(),
            }),
            Data::Histogram(points) => DataMessage::ExponentialHistogram(ExponentialHistogram {
                data_points: points.into_iter().map(|p| self.histogram(p)).collect(),
                aggregation_temporality: cumulative,
            }),
        };
        MetricMessage {
            name: metric.name.to_owned(),
            unit: metric.unit.to_owned(),
            description: metric.description.to_owned(),
            data: Some(data),
            ..MetricMessage::default()
        }
    }

    fn whole(self, point: Point<u64>) -> NumberDataPoint {
        let value = i64::try_from(point.value).unwrap_or(i64::MAX);
        NumberDataPoint {
            attributes: attributes(point.attributes),
            start_time_unix_nano: self.since,
            time_unix_nano: self.now,
            value: Some(Number::AsInt(value)),
            exemplars: exemplars(point.exemplars),
            ..NumberDataPoint::default()
        }
    }

    fn number(self, point: Point<f64>) -> NumberDataPoint {
        NumberDataPoint {
            attributes: attributes(point.attributes),
            time_unix_nano: self.now,
            value: Some(Number::AsDouble(point.value)),
            exemplars: exemplars(point.exemplars),
            ..NumberDataPoint::default()
        }
    }

    fn histogram(self, point: Point<Buckets>) -> ExponentialHistogramDataPoint {
        let Buckets {
            scale,
            zero,
            offset,
            counts,
            count,
            sum,
        } = point.value;
        ExponentialHistogramDataPoint {
            attributes: attributes(point.attributes),
            start_time_unix_nano: self.since,
            time_unix_nano: self.now,
            count,
            sum: Some(sum),
            scale,
            zero_count: zero,
            positive: Some(BucketsMessage {
                offset,
                bucket_counts: counts,
            }),
            exemplars: exemplars(point.exemplars),
            ..ExponentialHistogramDataPoint::default()
        }
    }
}

fn exemplars(exemplars: Vec<Exemplar>) -> Vec<ExemplarMessage> {
    let exemplars = exemplars.into_iter();
    exemplars
        .map(|exemplar| ExemplarMessage {
            time_unix_nano: exemplar.at,
            trace_id: exemplar.trace.bytes().to_vec(),
            value: Some(ExemplarValue::AsDouble(exemplar.value)),
            ..ExemplarMessage::default()
        })
        .collect()
}
