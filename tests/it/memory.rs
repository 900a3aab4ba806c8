//! Memory that is bounded: versions that are parked, and come back when they are asked for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::daemon::{Daemon, House, Reply, agent, iris, reply};

/// An echo of one number that says that it takes so many bytes.
fn echo(house: &House, name: &str, memory: u64, more: &str) {
    house.fake(&format!("{name}/1"), &format!("memory = {memory}\n{more}"));
}

fn serve(house: &House, settings: &str) -> Daemon {
    let config = format!("version = 1\n[models]\npoll = \"100ms\"\nsettle = \"100ms\"\n{settings}");
    house.write("impresario.toml", &config);
    house.serve_config()
}

fn ask(daemon: &Daemon, name: &str) -> Reply {
    let inputs = json!([{ "name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1.0] }]);
    daemon.infer(name, inputs)
}

fn phase(daemon: &Daemon, name: &str) -> Value {
    daemon.version(name, 1).body["phase"].clone()
}

/// A counter of a version.
fn count(daemon: &Daemon, metric: &str, model: &str) -> u64 {
    let series = format!("{metric}{{model=\"{model}\",version=\"1\"}} ");
    let metrics = daemon.metrics();
    let line = metrics.lines().find_map(|line| line.strip_prefix(&series));
    line.unwrap_or_else(|| panic!("no {series}: {metrics}"))
        .parse()
        .unwrap()
}

#[test]
fn three_take_turns_where_there_is_room_for_two() {
    let house = House::new();
    for name in ["a", "b", "c"] {
        echo(&house, name, 4_000, "");
    }
    let daemon = serve(&house, "memory_budget = 9000\n");
    assert_eq!(phase(&daemon, "c"), "parked");
    let waits = daemon.admin_get("/status").body["waits"].clone();
    assert!(
        waits.to_string().contains("models.memory_budget"),
        "{waits}"
    );
    // A parked model is one that answers.
    assert_eq!(daemon.get("/v2/models/c/ready").status, 200);
    for round in 0..3 {
        for name in ["a", "b", "c"] {
            let reply = ask(&daemon, name);
            assert_eq!(reply.status, 200, "{round} {name} {reply:?}");
            assert_eq!(reply.output("x"), [1.0]);
        }
    }
    let parked: u64 = ["a", "b", "c"]
        .map(|name| count(&daemon, "impresario_version_parked_total", name))
        .iter()
        .sum();
    let recalled = count(&daemon, "impresario_version_recalled_total", "c");
    assert!(
        parked >= 3 && recalled >= 1,
        "{parked} parked, {recalled} recalled"
    );
    let ready = |d: &Daemon| {
        let phases = ["a", "b", "c"].map(|name| phase(d, name));
        phases.iter().filter(|phase| *phase == "ready").count()
    };
    assert!(ready(&daemon) <= 2);
}

#[test]
fn many_who_wait_cause_one_load() {
    let house = House::new();
    echo(&house, "a", 4_000, "");
    echo(&house, "b", 4_000, "load = { delay = \"300ms\" }\n");
    let daemon = serve(&house, "memory_budget = 5000\n");
    assert_eq!(phase(&daemon, "b"), "parked");
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let reply = ask(&daemon, "b");
                assert_eq!(reply.status, 200, "{reply:?}");
            });
        }
    });
    assert_eq!(count(&daemon, "impresario_version_recalled_total", "b"), 1);
    assert_eq!(count(&daemon, "impresario_version_parked_total", "a"), 1);
}

