//! The text, read back by the format's rules.

use std::collections::BTreeMap;
use std::time::Duration;

use impresario_models::{Name, VersionNumber};

use super::*;
use crate::measure::{Measure, Sample, Times};
use impresario_pipelines::Variant;
use impresario_pipelines::fleet::Phase;

/// Families with their type and samples, after checking the format's rules.
fn read(text: &str) -> BTreeMap<String, (String, Vec<(String, f64)>)> {
    let mut families: BTreeMap<String, (String, Vec<(String, f64)>)> = BTreeMap::new();
    let mut current = String::new();
    assert!(text.ends_with('\n'));
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(!words.is_empty());
            let kind = lines
                .next()
                .unwrap()
                .strip_prefix(&format!("# TYPE {name} "))
                .unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            let before = families.insert(name.to_owned(), (kind.to_owned(), Vec::new()));
            assert!(before.is_none(), "family {name} stands twice");
            current = name.to_owned();
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        let family = families.get_mut(&current).unwrap();
        let suffixes: &[&str] = if family.0 == "histogram" {
            &["_bucket", "_sum", "_count"]
        } else {
            &[""]
        };
        assert!(
            suffixes.iter().any(|s| name == format!("{current}{s}")),
            "{line} in family {current}"
        );
        let valid = |c: char| c.is_ascii_alphanumeric() || c == '_';
        assert!(
            name.chars().all(valid) && !name.starts_with(|c: char| c.is_ascii_digit()),
            "{name}"
        );
        let labels = series.strip_prefix(name).unwrap();
        assert!(
            labels.is_empty() || (labels.starts_with('{') && labels.ends_with("\"}")),
            "{line}"
        );
        assert!(
            family.1.iter().all(|(known, _)| known != series),
            "{series} stands twice"
        );
        family.1.push((series.to_owned(), value.parse().unwrap()));
    }
    families
}

fn key(pipeline: &str, model: &str, version: u64) -> Key {
    Key {
        pipeline: Name::new(pipeline).unwrap(),
        variant: Variant::STANDALONE,
        model: Name::new(model).unwrap(),
        version: VersionNumber::new(version).unwrap(),
    }
}

fn shown() -> String {
    let measure = Measure::default();
    let sample = |outcome, rows, micros: u64| Sample {
        outcome,
        rows,
        request: Duration::from_micros(micros),
        times: (outcome == Outcome::Success).then(|| Times {
            queue: Duration::from_micros(5),
            compute: Duration::from_micros(micros / 2),
            executions: 1,
        }),
        at_ms: 1,
    };
    let front = measure.cell(key("front", "iris", 2));
    front.record(sample(Outcome::Success, 3, 120));
    front.record(sample(Outcome::Success, 1, 70_000_000));
    front.record(sample(Outcome::Overloaded, 1, 7));
    front.hit(Duration::from_micros(1));
    front.missed(Duration::from_micros(1));
    front.missed(Duration::from_micros(1));
    measure
        .cell(key("iris", "iris", 2))
        .record(sample(Outcome::Success, 4, 40));
    render(&Shown {
        cells: &measure.read(),
        snapshot: &Snapshot::default(),
        waiting: 0,
        cache: &Cache::new(Some(1_000)),
        webhooks: &[notify::Shown {
            index: 0,
            to: "https://alerts.example.com".to_owned(),
            waiting: 2,
            delivered: 5,
            failed: 1,
            dropped: 3,
            trouble: None,
        }],
        payload: Some(&crate::payload::Shown {
            folder: "payload".into(),
            waiting: 1,
            written: 6,
            bytes: 4_000,
            shed: 2,
            dropped: 4,
            failed: 3,
            trouble: None,
        }),
        accepting: true,
        resident: Some(4_096),
        started: 1_700_000_000_500,
    })
}

