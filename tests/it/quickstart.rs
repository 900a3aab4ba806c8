//! The quickstart as a newcomer runs it, against scikit-learn's own numbers.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::daemon::{House, copy, iris, root};

fn quickstart() -> House {
    let house = House::new();
    copy(&root().join("examples/quickstart"), house.path());
    // The working copy's own state, if it was ever served, is not this test's.
    let _absent = fs::remove_dir_all(house.path().join("state"));
    house
}

#[test]
fn serves_what_scikit_learn_says() {
    let house = quickstart();
    let daemon = house.serve_config();
    let text = fs::read_to_string(house.path().join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let rows = expected["rows"].as_array().unwrap();
    let models = expected["models"].as_object().unwrap();
    assert!(models.len() >= 3 && rows.len() >= 5);
    for (key, numbers) in models {
        let (model, version) = key.split_once('/').unwrap();
        for (i, row) in rows.iter().enumerate() {
            let row: Vec<f64> = row
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_f64().unwrap())
                .collect();
            let path = format!("{model}/versions/{version}");
            let reply = daemon.infer(&path, iris(&row));
            assert_eq!(reply.status, 200, "{key}: {reply:?}");
            assert_eq!(reply.body["model_version"], version);
            let label = reply.output("label");
            assert_eq!(
                label,
                [numbers["label"][i].as_f64().unwrap()],
                "{key} row {i}"
            );
            let wanted = numbers["probabilities"][i].as_array().unwrap();
            for (got, wanted) in reply.output("probabilities").iter().zip(wanted) {
                let wanted = wanted.as_f64().unwrap();
                assert!(
                    (got - wanted).abs() < 1e-5,
                    "{key} row {i}: {got} is not {wanted}"
                );
            }
        }
    }
}

#[test]
fn the_line_to_paste_answers_with_a_prediction() {
    let house = quickstart();
    let mut daemon = house.serve_config();
    let banner = daemon.read_banner("curl -s");
    for line in [
        "iris-linear",
        "iris-forest",
        "digits-mlp",
        "digits-burn",
        "flowers",
    ] {
        assert!(banner.contains(line), "{banner}");
    }
    let line = banner
        .lines()
        .find(|line| line.trim_start().starts_with("curl -s"))
        .unwrap();
    // As a shell would run it, by what every machine with a shell has.
    let output = Command::new("sh").arg("-c").arg(line).output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {line}\n{output:?}"));
    assert_eq!(answer["model_name"], "flowers", "{answer}");
    assert!(answer["outputs"][0]["data"][0].is_number(), "{answer}");
}

#[test]
fn every_engine_answers() {
    let daemon = quickstart().serve_config();
    let status = daemon.admin_get("/status");
    assert_eq!(status.status, 200);
    for (model, engine) in [("iris-linear", "tract"), ("digits-burn", "burn")] {
        let version = daemon.version(model, 1);
        assert_eq!(version.status, 200, "{version:?}");
        assert!(
            version.text.contains(engine),
            "{model} is not run by {engine}: {}",
            version.text
        );
    }
    let pixels: Vec<f64> = (0..64).map(|i| f64::from(i % 17)).collect();
    for (model, input) in [("digits-mlp", "X"), ("digits-burn", "pixels")] {
        let inputs = serde_json::json!([
            { "name": input, "shape": [1, 64], "datatype": "FP32", "data": pixels }
        ]);
        let reply = daemon.infer(model, inputs);
        assert_eq!(reply.status, 200, "{reply:?}");
        let sum: f64 = reply.output("probabilities").iter().sum();
        assert!((sum - 1.0).abs() < 1e-4, "{model}: {sum}");
    }
}
