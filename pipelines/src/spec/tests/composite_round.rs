//! Composites that are written back, and the same graph in three formats.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::round::{may, must, number, ports, table, text, whole};
use super::*;

const TOML: &str = r#"
version = 1
[pipelines.credit.policy]
type = "composite"
inputs = [{ name = "features", datatype = "FP32", shape = [-1, 4] }]
[pipelines.credit.policy.nodes.scaled]
transform = "normalise"
of = "request.features"
mean = [0.5, 1, 0, 0]
scale = 2
[pipelines.credit.policy.nodes.cheap]
model = "linear"
version = "2"
inputs = { x = "scaled.output" }
timeout = "20ms"
retry = { attempts = 3 }
on_error = { default = { probability = [0.5] } }
[pipelines.credit.policy.nodes.forest]
model = "forest"
version = "latest"
inputs = { x = "scaled" }
on_error = "skip"
[pipelines.credit.policy.nodes.risk]
pipeline = "risk"
when = "request.parameters.tier == 'gold'"
on_error = { fallback = "forest" }
[pipelines.credit.policy.nodes.vote]
ensemble = "weighted"
of = ["cheap.probability", "forest.probability", "risk.probability"]
weights = [1, 2.5, 0]
quorum = 2
[pipelines.credit.policy.nodes.route]
switch = [{ when = "cheap.probability.max() > 0.9", call = "cheap" }, { else = "ab" }]
[pipelines.credit.policy.nodes.ab]
splitter = [{ call = "forest", weight = 90 }, { call = "risk", weight = "10%" }]
[pipelines.credit.policy.nodes.amount]
map = "request.amount * 0.01"
as = "FP32"
[pipelines.credit.policy.outputs]
probability = "vote.output"
amount = "amount"
route = "route.probability"
echo = "request.features"
[pipelines.credit.graphs.2]
nodes.only.ensemble = "first"
nodes.only.of = "request.a"
outputs.x = "only"
[pipelines.credit.graphs.10]
version = 10
nodes.only.transform = "lower"
nodes.only.of = ["request.a"]
outputs.x = "only"
"#;

const YAML: &str = "
version: 1
pipelines:
  credit:
    policy:
      type: composite
      model: credit
      inputs:
        - { name: features, datatype: FP32, shape: [-1, 4] }
      nodes:
        scaled:
          transform: normalise
          of: [request.features]
          mean: [0.5, 1.0, 0, 0]
          scale: [2]
        cheap:
          model: linear
          version: 2
          inputs: { x: scaled.output }
          timeout: 20ms
          retry: { attempts: 3, backoff: 2ms }
          on_error: { default: { probability: [0.5] } }
        forest: { model: forest, inputs: { x: scaled }, on_error: skip }
        risk:
          pipeline: risk
          when: request.parameters.tier == 'gold'
          on_error: { fallback: forest }
        vote:
          ensemble: weighted
          of:
            - cheap.probability
            - forest.probability
            - risk.probability
          weights: [1.0, 2.5, 0]
          quorum: 2
        route:
          switch:
            - { when: cheap.probability.max() > 0.9, call: cheap }
            - else: ab
        ab:
          splitter: [{ call: forest, weight: 90.0 }, { call: risk, weight: 10 }]
          seed: credit.ab
        amount: { map: request.amount * 0.01, as: FP32, on_error: fail }
      outputs:
        route: route.probability
        amount: amount
        echo: request.features
        probability: vote.output
    graphs:
      2:
        nodes: { only: { ensemble: first, of: [request.a], quorum: 1 } }
        outputs: { x: only }
      10:
        nodes: { only: { transform: lower, of: request.a } }
        outputs: { x: only }
";

/// What an admin sends: the pipeline alone.
const JSON: &str = r#"{
  "graphs": {
    "10": {"outputs": {"x": "only"}, "nodes": {"only": {"of": "request.a", "transform": "lower"}}},
    "2": {"outputs": {"x": "only"}, "nodes": {"only": {"of": ["request.a"], "ensemble": "first"}}}
  },
  "policy": {
    "type": "composite",
    "inputs": [{"name": "features", "datatype": "FP32", "shape": [-1, 4], "range": null}],
    "outputs": {"probability": "vote.output", "amount": "amount", "route": "route.probability",
      "echo": "request.features"},
    "nodes": {
      "vote": {"ensemble": "weighted", "quorum": 2, "weights": [1, 2.5, 0.0],
        "of": ["cheap.probability", "forest.probability", "risk.probability"]},
      "scaled": {"transform": "normalise", "of": "request.features", "scale": 2.0, "mean": [0.5, 1, 0, 0]},
      "cheap": {"model": "linear", "version": 2, "inputs": {"x": "scaled.output"}, "timeout": "20000us",
        "retry": {"attempts": 3}, "on_error": {"default": {"probability": [0.5]}}},
      "forest": {"model": "forest", "inputs": {"x": "scaled"}, "on_error": "skip"},
      "risk": {"pipeline": "risk", "when": "request.parameters.tier == 'gold'",
        "on_error": {"fallback": "forest"}},
      "route": {"switch": [{"when": "cheap.probability.max() > 0.9", "call": "cheap"}, {"else": "ab"}]},
      "ab": {"splitter": [{"call": "forest", "weight": 90}, {"call": "risk", "weight": 10}]},
      "amount": {"map": "request.amount * 0.01", "as": "FP32"}
    }
  }
}"#;

