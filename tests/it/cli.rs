//! Every admin verb of the command line against a running daemon, with the exit codes that scripts use.

use std::fs;
use std::process::Output;

use serde_json::Value;

use crate::daemon::{Daemon, House, impresario};

/// What a command said, and how it ended.
struct Said {
    code: i32,
    out: String,
    err: String,
}

fn run(daemon: &Daemon, token: Option<&str>, arguments: &[&str]) -> Said {
    let mut command = impresario();
    command.args(["--admin-url", &format!("http://{}", daemon.admin)]);
    if let Some(token) = token {
        command.env("IMPRESARIO_TOKEN", token);
    }
    said(command.args(arguments).output().expect("run the command"))
}

fn said(output: Output) -> Said {
    Said {
        code: output.status.code().expect("an exit code"),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Said {
    #[track_caller]
    fn done(&self, words: &[&str]) -> &Self {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        for word in words {
            assert!(
                self.out.contains(word),
                "{word:?} is not said: {}",
                self.out
            );
        }
        self
    }

    #[track_caller]
    fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        for word in words {
            assert!(
                self.err.contains(word),
                "{word:?} is not said: {}",
                self.err
            );
        }
    }
}

fn house() -> House {
    let house = House::new();
    house.real("iris/1", "iris/1");
    house.real("iris/2", "iris/2");
    house.real("iris-forest/1", "iris-forest/1");
    house
}

#[test]
fn every_verb() {
    let house = house();
    let daemon = house.serve();
    let cli = |arguments: &[&str]| run(&daemon, None, arguments);
    cli(&["status"]).done(&["ready", "iris-forest", "tract"]);
    cli(&["models", "list"]).done(&["iris", "iris-forest"]);
    cli(&["models", "show", "iris", "-v", "2"]).done(&["FP32", "probabilities", "digest"]);
    let put = [
        "pipelines",
        "put",
        "flowers",
        "--model",
        "iris",
        "--version",
        "2",
        "--reason",
        "season",
    ];
    cli(&[&put[..], &["--dry-run"]].concat()).done(&["would"]);
    cli(&["pipelines", "show", "flowers"]).refused(3, &["flowers"]);
    cli(&put).done(&["revision 1"]);
    cli(&["pipelines", "show", "flowers"]).done(&["revision 1", "iris version 2"]);
    cli(&["pipelines", "list"]).done(&["flowers"]);
    let url = format!("http://{}", daemon.http);
    cli(&[
        "infer",
        "flowers",
        "--url",
        &url,
        "--input",
        "X=[[5.1,3.5,1.4,0.2]]",
    ])
    .done(&["probabilities", "version 2"]);
    cli(&[
        "infer",
        "flowers",
        "--url",
        &url,
        "--input",
        "X=[[5.1,3.5,1.4]]",
    ])
    .refused(1, &["X", "[-1, 4]"]);
    cli(&[
        "pipelines",
        "put",
        "flowers",
        "--model",
        "iris",
        "--version",
        "1",
        "--if-match",
        "9",
    ])
    .refused(4, &["revision 1"]);
    cli(&[
        "pipelines",
        "put",
        "flowers",
        "--model",
        "iris",
        "--version",
        "1",
    ])
    .done(&["revision 2"]);
    cli(&["pipelines", "revisions", "flowers"]).done(&["season", "policy.version"]);
    cli(&["pipelines", "undo", "flowers", "--to", "1"]).done(&["revision 3"]);
    cli(&["pipelines", "undo", "flowers", "--to", "77"]).refused(3, &["77"]);
    cli(&["models", "unload", "iris", "-v", "2"]).refused(4, &["flowers"]);
    cli(&["pipelines", "delete", "flowers"]).done(&[]);
    cli(&["pipelines", "delete", "flowers"]).refused(3, &["flowers"]);
    cli(&["models", "unload", "iris-forest"]).done(&["unloaded"]);
    cli(&["models", "load", "iris-forest"]).done(&["ready"]);
    cli(&["models", "load", "nope"]).refused(3, &["nope", "iris"]);
    let audit = cli(&["audit", "--output", "json"]);
    let audit: Value = serde_json::from_str(&audit.done(&[]).out).expect("JSON");
    for action in [
        "pipeline.put",
        "pipeline.undo",
        "pipeline.delete",
        "model.unload",
        "model.load",
    ] {
        assert!(audit.to_string().contains(action), "{audit}");
    }
    cli(&["version"]).done(&[env!("CARGO_PKG_VERSION")]);
    cli(&["nonsense"]).refused(2, &["nonsense"]);
    daemon.kill();
    let nobody = impresario()
        .args(["--admin-url", "http://127.0.0.1:1", "status"])
        .output()
        .unwrap();
    said(nobody).refused(5, &["127.0.0.1:1"]);
}

#[test]
fn tokens_open_the_door_by_role() {
    let house = house();
    let daemon = house.serve();
    let made = run(
        &daemon,
        None,
        &[
            "token", "create", "boss", "--role", "admin", "--output", "json",
        ],
    );
    let made: Value = serde_json::from_str(&made.done(&[]).out).unwrap();
    let boss = made["token"].as_str().expect("the token, once").to_owned();
    // From now on nobody comes in without one: not the admin API, not the protocol's repository extension.
    run(&daemon, None, &["status"]).refused(6, &["token"]);
    run(&daemon, Some("imp_000000000000_wrong"), &["status"]).refused(6, &[]);
    assert_eq!(
        daemon
            .post_text("/v2/repository/models/iris/unload", "")
            .status,
        401
    );
    assert_eq!(daemon.get("/v2/health/ready").status, 200);
    let made = run(
        &daemon,
        Some(&boss),
        &[
            "token", "create", "eyes", "--role", "viewer", "--output", "json",
        ],
    );
    let made: Value = serde_json::from_str(&made.done(&[]).out).unwrap();
    let eyes = made["token"].as_str().unwrap().to_owned();
    run(&daemon, Some(&eyes), &["status"]).done(&["iris"]);
    run(&daemon, Some(&eyes), &["models", "unload", "iris-forest"]).refused(6, &["operator"]);
    run(&daemon, Some(&boss), &["models", "unload", "iris-forest"]).done(&[]);
    let id = made["id"].as_str().unwrap();
    run(&daemon, Some(&boss), &["token", "delete", id]).done(&[]);
    run(&daemon, Some(&eyes), &["status"]).refused(6, &[]);
    // They survive, and no secret stands in a log, in the state or in a backup.
    daemon.kill();
    let daemon = house.serve();
    run(&daemon, None, &["status"]).refused(6, &[]);
    run(&daemon, Some(&boss), &["audit"]).done(&["token", "boss"]);
    let backup = house.path().join("backup");
    run(&daemon, Some(&boss), &["backup", backup.to_str().unwrap()]).done(&[]);
    let secret = boss.rsplit('_').next().unwrap();
    assert!(!daemon.log().contains(secret));
    assert!(!fs::read_to_string(backup).unwrap().contains(secret));
}

#[test]
fn a_backup_is_restored_whole_or_not_at_all() {
    let house = house();
    let daemon = house.serve();
    run(
        &daemon,
        None,
        &[
            "pipelines",
            "put",
            "flowers",
            "--model",
            "iris",
            "--version",
            "1",
        ],
    )
    .done(&[]);
    let file = house.path().join("backup");
    let file = file.to_str().unwrap();
    run(&daemon, None, &["backup", file]).done(&[]);
    run(&daemon, None, &["pipelines", "delete", "flowers"]).done(&[]);
    let state = house.path().join("state");
    let restore = |file: &str, more: &[&str]| {
        said(
            impresario()
                .args(["restore", file, "--state"])
                .arg(&state)
                .args(more)
                .output()
                .unwrap(),
        )
    };
    // A daemon runs on it: not even with force.
    assert_ne!(restore(file, &["--force"]).code, 0);
    daemon.kill();
    assert_ne!(
        restore(file, &[]).code,
        0,
        "what is there is not replaced without force"
    );
    let text = fs::read(file).unwrap();
    let half = house.write("half", &String::from_utf8_lossy(&text[..text.len() / 2]));
    assert_ne!(restore(half.to_str().unwrap(), &["--force"]).code, 0);
    let daemon = house.serve();
    run(&daemon, None, &["pipelines", "show", "flowers"]).refused(3, &[]);
    daemon.kill();
    restore(file, &["--force"]).done(&["revision 1"]);
    let daemon = house.serve();
    run(&daemon, None, &["pipelines", "show", "flowers"]).done(&["iris version 1"]);
}

#[test]
fn metrics_count_what_happened() {
    let house = house();
    let daemon = house.serve();
    for _ in 0..3 {
        daemon.infer("iris-forest", crate::daemon::iris(&[5.1, 3.5, 1.4, 0.2]));
    }
    let metrics = daemon.metrics();
    for line in [
        r#"impresario_requests_total{pipeline="iris-forest",variant="standalone",model="iris-forest",version="1",outcome="success"} 3"#,
        r#"impresario_request_duration_seconds_count{pipeline="iris-forest",variant="standalone",model="iris-forest",version="1"} 3"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}
