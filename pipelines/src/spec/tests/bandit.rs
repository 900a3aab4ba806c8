//! Bandits: what is written, what it becomes, and every way to get it wrong.

use expect_test::{Expect, expect};

use super::{check, check_each};

/// A bandit with more fields of its policy.
fn with(fragments: &[&str], expected: &Expect) {
    let wrap = |fragment: &str| {
        format!(
            "version = 1\n[pipelines.p.policy]\ntype = 'bandit'\n\
             arms = [{{ name = 'a', model = 'm', version = 1 }}, {{ name = 'b', model = 'm', version = 2 }}]\n\
             reward = {{ metric = 'click' }}\n{fragment}\n"
        )
    };
    check_each(wrap, fragments, expected);
}

const FULL: &str = r#"
version = 1
[pipelines.rank.policy]
type = "bandit"
arms = [
    { name = "control", model = "rank", version = 1 },
    { name = "wide", model = "rank", version = 2 },
]
seed = "rank-2026"
reward = { metric = "revenue", kind = "number" }
algorithm = { thompson = { top_two = true } }
floor = "5%"
period = "30s"
max_change = 0.25
half_life = "1d"
reward_within = "2h"
safety = [ { metric = "errors", kind = "binary", mde = 0.5 } ]
"#;

#[test]
fn every_field_can_be_written_and_few_must_be() {
    check(
        "a.toml",
        FULL,
        &expect![[r#"
        rank a.toml:3:12 {"policy":{"type":"bandit","arms":[{"name":"control","model":"rank","version":1},{"name":"wide","model":"rank","version":2}],"seed":"rank-2026","reward":{"metric":"revenue","kind":"number"},"algorithm":{"thompson":{"top_two":true}},"floor":0.05,"period":"30s","max_change":0.25,"half_life":"1day","reward_within":"2h","safety":[{"metric":"errors","kind":"binary","better":"lower","mde":0.5}]}}
    "#]],
    );
    with(
        &[""],
        &expect![[r#"
            (nothing)
                {"policy":{"type":"bandit","arms":[{"name":"a","model":"m","version":1},{"name":"b","model":"m","version":2}],"seed":"p","reward":{"metric":"click","kind":"binary"},"algorithm":"thompson","floor":0.01,"period":"1m","max_change":0.1,"reward_within":"1h"}}
        "#]],
    );
}

#[test]
fn algorithms_are_words_or_tables() {
    with(
        &[
            "algorithm = 'thompson'",
            "algorithm = 'ucb1'",
            "algorithm = { epsilon_greedy = 0.1 }",
            "algorithm = { thompson = { top_two = false } }",
            "algorithm = 'epsilon_greedy'",
            "algorithm = 'tompson'",
            "algorithm = 'exp3'",
            "algorithm = 3",
            "algorithm = { }",
            "algorithm = { thompson = {}, epsilon_greedy = 0.1 }",
            "algorithm = { thompson = { top_tow = true } }",
            "algorithm = { epsilon_greedy = 0 }",
            "algorithm = { epsilon_greedy = 10 }",
        ],
        &expect![[r#"
            algorithm = 'thompson'
                {"policy":{"type":"bandit","arms":[{"name":"a","model":"m","version":1},{"name":"b","model":"m","version":2}],"seed":"p","reward":{"metric":"click","kind":"binary"},"algorithm":"thompson","floor":0.01,"period":"1m","max_change":0.1,"reward_within":"1h"}}
            algorithm = 'ucb1'
                {"policy":{"type":"bandit","arms":[{"name":"a","model":"m","version":1},{"name":"b","model":"m","version":2}],"seed":"p","reward":{"metric":"click","kind":"binary"},"algorithm":"ucb1","floor":0.01,"period":"1m","max_change":0.1,"reward_within":"1h"}}
            algorithm = { epsilon_greedy = 0.1 }
                {"policy":{"type":"bandit","arms":[{"name":"a","model":"m","version":1},{"name":"b","model":"m","version":2}],"seed":"p","reward":{"metric":"click","kind":"binary"},"algorithm":{"epsilon_greedy":0.1},"floor":0.01,"period":"1m","max_change":0.1,"reward_within":"1h"}}
            algorithm = { thompson = { top_two = false } }
                {"policy":{"type":"bandit","arms":[{"name":"a","model":"m","version":1},{"name":"b","model":"m","version":2}],"seed":"p","reward":{"metric":"click","kind":"binary"},"algorithm":"thompson","floor":0.01,"period":"1m","max_change":0.1,"reward_within":"1h"}}
            algorithm = 'epsilon_greedy'
                6:13: error[missing-field] pipelines.p.policy.algorithm: epsilon_greedy needs the share that it explores with (hint: write { epsilon_greedy = 0.1 })
            algorithm = 'tompson'
                6:13: error[unknown-value] pipelines.p.policy.algorithm: expected thompson, ucb1, got "tompson" (hint: did you mean 'thompson'?)
            algorithm = 'exp3'
                6:13: error[unknown-value] pipelines.p.policy.algorithm: expected thompson, ucb1, got "exp3"
            algorithm = 3
                6:13: error[wrong-type] pipelines.p.policy.algorithm: expected "thompson", "ucb1" or a table, got the number 3
            algorithm = { }
                6:13: error[ambiguous] pipelines.p.policy.algorithm: expected one of thompson, epsilon_greedy, got none
            algorithm = { thompson = {}, epsilon_greedy = 0.1 }
                6:13: error[ambiguous] pipelines.p.policy.algorithm: expected one of thompson, epsilon_greedy, got both
            algorithm = { thompson = { top_tow = true } }
                6:28: error[unknown-field] pipelines.p.policy.algorithm.thompson.top_tow: unknown field 'top_tow' (hint: did you mean 'top_two'?)
            algorithm = { epsilon_greedy = 0 }
                6:32: error[out-of-range] pipelines.p.policy.algorithm.epsilon_greedy: expected a share from 0.0001 to 1, got the number 0
            algorithm = { epsilon_greedy = 10 }
                6:32: error[out-of-range] pipelines.p.policy.algorithm.epsilon_greedy: expected a share from 0.0001 to 1, got the number 10 (hint: write "10%" for per cent)
        "#]],
    );
}

#[test]
fn limits_leave_something_to_learn_with() {
    with(
        &[
            "floor = 0.5",
            "floor = 0",
            "floor = 0.499",
            "period = '0s'\nmax_change = 0\nhalf_life = '1s'\nreward_within = '60d'",
            "safety = [{ metric = 'x', kind = 'binary' }, { metric = 'x', kind = 'binary' }]",
            "seed = ''",
            "goals = []",
        ],
        &expect![[r#"
            floor = 0.5
                6:9: error[out-of-range] pipelines.p.policy.floor: a floor of 0.5 for each of 2 arms leaves nothing to learn with (hint: write less than an even share, which is 0.5000)
            floor = 0
                6:9: error[out-of-range] pipelines.p.policy.floor: expected a share from 0.0001 to 1, got the number 0
            floor = 0.499
                {"policy":{"type":"bandit","arms":[{"name":"a","model":"m","version":1},{"name":"b","model":"m","version":2}],"seed":"p","reward":{"metric":"click","kind":"binary"},"algorithm":"thompson","floor":0.499,"period":"1m","max_change":0.1,"reward_within":"1h"}}
            period = '0s'
            max_change = 0
            half_life = '1s'
            reward_within = '60d'
                6:10: error[out-of-range] pipelines.p.policy.period: expected a duration from 1s to 30days, got "0s"
                7:14: error[out-of-range] pipelines.p.policy.max_change: expected a share from 0.0001 to 1, got the number 0
                8:13: error[out-of-range] pipelines.p.policy.half_life: expected a duration from 1m to 30days, got "1s"
                9:17: error[out-of-range] pipelines.p.policy.reward_within: expected a duration from 1s to 30days, got "60d"
            safety = [{ metric = 'x', kind = 'binary' }, { metric = 'x', kind = 'binary' }]
                6:46: error[duplicate] pipelines.p.policy.safety[1]: 'x' (binary) is there twice, first at pipelines.p.policy.safety[0] (hint: keep one of the two)
            seed = ''
                6:8: error[empty] pipelines.p.policy.seed: expected a text, got ""
            goals = []
                6:1: error[unknown-field] pipelines.p.policy.goals: unknown field 'goals' (hint: known here: type, arms, seed, reward, algorithm, floor, period, max_change, half_life, reward_within, safety)
        "#]],
    );
}

#[test]
fn arms_and_rewards_are_needed() {
    let wrap = |fragment: &str| {
        format!("version = 1\n[pipelines.p.policy]\ntype = 'bandit'\n{fragment}\n")
    };
    check_each(
        wrap,
        &[
            "",
            "arms = []\nreward = { kind = 'binry' }",
            "arms = [{ name = 'a', model = 'm', version = 1, weight = 50 }, { name = 'b', model = 'm', version = 1 }]\nreward = 'click'",
        ],
        &expect![[r#"
            (nothing)
                2:14: error[missing-field] pipelines.p.policy: the field 'arms' is missing
                2:14: error[missing-field] pipelines.p.policy: the field 'reward' is missing
            arms = []
            reward = { kind = 'binry' }
                4:8: error[empty] pipelines.p.policy.arms: expected a list of 2 to 10, got 0
                5:1: error[missing-field] pipelines.p.policy.reward: the field 'metric' is missing
                5:19: error[unknown-value] pipelines.p.policy.reward.kind: expected binary, number, got "binry" (hint: did you mean 'binary'?)
            arms = [{ name = 'a', model = 'm', version = 1, weight = 50 }, { name = 'b', model = 'm', version = 1 }]
            reward = 'click'
                4:49: error[unknown-field] pipelines.p.policy.arms[0].weight: unknown field 'weight' (hint: known here: name, model, version)
                4:64: error[same-version] pipelines.p.policy.arms[1]: version 1 of 'm' is arm 'a' too (hint: name another version, or leave the arm out)
                5:10: error[wrong-type] pipelines.p.policy.reward: expected a table, got "click"
        "#]],
    );
}
