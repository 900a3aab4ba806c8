//! What `impresario check` says of small configurations.

use expect_test::{Expect, expect};
use tempfile::TempDir;

use super::*;

mod draw;
mod graphs;
mod rehearse;

/// A version that answers what it is asked: `x`, numbers in rows of two.
const ECHO: &str = "inputs = [{ name = 'x', datatype = 'FP32', shape = [-1, 2] }]";

/// A new folder with files and empty folders, whose paths end in no text.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        if text.is_empty() {
            std::fs::create_dir_all(path).unwrap();
        } else {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }
    folder
}

/// What is said of a folder, its paths relative to it.
fn relative(folder: &TempDir, text: &str) -> String {
    text.replace(&format!("{}/", folder.path().display()), "")
}

/// Checks files and empty folders of a new folder, which its paths are shown relative to.
fn check(files: &[(&str, &str)], expected: &Expect) -> Report {
    let folder = folder(files);
    let file = folder.path().join("impresario.toml");
    let report = super::check(Some(&file), [], &Overrides::default());
    expected.assert_eq(&relative(&folder, &format!("{report}\n")));
    report
}

#[test]
fn a_sound_configuration_is_ok() {
    let pipelines = "version = 1\n[pipelines.flowers.policy]\ntype = 'standalone'\nmodel = 'iris'\nversion = 2\n";
    let files = [
        ("impresario.toml", "version = 1"),
        ("models/iris/2", ""),
        ("models/iris/notes", ""),
        ("models/.git/1", ""),
        ("pipelines/flowers.toml", pipelines),
    ];
    let report = check(
        &files,
        &expect![[r#"
        ok: pipelines: 1, models: 1, warnings: 0
    "#]],
    );
    assert_eq!(report.exit_code(), 0);
    expect![[r#"{"ok":true,"problems":[],"pipelines":["flowers"],"models":{"iris":[2]}}"#]]
        .assert_eq(&serde_json::to_string(&report).unwrap());
}

#[test]
fn what_pipelines_name_must_be_in_the_repository() {
    let pipelines = "
version: 1
pipelines:
  a: { policy: { type: standalone, model: irsi } }
  b: { policy: { type: standalone, model: iris, version: 9 } }
  c.d: { policy: { type: standalone, model: empty } }
  e: { policy: { type: standalone, model: iris, version: 10 } }
";
    let files = [
        (
            "impresario.toml",
            "version = 1\n[pipelines]\nfiles = ['p/*.yaml', 'q/*']\n",
        ),
        ("models/iris/2", ""),
        ("models/iris/10", ""),
        ("models/empty", ""),
        ("p/all.yaml", pipelines),
    ];
    let report = check(
        &files,
        &expect![[r#"
        impresario.toml:3:22: warning[no-match] pipelines.files[1]: no file matches q/*
        p/all.yaml:4:3: error[not-found] pipelines.a.policy.model: the repository has no model 'irsi' (hint: did you mean 'iris'?)
        p/all.yaml:5:3: error[not-found] pipelines.b.policy.version: the model 'iris' has no version 9 (hint: its newest version is 10)
        p/all.yaml:6:3: error[not-found] pipelines."c.d".policy.model: the model 'empty' has no version (hint: a version is a folder empty/NUMBER)
        refused: errors: 3, warnings: 1
    "#]],
    );
    assert_eq!(report.exit_code(), 1);
}

#[test]
fn every_version_that_a_policy_names_is_looked_up() {
    let pipelines = "
version: 1
pipelines:
  a: { policy: { type: canary, model: iris, stable: 2, canary: 3, steps: [ { pause: approval } ] } }
  b: { policy: { type: canary, model: irsi, stable: 2, canary: 3, steps: [ { pause: approval } ] } }
  c:
    shadow: { model: iris, version: 9 }
    policy:
      type: experiment
      goals: [ { metric: click, kind: binary } ]
      arms: [ { name: a, model: iris, version: 2 }, { name: b, model: rose, version: 1 } ]
  d:
    policy:
      type: bandit
      reward: { metric: click }
      arms: [ { name: a, model: iris, version: 4 }, { name: b, model: iris, version: 2 } ]
";
    let files = [
        (
            "impresario.toml",
            "version = 1\n[pipelines]\nfiles = ['p/*.yaml']\n",
        ),
        ("models/iris/2", ""),
        ("p/all.yaml", pipelines),
    ];
    check(
        &files,
        &expect![[r#"
        p/all.yaml:4:3: error[not-found] pipelines.a.policy.canary: the model 'iris' has no version 3 (hint: its newest version is 2)
        p/all.yaml:5:3: error[not-found] pipelines.b.policy.model: the repository has no model 'irsi' (hint: did you mean 'iris'?)
        p/all.yaml:6:3: error[not-found] pipelines.c.policy.arms[1].model: the repository has no model 'rose'
        p/all.yaml:6:3: error[not-found] pipelines.c.shadow.version: the model 'iris' has no version 9 (hint: its newest version is 2)
        p/all.yaml:12:3: error[not-found] pipelines.d.policy.arms[0].version: the model 'iris' has no version 4 (hint: its newest version is 2)
        refused: errors: 5, warnings: 0
    "#]],
    );
}

#[test]
fn settings_and_pipelines_are_told_together() {
    check(
        &[("pipelines", "")],
        &expect![[r#"
        impresario.toml: error[unreadable]: read the file: No such file or directory (os error 2)
        refused: errors: 1, warnings: 0
    "#]],
    );
    let files = [
        ("impresario.toml", "version = 1"),
        ("pipelines/a.toml", "version = 1\n[pipelines.a]\n"),
        ("pipelines/b.toml", "version = 1\n[pipelines.b"),
    ];
    check(
        &files,
        &expect![[r#"
        models: error[unreadable] models.repository: list the repository: No such file or directory (os error 2) (hint: make the folder, or set models.repository)
        pipelines/a.toml:2:12: error[missing-field] pipelines.a: the field 'policy' is missing
        pipelines/b.toml:2:13: error[syntax]: not TOML: unclosed table, expected `]`
        refused: errors: 3, warnings: 0
    "#]],
    );
}
