//! A folder of models, `ROOT/NAME/VERSION/…`: which versions there are, and what looks like a mistake.
//!
//! A scan looks at names, sizes and times only; it opens no model. What changed between two scans is told by
//! [`Watch`]; when to scan and what to do about it is the daemon's business. Whatever lies in the folder, a scan
//! of the rest goes on: odd things become notes.

mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::error::LoadError;
use crate::name::{Name, VersionNumber};
use crate::package::files::{self, Listing};
use crate::package::manifest::MANIFEST_FILE;
use crate::package::triton::CONFIG_FILE;
use crate::package::{self, Fingerprint, Limits, Manifest, Package, Wishes};

pub use crate::package::files::Note;
pub use watch::{Change, Watch};

/// The most notes of one scan.
const MAX_NOTES: usize = 200;

/// A folder of models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    root: PathBuf,
    defaults: Limits,
}

/// What lies in a repository at one moment.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// The models and their versions.
    pub models: BTreeMap<Name, ModelScan>,
    /// Models whose folder could not be read this time: what is known of them still holds.
    pub unreadable: BTreeSet<Name>,
    /// What looks like a mistake and is ignored, sorted.
    pub notes: Vec<Note>,
}

/// A model's folder.
#[derive(Clone, Debug, Default)]
pub struct ModelScan {
    /// The files that hold for all versions: `model.toml` and `config.pbtxt`.
    pub settings: Fingerprint,
    /// The versions.
    pub versions: BTreeMap<VersionNumber, VersionScan>,
}

/// A version's folder.
#[derive(Clone, Debug)]
pub struct VersionScan {
    /// Its files.
    pub fingerprint: Fingerprint,
    /// How long ago the newest of them changed; zero where that is not known or in the future.
    pub age: Duration,
    /// Whether it looks whole.
    pub completeness: Completeness,
}

/// Whether a version's folder looks whole, as far as one look tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// It may be whole; a second look after a while tells.
    Whole,
    /// It is certainly still being written.
    Unfinished(&'static str),
    /// It could not be looked at this time.
    Unreadable,
}

// === impl Repository ===

impl Repository {
    /// The repository at a folder.
    ///
    /// # Errors
    /// [`LoadError`] when there is no such folder or it cannot be read.
    pub fn open(root: &Path) -> Result<Self, LoadError> {
        let root = files::canonical(root)?;
        if !root.is_dir() {
            return Err(files::invalid(
                &root,
                "expected a folder of models (NAME/VERSION/model.onnx), found a file",
            ));
        }
        fs::read_dir(&root).map_err(files::read(&root))?;
        Ok(Self {
            root,
            defaults: Limits::default(),
        })
    }

    /// Sets the limits of versions that do not say otherwise.
    #[must_use]
    pub fn with_defaults(mut self, defaults: Limits) -> Self {
        self.defaults = defaults;
        self
    }

    /// The folder, without links.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Looks at one version's folder.
    ///
    /// # Errors
    /// As for [`Package::open`].
    pub fn package(&self, model: &Name, version: VersionNumber) -> Result<Package, LoadError> {
        Package::open_with(&self.root, model, version, &self.defaults)
    }

    /// Which versions of a model are to be loaded, and whether they may be parked.
    ///
    /// # Errors
    /// [`LoadError`] when the model's `model.toml` or `config.pbtxt` is wrong.
    pub fn wishes(&self, model: &Name) -> Result<Wishes, LoadError> {
        Manifest::wishes(&self.root, model)
    }

    /// Looks at every model's and version's files; `now` is the wall clock's time, against which ages are told.
    ///
    /// # Errors
    /// [`LoadError::Read`] when the repository's folder itself cannot be read.
    pub fn scan(&self, now: SystemTime) -> Result<Scan, LoadError> {
        let mut scan = Scan::default();
        for name in names(&self.root).map_err(files::read(&self.root))? {
            let path = self.root.join(&name);
            let text = name.to_string_lossy();
            if files::is_ignored(&text) {
                continue;
            }
            if !path.is_dir() {
                if text.ends_with(".onnx") || package::is_artifact(&text) {
                    scan.note(
                        path,
                        "a model lies in MODEL/VERSION/, such as MODEL/1/model.onnx",
                    );
                } else if path.is_symlink() && !path.exists() {
                    scan.note(path, "a link that leads nowhere");
                }
                continue;
            }
            match Name::new(&text) {
                Ok(model) => self.model(model, &path, now, &mut scan),
                Err(error) => scan.note(path, &format!("not a model's name: {error}")),
            }
        }
        scan.notes.sort_unstable();
        Ok(scan)
    }

