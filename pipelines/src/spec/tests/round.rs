//! Round trips: what is written back is read as the same pipeline, whatever the format.

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::composite_round::{composite, graphs};
use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_back_is_read_as_the_same(spec in pipeline()) {
        let name = Name::new("p").unwrap();
        let read = parse_pipeline(&name, &spec.to_string());
        let read = read.map_err(|problems| TestCaseError::fail(lines(problems)))?;
        let written = serde_json::to_value(&read).unwrap();
        // As the store does it, without a name.
        let again: Pipeline = serde_json::from_str(&written.to_string()).unwrap();
        prop_assert_eq!(&again, &read);
        prop_assert_eq!(serde_json::to_value(&again).unwrap(), written);
        prop_assert_eq!(again.digest(), read.digest());
    }

    #[test]
    fn the_formats_say_the_same(spec in pipeline()) {
        let name = Name::new("p").unwrap();
        let expected = parse_pipeline(&name, &spec.to_string()).unwrap();
        let file = json!({"version": 1, "pipelines": {"p": spec}});
        let json = file.to_string();
        let toml: String = file.as_object().unwrap().iter()
            .map(|(key, value)| format!("{key} = {}\n", toml(value)))
            .collect();
        // JSON is YAML too, but in block style lists and tables look otherwise.
        for (file, text) in [("a.toml", toml), ("a.json", json), ("a.yaml", yaml(&file, 0))] {
            let compiled = compile(&[source(file, &text)]);
            let compiled = compiled.map_err(|p| TestCaseError::fail(format!("{text}\n{}", lines(p))))?;
            prop_assert_eq!(compiled.pipelines()["p"].pipeline(), &expected, "{}", text);
        }
    }
}

/// A value as an inline one of TOML, whose strings are written as JSON's are.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let entries = map
                .iter()
                .map(|(key, value)| format!("{key:?} = {}", toml(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Array(values) => {
            format!(
                "[{}]",
                values.iter().map(toml).collect::<Vec<_>>().join(", ")
            )
        }
        scalar => scalar.to_string(),
    }
}

/// A value as a block of YAML.
fn yaml(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) if !map.is_empty() => {
            let entry = |(key, value)| format!("\n{indent}{key:?}: {}", yaml(value, depth + 1));
            map.iter().map(entry).collect()
        }
        Value::Array(values) if !values.is_empty() => {
            let entry = |value| format!("\n{indent}- {}", yaml(value, depth + 1));
            values.iter().map(entry).collect()
        }
        scalar => scalar.to_string(),
    }
}

// === specifications ===

/// A table of fields, those without a value left out.
pub(super) fn table<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let there = fields
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(there.collect::<Map<_, _>>())
}

pub(super) fn may<S: Strategy<Value = Value> + 'static>(value: S) -> BoxedStrategy<Option<Value>> {
    option::of(value).boxed()
}

pub(super) fn must<S: Strategy<Value = Value> + 'static>(value: S) -> BoxedStrategy<Option<Value>> {
    value.prop_map(Some).boxed()
}

pub(super) fn name() -> impl Strategy<Value = Value> {
    "[a-z_][a-zA-Z0-9._-]{0,12}".prop_map(Value::from)
}

pub(super) fn text() -> impl Strategy<Value = Value> {
    "[a-zäß\"\\\\ 0-9]{0,10}[a-z]".prop_map(Value::from)
}

pub(super) fn whole(from: u64, to: u64) -> impl Strategy<Value = Value> {
    (from..=to).prop_map(Value::from)
}

pub(super) fn number(from: f64, to: f64) -> impl Strategy<Value = Value> {
    prop_oneof![
        (from..=to).prop_map(Value::from),
        Just(Value::from(from)),
        Just(Value::from(to))
    ]
}

/// A share as a number or in per cent.
fn share(from: f64, to: f64) -> impl Strategy<Value = Value> {
    let percent = move |share: f64| {
        let percent = share * 100.0;
        // Rounding may leave the range by a hair.
        let inside = (from..=to).contains(&(percent / 100.0));
        if inside {
            json!(format!("{percent}%"))
        } else {
            json!(share)
        }
    };
    prop_oneof![number(from, to), (from..=to).prop_map(percent)]
}

