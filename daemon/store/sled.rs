//! The durable store, on sled: one transaction, then flush, then fsync of the database file.
//!
//! sled's own flush survives the death of the process but promises nothing on power loss; the fsync does. How
//! the directory is locked, opened, migrated and checked is in `open`; how values become keys is in `trees`, but for rows,
//! which are stored as they come: those are in `rows`.

mod open;
mod rows;
mod trees;

#[cfg(test)]
pub(super) use open::open_db;
pub(super) use open::{Directory, Engine};

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use impresario_pipelines::fleet::{Record, Routing};

use self::trees::{Batch, Of};
use super::schema::{EntryV1, FreezeV1, IntentV1, RecordV1, TokenV1};
use super::{
    AuditQuery, Cause, Commit, Contents, Error, Keep, Loaded, Retention, Row, Shelf, Store, Stored,
    TokenChange, backup, memory,
};

/// A store in a directory. One process at a time has it open.
#[derive(Debug)]
pub struct Sled {
    path: PathBuf,
    retention: Retention,
    /// Dropped before the directory, so that the next one to lock it finds the engine closed.
    state: Mutex<State>,
    directory: Directory,
}

/// The key of the freeze of all rollouts, in the tree of the head.
const FREEZE: &[u8] = b"freeze";

#[derive(Debug)]
enum State {
    /// It can be read and committed to.
    Open(Box<Engine>),
    /// A commit is in doubt, or opening again failed: `load` opens the files anew.
    InDoubt,
}

// === impl Sled ===

impl Sled {
    /// Opens the store in a directory, makes it where there is none, and migrates an older one.
    ///
    /// # Errors
    /// [`Error::Aborted`] with the cause and its remedy: another process has it open, the directory cannot be
    /// made or written, a newer program wrote it, it is damaged.
    pub fn open(path: &Path, retention: Retention) -> Result<Self, Error> {
        let retention = retention.sane();
        let failed = |cause| Error::aborted("open the store in", path, cause);
        let directory = Directory::lock(path).map_err(failed)?;
        let mut engine = Engine::open(&directory).map_err(failed)?;
        let stale = engine.stale_records(retention.audit);
        if !stale.is_empty() {
            engine.commit(&stale, None).map_err(failed)?;
            engine.sync().map_err(failed)?;
        }
        Ok(Self {
            path: path.to_owned(),
            retention,
            state: Mutex::new(State::Open(Box::new(engine))),
            directory,
        })
    }

    /// The state directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// From now on the disk refuses to make anything durable.
    #[cfg(test)]
    pub(super) fn break_sync(&self) {
        if let State::Open(engine) = &mut *self.state() {
            engine.break_sync();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Panics of the engine are caught before they reach the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn aborted(&self, operation: &'static str, cause: Cause) -> Error {
        Error::aborted(operation, &self.path, cause)
    }

    /// What fails on the way to the disk may be there all the same.
    fn change_rows<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Engine) -> Result<T, Cause>,
    ) -> Result<T, Error> {
        match &*self.state() {
            State::Open(engine) => Cause::catch(|| work(engine))
                .map_err(|cause| Error::unknown(operation, &self.path, cause)),
            State::InDoubt => Err(self.aborted(operation, Cause::InDoubt)),
        }
    }

    fn read<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Engine) -> Result<T, Cause>,
    ) -> Result<T, Error> {
        match &*self.state() {
            State::Open(engine) => Cause::catch(|| work(engine)),
            State::InDoubt => Err(Cause::InDoubt),
        }
        .map_err(|cause| self.aborted(operation, cause))
    }
}

impl Store for Sled {
    fn load(&self) -> Result<Loaded, Error> {
        let mut state = self.state();
        if matches!(*state, State::InDoubt) {
            let opened = Engine::open(&self.directory).and_then(|engine| {
                // What is read from now on must be durable too.
                engine.sync()?;
                Ok(engine)
            });
            match opened {
                Ok(engine) => *state = State::Open(Box::new(engine)),
                Err(cause) => return Err(self.aborted("open the store again in", cause)),
            }
        }
        drop(state);
        self.read("load the store in", |engine| {
            let contents = engine.contents(self.retention.history)?;
            Ok(contents.loaded(self.retention.history))
        })
    }

