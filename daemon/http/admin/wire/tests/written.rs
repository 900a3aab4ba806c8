//! Pipelines as they are written, against their description: what is written fits it, and all that it describes is
//! written.

use std::collections::BTreeSet;

use impresario_pipelines::spec::Pipeline;
use serde_json::{Map, Value, json};

use crate::http::admin::document;

/// Pipelines that together say all there is to say.
fn pipelines() -> Vec<Value> {
    let terms = json!({
        "description": "cards", "deadline": "50ms", "priority": "low", "key": {"header": "x-user-id"},
        "rate_limit": {"requests": 5}, "on_deadline": {"label": 1},
        "policy": {"type": "standalone", "model": "m"},
        "shadow": {"model": "m", "version": 5},
        "contract": {
            "inputs": [
                {"name": "X", "datatype": "FP32", "shape": [-1, "width"], "range": [0, 1.5], "non_finite": "forbid"},
                {"name": "n", "datatype": "INT8", "shape": [-1], "categories": [1, 2]},
            ],
            "outputs": [{"name": "p", "datatype": "FP64", "shape": [-1, 2], "labels": ["no", "yes"]}],
            "max_batch": 64,
        },
    });
    let keys = json!({
        "key": [{"cookie": "a"}, {"parameter": "b"}, {"pointer": "/c"}],
        "policy": {"type": "standalone", "model": "m", "version": 3},
    });
    let canary = json!({"policy": {
        "type": "canary", "model": "m", "stable": 1, "canary": 2,
        "steps": [
            {"shadow": {}}, {"set_weight": 5, "reason": "so"}, {"analyze": "default"}, {"analyze": "a"},
            {"pause": "1m"}, {"pause": "approval"},
        ],
        "analyses": {"a": {"guardrails": [
            {"metric": "slower-than", "time": "80ms", "margin": 2, "ceiling": 0.1}, {"metric": "errors"},
        ]}},
        "freeze": [{"from": "fri 16:00", "to": "mon 08:00"}],
    }});
    let experiment = json!({"policy": {
        "type": "experiment", "seed": "s", "namespace": {"name": "n", "from": 0, "to": 0.5},
        "arms": [{"name": "a", "model": "m", "version": 1}, {"name": "b", "model": "m", "version": 2}],
        "goals": [
            {"metric": "x", "kind": "mean", "cap": 5, "covariate": "y"}, {"metric": "x", "kind": "ratio", "per": "y"},
        ],
        "guardrails": [{"metric": "x", "kind": "quantile", "quantile": 0.9}],
        "segments": [
            {"name": "a", "header": "x-a", "values": ["a"]}, {"name": "b", "parameter": "b", "values": ["b"]},
        ],
    }});
    let bandit = |algorithm: Value| {
        json!({"policy": {
            "type": "bandit", "seed": "s", "reward": {"metric": "x", "kind": "number"}, "algorithm": algorithm,
            "half_life": "1d", "safety": [{"metric": "errors", "kind": "binary"}],
            "arms": [{"name": "a", "model": "m", "version": 1}, {"name": "b", "model": "m", "version": 2}],
        }})
    };
    let bandits = [
        json!("ucb1"),
        json!({"thompson": {"top_two": true}}),
        json!({"epsilon_greedy": 0.1}),
    ];
    let mut all = vec![terms, keys, canary, experiment];
    all.extend(bandits.map(bandit));
    all
}

#[test]
fn what_is_written_fits_its_description() {
    let description = Description::new();
    let mut used = BTreeSet::new();
    for pipeline in pipelines() {
        let read: Pipeline = serde_json::from_value(pipeline).unwrap();
        let written = serde_json::to_value(&read).unwrap();
        let misfits = description.misfits("PipelineSpec", &written, &mut used);
        assert_eq!(misfits, Vec::<String>::new(), "{written}");
    }
    let unused: Vec<_> = description
        .described("PipelineSpec")
        .into_iter()
        .filter(|field| !used.contains(field))
        .collect();
    assert_eq!(unused, Vec::<String>::new());
}

#[test]
fn what_does_not_fit_is_seen() {
    let description = Description::new();
    let misfits = |value: Value| description.misfits("PipelineSpec", &value, &mut BTreeSet::new());
    let policy = json!({"type": "standalone", "model": "m"});
    assert_eq!(misfits(json!({"policy": policy})), Vec::<String>::new());
    assert_eq!(misfits(json!({})), ["PipelineSpec: policy is missing"]);
    assert_eq!(
        misfits(json!({"policy": policy, "deadline": 5, "colour": 1})),
        [
            "PipelineSpec: colour is not described",
            "deadline: not of the type"
        ]
    );
    assert!(!misfits(json!({"policy": {"type": "canary", "model": "m"}})).is_empty());
}

