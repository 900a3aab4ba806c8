//! Graphs on the real binary: what they answer, what befalls their nodes, what becomes of them as versions, and the policies
//! of those that they call.
//!
//! The members are fakes that give back what they get, unless the models themselves are what is looked at. A request has one
//! column `x`, a row for each value, so that everybody knows their own rows.

#![allow(
    clippy::unwrap_used,
    reason = "in a test a panic is the answer; helpers of tests are not recognised as tests"
)]

mod check;
mod faults;
mod grpc;
mod policies;
mod serve;
mod versions;

use serde_json::{Value, json};

use crate::daemon::{Daemon, House, Reply, agent, reply};

/// The port of the fakes.
const X: &str = "inputs = [{ name = \"x\", datatype = \"FP32\", shape = [-1, 1] }]\n";

/// A fake that gives back what it gets.
const ECHO: &str = "";
/// One that fails each time.
const FAILING: &str = "behaviour = \"flaky\"\nevery = 1\n";
/// One that fails every other time.
const FLAKY: &str = "behaviour = \"flaky\"\n";
/// One that takes half a second.
const SLOW: &str = "behaviour = \"slow\"\ndelay = \"500ms\"\n";
/// One that panics of 666.
const PANICKING: &str = "behaviour = \"panicking\"\n";

/// A house with fakes, by `model/version`. Each has one instance, so that what waits for it waits.
fn house(fakes: &[(&str, &str)]) -> House {
    let house = House::new();
    for (version, behaviour) in fakes {
        house.fake(version, &format!("{behaviour}{X}"));
        let (model, _) = version.split_once('/').unwrap();
        house.write(
            &format!("models/{model}/model.toml"),
            "[limits]\ninstances = 1\n",
        );
    }
    house
}

/// A graph with one output, `x`.
fn graph(nodes: &Value, output: &str) -> Value {
    json!({ "nodes": nodes, "outputs": { "x": output } })
}

/// A pipeline that is this graph.
fn composite(nodes: &Value, output: &str) -> Value {
    let mut policy = graph(nodes, output);
    policy["type"] = json!("composite");
    json!({ "policy": policy })
}

/// Makes or changes a pipeline, and waits until what it says is what answers.
fn put(daemon: &Daemon, name: &str, pipeline: &Value) -> Reply {
    let reply = daemon.admin_put(&format!("/pipelines/{name}"), pipeline);
    assert!(matches!(reply.status, 200 | 201), "{reply:?}");
    settled(daemon, name);
    reply
}

/// Waits until what a pipeline says is what answers; what it is then.
fn settled(daemon: &Daemon, name: &str) -> Reply {
    daemon.until(
        |daemon| daemon.admin_get(&format!("/pipelines/{name}")),
        |reply| {
            let serves = &reply.body["status"]["serves"];
            let policy = &reply.body["spec"]["policy"];
            let said = match policy["type"].as_str() {
                Some("composite" | "standalone") => serves["version"] == policy["version"],
                _ => !serves.is_null(),
            };
            let waits = reply.body["status"]["waits"].as_array();
            said && waits.is_some_and(Vec::is_empty)
        },
    )
}

/// The column of a request.
fn column(values: &[f64]) -> Value {
    json!([{ "name": "x", "shape": [values.len(), 1], "datatype": "FP32", "data": values }])
}

/// Asks with a column.
fn ask(daemon: &Daemon, name: &str, values: &[f64]) -> Reply {
    daemon.infer(name, column(values))
}

/// Asks with headers and parameters beside a column.
fn ask_with(
    daemon: &Daemon,
    name: &str,
    values: &[f64],
    headers: &[(&str, &str)],
    parameters: &Value,
) -> Reply {
    let body = json!({ "inputs": column(values), "parameters": parameters });
    post(daemon, name, headers, &body)
}

fn post(daemon: &Daemon, name: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
    let mut request = agent().post(format!("http://{}/v2/models/{name}/infer", daemon.http));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    reply(request.send(body.to_string()))
}

/// What `explain` says of a request.
fn explained(daemon: &Daemon, id: &str) -> Value {
    let told = daemon.until(
        |daemon| daemon.admin_get(&format!("/decisions/{id}")),
        |reply| reply.status == 200,
    );
    told.body
}

/// A node of what `explain` says.
fn node<'v>(explained: &'v Value, name: &str) -> &'v Value {
    let nodes = explained["nodes"].as_array().unwrap();
    let named = nodes.iter().find(|node| node["name"] == name);
    named.unwrap_or_else(|| panic!("no node {name}: {explained}"))
}

/// How many requests ended so at a version, through the pipeline or model of a name, as whatever variant.
fn counted(daemon: &Daemon, pipeline: &str, member: &str, outcome: &str) -> u64 {
    let (model, version) = member.split_once('/').unwrap();
    let begin = format!("impresario_requests_total{{pipeline=\"{pipeline}\",variant=\"");
    let end = format!("\",model=\"{model}\",version=\"{version}\",outcome=\"{outcome}\"}} ");
    let metrics = daemon.metrics();
    let of_version = metrics.lines().filter_map(|line| {
        let (_, count) = line.strip_prefix(&begin)?.split_once(&end)?;
        Some(count.parse::<u64>().unwrap())
    });
    of_version.sum()
}

/// How many requests a member answered.
fn answered(daemon: &Daemon, member: &str) -> u64 {
    let (model, _) = member.split_once('/').unwrap();
    counted(daemon, model, member, "success")
}

#[track_caller]
fn says(reply: &Reply, status: u16, parts: &[&str]) {
    assert_eq!(reply.status, status, "{reply:?}");
    for part in parts {
        assert!(reply.text.contains(part), "'{part}' in {reply:?}");
    }
}
