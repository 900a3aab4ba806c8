//! What a pipeline promises beside an answer: deadlines, classes, shares, and what is joined on the way.

use std::thread;

use serde_json::{Value, json};

use crate::daemon::{Daemon, House, Reply, agent, reply};

fn input(value: f64) -> Value {
    json!([{ "name": "x", "shape": [1, 1], "datatype": "FP32", "data": [value] }])
}

/// A house with a model that takes half a second, one computation at a time.
fn slow_house(limits: &str) -> House {
    let house = House::new();
    house.fake("slow/1", "behaviour = \"slow\"\ndelay = \"500ms\"\n");
    let text = format!("[limits]\ninstances = 1\n{limits}");
    house.write("models/slow/model.toml", &text);
    house
}

fn post(daemon: &Daemon, name: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
    let url = format!("http://{}/v2/models/{name}/infer", daemon.http);
    let mut request = agent().post(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    reply(request.send(body.to_string()))
}

/// Takes the model's only instance for half a second.
fn occupy<'s>(scope: &'s thread::Scope<'s, '_>, daemon: &'s Daemon) {
    scope.spawn(|| assert_eq!(daemon.infer("slow", input(0.0)).status, 200));
    daemon.until_busy("slow", 1);
}

#[test]
fn what_waits_is_computed_together_and_everybody_gets_their_own() {
    let house = slow_house("");
    let daemon = house.serve();
    thread::scope(|scope| {
        occupy(scope, &daemon);
        for n in 1..=8 {
            let daemon = &daemon;
            scope.spawn(move || {
                let value = f64::from(n);
                let answer = daemon.infer("slow", input(value));
                assert_eq!(answer.output("x"), [value], "{answer:?}");
            });
        }
    });
    let stats = daemon.get("/v2/models/slow/stats");
    let stats = &stats.body["model_stats"][0];
    assert_eq!(stats["inference_count"], 9, "{stats}");
    let executions = stats["execution_count"].as_u64().unwrap();
    assert!((2..9).contains(&executions), "{stats}");
}

#[test]
fn a_full_queue_sheds_the_less_urgent_first() {
    let house = slow_house("queue = 1\njoin = 1\n");
    let daemon = house.serve();
    let asked = |value: f64, priority: u64| json!({ "inputs": input(value), "parameters": { "priority": priority } });
    thread::scope(|scope| {
        occupy(scope, &daemon);
        let low = scope.spawn(|| post(&daemon, "slow", &[], &asked(1.0, 3)));
        daemon.until_waiting("slow", 1);
        let same = post(&daemon, "slow", &[], &asked(2.0, 3));
        assert_eq!(same.status, 503, "{same:?}");
        assert!(same.error().contains("1 requests are waiting"), "{same:?}");
        assert!(same.header("retry-after").is_some(), "{same:?}");
        let high = scope.spawn(|| post(&daemon, "slow", &[], &asked(3.0, 1)));
        let low = low.join().unwrap();
        assert_eq!(low.status, 503, "{low:?}");
        assert!(low.error().contains("more urgent"), "{low:?}");
        let high = high.join().unwrap();
        assert_eq!(high.output("x"), [3.0], "{high:?}");
    });
}

#[test]
fn a_deadline_is_kept_however_it_is_said_and_late_work_is_not_done() {
    let house = slow_house("join = 1\n");
    let daemon = house.serve();
    let body = json!({ "inputs": input(1.0) });
    let micros = json!({ "inputs": input(1.0), "parameters": { "timeout": 20_000 } });
    thread::scope(|scope| {
        occupy(scope, &daemon);
        let by_header = post(&daemon, "slow", &[("x-request-timeout", "20ms")], &body);
        let by_parameter = post(&daemon, "slow", &[], &micros);
        for late in [by_header, by_parameter] {
            assert_eq!(late.status, 504, "{late:?}");
            assert!(late.error().contains("20ms"), "{late:?}");
        }
    });
    // A request after those two: what was late was passed over, so only two were ever computed.
    assert_eq!(daemon.infer("slow", input(2.0)).status, 200);
    let stats = daemon.get("/v2/models/slow/stats");
    assert_eq!(
        stats.body["model_stats"][0]["execution_count"], 2,
        "{stats:?}"
    );
    let odd = post(&daemon, "slow", &[("x-request-timeout", "soon")], &body);
    assert_eq!(odd.status, 400, "{odd:?}");
}

