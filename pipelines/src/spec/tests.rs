//! Tables of written pipelines and what becomes of them; what is no tree at all is in `syntax`.

use expect_test::{Expect, expect};
use impresario_models::name::Name;

use super::*;

mod bandit;
mod beside;
mod canary;
mod composite;
mod composite_nodes;
mod composite_round;
mod composite_tests;
mod experiment;
mod keys;
mod round;
mod syntax;

fn source<'t>(file: &str, text: &'t str) -> Source<'t> {
    Source {
        file: file.to_owned(),
        text,
        format: Format::of(file).unwrap(),
    }
}

fn lines<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items
        .into_iter()
        .map(|item| item.to_string() + "\n")
        .collect()
}

fn check_all(files: &[(&str, &str)], expected: &Expect) {
    let sources: Vec<Source<'_>> = files.iter().map(|(f, t)| source(f, t)).collect();
    let got = match compile(&sources) {
        Ok(compiled) => {
            let pipeline = |(name, d): (&Name, &Definition)| {
                let json = serde_json::to_string(d.pipeline()).unwrap();
                format!("{name} {}:{} {json}", d.file(), d.position().unwrap())
            };
            lines(compiled.pipelines().iter().map(pipeline)) + &lines(compiled.warnings())
        }
        Err(problems) => lines(problems),
    };
    expected.assert_eq(&got);
}

fn check(file: &str, text: &str, expected: &Expect) {
    check_all(&[(file, text)], expected);
}

/// What is said of each of some fragments, set into the same text; of a sound one, what is written back.
fn check_each(wrap: impl Fn(&str) -> String, fragments: &[&str], expected: &Expect) {
    let mut got = String::new();
    for fragment in fragments {
        let text = wrap(fragment);
        let told = match compile(&[source("a.toml", &text)]) {
            Ok(compiled) => {
                let pipeline = |d: &Definition| serde_json::to_string(d.pipeline()).unwrap();
                lines(compiled.pipelines().values().map(pipeline)) + &lines(compiled.warnings())
            }
            Err(problems) => lines(problems),
        };
        got += match *fragment {
            "" => "(nothing)",
            fragment => fragment,
        };
        got += "\n";
        for line in told.lines() {
            got += &format!("    {}\n", line.strip_prefix("a.toml:").unwrap_or(line));
        }
    }
    expected.assert_eq(&got);
}

const TOML: &str = r#"
version = 1
[pipelines.fraud]
description = "cards"
deadline = "50ms"
[pipelines.fraud.policy]
type = "standalone"
model = "fraud"
version = 3
[pipelines."iris-2.1".policy]
type = "standalone"
model = "iris"
"#;

const YAML: &str = "
version: 1
pipelines:
  fraud:
    description: cards
    deadline: 50ms
    policy: { type: standalone, model: fraud, version: '3' }
  iris-2.1:
    policy:
      type: standalone
      model: iris
      version: latest
";

const JSON: &str = r#"{"version": 1, "pipelines": {
  "fraud": {"description": "c\u0061rds", "deadline": "50ms",
    "policy": {"type": "standalone", "model": "fraud", "version": 3}},
  "iris-2.1": {"policy": {"type": "standalone", "model": "iris", "version": null}}
}}"#;

