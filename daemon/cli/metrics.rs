//! `impresario metrics`: what was counted over time, as a table with its course drawn in characters.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use super::Failure;
use super::args::{Apart, MetricsArgs};
use super::output::{Output, cell, list, table};
use crate::client::{Ask, Client};

/// The longest course that is drawn, in characters.
const WIDE: usize = 60;
/// The course beside a line of a list.
const NARROW: usize = 24;
/// Low to high.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// How requests end for which the daemon or a model is to blame.
const FAILED: [&str; 5] = ["failed", "crashed", "expired", "overloaded", "unavailable"];

pub(super) fn metrics(args: MetricsArgs, client: &Client, out: &mut Output) -> Result<(), Failure> {
    let by = match args.by {
        Apart::Pipeline => "pipeline",
        Apart::Variant => "variant",
        Apart::Version => "version",
    };
    let ask = Ask::get("/admin/v1/metrics/history")
        .query("pipeline", args.pipeline.as_ref())
        .query("by", Some(by))
        .query("since", Some(args.since))
        .query("step", args.step)
        .query("quantiles", Some("0.5,0.9,0.99"));
    let reply = client.ask(ask)?;
    let of_one = args.pipeline.is_some();
    out.show(&reply.body, |body| shown(body, of_one))
}

fn shown(body: &Value, of_one: bool) -> String {
    let series = list(&body["series"]);
    if series.is_empty() {
        return format!(
            "nothing was counted from {} to {}",
            time(&body["from"]),
            time(&body["until"])
        );
    }
    if of_one {
        let texts = series.iter().map(|series| of_series(series, body));
        return texts.collect::<Vec<_>>().join("\n\n");
    }
    let rows = series.iter().map(|series| {
        let totals = Totals::of(series, body);
        [
            name(series),
            totals.requests.to_string(),
            rate(totals.rate),
            percent(totals.failed, totals.requests),
            totals.mean.map(seconds).unwrap_or_default(),
            totals.p99.map(seconds).unwrap_or_default(),
            spark(
                &course(series, body, |point| point["rate"].as_f64()),
                NARROW,
            ),
        ]
    });
    let headings = [
        "PIPELINE",
        "REQUESTS",
        "PER SECOND",
        "FAILED",
        "MEAN",
        "P99 AT MOST",
        "COURSE",
    ];
    table(headings, rows)
}

/// One series: its courses, its points, its totals.
fn of_series(series: &Value, body: &Value) -> String {
    let totals = Totals::of(series, body);
    let rates = course(series, body, |point| point["rate"].as_f64());
    let p99s = course(series, body, |point| point["quantiles"]["0.99"].as_f64());
    let most = |course: &[Option<f64>]| course.iter().flatten().copied().fold(0.0, f64::max);
    let step = Duration::from_millis(body["step_ms"].as_u64().unwrap_or_default());
    let mut text = format!(
        "{}, steps of {}\n\nrate  {}  up to {}/s\np99   {}  up to {}\n\n",
        name(series),
        humantime::format_duration(step),
        spark(&rates, WIDE),
        rate(most(&rates)),
        spark(&p99s, WIDE),
        seconds(most(&p99s))
    );
    let rows = list(&series["points"]).iter().map(|point| {
        let requests = point["requests"].as_u64().unwrap_or_default();
        let quantile = |q: &str| {
            let time = point["quantiles"][q].as_f64();
            time.map(seconds).unwrap_or_default()
        };
        let open = if point["open"] == true { " …" } else { "" };
        [
            format!("{}{open}", time(&point["at"])),
            rate(point["rate"].as_f64().unwrap_or_default()),
            percent(failed(point), requests),
            quantile("0.5"),
            quantile("0.9"),
            quantile("0.99"),
        ]
    });
    let headings = ["TIME", "PER SECOND", "FAILED", "P50", "P90", "P99"];
    text.push_str(&table(headings, rows));
    text.push_str(&format!(
        "\n\n{} requests, {}/s, {} failed, mean {}",
        totals.requests,
        rate(totals.rate),
        percent(totals.failed, totals.requests),
        totals.mean.map_or_else(|| "-".to_owned(), seconds)
    ));
    let outcomes = totals.outcomes.iter();
    let outcomes = outcomes.map(|(outcome, count)| format!("{outcome} {count}"));
    text.push_str(&format!("\n{}", outcomes.collect::<Vec<_>>().join(", ")));
    text
}

/// What the points of a series come to.
#[derive(Default)]
struct Totals {
    requests: u64,
    failed: u64,
    rate: f64,
    mean: Option<f64>,
    /// The highest of all points: that of all of them together is not more.
    p99: Option<f64>,
    outcomes: std::collections::BTreeMap<String, u64>,
}

impl Totals {
    fn of(series: &Value, body: &Value) -> Self {
        let mut totals = Self::default();
        let mut sum = 0.0;
        for point in list(&series["points"]) {
            let requests = point["requests"].as_u64().unwrap_or_default();
            totals.requests += requests;
            totals.failed += failed(point);
            sum += point["mean"].as_f64().unwrap_or_default() * requests as f64;
            let p99 = point["quantiles"]["0.99"].as_f64();
            totals.p99 = totals.p99.into_iter().chain(p99).reduce(f64::max);
            for (outcome, count) in point["outcomes"].as_object().into_iter().flatten() {
                let count = count.as_u64().unwrap_or_default();
                *totals.outcomes.entry(outcome.clone()).or_default() += count;
            }
        }
        let at = |key: &str| body[key].as_u64().unwrap_or_default();
        let millis = at("until").saturating_sub(at("from")).max(1);
        totals.rate = totals.requests as f64 * 1e3 / millis as f64;
        totals.mean = (totals.requests > 0).then(|| sum / totals.requests as f64);
        totals
    }
}

