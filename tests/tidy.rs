//! The house rules that a machine can check: who may name whom, how long a file is, what must not be left behind.
//!
//! Every breach is one line, `file:line: rule: reason`. What rustfmt and clippy check is not repeated here, and
//! nothing is built or run. A rule that makes a piece of code worse gets an exception in the table of `bans`,
//! with its reason beside it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "tidy/bans.rs"]
mod bans;
#[path = "tidy/scan.rs"]
mod scan;

use bans::{BANS, EVERYWHERE};
use scan::{blank, paths, says};

/// The most lines of a file, tests included.
const LONGEST: usize = 500;

/// Folders that a machine writes: neither their length nor their words are anybody's choice. A test keeps what is in
/// them the same as what they are made from.
const GENERATED: [&str; 1] = ["daemon/grpc/gen"];

/// What a package takes from the workspace, so that it is said once.
const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];

// === the rules ===

#[test]
fn rooms_keep_to_their_words() {
    let mut breaches = Breaches::default();
    for file in sources() {
        let said = paths(&blank(&file.text), &file.module());
        for ban in BANS {
            if !file.is_in(ban.rooms) || file.is_in(ban.except) {
                continue;
            }
            for (line, path) in &said {
                if let Some(word) = ban.words.iter().find(|word| says(path, word)) {
                    breaches.add(
                        &file.path,
                        *line,
                        &format!("`{word}` is not said here"),
                        ban.reason,
                    );
                }
            }
        }
    }
    breaches.none();
}

#[test]
fn every_file_is_short_and_says_what_lives_in_it() {
    let mut breaches = Breaches::default();
    for file in sources() {
        let lines = file.text.lines().count();
        if lines > LONGEST {
            let rule = format!("{lines} lines, expected at most {LONGEST}");
            breaches.add(
                &file.path,
                lines,
                &rule,
                "a file is read as a whole; move a part to its own",
            );
        }
        if !file.text.starts_with("//!") {
            let reason = "it says what lives here and what deliberately does not";
            breaches.add(&file.path, 1, "a file opens with `//!`", reason);
        }
    }
    breaches.none();
}

#[test]
fn a_mod_rs_lists_its_modules_first() {
    let mut breaches = Breaches::default();
    for file in sources()
        .iter()
        .filter(|file| file.path.ends_with("/mod.rs"))
    {
        let code = blank(&file.text);
        let mut item = None;
        let mut test = false;
        for (at, line) in code.lines().enumerate() {
            let words: Vec<_> = line
                .split_whitespace()
                .filter(|word| !word.starts_with("pub"))
                .collect();
            match words.first() {
                Some(&"mod") if item.is_some() && !test && line.ends_with(';') => {
                    let rule = format!("a `mod` line after the item of line {}", item.unwrap_or(0));
                    let reason = "a mod.rs is a folder's table of contents: its modules in reading order, then the rest";
                    breaches.add(&file.path, at + 1, &rule, reason);
                }
                Some(
                    &("fn" | "struct" | "enum" | "trait" | "impl" | "const" | "static" | "type"),
                ) => {
                    item.get_or_insert(at + 1);
                }
                _ => {}
            }
            test = line.trim_start().starts_with("#[cfg(")
                || (test && line.trim_start().starts_with("#["));
        }
    }
    breaches.none();
}