pub(super) fn duration(from: u64) -> impl Strategy<Value = Value> {
    prop_oneof![
        (from..=30 * 86_400).prop_map(|s| Value::from(format!("{s}s"))),
        (from.max(1)..=40_000).prop_map(|m| Value::from(format!("{m}m 250ms"))),
    ]
}

fn pipeline() -> impl Strategy<Value = Value> {
    let policy = prop_oneof![canary(), experiment(), bandit(), composite()];
    (policy, may(graphs()), may(shadow()), may(contract())).prop_map(
        |(policy, graphs, shadow, contract)| {
            table([
                ("shadow", shadow),
                ("contract", contract),
                ("graphs", graphs),
                ("policy", Some(policy)),
            ])
        },
    )
}

fn shadow() -> impl Strategy<Value = Value> {
    let tolerance = (may(number(0.0, 10.0)), may(number(0.0, 1.0)))
        .prop_map(|(absolute, relative)| table([("absolute", absolute), ("relative", relative)]));
    let fields = (
        must(name()),
        must(whole(1, 9)),
        may(share(0.0001, 1.0)),
        may(share(0.0, 1.0)),
        may(tolerance),
        may(whole(1, 64)),
        may(whole(1, 1_000)),
        may(whole(0, 100)),
    );
    fields.prop_map(
        |(model, version, sample, noise, tolerance, concurrency, queue, examples)| {
            table([
                ("model", model),
                ("version", version),
                ("sample", sample),
                ("noise", noise),
                ("tolerance", tolerance),
                ("concurrency", concurrency),
                ("queue", queue),
                ("examples", examples),
            ])
        },
    )
}

fn contract() -> impl Strategy<Value = Value> {
    (ports(), ports()).prop_map(|(inputs, outputs)| json!({"inputs": inputs, "outputs": outputs}))
}

pub(super) fn ports() -> BoxedStrategy<Value> {
    let dim = prop_oneof![Just(json!(-1)), whole(1, 9), name()];
    let port = (vec(dim, 0..4), any::<bool>()).prop_map(|(shape, float)| match float {
        true => {
            json!({"datatype": "FP32", "shape": shape, "range": [-1.5, 2], "non_finite": "forbid"})
        }
        false => json!({"datatype": "BYTES", "shape": shape, "categories": ["a", 2]}),
    });
    let ports = vec(port, 1..4).prop_map(|mut ports| {
        for (port, n) in ports.iter_mut().zip(0..) {
            port["name"] = json!(format!("x{n}"));
        }
        Value::from(ports)
    });
    ports.boxed()
}

// === canaries ===

fn canary() -> BoxedStrategy<Value> {
    let window = prop_oneof![
        Just(json!({"from": "fri 16:00", "to": "mon 08:00"})),
        (0u64..1_000_000, 1u64..1_000_000).prop_map(|(from, length)| {
            let date = |second| {
                let at = std::time::UNIX_EPOCH + std::time::Duration::from_millis(second * 1_250);
                humantime::format_rfc3339_millis(at).to_string()
            };
            json!({"from": date(from), "to": date(from + length)})
        }),
    ];
    let analyses = proptest::collection::btree_map("[ab]|default", analysis(), 0..3)
        .prop_map(|map| Value::Object(map.into_iter().collect()));
    let rest = (
        may(any::<bool>().prop_map(Value::from)),
        may(duration(0)),
        may(duration(1)),
        may(duration(1)),
        may(vec(window, 0..3).prop_map(Value::from)),
    );
    (
        name(),
        1u64..9,
        1u64..9,
        analyses,
        option::of(steps()),
        rest,
    )
        .prop_map(|(model, stable, more, mut analyses, steps, rest)| {
            let (rescue, soak, prepare, unavailable, freeze) = rest;
            let steps = steps.map(|steps| {
                for step in &steps {
                    if let Some(Value::String(name)) = step.get("analyze")
                        && analyses.get(name).is_none()
                    {
                        analyses[name] = json!({});
                    }
                }
                Value::from(steps)
            });
            table([
                ("type", Some(json!("canary"))),
                ("model", Some(model)),
                ("stable", Some(json!(stable))),
                ("canary", Some(json!(stable + more))),
                ("steps", steps),
                ("analyses", Some(analyses)),
                ("rescue", rescue),
                ("soak", soak),
                ("prepare", prepare),
                ("unavailable", unavailable),
                ("freeze", freeze),
            ])
        })
        .boxed()
}