    fn model(&self, model: Name, dir: &Path, now: SystemTime, scan: &mut Scan) {
        if let Err(error) = files::inside(&self.root, dir) {
            return scan.note(dir.to_owned(), &files::reason(&error));
        }
        let entries = match names(dir) {
            Ok(entries) => entries,
            Err(error) => {
                scan.note(dir.to_owned(), &format!("cannot be read: {error}"));
                scan.unreadable.insert(model);
                return;
            }
        };
        let mut found = ModelScan::default();
        for file in [CONFIG_FILE, MANIFEST_FILE] {
            found.settings.add(dir, file);
        }
        for name in entries {
            let path = dir.join(&name);
            let text = name.to_string_lossy();
            if files::is_ignored(&text) {
                continue;
            }
            match text.parse::<VersionNumber>() {
                Ok(version) if path.is_dir() => {
                    if let Some(seen) = self.version(&path, now, scan) {
                        found.versions.insert(version, seen);
                    }
                }
                Ok(_) => scan.note(path, "expected a version's folder, found a file"),
                Err(_) => {
                    if let Some(what) = mistake(&path, &text) {
                        scan.note(path, what);
                    }
                }
            }
        }
        scan.models.insert(model, found);
    }

    fn version(&self, dir: &Path, now: SystemTime, scan: &mut Scan) -> Option<VersionScan> {
        let listing = match files::list(&self.root, dir) {
            Ok(listing) => listing,
            Err(LoadError::Read { source, .. }) => {
                scan.note(dir.to_owned(), &format!("cannot be read: {source}"));
                return Some(VersionScan {
                    fingerprint: Fingerprint::default(),
                    age: Duration::ZERO,
                    completeness: Completeness::Unreadable,
                });
            }
            Err(error) => {
                scan.note(dir.to_owned(), &files::reason(&error));
                return None;
            }
        };
        let completeness = completeness(&listing);
        for note in listing.notes {
            scan.note(note.path, &note.what);
        }
        let newest = listing.fingerprint.newest();
        let age = newest.and_then(|newest| now.duration_since(newest).ok());
        Some(VersionScan {
            fingerprint: listing.fingerprint,
            age: age.unwrap_or_default(),
            completeness,
        })
    }
}

impl Scan {
    fn note(&mut self, path: PathBuf, what: &str) {
        // A folder of a million oddities must not fill memory with complaints.
        if self.notes.len() < MAX_NOTES {
            self.notes.push(Note {
                path,
                what: what.to_owned(),
            });
        }
    }
}

/// What one look at a version's files tells of their being whole.
///
/// A folder without any model file counts as whole: it is either a mistake, which loading then reports, or its
/// model file comes later, which is a change. But where a temporary file lies beside, that one will be the model.
fn completeness(listing: &Listing) -> Completeness {
    let files = &listing.fingerprint;
    let mut artifacts = files
        .paths()
        .filter(|path| path.to_str().is_some_and(package::is_artifact))
        .peekable();
    if files.is_empty() {
        return Completeness::Unfinished("no files yet");
    }
    if artifacts.peek().is_none() && !listing.unfinished.is_empty() {
        return Completeness::Unfinished("a temporary file and no model file yet");
    }
    if artifacts.any(|path| files.size(path) == Some(0)) {
        return Completeness::Unfinished("the model file is empty");
    }
    Completeness::Whole
}

/// Why something in a model's folder that is no version looks like a mistake, where it does.
fn mistake(path: &Path, name: &str) -> Option<&'static str> {
    if !path.is_dir() {
        let model = package::is_artifact(name) || name.ends_with(".onnx");
        return model.then_some(
            "a model file lies in a version's folder, such as 1/model.onnx, not beside the versions",
        );
    }
    let number = name.trim_start_matches(['v', 'V', '-', '_']);
    let numbered = number.starts_with(|c: char| c.is_ascii_digit());
    let holds_model = || {
        let names = names(path).unwrap_or_default();
        names
            .iter()
            .filter_map(|n| n.to_str())
            .any(package::is_artifact)
    };
    (numbered || holds_model()).then_some(
        "a version's folder is named by a whole number from 1 without leading zeros, such as 1",
    )
}

/// The names in a folder, sorted. Those that cannot be told are left out.
fn names(dir: &Path) -> std::io::Result<Vec<OsString>> {
    let entries = fs::read_dir(dir)?;
    let mut names: Vec<_> = entries.filter_map(|e| Some(e.ok()?.file_name())).collect();
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests;
