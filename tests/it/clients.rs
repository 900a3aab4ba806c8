//! Clients that others wrote: NVIDIA's `tritonclient[http]`, in a virtual environment that this test makes.
//!
//! The scripts are in `tests/clients`. KServe's SDK has one too, which is run by hand: installing it takes more
//! than all other tests together.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::daemon::{House, copy, root};

/// What the script is written for. A new pin gets a new environment.
const TRITON: &str = "tritonclient[http]==2.73.0";

#[test]
fn tritonclient_is_served() {
    let python = environment(TRITON);
    let house = House::new();
    house.real("iris", "iris");
    house.write(
        "models/iris/model.toml",
        "version = 1\n[versions]\npolicy = \"all\"\n",
    );
    house.real("iris-forest", "iris-forest");
    let words = root().join("tests/fixtures/onnx/label-encoder-string");
    copy(&words, &house.models().join("words/1"));
    fs::remove_file(house.models().join("words/1/cases.json")).unwrap();
    let daemon = house.serve();
    // Files that were written a moment ago are taken for complete a little later.
    for version in ["iris/versions/1", "iris/versions/2", "iris-forest", "words"] {
        let ready = format!("/v2/models/{version}/ready");
        daemon.until(|daemon| daemon.get(&ready), |reply| reply.status == 200);
    }
    let script = root().join("tests/clients/triton.py");
    let said = said(Command::new(python).arg(script).arg(&daemon.http));
    assert!(said.contains("ok check_repository"), "{said}");
}

/// The Python of a virtual environment that has a package, made once for each pin.
fn environment(pin: &str) -> PathBuf {
    let name: String = pin
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let python = |home: &Path| {
        home.join(if cfg!(windows) {
            "Scripts/python.exe"
        } else {
            "bin/python"
        })
    };
    let complete = home.join("complete");
    if complete.exists() {
        return python(&home);
    }
    // One that was left half made is of no use, and neither is one that another run of the tests makes now:
    // each is made beside and put in place whole.
    let making = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let fresh = making.path().join("venv");
    said(Command::new("python3").args(["-m", "venv"]).arg(&fresh));
    said(Command::new(python(&fresh)).args(["-m", "pip", "install", "--quiet", pin]));
    fs::write(fresh.join("complete"), pin).unwrap();
    let _stale = fs::remove_dir_all(&home);
    // Where another run was faster, its environment is as good.
    let placed = fs::rename(&fresh, &home);
    assert!(placed.is_ok() || complete.exists(), "{placed:?}");
    python(&home)
}

/// What a command said, which must have succeeded.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!(
            "this test needs python3 with venv and pip, and a package index: {command:?}: {error}"
        )
    });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?} (needs python3 with venv and pip, and a package index):\n{said}"
    );
    said
}
