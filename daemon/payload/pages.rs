//! The thread that writes: lines to files, a new file where one is full, the oldest deleted where there are too many.
//!
//! Lines are gathered while more wait, for a second at most. What a full disk takes half of is cut off again, so that a
//! file's lines are whole but for the last one of a process that was killed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::encode::encode;
use super::files;
use super::record::Record;
use super::settings::Settings;
use super::tally::{Tally, Trouble};
use crate::clock;

/// Bytes that are gathered before they are written.
const GATHER: usize = 256 << 10;
/// The longest that they are gathered.
const FLUSH: Duration = Duration::from_secs(1);
/// How often the log is told of the same trouble.
const TELL: Duration = Duration::from_secs(60);

/// What the thread is told.
pub(super) enum Message {
    /// A record, and the bytes that it holds in the queue.
    Record(Box<Record>, usize),
    /// To look whether it is to end.
    Wake,
}

/// Writes until it is told to end, or nobody can tell it anything any more.
pub(super) struct Pages {
    settings: Arc<Settings>,
    tally: Arc<Tally>,
    ending: Arc<AtomicBool>,
    page: Option<Page>,
    /// Lines that are not written yet.
    gathered: Vec<u8>,
    lines: u64,
    shed: u64,
    told: Option<Instant>,
}

/// The file that is written to.
struct Page {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    bytes: u64,
}

// === impl Pages ===

impl Pages {
    pub(super) fn new(settings: Arc<Settings>, tally: Arc<Tally>, ending: Arc<AtomicBool>) -> Self {
        Self {
            settings,
            tally,
            ending,
            page: None,
            gathered: Vec::new(),
            lines: 0,
            shed: 0,
            told: None,
        }
    }

    /// What is in the queue when it is told to end is written still.
    pub(super) fn work(mut self, queue: &Receiver<Message>) {
        while let Ok(first) = queue.recv() {
            let mut since = clock::instant();
            let mut next = Some(first);
            while let Some(message) = next {
                if let Message::Record(record, held) = message {
                    self.add(*record);
                    self.tally.waiting.fetch_sub(1, Ordering::Relaxed);
                    self.tally.held.fetch_sub(held, Ordering::Relaxed);
                }
                if since.elapsed() >= FLUSH {
                    self.flush();
                    since = clock::instant();
                }
                next = queue.try_recv().ok();
            }
            self.flush();
            if self.ending.load(Ordering::Acquire) {
                return;
            }
        }
    }

    /// Writes one record at once.
    #[cfg(test)]
    pub(super) fn write_now(&mut self, record: Record) {
        self.add(record);
        self.flush();
    }

    fn add(&mut self, mut record: Record) {
        let Settings {
            max_file,
            max_record,
            ..
        } = *self.settings;
        let (line, shed) = encode(&mut record, &self.settings.redact, max_record);
        let more = (self.gathered.len() + line.len() + 1) as u64;
        let there = self.page.as_ref().map_or(0, |page| page.bytes);
        if there + more > max_file && there + more > line.len() as u64 + 1 {
            self.flush();
            self.page = None;
        }
        self.gathered.extend_from_slice(&line);
        self.gathered.push(b'\n');
        self.lines += 1;
        self.shed += u64::from(shed);
        if self.gathered.len() >= GATHER {
            self.flush();
        }
    }

    /// Writes what is gathered. What cannot be written is lost, and counted.
    fn flush(&mut self) {
        if self.gathered.is_empty() {
            return;
        }
        let lines = std::mem::take(&mut self.lines);
        let shed = std::mem::take(&mut self.shed);
        match self.write() {
            Ok(()) => self.tally.wrote(lines, self.gathered.len() as u64, shed),
            Err(error) => self.failed(&error, lines),
        }
        self.gathered.clear();
    }

    fn write(&mut self) -> io::Result<()> {
        // Who takes a file away gets the rest in another one.
        let page = match self.page.take().filter(|page| page.path.exists()) {
            Some(page) => page,
            None => Page::begin(&self.settings)?,
        };
        let page = self.page.insert(page);
        let written = page.file.write_all(&self.gathered);
        match written {
            Ok(()) => page.bytes += self.gathered.len() as u64,
            // Half a line would spoil the one after it. Where it stays, the next one begins a file of its own.
            Err(_) => {
                if page.file.set_len(page.bytes).is_err() {
                    self.page = None;
                }
            }
        }
        written
    }

    fn failed(&mut self, error: &io::Error, lines: u64) {
        self.tally.failed(lines);
        let path = match &self.page {
            Some(page) => page.path.display().to_string(),
            None => self.settings.folder.display().to_string(),
        };
        self.tally.trouble(Some(Trouble {
            at: clock::wall_ms(),
            what: format!("write {path}: {error}"),
        }));
        if self.told.is_none_or(|told| told.elapsed() >= TELL) {
            tracing::error!(path, %error, lines, "payload log: records are lost; told once a minute");
            self.told = Some(clock::instant());
        }
    }
}

// === impl Page ===

impl Page {
    /// Begins a file, and deletes the oldest ones until there is room for it.
    fn begin(settings: &Settings) -> io::Result<Self> {
        files::make(&settings.folder)?;
        make_room(settings)?;
        let (path, file) = files::begin(&settings.folder, clock::wall_ms())?;
        Ok(Self {
            path,
            file,
            bytes: 0,
        })
    }
}

/// Deletes the oldest files, so that one more that is full fits beside the rest.
fn make_room(settings: &Settings) -> io::Result<()> {
    let mut files = files::found(&settings.folder)?;
    files.reverse();
    let mut bytes: u64 = files.iter().map(|file| file.bytes).sum();
    while let Some(oldest) = files.pop() {
        let many = files.len() + 2 > settings.max_files;
        if !many && bytes.saturating_add(settings.max_file) <= settings.max_total {
            break;
        }
        delete(&oldest.path)?;
        bytes = bytes.saturating_sub(oldest.bytes);
    }
    Ok(())
}

/// Deletes a file; one that somebody else has deleted meanwhile is gone all the same.
fn delete(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deleted_already_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old");
        fs::write(&path, "a line").unwrap();
        delete(&path).unwrap();
        assert!(!path.exists());
        delete(&path).unwrap();
        // What is no file is in the way still.
        assert!(delete(folder.path()).is_err());
    }
}
