//! What both kinds of tests say about courses: definitions of pipelines that have one, verbs, and what the analyst saw.

use impresario_pipelines::analysis::{Harm, Readings, Trip, Verdict};
use impresario_pipelines::bucket::Weight;
use impresario_pipelines::fleet::{Course, Sight, Verb};
use impresario_pipelines::learning;
use impresario_pipelines::rollout::{self, To};
use impresario_pipelines::spec::{Bandit, Pipeline, Policy};
use impresario_pipelines::trial;
use serde_json::{Value, json};

// === definitions ===

/// A pipeline by the door that all of them come through: `canary iris 1 2: shadow | 5 % | pause 10s | approval | analyze`,
/// `experiment iris 1 2 3`, `bandit iris 1 2 3`, `standalone iris 2`; with `soak 5s` and the like after the steps.
pub(crate) fn definition(text: &str) -> Value {
    let (head, steps) = text.split_once(':').unwrap_or((text, ""));
    let words: Vec<&str> = head.split_whitespace().collect();
    let number = |at: usize| -> Value {
        let number: Option<u64> = words[at].parse().ok();
        number.map_or_else(|| json!(words[at]), |number| json!(number))
    };
    let model = words[1];
    let arms = || -> Vec<Value> {
        let arms = words[2..].iter().zip("abcdefgh".chars());
        let arms = arms.map(|(version, arm)| {
            let version: u64 = version.parse().unwrap();
            json!({ "name": arm.to_string(), "model": model, "version": version })
        });
        arms.collect()
    };
    let policy = match words[0] {
        "standalone" => json!({ "type": "standalone", "model": model, "version": number(2) }),
        "canary" => canary(model, (number(2), number(3)), steps),
        "experiment" => json!({
            "type": "experiment", "arms": arms(), "seed": "1", "goals": [{ "metric": "click", "kind": "binary" }]
        }),
        "bandit" => json!({
            "type": "bandit", "arms": arms(), "seed": "1", "reward": { "metric": "click" }, "max_change": 0.5
        }),
        other => panic!("no policy {other}"),
    };
    json!({ "policy": policy })
}

/// What a definition becomes.
pub(crate) fn pipeline(definition: &Value) -> Pipeline {
    serde_json::from_value(definition.clone()).unwrap()
}

fn canary(model: &str, (stable, canary): (Value, Value), text: &str) -> Value {
    let mut policy = json!({
        "type": "canary", "model": model, "stable": stable, "canary": canary, "soak": "10s",
        "analyses": { "quick": { "min_time": "2s", "min_units": 10, "deadline": "20s" } },
    });
    let mut steps = Vec::new();
    for part in text.split('|').map(str::trim) {
        steps.push(match part.split_once(' ').unwrap_or((part, "")) {
            ("shadow", "") => json!({ "shadow": { "pairs": 10 } }),
            ("analyze", "") => json!({ "analyze": "quick" }),
            ("approval", "") => json!({ "pause": "approval" }),
            ("pause", time) => json!({ "pause": time }),
            (percent, "%") => {
                let percent: f64 = percent.parse().unwrap();
                json!({ "set_weight": percent })
            }
            (field @ ("soak" | "prepare" | "unavailable"), time) => {
                policy[field] = json!(time);
                continue;
            }
            other => panic!("no step {other:?}"),
        });
    }
    policy["steps"] = Value::Array(steps);
    policy
}

/// A contract by its name: `plain` has no ports, `scores` an output.
pub(crate) fn contract(word: &str) -> Value {
    let input = json!([{ "name": "x", "datatype": "FP32", "shape": [-1, 4] }]);
    let label = json!({ "name": "label", "datatype": "INT64", "shape": [-1] });
    let score = json!({ "name": "score", "datatype": "FP32", "shape": [-1] });
    match word {
        "labels" => json!({ "inputs": input, "outputs": [label] }),
        "scores" => json!({ "inputs": input, "outputs": [score] }),
        "both" => json!({ "inputs": input, "outputs": [label, score] }),
        other => panic!("no contract {other}"),
    }
}

// === verbs ===

/// A verb as it is written in a script.
pub(crate) fn verb(kind: &str, words: &[&str]) -> Verb {
    match kind {
        "rollout" => Verb::Rollout(of_rollout(words)),
        "experiment" => Verb::Trial(of_trial(words)),
        "bandit" => Verb::Learning(of_bandit(words)),
        other => panic!("no course {other}"),
    }
}

fn of_rollout(words: &[&str]) -> rollout::Verb {
    use rollout::Verb;
    match words {
        ["pause"] => Verb::Pause,
        ["resume"] => Verb::Resume,
        ["promote", rest @ ..] => {
            let (to, force) = match rest {
                ["full", rest @ ..] => (To::Full, rest),
                ["step", step, rest @ ..] => (To::Step(step.parse().unwrap()), rest),
                rest => (To::Next, rest),
            };
            let force = (!force.is_empty()).then(|| force.join(" "));
            Verb::Promote { to, force }
        }
        ["skip"] => Verb::Skip,
        ["approve"] => Verb::Approve,
        ["reject", why @ ..] => Verb::Reject(why.join(" ")),
        ["abort", why @ ..] => Verb::Abort(why.join(" ")),
        // The revision that begins it is the fleet's to say.
        ["retry"] => Verb::Retry { id: 0 },
        ["undo"] => Verb::Undo,
        ["weight", percent] => Verb::SetWeight(weight(percent)),
        ["freeze"] => Verb::Freeze { until: None },
        ["unfreeze"] => Verb::Unfreeze,
        other => panic!("no verb {other:?}"),
    }
}