fn steps() -> impl Strategy<Value = Vec<Value>> {
    let gate = (
        may(whole(1, 9_999)),
        may(share(0.0, 1.0)),
        may(share(0.0001, 1.0)),
        may(duration(1)),
    )
        .prop_map(|(pairs, agreement, sample, deadline)| {
            let gate = [
                ("pairs", pairs),
                ("agreement", agreement),
                ("sample", sample),
                ("deadline", deadline),
            ];
            json!({"shadow": table(gate)})
        });
    let step = prop_oneof![
        (1u16..10_000, text()).prop_map(|(points, reason)| {
            json!({"set_weight": f64::from(points) / 100.0, "reason": reason})
        }),
        (1u16..100).prop_map(|w| json!({"set_weight": format!("{w} %"), "reason": "so"})),
        "[ab]|default".prop_map(|name| json!({"analyze": name})),
        duration(1).prop_map(|time| json!({"pause": time})),
        Just(json!({"pause": "approval"})),
    ];
    (option::of(gate), vec(step, 1..12))
        .prop_map(|(gate, steps)| gate.into_iter().chain(steps).collect())
}

fn analysis() -> impl Strategy<Value = Value> {
    let metrics = [
        json!({"metric": "errors"}),
        json!({"metric": "slow-p99"}),
        json!({"metric": "slower-than", "time": "80ms 5us"}),
        json!({"metric": "slower-than", "time": "1s"}),
        json!({"metric": "non-finite"}),
    ];
    let fields = (
        may(number(0.001, 1_000.0)),
        may(number(1.01, 100.0)),
        may(share(0.02, 1.0)),
    );
    let fields = fields.prop_map(|(weight, margin, ceiling)| {
        table([("weight", weight), ("margin", margin), ("ceiling", ceiling)])
    });
    let picked = btree_set(0..metrics.len(), 1..metrics.len());
    let guardrails = (picked, vec(fields, metrics.len())).prop_map(move |(picked, fields)| {
        let guardrail = |(at, mut fields): (usize, Value)| {
            for (key, value) in metrics[at].as_object().unwrap() {
                fields[key] = value.clone();
            }
            fields
        };
        picked.into_iter().zip(fields).map(guardrail).collect()
    });
    (
        may(share(1e-6, 0.5)),
        may(share(1e-6, 0.5)),
        may(whole(1, 1_000_000)),
        may(guardrails),
    )
        .prop_map(|(alpha, beta, min_units, guardrails)| {
            table([
                ("alpha", alpha),
                ("beta", beta),
                ("min_time", Some(json!("5s"))),
                ("min_units", min_units),
                ("on_inconclusive", Some(json!("advance"))),
                ("guardrails", guardrails),
            ])
        })
}

// === experiments and bandits ===

/// Arms whose weights are the gaps between cuts of 10,000.
fn arms(weighted: bool) -> impl Strategy<Value = Value> {
    btree_set(1u16..10_000, 1..9).prop_map(move |cuts| {
        let ends = cuts.iter().copied().chain([10_000]);
        let begins = [0].into_iter().chain(cuts.iter().copied());
        let arm = |(n, (begin, end)): (usize, (u16, u16))| {
            let mut arm = json!({"name": format!("arm-{n}"), "model": "m", "version": n + 1});
            if weighted {
                arm["weight"] = json!(f64::from(end - begin) / 100.0);
            }
            arm
        };
        begins.zip(ends).enumerate().map(arm).collect()
    })
}

