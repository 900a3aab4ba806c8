//! OpenMetrics 1.0, by its rules.

use super::*;

fn open() -> String {
    String::from_utf8(shown(Names::Triton, Format::OpenMetrics, Histograms::Both)).unwrap()
}

/// The text without what only OpenMetrics has: units, exemplars and the end.
fn plain(text: &str) -> String {
    let text = text.strip_suffix("# EOF\n").expect("it ends with its mark");
    assert!(!text.contains("# EOF"));
    let lines = text.lines().filter(|line| !line.starts_with("# UNIT "));
    let lines = lines.map(|line| match line.starts_with('#') {
        true => line,
        false => line.split(" # ").next().unwrap(),
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn families_are_named_and_typed_by_the_rules() {
    let text = open();
    let families = read(&plain(&text));
    for (name, (kind, samples)) in &families {
        assert!(!name.ends_with("_total"), "{name}");
        for (series, _) in samples {
            let series = series.split('{').next().unwrap();
            match kind.as_str() {
                "counter" => assert_eq!(series, format!("{name}_total")),
                "gauge" | "unknown" => assert_eq!(series, name),
                _ => {}
            }
        }
        assert_eq!(kind == "unknown", name.starts_with("nv_"), "{name}");
    }
    let units = text.lines().filter_map(|line| line.strip_prefix("# UNIT "));
    let units: Vec<_> = units.map(|unit| unit.split_once(' ').unwrap()).collect();
    for (name, unit) in &units {
        assert!(name.ends_with(&format!("_{unit}")), "{name} in {unit}");
        assert!(families.contains_key(*name), "{name}");
    }
    for unit in [
        ("process_cpu_seconds", "seconds"),
        (name::RESIDENT, "bytes"),
    ] {
        assert!(units.contains(&unit), "{unit:?}");
    }
    assert!(text.contains("le=\"1.0\"}") && !text.contains("le=\"1\"}"));
}

#[test]
fn it_says_the_same_as_the_other_text() {
    let (open, own) = (read(&plain(&open())), read(&text(Names::Triton)));
    let samples = |families: Families| -> Vec<_> {
        let all = families.into_values().flat_map(|(_, samples)| samples);
        let mut all: Vec<_> = all
            .map(|(series, value)| (series.replace(".0\"", "\""), value))
            .collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    };
    assert_eq!(samples(open), samples(own));
}

#[test]
fn exemplars_lie_in_their_buckets() {
    let text = open();
    let found: Vec<_> = text
        .lines()
        .filter(|line| line.contains("} 2 # ") || line.contains("} 3 # "))
        .collect();
    assert_eq!(text.matches(" # {").count(), found.len());
    let exemplar = |line: &str| {
        let (bucket, exemplar) = line.split_once(" # ").unwrap();
        let (labels, numbers) = exemplar.split_once("} ").unwrap();
        assert!(labels.chars().count() <= 128);
        let (value, at) = numbers.split_once(' ').unwrap();
        let le = bucket.split("le=\"").nth(1).unwrap().split('"').next();
        let le = le.map(|le| {
            if le == "+Inf" {
                f64::INFINITY
            } else {
                le.parse().unwrap()
            }
        });
        (
            le.unwrap(),
            labels.to_owned(),
            value.parse::<f64>().unwrap(),
            at.to_owned(),
        )
    };
    let found: Vec<_> = found.into_iter().map(exemplar).collect();
    let label = |byte| format!("{{trace_id=\"{}\"", trace(byte));
    let at = || "1700000001.250".to_owned();
    assert_eq!(
        found,
        [
            (2_f64.powi(-13), label(0xab), 120e-6, at()),
            (f64::INFINITY, label(0xcd), 70.0, at()),
        ]
    );
}
