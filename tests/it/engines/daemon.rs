//! The daemon with ONNX Runtime's library there, missing, broken, old, and named by each of those who may name it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::library;
use crate::daemon::{Daemon, House};

const USE: &str = "IMPRESARIO__ENGINES__ONNXRUNTIME";
const LIBRARY: &str = "IMPRESARIO__ENGINES__ONNXRUNTIME_LIBRARY";

/// The command that serves the house's models, with no engines of this machine.
fn serve(house: &House, wanted: &str) -> Command {
    let mut command = house.command();
    command.arg("--models").arg(house.models());
    command.arg("--state").arg(house.path().join("state"));
    command.env_remove("ORT_DYLIB_PATH").env(USE, wanted);
    command
}

/// The engine of a model's version 1, as the data plane and the admin plane name it.
fn engine(daemon: &Daemon, model: &str) -> String {
    let ready = format!("/v2/models/{model}/ready");
    daemon.until(|daemon| daemon.get(&ready), |reply| reply.status == 200);
    let metadata = daemon.get(&format!("/v2/models/{model}"));
    let platform = metadata.body["platform"].as_str().unwrap().to_owned();
    assert_eq!(daemon.version(model, 1).body["engine"], platform.as_str());
    platform
}

#[test]
fn onnx_runtime_serves_and_is_named() {
    let house = House::new();
    house.real("digits-mlp", "digits");
    // Operators of `ai.onnx.ml` are the built-in engine's, unless the model says otherwise.
    house.real("iris-linear", "iris");
    house.real("iris-linear", "other");
    house.write(
        "models/other/model.toml",
        "version = 1\n[onnx]\nengine = \"onnxruntime\"\nthreads = 2\narena = true\n",
    );
    house.real("digits-mlp", "third");
    house.write(
        "models/third/model.toml",
        "version = 1\n[onnx]\nengine = \"tract\"\n",
    );
    let daemon = house.start(serve(&house, "require").env(LIBRARY, library()));
    for (model, expected) in [
        ("digits", "onnxruntime"),
        ("iris", "tract"),
        ("other", "onnxruntime"),
        ("third", "tract"),
    ] {
        assert_eq!(engine(&daemon, model), expected, "{model}");
    }
    let log = daemon.log();
    assert!(log.contains("1.32.0"), "the library's version: {log}");
    let ask = |model: &str, rows: usize, columns: usize| {
        let data = vec![0.5; rows * columns];
        let x = json!({ "name": "X", "shape": [rows, columns], "datatype": "FP32", "data": data });
        daemon.post(
            &format!("/v2/models/{model}/infer"),
            &json!({ "inputs": [x] }),
        )
    };
    let [tract, runtime] = ["iris", "other"].map(|model| ask(model, 3, 4));
    assert_eq!(runtime.status, 200, "{runtime:?}");
    assert_eq!(runtime.output("label"), tract.output("label"));
    assert_eq!(runtime.output("label").len(), 3);
    assert_eq!(ask("other", 1, 5).status, 400);
}

#[test]
fn the_variable_names_the_library_too() {
    let house = House::new();
    house.real("digits-mlp", "digits");
    let mut command = serve(&house, "auto");
    let daemon = house.start(
        command
            .env("ORT_DYLIB_PATH", library())
            .env(LIBRARY, "nowhere.so"),
    );
    assert_eq!(engine(&daemon, "digits"), "onnxruntime");
}

#[test]
fn a_virtual_environment_is_looked_into() {
    let house = House::new();
    house.real("digits-mlp", "digits");
    let home = library().ancestors().nth(6).unwrap().to_owned();
    let daemon = house.start(serve(&house, "auto").env("VIRTUAL_ENV", home));
    assert_eq!(engine(&daemon, "digits"), "onnxruntime");
}

/// Libraries that cannot be used, and what is said of each.
fn unusable(folder: &Path) -> Vec<(String, &'static str)> {
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    vec![
        (
            folder.join("nowhere.so").display().to_string(),
            "cannot be read",
        ),
        (folder.display().to_string(), "is no file"),
        (file("garbage.so", b"this is no library"), "cannot be used"),
        (file("empty.so", b""), "cannot be used"),
        (
            file("libonnxruntime.so.1.16.3", b"whatever"),
            "is ONNX Runtime 1.16.3, expected 1.20.0 or newer",
        ),
    ]
}

#[test]
fn a_library_that_cannot_be_used_is_said_once_and_replaced() {
    let house = House::new();
    house.real("digits-mlp", "digits");
    for (path, said) in unusable(house.path()) {
        let daemon = house.start(serve(&house, "auto").env(LIBRARY, &path));
        assert_eq!(engine(&daemon, "digits"), "tract", "{path}");
        let log = daemon.log();
        let lines: Vec<_> = log
            .lines()
            .filter(|l| l.contains("onnxruntime_library"))
            .collect();
        assert!(lines.len() == 1 && lines[0].contains(said), "{path}: {log}");
        assert!(
            lines[0].contains("pip install onnxruntime"),
            "{path}: {log}"
        );
        daemon.kill();
        fs::remove_file(house.path().join("log.jsonl")).unwrap();
    }
}

#[test]
fn a_library_that_is_required_must_be_there() {
    let house = House::new();
    house.real("iris-linear", "iris");
    for (path, said) in unusable(house.path()) {
        let (_, text) = house.refused(serve(&house, "require").env(LIBRARY, &path));
        for words in [said, "\"require\"", "pip install onnxruntime"] {
            assert!(text.contains(words), "{path}: {text}");
        }
        assert!(!text.contains("panicked"), "{path}: {text}");
    }
}

#[test]
fn a_model_that_insists_fails_without_it() {
    let house = House::new();
    house.real("iris-linear", "iris");
    house.write(
        "models/iris/model.toml",
        "version = 1\n[onnx]\nengine = \"onnxruntime\"\n",
    );
    let daemon = house.start(&mut serve(&house, "off"));
    let version = daemon.until(
        |daemon| daemon.version("iris", 1),
        |reply| reply.text.contains("pip install onnxruntime"),
    );
    assert!(
        version.text.contains("engine = \\\"onnxruntime\\\""),
        "{version:?}"
    );
}
