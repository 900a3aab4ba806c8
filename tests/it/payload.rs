//! The payload log of the real binary: what is kept, what is not, and what a kill leaves of it.

use std::fs;
use std::path::PathBuf;

use impresario::grpc::proto::ModelInferRequest;
use impresario::grpc::proto::model_infer_request::InferInputTensor;
use serde_json::{Value, json};
use tonic::Request;

use crate::daemon::{Daemon, House, agent, impresario, reply};
use crate::grpc::client::Client;

/// A house whose requests are kept in `payload`.
fn house(settings: &str) -> House {
    let house = House::new();
    let text = format!(
        "version = 1\n[models]\npoll = \"0s\"\n[payload_log]\npath = \"payload\"\nsample = 1.0\n{settings}"
    );
    house.write("impresario.toml", &text);
    house.fake(
        "echo/1",
        "inputs = [{ name = \"x\", datatype = \"FP64\", shape = [-1] }, { name = \"who\", datatype = \"BYTES\", shape = [-1] }]\n",
    );
    house
}

fn files(house: &House) -> Vec<PathBuf> {
    let folder = fs::read_dir(house.path().join("payload")).unwrap();
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// All records, in their order.
fn records(house: &House) -> Vec<Value> {
    let texts = files(house)
        .into_iter()
        .map(|file| fs::read_to_string(file).unwrap());
    let text: String = texts.collect();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Waits until so many records were written since the daemon began.
fn written(daemon: &Daemon, count: u64) {
    daemon.until(
        |daemon| daemon.admin_get("/status"),
        |status| status.body["payload_log"]["written"] == count,
    );
}

fn post(daemon: &Daemon, id: &str, path: &str, body: &Value) -> crate::daemon::Reply {
    let request = agent().post(format!("http://{}/v2/models/{path}/infer", daemon.http));
    reply(request.header("x-request-id", id).send(body.to_string()))
}

fn asked(numbers: &[f64], who: &str) -> Value {
    let whos = vec![who; numbers.len()];
    json!({
        "parameters": {"tier": "platinum", "user": who},
        "inputs": [
            {"name": "x", "datatype": "FP64", "shape": [numbers.len()], "data": numbers},
            {"name": "who", "datatype": "BYTES", "shape": [numbers.len()], "data": whos},
        ],
    })
}

/// What the command line shows of a house's log.
fn shown(house: &House, more: &[&str]) -> String {
    let mut command = impresario();
    command
        .args(["payload", "--config"])
        .arg(house.path().join("impresario.toml"));
    let output = command.args(more).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn requests_are_kept_to_be_asked_again_and_secrets_are_not() {
    let house = house("redact = [\"input:who\", \"output:who\", \"parameter:user\"]\n");
    house.fake("flaky/1", "behaviour = \"flaky\"\nevery = 1\n");
    let daemon = house.serve_config();
    let numbers = [0.1, -0.0, 1e-310, 123_456_789.123_456_79];
    let first = post(&daemon, "one", "echo", &asked(&numbers, "a-secret"));
    assert_eq!(first.status, 200, "{first:?}");
    let odd =
        json!({"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": ["a-secret"]}]});
    assert_eq!(post(&daemon, "two", "echo", &odd).status, 400);
    let ones =
        json!({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1, 2.5]}]});
    assert_eq!(
        post(&daemon, "three", "flaky/versions/1", &ones).status,
        500
    );
    assert_eq!(post(&daemon, "four", "echo/versions/7", &ones).status, 404);
    assert_eq!(post(&daemon, "five", "nobody", &ones).status, 404);
    written(&daemon, 4);
    let all = records(&house);
    let find = |id: &str| all.iter().find(|record| record["id"] == id).unwrap();
    assert!(
        all.iter()
            .all(|record| !record.to_string().contains("a-secret")),
        "{all:?}"
    );

    let one = find("one");
    assert_eq!(
        (&one["pipeline"], &one["outcome"], &one["variant"]),
        (&json!("echo"), &json!("success"), &json!("standalone"))
    );
    assert_eq!(
        (&one["version"], &one["why"], &one["request"]["parameters"]),
        (&json!("1"), &json!("only"), &json!({"tier": "platinum"}))
    );
    assert_eq!(
        one["request"]["inputs"][1],
        json!({"name": "who", "datatype": "BYTES", "shape": [4], "redacted": true})
    );
    assert_eq!(one["outputs"][0]["data"], json!(numbers));
    // The data of what is not redacted is asked again as it was, to the bit.
    let mut again = one["request"].clone();
    again["inputs"][1] =
        json!({"name": "who", "datatype": "BYTES", "shape": [4], "data": ["", "", "", ""]});
    let same = post(&daemon, "six", "echo", &again);
    assert_eq!(same.body["outputs"][0], first.body["outputs"][0]);
    assert!(
        same.text.contains("-0.0") && same.text.contains("1e-310"),
        "{same:?}"
    );

    let two = find("two");
    assert_eq!(
        (&two["outcome"], &two["error"]["code"]),
        (&json!("refused"), &json!("invalid"))
    );
    assert!(
        two["request"].is_null() && two["outputs"].is_null(),
        "{two}"
    );
    let three = find("three");
    assert_eq!(
        (
            &three["outcome"],
            &three["variant"],
            &three["why"],
            &three["version"]
        ),
        (
            &json!("failed"),
            &json!("direct"),
            &json!("direct"),
            &json!("1")
        )
    );
    assert_eq!(three["error"]["message"], "model 'flaky' version 1 failed");
    assert_eq!(three["request"]["inputs"][0]["data"], json!([1.0, 2.5]));
    assert_eq!(find("four")["error"]["code"], "unknown-version");

    written(&daemon, 5);
    let failed = shown(&house, &["--failed", "--output", "json"]);
    assert_eq!(failed.lines().count(), 3, "{failed}");
    let table = shown(&house, &["--pipeline", "flaky", "--since", "10m"]);
    assert!(
        table.contains("three") && table.contains("direct 1") && !table.contains("four"),
        "{table}"
    );
    assert_eq!(
        shown(&house, &["-n", "1", "--output", "json"])
            .lines()
            .count(),
        1
    );
    let metrics = daemon.metrics();
    assert!(
        metrics.contains("impresario_payload_records_total{result=\"written\"} 5"),
        "{metrics}"
    );
    let log = daemon.log();
    assert!(
        log.contains("payload log") && !log.contains("a-secret") && !log.contains("platinum"),
        "{log}"
    );
}