#[test]
fn what_cannot_be_in_time_is_refused_at_once() {
    let house = slow_house("join = 1\n");
    let daemon = house.serve();
    // Its cost has to be known.
    for _ in 0..4 {
        assert_eq!(daemon.infer("slow", input(0.0)).status, 200);
    }
    let body = json!({ "inputs": input(1.0) });
    thread::scope(|scope| {
        occupy(scope, &daemon);
        scope.spawn(|| assert_eq!(daemon.infer("slow", input(0.0)).status, 200));
        daemon.until_waiting("slow", 1);
        let refused = post(&daemon, "slow", &[("x-request-timeout", "100ms")], &body);
        assert_eq!(refused.status, 503, "{refused:?}");
        assert!(
            refused.error().contains("what is waiting takes"),
            "{refused:?}"
        );
        assert!(refused.header("retry-after").is_some(), "{refused:?}");
    });
}

#[test]
fn a_substitute_is_answered_when_the_deadline_passes() {
    let house = slow_house("");
    let daemon = house.serve();
    let spec = json!({
        "deadline": "20ms",
        "on_deadline": { "x": [-1] },
        "policy": { "type": "standalone", "model": "slow" }
    });
    let put = daemon.admin_put("/pipelines/quick", &spec);
    assert_eq!(put.status, 201, "{put:?}");
    let two = json!([{ "name": "x", "shape": [2, 1], "datatype": "FP32", "data": [5, 6] }]);
    let answer = daemon.infer("quick", two);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.output("x"), [-1.0, -1.0], "{answer:?}");
    assert_eq!(
        answer.header("x-route-substitute"),
        Some("deadline"),
        "{answer:?}"
    );
    assert_eq!(
        answer.body["parameters"]["substitute"], "deadline",
        "{answer:?}"
    );
    let expired = "impresario_requests_total{pipeline=\"quick\",variant=\"standalone\",model=\"slow\",version=\"1\",outcome=\"expired\"} 1";
    assert!(daemon.metrics().contains(expired), "{}", daemon.metrics());
}

#[test]
fn a_client_gets_its_share_and_no_more() {
    let house = House::new();
    house.fake("echo/1", "behaviour = \"echo\"\n");
    let daemon = house.serve();
    let spec = json!({
        "key": { "header": "X-User-Id" },
        "rate_limit": { "requests": 2, "per": "1h" },
        "policy": { "type": "standalone", "model": "echo" }
    });
    let put = daemon.admin_put("/pipelines/shared", &spec);
    assert_eq!(put.status, 201, "{put:?}");
    let body = json!({ "inputs": input(1.0) });
    let ask = |user| post(&daemon, "shared", &[("x-user-id", user)], &body);
    for user in ["ann", "bob"] {
        assert_eq!([(); 2].map(|()| ask(user).status), [200, 200]);
        let refused = ask(user);
        assert_eq!(refused.status, 429, "{refused:?}");
        assert!(refused.error().contains("takes 2 requests"), "{refused:?}");
        let after: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=1_800).contains(&after), "{refused:?}");
    }
    let limited = "impresario_requests_total{pipeline=\"shared\",variant=\"standalone\",model=\"echo\",version=\"1\",outcome=\"limited\"} 2";
    assert!(daemon.metrics().contains(limited), "{}", daemon.metrics());
    // Nobody else is kept from the model itself.
    assert_eq!(daemon.infer("echo", input(1.0)).status, 200);
}
