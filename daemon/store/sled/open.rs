//! Opening: the directory and its lock, the engine, the version mark and its migrations, and the marks by which
//! missing parts are noticed.
//!
//! ```text
//! state/lock            who has the directory open
//! state/sled/           the engine's files
//! state/mark            how many commits were made: written after each one, never ahead of the engine
//! state/sled.restoring  a restore that has not been finished: removed
//! state/sled.replaced   what a restore replaced: brought back if the restore did not finish
//! ```

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use ::sled::Transactional;
use ::sled::transaction::{ConflictableTransactionError, TransactionError};

use super::trees::{Batch, Of, Trees};
use crate::store::Cause;
use crate::store::schema::{self, HeadV1};

/// The page cache, in bytes: the whole store is a few megabytes.
const CACHE: u64 = 32 << 20;
/// Who lets a file go may hold it a moment longer: the engine's background threads, a process that was just killed,
/// a child that was just begun. How often a lock is tried, and how long between.
const PATIENCE: (u32, Duration) = (50, Duration::from_millis(20));
const SCHEMA: &[u8] = b"schema";
const HEAD: &[u8] = b"head";

/// A locked state directory.
#[derive(Debug)]
pub(in crate::store) struct Directory {
    path: PathBuf,
    _lock: File,
}

/// An open engine whose contents were checked.
#[derive(Debug)]
pub(in crate::store) struct Engine {
    trees: Trees,
    /// What grows with time; neither counted nor checked.
    pub(super) rows: ::sled::Tree,
    head: HeadV1,
    pub(super) db: ::sled::Db,
    file: File,
    mark: Option<File>,
}

/// Takes a store from one schema to the next. It must be harmless to run it twice.
pub(super) type Step = fn(&::sled::Db) -> Result<(), Cause>;

/// The migrations: from which schema, and how to the next. Schema 1 is the first one.
const STEPS: &[(u32, Step)] = &[];

// === impl Directory ===

impl Directory {
    /// Makes the directory where it is missing, and locks it.
    pub(in crate::store) fn lock(path: &Path) -> Result<Self, Cause> {
        fs::create_dir_all(path)?;
        let mut options = File::options();
        let options = options.create(true).truncate(false).read(true).write(true);
        let mut lock = options.open(path.join("lock"))?;
        if !patient(|| match lock.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error.into()),
        })? {
            let mut text = String::new();
            // The number is a courtesy: without it the message still says what to do.
            let _ = lock.read_to_string(&mut text);
            let pid = text.trim().parse().ok();
            return Err(Cause::Locked { pid });
        }
        // As above: the lock holds whether or not the number could be written.
        let _ = lock
            .set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| writeln!(lock, "{}", std::process::id()));
        let directory = Self {
            path: path.to_owned(),
            _lock: lock,
        };
        directory.finish_restore()?;
        Ok(directory)
    }

    /// Where the engine's files are.
    pub(in crate::store) fn engine(&self) -> PathBuf {
        self.path.join("sled")
    }

    /// Where a restore builds the engine's files.
    pub(in crate::store) fn restoring(&self) -> PathBuf {
        self.path.join("sled.restoring")
    }

    /// Where a restore puts the files that it replaces.
    pub(in crate::store) fn replaced(&self) -> PathBuf {
        self.path.join("sled.replaced")
    }

    pub(in crate::store) fn mark(&self) -> PathBuf {
        self.path.join("mark")
    }

    /// Makes the names in the directory durable.
    pub(in crate::store) fn sync(&self) -> Result<(), Cause> {
        Ok(File::open(&self.path)?.sync_all()?)
    }

    /// A restore that was interrupted is undone, one that came to its end is tidied.
    fn finish_restore(&self) -> Result<(), Cause> {
        let replaced = self.replaced();
        if replaced.exists() {
            match self.engine().exists() {
                true => fs::remove_dir_all(&replaced)?,
                false => fs::rename(&replaced, self.engine())?,
            }
        }
        let restoring = self.restoring();
        if restoring.exists() {
            fs::remove_dir_all(restoring)?;
        }
        Ok(())
    }
}

// === impl Engine ===