fn goals(prefix: &'static str, least: usize) -> impl Strategy<Value = Value> {
    let kind = prop_oneof![
        Just(json!({"kind": "binary", "better": "lower"})),
        (may(number(0.5, 1e9)), may(name())).prop_map(|(cap, covariate)| {
            table([
                ("kind", Some(json!("mean"))),
                ("cap", cap),
                ("covariate", covariate),
            ])
        }),
        name().prop_map(|per| json!({"kind": "ratio", "per": per})),
        number(0.001, 0.999).prop_map(|q| json!({"kind": "quantile", "quantile": q})),
    ];
    vec((kind, number(0.0001, 10.0)), least..6).prop_map(move |goals| {
        let goal = |(n, (mut goal, mde)): (usize, (Value, Value))| {
            goal["metric"] = json!(format!("{prefix}{n}-of-many-metrics"));
            goal["mde"] = mde;
            goal
        };
        goals.into_iter().enumerate().map(goal).collect()
    })
}

fn experiment() -> BoxedStrategy<Value> {
    let namespace = (0u32..1_000, 1u32..1_000).prop_map(|(from, more)| {
        let to = (from + more).min(1_000);
        json!({"name": "n", "from": f64::from(from) / 1_000.0, "to": f64::from(to) / 1_000.0})
    });
    let segments = vec((any::<bool>(), btree_set("[a-zA-Z]{1,5}", 1..20)), 0..8).prop_map(|list| {
        let segment = |(n, (header, values)): (usize, (bool, _))| {
            let by = if header { "header" } else { "parameter" };
            json!({"name": format!("s{n}"), by: "X-Of", "values": values})
        };
        list.into_iter().enumerate().map(segment).collect()
    });
    let fields = (
        must(arms(true)),
        may(text()),
        may(namespace),
        must(goals("goal-", 1)),
        may(goals("guard-", 0)),
        may(segments),
        may(share(1e-6, 0.5)),
        may(whole(1, 1_000_000)),
        may(duration(1)),
    );
    fields
        .prop_map(
            |(arms, seed, namespace, goals, guardrails, segments, alpha, units, within)| {
                table([
                    ("type", Some(json!("experiment"))),
                    ("arms", arms),
                    ("seed", seed),
                    ("namespace", namespace),
                    ("goals", goals),
                    ("guardrails", guardrails),
                    ("segments", segments),
                    ("alpha", alpha),
                    ("min_units", units),
                    ("feedback_within", within),
                ])
            },
        )
        .boxed()
}

fn bandit() -> BoxedStrategy<Value> {
    let reward = (name(), any::<bool>()).prop_map(|(metric, number)| {
        json!({"metric": metric, "kind": if number { "number" } else { "binary" }})
    });
    let algorithm = prop_oneof![
        Just(json!("thompson")),
        Just(json!("ucb1")),
        any::<bool>().prop_map(|two| json!({"thompson": {"top_two": two}})),
        share(0.0001, 1.0).prop_map(|epsilon| json!({"epsilon_greedy": epsilon})),
    ];
    let fields = (
        must(arms(false)),
        may(text()),
        must(reward),
        may(algorithm),
        may(share(0.0001, 0.09)),
        may(duration(1)),
        may(share(0.0001, 1.0)),
        may(duration(60)),
        may(duration(1)),
        may(goals("safe-", 0)),
    );
    fields
        .prop_map(
            |(arms, seed, reward, algorithm, floor, period, change, half, within, safety)| {
                table([
                    ("type", Some(json!("bandit"))),
                    ("arms", arms),
                    ("seed", seed),
                    ("reward", reward),
                    ("algorithm", algorithm),
                    ("floor", floor),
                    ("period", period),
                    ("max_change", change),
                    ("half_life", half),
                    ("reward_within", within),
                    ("safety", safety),
                ])
            },
        )
        .boxed()
}
