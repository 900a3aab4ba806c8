//! Going down: readiness first, requests in flight finish, exit 0.

use std::thread;

use serde_json::json;

use crate::daemon::{Daemon, House, agent, iris, reply};

const SLOW: &str = "behaviour = \"slow\"\ndelay = \"1500ms\"\n";

#[test]
fn a_request_in_flight_is_answered() {
    for signal in ["TERM", "INT"] {
        let house = House::new();
        house.fake("slow/1", SLOW);
        let daemon = house.serve();
        assert_eq!(daemon.get("/v2/health/ready").status, 200);
        let url = format!("http://{}/v2/models/slow/infer", daemon.http);
        let body = json!({ "inputs": fake_input() }).to_string();
        let caller = thread::spawn(move || reply(agent().post(url).send(body)));
        let http = daemon.http.clone();
        daemon.until_busy("slow", 1);
        daemon.signal(signal);
        let ready = format!("http://{http}/v2/health/ready");
        let unready = loop {
            // Either the socket still answers, and says no, or it is closed already.
            match agent().get(&ready).call() {
                Ok(response) if response.status() == 200 => {}
                Ok(response) => break Some(response.status().as_u16()),
                Err(_) => break None,
            }
        };
        assert_eq!(
            unready,
            Some(503),
            "readiness goes first, while the request is in flight"
        );
        let answer = caller.join().unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        let status = daemon.wait();
        assert_eq!(status.code(), Some(0));
    }
}

#[test]
fn the_grace_period_ends_what_does_not_end() {
    let house = endless();
    let daemon = house.serve_with(&["--grace", "500ms"]);
    let caller = call(&daemon);
    daemon.signal("TERM");
    let status = daemon.wait();
    assert_ne!(
        status.code(),
        Some(0),
        "a request was cut off, and the exit code says so"
    );
    assert_ne!(caller.join().unwrap().ok(), Some(200));
}

#[test]
fn a_second_signal_ends_the_wait() {
    let house = endless();
    let daemon = house.serve_with(&["--grace", "100s"]);
    let caller = call(&daemon);
    daemon.signal("TERM");
    daemon.until(|d| d.get("/v2/health/ready"), |r| r.status == 503);
    daemon.signal("TERM");
    daemon.wait();
    assert_ne!(caller.join().unwrap().ok(), Some(200));
}

/// A version whose answer nobody lives to see.
fn endless() -> House {
    let house = House::new();
    house.fake("slow/1", "behaviour = \"slow\"\ndelay = \"100s\"\n");
    house.write(
        "models/slow/model.toml",
        "version = 1\n[warmup]\nruns = 0\n",
    );
    house
}

/// Calls it, and returns when it is being computed.
fn call(daemon: &Daemon) -> thread::JoinHandle<Result<u16, ureq::Error>> {
    let url = format!("http://{}/v2/models/slow/infer", daemon.http);
    let body = json!({ "inputs": fake_input() }).to_string();
    let caller = thread::spawn(move || {
        agent()
            .post(url)
            .send(body)
            .map(|response| response.status().as_u16())
    });
    daemon.until_busy("slow", 1);
    caller
}

fn fake_input() -> serde_json::Value {
    json!([{ "name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1.0] }])
}

#[test]
fn it_goes_down_while_hundreds_wait_for_their_turn() {
    let house = House::new();
    house.real("iris-linear/1", "iris/1");
    house.write(
        "impresario.toml",
        "version = 1\n[models]\npoll = \"100ms\"\nsettle = \"100ms\"\nloaders = 2\n",
    );
    let daemon = house.serve_config();
    for number in 0..300 {
        let version = format!("echo-{number:03}/1");
        house.fake(&version, "load = { delay = \"100ms\" }\n");
    }
    daemon.until(
        |d| d.admin_get("/status"),
        |r| r.text.contains("\"queued\"") && r.text.contains("\"loading\""),
    );
    // Who is served already is served on, whoever comes.
    let reply = daemon.infer("iris", iris(&[5.1, 3.5, 1.4, 0.2]));
    assert_eq!(reply.status, 200, "{reply:?}");
    daemon.signal("TERM");
    assert!(daemon.wait().success());
}
