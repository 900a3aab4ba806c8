//! The files of a folder in a repository: which belong to a version, and that none lies outside the repository.
//!
//! Everything that reads a version's folder lists it here, so that the watcher's fingerprint, the digest and the
//! engines agree on which files there are. Contents are not read here.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use crate::error::LoadError;

/// The most files that a version's folder may hold.
pub const MAX_FILES: usize = 10_000;

/// How deep folders may lie inside a version's folder.
const MAX_DEPTH: usize = 8;

/// What a folder's files look like from outside: relative paths, sizes in bytes and times of change.
///
/// Two equal fingerprints mean that nobody wrote between the two looks, as far as the file system tells; the
/// digest is what proves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    path: PathBuf,
    bytes: u64,
    changed: Option<SystemTime>,
}

/// A folder's files, and what was odd about it.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) fingerprint: Fingerprint,
    /// Files that a copy in progress leaves behind (`*.tmp`, `*.part`), relative to the folder.
    pub(crate) unfinished: Vec<PathBuf>,
    /// Links out of the repository, unreadable folders, too many files.
    pub(crate) notes: Vec<Note>,
}

/// Something in the repository that looks like a mistake and is ignored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// The file or folder.
    pub path: PathBuf,
    /// What is odd, and what was expected.
    pub what: String,
}

// === impl Fingerprint ===

impl Fingerprint {
    /// The files' paths relative to the folder, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|e| &*e.path)
    }

    /// The number of files.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All files' sizes together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.iter().fold(0, |sum, e| sum.saturating_add(e.bytes))
    }

    /// The size of one file, where it is there.
    #[must_use]
    pub fn size(&self, path: &Path) -> Option<u64> {
        self.0.iter().find(|e| e.path == path).map(|e| e.bytes)
    }

    /// When the newest file changed, where the file system tells.
    #[must_use]
    pub fn newest(&self) -> Option<SystemTime> {
        self.0.iter().filter_map(|e| e.changed).max()
    }

    /// Adds one file of a folder by its name, where it is there.
    pub(crate) fn add(&mut self, dir: &Path, name: &str) {
        if let Ok(meta) = fs::metadata(dir.join(name))
            && meta.is_file()
        {
            self.0.push(Entry::new(name.into(), &meta));
        }
    }
}

impl Entry {
    fn new(path: PathBuf, meta: &fs::Metadata) -> Self {
        Self {
            path,
            bytes: meta.len(),
            changed: meta.modified().ok(),
        }
    }
}

// === listing ===

/// Lists a folder and those below it, sorted by relative path.
///
/// # Errors
/// [`LoadError::Read`] when the folder itself cannot be read; what is odd below it becomes a note.
pub(crate) fn list(root: &Path, dir: &Path) -> Result<Listing, LoadError> {
    let mut listing = Listing::default();
    let mut above = vec![inside(root, dir)?];
    let entries = fs::read_dir(dir).map_err(read(dir))?;
    walk(
        root,
        dir,
        Path::new(""),
        entries,
        0,
        &mut above,
        &mut listing,
    );
    listing.fingerprint.0.sort_unstable();
    listing.unfinished.sort_unstable();
    listing.notes.sort_unstable();
    Ok(listing)
}

fn walk(
    root: &Path,
    base: &Path,
    relative: &Path,
    entries: fs::ReadDir,
    depth: usize,
    above: &mut Vec<PathBuf>,
    listing: &mut Listing,
) {
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return listing.note(base.join(relative), format!("not listed: {error}")),
        };
        let name = entry.file_name();
        let relative = relative.join(&name);
        let path = base.join(&relative);
        if is_ignored(&name.to_string_lossy()) {
            if is_unfinished(&name.to_string_lossy()) {
                listing.unfinished.push(relative);
            }
            continue;
        }
        if listing.fingerprint.len() >= MAX_FILES {
            return listing.note(
                base.to_owned(),
                format!("expected at most {MAX_FILES} files, found more"),
            );
        }
        // A plain file in a folder of the repository lies in the repository; anything else is followed.
        let plain = entry.file_type().is_ok_and(|t| t.is_file());
        let canonical = match if plain {
            Ok(path.clone())
        } else {
            inside(root, &path)
        } {
            Ok(canonical) => canonical,
            Err(error) => {
                listing.note(path, reason(&error));
                continue;
            }
        };
        let meta = match fs::metadata(&path) {
            Ok(meta) => meta,
            Err(error) => {
                listing.note(path, format!("cannot be looked at: {error}"));
                continue;
            }
        };
        if meta.is_file() {
            listing.fingerprint.0.push(Entry::new(relative, &meta));
        } else if !meta.is_dir() {
            listing.note(
                path,
                "expected a file or a folder, found a socket, pipe or device".to_owned(),
            );
        } else if depth + 1 >= MAX_DEPTH {
            listing.note(path, format!("folders lie more than {MAX_DEPTH} deep"));
        } else if above.iter().any(|folder| folder.starts_with(&canonical)) {
            listing.note(path, "a link to a folder that holds it".to_owned());
        } else {
            match fs::read_dir(&path) {
                Ok(entries) => {
                    above.push(canonical);
                    walk(root, base, &relative, entries, depth + 1, above, listing);
                    above.pop();
                }
                Err(error) => listing.note(path, format!("cannot be read: {error}")),
            }
        }
    }
}

