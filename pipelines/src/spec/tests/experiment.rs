//! Experiments: what is written, what it becomes, and every way to get it wrong.

use expect_test::{Expect, expect};

use super::{check, check_each};

/// An experiment with more fields of its policy.
fn with(fragments: &[&str], expected: &Expect) {
    let wrap = |fragment: &str| {
        format!(
            "version = 1\n[pipelines.p.policy]\ntype = 'experiment'\n\
             arms = [{{ name = 'a', model = 'm', version = 1 }}, {{ name = 'b', model = 'm', version = 2 }}]\n\
             goals = [{{ metric = 'click', kind = 'binary' }}]\n{fragment}\n"
        )
    };
    check_each(wrap, fragments, expected);
}

/// An experiment whose arms these are.
fn arms(fragments: &[&str], expected: &Expect) {
    let wrap = |fragment: &str| {
        format!(
            "version = 1\n[pipelines.p.policy]\ntype = 'experiment'\n\
             goals = [{{ metric = 'click', kind = 'binary' }}]\narms = [\n{fragment}\n]\n"
        )
    };
    check_each(wrap, fragments, expected);
}

/// An experiment whose goals these are.
fn goals(fragments: &[&str], expected: &Expect) {
    let wrap = |fragment: &str| {
        format!(
            "version = 1\n[pipelines.p.policy]\ntype = 'experiment'\n\
             arms = [{{ name = 'a', model = 'm', version = 1 }}, {{ name = 'b', model = 'm', version = 2 }}]\n\
             goals = [\n{fragment}\n]\n"
        )
    };
    check_each(wrap, fragments, expected);
}

const FULL: &str = r#"
version = 1
[pipelines.rank]
key = { header = "x-user-id" }
[pipelines.rank.policy]
type = "experiment"
arms = [
    { name = "control", model = "rank", version = 1, weight = 50 },
    { name = "wide", model = "rank", version = 2, weight = "25%" },
    { name = "deep", model = "rank-deep", version = 2, weight = 25 },
]
seed = "rank-2026"
namespace = { name = "ranking", from = 0.0, to = "50%" }
goals = [
    { metric = "click", kind = "binary", better = "higher", mde = 0.1 },
    { metric = "revenue", kind = "mean", cap = 500, covariate = "revenue_before" },
    { metric = "revenue", per = "sessions", kind = "ratio" },
    { metric = "latency", kind = "quantile", quantile = 0.9 },
]
guardrails = [ { metric = "errors", kind = "binary" }, { metric = "latency", kind = "mean" } ]
segments = [
    { name = "tier", parameter = "tier", values = ["gold", "basic"] },
    { name = "country", header = "X-Country", values = ["de", "fr"] },
]
alpha = 0.01
min_units = 1000
feedback_within = "7d"
"#;

