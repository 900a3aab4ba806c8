//! The folder of models while the daemon serves: versions that come, go, break, or are half there.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use crate::daemon::{House, iris, root};

fn quick(house: &House) -> crate::daemon::Daemon {
    let config = "version = 1\n[models]\npoll = \"100ms\"\nsettle = \"300ms\"\n";
    house.write("impresario.toml", config);
    house.serve_config()
}

#[test]
fn a_version_added_under_load_loses_no_request() {
    let house = House::new();
    house.real("iris/1", "iris/1");
    let daemon = quick(&house);
    let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let reply = daemon.infer("iris", iris(&[5.1, 3.5, 1.4, 0.2]));
                    assert_eq!(reply.status, 200, "{reply:?}");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        house.real("iris/2", "iris/2");
        daemon.until(
            |d| d.infer("iris", iris(&[5.1, 3.5, 1.4, 0.2])),
            |r| r.body["model_version"] == "2",
        );
        daemon.until(|d| d.version("iris", 1), |r| r.text.contains("unloaded"));
        // And back again, by an admin's word.
        let put = json!({ "policy": { "type": "standalone", "model": "iris", "version": 1 } });
        assert_eq!(daemon.admin_put("/pipelines/iris", &put).status, 201);
        daemon.until(
            |d| d.infer("iris", iris(&[5.1, 3.5, 1.4, 0.2])),
            |r| r.body["model_version"] == "1",
        );
        stop.store(true, Ordering::Relaxed);
    });
    assert!(asked.load(Ordering::Relaxed) > 20);
}

#[test]
fn a_half_copied_version_is_not_loaded() {
    let house = House::new();
    house.real("iris/1", "iris/1");
    let daemon = quick(&house);
    let whole = fs::read(root().join("examples/quickstart/models/iris/2/model.onnx")).unwrap();
    let path = house.models().join("iris/2/model.onnx");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    // It grows from look to look: as long as it does, it is not touched.
    for end in (0..whole.len()).step_by(whole.len() / 12 + 1) {
        fs::write(&path, &whole[..end]).unwrap();
        thread::park_timeout(std::time::Duration::from_millis(60));
        assert_eq!(
            daemon.infer("iris", iris(&[5.1, 3.5, 1.4, 0.2])).body["model_version"],
            "1"
        );
        assert!(!daemon.log().contains("load failed"), "{}", daemon.log());
    }
    fs::write(&path, &whole).unwrap();
    daemon.until(
        |d| d.infer("iris", iris(&[5.1, 3.5, 1.4, 0.2])),
        |r| r.body["model_version"] == "2",
    );
}

#[test]
fn a_broken_version_says_why_and_the_old_one_serves() {
    let house = House::new();
    house.real("iris/1", "iris/1");
    house.write("models/iris/2/model.onnx", "this is no model");
    let daemon = quick(&house);
    let answer = daemon.infer("iris", iris(&[5.1, 3.5, 1.4, 0.2]));
    assert_eq!(
        (answer.status, &answer.body["model_version"]),
        (200, &json!("1"))
    );
    let broken = daemon.version("iris", 2);
    assert!(
        broken.text.contains("failed") && broken.text.contains("model.onnx"),
        "{broken:?}"
    );
    let direct = daemon.infer("iris/versions/2", iris(&[5.1, 3.5, 1.4, 0.2]));
    assert_eq!(direct.status, 503, "{direct:?}");
    // It is mended, and taken.
    fs::remove_file(house.models().join("iris/2/model.onnx")).unwrap();
    house.real("iris/2", "iris/2");
    daemon.until(
        |d| d.infer("iris", iris(&[5.1, 3.5, 1.4, 0.2])),
        |r| r.body["model_version"] == "2",
    );
}

#[test]
fn golden_examples_that_come_out_differently_keep_a_version_out() {
    let house = House::new();
    house.real("iris/1", "iris/1");
    let path = house.models().join("iris/1/golden.json");
    let golden = fs::read_to_string(&path).unwrap();
    let mut golden: serde_json::Value = serde_json::from_str(&golden).unwrap();
    let output = &mut golden["cases"][0]["outputs"][1]["data"][0];
    let wrong = match output {
        serde_json::Value::Array(row) => &mut row[0],
        number => number,
    };
    *wrong = json!(0.123);
    fs::write(&path, golden.to_string()).unwrap();
    let daemon = quick(&house);
    let version = daemon.version("iris", 1);
    assert!(
        version.text.contains("failed") && version.text.contains("0.123"),
        "{version:?}"
    );
    assert_eq!(
        daemon.infer("iris", iris(&[5.1, 3.5, 1.4, 0.2])).status,
        503
    );
}

#[test]
fn load_and_unload_over_the_protocol() {
    let house = House::new();
    house.real("iris/1", "iris/1");
    let daemon = quick(&house);
    let index = daemon.post_text("/v2/repository/index", "");
    assert!(index.text.contains("READY"), "{index:?}");
    assert_eq!(
        daemon
            .post_text("/v2/repository/models/iris/unload", "")
            .status,
        200
    );
    let gone = daemon.infer("iris", iris(&[5.1, 3.5, 1.4, 0.2]));
    assert!(gone.status == 503 || gone.status == 404, "{gone:?}");
    assert_ne!(daemon.get("/v2/models/iris/ready").status, 200);
    assert_eq!(
        daemon
            .post_text("/v2/repository/models/iris/load", "")
            .status,
        200
    );
    assert_eq!(
        daemon.infer("iris", iris(&[5.1, 3.5, 1.4, 0.2])).status,
        200
    );
    // Unloading what a pipeline needs is refused, with the pipeline's name.
    let put = json!({ "policy": { "type": "standalone", "model": "iris", "version": 1 } });
    assert_eq!(daemon.admin_put("/pipelines/flowers", &put).status, 201);
    let refused = daemon.admin_post("/models/iris/unload", &json!({}));
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(refused.text.contains("flowers"), "{refused:?}");
}