#[test]
fn the_three_formats_say_the_same_graph() {
    let of_file = |file, text| {
        let compiled = compile(&[source(file, text)]).map_err(lines).unwrap();
        assert_eq!(lines(compiled.warnings()), "");
        let definition = &compiled.pipelines()["credit"];
        (
            definition.pipeline().clone(),
            definition.digest().to_owned(),
        )
    };
    let (pipeline, digest) = of_file("a.toml", TOML);
    assert_eq!(of_file("a.yaml", YAML), (pipeline.clone(), digest.clone()));
    let name = Name::new("credit").unwrap();
    let sent = parse_pipeline(&name, JSON).map_err(lines).unwrap();
    assert_eq!(sent, pipeline);
    assert_eq!(sent.digest(), digest);
    // As the store does it, without a name.
    let written = serde_json::to_string(&pipeline).unwrap();
    let stored: Pipeline = serde_json::from_str(&written).unwrap();
    assert_eq!((stored.digest(), stored), (digest, pipeline));
    expect![[r#"{"graphs":{"2":{"model":"credit","version":2,"nodes":{"only":{"ensemble":"first","of":"request.a"}},"outputs":{"x":"only"}},"10":{"model":"credit","version":10,"nodes":{"only":{"of":"request.a","transform":"lower"}},"outputs":{"x":"only"}}},"policy":{"type":"composite","model":"credit","inputs":[{"name":"features","datatype":"FP32","shape":[-1,4]}],"nodes":{"ab":{"splitter":[{"call":"forest","weight":90},{"call":"risk","weight":10}],"seed":"credit.ab"},"amount":{"map":"request.amount * 0.01","as":"FP32"},"cheap":{"model":"linear","version":2,"inputs":{"x":"scaled.output"},"timeout":"20ms","retry":{"attempts":3,"backoff":"2ms"},"on_error":{"default":{"probability":[0.5]}}},"forest":{"model":"forest","inputs":{"x":"scaled"},"on_error":"skip"},"risk":{"pipeline":"risk","when":"request.parameters.tier == 'gold'","on_error":{"fallback":"forest"}},"route":{"switch":[{"when":"cheap.probability.max() > 0.9","call":"cheap"},{"else":"ab"}]},"scaled":{"of":"request.features","transform":"normalise","mean":[0.5,1,0,0],"scale":2},"vote":{"ensemble":"weighted","of":["cheap.probability","forest.probability","risk.probability"],"weights":[1,2.5,0],"quorum":2}},"outputs":{"amount":"amount","echo":"request.features","probability":"vote.output","route":"route.probability"}}}"#]].assert_eq(&written);
}

// === specifications ===

pub(super) fn composite() -> BoxedStrategy<Value> {
    (graph(), may(whole(1, 9)))
        .prop_map(|(mut graph, version)| {
            graph["type"] = json!("composite");
            if let Some(version) = version {
                graph["version"] = version;
            }
            graph
        })
        .boxed()
}

/// Graphs whose numbers are none of a policy's.
pub(super) fn graphs() -> BoxedStrategy<Value> {
    btree_map(10u64..99, graph(), 1..3)
        .prop_map(|graphs| {
            let graph = |(number, graph): (u64, Value)| (number.to_string(), graph);
            Value::Object(graphs.into_iter().map(graph).collect())
        })
        .boxed()
}

fn graph() -> impl Strategy<Value = Value> {
    let outputs = btree_map("[a-z][a-z .-]{0,8}[a-z]", reference(), 1..4).prop_map(of_map);
    let nodes = btree_map("[a-z_][a-zA-Z0-9_]{0,8}X", node(), 1..6).prop_map(of_map);
    let model = prop_oneof![Just(None), Just(Some(json!("p")))];
    (model, option::of(ports()), nodes, outputs).prop_map(|(model, inputs, nodes, outputs)| {
        table([
            ("model", model),
            ("inputs", inputs),
            ("nodes", Some(nodes)),
            ("outputs", Some(outputs)),
        ])
    })
}

fn of_map(map: std::collections::BTreeMap<String, Value>) -> Value {
    Value::Object(map.into_iter().collect())
}

fn node() -> impl Strategy<Value = Value> {
    let task = prop_oneof![call(), ensemble(), switch(), splitter(), transform(), map()];
    let retry = (2u64..=10, may(duration_of_backoff()))
        .prop_map(|(n, backoff)| table([("attempts", Some(json!(n))), ("backoff", backoff)]));
    let on_error = prop_oneof![
        Just(json!("fail")),
        Just(json!("skip")),
        "[a-z]{1,5}".prop_map(|node| json!({"fallback": node})),
        (text(), number(-1.0, 1.0)).prop_map(|(name, value)| {
            let name = name.as_str().unwrap_or_default().to_owned();
            json!({"default": {name: [value, 1, "x", true]}})
        }),
    ];
    let terms = (may(text()), may(timeout()), may(retry), may(on_error)).prop_map(
        |(when, timeout, retry, on_error)| {
            table([
                ("when", when),
                ("timeout", timeout),
                ("retry", retry),
                ("on_error", on_error),
            ])
        },
    );
    (task, terms).prop_map(|(task, terms)| together(task, terms))
}

/// Two tables as one.
fn together(one: Value, other: Value) -> Value {
    let entries = |value| match value {
        Value::Object(entries) => entries,
        _ => Map::new(),
    };
    Value::Object(entries(one).into_iter().chain(entries(other)).collect())
}

fn timeout() -> impl Strategy<Value = Value> {
    (1u64..3_600_000).prop_map(|ms| json!(format!("{ms}ms")))
}

fn duration_of_backoff() -> impl Strategy<Value = Value> {
    (0u64..=10_000_000).prop_map(|us| json!(format!("{us}us")))
}

fn reference() -> impl Strategy<Value = Value> {
    prop_oneof![
        "request\\.[a-z]{1,4}( [a-z.]{1,4})?",
        "[a-z_][a-zA-Z0-9_]{0,4}[0-9]",
        "[a-z_][a-zA-Z0-9_]{0,4}[0-9]\\.[a-zA-Z0-9]{1,4}([ :.][a-z]{1,4})?",
    ]
    .prop_map(Value::from)
}

fn call() -> BoxedStrategy<Value> {
    let callee = prop_oneof![
        may(prop_oneof![
            whole(1, 9),
            Just(json!("7")),
            Just(json!("latest"))
        ])
        .prop_map(|version| table([("model", Some(json!("m.1-x"))), ("version", version)])),
        Just(json!({"pipeline": "risk-2"})),
    ];
    let inputs = btree_map("[a-z ]{0,4}[a-z]", reference(), 0..4).prop_map(of_map);
    (callee, may(inputs))
        .prop_map(|(callee, inputs)| together(callee, table([("inputs", inputs)])))
        .boxed()
}

fn ensemble() -> BoxedStrategy<Value> {
    let of = vec((reference(), number(0.25, 9.0)), 1..6);
    (0usize..9, of, option::of(0usize..6))
        .prop_map(|(rule, of, quorum)| {
            let rule = crate::combine::Rule::NAMES[rule];
            let all = ["concat", "stack"].contains(&rule);
            let (of, weights): (Vec<Value>, Vec<Value>) = of.into_iter().unzip();
            let quorum = quorum.map(|quorum| match all {
                true => of.len(),
                false => quorum % of.len() + 1,
            });
            let weighs = rule == "weighted" || (rule == "vote" && of.len() > 2);
            table([
                ("ensemble", Some(json!(rule))),
                ("of", Some(json!(of))),
                ("weights", weighs.then(|| json!(weights))),
                ("quorum", quorum.map(Value::from)),
            ])
        })
        .boxed()
}

fn switch() -> BoxedStrategy<Value> {
    let case = (text(), "[a-z]{1,5}").prop_map(|(when, call)| json!({"when": when, "call": call}));
    let last = "[a-z]{1,5}".prop_map(|call| json!({"else": call}));
    (vec(case, 1..4), option::of(last))
        .prop_map(
            |(cases, last)| json!({"switch": cases.into_iter().chain(last).collect::<Vec<_>>()}),
        )
        .boxed()
}

fn splitter() -> BoxedStrategy<Value> {
    let arms = (btree_set(1u16..10_000, 1..9), any::<bool>()).prop_map(|(cuts, weighted)| {
        let ends = cuts.iter().copied().chain([10_000]);
        let begins = [0].into_iter().chain(cuts.iter().copied());
        let arm = |(n, (begin, end)): (usize, (u16, u16))| {
            let weight = weighted.then(|| json!(f64::from(end - begin) / 100.0));
            table([("call", Some(json!(format!("n{n}")))), ("weight", weight)])
        };
        begins.zip(ends).enumerate().map(arm).collect()
    });
    (must(arms), may(text()))
        .prop_map(|(arms, seed)| table([("splitter", arms), ("seed", seed)]))
        .boxed()
}

fn map() -> BoxedStrategy<Value> {
    let datatype = prop_oneof![
        Just(json!("FP32")),
        Just(json!("INT64")),
        Just(json!("BYTES"))
    ];
    (must(text()), may(datatype))
        .prop_map(|(map, datatype)| table([("map", map), ("as", datatype)]))
        .boxed()
}

fn axis() -> BoxedStrategy<Option<Value>> {
    may((-16i64..=15).prop_map(Value::from))
}

fn place() -> BoxedStrategy<Value> {
    (-9i64..9).prop_map(Value::from).boxed()
}

fn transform() -> BoxedStrategy<Value> {
    let constants = || {
        prop_oneof![
            number(-9.5, -0.5),
            vec(number(0.5, 1e9), 3..4).prop_map(Value::from)
        ]
    };
    let labels = || btree_set("[a-zA-Z ]{0,5}", 1..6).prop_map(|set| json!(set));
    let named =
        |name: &'static str| move |settings: Value| together(json!({"transform": name}), settings);
    let plain = (0usize..7).prop_map(|n| {
        let name = [
            "softmax", "sigmoid", "argmax", "lower", "upper", "trim", "length",
        ][n];
        json!({"transform": name})
    });
    let shaped = prop_oneof![
        Just(json!({"to": "INT8"})).prop_map(named("cast")),
        (vec(whole(1, 99), 0..4), any::<bool>())
            .prop_map(|(mut shape, rest)| {
                shape.extend(rest.then(|| json!(-1)));
                json!({"shape": shape})
            })
            .prop_map(named("reshape")),
        may(vec(place(), 1..5).prop_map(Value::from))
            .prop_map(|axes| table([("axes", axes)]))
            .prop_map(named("transpose")),
        (must(constants()), may(constants()))
            .prop_map(|(mean, scale)| table([("mean", mean), ("scale", scale)]))
            .prop_map(named("normalise")),
        (may(number(-9.0, 0.0)), must(number(0.0, 9.0)))
            .prop_map(|(low, high)| table([("low", low), ("high", high)]))
            .prop_map(named("clip")),
        whole(1, 99)
            .prop_map(|k| json!({"k": k}))
            .prop_map(named("top_k")),
        whole(1, 99)
            .prop_map(|k| json!({"k": k}))
            .prop_map(named("top_k_indices")),
        whole(1, 99)
            .prop_map(|size| json!({"size": size}))
            .prop_map(named("one_hot")),
    ];
    let which = prop_oneof![
        place().prop_map(|place| json!({"index": place})),
        vec(place(), 1..4).prop_map(|places| json!({"indices": places})),
        (may(place()), must(place()))
            .prop_map(|(start, stop)| table([("start", start), ("stop", stop)])),
    ];
    let rest = prop_oneof![
        (axis(), which)
            .prop_map(|(axis, which)| together(table([("axis", axis)]), which))
            .prop_map(named("select")),
        (must(labels()), may(text()))
            .prop_map(|(labels, default)| table([("labels", labels), ("default", default)]))
            .prop_map(named("lookup")),
        (must(labels()), may(place()))
            .prop_map(|(labels, default)| table([("labels", labels), ("default", default)]))
            .prop_map(named("index_of")),
        (must(text()), must("[a-z]{0,3}".prop_map(Value::from)))
            .prop_map(|(from, to)| table([("from", from), ("to", to)]))
            .prop_map(named("replace")),
    ];
    let one = prop_oneof![plain, shaped, rest];
    let one = (one, reference()).prop_map(|(op, of)| together(op, json!({"of": of})));
    let several = prop_oneof![
        axis()
            .prop_map(|axis| table([("axis", axis)]))
            .prop_map(named("concat")),
        axis()
            .prop_map(|axis| table([("axis", axis)]))
            .prop_map(named("stack")),
        may(text())
            .prop_map(|separator| table([("separator", separator)]))
            .prop_map(named("concat_text")),
    ];
    let several =
        (several, vec(reference(), 1..5)).prop_map(|(op, of)| together(op, json!({"of": of})));
    prop_oneof![one, several].boxed()
}