impl Engine {
    /// Opens the engine of a directory and checks what it holds.
    pub(in crate::store) fn open(directory: &Directory) -> Result<Self, Cause> {
        let path = directory.engine();
        let mark = directory.mark();
        Cause::catch(|| {
            let mut engine = Self::open_at(&path, STEPS)?;
            engine.compare(&mark)?;
            // Kept open: it is written after every commit.
            let mut options = File::options();
            let options = options.create(true).truncate(false).write(true);
            engine.mark = Some(options.open(&mark)?);
            directory.sync()?;
            Ok(engine)
        })
    }

    /// Opens the engine in a folder of its own, without a mark beside it.
    pub(in crate::store) fn open_at(path: &Path, steps: &[(u32, Step)]) -> Result<Self, Cause> {
        let db = open_db(path)?;
        let fresh = migrate(&db, steps)?;
        let trees = Trees::open(&db)?;
        let file = File::open(path.join("db"))?;
        let rows = db.open_tree(super::rows::TREE)?;
        let mut engine = Self {
            trees,
            rows,
            head: HeadV1 {
                oldest: 1,
                ..HeadV1::default()
            },
            db,
            file,
            mark: None,
        };
        if fresh {
            engine.commit(&Batch::default(), None)?;
            engine.sync()?;
            File::open(path)?.sync_all()?;
        } else {
            engine.head = engine.stored_head()?;
            engine.verify()?;
        }
        Ok(engine)
    }

    pub(in crate::store) fn head(&self) -> &HeadV1 {
        &self.head
    }

    pub(super) fn trees(&self) -> &Trees {
        &self.trees
    }

    /// One transaction. It is durable only after [`Engine::sync`].
    pub(super) fn commit(&mut self, batch: &Batch, revision: Option<u64>) -> Result<(), Cause> {
        let grown = |count: u64, by: i64| count.saturating_add_signed(by);
        let done = self.trees.each()[..].transaction(|views| {
            let growth = batch.apply(views)?;
            let old = self.head;
            let newest = batch.records().map_or(old.newest, |(_, newest)| newest);
            let records = grown(
                (old.newest + 1).saturating_sub(old.oldest),
                growth[Of::Audit as usize],
            );
            let head = HeadV1 {
                commits: old.commits + 1,
                revision: revision.unwrap_or(old.revision),
                oldest: (newest + 1).saturating_sub(records),
                newest,
                pipelines: grown(old.pipelines, growth[Of::Pipelines as usize]),
                intents: grown(old.intents, growth[Of::Intents as usize]),
                applied: grown(old.applied, growth[Of::Applied as usize]),
                tokens: grown(old.tokens, growth[Of::Tokens as usize]),
            };
            let text = serde_json::to_vec(&head).map_err(|error| {
                let what = error.to_string();
                ConflictableTransactionError::Abort(Cause::Engine { what })
            })?;
            let meta = &views[Of::Meta as usize];
            meta.insert(SCHEMA, schema::VERSION.to_string().as_bytes())?;
            meta.insert(HEAD, text)?;
            Ok(head)
        });
        self.head = done.map_err(|error| match error {
            TransactionError::Abort(cause) => cause,
            TransactionError::Storage(error) => error.into(),
        })?;
        Ok(())
    }

    /// Puts and removes what the head does not count. It survives the end of the process when this returns.
    pub(in crate::store) fn keep(&self, batch: &Batch) -> Result<(), Cause> {
        let done = self.trees.each()[..].transaction(|views| batch.apply(views));
        done.map_err(|error| match error {
            TransactionError::Abort(cause) => cause,
            TransactionError::Storage(error) => error.into(),
        })?;
        self.db.flush()?;
        Ok(())
    }

    /// Makes everything committed so far survive the loss of power.
    pub(in crate::store) fn sync(&self) -> Result<(), Cause> {
        self.db.flush()?;
        self.file.sync_data()?;
        if let Some(mut mark) = self.mark.as_ref() {
            // The commit is durable by now: a mark that stays behind is allowed, so its trouble is nobody's.
            let _ = mark
                .rewind()
                .and_then(|()| writeln!(mark, "{:020}", self.head.commits));
        }
        Ok(())
    }