#[test]
fn the_three_formats_say_the_same() {
    check(
        "a.toml",
        TOML,
        &expect![[r#"
        fraud a.toml:3:12 {"description":"cards","deadline":"50ms","policy":{"type":"standalone","model":"fraud","version":3}}
        iris-2.1 a.toml:10:12 {"policy":{"type":"standalone","model":"iris","version":"latest"}}
    "#]],
    );
    check(
        "a.yaml",
        YAML,
        &expect![[r#"
        fraud a.yaml:4:3 {"description":"cards","deadline":"50ms","policy":{"type":"standalone","model":"fraud","version":3}}
        iris-2.1 a.yaml:8:3 {"policy":{"type":"standalone","model":"iris","version":"latest"}}
    "#]],
    );
    check(
        "a.json",
        JSON,
        &expect![[r#"
        fraud a.json:2:3 {"description":"cards","deadline":"50ms","policy":{"type":"standalone","model":"fraud","version":3}}
        iris-2.1 a.json:4:3 {"policy":{"type":"standalone","model":"iris","version":"latest"}}
    "#]],
    );
    let digests = |file, text| -> Vec<String> {
        let compiled = compile(&[source(file, text)]).unwrap();
        compiled
            .pipelines()
            .values()
            .map(|d| d.digest().to_owned())
            .collect()
    };
    assert_eq!(digests("a.toml", TOML), digests("a.yaml", YAML));
    assert_eq!(digests("a.toml", TOML), digests("a.json", JSON));
}

#[test]
fn every_problem_of_every_file_is_told_at_once() {
    let toml = r#"
version = 1
extra = true
[pipelines.fraud]
deadlin = "50ms"
description = 7
[pipelines.fraud.policy]
type = "standalone"
modle = "fraud"
version = 0
[pipelines.slow]
deadline = "2h"
policy = { type = "standalone", model = "../x", version = "newest" }
[pipelines.plain]
deadline = 50
[pipelines."a b"]
policy = 3
[pipelines.later.policy]
type = "composite"
stable = 3
[pipelines.typo.policy]
type = "standalon"
[pipelines.other.policy]
type = "magic"
[pipelines.none.policy]
"#;
    let yaml = "version: 1\npipelines:\n  fraud:\n    policy: {type: standalone, model: x}\n";
    let json = r#"{"version": 2, "pipelines": {}}"#;
    let files = [
        ("a.toml", toml),
        ("b.yml", yaml),
        ("c.json", json),
        ("d.json", "{"),
    ];
    check_all(
        &files,
        &expect![[r#"
            a.toml:3:1: error[unknown-field] extra: unknown field 'extra' (hint: known here: version, pipelines, tests)
            a.toml:5:1: error[unknown-field] pipelines.fraud.deadlin: unknown field 'deadlin' (hint: did you mean 'deadline'?)
            a.toml:6:15: error[wrong-type] pipelines.fraud.description: expected a string, got the number 7
            a.toml:7:18: error[missing-field] pipelines.fraud.policy: the field 'model' is missing
            a.toml:9:1: error[unknown-field] pipelines.fraud.policy.modle: unknown field 'modle' (hint: did you mean 'model'?)
            a.toml:10:11: error[invalid-version] pipelines.fraud.policy.version: expected a positive whole number or "latest", got the number 0
            a.toml:12:12: error[out-of-range] pipelines.slow.deadline: expected a duration from 1ms to 1h, got "2h"
            a.toml:13:41: error[invalid-name] pipelines.slow.policy.model: a name has only letters, digits, '.', '_' and '-', and starts with a letter, a digit or '_': got "../x"
            a.toml:13:59: error[invalid-version] pipelines.slow.policy.version: expected a positive whole number or "latest", got "newest"
            a.toml:14:12: error[missing-field] pipelines.plain: the field 'policy' is missing
            a.toml:15:12: error[wrong-type] pipelines.plain.deadline: expected a duration with its unit, got 50 (hint: write "50s" for seconds or "50ms" for milliseconds)
            a.toml:16:12: error[invalid-name] pipelines."a b": a name has only letters, digits, '.', '_' and '-', and starts with a letter, a digit or '_': got "a b"
            a.toml:17:10: error[wrong-type] pipelines."a b".policy: expected a table, got the number 3
            a.toml:18:18: error[missing-field] pipelines.later.policy: the field 'nodes' is missing
            a.toml:18:18: error[missing-field] pipelines.later.policy: the field 'outputs' is missing
            a.toml:20:1: error[unknown-field] pipelines.later.policy.stable: unknown field 'stable' (hint: known here: type, model, version, inputs, nodes, outputs)
            a.toml:22:8: error[unknown-policy] pipelines.typo.policy.type: unknown policy type "standalon"; available: standalone, canary, experiment, bandit, composite (hint: did you mean 'standalone'?)
            a.toml:24:8: error[unknown-policy] pipelines.other.policy.type: unknown policy type "magic"; available: standalone, canary, experiment, bandit, composite
            a.toml:25:17: error[missing-field] pipelines.none.policy: the field 'type' is missing
            b.yml:3:3: error[duplicate-pipeline] pipelines.fraud: the pipeline 'fraud' is defined twice, first at a.toml:4:12 (hint: keep one of the two)
            c.json:1:13: error[unknown-version] version: version 2 is not known to this release, which reads version 1
            d.json:1:1: error[syntax]: not JSON: EOF while parsing an object
        "#]],
    );
}

#[test]
fn a_request_has_the_same_door() {
    let name = Name::new("iris.v2").unwrap();
    let good = parse_pipeline(&name, r#"{"policy":{"type":"standalone","model":"iris"}}"#);
    assert_eq!(good, Ok(Pipeline::implicit(Name::new("iris").unwrap())));
    let refused = |text| lines(parse_pipeline(&name, text).unwrap_err());
    expect![[r#"
        1:2: error[missing-field] pipelines."iris.v2".policy: the field 'model' is missing
        2:25: error[unknown-field] pipelines."iris.v2".policy.modell: unknown field 'modell' (hint: did you mean 'model'?)
    "#]].assert_eq(&refused(
        "{\"policy\":\n {\"type\": \"standalone\", \"modell\": 3}}",
    ));
    expect![[r#"
        1:10: error[syntax]: not JSON: EOF while parsing a value
    "#]]
    .assert_eq(&refused("{\"policy\":"));
    expect![[r#"
        1:1: error[missing-field] pipelines."iris.v2": the field 'policy' is missing
    "#]]
    .assert_eq(&refused(""));
}