/// The schemas of the API's description.
struct Description(Map<String, Value>);

impl Description {
    fn new() -> Self {
        let description = serde_json::to_value(document()).unwrap();
        Self(
            description["components"]["schemas"]
                .as_object()
                .unwrap()
                .clone(),
        )
    }

    /// What of a value does not fit the schema of a name; the fields that are met are marked as used.
    fn misfits(&self, name: &str, value: &Value, used: &mut BTreeSet<String>) -> Vec<String> {
        self.fit(name, &self.0[name], value, used)
    }

    /// A schema and its name, references followed and parts joined.
    fn whole(&self, name: &str, schema: &Value) -> (String, Value) {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap();
            return self.whole(name, &self.0[name]);
        }
        let Some(parts) = schema["allOf"].as_array() else {
            return (name.to_owned(), schema.clone());
        };
        let (mut properties, mut required) = (Map::new(), Vec::new());
        let mut name = name.to_owned();
        for part in parts {
            let (of, part) = self.whole(&name, part);
            name = of;
            properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
            required.extend(part["required"].as_array().cloned().unwrap_or_default());
        }
        let whole = json!({"type": "object", "properties": properties, "required": required});
        (name, whole)
    }

    fn fit(
        &self,
        name: &str,
        schema: &Value,
        value: &Value,
        used: &mut BTreeSet<String>,
    ) -> Vec<String> {
        let (name, schema) = self.whole(name, schema);
        if let Some(choices) = schema["oneOf"].as_array() {
            let tried = choices.iter().map(|choice| {
                let mut used = BTreeSet::new();
                (self.fit(&name, choice, value, &mut used), used)
            });
            let (misfits, met) = tried.min_by_key(|(misfits, _)| misfits.len()).unwrap();
            used.extend(met);
            return misfits;
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            word => word.as_str().into_iter().collect(),
        };
        let of_type = |word: &str| match value {
            Value::Null => word == "null",
            Value::Bool(_) => word == "boolean",
            Value::Number(n) => word == "number" || (word == "integer" && !n.is_f64()),
            Value::String(_) => word == "string",
            Value::Array(_) => word == "array",
            Value::Object(_) => word == "object",
        };
        if !types.is_empty() && !types.iter().any(|word| of_type(word)) {
            return vec![format!("{name}: not of the type")];
        }
        if let Some(words) = schema["enum"].as_array()
            && !words.contains(value)
        {
            return vec![format!("{name}: not one of the words")];
        }
        match value {
            Value::Array(items) => {
                let fit = |item| self.fit(&name, &schema["items"], item, used);
                items.iter().flat_map(fit).collect()
            }
            Value::Object(entries) => self.fit_entries(&name, &schema, entries, used),
            _ => Vec::new(),
        }
    }

    fn fit_entries(
        &self,
        name: &str,
        schema: &Value,
        entries: &Map<String, Value>,
        used: &mut BTreeSet<String>,
    ) -> Vec<String> {
        let required = schema["required"].as_array().into_iter().flatten();
        let missing = required
            .filter_map(Value::as_str)
            .filter(|key| !entries.contains_key(*key));
        let mut misfits: Vec<_> = missing
            .map(|key| format!("{name}: {key} is missing"))
            .collect();
        let Some(properties) = schema["properties"].as_object() else {
            let any = &schema["additionalProperties"];
            let fit = |value| self.fit(name, any, value, used);
            misfits.extend(entries.values().flat_map(fit));
            return misfits;
        };
        for (key, value) in entries {
            match properties.get(key) {
                Some(property) => {
                    used.insert(format!("{name}.{key}"));
                    misfits.extend(self.fit(key, property, value, used));
                }
                None => misfits.push(format!("{name}: {key} is not described")),
            }
        }
        misfits
    }

    /// All fields that are described at a schema of a name and below.
    fn described(&self, name: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        self.describe(name, &self.0[name], &mut found);
        found
    }

    fn describe(&self, name: &str, schema: &Value, found: &mut BTreeSet<String>) {
        let (name, schema) = self.whole(name, schema);
        for choice in schema["oneOf"].as_array().into_iter().flatten() {
            self.describe(&name, choice, found);
        }
        for inner in [&schema["items"], &schema["additionalProperties"]] {
            if inner.is_object() {
                self.describe(&name, inner, found);
            }
        }
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            if found.insert(format!("{name}.{key}")) {
                self.describe(key, property, found);
            }
        }
    }
}
