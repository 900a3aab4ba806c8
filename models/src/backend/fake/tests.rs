//! Each behaviour, loaded from a folder as the daemon would.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

use expect_test::{Expect, expect};

use super::*;
use crate::contract::Dims;
use crate::loader::{self, Loaded, Loaders};
use crate::name::{Name, VersionNumber};
use crate::package::Kind;
use crate::tensor::Tensor;

fn load(fake: &str) -> (Result<Loaded, LoadError>, Gate) {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("m/1")).unwrap();
    fs::write(root.path().join("m/1/fake.toml"), fake).unwrap();
    let package = Package::open(root.path(), &Name::new("m").unwrap(), VersionNumber::ONE);
    let fakes = FakeLoader::default();
    let gate = fakes.gate();
    let loaders = Loaders::new().with(Kind::Fake, Box::new(fakes));
    let loaded = package.and_then(|p| loader::load(&p, &loaders, &mut |_| {}));
    // The folder's own name must not show in expectations.
    let loaded = loaded.map_err(|error| match error {
        LoadError::Invalid { path, what } => LoadError::Invalid {
            path: path.file_name().unwrap().into(),
            what,
        },
        other => other,
    });
    (loaded, gate)
}

fn loaded(fake: &str) -> (Loaded, Gate) {
    let (loaded, gate) = load(fake);
    (loaded.unwrap(), gate)
}

fn x(values: &[f32]) -> Vec<Tensor> {
    vec![Tensor::of(vec![1, values.len()], values.to_vec()).unwrap()]
}

fn check_error(fake: &str, expected: Expect) {
    let (loaded, _) = load(fake);
    let error = loaded.map(|_| ()).unwrap_err();
    expected.assert_eq(&error.to_string());
}

#[test]
fn an_echo_answers_what_it_was_asked() {
    let (echo, _) = loaded("");
    assert_eq!(echo.engine, "fake");
    assert_eq!(echo.model.infer(x(&[1.0, 2.0])), Ok(x(&[1.0, 2.0])));
    let (echo, _) = loaded(
        "memory = 5\ninputs = [{ name = 'a', datatype = 'BYTES', shape = [] }, { name = 'b', datatype = 'INT8', shape = [2, -1] }]",
    );
    assert_eq!(echo.estimate.memory, 5);
    let ports = echo.contract.outputs.iter();
    let shown: Vec<_> = ports
        .map(|p| format!("{} {} {}", p.name, p.datatype, Dims(&p.shape)))
        .collect();
    expect!["a BYTES [], b INT8 [2, -1]"].assert_eq(&shown.join(", "));
}

#[test]
fn a_flaky_one_fails_every_nth_time() {
    // The warm-up and the look at whether its rows depend on each other are the first six runs.
    let (flaky, _) = loaded("behaviour = 'flaky'\nevery = 3");
    let results: Vec<bool> = (0..6)
        .map(|_| flaky.model.infer(x(&[1.0])).is_ok())
        .collect();
    assert_eq!(results, [true, true, false, true, true, false]);
}

#[test]
fn a_slow_one_takes_its_time() {
    let (slow, _) = loaded("behaviour = 'slow'\ndelay = '30ms'");
    let warm = slow.timings.inference.unwrap();
    assert!(warm.as_millis() >= 30, "{warm:?}");
}

#[test]
fn a_panicking_one_panics_at_its_marker_only() {
    let (model, _) = loaded("behaviour = 'panicking'\nmarker = 13");
    assert!(model.model.infer(x(&[666.0])).is_ok());
    let run = || model.model.infer(x(&[1.0, 13.0]));
    let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    expect!["an input holds the marker 13"].assert_eq(loader::load::panic_message(&*panic));
}

#[test]
fn a_hanging_one_hangs_until_it_is_released() {
    let (model, gate) = loaded("behaviour = 'hanging'");
    let model = model.model;
    assert!(model.infer(x(&[1.0])).is_ok());
    let (send, receive) = mpsc::channel();
    let hanging = thread::spawn(move || {
        let result = model.infer(x(&[666.0]));
        send.send("answered").unwrap();
        result
    });
    // Only the gate's owner can send first: the inference answers after it was released.
    assert!(receive.try_recv().is_err());
    gate.release();
    assert_eq!(receive.recv(), Ok("answered"));
    assert_eq!(hanging.join().unwrap(), Ok(x(&[666.0])));
}

#[test]
fn loading_fails_as_it_is_told() {
    check_error(
        "load = { outcome = 'fail' }",
        expect!["engine fake: fails to load, as fake.toml says"],
    );
    check_error(
        "load = { outcome = 'panic', delay = '1ms' }",
        expect!["engine fake: panicked: panics while it loads, as fake.toml says"],
    );
    check_error(
        "behaviour = 'echo'\nmarker = 1",
        expect![
            "fake.toml: behaviour Echo: expected delay with slow only, every with flaky only, marker with panicking and hanging only"
        ],
    );
    check_error(
        "behaviour = 'slow'\ndelay = 'long'",
        expect!["fake.toml: delay: expected a duration: expected number at 0"],
    );
    check_error(
        "behaviour = 'odd'",
        expect![[r#"
        fake.toml: TOML parse error at line 1, column 13
          |
        1 | behaviour = 'odd'
          |             ^^^^^
        unknown variant `odd`, expected one of `echo`, `slow`, `flaky`, `panicking`, `hanging`
    "#]],
    );
    check_error(
        "inputs = [{ name = 'x', datatype = 'FP32', shape = [-2] }]",
        expect!["fake.toml: input 'x': expected sizes from 0, or -1, got -2"],
    );
}