impl Listing {
    fn note(&mut self, path: PathBuf, what: String) {
        // A hostile folder must not fill memory with complaints.
        if self.notes.len() < 20 {
            self.notes.push(Note { path, what });
        }
    }
}

/// What an error of [`inside`] says, without the path that is named beside it already.
pub(crate) fn reason(error: &LoadError) -> String {
    match error {
        LoadError::Invalid { what, .. } => what.clone(),
        LoadError::Read { source, .. } => format!("leads nowhere: {source}"),
        other => other.to_string(),
    }
}

/// Whether a file or folder of this name is no part of a repository: hidden, temporary, half copied, a backup.
#[must_use]
pub(crate) fn is_ignored(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~') || is_unfinished(name)
}

fn is_unfinished(name: &str) -> bool {
    let ends = |suffix: &str| name.len() > suffix.len() && name.ends_with(suffix);
    ends(".tmp") || ends(".part")
}

// === paths ===

/// A path without links, or why there is none.
pub(crate) fn canonical(path: &Path) -> Result<PathBuf, LoadError> {
    fs::canonicalize(path).map_err(read(path))
}

/// The path without links, which must lie inside the root (itself without links).
pub(crate) fn inside(root: &Path, path: &Path) -> Result<PathBuf, LoadError> {
    let target = canonical(path)?;
    if target.starts_with(root) {
        return Ok(target);
    }
    // Where it leads is not told: it may be somebody else's path.
    Err(invalid(
        path,
        "is a link that leaves the repository; copy the files into it",
    ))
}

/// A file by its path relative to a folder of the repository.
pub(crate) fn resolve(root: &Path, dir: &Path, relative: &str) -> Result<PathBuf, LoadError> {
    let path = Path::new(relative);
    let plain = |c: Component<'_>| match c {
        Component::Normal(name) => !is_ignored(&name.to_string_lossy()),
        Component::CurDir => true,
        Component::ParentDir | Component::RootDir | Component::Prefix(_) => false,
    };
    if relative.is_empty() || !path.components().all(plain) {
        let shown: String = relative.chars().take(100).collect();
        return Err(invalid(
            dir,
            format!(
                "expected a path inside this folder, neither hidden nor temporary, got '{}'",
                shown.escape_debug()
            ),
        ));
    }
    let path = dir.join(path);
    inside(root, &path)?;
    Ok(path)
}

/// A small text file, where there is one.
pub(crate) fn text(root: &Path, path: &Path, max: u64) -> Result<Option<String>, LoadError> {
    let bytes = match fs::metadata(path) {
        Err(error)
            if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(path).is_err() =>
        {
            return Ok(None);
        }
        Err(error) => return Err(read(path)(error)),
        Ok(meta) if !meta.is_file() => {
            return Err(invalid(path, "expected a file, found a folder"));
        }
        Ok(meta) if meta.len() > max => {
            return Err(invalid(
                path,
                format!("expected at most {max} bytes, found {}", meta.len()),
            ));
        }
        Ok(_) => {
            inside(root, path)?;
            fs::read(path).map_err(read(path))?
        }
    };
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at]
            .iter()
            .filter(|&&b| b == b'\n')
            .count()
            + 1;
        invalid(path, format!("line {line}: expected UTF-8 text"))
    })
}

// === errors ===

pub(crate) fn invalid(path: &Path, what: impl Into<String>) -> LoadError {
    LoadError::Invalid {
        path: path.to_owned(),
        what: what.into(),
    }
}

pub(crate) fn read(path: &Path) -> impl Fn(io::Error) -> LoadError {
    let path = path.to_owned();
    move |source| LoadError::Read {
        path: path.clone(),
        source,
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.what)
    }
}