fn failed(point: &Value) -> u64 {
    let counts = FAILED
        .iter()
        .filter_map(|outcome| point["outcomes"][outcome].as_u64());
    counts.sum()
}

fn name(series: &Value) -> String {
    let parts = ["pipeline", "variant", "model", "version"];
    let parts = parts.iter().map(|part| cell(&series[part]));
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

/// A value for every step of the time; nothing where nothing was counted.
fn course(series: &Value, body: &Value, value: impl Fn(&Value) -> Option<f64>) -> Vec<Option<f64>> {
    let at = |value: &Value| value.as_u64().unwrap_or_default();
    let (from, step) = (at(&body["from"]), at(&body["step_ms"]).max(1));
    let steps = at(&body["until"]).saturating_sub(from) / step;
    let mut course = vec![None; usize::try_from(steps).unwrap_or_default()];
    for point in list(&series["points"]) {
        let place = at(&point["at"]).saturating_sub(from) / step;
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if let Some(slot) = course.get_mut(place) {
            *slot = value(point);
        }
    }
    course
}

/// A course in at most so many characters; each stands for the highest of its steps.
fn spark(course: &[Option<f64>], most: usize) -> String {
    let each = course.len().div_ceil(most).max(1);
    let highest = |part: &[Option<f64>]| part.iter().flatten().copied().reduce(f64::max);
    let parts: Vec<_> = course.chunks(each).map(highest).collect();
    let top = highest(&parts).unwrap_or_default();
    let bar = |value: &Option<f64>| match value {
        None => ' ',
        Some(value) if top <= 0.0 || !value.is_finite() => BARS[0],
        Some(value) => BARS[((value / top * 8.0).ceil() as usize).clamp(1, 8) - 1],
    };
    parts.iter().map(bar).collect()
}

fn time(millis: &Value) -> String {
    // Later times cannot be written.
    let millis = millis.as_u64().unwrap_or_default().min(253_402_300_799_999);
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(millis)).to_string()
}

fn rate(rate: f64) -> String {
    match rate {
        rate if rate >= 100.0 => format!("{rate:.0}"),
        rate if rate >= 1.0 => format!("{rate:.1}"),
        rate => format!("{rate:.2}"),
    }
}

fn percent(part: u64, whole: u64) -> String {
    match whole {
        0 => String::new(),
        whole => format!("{:.1} %", part as f64 * 100.0 / whole as f64),
    }
}

fn seconds(seconds: f64) -> String {
    let (number, unit) = match seconds {
        s if s < 1e-3 => (s * 1e6, "µs"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    match number {
        n if n >= 100.0 => format!("{n:.0} {unit}"),
        n if n >= 10.0 => format!("{n:.1} {unit}"),
        n => format!("{n:.2} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    fn body() -> Value {
        let point = |at: u64, requests: u64, failed: u64, time: f64| {
            json!({
                "at": at, "requests": requests, "rate": requests as f64 / 10.0,
                "outcomes": { "success": requests - failed, "failed": failed }, "rows": requests, "mean": time,
                "quantiles": { "0.5": time, "0.9": time * 2.0, "0.99": time * 3.0 },
            })
        };
        let mut open = point(1_767_225_640_000, 5, 0, 2.5);
        open["open"] = json!(true);
        json!({
            "from": 1_767_225_600_000_u64, "until": 1_767_225_650_000_u64, "step_ms": 10_000,
            "series": [{ "pipeline": "fraud", "variant": "stable", "points": [
                point(1_767_225_600_000, 40, 2, 0.0123), point(1_767_225_620_000, 4_000, 0, 0.000_456), open,
            ]}],
        })
    }

    #[test]
    fn a_series_is_drawn_and_summed_up() {
        expect![[r#"
            fraud stable, steps of 10s

            rate  ▁ █ ▁  up to 400/s
            p99   ▁ ▁ █  up to 7.50 s

            TIME                    PER SECOND  FAILED  P50      P90      P99
            2026-01-01T00:00:00Z    4.0         5.0 %   12.3 ms  24.6 ms  36.9 ms
            2026-01-01T00:00:20Z    400         0.0 %   456 µs   912 µs   1.37 ms
            2026-01-01T00:00:40Z …  0.50        0.0 %   2.50 s   5.00 s   7.50 s

            4045 requests, 80.9/s, 0.0 % failed, mean 3.66 ms
            failed 2, success 4043"#]]
        .assert_eq(&shown(&body(), true));
    }

    #[test]
    fn all_are_listed() {
        expect![[r#"
            PIPELINE      REQUESTS  PER SECOND  FAILED  MEAN     P99 AT MOST  COURSE
            fraud stable  4045      80.9        0.0 %   3.66 ms  7.50 s       ▁ █ ▁"#]]
        .assert_eq(&shown(&body(), false));
        let mut empty = body();
        empty["series"] = json!([]);
        expect!["nothing was counted from 2026-01-01T00:00:00Z to 2026-01-01T00:00:50Z"]
            .assert_eq(&shown(&empty, false));
    }

    #[test]
    fn a_long_course_is_drawn_short() {
        let course: Vec<_> = (0..600)
            .map(|n| (n % 60 != 0).then_some(f64::from(n)))
            .collect();
        let spark = spark(&course, 30);
        assert_eq!(spark.chars().count(), 30);
        assert!(spark.starts_with('▁') && spark.ends_with('█'), "{spark}");
    }
}