#[test]
fn every_field_can_be_written_and_few_must_be() {
    check(
        "a.toml",
        FULL,
        &expect![[r#"
        rank a.toml:3:12 {"key":{"header":"x-user-id"},"policy":{"type":"experiment","arms":[{"name":"control","model":"rank","version":1,"weight":50},{"name":"wide","model":"rank","version":2,"weight":25},{"name":"deep","model":"rank-deep","version":2,"weight":25}],"seed":"rank-2026","namespace":{"name":"ranking","from":0,"to":0.5},"goals":[{"metric":"click","kind":"binary","better":"higher","mde":0.1},{"metric":"revenue","kind":"mean","cap":500,"covariate":"revenue_before","better":"higher","mde":0.05},{"metric":"revenue","kind":"ratio","per":"sessions","better":"higher","mde":0.05},{"metric":"latency","kind":"quantile","quantile":0.9,"better":"lower","mde":0.05}],"guardrails":[{"metric":"errors","kind":"binary","better":"lower","mde":0.05},{"metric":"latency","kind":"mean","better":"lower","mde":0.05}],"segments":[{"name":"tier","parameter":"tier","values":["gold","basic"]},{"name":"country","header":"x-country","values":["de","fr"]}],"alpha":0.01,"min_units":1000,"feedback_within":"7days"}}
    "#]],
    );
    with(
        &[""],
        &expect![[r#"
            (nothing)
                {"policy":{"type":"experiment","arms":[{"name":"a","model":"m","version":1,"weight":50},{"name":"b","model":"m","version":2,"weight":50}],"seed":"p","goals":[{"metric":"click","kind":"binary","better":"higher","mde":0.05}],"alpha":0.05,"min_units":100,"feedback_within":"1day"}}
        "#]],
    );
}

#[test]
fn arms_are_whole_and_different() {
    arms(
        &[
            "",
            "{ name = 'a', model = 'm', version = 1 }",
            "{ name = 'a', model = 'm', version = 1, weight = 50 }, { name = 'b', model = 'm', version = 2, weight = 49.5 }",
            "{ name = 'a', model = 'm', version = 1, weight = 60 }, { name = 'b', model = 'm', version = 2, weight = 60 }, { name = 'c', model = 'm', version = 3, weight = 60 }",
            "{ name = 'a', model = 'm', version = 1, weight = 100 }, { name = 'b', model = 'm', version = 2 }",
            "{ name = 'a', model = 'm', version = 1, weight = 100 }, { name = 'b', model = 'm', version = 2, weight = 0 }",
            "{ name = 'a', model = 'm', version = 1, weight = 33.333 }, { name = 'b', model = 'm', version = 2, weight = 'rest' }",
            "{ name = 'a', model = 'm', version = 1 }, { name = 'a', model = 'm', version = 2 }",
            "{ name = 'a', model = 'm', version = 1 }, { name = 'b', model = 'm', version = 1 }",
            "{ name = 'a b', model = '../m', version = 'latest' }, { mane = 'b' }, 3",
            "{ name = 'a', model = 'm', version = 1 }, { name = 'b', model = 'm', version = 2 }, { name = 'c', model = 'n', version = 1 }",
        ],
        &expect![[r#"
            (nothing)
                5:8: error[empty] pipelines.p.policy.arms: expected a list of 2 to 10, got 0
            { name = 'a', model = 'm', version = 1 }
                5:8: error[too-few] pipelines.p.policy.arms: expected a list of 2 to 10, got 1
            { name = 'a', model = 'm', version = 1, weight = 50 }, { name = 'b', model = 'm', version = 2, weight = 49.5 }
                5:8: error[weights-sum] pipelines.p.policy.arms: the weights of the arms must sum to 100 %, got 99.5 % (hint: even shares are 50, 50)
            { name = 'a', model = 'm', version = 1, weight = 60 }, { name = 'b', model = 'm', version = 2, weight = 60 }, { name = 'c', model = 'm', version = 3, weight = 60 }
                5:8: error[weights-sum] pipelines.p.policy.arms: the weights of the arms must sum to 100 %, got 180 % (hint: even shares are 33.34, 33.33, 33.33)
            { name = 'a', model = 'm', version = 1, weight = 100 }, { name = 'b', model = 'm', version = 2 }
                6:57: error[missing-field] pipelines.p.policy.arms[1]: the field 'weight' is missing
            { name = 'a', model = 'm', version = 1, weight = 100 }, { name = 'b', model = 'm', version = 2, weight = 0 }
                6:106: error[out-of-range] pipelines.p.policy.arms[1].weight: expected a weight from 0.01 %, got 0 % (hint: leave out an arm that nobody is to get)
            { name = 'a', model = 'm', version = 1, weight = 33.333 }, { name = 'b', model = 'm', version = 2, weight = 'rest' }
                6:50: error[invalid-weight] pipelines.p.policy.arms[0].weight: expected a weight in steps of 0.01 %, got 33.333 %
                6:109: error[wrong-type] pipelines.p.policy.arms[1].weight: expected a weight in per cent such as 25 or "25%", got "rest"
            { name = 'a', model = 'm', version = 1 }, { name = 'a', model = 'm', version = 2 }
                6:43: error[duplicate] pipelines.p.policy.arms[1]: two arms are named 'a' (hint: give each arm a name of its own)
            { name = 'a', model = 'm', version = 1 }, { name = 'b', model = 'm', version = 1 }
                6:43: error[same-version] pipelines.p.policy.arms[1]: version 1 of 'm' is arm 'a' too (hint: name another version, or leave the arm out)
            { name = 'a b', model = '../m', version = 'latest' }, { mane = 'b' }, 3
                6:10: error[invalid-name] pipelines.p.policy.arms[0].name: a name has only letters, digits, '.', '_' and '-', and starts with a letter, a digit or '_': got "a b"
                6:25: error[invalid-name] pipelines.p.policy.arms[0].model: a name has only letters, digits, '.', '_' and '-', and starts with a letter, a digit or '_': got "../m"
                6:43: error[invalid-version] pipelines.p.policy.arms[0].version: expected a positive whole number, got "latest" (hint: write the version's number: what is compared must stay the same)
                6:55: error[missing-field] pipelines.p.policy.arms[1]: the field 'name' is missing
                6:55: error[missing-field] pipelines.p.policy.arms[1]: the field 'model' is missing
                6:55: error[missing-field] pipelines.p.policy.arms[1]: the field 'version' is missing
                6:57: error[unknown-field] pipelines.p.policy.arms[1].mane: unknown field 'mane' (hint: known here: name, model, version, weight)
                6:71: error[wrong-type] pipelines.p.policy.arms[2]: expected a table, got the number 3
            { name = 'a', model = 'm', version = 1 }, { name = 'b', model = 'm', version = 2 }, { name = 'c', model = 'n', version = 1 }
                {"policy":{"type":"experiment","arms":[{"name":"a","model":"m","version":1,"weight":33.34},{"name":"b","model":"m","version":2,"weight":33.33},{"name":"c","model":"n","version":1,"weight":33.33}],"seed":"p","goals":[{"metric":"click","kind":"binary","better":"higher","mde":0.05}],"alpha":0.05,"min_units":100,"feedback_within":"1day"}}
        "#]],
    );
    let many: Vec<_> = (1..=11)
        .map(|n| format!("{{ name = 'a{n}', model = 'm', version = {n} }}"))
        .collect();
    let text = format!(
        "version = 1\n[pipelines.p.policy]\ntype = 'experiment'\n\
         goals = [{{ metric = 'click', kind = 'binary' }}]\narms = [{}]\n",
        many.join(", ")
    );
    check(
        "a.toml",
        &text,
        &expect![[r#"
        a.toml:5:8: error[too-many] pipelines.p.policy.arms: expected a list of 2 to 10, got 11
    "#]],
    );
}

#[test]
fn goals_are_of_a_kind_and_once_each() {
    goals(
        &[
            "",
            "{ }, 3",
            "{ metric = 'click me', kind = 'binary' }, { metric = 'click', kind = 'binari', cap = 3 }",
            "{ metric = 'x', kind = 'ratio' }, { metric = 'x', kind = 'quantile' }",
            "{ metric = 'x', kind = 'ratio', per = 'x' }, { metric = 'x', kind = 'mean', covariate = 'x', cap = 0 }",
            "{ metric = 'x', kind = 'quantile', quantile = 1, cap = 3 }, { metric = 'x', kind = 'binary', per = 'y' }",
            "{ metric = 'errors', kind = 'mean' }, { metric = 'latency', kind = 'binary' }",
            "{ metric = 'x', kind = 'binary', better = 'more', mde = 0 }",
            "{ metric = 'x', kind = 'mean' }, { metric = 'x', kind = 'mean', cap = 5 }",
            "{ metric = 'x', kind = 'quantile', quantile = 0.5 }, { metric = 'x', kind = 'quantile', quantile = 0.9 }",
        ],
        &expect![[r#"
            (nothing)
                5:9: error[empty] pipelines.p.policy.goals: expected a list of 1 to 20, got 0
            { }, 3
                6:1: error[missing-field] pipelines.p.policy.goals[0]: the field 'metric' is missing
                6:1: error[missing-field] pipelines.p.policy.goals[0]: the field 'kind' is missing
                6:6: error[wrong-type] pipelines.p.policy.goals[1]: expected a table, got the number 3
            { metric = 'click me', kind = 'binary' }, { metric = 'click', kind = 'binari', cap = 3 }
                6:12: error[invalid-name] pipelines.p.policy.goals[0].metric: a name has only letters, digits, '.', '_' and '-', and starts with a letter, a digit or '_': got "click me"
                6:70: error[unknown-value] pipelines.p.policy.goals[1].kind: expected binary, mean, ratio, quantile, got "binari" (hint: did you mean 'binary'?)
            { metric = 'x', kind = 'ratio' }, { metric = 'x', kind = 'quantile' }
                6:1: error[missing-field] pipelines.p.policy.goals[0]: the field 'per' is missing
                6:35: error[missing-field] pipelines.p.policy.goals[1]: the field 'quantile' is missing
            { metric = 'x', kind = 'ratio', per = 'x' }, { metric = 'x', kind = 'mean', covariate = 'x', cap = 0 }
                6:39: error[same-metric] pipelines.p.policy.goals[0].per: expected another metric than 'x' itself
                6:89: error[same-metric] pipelines.p.policy.goals[1].covariate: expected another metric than 'x' itself
                6:100: error[out-of-range] pipelines.p.policy.goals[1].cap: expected a number from 0.000000001, got the number 0
            { metric = 'x', kind = 'quantile', quantile = 1, cap = 3 }, { metric = 'x', kind = 'binary', per = 'y' }
                6:47: error[out-of-range] pipelines.p.policy.goals[0].quantile: expected a number from 0.001 to 0.999, got the number 1
                6:50: error[unknown-field] pipelines.p.policy.goals[0].cap: unknown field 'cap' (hint: known here: metric, kind, better, mde, quantile)
                6:94: error[unknown-field] pipelines.p.policy.goals[1].per: unknown field 'per' (hint: known here: metric, kind, better, mde)
            { metric = 'errors', kind = 'mean' }, { metric = 'latency', kind = 'binary' }
                6:29: error[wrong-kind] pipelines.p.policy.goals[0].kind: 'errors' is what happens or not: expected binary, got mean
                6:68: error[wrong-kind] pipelines.p.policy.goals[1].kind: 'latency' is a time: expected mean or quantile, got binary
            { metric = 'x', kind = 'binary', better = 'more', mde = 0 }
                6:43: error[unknown-value] pipelines.p.policy.goals[0].better: expected higher, lower, got "more"
                6:57: error[out-of-range] pipelines.p.policy.goals[0].mde: expected a number from 0.0001 to 10, got the number 0
            { metric = 'x', kind = 'mean' }, { metric = 'x', kind = 'mean', cap = 5 }
                6:34: error[duplicate] pipelines.p.policy.goals[1]: 'x' (mean) is there twice, first at pipelines.p.policy.goals[0] (hint: keep one of the two)
            { metric = 'x', kind = 'quantile', quantile = 0.5 }, { metric = 'x', kind = 'quantile', quantile = 0.9 }
                {"policy":{"type":"experiment","arms":[{"name":"a","model":"m","version":1,"weight":50},{"name":"b","model":"m","version":2,"weight":50}],"seed":"p","goals":[{"metric":"x","kind":"quantile","quantile":0.5,"better":"higher","mde":0.05},{"metric":"x","kind":"quantile","quantile":0.9,"better":"higher","mde":0.05}],"alpha":0.05,"min_units":100,"feedback_within":"1day"}}
        "#]],
    );
    let many = |from: usize, count: usize| -> String {
        let goal = |n| format!("{{ metric = 'm{n}', kind = 'binary' }}");
        (from..from + count)
            .map(goal)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let text = format!(
        "version = 1\n[pipelines.p.policy]\ntype = 'experiment'\n\
         arms = [{{ name = 'a', model = 'm', version = 1 }}, {{ name = 'b', model = 'm', version = 2 }}]\n\
         goals = [{}]\nguardrails = [{}]\n",
        many(0, 12),
        many(12, 9)
    );
    check(
        "a.toml",
        &text,
        &expect![[r#"
        a.toml:6:14: error[too-many] pipelines.p.policy.guardrails: expected at most 20 goals and guardrails together, got 21
    "#]],
    );
}

#[test]
fn what_else_an_experiment_says_is_bounded() {
    with(
        &[
            "guardrails = [{ metric = 'click', kind = 'binary' }]",
            "alpha = 0.9\nmin_units = 0\nfeedback_within = '0s'",
            "seed = ''",
            "seed = 5",
            "namespace = { }",
            "namespace = { name = '', from = 0, to = 1 }",
            "namespace = { name = 'n', from = 0.5, to = 0.5 }",
            "namespace = { name = 'n', from = -1, to = 2 }",
            "namespace = { name = 'n', from = 0, to = 0.5 }",
            "weights = [50, 50]",
        ],
        &expect![[r#"
            guardrails = [{ metric = 'click', kind = 'binary' }]
                6:15: error[duplicate] pipelines.p.policy.guardrails[0]: 'click' (binary) is there twice, first at pipelines.p.policy.goals[0] (hint: keep one of the two)
            alpha = 0.9
            min_units = 0
            feedback_within = '0s'
                6:9: error[out-of-range] pipelines.p.policy.alpha: expected a share from 0.000001 to 0.5, got the number 0.9
                7:13: error[out-of-range] pipelines.p.policy.min_units: expected a whole number from 1 to 1000000000, got the number 0
                8:19: error[out-of-range] pipelines.p.policy.feedback_within: expected a duration from 1s to 30days, got "0s"
            seed = ''
                6:8: error[empty] pipelines.p.policy.seed: expected a text, got ""
            seed = 5
                6:8: error[wrong-type] pipelines.p.policy.seed: expected a string, got the number 5
            namespace = { }
                6:1: error[missing-field] pipelines.p.policy.namespace: the field 'name' is missing
                6:1: error[missing-field] pipelines.p.policy.namespace: the field 'from' is missing
                6:1: error[missing-field] pipelines.p.policy.namespace: the field 'to' is missing
            namespace = { name = '', from = 0, to = 1 }
                6:22: error[empty] pipelines.p.policy.namespace.name: expected a text, got ""
            namespace = { name = 'n', from = 0.5, to = 0.5 }
                6:44: error[out-of-range] pipelines.p.policy.namespace.to: expected a range within 0 and 1 whose start is below its end, got 0.5 to 0.5
            namespace = { name = 'n', from = -1, to = 2 }
                6:34: error[out-of-range] pipelines.p.policy.namespace.from: expected a share from 0 to 1, got the number -1
                6:43: error[out-of-range] pipelines.p.policy.namespace.to: expected a share from 0 to 1, got the number 2 (hint: write "2%" for per cent)
            namespace = { name = 'n', from = 0, to = 0.5 }
                {"policy":{"type":"experiment","arms":[{"name":"a","model":"m","version":1,"weight":50},{"name":"b","model":"m","version":2,"weight":50}],"seed":"p","namespace":{"name":"n","from":0,"to":0.5},"goals":[{"metric":"click","kind":"binary","better":"higher","mde":0.05}],"alpha":0.05,"min_units":100,"feedback_within":"1day"}}
                2:12: warning[no-key] pipelines.p: a namespace tells users apart, and no key says who they are (hint: add key = { header = "x-user-id" }, or where else the user is named)
            weights = [50, 50]
                6:1: error[unknown-field] pipelines.p.policy.weights: unknown field 'weights' (hint: known here: type, arms, seed, namespace, goals, guardrails, segments, alpha, min_units, feedback_within)
        "#]],
    );
}

#[test]
fn segments_are_declared_whole() {
    let value = |n: usize| format!("'v{n}'");
    let values: Vec<_> = (0..21).map(value).collect();
    let long = format!(
        "segments = [{{ name = 's', header = 'h', values = [{}] }}]",
        values.join(", ")
    );
    with(
        &[
            "segments = [{ }]",
            "segments = [{ name = 's', header = 'h', parameter = 'p', values = [] }]",
            "segments = [{ name = 's', header = 'x y', values = ['a', 'a', '', 3] }]",
            "segments = [{ name = 's', header = 'h', values = ['a'] }, { name = 's', parameter = 'p', values = ['a'] }]",
            &long,
        ],
        &expect![[r#"
            segments = [{ }]
                6:13: error[missing-field] pipelines.p.policy.segments[0]: the field 'name' is missing
                6:13: error[missing-field] pipelines.p.policy.segments[0]: the field 'values' is missing
                6:13: error[missing-field] pipelines.p.policy.segments[0]: expected a header or a parameter that says the value, got none
            segments = [{ name = 's', header = 'h', parameter = 'p', values = [] }]
                6:13: error[ambiguous] pipelines.p.policy.segments[0]: expected a header or a parameter that says the value, got both
                6:67: error[empty] pipelines.p.policy.segments[0].values: expected a list of 1 to 20, got 0
            segments = [{ name = 's', header = 'x y', values = ['a', 'a', '', 3] }]
                6:36: error[invalid-header] pipelines.p.policy.segments[0].header: expected the name of a header, at most 64 characters, got "x y"
                6:58: error[duplicate] pipelines.p.policy.segments[0].values[1]: the value "a" is there twice
                6:63: error[empty] pipelines.p.policy.segments[0].values[2]: expected a text, got ""
                6:67: error[wrong-type] pipelines.p.policy.segments[0].values[3]: expected a string, got the number 3
            segments = [{ name = 's', header = 'h', values = ['a'] }, { name = 's', parameter = 'p', values = ['a'] }]
                6:59: error[duplicate] pipelines.p.policy.segments[1]: two segments are named 's' (hint: give each segment a name of its own)
            segments = [{ name = 's', header = 'h', values = ['v0', 'v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7', 'v8', 'v9', 'v10', 'v11', 'v12', 'v13', 'v14', 'v15', 'v16', 'v17', 'v18', 'v19', 'v20'] }]
                6:50: error[too-many] pipelines.p.policy.segments[0].values: expected a list of 1 to 20, got 21
        "#]],
    );
    let nine: Vec<_> = (0..9)
        .map(|n| format!("{{ name = 's{n}', header = 'h', values = ['a'] }}"))
        .collect();
    with(
        &[&format!("segments = [{}]", nine.join(", "))],
        &expect![[r#"
            segments = [{ name = 's0', header = 'h', values = ['a'] }, { name = 's1', header = 'h', values = ['a'] }, { name = 's2', header = 'h', values = ['a'] }, { name = 's3', header = 'h', values = ['a'] }, { name = 's4', header = 'h', values = ['a'] }, { name = 's5', header = 'h', values = ['a'] }, { name = 's6', header = 'h', values = ['a'] }, { name = 's7', header = 'h', values = ['a'] }, { name = 's8', header = 'h', values = ['a'] }]
                6:12: error[too-many] pipelines.p.policy.segments: expected a list of 0 to 8, got 9
        "#]],
    );
}
