//! Restoring a backup into a state directory, all or nothing. The daemon must not be running on it.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::sled::{Directory, Engine, fill};
use super::{Cause, Error, backup};

/// What to do with a store that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// Leave it and refuse.
    Keep,
    /// Replace it, damaged or not.
    Replace,
}

/// Makes the store in `path` what the backup says, and tells its revision. The file is read and checked whole
/// before anything is touched; a directory that a process has open is never replaced.
///
/// # Errors
/// [`Error::Aborted`]: nothing was changed.
pub fn restore(path: &Path, file: &mut dyn Read, force: Force) -> Result<u64, Error> {
    let failed = |cause| Error::aborted("restore a backup into", path, cause);
    let contents = backup::read(file).map_err(failed)?;
    let directory = Directory::lock(path).map_err(failed)?;
    let (engine, replaced) = (directory.engine(), directory.replaced());
    if engine.exists() && force == Force::Keep {
        return Err(failed(Cause::Occupied));
    }
    let new = directory.restoring();
    build(&new, &contents).map_err(|cause| {
        // What is left of it is removed when the directory is opened next.
        let _ = fs::remove_dir_all(&new);
        failed(cause)
    })?;
    let swap = || -> Result<(), Cause> {
        // The mark speaks of the store that goes: without one, any store is accepted.
        if directory.mark().exists() {
            fs::remove_file(directory.mark())?;
        }
        if engine.exists() {
            fs::rename(&engine, &replaced)?;
        }
        fs::rename(&new, &engine)?;
        directory.sync()
    };
    swap().map_err(|cause| {
        // A store that was moved away is brought back when the directory is opened next, if not now.
        if replaced.exists() && !engine.exists() {
            let _ = fs::rename(&replaced, &engine);
        }
        failed(cause)
    })?;
    if replaced.exists() {
        // As above: removed when the directory is opened next, if not now.
        let _ = fs::remove_dir_all(&replaced);
    }
    Ok(contents.routing.revision.0)
}

fn build(path: &Path, contents: &super::Contents) -> Result<(), Cause> {
    Cause::catch(|| {
        let mut engine = Engine::open_at(path, &[])?;
        fill(&mut engine, contents)?;
        drop(engine);
        for file in fs::read_dir(path)? {
            File::open(file?.path())?.sync_all()?;
        }
        Ok(File::open(path)?.sync_all()?)
    })
}