#[test]
fn a_key_is_kept_as_a_hash_and_a_version_that_is_covered_counts_as_failed() {
    let house = house("");
    house.fake("m/1", "behaviour = \"echo\"\n");
    house.fake("m/2", "behaviour = \"flaky\"\nevery = 1\n");
    let pipeline = json!({
        "key": [{"parameter": "user"}],
        "policy": {"type": "canary", "model": "m", "stable": 1, "canary": 2,
                   "steps": [{"set_weight": 50}, {"pause": "approval"}], "rescue": true},
    });
    let daemon = house.serve_config();
    let put = daemon.admin_put("/pipelines/front", &pipeline);
    assert_eq!(put.status, 201, "{put:?}");
    daemon.until(
        |daemon| daemon.admin_get("/pipelines/front/rollout"),
        |rollout| rollout.body["weight"] == 50.0,
    );
    for at in 0..20 {
        let body = json!({
            "parameters": {"user": format!("user-{at}"), "tier": 3},
            "inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 1], "data": [at]}],
        });
        assert_eq!(post(&daemon, &format!("r{at}"), "front", &body).status, 200);
    }
    written(&daemon, 20);
    let all = records(&house);
    let covered: Vec<&Value> = all
        .iter()
        .filter(|record| !record["rescue"].is_null())
        .collect();
    assert!(!covered.is_empty(), "{all:?}");
    for record in &covered {
        assert_eq!(
            record["rescue"],
            json!({"from": "canary", "why": "failed", "model": "m", "version": "2"})
        );
        assert_eq!(
            (&record["variant"], &record["version"], &record["outcome"]),
            (&json!("canary"), &json!("1"), &json!("success"))
        );
    }
    for record in &all {
        assert!(!record.to_string().contains("user-"), "{record}");
        assert_eq!(record["request"]["parameters"], json!({"tier": 3}));
        assert_eq!(record["unit"].as_str().unwrap().len(), 32);
        assert_eq!(record["redacted"], json!(["parameter:user"]));
    }
    let failed = shown(&house, &["--failed", "--output", "json"]);
    assert_eq!(failed.lines().count(), covered.len());
}

