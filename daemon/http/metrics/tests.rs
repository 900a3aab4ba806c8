//! The three formats of one state, read back by each format's rules.

mod openmetrics;
mod protocol;

use std::collections::BTreeMap;
use std::time::Duration;

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::Variant;
use impresario_pipelines::fleet::Phase;
use impresario_pipelines::rollout;

use super::*;
use crate::measure::{Fared, Measure, Outcome, Sample, Times, sketch};
use crate::trace::TraceId;

/// Families with their type and samples.
type Families = BTreeMap<String, (String, Vec<(String, f64)>)>;

/// Reads text that is written in Prometheus' own format, and checks the rules that OpenMetrics has too.
fn read(text: &str) -> Families {
    let mut families = Families::new();
    let mut current = String::new();
    assert!(text.ends_with('\n'));
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(!words.is_empty());
            let kind = lines.next().unwrap();
            let kind = kind.strip_prefix(&format!("# TYPE {name} ")).unwrap();
            let kinds = ["counter", "gauge", "histogram", "unknown"];
            assert!(kinds.contains(&kind), "{line}");
            let before = families.insert(name.to_owned(), (kind.to_owned(), Vec::new()));
            assert!(before.is_none(), "family {name} stands twice");
            current = name.to_owned();
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        let family = families.get_mut(&current).unwrap();
        let suffixes: &[&str] = match family.0.as_str() {
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &["", "_total"],
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

fn key(pipeline: &str, model: &str, version: u64, variant: Variant) -> Key {
    Key {
        pipeline: Name::new(pipeline).unwrap(),
        variant,
        model: Name::new(model).unwrap(),
        version: VersionNumber::new(version).unwrap(),
    }
}

fn trace(byte: u8) -> TraceId {
    TraceId::new([byte; 16]).unwrap()
}

fn counted() -> Measure {
    let measure = Measure::default();
    let sample = |outcome, rows, micros: u64, trace| Sample {
        outcome,
        rows,
        request: Duration::from_micros(micros),
        times: (outcome == Outcome::Success).then(|| Times {
            queue: Duration::from_micros(5),
            compute: Duration::from_micros(micros / 2),
            executions: 1,
        }),
        trace,
        at_ms: 1_700_000_001_250,
    };
    let front = measure.cell(key("front", "iris", 2, Variant::STANDALONE));
    front.record(sample(Outcome::Success, 3, 120, Some(trace(0xab))));
    front.record(sample(Outcome::Success, 1, 70_000_000, Some(trace(0xcd))));
    front.record(sample(Outcome::Overloaded, 1, 7, None));
    front.coded(Duration::from_micros(30));
    front.hit(Duration::from_micros(1));
    front.missed(Duration::from_micros(1));
    front.missed(Duration::from_micros(1));
    measure
        .cell(key("iris", "iris", 2, Variant::STANDALONE))
        .record(sample(Outcome::Success, 4, 40, None));
    // It can be asked by its number, and never was.
    let _unused = measure.cell(key("iris", "iris", 2, Variant::DIRECT));
    let gone = Name::new("gone").unwrap();
    measure
        .lost(&gone)
        .record(sample(Outcome::Unavailable, 0, 9, None));
    measure.committed(Duration::from_millis(4), true);
    measure.committed(Duration::from_millis(5), false);
    measure
}

fn nodes() -> Vec<(GraphKey, Vec<NodeTotals>)> {
    let nodes =
        crate::measure::Nodes::new([Arc::from("scaled"), Arc::from("vote"), Arc::from("spare")]);
    nodes.called(0, Outcome::Success, Duration::from_millis(2));
    nodes.called(0, Outcome::Expired, Duration::from_millis(3));
    nodes.fared(0, Fared::Answered, 4);
    nodes.fared(1, Fared::Defaulted, 2);
    let graph = (Name::new("credit").unwrap(), VersionNumber::ONE);
    vec![(graph, nodes.totals())]
}

fn shown(names: Names, format: Format, histograms: Histograms) -> Vec<u8> {
    let measure = counted();
    let shown = Shown {
        cells: &measure.read(),
        exemplars: &measure.read_exemplars(),
        lost: &measure.read_lost(),
        nodes: &nodes(),
        commits: &measure.read_commits(),
        snapshot: &Snapshot::default(),
        courses: &[],
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
        unkept: Some(9),
        exports: &[otlp::Shown {
            signal: otlp::Signal::Traces,
            waiting: 4,
            exported: 100,
            rejected: 1,
            failed: 2,
            dropped: 3,
            trouble: None,
        }],
        accepting: true,
        process: Process {
            cpu: Some(1.25),
            resident: Some(4_096),
            ..Process::default()
        },
        started: 1_700_000_000_500,
    };
    render(&shown, names, format, histograms)
}

fn text(names: Names) -> String {
    String::from_utf8(shown(names, Format::Text, Histograms::Both)).unwrap()
}

/// The value of a series.
fn value(families: &Families, series: &str) -> f64 {
    let name = series.split('{').next().unwrap();
    let samples = &families[name].1;
    let found = samples.iter().find(|(s, _)| s == series);
    found.unwrap_or_else(|| panic!("{series}")).1
}

const FRONT: &str = "pipeline=\"front\",variant=\"standalone\",model=\"iris\",version=\"2\"";

#[test]
fn the_format_is_kept_and_histograms_grow() {
    let families = read(&text(Names::Triton));
    for (name, (kind, samples)) in &families {
        assert_eq!(
            kind == "counter",
            name.ends_with("_total") || name.starts_with("nv_"),
            "{name} is a {kind}"
        );
        assert!(!samples.is_empty(), "{name}");
        if kind != "histogram" {
            continue;
        }
        let (series, _) = samples.last().unwrap();
        let labels = series.split_once('{').map_or("", |(_, labels)| labels);
        let labels = labels.trim_end_matches('}');
        let bucket = match labels {
            "" => format!("{name}_bucket{{le=\""),
            labels => format!("{name}_bucket{{{labels},le=\""),
        };
        let buckets = samples.iter().filter(|(s, _)| s.starts_with(&bucket));
        let buckets: Vec<_> = buckets.collect();
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
        assert_eq!(
            buckets.last().unwrap().1,
            samples.last().unwrap().1,
            "{name}"
        );
    }
    let text = text(Names::Own);
    let bucket = format!(
        "{}_bucket{{{FRONT},le=\"0.000244140625\"}} 2\n",
        name::REQUEST_SECONDS
    );
    assert!(text.contains(&bucket), "{text}");
    assert!(text.contains("le=\"1.52587890625e-05\"}"), "{text}");
    for word in ["nv_", "variant=\"direct\"", " # ", "# EOF", "# UNIT"] {
        assert!(!text.contains(word), "{word}");
    }
}

#[test]
fn counters_say_what_happened_and_triton_s_sum_over_pipelines() {
    let families = read(&text(Names::Triton));
    let value = |series: &str| value(&families, series);
    let requests = |labels: &str, outcome: &str| {
        value(&format!(
            "{}{{{labels},outcome=\"{outcome}\"}}",
            name::REQUESTS
        ))
    };
    for (outcome, expected) in [("success", 2.0), ("overloaded", 1.0), ("crashed", 0.0)] {
        assert_eq!(requests(FRONT, outcome), expected, "{outcome}");
    }
    let gone = "pipeline=\"gone\",variant=\"\",model=\"\",version=\"\"";
    assert_eq!(requests(gone, "unavailable"), 1.0);
    assert_eq!(requests(gone, "success"), 0.0);
    assert_eq!(value(&format!("{}{{{FRONT}}}", name::INFERENCES)), 4.0);
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
        let series = format!("{}{{{FRONT},result=\"{result}\"}}", name::CACHE_LOOKS);
        assert_eq!(value(&series), expected);
    }
    for (series, expected) in [
        (name::CACHE_MAX_BYTES, 1_000.0),
        (name::READY, 1.0),
        (name::START, 1_700_000_000.5),
        (name::RESIDENT, 4_096.0),
        (name::CPU, 1.25),
        (name::COMMIT_FAILURES, 1.0),
    ] {
        assert_eq!(value(series), expected, "{series}");
    }
    let samples = |name: &str| &families[name].1;
    let codec = format!("{}_count{{{FRONT}}}", name::CODEC_SECONDS);
    assert!(samples(name::CODEC_SECONDS).contains(&(codec, 1.0)));
    let commits = format!("{}_count", name::COMMIT_SECONDS);
    assert!(samples(name::COMMIT_SECONDS).contains(&(commits, 2.0)));
}

#[test]
fn nodes_show_what_happened_to_them_and_nothing_else() {
    let families = read(&text(Names::Own));
    let of = |node: &str| format!("model=\"credit\",version=\"1\",node=\"{node}\"");
    let scaled = of("scaled");
    for (series, expected) in [
        (
            format!("{}{{{scaled},outcome=\"success\"}}", name::NODE_CALLS),
            1.0,
        ),
        (
            format!("{}{{{scaled},outcome=\"expired\"}}", name::NODE_CALLS),
            1.0,
        ),
        (
            format!("{}{{{scaled},fared=\"answered\"}}", name::NODE_ROWS),
            4.0,
        ),
        (
            format!("{}{{{},fared=\"defaulted\"}}", name::NODE_ROWS, of("vote")),
            2.0,
        ),
    ] {
        assert_eq!(value(&families, &series), expected, "{series}");
    }
    let all = text(Names::Own);
    assert!(!all.contains("node=\"spare\""));
    assert!(!all.contains(&format!("{}{{{}", name::NODE_CALLS, of("vote"))));
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
    assert_eq!([words.as_slice(), &["parked"]].concat(), fleet::PHASES);
}

#[test]
fn every_phase_of_a_rollout_is_among_those_shown() {
    use rollout::{Cause, Hold, Phase, Place, Stay};
    let phases = [
        Phase::Pending,
        Phase::Preparing,
        Phase::FailedPrepare(String::new()),
        Phase::Shadow(Stay::Baking),
        Phase::Step(Stay::Baking),
        Phase::Step(Stay::Held(Hold::NoData)),
        Phase::Step(Stay::AwaitingApproval),
        Phase::Promoting,
        Phase::Soaking,
        Phase::Succeeded,
        Phase::Paused {
            by: String::new(),
            from: Place::Pending,
        },
        Phase::Aborting(Cause::Undone),
        Phase::RolledBack(Cause::Undone),
        Phase::Superseded { by: 1 },
    ];
    assert_eq!(phases.each_ref().map(Phase::as_str), courses::PHASES);
}
