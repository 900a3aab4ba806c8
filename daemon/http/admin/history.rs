//! `GET /admin/v1/metrics/history`.

use std::time::Duration;

use actix_web::web::{self, Data, Json, Query};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Admin;
use super::guard::{Caller, Viewer};
use super::openapi::Refusals;
use super::parse;
use super::problem::{Code, Problem};
use super::wire::MetricsHistoryV1;
use crate::clock::{self, millis};
use crate::history::{self, By, Refused};

/// How far back is looked where nothing is said.
const SINCE: &str = "1h";
/// The quantiles of a point where nothing is said.
const QUANTILES: &str = "0.5,0.9,0.99";
/// Quantiles of a point at most.
const MOST_QUANTILES: usize = 20;
/// The last millisecond of the year 9999.
const LAST: u64 = 253_402_300_799_999;

/// What of the history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryParams {
    /// Only this pipeline, or this model that was asked by its own name; also one that is not there any more.
    pipeline: Option<String>,
    /// What gets a series of its own: `pipeline` (where nothing is said), `variant` or `version`.
    by: Option<String>,
    /// How far back, such as `30m`; default `1h`.
    since: Option<String>,
    /// From when, in milliseconds since 1970, instead of `since`.
    #[param(value_type = Option<u64>)]
    from: Option<String>,
    /// Until when; default now.
    #[param(value_type = Option<u64>)]
    until: Option<String>,
    /// How long a point is: `10s`, `1m`, `1h` or a multiple of one. Windows of 10 seconds are kept for 6 hours, of a minute
    /// for 7 days, of an hour for a year. Where nothing is said, a step of at most some 360 points.
    step: Option<String>,
    /// Quantiles of the times of requests, from 0 to 1; default `0.5,0.9,0.99`.
    quantiles: Option<String>,
}

/// What was counted of pipelines, their variants and versions over time. What ended with the process by `kill -9` is there up
/// to the last ten seconds.
#[utoipa::path(
    get,
    path = "/admin/v1/metrics/history",
    tag = "pipelines",
    operation_id = "metrics_history",
    params(HistoryParams),
    responses((status = 200, description = "Points in time.", body = MetricsHistoryV1), Refusals)
)]
pub(super) async fn history(
    _: Caller<Viewer>,
    admin: Data<Admin>,
    query: Query<HistoryParams>,
) -> Result<Json<MetricsHistoryV1>, Problem> {
    let (query, quantiles) = query.into_inner().parse(clock::wall_ms())?;
    let history = admin.impresario.history().cloned().ok_or_else(|| {
        let detail = "no history of metrics is kept here: metrics.history is false";
        Problem::new(Code::NoHistory, detail)
    })?;
    let answer = web::block(move || {
        let answer = history.read(&query)?;
        Ok::<_, Refused>(MetricsHistoryV1::of(answer, &quantiles))
    });
    let answer = answer.await.map_err(|error| Problem::internal(&error))?;
    Ok(Json(answer?))
}

// === impl HistoryParams ===

impl HistoryParams {
    /// The query, and the quantiles as they are written.
    fn parse(self, now: u64) -> Result<(history::Query, Vec<String>), Problem> {
        let by = match self.by.as_deref() {
            None | Some("pipeline") => By::Pipeline,
            Some("variant") => By::Variant,
            Some("version") => By::Version,
            Some(other) => return Err(wrong("by", "pipeline, variant or version", other)),
        };
        let until = self.until.as_deref();
        let until = until.map_or(Ok(now), |until| moment("until", until))?;
        let from = self.from.as_deref();
        let from = from.map(|from| moment("from", from)).transpose()?;
        let from = match (from, &self.since) {
            (Some(_), Some(since)) => {
                let expected = "either from or since, not both";
                return Err(wrong("since", expected, since));
            }
            (Some(from), None) => from,
            (None, since) => {
                let since = since.as_deref().unwrap_or(SINCE);
                let back = duration("since", since)?;
                until.saturating_sub(millis(back))
            }
        };
        let step = self.step.as_deref();
        let step = step.map(|step| duration("step", step)).transpose()?;
        let texts = self.quantiles.as_deref().unwrap_or(QUANTILES);
        let texts: Vec<_> = texts
            .split(',')
            .map(|text| text.trim().to_owned())
            .collect();
        if texts.len() > MOST_QUANTILES {
            let expected = format!("at most {MOST_QUANTILES} numbers");
            return Err(wrong("quantiles", &expected, &texts.len().to_string()));
        }
        let quantile = |text: &String| {
            let number = text.parse::<f64>().ok();
            number
                .filter(|q| (0.0..=1.0).contains(q))
                .ok_or_else(|| wrong("quantiles", "numbers from 0 to 1, such as 0.5,0.99", text))
        };
        let query = history::Query {
            pipeline: self.pipeline.as_deref().map(parse::name).transpose()?,
            by,
            from,
            until,
            step: step.map(millis),
            quantiles: texts.iter().map(quantile).collect::<Result<_, _>>()?,
        };
        Ok((query, texts))
    }
}

fn moment(parameter: &str, text: &str) -> Result<u64, Problem> {
    let millis = text.parse().ok().filter(|millis| *millis <= LAST);
    let expected = "milliseconds since 1970, before the year 10000";
    millis.ok_or_else(|| wrong(parameter, expected, text))
}

fn duration(parameter: &str, text: &str) -> Result<Duration, Problem> {
    let duration = humantime::parse_duration(text).ok();
    let whole = |duration: &Duration| {
        !duration.is_zero() && duration.subsec_nanos().is_multiple_of(1_000_000)
    };
    duration
        .filter(whole)
        .ok_or_else(|| wrong(parameter, "a duration such as 10s, 5m or 1h", text))
}

fn wrong(parameter: &str, expected: &str, got: &str) -> Problem {
    let got: String = got.chars().take(40).collect();
    let detail = format!("{parameter}: expected {expected}, got {got:?}");
    Problem::new(Code::InvalidQuery, detail)
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Store(error) => Self::store(&error),
            Refused::Empty { .. }
            | Refused::Uneven(_)
            | Refused::TooFine { .. }
            | Refused::TooManyPoints { .. }
            | Refused::TooManyWindows => Self::new(Code::InvalidQuery, refused.to_string()),
        }
    }
}