#[test]
fn callers_lose_nothing_while_others_push_their_version_out() {
    let house = House::new();
    for name in ["a", "b", "c", "d"] {
        echo(&house, name, 4_000, "");
    }
    let daemon = serve(&house, "memory_budget = 9000\n");
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            let (daemon, stop) = (&daemon, &stop);
            scope.spawn(move || {
                let mut asked = 0;
                while !stop.load(Ordering::Relaxed) || asked < 5 {
                    let reply = ask(daemon, name);
                    assert_eq!(reply.status, 200, "{name} {reply:?}");
                    asked += 1;
                }
            });
        }
        let parked = |d: &Daemon| count(d, "impresario_version_parked_total", "a");
        daemon.until(
            |d| d.version("a", 1),
            |reply| reply.body["parked"].as_u64() > Some(1),
        );
        assert!(parked(&daemon) > 1);
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn pinned_ones_stay_and_too_large_ones_never_come() {
    let house = House::new();
    echo(&house, "pinned", 6_000, "");
    house.write("models/pinned/model.toml", "pin = true\n");
    echo(&house, "a", 3_000, "");
    echo(&house, "b", 3_000, "");
    echo(&house, "beside", 5_000, "");
    echo(&house, "huge", 20_000, "");
    let daemon = serve(&house, "memory_budget = 10000\n");
    for name in ["a", "b", "a", "b", "pinned"] {
        assert_eq!(ask(&daemon, name).status, 200, "{name}");
    }
    assert_eq!(
        count(&daemon, "impresario_version_parked_total", "pinned"),
        0
    );
    let huge = ask(&daemon, "huge");
    assert_eq!(huge.status, 503, "{huge:?}");
    assert!(huge.error().contains("models.memory_budget"), "{huge:?}");
    assert_eq!(phase(&daemon, "huge"), "failed");
    // It fits memory, but never beside what is pinned: nobody waits for that.
    let beside = ask(&daemon, "beside");
    assert_eq!(beside.status, 503, "{beside:?}");
    assert!(
        beside.error().contains("beside the pinned versions"),
        "{beside:?}"
    );
}

#[test]
fn who_waits_too_long_is_told() {
    let house = House::new();
    echo(&house, "a", 4_000, "");
    echo(&house, "slow", 4_000, "load = { delay = \"2s\" }\n");
    let daemon = serve(
        &house,
        "memory_budget = 5000\n[server]\nrequest_timeout = \"200ms\"\n",
    );
    let late = ask(&daemon, "slow");
    assert_eq!(late.status, 504, "{late:?}");
    // The load goes on, and the next one is answered.
    daemon.until(|d| ask(d, "slow"), |reply| reply.status == 200);
}

