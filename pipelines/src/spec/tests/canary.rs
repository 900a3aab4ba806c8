//! Canaries: what is written, what it becomes, and every way to get it wrong.

use expect_test::{Expect, expect};

use super::{check, check_each};

/// A canary with more fields of its policy.
fn with(fragments: &[&str], expected: &Expect) {
    let head =
        "version = 1\n[pipelines.p.policy]\ntype = 'canary'\nmodel = 'm'\nstable = 1\ncanary = 2\n";
    check_each(
        |fragment| format!("{head}{fragment}\n"),
        fragments,
        expected,
    );
}

/// A canary whose steps these are.
fn steps(fragments: &[&str], expected: &Expect) {
    let head = "version = 1\n[pipelines.p.policy]\ntype = 'canary'\nmodel = 'm'\nstable = 1\ncanary = 2\nsteps = [\n";
    check_each(
        |fragment| format!("{head}{fragment}\n]\n"),
        fragments,
        expected,
    );
}

/// A canary whose analysis `a` has these fields.
fn analysis(fragments: &[&str], expected: &Expect) {
    let head = "version = 1\n[pipelines.p.policy]\ntype = 'canary'\nmodel = 'm'\nstable = 1\ncanary = 2\n\
                steps = [{ set_weight = 5 }, { analyze = 'a' }]\n[pipelines.p.policy.analyses.a]\n";
    check_each(
        |fragment| format!("{head}{fragment}\n"),
        fragments,
        expected,
    );
}