#[test]
fn the_format_is_kept_and_histograms_grow() {
    let families = read(&shown());
    for (name, (kind, samples)) in &families {
        assert_eq!(
            kind == "counter",
            name.ends_with("_total") || name.starts_with("nv_"),
            "{name} is a {kind}"
        );
        if kind != "histogram" {
            continue;
        }
        let series = "pipeline=\"front\",variant=\"standalone\",model=\"iris\",version=\"2\"";
        let bucket = format!("{name}_bucket{{{series},le=\"");
        let buckets: Vec<_> = samples
            .iter()
            .filter(|(s, _)| s.starts_with(&bucket))
            .collect();
        let bound = |s: &str| match s[bucket.len()..].trim_end_matches("\"}") {
            "+Inf" => f64::INFINITY,
            text => text.parse::<f64>().unwrap(),
        };
        assert_eq!(buckets.len(), sketch::COARSE.count() + 1, "{name}");
        for pair in buckets.windows(2) {
            assert!(
                bound(&pair[0].0) < bound(&pair[1].0) && pair[0].1 <= pair[1].1,
                "{name}: {pair:?}"
            );
        }
        let count = samples
            .iter()
            .find(|(s, _)| *s == format!("{name}_count{{{series}}}"))
            .unwrap()
            .1;
        assert_eq!(buckets.last().unwrap().1, count, "{name}");
    }
    let text = shown();
    assert!(text.contains("impresario_request_duration_seconds_bucket{pipeline=\"front\",variant=\"standalone\",model=\"iris\",version=\"2\",le=\"0.000244140625\"} 2\n"));
    assert!(
        text.contains("le=\"0.0000152587890625\"}"),
        "bounds are written without exponents"
    );
}

#[test]
fn counters_say_what_happened_and_triton_s_sum_over_pipelines() {
    let families = read(&shown());
    let value = |series: &str| {
        let name = series.split('{').next().unwrap();
        let samples = &families[name].1;
        samples
            .iter()
            .find(|(s, _)| s == series)
            .unwrap_or_else(|| panic!("{series}"))
            .1
    };
    let front = "pipeline=\"front\",variant=\"standalone\",model=\"iris\",version=\"2\"";
    assert_eq!(
        value(&format!(
            "impresario_requests_total{{{front},outcome=\"success\"}}"
        )),
        2.0
    );
    assert_eq!(
        value(&format!(
            "impresario_requests_total{{{front},outcome=\"overloaded\"}}"
        )),
        1.0
    );
    assert_eq!(
        value(&format!(
            "impresario_requests_total{{{front},outcome=\"crashed\"}}"
        )),
        0.0
    );
    assert_eq!(
        value(&format!("impresario_inferences_total{{{front}}}")),
        4.0
    );
    let iris = "{model=\"iris\",version=\"2\"}";
    for (name, expected) in [
        (name::NV_SUCCESS, 3.0),
        (name::NV_FAILURE, 1.0),
        (name::NV_COUNT, 8.0),
        (name::NV_EXECUTIONS, 3.0),
        (name::NV_REQUEST_US, 70_000_167.0),
        (name::NV_QUEUE_US, 15.0),
        (name::NV_COMPUTE_US, 35_000_080.0),
        (name::NV_HITS, 1.0),
        (name::NV_MISSES, 2.0),
    ] {
        assert_eq!(value(&format!("{name}{iris}")), expected, "{name}");
    }
    for (result, expected) in [("hit", 1.0), ("miss", 2.0)] {
        let series = format!("{}{{{front},result=\"{result}\"}}", name::CACHE_LOOKS);
        assert_eq!(value(&series), expected);
    }
    assert_eq!(value(name::CACHE_MAX_BYTES), 1_000.0);
    assert_eq!(value("impresario_ready"), 1.0);
    assert_eq!(value("process_start_time_seconds"), 1_700_000_000.5);
    assert_eq!(value("process_resident_memory_bytes"), 4_096.0);
}

#[test]
fn labels_are_escaped() {
    let labels = Labels(&[("a", &"x\"y\\z\n"), ("b", &1)]).to_string();
    assert_eq!(labels, r#"{a="x\"y\\z\n",b="1"}"#);
    assert_eq!(Labels(&[]).to_string(), "");
}

#[test]
fn this_process_has_memory() {
    if cfg!(target_os = "linux") {
        assert!(resident().unwrap() > 1 << 20);
    }
}

#[test]
fn every_phase_is_among_those_shown() {
    use impresario_pipelines::fleet::Stage;
    let phases = [
        Phase::Discovered,
        Phase::Loading(Stage::Reading),
        Phase::Loading(Stage::Golden),
        Phase::Loading(Stage::Warming),
        Phase::Ready,
        Phase::Restarting {
            until: 0,
            building: false,
        },
        Phase::Quarantined,
        Phase::Draining,
        Phase::Unloaded,
        Phase::Failed,
    ];
    let words = phases.map(|phase| phase.as_str());
    assert_eq!([words.as_slice(), &["parked"]].concat(), PHASES);
}
