//! What befalls nodes: each remedy, retries, quorums, the whole deadline, callers who leave, and many callers at once.

use std::io::Write;
use std::net::TcpStream;
use std::thread;

use serde_json::{Value, json};

use super::{
    ECHO, FAILING, FLAKY, PANICKING, SLOW, answered, ask, ask_with, column, composite, counted,
    explained, house, node, put, says,
};
use crate::daemon::Daemon;

/// What is done where a node fails, and what is answered then in place of 1 and 2: values, and a word of the answer.
fn remedies() -> [(Value, [f64; 2], &'static str, &'static str); 3] {
    [
        (json!("skip"), [1.0, 2.0], "skipped", "b"),
        (
            json!({ "default": { "x": [9.0] } }),
            [5.0, 5.5],
            "defaulted",
            "b",
        ),
        (json!({ "fallback": "c" }), [1.0, 2.0], "fell_back", "b"),
    ]
}

/// A mean of one that answers and one that may not, within its time where it is the slow one.
fn pair(member: &str, on_error: &Value) -> Value {
    let timeout = if member == "slow" { "100ms" } else { "20s" };
    let nodes = json!({
        "a": { "model": "echo" },
        "b": { "model": member, "timeout": timeout, "on_error": on_error },
        "mean": { "ensemble": "mean", "of": ["a", "b"], "quorum": 1 },
        "c": { "model": "echo" },
    });
    let mut nodes = nodes;
    if on_error["fallback"].is_null() {
        nodes.as_object_mut().unwrap().remove("c");
    }
    composite(&nodes, "mean")
}

fn remedied(daemon: &Daemon, member: &str, values: &[f64; 2], trouble: &str) {
    for (at, (on_error, wanted, word, name)) in remedies().into_iter().enumerate() {
        let pipeline = format!("{member}-{at}");
        put(daemon, &pipeline, &pair(member, &on_error));
        let headers = [("x-request-id", &*pipeline)];
        let reply = ask_with(daemon, &pipeline, values, &headers, &json!({}));
        assert_eq!(reply.status, 200, "{reply:?}");
        if values == &[1.0, 2.0] {
            assert_eq!(reply.output("x"), wanted, "{on_error}: {reply:?}");
        }
        assert_eq!(reply.body["parameters"][word], name, "{reply:?}");
        let header = format!("x-route-{}", word.replace('_', "-"));
        assert_eq!(reply.header(&header), Some(name), "{reply:?}");
        let missing = (word == "skipped").then_some("mean: b");
        assert_eq!(reply.header("x-route-missing"), missing, "{reply:?}");
        let told = explained(daemon, &pipeline);
        let call = &node(&told, "b")["calls"][0];
        assert!(
            call["failure"].as_str().unwrap().contains(trouble),
            "{told}"
        );
        daemon.until(
            |daemon| daemon.version(member, 1),
            |version| version.body["phase"] == "ready",
        );
    }
}

#[test]
fn a_node_whose_time_is_over_has_each_remedy() {
    let house = house(&[("echo/1", ECHO), ("slow/1", SLOW)]);
    let daemon = house.serve();
    remedied(&daemon, "slow", &[1.0, 2.0], "the deadline of 100ms passed");
    put(&daemon, "fail", &pair("slow", &json!("fail")));
    let reply = ask(&daemon, "fail", &[1.0]);
    says(&reply, 504, &["node 'b': the deadline of 100ms passed"]);
}

#[test]
fn a_node_that_fails_has_each_remedy() {
    let house = house(&[("echo/1", ECHO), ("failing/1", FAILING)]);
    let daemon = house.serve();
    remedied(&daemon, "failing", &[1.0, 2.0], "failed");
    put(&daemon, "fail", &pair("failing", &json!("fail")));
    let reply = ask(&daemon, "fail", &[1.0]);
    says(&reply, 500, &["node 'b': model 'failing' version 1 failed"]);
}

#[test]
fn a_node_that_panics_has_each_remedy_and_harms_nobody_else() {
    let house = house(&[("echo/1", ECHO), ("bomb/1", PANICKING)]);
    let daemon = house.serve();
    put(&daemon, "fail", &pair("bomb", &json!("fail")));
    assert_eq!(ask(&daemon, "fail", &[1.0, 2.0]).output("x"), [1.0, 2.0]);
    says(
        &ask(&daemon, "fail", &[666.0, 2.0]),
        500,
        &["node 'b': model 'bomb' version 1 crashed"],
    );
    // It is built again by itself.
    daemon.until(
        |daemon| ask(daemon, "fail", &[1.0]),
        |reply| reply.status == 200,
    );
    for (at, (on_error, ..)) in remedies().into_iter().enumerate() {
        let pipeline = format!("p{at}");
        put(&daemon, &pipeline, &pair("bomb", &on_error));
        let reply = ask(&daemon, &pipeline, &[666.0, 2.0]);
        assert_eq!(reply.status, 200, "{on_error}: {reply:?}");
    }
}

