//! The response cache: who shares an answer, and who never does.

use std::fs;

use serde_json::{Value, json};

use crate::daemon::{Daemon, House, Reply, iris};

const ROW: [f64; 4] = [5.1, 3.5, 1.4, 0.2];

fn quick(house: &House, more: &str) -> Daemon {
    let config = format!("version = 1\n[models]\npoll = \"100ms\"\nsettle = \"100ms\"\n{more}");
    house.write("impresario.toml", &config);
    house.serve_config()
}

fn ask(daemon: &Daemon, name: &str) -> Reply {
    let reply = daemon.infer(name, iris(&ROW));
    assert_eq!(reply.status, 200, "{reply:?}");
    reply
}

fn cached(reply: &Reply) -> Option<&str> {
    reply.header("x-route-cache")
}

fn looks(daemon: &Daemon, model: &str) -> (Value, Value, Value) {
    let stats = daemon.get(&format!("/v2/models/{model}/stats"));
    let stats = &stats.body["model_stats"][0];
    let count = |what: &str| stats["inference_stats"][what]["count"].clone();
    (count("cache_hit"), count("cache_miss"), count("success"))
}

#[test]
fn an_answer_is_given_again_to_the_same_request_and_to_no_other() {
    let house = House::new();
    // Two models with the same ports, other weights, and a third without a cache.
    house.real("iris/1", "plain/1");
    house.real("iris/1", "one/1");
    house.real("iris/2", "two/1");
    for model in ["one", "two"] {
        house.write(&format!("models/{model}/model.toml"), "[cache]\n");
    }
    let daemon = quick(&house, "");
    let put = json!({ "policy": { "type": "standalone", "model": "one", "version": 1 } });
    assert_eq!(daemon.admin_put("/pipelines/front", &put).status, 201);

    let (first, other) = (ask(&daemon, "one"), ask(&daemon, "two"));
    assert_eq!(
        (cached(&first), cached(&other)),
        (Some("miss"), Some("miss"))
    );
    let again = [ask(&daemon, "one"), ask(&daemon, "two")];
    assert_eq!(again.each_ref().map(cached), [Some("hit"), Some("hit")]);
    assert_eq!(again[0].body["outputs"], first.body["outputs"]);
    assert_eq!(again[1].body["outputs"], other.body["outputs"]);
    assert_ne!(first.body["outputs"], other.body["outputs"]);
    // The pipeline is no part of the key; the inputs are, to the last bit.
    assert_eq!(cached(&ask(&daemon, "front")), Some("hit"));
    let near = daemon.infer("one", iris(&[5.1, 3.5, 1.4, 0.200_001]));
    assert_eq!(cached(&near), Some("miss"));
    for _ in 0..2 {
        assert_eq!(cached(&ask(&daemon, "plain")), None);
    }
    // A request that fails is not kept.
    for _ in 0..2 {
        let wrong =
            json!([{ "name": "X", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3] }]);
        assert_eq!(daemon.infer("one", wrong).status, 400);
    }

    assert_eq!(looks(&daemon, "one"), (json!(2), json!(2), json!(4)));
    assert_eq!(looks(&daemon, "two"), (json!(1), json!(1), json!(2)));
    assert_eq!(looks(&daemon, "plain"), (json!(0), json!(0), json!(2)));
    let metrics = daemon.triton_metrics();
    for line in [
        "impresario_cache_looks_total{pipeline=\"one\",variant=\"standalone\",model=\"one\",version=\"1\",result=\"hit\"} 1",
        "impresario_cache_looks_total{pipeline=\"front\",variant=\"standalone\",model=\"one\",version=\"1\",result=\"hit\"} 1",
        "impresario_cache_max_bytes 67108864",
        "nv_cache_num_hits_per_model{model=\"one\",version=\"1\"} 2",
        "nv_inference_exec_count{model=\"one\",version=\"1\"} 2",
    ] {
        assert!(metrics.contains(&format!("{line}\n")), "{line}\n{metrics}");
    }
    assert!(!metrics.contains("impresario_cache_looks_total{pipeline=\"plain\""));
}

#[test]
fn other_files_under_the_same_number_have_other_answers() {
    let house = House::new();
    house.real("iris/1", "iris/1");
    house.write("models/iris/model.toml", "[cache]\nttl = \"1h\"\n");
    let daemon = quick(&house, "");
    let before = ask(&daemon, "iris");
    assert_eq!(cached(&ask(&daemon, "iris")), Some("hit"));

    house.real("iris/2", "iris/1");
    daemon.until(
        |d| d.version("iris", 1),
        |r| r.body["files_changed"] == true,
    );
    // Until it is loaded, the old files answer, out of the cache too.
    assert_eq!(ask(&daemon, "iris").body["outputs"], before.body["outputs"]);
    let digest = daemon.version("iris", 1).body["digest"].clone();
    let load = daemon.admin_post("/models/iris/versions/1/load", &json!({}));
    assert_eq!(load.status, 200, "{load:?}");
    daemon.until(|d| d.version("iris", 1), |r| r.body["digest"] != digest);
    let after = ask(&daemon, "iris");
    assert_eq!(cached(&after), Some("miss"));
    assert_ne!(after.body["outputs"], before.body["outputs"]);
    assert_eq!(cached(&ask(&daemon, "iris")), Some("hit"));
}

#[test]
fn a_daemon_may_keep_none_and_a_version_may_say_no() {
    let house = House::new();
    house.real("iris/1", "iris/1");
    house.write("models/iris/model.toml", "[cache]\n");
    house.write("models/iris/1/model.toml", "[cache]\nenabled = false\n");
    let daemon = quick(&house, "");
    for _ in 0..2 {
        assert_eq!(cached(&ask(&daemon, "iris")), None);
    }
    daemon.kill();

    fs::remove_file(house.models().join("iris/1/model.toml")).unwrap();
    let daemon = quick(&house, "cache = \"none\"\n");
    for _ in 0..2 {
        assert_eq!(cached(&ask(&daemon, "iris")), None);
    }
    assert!(!daemon.metrics().contains("impresario_cache"));
}
