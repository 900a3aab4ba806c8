//! Where ONNX Runtime's shared library may lie, and what its name says of its version. Nothing is opened here.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The variable that names the library; crate `ort` and others know it too.
pub(super) const VARIABLE: &str = "ORT_DYLIB_PATH";
/// The oldest library that the binding can talk to.
pub(super) const OLDEST: Version = Version(1, ort::MINOR_VERSION, 0);

/// The version of a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) u32, pub(super) u32, pub(super) u32);

/// The surroundings that say where to look; read once, so that tests can state others.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// `ORT_DYLIB_PATH`.
    pub(super) variable: Option<OsString>,
    /// Folders that hold `lib/python3.*/site-packages`, in the order in which they are looked at.
    pub(super) prefixes: Vec<PathBuf>,
}

/// Who named a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamedBy {
    /// The variable.
    Variable,
    /// The setting `engines.onnxruntime_library`.
    Setting,
    /// Nobody: it lies where `pip install onnxruntime` puts it.
    Nobody,
}

/// The libraries to try, best first. Where one is named, that one or none.
pub(super) fn candidates(around: &Surroundings, setting: Option<&Path>) -> (NamedBy, Vec<PathBuf>) {
    if let Some(path) = around.variable.as_ref().filter(|path| !path.is_empty()) {
        return (NamedBy::Variable, vec![path.into()]);
    }
    if let Some(path) = setting {
        return (NamedBy::Setting, vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for prefix in &around.prefixes {
        let mut here: Vec<PathBuf> = ["lib", "lib64", "Lib"]
            .iter()
            .flat_map(|lib| packages(&prefix.join(lib)))
            .flat_map(|packages| libraries(&packages.join("onnxruntime/capi")))
            .collect();
        // The newest of a place first; one whose name says nothing last.
        here.sort_by_key(|path| (std::cmp::Reverse(version(path)), path.clone()));
        for path in here {
            if !found.contains(&path) {
                found.push(path);
            }
        }
    }
    (NamedBy::Nobody, found)
}

/// The version that a library's file name says, links followed: `libonnxruntime.so.1.32.0`,
/// `libonnxruntime.1.32.0.dylib`.
pub(super) fn version(path: &Path) -> Option<Version> {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = real.file_name()?.to_str()?;
    let rest = name.strip_prefix("libonnxruntime.")?;
    let rest = rest.strip_prefix("so.").unwrap_or(rest);
    let rest = rest.strip_suffix(".dylib").unwrap_or(rest);
    let mut numbers = rest.split('.').map(|part| part.parse().ok());
    let (major, minor) = (numbers.next()??, numbers.next()??);
    Some(Version(major, minor, numbers.next().flatten().unwrap_or(0)))
}

/// The folders of Python packages below a `lib`: `python3.12/site-packages` and its like, `site-packages` itself.
fn packages(lib: &Path) -> Vec<PathBuf> {
    let mut pythons = listed(lib, |name| name.starts_with("python3"));
    pythons.push(lib.to_owned());
    let both = |python: PathBuf| ["site-packages", "dist-packages"].map(|name| python.join(name));
    pythons.into_iter().flat_map(both).collect()
}

fn libraries(folder: &Path) -> Vec<PathBuf> {
    listed(folder, |name| {
        name.starts_with("libonnxruntime.so")
            || (name.starts_with("libonnxruntime.") && name.ends_with(".dylib"))
            || name == "onnxruntime.dll"
    })
}

/// The entries of a folder whose names fit, the last first; none where it cannot be read.
fn listed(folder: &Path, fits: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(&fits))
        .map(|entry| entry.path())
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
}

// === impl Surroundings ===

impl Surroundings {
    /// Those of this process: an active virtual environment, the user's packages, the system's.
    pub(super) fn of_process() -> Self {
        let folder = |name: &str| {
            env::var_os(name)
                .filter(|v| !v.is_empty())
                .map(PathBuf::from)
        };
        let mut prefixes: Vec<PathBuf> = ["VIRTUAL_ENV", "CONDA_PREFIX"]
            .into_iter()
            .filter_map(folder)
            .collect();
        let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        if let Some(home) = folder(home) {
            prefixes.push(home.join(".local"));
            // The user's packages of a Python from python.org on macOS.
            let mut versions = listed(&home.join("Library/Python"), |_| true);
            prefixes.append(&mut versions);
        }
        for prefix in ["/usr/local", "/opt/homebrew", "/usr", "/opt/conda"] {
            prefixes.push(prefix.into());
        }
        Self {
            variable: env::var_os(VARIABLE),
            prefixes,
        }
    }
}

// === impl Version ===

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}
