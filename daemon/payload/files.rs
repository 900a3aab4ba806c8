//! The files of the log: `payload-20261129T004831Z-0.jsonl`, told apart by when they began, and a number for those that
//! began within one second. Nothing else in the folder is looked at or touched.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

const FRONT: &str = "payload-";
const END: &str = ".jsonl";
/// `20261129T004831Z`
const STAMP: usize = 16;

/// When a file began, and its number in that second: the order of the files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    stamp: String,
    number: u64,
}

/// A file of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) mark: Mark,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// The files of a folder, oldest first.
///
/// # Errors
/// Where the folder cannot be read.
pub fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(found(folder)?.into_iter().map(|found| found.path).collect())
}

/// The files of a folder with their sizes, oldest first.
pub(super) fn found(folder: &Path) -> io::Result<Vec<Found>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Some(mark) = entry.file_name().to_str().and_then(Mark::parse) else {
            continue;
        };
        // One that has just been deleted has nothing to tell.
        let Ok(about) = entry.metadata() else {
            continue;
        };
        if about.is_file() {
            files.push(Found {
                mark,
                path: entry.path(),
                bytes: about.len(),
            });
        }
    }
    files.sort_by(|a, b| a.mark.cmp(&b.mark));
    Ok(files)
}

/// Makes the folder, for its owner only, where it is not there.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Begins the newest file of a folder, for its owner only.
pub(super) fn begin(folder: &Path, at_ms: u64) -> io::Result<(PathBuf, File)> {
    let newest = found(folder)?.pop().map(|found| found.mark);
    let mut mark = Mark::after(newest.as_ref(), at_ms);
    loop {
        let path = folder.join(mark.name());
        match create(&path) {
            Ok(file) => return Ok((path, file)),
            // Somebody was quicker, or it is a folder.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => mark.number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Whether files can be written in a folder.
pub(super) fn probe(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".{FRONT}probe-{}", std::process::id()));
    let made = create(&path).map(drop);
    let gone = fs::remove_file(&path);
    made.and(gone)
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

// === impl Mark ===

impl Mark {
    fn parse(name: &str) -> Option<Self> {
        let rest = name.strip_prefix(FRONT)?.strip_suffix(END)?;
        let (stamp, number) = rest.split_at_checked(STAMP)?;
        let number = number.strip_prefix('-')?;
        let is_stamp = stamp.bytes().enumerate().all(|(at, byte)| match at {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
        let is_number = number == "0" || !number.starts_with(['0', '+']);
        (is_stamp && is_number).then_some(())?;
        Some(Self {
            stamp: stamp.to_owned(),
            number: number.parse().ok()?,
        })
    }

    /// The mark of a file that begins then. A clock that was set back does not put it before those that are there.
    fn after(newest: Option<&Self>, at_ms: u64) -> Self {
        let stamp = stamp(at_ms);
        match newest {
            Some(newest) if newest.stamp >= stamp => Self {
                stamp: newest.stamp.clone(),
                number: newest.number.saturating_add(1),
            },
            _ => Self { stamp, number: 0 },
        }
    }

    fn name(&self) -> String {
        format!("{FRONT}{}-{}{END}", self.stamp, self.number)
    }
}

fn stamp(at_ms: u64) -> String {
    let time = UNIX_EPOCH + Duration::from_millis(at_ms);
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.replace(['-', ':'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_when_a_file_began_and_nothing_else_is_one() {
        let first = Mark::after(None, 1_795_913_311_000);
        assert_eq!(first.name(), "payload-20261129T004831Z-0.jsonl");
        assert_eq!(Mark::parse(&first.name()), Some(first.clone()));
        let second = Mark::after(Some(&first), 1_795_913_311_999);
        assert_eq!(second.name(), "payload-20261129T004831Z-1.jsonl");
        let back = Mark::after(Some(&second), 0);
        assert_eq!(back.name(), "payload-20261129T004831Z-2.jsonl");
        let tenth = Mark::parse("payload-20261129T004831Z-10.jsonl").unwrap();
        assert!(first < second && second < back && back < tenth);
        for other in [
            "payload-20261129T004831Z-0.jsonl.gz",
            "payload-20261129T004831Z.jsonl",
            "payload-20261129T004831Z-01.jsonl",
            "payload-20261129T004831Z-+1.jsonl",
            "payload-20261129X004831Z-0.jsonl",
            "other-20261129T004831Z-0.jsonl",
        ] {
            assert_eq!(Mark::parse(other), None, "{other}");
        }
    }
}
