//! What was acknowledged is there after `kill -9`.

use serde_json::json;

use crate::daemon::{House, iris};

#[test]
fn routing_survives_kill_9() {
    let house = House::new();
    for version in ["1", "2"] {
        house.real(&format!("iris/{version}"), &format!("iris/{version}"));
    }
    let daemon = house.serve();
    // Nobody said otherwise: the newest answers.
    assert_eq!(
        daemon.infer("iris", iris(&[5.1, 3.5, 1.4, 0.2])).body["model_version"],
        "2"
    );
    let put = json!({ "policy": { "type": "standalone", "model": "iris", "version": 1 } });
    let made = daemon.admin_put("/pipelines/flowers", &put);
    assert_eq!(made.status, 201, "{made:?}");
    let revision = made.body["revision"].clone();
    let other = json!({ "policy": { "type": "standalone", "model": "iris", "version": "2" } });
    assert_eq!(daemon.admin_put("/pipelines/other", &other).status, 201);
    daemon.until(
        |d| d.infer("flowers", iris(&[5.1, 3.5, 1.4, 0.2])),
        |r| r.status == 200,
    );
    let before = daemon.admin_get("/pipelines/flowers").body["spec"].clone();
    daemon.kill();

    let daemon = house.serve();
    let after = daemon.admin_get("/pipelines/flowers");
    assert_eq!(after.body["spec"], before);
    assert_eq!(after.body["revision"], revision);
    let answer = daemon.infer("flowers", iris(&[5.1, 3.5, 1.4, 0.2]));
    assert_eq!(
        (answer.status, &answer.body["model_version"]),
        (200, &json!("1")),
        "{answer:?}"
    );
    let answer = daemon.infer("other", iris(&[5.1, 3.5, 1.4, 0.2]));
    assert_eq!(answer.body["model_version"], "2");

    // Undo works on what an earlier process did.
    let undone = daemon.admin_post("/pipelines/flowers/undo", &json!({}));
    assert_eq!(undone.status, 200, "{undone:?}");
    assert_eq!(daemon.admin_get("/pipelines/flowers").status, 404);
    let audit = daemon.admin_get("/audit");
    for action in ["pipeline.put", "pipeline.undo"] {
        assert!(audit.text.contains(action), "{}", audit.text);
    }
}

#[test]
fn an_edited_file_wins_and_an_untouched_one_does_not() {
    let house = House::new();
    for version in ["1", "2"] {
        house.real(&format!("iris/{version}"), &format!("iris/{version}"));
    }
    house.write(
        "impresario.toml",
        "version = 1\n[pipelines]\nfiles = [\"pipelines/*.toml\"]\n",
    );
    let file = |version: u64| {
        format!(
            "version = 1\n[pipelines.flowers.policy]\ntype = \"standalone\"\nmodel = \"iris\"\nversion = {version}\n"
        )
    };
    house.write("pipelines/flowers.toml", &file(1));
    let asked = |daemon: &crate::daemon::Daemon| {
        let reply = daemon.until(
            |d| d.infer("flowers", iris(&[5.1, 3.5, 1.4, 0.2])),
            |r| r.status == 200,
        );
        reply.body["model_version"].as_str().unwrap().to_owned()
    };

    let daemon = house.serve_config();
    assert_eq!(asked(&daemon), "1");
    let put = json!({ "policy": { "type": "standalone", "model": "iris", "version": 2 } });
    assert_eq!(daemon.admin_put("/pipelines/flowers", &put).status, 200);
    daemon.until(
        |d| d.infer("flowers", iris(&[5.1, 3.5, 1.4, 0.2])),
        |r| r.body["model_version"] == "2",
    );
    daemon.kill();

    // The file is as it was when it was applied: the admin's change stands.
    let daemon = house.serve_config();
    assert_eq!(asked(&daemon), "2");
    // A file that is refused changes nothing and says so.
    house.write(
        "pipelines/flowers.toml",
        "version = 1\n[pipelines.flowers.policy]\ntype = \"standalon\"\n",
    );
    let refused = daemon.admin_post("/reload", &json!({}));
    assert!((400..500).contains(&refused.status), "{refused:?}");
    assert!(refused.text.contains("standalon"), "{refused:?}");
    assert_eq!(asked(&daemon), "2");
    // The file says something new: it is applied, by request and by signal.
    house.write(
        "pipelines/flowers.toml",
        &file(1).replace(
            "[pipelines.flowers.policy]",
            "[pipelines.flowers]\ndescription = \"edited\"\n[pipelines.flowers.policy]",
        ),
    );
    let reloaded = daemon.admin_post("/reload", &json!({}));
    assert_eq!(reloaded.status, 200, "{reloaded:?}");
    daemon.until(
        |d| d.infer("flowers", iris(&[5.1, 3.5, 1.4, 0.2])),
        |r| r.body["model_version"] == "1",
    );
    house.write("pipelines/flowers.toml", &file(2));
    daemon.signal("HUP");
    daemon.until(
        |d| d.infer("flowers", iris(&[5.1, 3.5, 1.4, 0.2])),
        |r| r.body["model_version"] == "2",
    );
}