#[test]
fn packages_inherit_from_the_workspace() {
    let mut breaches = Breaches::default();
    for path in ["Cargo.toml", "models/Cargo.toml", "pipelines/Cargo.toml"] {
        let text = fs::read_to_string(root().join(path)).expect("every package has a manifest");
        let manifest: toml::Table = text.parse().expect("cargo has read it already");
        let package = manifest.get("package");
        let inherits = |value: Option<&toml::Value>| {
            let from = value.and_then(|value| value.get("workspace"));
            from.and_then(toml::Value::as_bool) == Some(true)
        };
        for key in INHERITED {
            if !inherits(package.and_then(|package| package.get(key))) {
                let rule = format!("`{key}.workspace = true` is missing");
                breaches.add(path, 1, &rule, "what holds for all packages is said once");
            }
        }
        if !inherits(manifest.get("lints")) {
            breaches.add(
                path,
                1,
                "`[lints] workspace = true` is missing",
                "all code is held to the same lints",
            );
        }
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let table = manifest.get(table).and_then(toml::Value::as_table);
            for (name, from) in table.into_iter().flatten() {
                if !inherits(Some(from)) {
                    let rule = format!("dependency `{name}` names its own version");
                    breaches.add(
                        path,
                        1,
                        &rule,
                        "versions stand in [workspace.dependencies], so that there is one of each",
                    );
                }
            }
        }
        let targets = |key: &str| -> Vec<toml::Value> {
            match manifest.get(key) {
                Some(toml::Value::Array(targets)) => targets.clone(),
                one => one.cloned().into_iter().collect(),
            }
        };
        let off = |target: &toml::Value, key: &str| {
            target.get(key).and_then(toml::Value::as_bool) == Some(false)
        };
        if [targets("lib"), targets("bin")]
            .concat()
            .iter()
            .any(|target| !off(target, "bench"))
        {
            let reason = "the test harness does not know criterion's flags and would refuse them";
            breaches.add(
                path,
                1,
                "`bench = false` is missing at a lib or bin",
                reason,
            );
        }
        if targets("bench")
            .iter()
            .any(|target| !off(target, "harness"))
        {
            breaches.add(
                path,
                1,
                "`harness = false` is missing at a bench",
                "benches bring their own main",
            );
        }
    }
    breaches.none();
}

// === the rules' own tests ===

#[test]
fn the_scanner_sees_what_the_compiler_sees() {
    let code = r##"
        use std::{fs::{self, File}, time::Instant as Clock}; // use tokio::net;
        /* sled /* nested */ sled */ const TEXT: &str = "sled::Db"; const RAW: &str = r#"tokio"#;
        fn quote<'a>(c: char) -> bool { c == '"' || c == '\'' || super::store::open("dbg!") }
        use ::sled::Db; fn later() { let sled = 1; todo!(); }
        #[ignore = "slow"]
    "##;
    let said = paths(&blank(code), &["crate", "serve", "walk"].map(String::from));
    let lines = |word: &str| -> Vec<usize> {
        said.iter()
            .filter(|(_, path)| says(path, word))
            .map(|(line, _)| *line)
            .collect()
    };
    assert_eq!(lines("std::fs"), [2, 2]);
    assert_eq!(lines("std::time::Instant"), [2]);
    assert_eq!(lines("tokio"), [0; 0]);
    assert_eq!(lines("sled"), [5]);
    assert_eq!(lines("crate::serve::store"), [4]);
    assert_eq!(lines("todo!"), [5]);
    assert_eq!(lines("dbg!"), [0; 0]);
    assert_eq!(lines("#[ignore"), [6]);
}

#[test]
fn every_ban_is_about_files_that_are_there() {
    let files = sources();
    for ban in BANS {
        for room in ban.rooms {
            assert!(
                files.iter().any(|file| file.path.starts_with(room)),
                "no file in {room}"
            );
        }
    }
}

// === files ===

struct Source {
    /// From the repository's root, with slashes.
    path: String,
    text: String,
}

impl Source {
    fn is_in(&self, rooms: &[&str]) -> bool {
        rooms.iter().any(|room| self.path.starts_with(room))
    }

    /// The path of the file's module within its package.
    fn module(&self) -> Vec<String> {
        let below = self
            .path
            .strip_prefix("daemon/")
            .or_else(|| self.path.split_once("/src/").map(|(_, below)| below));
        let below = below.unwrap_or(&self.path).trim_end_matches(".rs");
        let segments = below
            .split('/')
            .filter(|name| !["mod", "lib", "main"].contains(name));
        std::iter::once("crate")
            .chain(segments)
            .map(String::from)
            .collect()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = EVERYWHERE.iter().map(|room| root().join(room)).collect();
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("the folder stays while it is read").path();
            if path.is_dir() {
                let generated = GENERATED.iter().any(|folder| path.ends_with(folder));
                folders.extend((!generated).then_some(path));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let below = path
                    .strip_prefix(root())
                    .expect("it was found below the root");
                files.push(Source {
                    path: below.to_string_lossy().replace('\\', "/"),
                    text,
                });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

#[derive(Default)]
struct Breaches(String);

impl Breaches {
    fn add(&mut self, path: &str, line: usize, rule: &str, reason: &str) {
        writeln!(self.0, "{path}:{line}: {rule}: {reason}")
            .expect("a string takes what is written");
    }

    fn none(self) {
        assert!(self.0.is_empty(), "house rules are broken\n{}", self.0);
    }
}
