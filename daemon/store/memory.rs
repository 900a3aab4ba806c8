//! A store that ends with its process: for tests, and for embedding without a state directory.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Bound::{Excluded, Included};
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use impresario_pipelines::fleet::Record;

use super::{
    AuditQuery, Cause, Commit, Contents, Error, Keep, Loaded, Retention, Row, Shelf, Store, Stored,
    Token, TokenChange, backup,
};

/// Keeps everything in memory, by the same rules as the durable store.
#[derive(Debug)]
pub struct Memory {
    retention: Retention,
    contents: Mutex<Contents>,
    kept: Mutex<BTreeMap<(Shelf, String), String>>,
    rows: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
}

// === impl Memory ===

impl Memory {
    /// An empty store.
    #[must_use]
    pub fn new(retention: Retention) -> Self {
        Self {
            retention: retention.sane(),
            contents: Mutex::default(),
            kept: Mutex::default(),
            rows: Mutex::default(),
        }
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        // Contents are replaced whole, so that a panic elsewhere leaves them sound.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all_rows(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, Vec<u8>>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(Retention::default())
    }
}

impl Store for Memory {
    fn load(&self) -> Result<Loaded, Error> {
        Ok(self.contents().loaded(self.retention.history))
    }

    fn commit(&self, commit: Commit<'_>) -> Result<(), Error> {
        let mut contents = self.contents();
        let found = contents.routing.revision.0;
        let newest = contents.records.last().map(|record| record.seq);
        follows(&commit, found, newest)
            .map_err(|cause| Error::aborted("commit to", Path::new(""), cause))?;
        if let Some((_, after)) = commit.routing {
            contents.routing = after.clone();
        }
        contents.records.extend(commit.records.iter().cloned());
        let keep = usize::try_from(self.retention.audit).unwrap_or(usize::MAX);
        let extra = contents.records.len().saturating_sub(keep);
        contents.records.drain(..extra);
        let mut tokens: BTreeMap<String, Token> = std::mem::take(&mut contents.tokens)
            .into_iter()
            .map(|token| (token.id.clone(), token))
            .collect();
        for change in commit.tokens {
            match change {
                TokenChange::Put(token) => tokens.insert(token.id.clone(), token.clone()),
                TokenChange::Delete(id) => tokens.remove(id),
            };
        }
        contents.tokens = tokens.into_values().collect();
        Ok(())
    }

    fn keep(&self, changes: &[Keep]) -> Result<(), Error> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for Keep { shelf, key, text } in changes {
            let key = (*shelf, key.clone());
            match text {
                Some(text) => kept.insert(key, text.clone()),
                None => kept.remove(&key),
            };
        }
        Ok(())
    }

    fn kept(&self, shelf: Shelf) -> Result<Vec<(String, String)>, Error> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let on_shelf = kept.range((shelf, String::new())..);
        let on_shelf = on_shelf.take_while(|((on, _), _)| *on == shelf);
        Ok(on_shelf
            .map(|((_, key), text)| (key.clone(), text.clone()))
            .collect())
    }

    fn put_rows(&self, rows: &[Row]) -> Result<(), Error> {
        let mut all = self.all_rows();
        for Row { key, value } in rows {
            match value {
                Some(value) => all.insert(key.clone(), value.clone()),
                None => all.remove(key),
            };
        }
        Ok(())
    }

    fn rows(&self, range: Range<&[u8]>, most: usize) -> Result<Vec<Stored>, Error> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let all = self.all_rows();
        let within = all.range::<[u8], _>((Included(range.start), Excluded(range.end)));
        let within = within.take(most);
        Ok(within
            .map(|(key, row)| (key.clone(), row.clone()))
            .collect())
    }

    fn drop_rows(&self, range: Range<&[u8]>, most: usize) -> Result<usize, Error> {
        let found = self.rows(range, most)?;
        let mut all = self.all_rows();
        found.iter().for_each(|(key, _)| drop(all.remove(key)));
        Ok(found.len())
    }

    fn audit(&self, query: &AuditQuery) -> Result<Vec<Record>, Error> {
        let contents = self.contents();
        let newest_first = contents.records.iter().rev();
        let before = newest_first.filter(|r| query.before_seq.is_none_or(|seq| r.seq < seq));
        let asked = before.filter(|r| query.takes(r)).take(query.limit);
        Ok(asked.map(|record| record.as_ref().clone()).collect())
    }

    fn backup(&self, at: u64, out: &mut dyn Write) -> Result<(), Error> {
        let contents = self.contents().clone();
        backup::write(&contents, at, out)
            .map_err(|cause| Error::aborted("back up", Path::new(""), cause))
    }
}

/// Whether a commit follows what is stored.
pub(super) fn follows(
    commit: &Commit<'_>,
    revision: u64,
    newest: Option<u64>,
) -> Result<(), Cause> {
    if let Some((before, _)) = commit.routing
        && before.revision.0 != revision
    {
        return Err(Cause::Stale {
            expected: before.revision.0,
            found: revision,
        });
    }
    if let Some((_, after)) = commit.routing
        && after.revision.0 < revision
    {
        // Made from a state before the stored one: it would undo what nobody asked to undo.
        return Err(Cause::Stale {
            expected: after.revision.0,
            found: revision,
        });
    }
    let mut newest = newest;
    for record in commit.records {
        // The first record of all may have any number: a restored fleet goes on with its own.
        let expected = newest.map_or(record.seq, |newest| newest + 1);
        if record.seq != expected {
            return Err(Cause::Sequence {
                expected,
                found: record.seq,
            });
        }
        newest = Some(record.seq);
    }
    Ok(())
}
