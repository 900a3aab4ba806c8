//! The history of metrics.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::history::{Answer, Line, Point};

/// What was counted, in steps of time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MetricsHistory)]
pub struct MetricsHistoryV1 {
    /// Where the first point may begin, in milliseconds since 1970: a multiple of the step.
    #[schema(example = 1_767_225_600_000_u64)]
    pub from: u64,
    /// Where the last point may end.
    #[schema(example = 1_767_229_200_000_u64)]
    pub until: u64,
    /// How long a point is, in milliseconds.
    #[schema(example = 10_000)]
    pub step_ms: u64,
    /// Those that something was counted of, in order of their names.
    pub series: Vec<SeriesV1>,
}

/// What was counted of a pipeline, a variant or a version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MetricsSeries)]
pub struct SeriesV1 {
    /// The pipeline, or the model that was asked by its own name.
    #[schema(example = "fraud")]
    pub pipeline: String,
    /// The variant, where that is asked for; without one are requests that found no version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The model that answered, where versions are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Steps in which something was counted, oldest first.
    pub points: Vec<PointV1>,
}

/// What was counted in a step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MetricsPoint)]
pub struct PointV1 {
    /// Where it begins, in milliseconds since 1970.
    pub at: u64,
    /// Requests.
    pub requests: u64,
    /// Requests a second.
    pub rate: f64,
    /// Requests by how they ended: `success`, `refused`, `overloaded`, `unavailable`, `limited`, `expired`, `abandoned`,
    /// `failed` or `crashed`; only what happened.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Rows inferred.
    pub rows: u64,
    /// The mean time of a request, in seconds.
    pub mean: Option<f64>,
    /// Quantiles of the times of requests, in seconds, at most 4.4 % off.
    pub quantiles: Option<BTreeMap<String, f64>>,
    /// Whether the step has not ended: more may come.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
}

impl MetricsHistoryV1 {
    /// What an answer shows, with the quantiles as they were asked for.
    #[must_use]
    pub fn of(answer: Answer, quantiles: &[String]) -> Self {
        let series = answer.lines.into_iter();
        Self {
            from: answer.from,
            until: answer.until,
            step_ms: answer.step,
            series: series.map(|line| SeriesV1::of(line, quantiles)).collect(),
        }
    }
}

impl SeriesV1 {
    fn of(line: Line, quantiles: &[String]) -> Self {
        let group = line.group;
        let (model, version) = group.version.unzip();
        let points = line.points.into_iter();
        Self {
            pipeline: group.pipeline.to_string(),
            variant: group.variant.map(|variant| variant.to_string()),
            model: model.map(|model| model.to_string()),
            version: version.map(|version| version.get()),
            points: points.map(|point| PointV1::of(point, quantiles)).collect(),
        }
    }
}

impl PointV1 {
    fn of(point: Point, quantiles: &[String]) -> Self {
        let outcomes = point.outcomes();
        let outcomes = outcomes.map(|(outcome, count)| (outcome.as_str(), count));
        let named = |values: Vec<f64>| quantiles.iter().cloned().zip(values).collect();
        Self {
            at: point.at,
            requests: point.window.requests(),
            rate: point.rate,
            outcomes: outcomes.collect(),
            rows: point.window.rows,
            mean: point.window.mean(),
            quantiles: point.quantiles.map(named),
            open: point.open,
        }
    }
}