#[test]
fn a_caller_waits_no_longer_for_a_parked_version_than_it_says() {
    let house = House::new();
    echo(&house, "a", 4_000, "");
    // Longer than a test has patience for, were its load waited for.
    echo(&house, "slow", 4_000, "load = { delay = \"60s\" }\n");
    let daemon = serve(&house, "memory_budget = 5000\n");
    assert_eq!(phase(&daemon, "slow"), "parked");
    let inputs = json!([{ "name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1.0] }]);
    let said = json!({ "inputs": inputs, "parameters": { "timeout": 150_000 } });
    let late = daemon.post("/v2/models/slow/infer", &said);
    assert_eq!(late.status, 504, "{late:?}");
    let url = format!("http://{}/v2/models/slow/infer", daemon.http);
    let request = agent().post(url).header("x-request-timeout", "150ms");
    let late = reply(request.send(json!({ "inputs": inputs }).to_string()));
    assert_eq!(late.status, 504, "{late:?}");
}

/// Asks a pipeline that states an answer of -1 for two rows, and expects that.
fn is_substituted(daemon: &Daemon, name: &str) {
    let two = json!([{ "name": "x", "shape": [2, 1], "datatype": "FP32", "data": [5.0, 6.0] }]);
    let reply = daemon.infer(name, two);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.output("x"), [-1.0, -1.0], "{reply:?}");
    let said = reply.header("x-route-substitute");
    assert_eq!(said, Some("deadline"), "{reply:?}");
    let marked = &reply.body["parameters"]["substitute"];
    assert_eq!(marked, "deadline", "{reply:?}");
}

/// Room for one of two models, of which the second takes so long to load.
fn one_of_two(delay: &str) -> (House, Daemon) {
    let house = House::new();
    echo(&house, "a", 4_000, "");
    let load = format!("load = {{ delay = \"{delay}\" }}\n");
    echo(&house, "slow", 4_000, &load);
    let daemon = serve(&house, "memory_budget = 5000\n");
    (house, daemon)
}

/// A pipeline of the slow model that says what is answered at its deadline.
fn quick(deadline: &str) -> Value {
    json!({
        "deadline": deadline,
        "on_deadline": { "x": [-1] },
        "policy": { "type": "standalone", "model": "slow" },
    })
}

/// What callers of that pipeline rely on.
fn promise() -> Value {
    let port = json!([{ "name": "x", "datatype": "FP32", "shape": [-1, 1] }]);
    json!({ "inputs": port, "outputs": port })
}

#[test]
fn a_substitute_is_answered_at_the_deadline_and_not_after_the_load() {
    // Longer than a test has patience for, were its load waited for.
    let (_house, daemon) = one_of_two("60s");
    let mut spec = quick("50ms");
    // The version was never in memory, so that nobody knows what it gives.
    assert_eq!(daemon.admin_put("/pipelines/quick", &spec).status, 201);
    let late = ask(&daemon, "quick");
    assert_eq!(late.status, 504, "{late:?}");
    // Unless the pipeline says so.
    spec["contract"] = promise();
    let put = daemon.admin_put("/pipelines/quick", &spec);
    assert_eq!(put.status, 200, "{put:?}");
    is_substituted(&daemon, "quick");
    // What is no request is none, however late it is.
    let odd = json!([{ "name": "y", "shape": [1, 1], "datatype": "FP32", "data": [5.0] }]);
    let odd = daemon.infer("quick", odd);
    assert_eq!(odd.status, 400, "{odd:?}");
    assert_ne!(phase(&daemon, "slow"), "ready");
    let expired = "impresario_requests_total{pipeline=\"quick\",variant=\"\",model=\"\",version=\"\",outcome=\"expired\"} 3";
    let metrics = daemon.metrics();
    assert!(metrics.contains(expired), "{metrics}");
}

#[test]
fn a_deadline_that_is_changed_counts_for_who_waits_already() {
    let (_house, daemon) = one_of_two("60s");
    let mut spec = quick("20s");
    spec["contract"] = promise();
    assert_eq!(daemon.admin_put("/pipelines/quick", &spec).status, 201);
    let begun = impresario::clock::instant();
    thread::scope(|scope| {
        scope.spawn(|| is_substituted(&daemon, "quick"));
        let loads = |reply: &Reply| reply.body["phase"] == "loading";
        daemon.until(|d| d.version("slow", 1), loads);
        spec["deadline"] = json!("50ms");
        let put = daemon.admin_put("/pipelines/quick", &spec);
        assert_eq!(put.status, 200, "{put:?}");
    });
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn what_a_parked_version_gives_is_known_since_it_was_in_memory() {
    let (_house, daemon) = one_of_two("3s");
    assert_eq!(
        daemon.admin_put("/pipelines/quick", &quick("50ms")).status,
        201
    );
    let there = ask(&daemon, "slow");
    assert_eq!(there.status, 200, "{there:?}");
    // The other one takes its place, for as long as it is used.
    assert_eq!(ask(&daemon, "a").status, 200);
    daemon.until(
        |d| d.version("slow", 1),
        |reply| reply.body["phase"] == "parked",
    );
    is_substituted(&daemon, "quick");
}

#[test]
fn who_asks_what_a_parked_model_is_like_is_told() {
    let house = House::new();
    for name in ["a", "b"] {
        echo(&house, name, 4_000, "");
    }
    let daemon = serve(&house, "memory_budget = 5000\n");
    for (name, path) in [("b", ""), ("a", "/config"), ("b", "/versions/1")] {
        let reply = daemon.get(&format!("/v2/models/{name}{path}"));
        assert_eq!((reply.status, &reply.body["name"]), (200, &json!(name)));
    }
}

#[cfg(all(feature = "burn", target_os = "linux"))]
#[test]
fn memory_is_given_back_when_a_model_is_unloaded() {
    const WIDE: usize = 3_000;
    let house = House::new();
    wide(&house, WIDE);
    let daemon = serve(&house, "");
    let loaded = resident(&daemon);
    let row =
        json!([{ "name": "x", "shape": [1, WIDE], "datatype": "FP32", "data": vec![1.0; WIDE] }]);
    assert_eq!(daemon.infer("wide", row.clone()).status, 200);
    let unload = |d: &Daemon| d.admin_post("/models/wide/unload", &json!({}));
    let load = |d: &Daemon| d.admin_post("/models/wide/load", &json!({}));
    let weights = WIDE * WIDE * 4;
    // Again and again: what is not given back once could be the allocator's habit, what is not each time is a leak.
    for round in 0..4 {
        assert_eq!(unload(&daemon).status, 200);
        daemon.until(
            |d| d.version("wide", 1),
            |reply| reply.body["phase"] == "unloaded",
        );
        let given_back = |daemon: &Daemon| resident(daemon) + weights * 3 / 4 < loaded;
        daemon.until(|d| d.version("wide", 1), |_| given_back(&daemon));
        assert_eq!(load(&daemon).status, 200, "round {round}");
        daemon.until(
            |d| d.infer("wide", row.clone()),
            |reply| reply.status == 200,
        );
    }
    assert!(resident(&daemon) < loaded + weights / 2, "it grows");
}

/// A linear layer of so many numbers to as many, all zero, beside the files that say so.
#[cfg(all(feature = "burn", target_os = "linux"))]
fn wide(house: &House, wide: usize) {
    house.write(
        "models/wide/1/model.toml",
        &format!(
            "version = 1\n[burn]\nweights = \"model.safetensors\"\n\
             input = {{ name = \"x\", datatype = \"FP32\", shape = [{wide}] }}\noutput = {{ name = \"y\" }}\n\
             [[burn.layers]]\ntype = \"linear\"\nname = \"fc\"\n"
        ),
    );
    let (weight, bias) = (wide * wide * 4, wide * 4);
    let head = json!({
        "fc.weight": { "dtype": "F32", "shape": [wide, wide], "data_offsets": [0, weight] },
        "fc.bias": { "dtype": "F32", "shape": [wide], "data_offsets": [weight, weight + bias] },
    });
    let head = head.to_string();
    let mut file = (head.len() as u64).to_le_bytes().to_vec();
    file.extend(head.as_bytes());
    // Small numbers that differ, so that no page of them is the shared one of zeros.
    file.extend((0..(weight + bias) / 4).flat_map(|at| (at as f32 * 1e-9).to_le_bytes()));
    std::fs::write(house.models().join("wide/1/model.safetensors"), file).unwrap();
}

/// Resident memory of a daemon in bytes.
#[cfg(all(feature = "burn", target_os = "linux"))]
fn resident(daemon: &Daemon) -> usize {
    let metrics = daemon.metrics();
    let said = metrics
        .lines()
        .find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
    said.unwrap().parse().unwrap()
}

#[test]
fn hundreds_of_models_start_soon_take_little_and_all_answer() {
    const MODELS: usize = 300;
    let house = House::new();
    for at in 0..MODELS {
        house.real("iris-linear/1", &format!("m{at:03}/1"));
    }
    let daemon = serve(&house, "");
    let ready = daemon.metrics();
    let phases = ready.lines().filter(|line| {
        line.starts_with("impresario_version_phase{") && line.ends_with("phase=\"ready\"} 1")
    });
    assert_eq!(phases.count(), MODELS);
    let resident = ready
        .lines()
        .find_map(|line| line.strip_prefix("process_resident_memory_bytes "))
        .map(|bytes| bytes.parse::<usize>().unwrap());
    if let Some(resident) = resident {
        assert!(
            resident < (150 << 20) + MODELS * (400 << 10),
            "{resident} bytes"
        );
    }
    assert_eq!(
        daemon.admin_get("/status").body["models"]
            .as_array()
            .unwrap()
            .len(),
        MODELS
    );
    for at in 0..MODELS {
        let reply = daemon.infer(&format!("m{at:03}"), iris(&[5.1, 3.5, 1.4, 0.2]));
        assert_eq!(reply.status, 200, "{at}: {reply:?}");
    }
}