    fn commit(&self, commit: Commit<'_>) -> Result<(), Error> {
        const OPERATION: &str = "commit to the store in";
        let mut state = self.state();
        let State::Open(engine) = &mut *state else {
            return Err(self.aborted(OPERATION, Cause::InDoubt));
        };
        let batch = engine
            .follows(&commit)
            .and_then(|()| batch(&commit))
            .map_err(|cause| self.aborted(OPERATION, cause))?;
        let revision = commit.routing.map(|(_, after)| after.revision.0);
        let prune = engine.stale_after(&batch, self.retention.audit);
        let batch = batch.and(prune);
        let done = Cause::catch(|| {
            engine.commit(&batch, revision)?;
            engine.sync()
        });
        done.map_err(|cause| {
            let old = std::mem::replace(&mut *state, State::InDoubt);
            // The engine panics while it closes files that it cannot write: there is nothing left to lose.
            let _ = Cause::catch(|| {
                drop(old);
                Ok(())
            });
            Error::unknown(OPERATION, &self.path, cause)
        })
    }

    fn keep(&self, changes: &[Keep]) -> Result<(), Error> {
        let mut batch = Batch::default();
        for Keep { shelf, key, text } in changes {
            let key = format!("{}{key}", shelf.prefix());
            match text {
                Some(text) => batch
                    .put(Of::Kept, key.as_bytes(), text)
                    .map_err(|cause| self.aborted("keep evidence in", cause))?,
                None => batch.remove(Of::Kept, key.as_bytes()),
            }
        }
        self.read("keep evidence in", |engine| engine.keep(&batch))
    }

    fn kept(&self, shelf: Shelf) -> Result<Vec<(String, String)>, Error> {
        self.read("read the evidence in", |engine| {
            let prefix = shelf.prefix();
            let found = engine
                .trees()
                .below::<String>(Of::Kept, prefix.as_bytes())?;
            let named = found.into_iter().map(|(key, text)| {
                let key = String::from_utf8_lossy(&key[prefix.len()..]).into_owned();
                (key, text)
            });
            Ok(named.collect())
        })
    }

    fn put_rows(&self, rows: &[Row]) -> Result<(), Error> {
        const OPERATION: &str = "write rows to the store in";
        for Row { key, value } in rows {
            let got = value.as_ref().map_or(0, Vec::len).max(key.len());
            if got > rows::LONGEST || key.is_empty() {
                let what = format!("the row '{}'", key.escape_ascii());
                let max = rows::LONGEST;
                return Err(self.aborted(OPERATION, Cause::TooLarge { what, max, got }));
            }
        }
        self.change_rows(OPERATION, |engine| engine.put_rows(rows))
    }

    fn rows(&self, range: Range<&[u8]>, most: usize) -> Result<Vec<Stored>, Error> {
        self.read("read rows of the store in", |engine| {
            engine.rows(range, most)
        })
    }

    fn drop_rows(&self, range: Range<&[u8]>, most: usize) -> Result<usize, Error> {
        self.change_rows("remove rows of the store in", |engine| {
            engine.drop_rows(range, most)
        })
    }

    fn audit(&self, query: &AuditQuery) -> Result<Vec<Record>, Error> {
        self.read("read the audit in", |engine| engine.audit(query))
    }

    fn backup(&self, at: u64, out: &mut dyn Write) -> Result<(), Error> {
        let all = self.read("back up the store in", |engine| engine.contents(u64::MAX))?;
        backup::write(&all, at, out).map_err(|cause| self.aborted("back up the store in", cause))
    }
}

/// What a commit writes.
fn batch(commit: &Commit<'_>) -> Result<Batch, Cause> {
    let mut batch = Batch::default();
    if let Some((before, after)) = commit.routing {
        batch.differing::<EntryV1, _>(Of::Pipelines, &before.pipelines, &after.pipelines)?;
        batch.differing::<IntentV1, _>(Of::Intents, &before.intents, &after.intents)?;
        batch.differing::<String, _>(Of::Applied, &before.applied, &after.applied)?;
        match &after.freeze {
            _ if before.freeze == after.freeze => {}
            Some(freeze) => batch.put(Of::Meta, FREEZE, &FreezeV1::from(freeze))?,
            None => batch.remove(Of::Meta, FREEZE),
        }
    }
    for record in commit.records {
        batch.put(
            Of::Audit,
            &record.seq.to_be_bytes(),
            &RecordV1::from(record.as_ref()),
        )?;
    }
    for change in commit.tokens {
        match change {
            TokenChange::Put(token) => {
                batch.put(Of::Tokens, token.id.as_bytes(), &TokenV1::from(token))?;
            }
            TokenChange::Delete(id) => batch.remove(Of::Tokens, id.as_bytes()),
        }
    }
    Ok(batch)
}

