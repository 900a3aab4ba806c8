//! What keeps a daemon from starting: a clear message with the remedy, an exit code, nothing half done.

use std::fs;
use std::net::TcpListener;

use crate::daemon::{House, impresario};

fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not said: {text}");
    }
    assert!(!text.contains("panicked at"), "{text}");
}

#[test]
fn a_missing_or_wrong_repository() {
    let house = House::new();
    let missing = house.path().join("nowhere");
    let (_, text) = house.refused(house.command().arg("--models").arg(&missing));
    assert_says(&text, &["nowhere"]);
    let file = house.write("file", "not a folder");
    let (_, text) = house.refused(house.command().arg("--models").arg(&file));
    assert_says(&text, &["file", "folder"]);
    assert!(!house.path().join("addresses.json").exists());
}

#[test]
fn a_port_in_use() {
    let house = House::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = impresario();
    command
        .args(["serve", "--http", &address, "--grpc", "none"])
        .args(["--admin", "127.0.0.1:0"])
        .arg("--models")
        .arg(house.models());
    command.arg("--state").arg(house.path().join("state"));
    let (_, text) = house.refused(&mut command);
    assert_says(&text, &[&address, "--http", "another port"]);
}

#[test]
fn a_state_that_is_in_use_or_damaged_or_no_folder() {
    let house = House::new();
    house.real("iris/1", "iris/1");
    let state = house.path().join("state");
    let daemon = house.serve();
    let put = serde_json::json!({ "policy": { "type": "standalone", "model": "iris" } });
    assert_eq!(daemon.admin_put("/pipelines/flowers", &put).status, 201);
    let mut command = impresario();
    command.args(["serve", "--http", "127.0.0.1:0", "--grpc", "none"]);
    command.args(["--admin", "127.0.0.1:0"]);
    command
        .arg("--models")
        .arg(house.models())
        .arg("--state")
        .arg(&state);
    let (_, text) = house.refused(&mut command);
    assert_says(&text, &["state", "another"]);
    // The first one does not notice.
    assert_eq!(daemon.get("/v2/health/ready").status, 200);
    daemon.kill();

    let file = house.write("no-folder", "");
    let (_, text) = house.refused(
        house
            .command()
            .arg("--models")
            .arg(house.models())
            .arg("--state")
            .arg(file),
    );
    assert_says(&text, &["no-folder"]);

    let database = state.join("sled/db");
    let size = fs::metadata(&database).unwrap().len();
    fs::write(&database, vec![0xa5; usize::try_from(size).unwrap()]).unwrap();
    let (_, text) = house.refused(
        house
            .command()
            .arg("--models")
            .arg(house.models())
            .arg("--state")
            .arg(&state),
    );
    assert_says(&text, &["restore"]);
}

#[test]
fn settings_that_are_wrong_are_all_told_at_once() {
    let house = House::new();
    let config = house.write(
        "impresario.toml",
        "version = 1\n[server]\nhttp = \"nowhere\"\ngrase = \"30s\"\n[models]\npoll = \"often\"\n[pipelines]\nfiles = [\"pipelines/*.toml\"]\n",
    );
    let (_, text) = house.refused(house.command().arg("--config").arg(&config));
    // The flags give addresses, so the file's wrong one is not used; what else is wrong is told with its line.
    assert_says(
        &text,
        &[
            "impresario.toml:4",
            "grase",
            "grace",
            "impresario.toml:6",
            "poll",
        ],
    );
    let missing = house.path().join("missing.toml");
    let (_, text) = house.refused(house.command().arg("--config").arg(&missing));
    assert_says(&text, &["missing.toml"]);
    // `check` says the same without a daemon, and its exit code can be used.
    let output = impresario()
        .arg("check")
        .arg("--config")
        .arg(&config)
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_says(&said, &["impresario.toml:4", "impresario.toml:6"]);
}

#[test]
fn a_pipeline_file_that_names_what_is_not_there() {
    let house = House::new();
    house.real("iris/1", "iris/1");
    let config = house.write(
        "impresario.toml",
        "version = 1\n[pipelines]\nfiles = [\"pipelines/*.toml\"]\n",
    );
    house.write(
        "pipelines/p.toml",
        "version = 1\n[pipelines.flowers.policy]\ntype = \"standalone\"\nmodel = \"irys\"\n",
    );
    let (_, text) = house.refused(house.command().arg("--config").arg(&config));
    assert_says(&text, &["irys", "iris"]);
}

#[test]
fn beyond_loopback_only_with_a_token() {
    let house = House::new();
    let mut command = impresario();
    command
        .args(["serve", "--http", "127.0.0.1:0", "--admin", "0.0.0.0:0"])
        .arg("--models")
        .arg(house.models());
    command.arg("--state").arg(house.path().join("state"));
    let (_, text) = house.refused(&mut command);
    assert_says(&text, &["token"]);
}
