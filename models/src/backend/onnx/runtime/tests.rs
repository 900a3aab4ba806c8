//! The search for the library, by tables. Opening one is tested with the real library, in `tests/it/engines`.

use std::fs;
use std::path::Path;

use super::library::search;
use super::places::{NamedBy, OLDEST, Surroundings, Version, candidates, version};

#[test]
fn a_name_says_the_version() {
    for (name, expected) in [
        ("libonnxruntime.so.1.32.0", Some(Version(1, 32, 0))),
        ("libonnxruntime.so.1.9", Some(Version(1, 9, 0))),
        ("libonnxruntime.1.23.2.dylib", Some(Version(1, 23, 2))),
        ("libonnxruntime.so", None),
        ("libonnxruntime.dylib", None),
        ("onnxruntime.dll", None),
        ("libonnxruntime.so.x.y", None),
        ("other.so.1.2.3", None),
    ] {
        assert_eq!(version(Path::new(name)), expected, "{name}");
    }
    assert!(Version(1, 9, 0) < Version(1, 10, 0));
    assert_eq!(OLDEST.to_string(), "1.20.0");
}

#[cfg(unix)]
#[test]
fn a_link_has_the_version_of_what_it_leads_to() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("libonnxruntime.so.1.25.1"), b"").unwrap();
    let link = dir.path().join("libonnxruntime.so");
    std::os::unix::fs::symlink("libonnxruntime.so.1.25.1", &link).unwrap();
    assert_eq!(version(&link), Some(Version(1, 25, 1)));
}

#[test]
fn the_newest_of_the_first_place_comes_first() {
    let dir = tempfile::tempdir().unwrap();
    let file = |path: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"").unwrap();
    };
    file("venv/lib/python3.9/site-packages/onnxruntime/capi/libonnxruntime.so.1.9.0");
    file("venv/lib/python3.12/site-packages/onnxruntime/capi/libonnxruntime.so.1.24.1");
    file("venv/lib/python3.12/site-packages/onnxruntime/capi/libonnxruntime_providers_shared.so");
    file("venv/lib/python3.12/site-packages/numpy/libonnxruntime.so.1.99.0");
    file("usr/lib/python3/dist-packages/onnxruntime/capi/libonnxruntime.so.1.30.0");
    let mut around = Surroundings {
        variable: None,
        prefixes: ["none", "venv", "usr", "venv"]
            .map(|p| dir.path().join(p))
            .into(),
    };
    let (named, found) = candidates(&around, None);
    let names: Vec<_> = found
        .iter()
        .map(|p| p.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(named, NamedBy::Nobody);
    let expected =
        ["so.1.24.1", "so.1.9.0", "so.1.30.0"].map(|end| format!("libonnxruntime.{end}"));
    assert_eq!(names, expected);

    let setting = Path::new("/set/libonnxruntime.so");
    assert_eq!(
        candidates(&around, Some(setting)),
        (NamedBy::Setting, vec![setting.to_owned()])
    );
    around.variable = Some("/var/libonnxruntime.so".into());
    assert_eq!(
        candidates(&around, Some(setting)),
        (NamedBy::Variable, vec!["/var/libonnxruntime.so".into()])
    );
    around.variable = Some("".into());
    assert_eq!(candidates(&around, Some(setting)).0, NamedBy::Setting);
}

#[test]
fn what_was_not_found_is_said_with_who_named_it() {
    let said = |around: &Surroundings, setting: Option<&Path>| match search(around, setting) {
        (_, Err(what)) => what,
        (_, Ok(_)) => panic!("there is none to be found"),
    };
    let mut around = Surroundings::default();
    assert_eq!(said(&around, None), "ONNX Runtime was not found");
    let nowhere = Path::new("/nowhere/at/all.so");
    let text = said(&around, Some(nowhere));
    assert!(
        text.starts_with(
            "/nowhere/at/all.so, which engines.onnxruntime_library names, cannot be read"
        ),
        "{text}"
    );
    around.variable = Some("/nowhere/else.so".into());
    let text = said(&around, Some(nowhere));
    assert!(
        text.starts_with("/nowhere/else.so, which ORT_DYLIB_PATH names, cannot be read"),
        "{text}"
    );
}