#[test]
fn a_kill_loses_nothing_that_was_written_and_a_torn_line_harms_nobody() {
    let house = house("");
    let daemon = house.serve_config();
    for at in 0..50 {
        post(
            &daemon,
            &format!("before-{at}"),
            "echo",
            &asked(&[0.5], "w"),
        );
    }
    written(&daemon, 50);
    daemon.kill();
    let torn = files(&house).pop().unwrap();
    let text = fs::read_to_string(&torn).unwrap();
    assert_eq!(text.lines().count(), 50);
    fs::write(&torn, format!("{text}{{\"v\":1,\"id\":\"torn")).unwrap();
    let daemon = house.serve_config();
    post(&daemon, "after", "echo", &asked(&[0.5], "w"));
    daemon.signal("TERM");
    assert!(daemon.wait().success());
    // What was asked last is there, in a file of its own.
    let all = files(&house);
    assert_eq!(all.len(), 2, "{all:?}");
    let lines = shown(&house, &["-n", "100", "--output", "json"]);
    assert_eq!(lines.lines().count(), 51, "{lines}");
    assert!(lines.lines().last().unwrap().contains("\"after\"") && !lines.contains("torn"));
}

#[test]
fn the_disk_is_bounded() {
    let house =
        house("max_record = \"4KiB\"\nmax_file = \"8KiB\"\nmax_files = 3\nmax_total = \"24KiB\"\n");
    let daemon = house.serve_config();
    for at in 0..200 {
        // Every tenth is too large for its data.
        let numbers = vec![0.25; if at % 10 == 0 { 2_000 } else { 3 }];
        assert_eq!(
            post(&daemon, &format!("r{at}"), "echo", &asked(&numbers, "w")).status,
            200
        );
    }
    written(&daemon, 200);
    let sizes: Vec<u64> = files(&house)
        .iter()
        .map(|file| file.metadata().unwrap().len())
        .collect();
    assert!(
        sizes.len() <= 3 && sizes.iter().all(|size| *size <= 8 << 10),
        "{sizes:?}"
    );
    let all = records(&house);
    assert_eq!(all.last().unwrap()["id"], "r199");
    let large = all.iter().find(|record| record["id"] == "r190").unwrap();
    assert!(
        large["left_out"].as_str().unwrap().contains("max_record"),
        "{large}"
    );
    assert_eq!(
        large["request"]["inputs"][0],
        json!({"name": "x", "datatype": "FP64", "shape": [2000], "left_out": true})
    );
    let status = daemon.admin_get("/status");
    assert_eq!(status.body["payload_log"]["shed"], 20, "{status:?}");
}

#[actix_rt::test]
async fn both_doors_are_kept_and_what_json_cannot_carry_too() {
    let house = house("");
    house.fake(
        "half/1",
        "inputs = [{ name = \"x\", datatype = \"FP16\", shape = [-1] }]\n",
    );
    let daemon = house.serve_config();
    let client = Client::connect(&daemon.grpc).await;
    let request = ModelInferRequest {
        model_name: "half".to_owned(),
        inputs: vec![InferInputTensor {
            name: "x".to_owned(),
            datatype: "FP16".to_owned(),
            shape: vec![2],
            ..InferInputTensor::default()
        }],
        raw_input_contents: vec![vec![0, 0x3c, 0, 0xc0].into()],
        ..ModelInferRequest::default()
    };
    client.infer(Request::new(request)).await.unwrap();
    written(&daemon, 1);
    let record = &records(&house)[0];
    let x = json!({"name": "x", "datatype": "FP16", "shape": [2], "encoding": "base64 of little-endian binary data", "data": "ADwAwA=="});
    assert_eq!(
        (&record["request"]["inputs"][0], &record["outputs"][0]),
        (&x, &x),
        "{record}"
    );
    assert_eq!(
        record["request"]["outputs"],
        json!([{"name": "x", "parameters": {"binary_data": true}}])
    );
}

#[test]
fn it_is_off_by_default_and_a_folder_that_cannot_be_is_refused() {
    let house = House::new();
    house.fake("echo/1", "behaviour = \"echo\"\n");
    let daemon = house.serve();
    let ones = json!([{"name": "x", "datatype": "FP32", "shape": [1, 1], "data": [1]}]);
    assert_eq!(daemon.infer("echo", ones).status, 200);
    assert!(daemon.admin_get("/status").body["payload_log"].is_null());
    assert!(!daemon.metrics().contains("impresario_payload"));
    drop(daemon);
    let file = house.write("file", "no folder");
    house.write(
        "impresario.toml",
        "version = 1\n[payload_log]\npath = \"file\"\n",
    );
    let mut command = house.command();
    let (_, text) = house.refused(
        command
            .arg("--config")
            .arg(house.path().join("impresario.toml")),
    );
    assert!(
        text.contains("payload_log.path") && text.contains(file.to_str().unwrap()),
        "{text}"
    );
}