#[test]
fn a_node_is_asked_again_as_often_as_it_says() {
    let house = house(&[("flaky/1", FLAKY), ("failing/1", FAILING)]);
    let daemon = house.serve();
    let with = |member: &str, attempts: u32| {
        let retry = json!({ "attempts": attempts, "backoff": "1ms" });
        composite(&json!({ "b": { "model": member, "retry": retry } }), "b")
    };
    put(&daemon, "p", &with("flaky", 2));
    for n in 0..20 {
        let reply = ask(&daemon, "p", &[f64::from(n)]);
        assert_eq!(reply.output("x"), [f64::from(n)], "{reply:?}");
    }
    assert_eq!(counted(&daemon, "p", "p/1", "success"), 20);
    let (good, bad) = (
        answered(&daemon, "flaky/1"),
        counted(&daemon, "flaky", "flaky/1", "failed"),
    );
    assert_eq!(
        (good, bad),
        (20, 19),
        "every other one fails, at the first time or the second"
    );
    put(&daemon, "q", &with("failing", 4));
    let reply = ask_with(&daemon, "q", &[1.0], &[("x-request-id", "q")], &json!({}));
    says(&reply, 500, &["node 'b': model 'failing' version 1 failed"]);
    let told = explained(&daemon, "q");
    let attempts: Vec<_> = node(&told, "b")["calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| call["attempt"].as_u64())
        .collect();
    assert_eq!(attempts, [Some(1), Some(2), Some(3), Some(4)], "{told}");
}

#[test]
fn a_quorum_is_met_or_the_answer_names_who_is_missing() {
    let house = house(&[("echo/1", ECHO), ("failing/1", FAILING)]);
    let daemon = house.serve();
    let of = |quorum: usize| {
        let nodes = json!({
            "a": { "model": "echo" },
            "b": { "model": "echo" },
            "c": { "model": "failing", "on_error": "skip" },
            "vote": { "ensemble": "mean", "of": ["a", "b", "c"], "quorum": quorum },
        });
        composite(&nodes, "vote")
    };
    put(&daemon, "met", &of(2));
    let met = ask(&daemon, "met", &[4.0]);
    assert_eq!(met.output("x"), [4.0], "{met:?}");
    assert_eq!(met.body["parameters"]["missing"], "vote: c", "{met:?}");
    put(&daemon, "missed", &of(3));
    let missed = ask(&daemon, "missed", &[4.0]);
    says(
        &missed,
        503,
        &[
            "node 'vote'",
            "expected 3 members at least, got 2",
            "'c' (model 'failing' version 1 failed)",
        ],
    );
    // What is skipped, and nobody can do without.
    let nodes = json!({ "c": { "model": "failing", "on_error": "skip" } });
    put(&daemon, "gone", &composite(&nodes, "c"));
    says(
        &ask(&daemon, "gone", &[4.0]),
        503,
        &["node 'c'", "output 'x'"],
    );
}

#[test]
fn the_whole_deadline_names_the_node_and_no_remedy_of_a_node_outlives_it() {
    let house = house(&[("echo/1", ECHO), ("slow/1", SLOW)]);
    let daemon = house.serve();
    for on_error in [
        json!("fail"),
        json!("skip"),
        json!({ "default": { "x": [9.0] } }),
    ] {
        let nodes = json!({
            "a": { "model": "echo" },
            "b": { "model": "slow", "inputs": { "x": "a" }, "on_error": on_error },
            "mean": { "ensemble": "mean", "of": ["a", "b"], "quorum": 1 },
        });
        let mut pipeline = composite(&nodes, "mean");
        pipeline["deadline"] = json!("400ms");
        put(&daemon, "p", &pipeline);
        for _ in 0..3 {
            let reply = ask(&daemon, "p", &[1.0]);
            says(&reply, 504, &["node 'b': the deadline of 400ms passed"]);
        }
        pipeline["on_deadline"] = json!({ "x": [-1.0] });
        put(&daemon, "p", &pipeline);
        let reply = ask(&daemon, "p", &[1.0, 2.0]);
        assert_eq!(reply.output("x"), [-1.0, -1.0], "{reply:?}");
        assert_eq!(
            reply.header("x-route-substitute"),
            Some("deadline"),
            "{reply:?}"
        );
    }
    // The caller may say less.
    let nodes = json!({ "b": { "model": "slow" } });
    put(&daemon, "inner", &composite(&nodes, "b"));
    put(
        &daemon,
        "outer",
        &composite(&json!({ "call": { "pipeline": "inner" } }), "call"),
    );
    let reply = ask_with(
        &daemon,
        "outer",
        &[1.0],
        &[("x-request-timeout", "60ms")],
        &json!({}),
    );
    says(
        &reply,
        504,
        &["node 'call': ", "the deadline of 60ms passed"],
    );
}

#[test]
fn what_a_caller_left_is_not_computed_and_nothing_stays_behind() {
    let slow = "behaviour = \"slow\"\ndelay = \"1500ms\"\n";
    let house = house(&[("slow/1", slow), ("other/1", slow)]);
    let daemon = house.serve();
    let nodes = json!({
        "one": { "model": "slow" },
        "two": { "model": "other" },
        "after": { "model": "slow", "inputs": { "x": "two" } },
        "mean": { "ensemble": "mean", "of": ["one", "after"] },
    });
    put(&daemon, "p", &composite(&nodes, "mean"));
    thread::scope(|scope| {
        // Both instances are busy with somebody else's request.
        for member in ["slow", "other"] {
            let daemon = &daemon;
            scope.spawn(move || assert_eq!(ask(daemon, member, &[0.0]).status, 200));
            daemon.until_busy(member, 1);
        }
        let body = json!({ "inputs": column(&[1.0]) }).to_string();
        let mut socket = TcpStream::connect(&daemon.http).unwrap();
        write!(
            socket,
            "POST /v2/models/p/infer HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        daemon.until_waiting("slow", 1);
        drop(socket);
    });
    let abandoned = |name: &str, member: &str| counted(&daemon, name, member, "abandoned");
    daemon.until(
        |daemon| daemon.get("/v2/health/live"),
        |_| abandoned("p", "p/1") == 1,
    );
    assert_eq!(
        (abandoned("slow", "slow/1"), abandoned("other", "other/1")),
        (1, 1)
    );
    for member in ["slow", "other"] {
        daemon.until_busy(member, 0);
        daemon.until_waiting(member, 0);
        // Another request goes first in line, so all before it is done with.
        assert_eq!(ask(&daemon, member, &[3.0]).status, 200);
        let stats = daemon.get(&format!("/v2/models/{member}/stats"));
        assert_eq!(
            stats.body["model_stats"][0]["execution_count"], 2,
            "{stats:?}"
        );
    }
    assert_eq!(ask(&daemon, "p", &[5.0]).output("x"), [5.0]);
}

#[test]
fn nobody_gets_the_rows_of_others() {
    let house = house(&[
        ("a/1", ECHO),
        ("b/1", ECHO),
        ("c/1", "behaviour = \"slow\"\ndelay = \"2ms\"\n"),
    ]);
    let daemon = house.serve();
    // Rows go to a or b, and all through c, where those of many callers are joined.
    let nodes = json!({
        "a": { "model": "a" },
        "b": { "model": "b" },
        "route": { "switch": [{ "when": "request.x > 0.0", "call": "a" }, { "else": "b" }] },
        "c": { "model": "c", "inputs": { "x": "route" } },
        "twice": { "map": "c + request.x", "as": "FP32" },
    });
    let mut pipeline = composite(&nodes, "c");
    pipeline["policy"]["outputs"]["twice"] = json!("twice");
    put(&daemon, "p", &pipeline);
    thread::scope(|scope| {
        for caller in 0..8_i32 {
            let daemon = &daemon;
            scope.spawn(move || {
                for n in 0..80_i32 {
                    let first = f64::from(caller * 1000 + n * 7 + 1);
                    let rows = 1 + n % 5;
                    let values: Vec<f64> = (0..rows)
                        .map(|row| if (row + n) % 2 == 0 { first } else { -first } + f64::from(row) / 8.0)
                        .collect();
                    let reply = ask(daemon, "p", &values);
                    assert_eq!(reply.output("x"), values, "{reply:?}");
                    let twice: Vec<f64> = values.iter().map(|value| value * 2.0).collect();
                    assert_eq!(reply.output("twice"), twice, "{reply:?}");
                }
            });
        }
    });
    assert_eq!(counted(&daemon, "p", "p/1", "success"), 640);
    let stats = daemon.get("/v2/models/c/stats");
    let executions = stats.body["model_stats"][0]["execution_count"].as_u64();
    assert!(executions < Some(640), "some were joined: {stats:?}");
}

#[test]
fn what_does_not_fit_is_refused_before_anybody_is_asked() {
    let house = house(&[("echo/1", ECHO)]);
    let daemon = house.serve();
    put(
        &daemon,
        "p",
        &composite(&json!({ "a": { "model": "echo" } }), "a"),
    );
    let wrong = [
        (
            json!([{ "name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2] }]),
            "[1, 2]",
        ),
        (
            json!([{ "name": "x", "shape": [1, 1], "datatype": "INT64", "data": [1] }]),
            "INT64",
        ),
        (
            json!([{ "name": "y", "shape": [1, 1], "datatype": "FP32", "data": [1] }]),
            "'y'",
        ),
        (json!([]), "'x'"),
    ];
    for (inputs, part) in wrong {
        says(&daemon.infer("p", inputs), 400, &[part]);
    }
    assert_eq!(answered(&daemon, "echo/1"), 0);
    assert_eq!(counted(&daemon, "p", "p/1", "refused"), 4);
}