#[test]
fn what_is_not_written_has_its_default() {
    with(
        &[""],
        &expect![[r#"
            (nothing)
                {"policy":{"type":"canary","model":"m","stable":1,"canary":2,"steps":[{"set_weight":1},{"analyze":"default"},{"set_weight":5},{"analyze":"default"},{"set_weight":25},{"analyze":"default"},{"set_weight":50},{"analyze":"default"}],"analyses":{"default":{"alpha":0.01,"beta":0.05,"min_time":"1m","min_units":100,"deadline":"1day","on_inconclusive":"hold","guardrails":[{"metric":"errors","weight":0.4,"negligible":0.01},{"metric":"timeouts","weight":0.2,"negligible":0.01},{"metric":"slow-p90","weight":0.2,"negligible":0.01},{"metric":"non-finite","weight":0.2,"negligible":0.01}]}},"rescue":true,"soak":"10m","prepare":"10m","unavailable":"5m"}}
        "#]],
    );
}

const FULL: &str = r#"
version = 1
[pipelines.fraud]
key = { header = "x-user-id" }
[pipelines.fraud.policy]
type = "canary"
model = "fraud"
stable = 3
canary = "4"
steps = [
    { shadow = { pairs = 200, sample = "20%" } },
    { set_weight = 1 }, { analyze = "default" },
    { set_weight = "25 %" }, { analyze = "strict" },
    { set_weight = 5, reason = "the night shift watches" },
    { pause = "90s" }, { pause = "approval" },
]
rescue = false
soak = "0s"
prepare = "1h"
unavailable = "1m"
freeze = [
    { from = "2026-12-24T00:00:00Z", to = "2027-01-02T06:30:00.250Z" },
    { from = "fri 16:00", to = "mon 08:00" },
]
[pipelines.fraud.policy.analyses.strict]
alpha = 0.001
beta = "1%"
min_time = "2h"
min_units = 1_000
deadline = "3d"
on_inconclusive = "abort"
guardrails = [
    { metric = "errors", weight = 2, margin = 1.5, negligible = 0.001, ceiling = 0.05 },
    { metric = "slower-than", time = "80ms" },
    { metric = "slower-than", time = "1s", ceiling = 0.001 },
    { metric = "slow-p50" }, { metric = "slow-p99" }, { metric = "outputs" },
]
"#;

#[test]
fn every_field_can_be_written() {
    check(
        "a.toml",
        FULL,
        &expect![[r#"
        fraud a.toml:3:12 {"key":{"header":"x-user-id"},"policy":{"type":"canary","model":"fraud","stable":3,"canary":4,"steps":[{"shadow":{"pairs":200,"agreement":0.99,"sample":0.2,"deadline":"1day"}},{"set_weight":1},{"analyze":"default"},{"set_weight":25},{"analyze":"strict"},{"set_weight":5,"reason":"the night shift watches"},{"pause":"1m 30s"},{"pause":"approval"}],"analyses":{"default":{"alpha":0.01,"beta":0.05,"min_time":"1m","min_units":100,"deadline":"1day","on_inconclusive":"hold","guardrails":[{"metric":"errors","weight":0.4,"negligible":0.01},{"metric":"timeouts","weight":0.2,"negligible":0.01},{"metric":"slow-p90","weight":0.2,"negligible":0.01},{"metric":"non-finite","weight":0.2,"negligible":0.01}]},"strict":{"alpha":0.001,"beta":0.01,"min_time":"2h","min_units":1000,"deadline":"3days","on_inconclusive":"abort","guardrails":[{"metric":"errors","weight":2,"margin":1.5,"negligible":0.001,"ceiling":0.05},{"metric":"slower-than","time":"80ms","weight":0.2,"negligible":0.01},{"metric":"slower-than","time":"1s","weight":0.2,"negligible":0.001,"ceiling":0.001},{"metric":"slow-p50","weight":0.2,"negligible":0.01},{"metric":"slow-p99","weight":0.2,"negligible":0.01},{"metric":"outputs","weight":0.2,"negligible":0.01}]}},"rescue":false,"soak":"0s","prepare":"1h","unavailable":"1m","freeze":[{"from":"2026-12-24T00:00:00Z","to":"2027-01-02T06:30:00.250Z"},{"from":"fri 16:00","to":"mon 08:00"}]}}
    "#]],
    );
}

#[test]
fn members_are_two_versions_of_a_model() {
    let whole = |fragment: &str| {
        format!("version = 1\n[pipelines.p.policy]\ntype = 'canary'\n{fragment}\n")
    };
    check_each(
        whole,
        &[
            "",
            "model = 'm'\nstable = 3\ncanary = 3",
            "model = 'm'\nstable = 'latest'\ncanary = 0",
            "model = 7\nstable = 1.5\ncanary = 2\nversion = 2",
        ],
        &expect![[r#"
            (nothing)
                2:14: error[missing-field] pipelines.p.policy: the field 'model' is missing
                2:14: error[missing-field] pipelines.p.policy: the field 'stable' is missing
                2:14: error[missing-field] pipelines.p.policy: the field 'canary' is missing
            model = 'm'
            stable = 3
            canary = 3
                6:10: error[same-version] pipelines.p.policy.canary: version 3 is the stable too (hint: name the version that is to answer)
            model = 'm'
            stable = 'latest'
            canary = 0
                5:10: error[invalid-version] pipelines.p.policy.stable: expected a positive whole number, got "latest" (hint: write the version's number: what is compared must stay the same)
                6:10: error[invalid-version] pipelines.p.policy.canary: expected a positive whole number, got the number 0
            model = 7
            stable = 1.5
            canary = 2
            version = 2
                4:9: error[wrong-type] pipelines.p.policy.model: expected a string, got the number 7
                5:10: error[invalid-version] pipelines.p.policy.stable: expected a positive whole number, got the number 1.5
                7:1: error[unknown-field] pipelines.p.policy.version: unknown field 'version' (hint: known here: type, model, stable, canary, steps, analyses, rescue, soak, prepare, unavailable, freeze)
        "#]],
    );
}

#[test]
fn times_have_limits() {
    with(
        &[
            "rescue = 'yes'",
            "soak = '31d'",
            "soak = 10",
            "prepare = '0s'",
            "unavailable = 'soon'",
            "sokk = '1m'",
        ],
        &expect![[r#"
            rescue = 'yes'
                7:10: error[wrong-type] pipelines.p.policy.rescue: expected true or false, got "yes"
            soak = '31d'
                7:8: error[out-of-range] pipelines.p.policy.soak: expected a duration from 0s to 30days, got "31d"
            soak = 10
                7:8: error[wrong-type] pipelines.p.policy.soak: expected a duration with its unit, got 10 (hint: write "10s" for seconds or "10ms" for milliseconds)
            prepare = '0s'
                7:11: error[out-of-range] pipelines.p.policy.prepare: expected a duration from 1s to 30days, got "0s"
            unavailable = 'soon'
                7:15: error[invalid-duration] pipelines.p.policy.unavailable: expected a duration such as "250ms" or "1m 30s", got "soon"
            sokk = '1m'
                7:1: error[unknown-field] pipelines.p.policy.sokk: unknown field 'sokk' (hint: did you mean 'soak'?)
        "#]],
    );
}

#[test]
fn a_step_does_one_thing() {
    with(
        &[
            "steps = []",
            "steps = 'usual'",
            "steps = { set_weight = 1 }",
        ],
        &expect![[r#"
            steps = []
                7:9: error[empty] pipelines.p.policy.steps: expected a list of 1 to 64, got 0
            steps = 'usual'
                7:9: error[wrong-type] pipelines.p.policy.steps: expected a list, got "usual"
            steps = { set_weight = 1 }
                7:9: error[wrong-type] pipelines.p.policy.steps: expected a list, got a table
        "#]],
    );
    steps(
        &[
            "{ }, 7",
            "{ set_wieght = 1 }",
            "{ set_weight = 1, pause = '1m' }",
            "{ pause = '1m', reason = 'tea' }",
            "{ pause = 'aproval' }, { pause = 'whenever' }, { pause = 10 }, { pause = '10 minuets' }, { pause = '60d' }",
            "{ set_weight = 1 }, { analyze = 'defualt' }, { analyze = 'other' }, { analyze = 1 }",
        ],
        &expect![[r#"
            { }, 7
                8:1: error[empty] pipelines.p.policy.steps[0]: expected one of shadow, set_weight, analyze, pause, got an empty table
                8:6: error[wrong-type] pipelines.p.policy.steps[1]: expected a table, got the number 7
            { set_wieght = 1 }
                8:3: error[unknown-field] pipelines.p.policy.steps[0].set_wieght: unknown field 'set_wieght' (hint: did you mean 'set_weight'?)
            { set_weight = 1, pause = '1m' }
                8:1: error[ambiguous] pipelines.p.policy.steps[0]: a step does one thing, got pause and set_weight (hint: write them as steps of their own)
            { pause = '1m', reason = 'tea' }
                8:17: error[unknown-field] pipelines.p.policy.steps[0].reason: unknown field 'reason' (hint: known here: shadow, set_weight, analyze, pause)
            { pause = 'aproval' }, { pause = 'whenever' }, { pause = 10 }, { pause = '10 minuets' }, { pause = '60d' }
                8:11: error[unknown-value] pipelines.p.policy.steps[0].pause: expected a duration such as "10m", or "approval", got "aproval" (hint: did you mean 'approval'?)
                8:34: error[unknown-value] pipelines.p.policy.steps[1].pause: expected a duration such as "10m", or "approval", got "whenever"
                8:58: error[wrong-type] pipelines.p.policy.steps[2].pause: expected a duration with its unit, got 10 (hint: write "10s" for seconds or "10ms" for milliseconds)
                8:74: error[invalid-duration] pipelines.p.policy.steps[3].pause: expected a duration such as "250ms" or "1m 30s", got "10 minuets"
                8:100: error[out-of-range] pipelines.p.policy.steps[4].pause: expected a duration from 1s to 30days, got "60d"
            { set_weight = 1 }, { analyze = 'defualt' }, { analyze = 'other' }, { analyze = 1 }
                8:33: error[unknown-analysis] pipelines.p.policy.steps[1].analyze: there is no analysis "defualt" (hint: did you mean 'default'?)
                8:58: error[unknown-analysis] pipelines.p.policy.steps[2].analyze: there is no analysis "other" (hint: known here: default)
                8:81: error[wrong-type] pipelines.p.policy.steps[3].analyze: expected a string, got the number 1
        "#]],
    );
    let many = "{ pause = 'approval' }, ".repeat(65);
    let text = format!(
        "version = 1\n[pipelines.p.policy]\ntype = 'canary'\nmodel = 'm'\nstable = 1\ncanary = 2\nsteps = [{many}]"
    );
    check(
        "a.toml",
        &text,
        &expect![[r#"
        a.toml:7:9: error[too-many] pipelines.p.policy.steps: expected a list of 1 to 64, got 65
    "#]],
    );
}

#[test]
fn weights_are_exact_and_go_up() {
    steps(
        &[
            "{ set_weight = 0 }",
            "{ set_weight = 100 }",
            "{ set_weight = 0.005 }",
            "{ set_weight = 0.01 }, { set_weight = '99.99%' }",
            "{ set_weight = 101 }, { set_weight = -1 }",
            "{ set_weight = 'half' }, { set_weight = '50' }, { set_weight = true }",
            "{ set_weight = 25 }, { set_weight = 5 }, { set_weight = 50 }",
            "{ set_weight = 25 }, { set_weight = 5, reason = 'nobody watches' }",
            "{ set_weight = 25 }, { set_weight = 5, reason = ' ' }",
            "{ set_weight = 25 }, { set_weight = 25 }",
        ],
        &expect![[r#"
            { set_weight = 0 }
                8:16: error[out-of-range] pipelines.p.policy.steps[0].set_weight: expected from 0.01 % to 99.99 %, got 0 %, which is nothing (hint: a rollout begins with nothing by itself; leave the step out)
            { set_weight = 100 }
                8:16: error[out-of-range] pipelines.p.policy.steps[0].set_weight: expected from 0.01 % to 99.99 %, got 100 %, which is everything (hint: the promotion after the last step gives it everything; leave the step out)
            { set_weight = 0.005 }
                8:16: error[invalid-weight] pipelines.p.policy.steps[0].set_weight: expected a weight in steps of 0.01 %, got 0.005 %
            { set_weight = 0.01 }, { set_weight = '99.99%' }
                {"policy":{"type":"canary","model":"m","stable":1,"canary":2,"steps":[{"set_weight":0.01},{"set_weight":99.99}],"rescue":true,"soak":"10m","prepare":"10m","unavailable":"5m"}}
            { set_weight = 101 }, { set_weight = -1 }
                8:16: error[invalid-weight] pipelines.p.policy.steps[0].set_weight: expected a weight from 0 % to 100 %, got 101 %
                8:38: error[invalid-weight] pipelines.p.policy.steps[1].set_weight: expected a weight from 0 % to 100 %, got -1 %
            { set_weight = 'half' }, { set_weight = '50' }, { set_weight = true }
                8:16: error[wrong-type] pipelines.p.policy.steps[0].set_weight: expected a weight in per cent such as 25 or "25%", got "half"
                8:41: error[wrong-type] pipelines.p.policy.steps[1].set_weight: expected a weight in per cent such as 25 or "25%", got "50"
                8:64: error[wrong-type] pipelines.p.policy.steps[2].set_weight: expected a weight in per cent such as 25 or "25%", got true
            { set_weight = 25 }, { set_weight = 5 }, { set_weight = 50 }
                8:22: error[backwards] pipelines.p.policy.steps[1]: the weight goes back from 25 % to 5 % (hint: add reason = "…" to the step if that is meant)
            { set_weight = 25 }, { set_weight = 5, reason = 'nobody watches' }
                {"policy":{"type":"canary","model":"m","stable":1,"canary":2,"steps":[{"set_weight":25},{"set_weight":5,"reason":"nobody watches"}],"rescue":true,"soak":"10m","prepare":"10m","unavailable":"5m"}}
            { set_weight = 25 }, { set_weight = 5, reason = ' ' }
                8:49: error[empty] pipelines.p.policy.steps[1].reason: expected a text, got " "
            { set_weight = 25 }, { set_weight = 25 }
                {"policy":{"type":"canary","model":"m","stable":1,"canary":2,"steps":[{"set_weight":25},{"set_weight":25}],"rescue":true,"soak":"10m","prepare":"10m","unavailable":"5m"}}
                8:22: warning[no-effect] pipelines.p.policy.steps[1]: the weight is 25 % already
        "#]],
    );
}

#[test]
fn steps_are_in_an_order_that_can_be_gone() {
    steps(
        &[
            "{ set_weight = 1 }, { shadow = {} }",
            "{ shadow = {} }, { shadow = {} }",
            "{ shadow = {} }, { analyze = 'default' }",
            "{ shadow = { pairs = 0, agreement = 99, sample = 10, deadline = '1ms', model = 'x' } }",
            "{ shadow = { sample = 'some', agreement = true } }, { shadow = 3 }",
        ],
        &expect![[r#"
            { set_weight = 1 }, { shadow = {} }
                8:21: error[out-of-order] pipelines.p.policy.steps[1]: only the first step may be a shadow (hint: move it to the front: once callers are answered, their evidence says more)
            { shadow = {} }, { shadow = {} }
                8:18: error[out-of-order] pipelines.p.policy.steps[1]: only the first step may be a shadow (hint: move it to the front: once callers are answered, their evidence says more)
            { shadow = {} }, { analyze = 'default' }
                {"policy":{"type":"canary","model":"m","stable":1,"canary":2,"steps":[{"shadow":{"pairs":500,"agreement":0.99,"sample":0.1,"deadline":"1day"}},{"analyze":"default"}],"analyses":{"default":{"alpha":0.01,"beta":0.05,"min_time":"1m","min_units":100,"deadline":"1day","on_inconclusive":"hold","guardrails":[{"metric":"errors","weight":0.4,"negligible":0.01},{"metric":"timeouts","weight":0.2,"negligible":0.01},{"metric":"slow-p90","weight":0.2,"negligible":0.01},{"metric":"non-finite","weight":0.2,"negligible":0.01}]}},"rescue":true,"soak":"10m","prepare":"10m","unavailable":"5m"}}
                8:18: warning[never-concludes] pipelines.p.policy.steps[1]: no caller meets the canary before this step: there is nothing to judge, and it is left by its deadline only (hint: put a step { set_weight = 1 } before it)
            { shadow = { pairs = 0, agreement = 99, sample = 10, deadline = '1ms', model = 'x' } }
                8:22: error[out-of-range] pipelines.p.policy.steps[0].shadow.pairs: expected a whole number from 1 to 10000000, got the number 0
                8:37: error[out-of-range] pipelines.p.policy.steps[0].shadow.agreement: expected a share from 0 to 1, got the number 99 (hint: write "99%" for per cent)
                8:50: error[out-of-range] pipelines.p.policy.steps[0].shadow.sample: expected a share from 0.0001 to 1, got the number 10 (hint: write "10%" for per cent)
                8:65: error[out-of-range] pipelines.p.policy.steps[0].shadow.deadline: expected a duration from 1s to 30days, got "1ms"
                8:72: error[unknown-field] pipelines.p.policy.steps[0].shadow.model: unknown field 'model' (hint: known here: pairs, agreement, sample, deadline)
            { shadow = { sample = 'some', agreement = true } }, { shadow = 3 }
                8:23: error[wrong-type] pipelines.p.policy.steps[0].shadow.sample: expected a share such as 0.1 or "10%", got "some"
                8:43: error[wrong-type] pipelines.p.policy.steps[0].shadow.agreement: expected a share such as 0.1 or "10%", got true
                8:64: error[wrong-type] pipelines.p.policy.steps[1].shadow: expected a table, got the number 3
        "#]],
    );
}

#[test]
fn analyses_are_named_and_bounded() {
    analysis(
        &[
            "",
            "alpha = 0\nbeta = 0.6\nmin_units = 0",
            "alpha = 5",
            "min_time = '2d'",
            "min_time = '1h'\ndeadline = '1h'",
            "on_inconclusive = 'stop'\nguardrials = []",
            "guardrails = []",
        ],
        &expect![[r#"
            (nothing)
                {"policy":{"type":"canary","model":"m","stable":1,"canary":2,"steps":[{"set_weight":5},{"analyze":"a"}],"analyses":{"a":{"alpha":0.01,"beta":0.05,"min_time":"1m","min_units":100,"deadline":"1day","on_inconclusive":"hold","guardrails":[{"metric":"errors","weight":0.4,"negligible":0.01},{"metric":"timeouts","weight":0.2,"negligible":0.01},{"metric":"slow-p90","weight":0.2,"negligible":0.01},{"metric":"non-finite","weight":0.2,"negligible":0.01}]}},"rescue":true,"soak":"10m","prepare":"10m","unavailable":"5m"}}
            alpha = 0
            beta = 0.6
            min_units = 0
                9:9: error[out-of-range] pipelines.p.policy.analyses.a.alpha: expected a share from 0.000001 to 0.5, got the number 0
                10:8: error[out-of-range] pipelines.p.policy.analyses.a.beta: expected a share from 0.000001 to 0.5, got the number 0.6
                11:13: error[out-of-range] pipelines.p.policy.analyses.a.min_units: expected a whole number from 1 to 1000000000, got the number 0
            alpha = 5
                9:9: error[out-of-range] pipelines.p.policy.analyses.a.alpha: expected a share from 0.000001 to 0.5, got the number 5 (hint: write "5%" for per cent)
            min_time = '2d'
                8:1: error[never-concludes] pipelines.p.policy.analyses.a: the deadline of 1day is not after min_time, 2days
            min_time = '1h'
            deadline = '1h'
                10:12: error[never-concludes] pipelines.p.policy.analyses.a.deadline: the deadline of 1h is not after min_time, 1h
            on_inconclusive = 'stop'
            guardrials = []
                9:19: error[unknown-value] pipelines.p.policy.analyses.a.on_inconclusive: expected hold, advance, abort, got "stop"
                10:1: error[unknown-field] pipelines.p.policy.analyses.a.guardrials: unknown field 'guardrials' (hint: did you mean 'guardrails'?)
            guardrails = []
                9:14: error[empty] pipelines.p.policy.analyses.a.guardrails: expected a list of 1 to 20, got 0
        "#]],
    );
    with(
        &[
            "analyses = 3",
            "analyses = { other = {}, 'a b' = 1 }",
            "analyses = { default = { alpha = '2%' } }",
            "analyses = { default = { alpha = 2 } }",
        ],
        &expect![[r#"
            analyses = 3
                7:12: error[wrong-type] pipelines.p.policy.analyses: expected a table, got the number 3
            analyses = { other = {}, 'a b' = 1 }
                7:14: warning[unused] pipelines.p.policy.analyses.other: no step names the analysis 'other' (hint: add { analyze = "other" } to the steps)
                7:26: error[invalid-name] pipelines.p.policy.analyses."a b": a name has only letters, digits, '.', '_' and '-', and starts with a letter, a digit or '_': got "a b"
                7:34: error[wrong-type] pipelines.p.policy.analyses."a b": expected a table, got the number 1
            analyses = { default = { alpha = '2%' } }
                {"policy":{"type":"canary","model":"m","stable":1,"canary":2,"steps":[{"set_weight":1},{"analyze":"default"},{"set_weight":5},{"analyze":"default"},{"set_weight":25},{"analyze":"default"},{"set_weight":50},{"analyze":"default"}],"analyses":{"default":{"alpha":0.02,"beta":0.05,"min_time":"1m","min_units":100,"deadline":"1day","on_inconclusive":"hold","guardrails":[{"metric":"errors","weight":0.4,"negligible":0.01},{"metric":"timeouts","weight":0.2,"negligible":0.01},{"metric":"slow-p90","weight":0.2,"negligible":0.01},{"metric":"non-finite","weight":0.2,"negligible":0.01}]}},"rescue":true,"soak":"10m","prepare":"10m","unavailable":"5m"}}
            analyses = { default = { alpha = 2 } }
                7:34: error[out-of-range] pipelines.p.policy.analyses.default.alpha: expected a share from 0.000001 to 0.5, got the number 2 (hint: write "2%" for per cent)
        "#]],
    );
}

#[test]
fn guardrails_are_of_known_metrics_once_each() {
    let guard = |fragments: &[&str], expected: &Expect| {
        let head = "version = 1\n[pipelines.p.policy]\ntype = 'canary'\nmodel = 'm'\nstable = 1\ncanary = 2\n\
                    steps = [{ set_weight = 5 }, { analyze = 'a' }]\n[pipelines.p.policy.analyses.a]\nguardrails = [\n";
        check_each(
            |fragment| format!("{head}{fragment}\n]\n"),
            fragments,
            expected,
        );
    };
    guard(
        &[
            "{ }, 3",
            "{ metric = 'eror' }, { metric = 'revenue', time = '1s', ceiling = 2 }",
            "{ metric = 'errors' }, { metric = 'timeouts' }, { metric = 'errors', weight = 3 }",
            "{ metric = 'slower-than', time = '80ms' }, { metric = 'slower-than', time = '0.08s' }",
            "{ metric = 'slower-than', time = '80ms' }, { metric = 'slower-than', time = '80000us' }",
            "{ metric = 'slower-than' }, { metric = 'slow-p90', time = '1s' }",
            "{ metric = 'slower-than', time = '1500ns' }, { metric = 'slower-than', time = '2h' }",
            "{ metric = 'errors', weight = 0 }, { metric = 'timeouts', weight = -1 }",
            "{ metric = 'errors', margin = 1 }, { metric = 'timeouts', margin = 0.5 }",
            "{ metric = 'errors', negligible = 0.1, ceiling = 0.05 }",
            "{ metric = 'errors', ceiling = 0 }, { metric = 'timeouts', ceiling = 5 }",
            "{ metric = 'outputs', ceiling = 0.5 }",
        ],
        &expect![[r#"
            { }, 3
                10:1: error[missing-field] pipelines.p.policy.analyses.a.guardrails[0]: the field 'metric' is missing
                10:6: error[wrong-type] pipelines.p.policy.analyses.a.guardrails[1]: expected a table, got the number 3
            { metric = 'eror' }, { metric = 'revenue', time = '1s', ceiling = 2 }
                10:12: error[unknown-value] pipelines.p.policy.analyses.a.guardrails[0].metric: expected errors, timeouts, slow-p50, slow-p90, slow-p99, slower-than, non-finite, outputs, got "eror" (hint: did you mean 'errors'?)
                10:33: error[unknown-value] pipelines.p.policy.analyses.a.guardrails[1].metric: expected errors, timeouts, slow-p50, slow-p90, slow-p99, slower-than, non-finite, outputs, got "revenue"
                10:67: error[out-of-range] pipelines.p.policy.analyses.a.guardrails[1].ceiling: expected a share from 0.000001 to 1, got the number 2 (hint: write "2%" for per cent)
            { metric = 'errors' }, { metric = 'timeouts' }, { metric = 'errors', weight = 3 }
                10:49: error[duplicate] pipelines.p.policy.analyses.a.guardrails[2]: 'errors' is guarded twice, first at pipelines.p.policy.analyses.a.guardrails[0] (hint: keep one of the two)
            { metric = 'slower-than', time = '80ms' }, { metric = 'slower-than', time = '0.08s' }
                10:44: error[duplicate] pipelines.p.policy.analyses.a.guardrails[1]: 'slower-than 80ms' is guarded twice, first at pipelines.p.policy.analyses.a.guardrails[0] (hint: keep one of the two)
            { metric = 'slower-than', time = '80ms' }, { metric = 'slower-than', time = '80000us' }
                10:44: error[duplicate] pipelines.p.policy.analyses.a.guardrails[1]: 'slower-than 80ms' is guarded twice, first at pipelines.p.policy.analyses.a.guardrails[0] (hint: keep one of the two)
            { metric = 'slower-than' }, { metric = 'slow-p90', time = '1s' }
                10:1: error[missing-field] pipelines.p.policy.analyses.a.guardrails[0]: the field 'time' is missing
                10:52: error[unknown-field] pipelines.p.policy.analyses.a.guardrails[1].time: unknown field 'time' (hint: known here: metric, weight, margin, negligible, ceiling)
            { metric = 'slower-than', time = '1500ns' }, { metric = 'slower-than', time = '2h' }
                10:34: error[too-fine] pipelines.p.policy.analyses.a.guardrails[0].time: expected whole microseconds, got "1500ns"
                10:79: error[out-of-range] pipelines.p.policy.analyses.a.guardrails[1].time: expected a duration from 1us to 1h, got "2h"
            { metric = 'errors', weight = 0 }, { metric = 'timeouts', weight = -1 }
                10:31: error[out-of-range] pipelines.p.policy.analyses.a.guardrails[0].weight: expected a number from 0.001 to 1000, got the number 0
                10:68: error[out-of-range] pipelines.p.policy.analyses.a.guardrails[1].weight: expected a number from 0.001 to 1000, got the number -1
            { metric = 'errors', margin = 1 }, { metric = 'timeouts', margin = 0.5 }
                10:31: error[out-of-range] pipelines.p.policy.analyses.a.guardrails[0].margin: expected a number from 1.01 to 100, got the number 1
                10:68: error[out-of-range] pipelines.p.policy.analyses.a.guardrails[1].margin: expected a number from 1.01 to 100, got the number 0.5
            { metric = 'errors', negligible = 0.1, ceiling = 0.05 }
                10:35: error[above-ceiling] pipelines.p.policy.analyses.a.guardrails[0].negligible: a rate of 0.1 is above the ceiling of 0.05
            { metric = 'errors', ceiling = 0 }, { metric = 'timeouts', ceiling = 5 }
                10:32: error[out-of-range] pipelines.p.policy.analyses.a.guardrails[0].ceiling: expected a share from 0.000001 to 1, got the number 0
                10:70: error[out-of-range] pipelines.p.policy.analyses.a.guardrails[1].ceiling: expected a share from 0.000001 to 1, got the number 5 (hint: write "5%" for per cent)
            { metric = 'outputs', ceiling = 0.5 }
                10:23: error[unknown-field] pipelines.p.policy.analyses.a.guardrails[0].ceiling: unknown field 'ceiling' (hint: known here: metric, weight, margin, negligible)
        "#]],
    );
}

#[test]
fn windows_have_two_ends_of_a_kind() {
    with(
        &[
            "freeze = [{ from = 'sun 23:59', to = 'mon 00:00' }, { from = '1970-01-01T00:00:00Z', to = '9999-12-31T23:59:59Z' }]",
            "freeze = []",
            "freeze = [{ from = 'fri 16:00', to = 'fri 16:00' }]",
            "freeze = [{ from = '2026-12-24T00:00:00Z', to = '2026-12-24T00:00:00Z' }]",
            "freeze = [{ from = '2027-01-02T00:00:00Z', to = '2026-12-24T00:00:00Z' }]",
            "freeze = [{ from = 'fri 16:00', to = '2026-12-24T00:00:00Z' }]",
            "freeze = [{ from = 'Friday', to = 'fri 24:00' }, { from = 'fri 9:00', to = 'fri 10:60' }]",
            "freeze = [{ from = '2026-12-24', to = '2026-13-24T00:00:00Z' }, { from = '2026-12-24T00:00:00+01:00', to = 5 }]",
            "freeze = [{ from = 'mon 00:00' }, 3, { until = 'mon 00:00' }]",
            "freeze = [{ from = 2026-12-24T00:00:00Z, to = 'mon 08:00' }]",
        ],
        &expect![[r#"
            freeze = [{ from = 'sun 23:59', to = 'mon 00:00' }, { from = '1970-01-01T00:00:00Z', to = '9999-12-31T23:59:59Z' }]
                {"policy":{"type":"canary","model":"m","stable":1,"canary":2,"steps":[{"set_weight":1},{"analyze":"default"},{"set_weight":5},{"analyze":"default"},{"set_weight":25},{"analyze":"default"},{"set_weight":50},{"analyze":"default"}],"analyses":{"default":{"alpha":0.01,"beta":0.05,"min_time":"1m","min_units":100,"deadline":"1day","on_inconclusive":"hold","guardrails":[{"metric":"errors","weight":0.4,"negligible":0.01},{"metric":"timeouts","weight":0.2,"negligible":0.01},{"metric":"slow-p90","weight":0.2,"negligible":0.01},{"metric":"non-finite","weight":0.2,"negligible":0.01}]}},"rescue":true,"soak":"10m","prepare":"10m","unavailable":"5m","freeze":[{"from":"sun 23:59","to":"mon 00:00"},{"from":"1970-01-01T00:00:00Z","to":"9999-12-31T23:59:59Z"}]}}
            freeze = []
                {"policy":{"type":"canary","model":"m","stable":1,"canary":2,"steps":[{"set_weight":1},{"analyze":"default"},{"set_weight":5},{"analyze":"default"},{"set_weight":25},{"analyze":"default"},{"set_weight":50},{"analyze":"default"}],"analyses":{"default":{"alpha":0.01,"beta":0.05,"min_time":"1m","min_units":100,"deadline":"1day","on_inconclusive":"hold","guardrails":[{"metric":"errors","weight":0.4,"negligible":0.01},{"metric":"timeouts","weight":0.2,"negligible":0.01},{"metric":"slow-p90","weight":0.2,"negligible":0.01},{"metric":"non-finite","weight":0.2,"negligible":0.01}]}},"rescue":true,"soak":"10m","prepare":"10m","unavailable":"5m"}}
            freeze = [{ from = 'fri 16:00', to = 'fri 16:00' }]
                7:38: error[empty-window] pipelines.p.policy.freeze[0].to: the window ends when it begins
            freeze = [{ from = '2026-12-24T00:00:00Z', to = '2026-12-24T00:00:00Z' }]
                7:49: error[empty-window] pipelines.p.policy.freeze[0].to: the window ends when it begins
            freeze = [{ from = '2027-01-02T00:00:00Z', to = '2026-12-24T00:00:00Z' }]
                7:49: error[backwards] pipelines.p.policy.freeze[0].to: the window ends before it begins, at "2026-12-24T00:00:00Z"
            freeze = [{ from = 'fri 16:00', to = '2026-12-24T00:00:00Z' }]
                7:11: error[mixed-window] pipelines.p.policy.freeze[0]: one end is a date, and the other one a day of the week (hint: write both as dates, or both as days of the week)
            freeze = [{ from = 'Friday', to = 'fri 24:00' }, { from = 'fri 9:00', to = 'fri 10:60' }]
                7:20: error[invalid-time] pipelines.p.policy.freeze[0].from: expected a time such as "2026-12-24T00:00:00Z" or "fri 16:00", got "Friday"
                7:35: error[invalid-time] pipelines.p.policy.freeze[0].to: expected a time such as "2026-12-24T00:00:00Z" or "fri 16:00", got "fri 24:00"
                7:59: error[invalid-time] pipelines.p.policy.freeze[1].from: expected a time such as "2026-12-24T00:00:00Z" or "fri 16:00", got "fri 9:00"
                7:76: error[invalid-time] pipelines.p.policy.freeze[1].to: expected a time such as "2026-12-24T00:00:00Z" or "fri 16:00", got "fri 10:60"
            freeze = [{ from = '2026-12-24', to = '2026-13-24T00:00:00Z' }, { from = '2026-12-24T00:00:00+01:00', to = 5 }]
                7:20: error[invalid-time] pipelines.p.policy.freeze[0].from: expected a time such as "2026-12-24T00:00:00Z" or "fri 16:00", got "2026-12-24"
                7:39: error[invalid-time] pipelines.p.policy.freeze[0].to: expected a time such as "2026-12-24T00:00:00Z" or "fri 16:00", got "2026-13-24T00:00:00Z"
                7:74: error[invalid-time] pipelines.p.policy.freeze[1].from: expected a time such as "2026-12-24T00:00:00Z" or "fri 16:00", got "2026-12-24T00:00:00+01:00"
                7:108: error[wrong-type] pipelines.p.policy.freeze[1].to: expected a string, got the number 5
            freeze = [{ from = 'mon 00:00' }, 3, { until = 'mon 00:00' }]
                7:11: error[missing-field] pipelines.p.policy.freeze[0]: the field 'to' is missing
                7:35: error[wrong-type] pipelines.p.policy.freeze[1]: expected a table, got the number 3
                7:38: error[missing-field] pipelines.p.policy.freeze[2]: the field 'from' is missing
                7:38: error[missing-field] pipelines.p.policy.freeze[2]: the field 'to' is missing
                7:40: error[unknown-field] pipelines.p.policy.freeze[2].until: unknown field 'until' (hint: known here: from, to)
            freeze = [{ from = 2026-12-24T00:00:00Z, to = 'mon 08:00' }]
                7:20: error[wrong-type]: no setting is a date or a time, got 2026-12-24T00:00:00Z (hint: put text in quotes)
        "#]],
    );
}