fn of_trial(words: &[&str]) -> trial::Verb {
    use trial::Verb;
    let by = || "ann".to_owned();
    match words {
        ["stop", why @ ..] => Verb::Stop {
            by: by(),
            why: why.join(" "),
        },
        ["ship", arm] => Verb::Ship {
            arm: (*arm).to_owned(),
            by: by(),
        },
        ["weights", weights @ ..] => {
            Verb::SetWeights(weights.iter().map(|text| weight(text)).collect())
        }
        ["pause", why @ ..] => Verb::Pause { why: why.join(" ") },
        ["resume"] => Verb::Resume,
        other => panic!("no verb {other:?}"),
    }
}

fn of_bandit(words: &[&str]) -> learning::Verb {
    use learning::Verb;
    match words {
        ["freeze", "experiment"] => Verb::FreezeExperiment,
        ["freeze", "best"] => Verb::FreezeBest,
        ["pause", why @ ..] => Verb::Pause { why: why.join(" ") },
        ["resume"] => Verb::Resume,
        ["remove", arm, why @ ..] => Verb::RemoveArm {
            arm: (*arm).to_owned(),
            by: "ann".to_owned(),
            why: why.join(" "),
        },
        ["restore", arm] => Verb::RestoreArm {
            arm: (*arm).to_owned(),
        },
        other => panic!("no verb {other:?}"),
    }
}

pub(crate) fn weight(percent: &str) -> Weight {
    Weight::from_percent(percent.parse().unwrap()).unwrap()
}

// === what was seen ===

/// What an analyst sees of a course that is published so: `healthy`, `safe`, `harm`, `trip`, `both`, `srm`, `few`,
/// `shadow`, `slow`, or for a bandit the shares that rewards would give. Whether versions are there is the fleet's to say.
pub(crate) fn sight(course: &Course, policy: &Policy, words: &[&str], elapsed: u64) -> Sight {
    match (course, policy) {
        (Course::Rollout(rollout), _) => Sight::Rollout(of_canary(rollout.turn, words, elapsed)),
        (Course::Trial(_), _) => Sight::Trial(trial::Sight::default()),
        (Course::Learning(_), Policy::Bandit(spec)) => {
            Sight::Learning(of_learning(spec, words, elapsed))
        }
        (Course::Learning(_), _) => panic!("a bandit's course in another policy"),
    }
}

fn of_canary(turn: u64, words: &[&str], elapsed: u64) -> rollout::Sight {
    let mut readings = Readings {
        guardrails: Vec::new(),
        harm: Harm {
            log_e: -1.0,
            bar: 100_f64.ln(),
            top: None,
        },
        log_srm: 0.0,
        units: [500; 2],
        requests: [500; 2],
        violations: [0; 2],
        verdict: Verdict::Running,
    };
    let mut sight = rollout::Sight {
        turn,
        canary: rollout::Standing::Ready,
        stable: rollout::Standing::Ready,
        trip: Trip::No,
        readings: None,
        shadow: None,
        frozen: None,
        thresholds: None,
        elapsed,
    };
    for word in words {
        match *word {
            "healthy" => {}
            "safe" => readings.verdict = Verdict::Successful,
            "harm" => readings.harm.log_e = 9.0,
            "doubt" => readings.harm.log_e = 3.0,
            "srm" => readings.log_srm = 9.0,
            "violations" => readings.violations = [0, 10],
            "few" => readings.units = [1; 2],
            "trip" => sight.trip = Trip::Canary,
            "both" => sight.trip = Trip::Both,
            "shadow" => {
                sight.shadow = Some(rollout::Shadowing {
                    pairs: 20,
                    agreement: 1.0,
                });
            }
            "slow" => {
                sight.thresholds = Some(impresario_pipelines::analysis::Thresholds {
                    slow_ns: [1_000_000, 2_000_000, 3_000_000],
                    slower_than_ns: None,
                    deciles: None,
                });
            }
            // As from before the newest transition.
            "late" => sight.turn = sight.turn.wrapping_sub(1),
            other => panic!("nothing looks like {other}"),
        }
    }
    sight.readings = Some(readings);
    sight
}

fn of_learning(spec: &Bandit, words: &[&str], elapsed: u64) -> learning::Sight {
    let shares: Vec<f64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let known = shares.len() == spec.arms.len();
    let arms = shares.iter().map(|share| learning::Reading {
        n: 100.0,
        mean: *share,
        se: 0.01,
        chance: *share,
        share: *share,
    });
    let arms: Vec<_> = match known {
        true => arms.collect(),
        false => vec![learning::Reading::default(); spec.arms.len()],
    };
    let harm = words.contains(&"harm").then(|| learning::Harm {
        arm: spec.arms.len() - 1,
        why: "it was shown to be worse".to_owned(),
    });
    learning::Sight {
        waiting: None,
        elapsed,
        readings: Some(learning::Readings {
            arms,
            harms: harm.into_iter().collect(),
            known,
        }),
    }
}
