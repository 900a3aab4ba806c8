//! What graphs answer: rows go their own ways, each node is asked once and only where it is needed, and the answer says who
//! took part.

use std::fs;

use serde_json::{Value, json};

use super::{
    ECHO, SLOW, answered, ask, ask_with, composite, counted, explained, house, node, put, says,
};
use crate::daemon::{Daemon, House, Reply, copy, root};

/// The example's models and graphs.
fn example() -> Example {
    let house = House::new();
    let example = root().join("examples/composite");
    copy(&example.join("models"), &house.models());
    copy(&example.join("pipelines"), &house.path().join("pipelines"));
    house.write(
        "impresario.toml",
        "version = 1\n[pipelines]\nfiles = [\"pipelines/*.toml\", \"pipelines/*.yaml\"]\n",
    );
    let daemon = house.serve_config();
    Example {
        daemon,
        _house: house,
    }
}

/// A daemon, and its house.
struct Example {
    daemon: Daemon,
    _house: House,
}

/// A request of the example.
fn request(name: &str) -> Value {
    let path = root().join(format!("examples/composite/requests/{name}.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Asks a pipeline of the example once it answers.
fn once_ready(daemon: &Daemon, name: &str, inputs: &Value) -> Reply {
    daemon.until(
        |daemon| daemon.infer(name, inputs.clone()),
        |reply| reply.status == 200,
    )
}

#[test]
fn rows_go_their_own_ways_and_come_back_in_order() {
    let example = example();
    let daemon = &example.daemon;
    let inputs = request("cascade")["inputs"].clone();
    let pixels = inputs[0]["data"].as_array().unwrap();
    let digits: Vec<&[Value]> = pixels.chunks(64).collect();
    let of = |rows: &[usize]| {
        let data: Vec<&Value> = rows.iter().flat_map(|row| digits[*row]).collect();
        json!([{ "name": "X", "shape": [rows.len(), 64], "datatype": "FP32", "data": data }])
    };
    let strong = || answered(daemon, "strong/1");
    // The first digit alone is one that the cheap model is sure of.
    let first = once_ready(daemon, "cascade", &of(&[0]));
    assert_eq!(
        (first.output("label"), strong()),
        (vec![2.0], 0),
        "{first:?}"
    );
    assert_eq!(
        first.body["parameters"]["nodes"], "cheap=cheap/1, sure, route",
        "{first:?}"
    );
    let alone = [
        first,
        daemon.infer("cascade", of(&[1])),
        daemon.infer("cascade", of(&[2])),
    ];
    assert_eq!(strong(), 2);
    let cheap = answered(daemon, "cheap/1");
    let order = [1, 0, 2, 0, 0, 1, 2, 1];
    let body = json!({ "inputs": of(&order), "id": "together" });
    let headers = [("x-request-id", "together")];
    let together = super::post(daemon, "cascade", &headers, &body);
    // Three nodes read what the cheap one gives, and it was asked once.
    assert_eq!((answered(daemon, "cheap/1"), strong()), (cheap + 1, 3));
    for (output, width) in [("label", 1), ("sure", 1), ("probabilities", 10)] {
        let got = together.output(output);
        for (place, row) in order.iter().enumerate() {
            let wanted = alone[*row].output(output);
            let got = &got[place * width..(place + 1) * width];
            let near = got.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(
                near && wanted.len() == width,
                "{output} of row {place}: {got:?}, alone {wanted:?}"
            );
        }
    }
    let told = explained(daemon, "together");
    assert_eq!(node(&told, "strong")["calls"][0]["rows"], 5, "{told}");
    assert_eq!(
        node(&told, "cheap")["calls"].as_array().unwrap().len(),
        1,
        "{told}"
    );
    let took = node(&told, "route")["took"].to_string();
    assert!(took.contains("cheap") && took.contains("strong"), "{took}");
    let nodes = "cheap=cheap/1, strong=strong/1, sure, route";
    assert_eq!(
        together.header("x-route-nodes"),
        Some(nodes),
        "{together:?}"
    );
    let spec = daemon.admin_get("/pipelines/cascade").body["spec"]["policy"].clone();
    let version = spec["version"].to_string();
    assert_eq!(
        together.header("x-route-version"),
        Some(&*version),
        "{spec}"
    );
    assert_eq!(together.body["model_version"], *version);
}

#[test]
fn texts_and_votes_of_real_models() {
    let example = example();
    let daemon = &example.daemon;
    let species = once_ready(daemon, "species", &request("species")["inputs"]);
    let named = &species.body["outputs"][0];
    let of_all = ["Adelie", "Chinstrap", "Gentoo"];
    assert_eq!(
        (&named["name"], &named["data"]),
        (&json!("species"), &json!(of_all)),
        "{species:?}"
    );
    let votes = request("vote")["inputs"].clone();
    let vote = once_ready(daemon, "vote", &votes);
    let nodes =
        "scaled=scaler/1, forest=forest/1, linear=linear/1, net=net/1, mean, place, diagnosis";
    let mut said: Vec<_> = vote.body["parameters"]["nodes"]
        .as_str()
        .unwrap()
        .split(", ")
        .collect();
    let mut wanted: Vec<_> = nodes.split(", ").collect();
    said.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(said, wanted, "{vote:?}");
    assert!(vote.header("x-route-missing").is_none(), "{vote:?}");
    // YAML says the same.
    let yaml = once_ready(daemon, "vote_yaml", &votes);
    assert_eq!(yaml.body["outputs"], vote.body["outputs"]);
    let broken = json!([{ "name": "features", "shape": [1, 29], "datatype": "FP32", "data": vec![0.5; 29] }]);
    says(&daemon.infer("vote", broken), 400, &["features", "30"]);
}

#[test]
fn a_parameter_decides_and_who_is_not_needed_is_not_asked() {
    let house = house(&[("silver/1", ECHO), ("gold/1", ECHO), ("unasked/1", ECHO)]);
    let daemon = house.serve();
    let nodes = json!({
        "shared": { "model": "silver" },
        "gold": { "model": "gold", "inputs": { "x": "shared" } },
        "plain": { "map": "shared * 2.0", "as": "FP32" },
        "wide": { "transform": "reshape", "of": "plain", "shape": [1] },
        "unasked": { "model": "unasked", "when": "request.parameters.tier == 'nobody'", "on_error": "skip" },
        "route": { "switch": [
            { "when": "request.parameters.tier == 'gold'", "call": "gold" },
            { "when": "request.parameters.tier == 'lead'", "call": "lead" },
            { "else": "shared" },
        ] },
        "lead": { "model": "unasked", "inputs": { "x": "gold" } },
        "both": { "ensemble": "mean", "of": ["route", "shared", "unasked"], "quorum": 2 },
    });
    let mut pipeline = composite(&nodes, "both");
    pipeline["policy"]["outputs"]["twice"] = json!("wide");
    put(&daemon, "p", &pipeline);
    let tier = |tier: Value| ask_with(&daemon, "p", &[1.0, 2.5], &[], &json!({ "tier": tier }));
    let gold = tier(json!("gold"));
    assert_eq!(gold.output("x"), [1.0, 2.5], "{gold:?}");
    assert_eq!(gold.output("twice"), [2.0, 5.0], "{gold:?}");
    assert_eq!(
        answered(&daemon, "silver/1"),
        1,
        "three read it, and it was asked once"
    );
    assert_eq!(
        (answered(&daemon, "gold/1"), answered(&daemon, "unasked/1")),
        (1, 0)
    );
    assert_eq!(
        gold.body["parameters"]["missing"], "both: unasked",
        "{gold:?}"
    );
    let plain = tier(json!("bronze"));
    assert_eq!(plain.output("x"), [1.0, 2.5], "{plain:?}");
    assert_eq!(
        (answered(&daemon, "gold/1"), answered(&daemon, "silver/1")),
        (1, 2)
    );
    assert!(
        !plain.body["parameters"]["nodes"]
            .as_str()
            .unwrap()
            .contains("gold"),
        "{plain:?}"
    );
    // What is said that cannot be compared, or not said at all, is the caller's fault.
    says(&tier(json!(3)), 400, &["route", "text"]);
    says(&ask(&daemon, "p", &[1.0]), 400, &["node 'route'", "'tier'"]);
    assert_eq!(counted(&daemon, "p", "p/1", "refused"), 2);
    let none = ask_with(&daemon, "p", &[], &[], &json!({ "tier": "gold" }));
    assert_eq!((none.status, none.output("x")), (200, vec![]), "{none:?}");
}

#[test]
fn a_splitter_is_sticky_by_the_pipelines_key() {
    let house = house(&[("a/1", ECHO), ("b/1", ECHO)]);
    let daemon = house.serve();
    let nodes = json!({
        "a": { "model": "a" },
        "b": { "model": "b" },
        "ab": { "splitter": [{ "call": "a", "weight": 50 }, { "call": "b", "weight": 50 }] },
    });
    let mut pipeline = composite(&nodes, "ab");
    pipeline["key"] = json!({ "header": "x-user" });
    put(&daemon, "p", &pipeline);
    let arm = |header: &str, user: &str| {
        let reply = ask_with(&daemon, "p", &[1.0], &[(header, user)], &json!({}));
        let nodes = reply.header("x-route-nodes").unwrap().to_owned();
        assert!(["a=a/1, ab", "b=b/1, ab"].contains(&&*nodes), "{nodes}");
        nodes
    };
    let mut seen = std::collections::BTreeSet::new();
    for n in 0..32 {
        let user = format!("user-{n}");
        let first = arm("x-user", &user);
        assert_eq!(arm("x-user", &user), first);
        assert_eq!(
            arm("x-route-key", &user),
            first,
            "whoever it is, however it is said"
        );
        seen.insert(first);
    }
    // By fair draws, all of one arm comes once in two thousand million runs.
    assert_eq!(seen.len(), 2);
    // So it is a day later.
    let (first, version) = (
        arm("x-user", "ada"),
        daemon.admin_get("/pipelines/p").body["spec"]["policy"]["version"].clone(),
    );
    drop(daemon);
    let daemon = house.serve();
    super::settled(&daemon, "p");
    let again = ask_with(&daemon, "p", &[1.0], &[("x-user", "ada")], &json!({}));
    assert_eq!(again.header("x-route-nodes"), Some(&*first), "{again:?}");
    assert_eq!(again.header("x-route-version"), Some(&*version.to_string()));
}

#[test]
fn explain_shows_the_whole_way_and_independent_nodes_go_side_by_side() {
    let house = house(&[("one/1", SLOW), ("two/1", SLOW), ("echo/1", ECHO)]);
    let daemon = house.serve();
    put(
        &daemon,
        "inner",
        &composite(&json!({ "e": { "model": "echo" } }), "e"),
    );
    let nodes = json!({
        "one": { "model": "one" },
        "two": { "model": "two" },
        "sum": { "ensemble": "mean", "of": ["one", "two"] },
        "inside": { "pipeline": "inner", "inputs": { "x": "sum" } },
    });
    put(&daemon, "outer", &composite(&nodes, "inside"));
    let headers = [("x-request-id", "whole")];
    let reply = ask_with(&daemon, "outer", &[1.0, 2.0], &headers, &json!({}));
    assert_eq!(reply.output("x"), [1.0, 2.0], "{reply:?}");
    let told = explained(&daemon, "whole");
    assert_eq!(
        (&told["pipeline"], &told["outcome"]),
        (&json!("outer"), &json!("success")),
        "{told}"
    );
    let time = |name: &str, of: &str| node(&told, name)["calls"][0][of].as_f64().unwrap();
    let (one, two) = (time("one", "began_ms"), time("two", "began_ms"));
    assert!(
        (one - two).abs() < 400.0,
        "each takes half a second: {told}"
    );
    let end = time("one", "began_ms") + time("one", "took_ms");
    assert!(
        time("one", "took_ms") >= 500.0 && time("inside", "began_ms") >= end,
        "{told}"
    );
    assert!(told["total_ms"].as_f64().unwrap() >= end, "{told}");
    let within = &node(&told, "inside")["calls"][0];
    assert_eq!(within["answered"]["model"], "inner", "{told}");
    assert_eq!(
        within["nodes"][0]["calls"][0]["answered"],
        json!({ "model": "echo", "version": 1 }),
        "{told}"
    );
}
