//! Clients that others wrote: NVIDIA's `tritonclient`, over HTTP and gRPC, and gRPC's own for health and reflection,
//! in virtual environments that these tests make.
//!
//! The scripts are in `tests/clients`. KServe's SDK has one too, which is run by hand: installing it takes more
//! than all other tests together.

use std::fs;
use std::process::Command;

use crate::daemon::{Daemon, House, copy, root};
use crate::python::{environment, said};

/// What the script is written for. A new pin gets a new environment.
const TRITON: &[&str] = &["tritonclient[http]==2.73.0"];

const TRITON_GRPC: &[&str] = &[
    "tritonclient[grpc]==2.73.0",
    "grpcio-health-checking==1.81.1",
    "grpcio-reflection==1.81.1",
];

#[test]
fn tritonclient_is_served() {
    let python = environment(TRITON);
    let house = house();
    let daemon = serve(&house);
    let script = root().join("tests/clients/triton.py");
    let said = said(Command::new(python).arg(script).arg(&daemon.http));
    assert!(said.contains("ok check_repository"), "{said}");
}

#[test]
fn tritonclient_is_served_over_grpc() {
    let python = environment(TRITON_GRPC);
    let house = house();
    house.fake("slow/1", "behaviour = \"slow\"\ndelay = \"500ms\"\n");
    let daemon = serve(&house);
    let script = root().join("tests/clients/triton_grpc.py");
    let said = said(Command::new(python).arg(script).arg(&daemon.grpc));
    assert!(said.contains("ok check_reflection"), "{said}");
}

/// What the scripts ask for.
fn house() -> House {
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
    house
}

fn serve(house: &House) -> Daemon {
    let daemon = house.serve();
    // Files that were written a moment ago are taken for complete a little later.
    for version in ["iris/versions/1", "iris/versions/2", "iris-forest", "words"] {
        let ready = format!("/v2/models/{version}/ready");
        daemon.until(|daemon| daemon.get(&ready), |reply| reply.status == 200);
    }
    daemon
}
