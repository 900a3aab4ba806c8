//! Both engines for ONNX files, side by side: the specification's node tests, this repository's fixtures, and what
//! a daemon does with a library that is there, missing or wrong.
//!
//! ONNX Runtime comes from the package index (`python`). What an engine cannot do is kept in lists with the reason;
//! a case that is listed and passes fails the test as one that is not listed and fails does, so that the lists stay
//! true. `UPDATE_EXPECT=1` writes them anew. ONNX Runtime normalises text only where the machine has the locale
//! en_US.UTF-8.

mod agreement;
mod daemon;
mod hostile;
mod nodes;
mod proto;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use impresario::models::backend::{self, Engines, Use};
use impresario::models::loader::{Loaded, Loaders, load};
use impresario::models::package::{EngineChoice, Onnx, Warmup};
use impresario::models::{Artifact, LoadError, Manifest, Package};

use crate::daemon::root;
use crate::python::environment;

/// The library that the lists are written for. Its Python code is not used, so neither is what that needs.
const ONNXRUNTIME: [&str; 2] = ["--no-deps", "onnxruntime==1.32.0"];

/// The shared library in the environment that this test makes.
fn library() -> PathBuf {
    let python = environment(&ONNXRUNTIME);
    let home = python.ancestors().nth(2).expect("PREFIX/bin/python");
    let mut open = vec![home.to_owned()];
    while let Some(dir) = open.pop() {
        let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else if name.starts_with("libonnxruntime.") || name == "onnxruntime.dll" {
                return entry.path();
            }
        }
    }
    panic!(
        "{ONNXRUNTIME:?} brought no shared library into {}",
        home.display()
    );
}

/// Both engines.
fn loaders() -> Loaders {
    assert!(
        std::env::var_os("ORT_DYLIB_PATH").is_none(),
        "this test has a library of its own: unset ORT_DYLIB_PATH"
    );
    let engines = Engines {
        onnxruntime: Use::Require,
        library: Some(library()),
    };
    backend::loaders(&engines).unwrap()
}

/// Loads the file in a folder with one engine.
fn load_with(loaders: &Loaders, dir: &Path, engine: EngineChoice) -> Result<Loaded, LoadError> {
    let package = Package {
        model: "tested".parse().unwrap(),
        version: "1".parse().unwrap(),
        dir: dir.to_owned(),
        artifact: Artifact::Onnx(dir.join("model.onnx")),
        manifest: Manifest {
            onnx: Onnx {
                engine,
                ..Onnx::default()
            },
            warmup: Warmup { runs: 0 },
            ..Manifest::default()
        },
    };
    load(&package, loaders, &mut |_| {})
}

/// An error with its causes, without the folder's path, short enough for a list.
fn reason(error: &dyn std::error::Error, dir: &Path) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    let text = text.replace(&format!("{}/", dir.display()), "");
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ").chars().take(180).collect()
}

/// Runs every case on all cores and compares what failed with the list of what is known to fail.
fn compare_with_list<T: Sync>(
    list: &str,
    cases: &BTreeMap<String, T>,
    run: impl Fn(&T) -> Result<(), String> + Sync,
) {
    let failed = Mutex::new(BTreeMap::new());
    let next = Mutex::new(cases.iter());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some((name, case)) = next.lock().unwrap().next() else {
                        return;
                    };
                    if let Err(why) = run(case) {
                        failed.lock().unwrap().insert(name.as_str(), why);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let path = root().join("tests/fixtures/engines").join(list);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let lines = failed.iter().map(|(name, why)| format!("{name}\t{why}\n"));
        fs::write(&path, lines.collect::<String>()).unwrap();
        return;
    }
    let text = fs::read_to_string(&path).unwrap();
    let kept: BTreeMap<&str, &str> = text
        .lines()
        .map(|line| line.split_once('\t').expect("case, tab, reason"))
        .collect();
    let mut changes = String::new();
    for (name, why) in &failed {
        if !kept.contains_key(name) {
            changes += &format!("+ {name}\t{why}\n");
        }
    }
    for name in kept.keys().filter(|name| !failed.contains_key(*name)) {
        changes += &format!("- {name}\n");
    }
    assert!(
        changes.is_empty(),
        "{list} is no longer true; {} of {} cases failed. What fails and is not listed (+), what is listed and passes or \
         is gone (-):\n{changes}",
        failed.len(),
        cases.len()
    );
}
