//! Clients that others wrote: NVIDIA's `tritonclient[http]`, in a virtual environment that this test makes.
//!
//! The scripts are in `tests/clients`. KServe's SDK has one too, which is run by hand: installing it takes more
//! than all other tests together.

use std::fs;
use std::process::Command;

use crate::daemon::{House, copy, root};
use crate::python::{environment, said};

/// What the script is written for. A new pin gets a new environment.
const TRITON: &str = "tritonclient[http]==2.73.0";

#[test]
fn tritonclient_is_served() {
    let python = environment(&[TRITON]);
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