    /// From now on [`Engine::sync`] fails: nobody can sync a device that forgets everything.
    #[cfg(test)]
    pub(super) fn break_sync(&mut self) {
        self.file = File::open("/dev/null").expect("every Unix has it");
    }

    fn stored_head(&self) -> Result<HeadV1, Cause> {
        let text = self.trees.tree(Of::Meta).get(HEAD)?;
        let text = text.ok_or_else(|| Cause::damaged("its head is missing"))?;
        serde_json::from_slice(&text)
            .map_err(|error| Cause::damaged(format!("its head cannot be read: {error}")))
    }

    /// The trees must hold as much as the head says.
    fn verify(&self) -> Result<(), Cause> {
        let head = self.head;
        let records = (head.newest + 1).checked_sub(head.oldest);
        let records = records.ok_or_else(|| Cause::damaged("its head contradicts itself"))?;
        for (of, expected) in [
            (Of::Pipelines, head.pipelines),
            (Of::Intents, head.intents),
            (Of::Applied, head.applied),
            (Of::Audit, records),
            (Of::Tokens, head.tokens),
        ] {
            let found = self.trees.count(of)?;
            if found != expected {
                return Err(Cause::damaged(format!(
                    "{expected} values of {} were stored, {found} are there",
                    of.as_str()
                )));
            }
        }
        Ok(())
    }

    /// The engine takes a damaged end of its log for one that was never written; the mark knows better.
    fn compare(&self, mark: &Path) -> Result<(), Cause> {
        // A mark that cannot be read is one that the loss of power swallowed: it is not fsynced.
        let text = fs::read_to_string(mark).unwrap_or_default();
        match text.trim().parse::<u64>() {
            Ok(marked) if marked > self.head.commits => Err(Cause::damaged(format!(
                "{marked} changes were made, only {} are there",
                self.head.commits
            ))),
            _ => Ok(()),
        }
    }
}

pub(in crate::store) fn open_db(path: &Path) -> Result<::sled::Db, Cause> {
    let mut opened = None;
    patient(|| {
        let config = ::sled::Config::new().path(path).cache_capacity(CACHE);
        match config.open() {
            Ok(db) => opened = Some(db),
            // The engine has no kind for "locked", only this text.
            Err(error) if error.to_string().contains("could not acquire lock") => {}
            Err(error) => return Err(error.into()),
        }
        Ok(opened.is_some())
    })?;
    opened.ok_or(Cause::Locked { pid: None })
}

/// Tries until it succeeds, fails, or patience ends: then `false`.
fn patient(mut attempt: impl FnMut() -> Result<bool, Cause>) -> Result<bool, Cause> {
    let (tries, pause) = PATIENCE;
    for _ in 1..tries {
        if attempt()? {
            return Ok(true);
        }
        thread::sleep(pause);
    }
    attempt()
}

/// Brings a store to the schema of this program; tells whether it is a new one, without anything in it.
fn migrate(db: &::sled::Db, steps: &[(u32, Step)]) -> Result<bool, Cause> {
    let known = schema::VERSION;
    let meta = db.open_tree(Of::Meta.as_str())?;
    let Some(mark) = meta.get(SCHEMA)? else {
        for name in db.tree_names() {
            if !db.open_tree(&name)?.is_empty() {
                return Err(Cause::damaged(format!(
                    "it has no version mark but a tree '{}'",
                    name.escape_ascii()
                )));
            }
        }
        return Ok(true);
    };
    let text = String::from_utf8_lossy(&mark).into_owned();
    let mut found: u32 = text
        .parse()
        .map_err(|_| Cause::damaged(format!("its version mark is {text:?}")))?;
    if found > known {
        return Err(Cause::Newer { found, known });
    }
    while found < known {
        let step = steps.iter().find(|(from, _)| *from == found);
        let (_, step) = step.ok_or(Cause::Older { found })?;
        step(db)?;
        found += 1;
        meta.insert(SCHEMA, found.to_string().as_bytes())?;
        db.flush()?;
    }
    Ok(false)
}