/// Fills a new store, for a restore: durable when it returns.
pub(super) fn fill(engine: &mut Engine, contents: &Contents) -> Result<(), Cause> {
    let tokens: Vec<_> = contents
        .tokens
        .iter()
        .cloned()
        .map(TokenChange::Put)
        .collect();
    let empty = Routing::default();
    let batch = batch(&Commit {
        routing: Some((&empty, &contents.routing)),
        records: &contents.records,
        tokens: &tokens,
    })?;
    engine.commit(&batch, Some(contents.routing.revision.0))?;
    engine.sync()
}

// === impl Engine: reading and checking what a store says ===

impl Engine {
    /// Whether a commit follows what is stored.
    fn follows(&self, commit: &Commit<'_>) -> Result<(), Cause> {
        let head = self.head();
        let newest = (head.newest >= head.oldest).then_some(head.newest);
        memory::follows(commit, head.revision, newest)
    }

    /// Everything, with the newest `history` records.
    fn contents(&self, history: u64) -> Result<Contents, Cause> {
        let trees = self.trees();
        let head = self.head();
        let mut contents = Contents::default();
        contents.routing.revision = impresario_pipelines::Revision(head.revision);
        for (name, entry) in trees.all::<EntryV1>(Of::Pipelines)? {
            contents
                .routing
                .pipelines
                .insert(trees::name(&name)?, entry.into());
        }
        for (name, intent) in trees.all::<IntentV1>(Of::Intents)? {
            contents
                .routing
                .intents
                .insert(trees::name(&name)?, intent.into());
        }
        for (name, digest) in trees.all::<String>(Of::Applied)? {
            contents.routing.applied.insert(trees::name(&name)?, digest);
        }
        let freeze: Option<FreezeV1> = trees.one(Of::Meta, FREEZE)?;
        contents.routing.freeze = freeze.map(Into::into);
        for (_, token) in trees.all::<TokenV1>(Of::Tokens)? {
            contents.tokens.push(token.into());
        }
        let from = (head.newest + 1).saturating_sub(history).max(head.oldest);
        for seq in from..=head.newest {
            contents.records.push(Arc::new(self.record(seq)?));
        }
        Ok(contents)
    }

    fn audit(&self, query: &AuditQuery) -> Result<Vec<Record>, Cause> {
        let head = self.head();
        let newest = query
            .before_seq
            .map_or(head.newest, |seq| head.newest.min(seq.saturating_sub(1)));
        let mut found = Vec::new();
        for seq in (head.oldest..=newest).rev() {
            if found.len() >= query.limit {
                break;
            }
            let record = self.record(seq)?;
            if query.takes(&record) {
                found.push(record);
            }
        }
        Ok(found)
    }

    fn record(&self, seq: u64) -> Result<Record, Cause> {
        let stored: Option<RecordV1> = self.trees().one(Of::Audit, &seq.to_be_bytes())?;
        let missing = || Cause::damaged(format!("record {seq} of the audit is missing"));
        let record = stored.ok_or_else(missing)?;
        if record.seq != seq {
            return Err(Cause::damaged(format!(
                "record {} of the audit stands in the place of record {seq}",
                record.seq
            )));
        }
        Ok(record.into())
    }

    /// The removal of records that are too many now.
    fn stale_records(&self, keep: u64) -> Batch {
        self.stale_after(&Batch::default(), keep)
    }

    /// The removal of records that will be too many after a batch.
    fn stale_after(&self, batch: &Batch, keep: u64) -> Batch {
        let head = self.head();
        let (first, newest) = batch.records().unwrap_or((head.oldest, head.newest));
        let oldest = match head.newest < head.oldest {
            true => first,
            false => head.oldest,
        };
        let mut stale = Batch::default();
        for seq in oldest..(newest + 1).saturating_sub(keep).max(oldest) {
            stale.remove(Of::Audit, &seq.to_be_bytes());
        }
        stale
    }
}
