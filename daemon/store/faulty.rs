//! A store that fails on demand, for tests of what its callers do then.

use std::collections::VecDeque;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use impresario_pipelines::fleet::Record;

use super::{AuditQuery, Cause, Commit, Error, Keep, Loaded, Row, Shelf, Store, Stored};

/// Wraps a store; each fault that was asked for befalls one commit, or one change of rows, in order of its own.
#[derive(Debug)]
pub struct Faulty<S> {
    inner: S,
    state: Mutex<State>,
}

/// What befalls a commit or a change of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is done, as if nothing was asked for: a place in the queue.
    None,
    /// Certainly not done.
    Aborted,
    /// In doubt, and it was done.
    UnknownDone,
    /// In doubt, and it was not done.
    UnknownUndone,
}

#[derive(Debug, Default)]
struct State {
    faults: VecDeque<Fault>,
    row_faults: VecDeque<Fault>,
    in_doubt: bool,
}

// === impl Faulty ===

impl<S> Faulty<S> {
    /// A store without faults so far.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            state: Mutex::default(),
        }
    }

    /// Asks for a fault, after those asked for already.
    pub fn inject(&self, fault: Fault) {
        self.state().faults.push_back(fault);
    }

    /// Asks for a fault of a change of rows, after those asked for already. Nothing is in doubt by it but the change.
    pub fn inject_rows(&self, fault: Fault) {
        self.state().row_faults.push_back(fault);
    }

    /// The store inside.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// A change of rows under the next fault.
    fn rows_changed<T>(&self, change: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let (operation, path) = ("write rows to", Path::new("faulty"));
        let fault = self.state().row_faults.pop_front();
        match fault.unwrap_or(Fault::None) {
            Fault::None => change(),
            Fault::Aborted => Err(Error::aborted(operation, path, Cause::Injected)),
            Fault::UnknownDone => {
                change()?;
                Err(Error::unknown(operation, path, Cause::Injected))
            }
            Fault::UnknownUndone => Err(Error::unknown(operation, path, Cause::Injected)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Store> Store for Faulty<S> {
    fn load(&self) -> Result<Loaded, Error> {
        self.state().in_doubt = false;
        self.inner.load()
    }

    fn commit(&self, commit: Commit<'_>) -> Result<(), Error> {
        let (operation, path) = ("commit to", Path::new("faulty"));
        let mut state = self.state();
        if state.in_doubt {
            return Err(Error::aborted(operation, path, Cause::InDoubt));
        }
        match state.faults.pop_front().unwrap_or(Fault::None) {
            Fault::None => self.inner.commit(commit),
            Fault::Aborted => Err(Error::aborted(operation, path, Cause::Injected)),
            Fault::UnknownDone => {
                self.inner.commit(commit)?;
                state.in_doubt = true;
                Err(Error::unknown(operation, path, Cause::Injected))
            }
            Fault::UnknownUndone => {
                state.in_doubt = true;
                Err(Error::unknown(operation, path, Cause::Injected))
            }
        }
    }

    fn audit(&self, query: &AuditQuery) -> Result<Vec<Record>, Error> {
        self.inner.audit(query)
    }

    fn keep(&self, changes: &[Keep]) -> Result<(), Error> {
        self.inner.keep(changes)
    }

    fn kept(&self, shelf: Shelf) -> Result<Vec<(String, String)>, Error> {
        self.inner.kept(shelf)
    }

    fn put_rows(&self, rows: &[Row]) -> Result<(), Error> {
        self.rows_changed(|| self.inner.put_rows(rows))
    }

    fn rows(&self, range: Range<&[u8]>, most: usize) -> Result<Vec<Stored>, Error> {
        self.inner.rows(range, most)
    }

    fn drop_rows(&self, range: Range<&[u8]>, most: usize) -> Result<usize, Error> {
        self.rows_changed(|| self.inner.drop_rows(range, most))
    }

    fn backup(&self, at: u64, out: &mut dyn Write) -> Result<(), Error> {
        self.inner.backup(at, out)
    }
}
